package demo

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The story goes as it is told, and the steps that give the reader something to look at do.
func TestRun(t *testing.T) {
	var ids []string
	reasons := map[string]string{}
	err := Run(context.Background(), t.TempDir(), func(s Step) error {
		ids = append(ids, s.ID)
		reasons[s.ID] = s.Reason
		if !s.AsTold {
			t.Errorf("%d %s: %s %s, want %s: %s %s", s.Number, s.ID, s.Answer, s.Code, s.Expected, s.Reason, s.Ended)
		}
		if s.Number != len(ids) || s.Title == "" || s.Lesson == "" || s.Request == "" {
			t.Errorf("%+v", s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// They are stable.
	want := []string{"delegation", "work", "overreach", "sideways", "forgery", "replay", "theft", "tampering", "injection", "ask", "approval", "reuse", "revocation", "others", "log", "edited", "cut"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]string{
		"forgery":    "block 1: the child would reach env://production, which no grant of its parent covers (use on env://production)",
		"replay":     "the sequence number 2 of tester has been used",
		"theft":      "the sender is not the audience of the token",
		"tampering":  "tester didn't sign this message",
		"revocation": "block 0: the audience coordinator is revoked",
	} {
		if reasons[id] != want {
			t.Errorf("%s: %q, want %q", id, reasons[id], want)
		}
	}
}

func TestRunStops(t *testing.T) {
	stop := errors.New("enough")
	steps := 0
	err := Run(context.Background(), t.TempDir(), func(Step) error { steps++; return stop })
	if !errors.Is(err, stop) || steps != 1 {
		t.Errorf("%d steps, %v", steps, err)
	}
	if err := Run(context.Background(), "/dev/null/nowhere", func(Step) error { return nil }); err == nil {
		t.Error("a directory that can't be")
	}
}

func TestAsTold(t *testing.T) {
	for _, tt := range []struct {
		step Step
		want bool
	}{
		{Step{Expected: "deny forbidden", Answer: "deny", Code: "forbidden"}, true},
		{Step{Expected: "deny forbidden", Answer: "deny", Code: "no_permit"}, false},
		{Step{Expected: "deny forbidden", Answer: "permit", Code: "permit", Ended: "delivered"}, false},
		{Step{Expected: "permit permit", Answer: "permit", Code: "permit", Ended: "delivered"}, true},
		{Step{Expected: "permit permit", Answer: "permit", Code: "permit", Ended: "no_handler"}, false},
		{Step{Expected: "deny forbidden", Answer: "deny", Code: "forbidden", Ended: "delivered"}, false},
		{Step{Expected: "broken", Answer: "broken"}, true},
		{Step{Expected: "broken", Answer: "sound"}, false},
		{Step{}, false},
	} {
		if got := tt.step.asTold(); got != tt.want {
			t.Errorf("%+v: %t", tt.step, got)
		}
	}
}
