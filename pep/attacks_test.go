package pep_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/internal/forge"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/token"
)

// started is a world whose revoker has issued its first list, and an agent's usual call.
func started(t testing.TB, change ...func(*pep.Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	if err := w.revocations(token.RevocationList{Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	return w
}

const note = `{"text": "hello"}`

// P01: a replay is refused: by the same PEP, after a restart, after a crash, by a second PEP, and by a replica, which doesn't start.
func TestP01Replay(t *testing.T) {
	w := started(t)
	d := w.delivery("note", note, "coordinator")
	w.expect(d, eval.Permit, eval.CodePermit)
	w.nobody(d, nil)
	w.restart()
	w.nobody(d, nil)

	second := newWorld(t, func(c *pep.Config) { c.Trust, c.Policy = w.cfg.Trust, w.cfg.Policy })
	a := second.pep.Decide(context.Background(), must[[]byte](t)(d.Encode()))
	if a.Outcome != eval.Deny || a.Code != pep.CodeUnauthenticated {
		t.Errorf("another PEP says %s (%s)", a.Outcome, a.Code)
	}
	if p, err := pep.Open(w.cfg); err == nil {
		p.Close()
		t.Error("a replica on the same files starts")
	}
	// The sequence number is what counts, not the bytes.
	m := must[*token.Message](t)(token.OpenMessage(d.Message))
	m.Args = []byte(`{"text": "other"}`)
	w.nobody(&token.Delivery{Message: w.sign("coordinator", *m), Token: d.Token}, nil)
}

// P02: a message that was denied is used up too: a reload that would permit it doesn't bring it back.
func TestP02DeniedMessageIsUsedUp(t *testing.T) {
	for _, code := range []eval.Code{eval.CodeNoPermit, pep.CodePolicyMismatch} {
		w := started(t)
		d := w.delivery("pay", `{"to": "a@example.com", "amount": 1.00}`, "deployer")
		if code == pep.CodePolicyMismatch {
			m := must[*token.Message](t)(token.OpenMessage(d.Message))
			m.Policy[0] ^= 1
			d.Message = w.sign("deployer", *m)
		}
		w.expect(d, eval.Deny, code)
		w.cfg.Policy = policyOf(w.policy + "permit deployer to execute on tool pay\n")
		w.restart()
		w.nobody(d, nil)
	}
}

// P03: a message of another time is refused; a forged one with the highest sequence number moves no window.
func TestP03OtherTimesAndForgedSequence(t *testing.T) {
	w := started(t)
	for _, d := range []time.Duration{-time.Hour, time.Hour, -61 * time.Second, 61 * time.Second} {
		raw := w.token("coordinator")
		m := w.message(raw, "execute", "tool://note", note)
		m.Time = m.Time.Add(d)
		w.nobody(&token.Delivery{Message: w.sign("coordinator", m), Token: raw}, nil)
	}
	raw := w.token("coordinator")
	m := w.message(raw, "execute", "tool://note", note)
	m.Sequence = token.MaxNumber
	signed := w.sign("coordinator", m)
	signed[len(signed)-1] ^= 1
	w.nobody(&token.Delivery{Message: signed, Token: raw}, token.Signature)
	w.nobody(&token.Delivery{Message: w.sign("mallory", m), Token: raw}, token.NotHolder)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
}

// P04: there is one copy of the arguments: what was decided is what is handed on, to the byte of every number.
func TestP04WhatIsDecidedIsForwarded(t *testing.T) {
	w := started(t)
	const args = `{"text": "1", "key": "9007199254740993"}`
	a := w.expect(w.delivery("note", args, "coordinator"), eval.Permit, eval.CodePermit)
	if got := string(a.Request.Args.AppendJSON(nil)); got != string(must[strictjson.Value](t)(strictjson.Parse([]byte(args), strictjson.Limits{})).AppendJSON(nil)) || string(a.Message.Args) != args {
		t.Errorf("decided on %s, and the message has %s", got, a.Message.Args)
	}
	// A second payload has no place: neither beside the arguments of the message, nor as a duplicate inside them.
	w.nobody(w.forged("coordinator", func(m map[int]any) { m[99] = []byte(`{"text": "x"}`) }), token.Encoding)
	w.expect(w.forged("coordinator", func(m map[int]any) { m[12] = []byte(`{"text": "a", "text": "b"}`) }), eval.Deny, eval.CodeInvalidArguments)
}

// forged is a delivery by coordinator whose message was changed and then signed with its key, by code that signs whatever it likes.
func (w *world) forged(by string, change func(map[int]any)) *token.Delivery {
	w.t.Helper()
	raw := w.token(by)
	good := w.sign(by, w.message(raw, "execute", "tool://note", note))
	var envelope cbor.RawTag
	var parts []cbor.RawMessage
	var protected, payload []byte
	fields := map[int]any{}
	for _, step := range []error{cbor.Unmarshal(good, &envelope), cbor.Unmarshal(envelope.Content, &parts), cbor.Unmarshal(parts[0], &protected), cbor.Unmarshal(parts[2], &payload), cbor.Unmarshal(payload, &fields)} {
		if step != nil {
			w.t.Fatal(step)
		}
	}
	change(fields)
	enc := must[cbor.EncMode](w.t)(cbor.CoreDetEncOptions().EncMode())
	payload = must[[]byte](w.t)(enc.Marshal(fields))
	signed := must[[]byte](w.t)(enc.Marshal([]any{"Signature1", protected, []byte("moat/message/1"), payload}))
	signature := ed25519.Sign(w.seeds[by], signed)
	return &token.Delivery{Token: raw, Message: must[[]byte](w.t)(enc.Marshal(cbor.Tag{Number: 18, Content: []any{protected, map[int]any{}, payload, signature}}))}
}

// P05: what the host knows can't come from the agent: the message has no place for it, and the arguments aren't one.
func TestP05HostFactsInMessage(t *testing.T) {
	asked := 0
	w := started(t, func(c *pep.Config) {
		c.Facts = func(_ context.Context, call pep.Call) (eval.Facts, error) {
			asked++
			// A host that lies about what was verified isn't believed either.
			return eval.Facts{Time: time.Unix(0, 0), Attestations: []eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2a"}}, Approvals: []eval.Approval{{By: "alice"}},
				Authority: &eval.Authority{Depth: 1}}, nil
		}
	})
	for _, member := range []string{"time", "origins", "value_origins", "context", "session", "definition", "attestations", "token"} {
		w.expect(w.delivery("note", fmt.Sprintf(`{"text": "x", %q: "user"}`, member), "coordinator"), eval.Deny, eval.CodeInvalidArguments)
	}
	a := w.expect(w.delivery("deploy", `{"commit": "4f2a", "hosts": 1}`, "coordinator", "deployer"), eval.Deny, eval.CodeConditionFailed)
	if asked == 0 || a.Message == nil {
		t.Error("the host wasn't asked")
	}
}

// P08: what is forbidden to an agent is forbidden to the keys that it delegates to.
func TestP08DelegationToOwnKey(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + "permit mallory to delegate on agent any\npermit deploy_free: deployer to execute on tool deploy\n")
	})
	const args = `{"commit": "4f2a", "hosts": 1}`
	w.expect(w.delivery("deploy", args, "deployer"), eval.Permit, eval.CodePermit)
	w.expect(w.delivery("deploy", args, "mallory"), eval.Deny, eval.CodeForbidden)
	w.expect(w.delivery("deploy", args, "mallory", "stranger"), eval.Deny, eval.CodeForbidden)
	w.expect(w.delivery("deploy", args, "mallory", "deployer"), eval.Deny, eval.CodeForbidden)
	w.expect(w.delivery("deploy", args, "coordinator", "mallory", "deployer"), eval.Deny, eval.CodeForbidden)
	w.expect(w.delivery("note", note, "reviewer", "coordinator"), eval.Deny, eval.CodeNotDelegated)
}

// P10: 100,000 messages that nobody signed cost the log a bounded number of bytes, and signed ones still pass.
func TestP10JunkIsBounded(t *testing.T) {
	w := started(t)
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	size := func() (total int64) {
		filepath.Walk(w.cfg.Dir, func(_ string, info os.FileInfo, _ error) error { total += info.Size(); return nil })
		return total
	}
	before := size()
	r := rand.New(rand.NewSource(1))
	good := must[[]byte](t)(w.delivery("note", note, "coordinator").Encode())
	answers := map[string]bool{}
	for i := range n {
		raw := slices.Clone(good)
		switch {
		case i%1000 == 0: // some get as far as the signature
			raw[100+r.Intn(40)] ^= 1 << r.Intn(8)
		case i%3 == 0:
			raw = raw[:r.Intn(len(raw))]
		default:
			raw[r.Intn(8)] ^= byte(1 + r.Intn(255))
		}
		a := w.pep.Decide(context.Background(), raw)
		if a.Outcome == eval.Permit {
			t.Fatal("a changed message is permitted")
		}
		answers[a.ForSender()] = true
	}
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.pep.Close()
	if grown := size() - before; grown > 64<<10 {
		t.Errorf("%d messages of junk made the files grow by %d bytes", n, grown)
	}
	if len(answers) != 1 {
		t.Errorf("there are several answers: %v", answers)
	}
	var counted uint64
	for _, rec := range w.records() {
		if j, ok := rec.Event.(*audit.Junk); ok {
			counted += j.Count
		}
	}
	if counted != uint64(n) {
		t.Errorf("%d messages of junk are counted as %d", n, counted)
	}
}

// P16: whoever isn't authenticated learns nothing: the answer is the same for agents that there are and aren't, digests that are in force and
// aren't, tokens that are revoked and aren't.
func TestP16ProbesLearnNothing(t *testing.T) {
	w := started(t)
	good := w.delivery("note", note, "coordinator")
	revoked := w.delivery("note", note, "coordinator", "mallory")
	if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["mallory"].Key()}}); err != nil {
		t.Fatal(err)
	}
	unsigned := func(d *token.Delivery) *token.Delivery {
		m := slices.Clone(d.Message)
		m[len(m)-1] ^= 1
		return &token.Delivery{Message: m, Token: d.Token}
	}
	wrongPolicy := must[*token.Message](t)(token.OpenMessage(good.Message))
	wrongPolicy.Policy[3] ^= 1
	self := w.ids["stranger"]
	var selfMade []byte
	{
		root := w.root
		w.root = identity(t, token.RoleRoot)
		w.ids["coordinator"], w.seeds["coordinator"] = self, w.seeds["stranger"]
		selfMade = w.token("coordinator")
		w.root = root
	}
	probes := map[string]*token.Delivery{
		"known agent":   unsigned(good),
		"revoked agent": unsigned(revoked),
		"wrong policy":  unsigned(&token.Delivery{Message: w.sign("coordinator", *wrongPolicy), Token: good.Token}),
		"unknown agent": {Message: w.sign("coordinator", w.message(selfMade, "execute", "tool://note", note)), Token: selfMade},
		"empty":         {},
	}
	want := fmt.Sprintf("%+v", pep.Answer{Stage: pep.StageMessage, Code: pep.CodeUnauthenticated})
	for name, d := range probes {
		a := w.decide(d)
		if a.Reason == nil {
			t.Errorf("%s: the operator isn't told why", name)
		}
		a.Reason = nil
		if got := fmt.Sprintf("%+v", a); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// T04: a block that is dropped leaves a token whose audience is somebody else; so does a token that was stolen.
func TestT04StolenAndShortenedTokens(t *testing.T) {
	w := started(t)
	long := w.token("coordinator", "mallory")
	var blocks [][]byte
	if err := cbor.Unmarshal(long, &blocks); err != nil {
		t.Fatal(err)
	}
	short := must[[]byte](t)(cbor.Marshal(blocks[:1]))
	w.nobody(&token.Delivery{Message: w.sign("mallory", w.message(short, "read", "file:///srv/x", "")), Token: short}, token.NotHolder)
	stolen := w.token("coordinator", "reviewer")
	w.nobody(&token.Delivery{Message: w.sign("mallory", w.message(stolen, "read", "file:///srv/x", "")), Token: stolen}, token.NotHolder)
	// Nor does it help to say that the message is the victim's.
	w.nobody(w.forged("mallory", func(m map[int]any) { k := w.ids["coordinator"].Key(); m[3] = k[:] }), nil)
	// Nor is a message good for another token of its sender's than the one that it names.
	named, other := w.token("coordinator"), w.token("coordinator")
	w.nobody(&token.Delivery{Message: w.sign("coordinator", w.message(named, "execute", "tool://note", note)), Token: other}, nil)
}

// R03: a list with a lower number, or other content under a known one, is refused; past its next update everything is denied; a PEP whose state was
// deleted or put back doesn't start.
func TestR03RollbackOfRevocation(t *testing.T) {
	w := started(t)
	mallory := w.ids["mallory"].Key()
	w.expect(w.delivery("note", note, "coordinator", "mallory"), eval.Permit, eval.CodePermit)
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	statePath := filepath.Join(w.cfg.Dir, "state.db")
	older := must[[]byte](t)(os.ReadFile(statePath))
	w.cfg.Create = false
	w.open()
	if err := w.revocations(token.RevocationList{Sequence: 3, Keys: []token.Key{mallory}}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.delivery("note", note, "coordinator", "mallory"), eval.Deny, pep.CodeToken+"revoked")
	if err := w.revocations(token.RevocationList{Sequence: 2}); !errors.Is(err, token.Rollback) {
		t.Errorf("a lower number: %v", err)
	}
	if err := w.revocations(token.RevocationList{Sequence: 3}); !errors.Is(err, token.Equivocation) {
		t.Errorf("other content: %v", err)
	}
	w.restart()
	w.expect(w.delivery("note", note, "coordinator", "mallory"), eval.Deny, pep.CodeToken+"revoked")
	w.clock.pass(2 * time.Hour)
	w.expect(w.delivery("note", note, "coordinator"), eval.Deny, pep.CodeToken+"stale")
	w.pep.Close()

	current := must[[]byte](t)(os.ReadFile(statePath))
	if err := os.Remove(statePath); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		w.cfg.Create = create
		if _, err := pep.Open(w.cfg); !errors.Is(err, pep.ErrNoState) {
			t.Errorf("the state is deleted (create %t): %v", create, err)
		}
	}
	if err := os.WriteFile(statePath, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := pep.Open(w.cfg); err == nil {
		p.Close()
		t.Error("starts with an older state, which has forgotten a revocation")
	} else if !strings.Contains(err.Error(), "older") {
		t.Errorf("an older state: %v", err)
	}
	os.WriteFile(statePath, current, 0o600)
	logDir := filepath.Join(w.cfg.Dir, "log")
	if err := os.Rename(logDir, logDir+".away"); err != nil {
		t.Fatal(err)
	}
	if p, err := pep.Open(w.cfg); err == nil {
		p.Close()
		t.Error("starts without its log")
	}
}

// R04: a list by a key without standing is refused.
func TestR04NoStanding(t *testing.T) {
	w := started(t)
	signed := must[[]byte](t)(token.SignRevocations(identity(t, token.RoleRevocation), token.RevocationList{Realm: "test", Sequence: 9, Issued: w.clock.now().Truncate(time.Second), NextUpdate: w.clock.now().Add(time.Hour).Truncate(time.Second)}))
	if err := w.pep.Revoke(signed); !errors.Is(err, token.Standing) {
		t.Errorf("%v", err)
	}
}

// ask makes the coordinator ask for a payment.
func (w *world) ask(args string, chain ...string) (*pep.Ask, *token.Delivery) {
	w.t.Helper()
	d := w.delivery("pay", args, chain...)
	a := w.expect(d, eval.Ask, eval.CodeNeedsApproval)
	if a.Ask == nil {
		w.t.Fatal("nothing to approve")
	}
	return a.Ask, d
}

func (w *world) approve(by string, a token.Approval) []byte {
	w.t.Helper()
	return must[[]byte](w.t)(token.SignApproval(w.ids[by], a))
}

// again is the same call in a new message, with approvals.
func (w *world) again(args string, approvals [][]byte, chain ...string) *token.Delivery {
	w.t.Helper()
	d := w.delivery("pay", args, chain...)
	d.Approvals = approvals
	return d
}

const payment = `{"to": "a@example.com", "amount": 900.00}`

// R06: an approval is good for one permit: not again, not after a restart, and for one of many that come at once.
func TestR06ApprovalIsUsedOnce(t *testing.T) {
	w := started(t)
	ask, _ := w.ask(payment, "coordinator")
	approval := w.approve("alice", ask.Approval("test", "big", w.clock.now()))
	var permits atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		d := w.again(payment, [][]byte{approval}, "coordinator")
		raw := must[[]byte](t)(d.Encode())
		all.Go(func() {
			if w.pep.Decide(context.Background(), raw).Outcome == eval.Permit {
				permits.Add(1)
			}
		})
	}
	all.Wait()
	if n := permits.Load(); n != 1 {
		t.Errorf("one approval gave %d permits", n)
	}
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	w.restart()
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Ask, eval.CodeNeedsApproval)

	// An ask outlives a restart, and its approval is used once then.
	ask, _ = w.ask(payment, "coordinator")
	approval = w.approve("alice", ask.Approval("test", "big", w.clock.now()))
	w.restart()
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Permit, eval.CodePermit)
	w.expect(w.again(payment, [][]byte{approval}, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
}

// R06: those who use an approval at once have all seen that it waits before the first has used it up, since the rules take their time; one is permitted.
func TestR06ConcurrentUse(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + "tool add(l: [int])\npermit slow: coordinator to execute on tool add when true" +
			strings.Repeat(" and all x in args.l { all y in args.l { x + y > 0 } }", 2) + " needs approval by Managers\n")
	})
	args := `{"l": [1` + strings.Repeat(", 1", eval.MaxListLen-1) + `]}`
	ask := w.expect(w.delivery("add", args, "coordinator"), eval.Ask, eval.CodeNeedsApproval).Ask
	approval := w.approve("alice", ask.Approval("test", "slow", w.clock.now()))
	var permits atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		d := w.delivery("add", args, "coordinator")
		d.Approvals = [][]byte{approval}
		all.Go(func() {
			if w.pep.DecideDelivery(context.Background(), d).Outcome == eval.Permit {
				permits.Add(1)
			}
		})
	}
	all.Wait()
	if n := permits.Load(); n != 1 {
		t.Errorf("one approval gave %d permits", n)
	}
}

// R07: an approval of another request, policy, realm or origin, one that is too old, and one by somebody without standing or on the chain, leaves it at an ask.
func TestR07ApprovalOfSomethingElse(t *testing.T) {
	labels := []string{"user"}
	w := started(t, func(c *pep.Config) {
		c.Facts = func(context.Context, pep.Call) (eval.Facts, error) {
			return eval.Facts{Origins: map[string][]string{"/to": labels}}, nil
		}
	})
	ask, _ := w.ask(payment, "coordinator")
	now := w.clock.now()
	good := ask.Approval("test", "big", now)
	other := func(change func(*token.Approval)) token.Approval {
		a := good
		change(&a)
		return a
	}
	for name, a := range map[string]token.Approval{
		"rule":    other(func(a *token.Approval) { a.Rule = "twice" }),
		"policy":  other(func(a *token.Approval) { a.Policy[0] ^= 1 }),
		"trust":   other(func(a *token.Approval) { a.Trust[0] ^= 1 }),
		"realm":   other(func(a *token.Approval) { a.Realm = "prod" }),
		"request": other(func(a *token.Approval) { a.Request[0] ^= 1 }),
		"nonce":   other(func(a *token.Approval) { a.Nonce[0] ^= 1 }),
		"expired": other(func(a *token.Approval) {
			a.NotBefore, a.Expires = now.Add(-2*time.Minute).Truncate(time.Second), now.Add(-time.Minute).Truncate(time.Second)
		}),
		"old":    other(func(a *token.Approval) { a.NotBefore = now.Add(-11 * time.Minute).Truncate(time.Second) }),
		"future": other(func(a *token.Approval) { a.NotBefore = now.Add(time.Minute).Truncate(time.Second) }),
	} {
		if a := w.decide(w.again(payment, [][]byte{w.approve("alice", a)}, "coordinator")); a.Outcome != eval.Ask {
			t.Errorf("another %s: %s (%s)", name, a.Outcome, a.Code)
		}
	}
	approvals := [][]byte{w.approve("alice", good)}
	w.expect(w.again(`{"to": "a@example.com", "amount": 900.01}`, approvals, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	w.expect(w.again(`{"to": "b@example.com", "amount": 900.00}`, approvals, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	labels = []string{"user", "unknown"}
	w.expect(w.again(payment, approvals, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	labels = []string{"web"}
	w.expect(w.again(payment, approvals, "coordinator"), eval.Deny, eval.CodeForbidden)
	labels = []string{"user"}
	if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["alice"].Key()}}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.again(payment, approvals, "coordinator"), eval.Ask, eval.CodeNeedsApproval) // R01
	if err := w.revocations(token.RevocationList{Sequence: 3}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.again(payment, approvals, "coordinator"), eval.Permit, eval.CodePermit)

	// Two approvals by one key are one.
	ask, _ = w.ask(payment, "coordinator", "reviewer")
	one := w.approve("alice", ask.Approval("test", "twice", now))
	same := w.approve("alice", ask.Approval("test", "twice", now.Add(-time.Minute)))
	two := w.approve("bob", ask.Approval("test", "twice", now))
	w.expect(w.again(payment, [][]byte{one, same}, "coordinator", "reviewer"), eval.Ask, eval.CodeNeedsApproval)
	w.expect(w.again(payment, [][]byte{one, two}, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
	w.expect(w.again(payment, [][]byte{one, two}, "coordinator", "reviewer"), eval.Ask, eval.CodeNeedsApproval)
}

// G05: a payee that an injected document named is forbidden, whoever approves.
func TestG05InjectedPayee(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Facts = func(_ context.Context, call pep.Call) (eval.Facts, error) {
			return eval.Facts{Origins: map[string][]string{"/to": {"user", "web"}}}, nil
		}
	})
	w.expect(w.delivery("pay", payment, "coordinator"), eval.Deny, eval.CodeForbidden)
}

// G09: an agent neither replaces the policy nor approves itself, nor is there an action by which it could.
func TestG09AgentApprovesItself(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"), "person alice in Managers", "agent alice in Managers") +
			"permit own: alice, coordinator to execute on tool pay needs approval by Managers\npermit alice to delegate on agent coordinator\n")
	})
	w.ids["alice"] = identityFrom(t, w, "alice-agent", token.RoleAgent)
	// The same key signs messages and approvals only if somebody made it twice, with both roles; what it approves of its own doesn't count.
	approver := identitySeed(t, w.seeds["alice-agent"], token.RoleApprover)
	text := w.trustText(2)
	if err := w.pep.SetTrust(text); err != nil {
		t.Fatal(err)
	}
	w.trust = w.pep.Trust()
	for _, chain := range [][]string{{"alice"}, {"alice", "coordinator"}} {
		ask, _ := w.ask(payment, chain...)
		for _, rule := range []string{"own", "big"} {
			approval := must[[]byte](t)(token.SignApproval(approver, ask.Approval("test", rule, w.clock.now())))
			w.expect(w.again(payment, [][]byte{approval}, chain...), eval.Ask, eval.CodeNeedsApproval)
		}
	}
	w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(w.token("coordinator"), "write", "file:///etc/moat/policy.moat", "")), Token: w.token("coordinator")}, eval.Deny, pep.CodeUnauthenticated)
	raw := w.token("coordinator")
	w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(raw, "write", "file:///etc/moat/policy.moat", "")), Token: raw}, eval.Deny, eval.CodeNoPermit)
}

// P14: a panic in the host's adapter denies and is recorded; the zero PEP and the zero answer deny.
func TestP14PanicAndZeroValues(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Facts = func(_ context.Context, call pep.Call) (eval.Facts, error) {
			if v, _ := call.Request.Args.Get("text"); v.Text == "panic" {
				panic("boom")
			}
			return eval.Facts{}, errors.New("the directory is away")
		}
	})
	if a := w.expect(w.delivery("note", `{"text": "panic"}`, "coordinator"), eval.Deny, eval.CodeInternal); a.Index == 0 || a.Stage != pep.StageRules {
		t.Errorf("the decision after a panic has no record: %+v", a)
	}
	w.expect(w.delivery("note", note, "coordinator"), eval.Deny, pep.CodeFacts)
	alerts := 0
	for _, r := range w.records() {
		if a, ok := r.Event.(*audit.Alert); ok && a.Detail.Text == "boom" {
			alerts++
		}
	}
	if alerts != 1 {
		t.Errorf("%d alerts of the panic", alerts)
	}
	for _, p := range []*pep.PEP{nil, {}} {
		if a := p.Decide(context.Background(), nil); a.Outcome != eval.Deny || a.Code != pep.CodeClosed {
			t.Errorf("the zero PEP: %+v", a)
		}
	}
	var a pep.Answer
	if a.Outcome != eval.Deny || !strings.Contains(a.ForSender(), "does not permit") {
		t.Errorf("the zero answer: %s", a.ForSender())
	}
	w.pep.Close()
	if a := w.decide(w.delivery("note", note, "coordinator")); a.Outcome != eval.Deny {
		t.Errorf("a closed PEP: %+v", a)
	}
}

// P15: arguments that JSON readers take differently are refused, and the refusal is written down.
func TestP15StrictArguments(t *testing.T) {
	w := started(t)
	for _, args := range []string{`{"text": "a", "text": "b"}`, `{"text": "a", "TEXT": "b"}`, `{"text": 1e400}`, `{"text": "\ud800"}`, "{\"text\": \"\xff\"}", `{"text": "a"} `, `["a"]`, `{"text": "a"}x`, `nul`} {
		args := args
		d := w.forged("coordinator", func(m map[int]any) { m[12] = []byte(args) })
		a := w.decide(d)
		if args == `{"text": "a"} ` {
			if a.Outcome != eval.Permit {
				t.Errorf("%q: %s", args, a.Code)
			}
			continue
		}
		if a.Outcome != eval.Deny || a.Stage != pep.StageRules || a.Index == 0 {
			t.Errorf("%q: %s (%s) at %s", args, a.Outcome, a.Code, a.Stage)
		}
	}
}

// R05: a clock that went back makes no old message fresh, not across a restart either; one that jumped ahead halts until somebody acknowledges it.
func TestR05Clock(t *testing.T) {
	w := started(t)
	old := w.delivery("note", note, "coordinator")
	w.clock.pass(10 * time.Minute)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.clock.jump(-10 * time.Minute)
	w.nobody(old, nil)
	w.restart()
	w.nobody(old, nil)
	w.clock.jump(10 * time.Minute)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.clock.jump(87600 * time.Hour)
	w.expect(&token.Delivery{}, eval.Deny, pep.CodeClock)
	w.clock.jump(-87600 * time.Hour)
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.clock.jump(20 * time.Minute)
	w.expect(&token.Delivery{}, eval.Deny, pep.CodeClock)
	w.pep.AcknowledgeClock()
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
}

// G07: an agent writes into its own namespace, and into no other's: not under a name that its own begins with, not through a name that climbs, not by handing
// its authority to the namespace's owner, who then acts for both.
func TestG07ForeignNamespace(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + `permit Staff, mallory to write on "file:///**"
permit mallory to delegate on agent any
forbid foreign: any to write on "file:///memory/**" unless starts(resource.path, "/memory/" + agent.name + "/")
`)
	})
	write := func(to string, chain ...string) *token.Delivery {
		raw := w.token(chain...)
		return &token.Delivery{Message: w.sign(chain[len(chain)-1], w.message(raw, "write", to, "")), Token: raw}
	}
	w.expect(write("file:///memory/coordinator/plan", "coordinator"), eval.Permit, eval.CodePermit)
	w.expect(write("file:///memory/reviewer/plan", "reviewer"), eval.Permit, eval.CodePermit)
	for _, to := range []string{"reviewer/plan", "coordinator2/plan", "coordinato/plan", "coordinator", "Coordinator/plan", "x/coordinator/plan"} {
		w.expect(write("file:///memory/"+to, "coordinator"), eval.Deny, eval.CodeForbidden)
	}
	w.expect(write("file:///memory/reviewer/plan", "mallory", "reviewer"), eval.Deny, eval.CodeForbidden)
	w.expect(write("file:///memory/reviewer/plan", "mallory"), eval.Deny, eval.CodeForbidden)
	for _, to := range []string{"file:///memory/coordinator/../reviewer/plan", "file:///memory/coordinator//../reviewer/plan", "file:///memory/coordinator/%2e%2e/reviewer/plan", "file:///memory/coordinator/"} {
		w.expect(w.forged("coordinator", func(m map[int]any) { m[10], m[11] = "write", to; delete(m, 12) }), eval.Deny, pep.CodeUnauthenticated)
	}
}

// G08: a chain on which each hop adds a verb is refused at the first hop that does, however many narrow ones follow, and each refusal is in the log.
func TestG08OneVerbMoreAHop(t *testing.T) {
	w := started(t, func(c *pep.Config) {
		c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + "permit Staff, deployer to delegate on agent any\npermit Staff, deployer, mallory to read, write, create, delete on \"file:///srv/**\"\n")
	})
	verbs := []string{"read", "write", "create", "delete"}
	chain := []string{"coordinator", "reviewer", "deployer", "mallory"}
	block := func(i, n int) token.Block {
		return token.Block{Realm: "test", Audience: w.ids[chain[i]].Key(), ID: newID(t), Depth: 7 - i, NotBefore: w.clock.now().Add(-time.Minute).Truncate(time.Second), Expires: w.clock.now().Add(time.Hour).Truncate(time.Second),
			Grants: []token.Grant{grant(verbs[:n], []string{"file:///srv/**"})}}
	}
	send := func(raw []byte, by, action string) *token.Delivery {
		return &token.Delivery{Message: w.sign(by, w.message(raw, action, "file:///srv/x", "")), Token: raw}
	}
	growing := must[[]byte](t)(token.Mint(w.root, block(0, 1)))
	w.expect(send(growing, "coordinator", "read"), eval.Permit, eval.CodePermit)
	for i := 1; i < len(chain); i++ {
		growing = must[[]byte](t)(forge.Append(growing, w.seeds[chain[i-1]], block(i, i+1)))
		for _, action := range verbs[:i+1] { // what it has had all along, too
			a := w.expect(send(growing, chain[i], action), eval.Deny, pep.CodeToken+"grants")
			var terr *token.Error
			if !errors.As(a.Reason, &terr) || terr.Block != 1 || !strings.Contains(terr.Detail, "write") || a.Index == 0 {
				t.Errorf("hop %d, %s: %v, record %d", i, action, a.Reason, a.Index)
			}
		}
	}
	// Without the verbs that were added it holds, and the last of them may do what the first may.
	same := must[[]byte](t)(token.Mint(w.root, block(0, 1)))
	for i := 1; i < len(chain); i++ {
		same = must[[]byte](t)(token.Attenuate(same, w.ids[chain[i-1]], block(i, 1)))
	}
	w.expect(send(same, "mallory", "read"), eval.Permit, eval.CodePermit)
	w.expect(send(same, "mallory", "write"), eval.Deny, eval.CodeNotGranted)
}
