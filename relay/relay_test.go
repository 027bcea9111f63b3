package relay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/token"
)

// A message goes to whom the decision was about: by its resource, by what its call does, else to the handler of the tool.
func TestDestination(t *testing.T) {
	w := newWorld(t)
	r := w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	if string(r.Reply) != "thanks" || r.Effect <= r.Answer.Index || r.Err != nil {
		t.Errorf("%+v", r)
	}
	m := w.got[0]
	if text, _ := m.Request.Args.Get("text"); m.To != "agent://reviewer" || m.Request.Subject != "coordinator" || text.Text != "hello" || m.Index != r.Answer.Index || m.Chain == nil || m.Signed == nil {
		t.Errorf("%+v", m)
	}
	if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != "ok" || e.Bytes != uint64(len("thanks")) || e.Agent != "coordinator" {
		t.Errorf("the effect is %+v", e)
	}
	w.expect(w.signed("coordinator", w.token("coordinator"), "send", "agent://tester", ""), relay.Delivered, eval.CodePermit)
	if w.got[1].To != "agent://tester" {
		t.Errorf("%+v", w.got[1])
	}
	// A call that touches no agent, or several, is its tool's.
	for tool, args := range map[string]string{"tool://build": `{"commit": "4f2a"}`, "tool://broadcast": `{"to": ["a"], "text": "b"}`} {
		call := func() []byte { return w.signed("coordinator", w.token("coordinator"), "execute", tool, args) }
		w.expect(call(), relay.NoHandler, eval.CodePermit)
		w.handle(tool, func(_ context.Context, m *relay.Message) ([]byte, error) { return []byte(m.To), nil })
		if r := w.expect(call(), relay.Delivered, eval.CodePermit); string(r.Reply) != tool {
			t.Errorf("%s: %q", tool, r.Reply)
		}
		w.handle(tool, nil)
		w.expect(call(), relay.NoHandler, eval.CodePermit)
	}
	if w.received() != 2 {
		t.Errorf("the agents have had %d messages", w.received())
	}
}

// Whatever becomes of a permitted message is in the log, and what a handler says of itself isn't told.
func TestHandlersThatFail(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		handler relay.Handler
		want    relay.Status
	}{
		{func(context.Context, *relay.Message) ([]byte, error) { return nil, errors.New("the secret is 1234") }, relay.Failed},
		{func(context.Context, *relay.Message) ([]byte, error) { return []byte("half"), errors.New("no") }, relay.Failed},
		{func(context.Context, *relay.Message) ([]byte, error) {
			return nil, &relay.Stopped{Status: relay.Delivered}
		}, relay.Failed},
		{func(context.Context, *relay.Message) ([]byte, error) { return nil, &relay.Stopped{Status: relay.Busy} }, relay.Failed},
		{func(context.Context, *relay.Message) ([]byte, error) { panic("the secret is 1234") }, relay.Panicked},
		{func(context.Context, *relay.Message) ([]byte, error) { panic(nil) }, relay.Panicked},
		{func(context.Context, *relay.Message) ([]byte, error) { return make([]byte, relay.MaxReply+1), nil }, relay.Failed},
		{nil, relay.NoHandler},
	} {
		w.handle("agent://reviewer", tt.handler)
		r := w.expect(w.message("reviewer", "hello", "coordinator"), tt.want, eval.CodePermit)
		if strings.Contains(r.ForSender(), "1234") || !strings.Contains(r.ForSender(), string(tt.want)) {
			t.Errorf("the sender is told %q", r.ForSender())
		}
		w.wait(r.Answer.Index)
		// The tool keeps a text of its arguments out of the log, so an error that may tell it is kept out as well.
		if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != string(tt.want) || e.Detail.Text != "" {
			t.Errorf("%s: the effect is %+v", tt.want, e)
		}
	}
	w.handle("tool://build", func(context.Context, *relay.Message) ([]byte, error) { return nil, errors.New("no compiler") })
	r := w.expect(w.signed("coordinator", w.token("coordinator"), "execute", "tool://build", `{"commit": "4f2a"}`), relay.Failed, eval.CodePermit)
	if e := w.effects()[r.Answer.Index]; e == nil || !strings.Contains(e.Detail.Text, "no compiler") {
		t.Errorf("the effect is %+v", e)
	}
}

// A handler has so much time. One that doesn't listen is waited for by nobody, and how it ended is written down when it has.
func TestHandlersThatTakeTooLong(t *testing.T) {
	w := newWorld(t, func(_ *pep.Config, c *relay.Config) { c.Handling = 20 * time.Millisecond })
	w.handle("agent://reviewer", func(ctx context.Context, _ *relay.Message) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() })
	r := w.expect(w.message("reviewer", "hello", "coordinator"), relay.TimedOut, eval.CodePermit)
	w.wait(r.Answer.Index)
	if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != "timed_out" {
		t.Errorf("the effect is %+v", e)
	}
	stuck := make(chan struct{})
	w.handle("agent://reviewer", func(context.Context, *relay.Message) ([]byte, error) { <-stuck; return nil, nil })
	r = w.expect(w.message("reviewer", "hello", "coordinator"), relay.TimedOut, eval.CodePermit)
	if r.Effect != 0 || w.effects()[r.Answer.Index] != nil {
		t.Errorf("an effect before it has ended: %+v", r)
	}
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.TimedOut, eval.CodePermit) // in the queue
	close(stuck)
	w.wait(r.Answer.Index)
	if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != "ok" {
		t.Errorf("the effect is %+v", e)
	}
}

// wait waits until the effect of a decision is in the log.
func (w *world) wait(decision uint64) {
	w.t.Helper()
	for range 500 {
		if w.effects()[decision] != nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	w.t.Errorf("decision %d has no effect", decision)
}

// What has waited is looked at again: the time, the revocations, the policy.
func TestOutdatedInQueue(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world) error{
		"age":        func(w *world) error { w.pass(pep.MaxAge + time.Second); return nil },
		"revocation": func(w *world) error { return w.revoke(2, w.ids["coordinator"].Key()) },
		"policy": func(w *world) error {
			return w.pep.SetTrust(w.trustText(2, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			entered, leave := make(chan struct{}), make(chan struct{})
			w.handle("agent://reviewer", func(ctx context.Context, m *relay.Message) ([]byte, error) {
				entered <- struct{}{}
				<-leave
				return nil, nil
			})
			first, second := w.message("reviewer", "1", "coordinator"), w.message("reviewer", "2", "coordinator")
			results := [2]chan relay.Result{make(chan relay.Result), make(chan relay.Result)}
			go func() { results[0] <- w.send(first) }()
			<-entered
			go func() { results[1] <- w.send(second) }()
			w.waiting(1)
			if err := meanwhile(w); err != nil {
				t.Fatal(err)
			}
			close(leave)
			a, b := <-results[0], <-results[1]
			if a.Status != relay.Delivered || b.Status != relay.Outdated {
				t.Errorf("%s (%v), then %s (%v)", a.Status, a.Err, b.Status, b.Err)
			}
			if e := w.effects()[b.Answer.Index]; e == nil || e.Outcome != "outdated" {
				t.Errorf("the effect is %+v", e)
			}
		})
	}
}

// waiting waits until so many messages wait for the reviewer.
func (w *world) waiting(n int) {
	w.t.Helper()
	for range 2000 {
		if w.local.Waiting("agent://reviewer") == n {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	w.t.Fatalf("%d messages wait, want %d", w.local.Waiting("agent://reviewer"), n)
}

func TestBackPressure(t *testing.T) {
	w := newWorld(t) // four wait for each
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	var order []string
	w.handle("agent://reviewer", func(ctx context.Context, m *relay.Message) ([]byte, error) {
		entered <- struct{}{}
		<-leave
		text, _ := m.Request.Args.Get("text")
		order = append(order, text.Text) // one at a time: the race detector would tell
		return nil, nil
	})
	results := make(chan relay.Result, 10)
	go func() { results <- w.send(w.message("reviewer", "0", "coordinator")) }()
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan relay.Result, 1)
	for i, text := range []string{"1", "2", "gone", "3"} {
		raw := w.message("reviewer", text, "coordinator")
		go func() {
			if text == "gone" {
				gone <- w.router.Send(ctx, raw)
				return
			}
			results <- w.send(raw)
		}()
		w.waiting(i + 1)
	}
	r := w.expect(w.message("reviewer", "5", "coordinator"), relay.Busy, eval.CodePermit)
	if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != "busy" {
		t.Errorf("the effect is %+v", e)
	}
	// Others are not held up, and whoever goes away makes room.
	w.expect(w.message("tester", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	cancel()
	if r := <-gone; r.Status != relay.Cancelled {
		t.Errorf("%s: %v", r.Status, r.Err)
	} else {
		w.wait(r.Answer.Index)
	}
	go func() { results <- w.send(w.message("reviewer", "4", "coordinator")) }()
	w.waiting(4)
	close(leave)
	for range 5 {
		if r := <-results; r.Status != relay.Delivered {
			t.Errorf("%s: %v", r.Status, r.Err)
		}
	}
	if got := strings.Join(order, " "); got != "0 1 2 3 4" {
		t.Errorf("delivered in the order %s", got)
	}
	// Whoever is gone before it begins isn't even looked at.
	if r := w.router.Send(ctx, w.message("tester", "hello", "coordinator")); r.Status != relay.Cancelled || r.Answer.Index != 0 {
		t.Errorf("%+v", r)
	}
}

func TestClosedAndZero(t *testing.T) {
	w := newWorld(t)
	raw := w.message("reviewer", "hello", "coordinator")
	w.stop()
	w.expect(raw, relay.Closed, "")
	var r relay.Result
	if r.Answer.Outcome != eval.Deny || !strings.Contains(r.ForSender(), "does not permit") {
		t.Errorf("the zero result: %s", r.ForSender())
	}
	var m relay.Message
	if m.Holds() == nil {
		t.Error("the zero message holds")
	}
	if _, err := w.local.Deliver(context.Background(), &relay.Message{To: "agent://reviewer"}); err == nil {
		t.Error("the zero message is delivered")
	}
	for _, cfg := range []relay.Config{{}, {PEP: w.pep}, {PEP: w.pep, Registry: relay.NewRegistry(nil), Transport: w.local}, {PEP: w.pep, Registry: w.registry}, {PEP: w.pep, Registry: w.registry, Transport: w.local, Handling: -1}} {
		if _, err := relay.NewRouter(cfg); err == nil {
			t.Errorf("a router of %+v", cfg)
		}
	}
	for _, to := range []string{"", "reviewer", "file:///x", "agent://A/../b"} {
		if w.local.Handle(to, w.keep) == nil {
			t.Errorf("a handler of %q", to)
		}
	}
}

// Attestations that an agent has registered go with its messages, and are verified each time.
func TestRegisteredAttestations(t *testing.T) {
	w := newWorld(t)
	now := w.clock().Truncate(time.Second)
	claim := func(about token.Key) []byte {
		return must[[]byte](t)(token.SignAttestation(w.issuer, token.Attestation{Realm: "test", ID: must[token.ID](t)(token.NewID(strings.NewReader("0123456789abcdef"))), Claim: "Partners", Subject: about, NotBefore: now.Add(-time.Minute), Expires: now.Add(10 * time.Minute)}))
	}
	stranger := w.ids["stranger"].Key()
	w.expect(w.message("reviewer", "hello", "coordinator", "stranger"), relay.Denied, eval.CodeNoPermit)
	err := w.registry.Register(relay.Agent{Name: "partner", Key: stranger, Attestations: [][]byte{claim(w.ids["mallory"].Key())}})
	if !errors.Is(err, relay.BadAttestation) {
		t.Errorf("somebody else's attestation: %v", err)
	}
	if err := w.registry.Register(relay.Agent{Name: "partner", Key: stranger, Attestations: [][]byte{claim(stranger)}}); err != nil {
		t.Fatal(err)
	}
	bad := claim(stranger)
	bad[len(bad)-1] ^= 1
	if err := w.registry.Register(relay.Agent{Name: "partner", Key: stranger, Attestations: [][]byte{bad}}); !errors.Is(err, relay.BadAttestation) {
		t.Errorf("an attestation that doesn't hold: %v", err)
	}
	w.expect(w.message("reviewer", "hello", "coordinator", "stranger"), relay.Delivered, eval.CodePermit)
	if got := w.registry.Groups("partner"); len(got) != 1 || got[0] != "Partners" {
		t.Errorf("the partner is in %v", got)
	}
	if got := w.registry.Groups("reviewer"); len(got) != 1 || got[0] != "Staff" {
		t.Errorf("the reviewer is in %v", got)
	}
	w.pass(11 * time.Minute)
	w.expect(w.message("reviewer", "hello", "coordinator", "stranger"), relay.Denied, eval.CodeNoPermit)
	if got := w.registry.Groups("partner"); len(got) != 0 {
		t.Errorf("the partner is in %v", got)
	}
}
