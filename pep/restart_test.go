package pep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// crash goes on with a copy of the files as they are now: what a process that is killed leaves behind.
func (w *world) crash() {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "pep")
	if err := os.CopyFS(dir, os.DirFS(w.cfg.Dir)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.pep.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Dir, w.cfg.Create = dir, false
	w.open()
}

// decisions are the records of decisions in the log with a code.
func (w *world) decisions(code eval.Code) (out []*audit.Decision) {
	w.t.Helper()
	for _, r := range w.records() {
		if d, ok := r.Event.(*audit.Decision); ok && d.Code == string(code) {
			out = append(out, d)
		}
	}
	return out
}

// P01, P14: a message whose decision ends in a panic, or can't be written down as it is, is used up all the same: its record is in the log, and a crash
// right after doesn't make it new.
func TestP01ReplayOfWhatPanicked(t *testing.T) {
	var broken bool
	w := started(t, func(c *pep.Config) {
		c.Facts = func(_ context.Context, call pep.Call) (eval.Facts, error) {
			text, _ := call.Request.Args.Get("text")
			switch {
			case !broken:
			case text.Text == "panic":
				panic("boom")
			default:
				return eval.Facts{ValueOrigins: map[string][]string{"a page with \xff in it": {"web"}}}, nil // what a careless host makes of somebody's bytes
			}
			return eval.Facts{}, nil
		}
	})
	broken = true
	panicked, unwritable := w.delivery("note", `{"text": "panic"}`, "coordinator"), w.delivery("note", `{"text": "label"}`, "coordinator")
	a := w.expect(panicked, eval.Deny, eval.CodeInternal)
	b := w.expect(unwritable, eval.Deny, pep.CodeNotRecorded)
	broken = false
	w.crash()
	w.nobody(panicked, nil)
	w.nobody(unwritable, nil)
	for code, want := range map[eval.Code]pep.Answer{eval.CodeInternal: a, pep.CodeNotRecorded: b} {
		found := w.decisions(code)
		if len(found) != 1 || found[0].Sequence != want.Message.Sequence || found[0].Stage != uint64(pep.StageRules) || want.Index == 0 {
			t.Errorf("%s: %d records; the answer says %d", code, len(found), want.Index)
		}
	}
}

// R05, P02: a clock that goes back makes no denied message fresh, even where nothing but that message was decided and the process is killed.
func TestR05ClockBackAndCrash(t *testing.T) {
	w := started(t)
	w.clock.pass(50 * time.Minute)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit) // time is ten to one from here on
	w.clock.jump(-50 * time.Minute)
	m := w.message(w.token("coordinator"), "execute", "tool://note", note)
	raw := w.tokenAt(w.clock.now().Add(50*time.Minute), "coordinator")
	_, m.Token, _ = token.Claimed(raw)
	m.Time = w.clock.now().Add(50 * time.Minute)
	m.Policy = token.Digest{1} // not in force: no facts are asked for
	d := &token.Delivery{Message: w.sign("coordinator", m), Token: raw}
	w.expect(d, eval.Deny, pep.CodePolicyMismatch)
	w.crash()
	for _, r := range w.decisions(pep.CodePolicyMismatch) {
		if !r.Facts.Time.Equal(m.Time) {
			t.Errorf("the record's time is %s, and it was decided at %s", r.Facts.Time, m.Time)
		}
	}
	w.nobody(d, nil)
	w.restart() // sums up, and forgets whom it may forget
	w.nobody(d, nil)
}

// tokenAt is a token that is valid around a time.
func (w *world) tokenAt(at time.Time, names ...string) []byte {
	all := grant([]string{"execute"}, []string{"tool://**"})
	return w.tokenOf(func(int) token.Block {
		return token.Block{Grants: []token.Grant{all}, NotBefore: at.Add(-time.Minute).Truncate(time.Second), Expires: at.Add(time.Hour).Truncate(time.Second)}
	}, names...)
}

// R03: what an agent revoked of its own stays revoked when the trust document doesn't name the agent any more, also after a restart; and when it
// is named again, its older list is refused.
func TestR03RevocationOutlivesStanding(t *testing.T) {
	w := started(t)
	raw := w.token("coordinator", "mallory")
	send := func(code eval.Code, outcome eval.Outcome) {
		t.Helper()
		w.expect(&token.Delivery{Message: w.sign("mallory", w.message(raw, "execute", "tool://note", note)), Token: raw}, outcome, code)
	}
	send(eval.CodePermit, eval.Permit)
	now := w.clock.now().Truncate(time.Second)
	list := func(sequence uint64, keys ...token.Key) []byte {
		return must[[]byte](t)(token.SignRevocations(w.ids["coordinator"], token.RevocationList{Realm: "test", Sequence: sequence, Issued: now, NextUpdate: now.Add(time.Hour), Keys: keys}))
	}
	if err := w.pep.Revoke(list(2, w.ids["mallory"].Key())); err != nil {
		t.Fatal(err)
	}
	send(pep.CodeToken+"revoked", eval.Deny)
	coordinator := w.ids["coordinator"]
	delete(w.ids, "coordinator")
	unnamed := w.trustText(2)
	w.ids["coordinator"] = coordinator
	setTrust := func(text []byte) {
		t.Helper()
		if err := w.pep.SetTrust(text); err != nil {
			t.Fatal(err)
		}
		w.cfg.Trust, w.trust = text, w.pep.Trust()
	}
	setTrust(unnamed)
	send(pep.CodeToken+"revoked", eval.Deny)
	w.restart()
	send(pep.CodeToken+"revoked", eval.Deny)
	setTrust(w.trustText(3))
	if err := w.pep.Revoke(list(1)); !errors.Is(err, token.Rollback) {
		t.Errorf("an older list of an agent that is named again: %v", err)
	}
	send(pep.CodeToken+"revoked", eval.Deny)
}

// R06: an older state put back beside the log doesn't bring a used approval back.
func TestR06OlderStateWithUsedApproval(t *testing.T) {
	w := started(t)
	ask, _ := w.ask(payment, "coordinator")
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	statePath := filepath.Join(w.cfg.Dir, "state.db")
	older := must[[]byte](t)(os.ReadFile(statePath))
	w.cfg.Create = false
	w.open()
	approval := w.approve("alice", ask.Approval("test", "big", w.clock.now()))
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Permit, eval.CodePermit)
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(statePath, older, 0o600); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	w.restart() // nor later
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
}

// L01: an older state put back beside the log doesn't let an older trust document in, once a checkpoint has told of the newer one.
func TestL01OlderStateWithOlderTrust(t *testing.T) {
	w := started(t)
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	statePath := filepath.Join(w.cfg.Dir, "state.db")
	older := must[[]byte](t)(os.ReadFile(statePath))
	w.cfg.Create = false
	w.open()
	if err := w.pep.SetTrust(w.trustText(2)); err != nil {
		t.Fatal(err)
	}
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(statePath, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := pep.Open(w.cfg); !errors.Is(err, token.Rollback) {
		if p != nil {
			p.Close()
		}
		t.Errorf("starts with an older trust document: %v", err)
	}
}

// What an approval is bound to stands in the log as it was signed.
func TestAskIsRecordedAsSigned(t *testing.T) {
	w := started(t)
	name := must[resource.Name](t)(resource.Parse("tool://pay"))
	ask, d := w.ask(payment, "coordinator")
	approval := w.approve("alice", ask.Approval("test", "big", w.clock.now()))
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Permit, eval.CodePermit)
	m := must[*token.Message](t)(token.OpenMessage(d.Message))
	req := must[eval.Request](t)(eval.Call("coordinator", "pay", m.Args))
	req.Kind, req.Resource = "agent", name
	want := eval.RequestDigest(req, eval.Facts{Authority: &eval.Authority{Root: w.root.Key().String()}})
	asked, permitted := w.decisions(eval.CodeNeedsApproval), w.decisions(eval.CodePermit)
	if len(asked) != 1 || asked[0].Request.Digest != want {
		t.Errorf("the ask: %+v", asked)
	}
	if len(permitted) != 1 || permitted[0].Request.Digest != want || len(permitted[0].Used) != 1 || permitted[0].Used[0].Request.Digest != want || len(permitted[0].Facts.Approvals) != 1 {
		t.Errorf("the permit: %+v", permitted)
	}
}
