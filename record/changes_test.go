package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/value"
)

// What the log says of changes is what they were, but for totals of private arguments: of those nothing is left, so that nothing fits beside them.
func TestChangesRoundTrip(t *testing.T) {
	at := time.Date(2026, 1, 5, 12, 0, 0, 123456789, time.UTC)
	total, err := value.ParseDecimal("20.000000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	cell := eval.Cell{Of: [16]byte{1, 15: 255}, Agent: "a\x00b", Session: "s"}
	changes := []eval.Change{
		{Cell: cell, Kind: eval.ChangeCount, Time: at},
		{Cell: cell, Kind: eval.ChangeSum, Time: at, Part: time.Minute, Total: total},
		{Cell: cell, Kind: eval.ChangeSum, Time: time.Unix(0, 0).UTC()},
		{Cell: cell, Kind: eval.ChangeOnce, Time: at},
		{Cell: cell, Kind: eval.ChangeMaybe, Time: at},
		{Cell: cell, Kind: eval.ChangeState, State: "open"},
		{Cell: cell, Kind: eval.ChangeSum, Time: at, Part: time.Minute, Total: total, Private: true},
	}
	written := record.Changes(changes)
	if last := written[len(written)-1]; last.Total != "" {
		t.Errorf("a private total is written: %+v", last)
	}
	got, err := record.History(written)
	if err != nil {
		t.Fatal(err)
	}
	changes[len(changes)-1].Total = eval.UnknownTotal()
	if diff := cmp.Diff(changes, got, cmpopts.EquateComparable(value.Decimal{})); diff != "" {
		t.Error(diff)
	}
	if record.Changes(nil) != nil {
		t.Error("no changes are some")
	}
}

func TestChangesThatAreNone(t *testing.T) {
	good := audit.HistoryChange{Of: strings.Repeat("0", 32), Agent: "a", Kind: "count", Time: time.Unix(1, 0)}
	for name, change := range map[string]func(*audit.HistoryChange){
		"no limit":      func(x *audit.HistoryChange) { x.Of = "" },
		"half a limit":  func(x *audit.HistoryChange) { x.Of = x.Of[:16] },
		"two limits":    func(x *audit.HistoryChange) { x.Of += x.Of },
		"no digits":     func(x *audit.HistoryChange) { x.Of = strings.Repeat("x", 32) },
		"no kind":       func(x *audit.HistoryChange) { x.Kind = "" },
		"another kind":  func(x *audit.HistoryChange) { x.Kind = "counts" },
		"a long part":   func(x *audit.HistoryChange) { x.Kind, x.Part = "sum", 1<<63 },
		"no total":      func(x *audit.HistoryChange) { x.Kind, x.Total = "sum", "many" },
		"a large total": func(x *audit.HistoryChange) { x.Kind, x.Total = "sum", strings.Repeat("9", 40) },
	} {
		x := good
		change(&x)
		if got, err := record.History([]audit.HistoryChange{good, x}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := record.History([]audit.HistoryChange{good}); err != nil {
		t.Error(err)
	}
}
