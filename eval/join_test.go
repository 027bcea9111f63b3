package eval_test

import (
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/value"
)

// The changes of two policies are those of both: where they count one limit differently the larger counts, and what one of them keeps out of the log isn't in it.
func TestJoinChanges(t *testing.T) {
	now := time.Unix(1790000000, 0).UTC()
	cell := func(of byte) eval.Cell { return eval.Cell{Of: [16]byte{of}, Agent: "a"} }
	sum := func(total int64, private bool) eval.Change {
		return eval.Change{Cell: cell(1), Kind: eval.ChangeSum, Time: now, Part: time.Minute, Total: value.DecimalFromInt(total), Private: private}
	}
	count := func(after time.Duration) eval.Change {
		return eval.Change{Cell: cell(2), Kind: eval.ChangeCount, Time: now.Add(after)}
	}
	state := func(of byte, to string) eval.Change {
		return eval.Change{Cell: cell(of), Kind: eval.ChangeState, State: to}
	}
	for _, c := range []struct {
		name string
		a, b []eval.Change
		want []eval.Change // nil: they don't go together
	}{
		{"none has a history", nil, nil, []eval.Change{}},
		{"one has none", []eval.Change{sum(1, true), count(time.Second)}, nil, []eval.Change{sum(1, true), count(time.Second)}},
		{"the same", []eval.Change{sum(1, false)}, []eval.Change{sum(1, false)}, []eval.Change{sum(1, false)}},
		{"one is private", []eval.Change{sum(1, true)}, []eval.Change{sum(1, false)}, []eval.Change{sum(1, true)}},
		{"the larger counts", []eval.Change{sum(3, false), count(2)}, []eval.Change{sum(2, true), count(3)}, []eval.Change{sum(3, true), count(3)}},
		{"one state", []eval.Change{state(3, "x")}, []eval.Change{state(3, "x"), state(4, "y")}, []eval.Change{state(3, "x"), state(4, "y")}},
		{"two states", []eval.Change{state(3, "x")}, []eval.Change{state(3, "y")}, nil},
	} {
		for turn := range 2 {
			got, ok := eval.JoinChanges(c.a, c.b)
			if ok != (c.want != nil) || len(got) != len(c.want) {
				t.Errorf("%s, turn %d: %v %t", c.name, turn, got, ok)
				continue
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%s, turn %d: %+v, want %+v", c.name, turn, got[i], c.want[i])
				}
			}
			c.a, c.b = c.b, c.a
		}
	}
}
