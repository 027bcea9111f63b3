package pep_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// How a permit ended is in the log, without what the policy keeps out of it; of anything else than a permit nothing ended.
func TestRecordEffect(t *testing.T) {
	w := started(t)
	secret := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit) // its key is redacted, but it has none
	keyed := w.expect(w.delivery("note", `{"text": "hello", "key": "1234"}`, "coordinator"), eval.Permit, eval.CodePermit)
	for _, a := range []pep.Answer{secret, keyed} {
		index, err := w.pep.RecordEffect(a, pep.Ending{Outcome: "failed", Bytes: 7, Detail: errors.New("no room for 1234\xff" + strings.Repeat("x", 2*pep.MaxEffectDetail))})
		if err != nil || index <= a.Index {
			t.Errorf("record %d: %v", index, err)
		}
	}
	var effects []*audit.Effect
	for _, r := range w.records() {
		if e, ok := r.Event.(*audit.Effect); ok {
			effects = append(effects, e)
		}
	}
	if len(effects) != 2 {
		t.Fatalf("%d effects", len(effects))
	}
	if e := effects[0]; e.Decision != secret.Index || e.Outcome != "failed" || e.Bytes != 7 || e.Agent != "coordinator" || !strings.HasPrefix(e.Detail.Text, "no room for 1234?x") || len(e.Detail.Text) > pep.MaxEffectDetail {
		t.Errorf("%+v", e)
	}
	if e := effects[1]; e.Decision != keyed.Index || e.Detail.Text != "" || e.Detail.Mode != audit.Redact {
		t.Errorf("%+v", e)
	}
	denied := w.expect(w.delivery("deploy", `{"commit": "4f2a", "hosts": 1}`, "coordinator"), eval.Deny, eval.CodeNoPermit)
	forged, withdrawn := denied, secret
	forged.Outcome, withdrawn.Outcome = eval.Permit, eval.Deny
	for name, a := range map[string]pep.Answer{"zero": {}, "denied": denied, "made up": {Outcome: eval.Permit}, "turned round": forged, "withdrawn": withdrawn} {
		if _, err := w.pep.RecordEffect(a, pep.Ending{Outcome: "ok"}); err == nil {
			t.Errorf("%s: an effect of what wasn't permitted", name)
		}
		if w.pep.Holds(a) == nil {
			t.Errorf("%s: it holds", name)
		}
		if _, err := a.Effects(); err == nil {
			t.Errorf("%s: it has effects", name)
		}
	}
	w.pep.Close()
	if _, err := w.pep.RecordEffect(secret, pep.Ending{Outcome: "ok"}); err == nil {
		t.Error("recorded in a closed log")
	}
}

// A permit holds as long as its message is fresh and what it was decided by is in force.
func TestHolds(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(w *world) error
		holds  bool
	}{
		"at once": {func(*world) error { return nil }, true},
		"in time": {func(w *world) error { w.clock.pass(pep.MaxAge); return nil }, true},
		"too old": {func(w *world) error { w.clock.pass(pep.MaxAge + time.Millisecond); return nil }, false},
		"clock":   {func(w *world) error { w.clock.jump(time.Hour); return nil }, false},
		"revocation": {func(w *world) error {
			return w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["coordinator"].Key()}})
		}, false},
		"another's": {func(w *world) error {
			return w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["mallory"].Key()}})
		}, true},
		"trust": {func(w *world) error { return w.pep.SetTrust(w.trustText(2)) }, false},
	} {
		w := started(t)
		a := w.expect(w.delivery("note", note, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
		if err := tt.change(w); err != nil {
			t.Fatal(err)
		}
		if err := w.pep.Holds(a); (err == nil) != tt.holds {
			t.Errorf("%s: %v", name, err)
		}
	}
	files := fstest.MapFS{"policy.moat": {Data: []byte(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"))}}
	r := started(t, func(c *pep.Config) { c.Policy = pep.FS(files, ".") })
	b := r.expect(r.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	files["policy.moat"].Data = append(files["policy.moat"].Data, "forbid any to execute on tool note\n"...)
	if err := r.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	if r.pep.Holds(b) == nil {
		t.Error("it holds under another policy")
	}
	w := started(t, func(c *pep.Config) { c.Rollover = 30 * time.Second })
	a := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	if err := w.pep.SetTrust(w.trustText(2)); err != nil {
		t.Fatal(err)
	}
	if err := w.pep.Holds(a); err != nil {
		t.Errorf("inside the rollover: %v", err)
	}
	w.clock.pass(30 * time.Second)
	if w.pep.Holds(a) == nil {
		t.Error("it holds after the rollover")
	}
}

// What was turned away elsewhere is counted here.
func TestRefuse(t *testing.T) {
	w := started(t)
	if a := w.pep.Refuse(errors.New("too large")); a.Outcome != eval.Deny || a.Code != pep.CodeUnauthenticated || a.Index != 0 {
		t.Errorf("%+v", a)
	}
	if a := (*pep.PEP)(nil).Refuse(nil); a.Code != pep.CodeClosed {
		t.Errorf("%+v", a)
	}
	w.pep.Close()
	for _, r := range w.records() {
		if j, ok := r.Event.(*audit.Junk); ok && j.Count == 1 && j.Sample.Text == "too large" {
			return
		}
	}
	t.Error("it isn't counted")
}

// What a call touches is what was decided, by the facts of the decision.
func TestAnswerEffects(t *testing.T) {
	labels := []string{"user"}
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + "tool tell(to: string)\n  does send on \"agent://reviewer\" when args.to from user\n  does send on \"agent://deployer\" when not (args.to from user)\n" +
			"permit coordinator to execute on tool tell\npermit coordinator to send on agent reviewer, agent deployer\n")
		c.Facts = func(context.Context, pep.Call) (eval.Facts, error) {
			return eval.Facts{Origins: map[string][]string{"/to": labels}}, nil
		}
	})
	all := grant([]string{"execute", "send"}, []string{"tool://**", "agent://**"})
	for label, want := range map[string]string{"user": "agent://reviewer", "web": "agent://deployer"} {
		labels = []string{label}
		raw := w.tokenOf(func(int) token.Block { return token.Block{Grants: []token.Grant{all}} }, "coordinator")
		a := w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(raw, "execute", "tool://tell", `{"to": "x"}`)), Token: raw}, eval.Permit, eval.CodePermit)
		effects, err := a.Effects()
		if err != nil || len(effects) != 1 || effects[0].Action != "send" || effects[0].Resource.String() != want {
			t.Errorf("from %s it does %v, %v", label, effects, err)
		}
	}
}
