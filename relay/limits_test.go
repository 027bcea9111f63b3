package relay_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/token"
)

func rates(sender, junk relay.Rate) func(*pep.Config, *relay.Config) {
	return func(_ *pep.Config, c *relay.Config) { c.Sender, c.Junk = sender, junk }
}

func TestRateLimiting(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1, Burst: 3}, relay.Rate{}))
	for range 3 {
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	}
	late := w.message("reviewer", "hello", "coordinator")
	decisions := w.decisions()
	for range 5 {
		if r := w.expect(late, relay.RateLimited, ""); r.ForSender() != "Too many messages; try again later (rate_limited)." {
			t.Errorf("the sender is told %q", r.ForSender())
		}
	}
	if n := w.decisions(); n != decisions {
		t.Errorf("%d messages beyond the rate are in the log", n-decisions)
	}
	// The rate is each sender's own, and what was turned away isn't used up.
	w.expect(w.message("coordinator", "hello", "reviewer"), relay.Delivered, eval.CodePermit)
	w.pass(time.Second)
	w.expect(late, relay.Delivered, eval.CodePermit)
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.RateLimited, "")
	// What is denied counts as well.
	for range 3 {
		w.expect(w.message("reviewer", "hello", "mallory"), relay.Denied, eval.CodeNoPermit)
	}
	w.expect(w.message("reviewer", "hello", "mallory"), relay.RateLimited, "")
}

// Whoever sends in another's name uses up nothing of its rate, and isn't told that it is used up.
func TestRateOfAnother(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1, Burst: 2}, relay.Rate{}))
	stolen := w.token("coordinator")
	args := `{"to": "reviewer", "text": "hello"}`
	for range 10 {
		w.expect(w.signed("mallory", stolen, "execute", "tool://message", args), relay.Denied, pep.CodeUnauthenticated)
	}
	for range 2 {
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	}
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.RateLimited, "")
	w.expect(w.signed("mallory", stolen, "execute", "tool://message", args), relay.Denied, pep.CodeUnauthenticated)
}

// A flood of messages that nobody signed costs no signature checks beyond the cap, is told nothing, holds no known sender up, and is counted in the log.
func TestFloodOfJunk(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1000, Burst: 1000}, relay.Rate{PerSecond: 1, Burst: 10}))
	strange := w.token("coordinator", "stranger")
	args := `{"to": "reviewer", "text": "hello"}`
	unsigned := func(raw []byte) []byte {
		d := must[*token.Delivery](t)(token.ParseDelivery(w.signed("mallory", raw, "execute", "tool://message", args)))
		d.Message[len(d.Message)-1] ^= 1
		return must[[]byte](t)(d.Encode())
	}
	for range 10 {
		w.expect(unsigned(strange), relay.Denied, pep.CodeUnauthenticated)
	}
	first := w.send(unsigned(strange))
	if first.Status != relay.Flooded || first.ForSender() != (pep.Answer{Code: pep.CodeUnauthenticated}).ForSender() {
		t.Errorf("%s: %s", first.Status, first.ForSender())
	}
	// An agent that is registered passes, until so many have sent in its name.
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	checked := 0
	for range 100 {
		if r := w.send(unsigned(w.token("coordinator"))); r.Status == relay.Denied {
			checked++
		}
	}
	if checked > 20 {
		t.Errorf("%d signatures checked in the coordinator's name", checked)
	}
	w.expect(w.message("coordinator", "hello", "reviewer"), relay.Delivered, eval.CodePermit)
	w.pass(3 * time.Second)
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	w.stop()
	var junk uint64
	for r, err := range audit.Read(filepath.Join(w.cfg.Dir, "log"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := r.Event.(*audit.Junk); ok {
			junk += j.Count
		}
	}
	if junk != 111 {
		t.Errorf("the log counts %d of 111", junk)
	}
}

// A sender that goes on beyond its rate costs a signature check each time, up to the cap of those that were for nothing.
func TestRateIsCheap(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1, Burst: 1}, relay.Rate{PerSecond: 1, Burst: 5}))
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	raw := w.message("reviewer", "hello", "coordinator")
	seen := map[relay.Status]int{}
	for range 60 {
		seen[w.send(raw).Status]++
	}
	if seen[relay.RateLimited] > 25 || seen[relay.RateLimited]+seen[relay.Flooded] != 60 {
		t.Errorf("%v", seen)
	}
}

// Only so many are decided at a time; the others are turned away at once.
func TestOverloaded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := false
	w := newWorld(t, func(p *pep.Config, c *relay.Config) {
		c.Deciding = 1
		p.Facts = func(context.Context, pep.Call) (eval.Facts, error) {
			if slow {
				entered <- struct{}{}
				<-leave
			}
			return eval.Facts{}, nil
		}
	})
	slow = true
	first, second := w.message("reviewer", "1", "coordinator"), w.message("reviewer", "2", "coordinator")
	results := make(chan relay.Result, 1)
	go func() { results <- w.send(first) }()
	<-entered
	w.expect(second, relay.Overloaded, "")
	close(leave)
	if r := <-results; r.Status != relay.Delivered {
		t.Errorf("%s: %v", r.Status, r.Err)
	}
	go func() { <-entered }()
	w.expect(second, relay.Delivered, eval.CodePermit)
}
