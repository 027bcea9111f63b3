package pep_test

import (
	"testing"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

func TestDecide(t *testing.T) {
	w := newWorld(t)
	if err := w.revocations(token.RevocationList{Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	a := w.expect(w.delivery("note", `{"text": "hello"}`, "coordinator"), eval.Permit, eval.CodePermit)
	if a.Stage != pep.StageRules || a.Index == 0 || a.Chain == nil || a.Message == nil || len(a.Decision.Rules) == 0 {
		t.Errorf("%+v", a)
	}
	w.expect(w.delivery("note", `{"text": "hello"}`, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
	w.expect(w.delivery("deploy", `{"commit": "4f2a", "hosts": 1}`, "coordinator", "deployer"), eval.Deny, eval.CodeConditionFailed)
	var seen int
	for _, r := range w.records() {
		if d, ok := r.Event.(*audit.Decision); ok {
			seen++
			if d.Sender == "" || d.Sequence == 0 || len(d.Token.Blocks) == 0 {
				t.Errorf("%s", r.Line)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d decisions in the log", seen)
	}
}
