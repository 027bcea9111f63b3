package pep_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// R06: in a rollover window, where two policies decide, an approval that satisfies one of them isn't used up for nothing: with one for each the call is permitted, once.
func TestR06ApprovalsInRollover(t *testing.T) {
	dir := t.TempDir()
	base := replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH")
	w := started(t, func(c *pep.Config) { c.Policy, c.Rollover = pep.Dir(dir), time.Minute; write(t, dir, base) })
	raw := w.token("coordinator")
	policy := w.pep.Policy().Digest()
	send := func(outcome eval.Outcome, approvals ...[]byte) pep.Answer {
		t.Helper()
		m := w.message(raw, "execute", "tool://pay", payment)
		m.Policy = policy
		a := w.decide(&token.Delivery{Message: w.sign("coordinator", m), Token: raw, Approvals: approvals})
		if a.Outcome != outcome {
			t.Fatalf("%s (%s) %v, want %s", a.Outcome, a.Code, a.Reason, outcome)
		}
		return a
	}
	old := send(eval.Ask).Ask
	write(t, dir, base+"permit more: deployer to execute on tool note\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	byOld := w.approve("alice", old.Approval("test", "big", w.clock.now()))
	now := send(eval.Ask, byOld).Ask // approved under the policy of before; the one in force waits
	if now.Nonce != old.Nonce || now.Policy == old.Policy {
		t.Errorf("asks with %s for %s, after %s for %s", now.Nonce, now.Policy, old.Nonce, old.Policy)
	}
	byNew := w.approve("alice", now.Approval("test", "big", w.clock.now()))
	if again := send(eval.Ask, byNew).Ask; again.Nonce != old.Nonce || again.Policy != old.Policy {
		t.Errorf("approved under the policy in force, asks with %s for %s", again.Nonce, again.Policy)
	}
	send(eval.Permit, byOld, byNew)
	if again := send(eval.Ask, byOld, byNew).Ask; again.Nonce == old.Nonce {
		t.Error("the nonce is used, and waits again")
	}
}

// What has expired is gone from the state as well, however the asks come in.
func TestExpiredAsksAreDeleted(t *testing.T) {
	w := started(t)
	for i := range pep.MaxAsks {
		w.ask(fmt.Sprintf(`{"to": "a@example.com", "amount": %d.00}`, i+1), "coordinator")
	}
	w.expect(w.delivery("pay", payment, "coordinator"), eval.Deny, pep.CodeTooManyAsks)
	w.clock.pass(pep.AskTTL)
	if err := w.revocations(token.RevocationList{Sequence: 2}); err != nil {
		t.Fatal(err)
	}
	w.ask(payment, "coordinator")
	if err := pep.SumUp(w.pep); err != nil {
		t.Fatal(err)
	}
	if n, err := pep.StoredAsks(w.pep); err != nil || n != 1 {
		t.Errorf("%d asks in the state, %v; one waits", n, err)
	}
}

// An agent that may delegate makes as many keys as it likes. When they fill the place that there is for senders, whoever has a name still gets in.
func TestFullOfSenders(t *testing.T) {
	w := started(t)
	undo := pep.CrowdSenders(w.pep)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	d := w.delivery("note", note, "coordinator", "stranger")
	w.nobody(d, nil)
	undo()
	w.expect(d, eval.Deny, eval.CodeNotDelegated)
}

// What somebody inside the process hands over in parts has the bounds that its bytes would have.
func TestDeliveryInParts(t *testing.T) {
	w := started(t)
	d := w.delivery("note", note, "coordinator")
	large := *d
	large.Attestations = make([][]byte, token.MaxStatements+1)
	approved := *d
	approved.Approvals = make([][]byte, token.MaxStatements+1)
	for _, bad := range []*token.Delivery{nil, {}, &large, &approved} {
		if a := w.pep.DecideDelivery(context.Background(), bad); a.Code != pep.CodeUnauthenticated || a.Stage != pep.StageMessage {
			t.Errorf("%+v", a)
		}
	}
	if a := w.pep.DecideDelivery(context.Background(), d); a.Outcome != eval.Permit {
		t.Errorf("%+v", a)
	}
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	if a := w.pep.DecideDelivery(context.Background(), d); a.Outcome != eval.Deny || a.Code != pep.CodeClosed {
		t.Errorf("closed: %+v", a)
	}
}
