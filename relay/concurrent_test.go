package relay_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/token"
)

// Many send to few, each message twice at once, while agents come and go and one is revoked: no message is handled twice, each recipient handles one
// at a time, each permit has just one effect, and nothing of a sender is handled whose decision began after it was revoked.
func TestConcurrentSenders(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1e6, Burst: 1e6}, relay.Rate{PerSecond: 1e6, Burst: 1e6}))
	names := []string{"coordinator", "reviewer", "tester"}
	handled := sync.Map{}
	var delivered, late atomic.Int64
	for _, name := range names {
		busy := false // the race detector sees who else is here
		w.handle("agent://"+name, func(_ context.Context, m *relay.Message) ([]byte, error) {
			if busy {
				t.Errorf("%s handles two messages at once", name)
			}
			busy = true
			if _, twice := handled.LoadOrStore(m.Index, true); twice {
				t.Errorf("decision %d is handled twice", m.Index)
			}
			delivered.Add(1)
			busy = false
			return nil, nil
		})
	}
	var revoked atomic.Bool
	var all sync.WaitGroup
	var permits, ok atomic.Int64
	tokens := map[string][]byte{"coordinator": w.token("coordinator"), "reviewer": w.token("coordinator", "reviewer"), "tester": w.token("tester")}
	for s := range 12 {
		from := names[s%3]
		to := map[string]string{"coordinator": "reviewer", "reviewer": "coordinator", "tester": "coordinator"}[from]
		all.Go(func() {
			for i := range 40 {
				raw := w.signed(from, tokens[from], "execute", "tool://message", fmt.Sprintf(`{"to": %q, "text": "%d"}`, to, i))
				var twice sync.WaitGroup
				for range 2 {
					twice.Go(func() {
						begun := revoked.Load()
						r := w.send(raw)
						if r.Answer.Outcome == eval.Permit {
							permits.Add(1)
							if begun && from == "tester" {
								late.Add(1)
							}
						}
						switch r.Status {
						case relay.Delivered:
							ok.Add(1)
						case relay.Denied, relay.Busy, relay.NoRecipient, relay.Outdated:
						default:
							t.Errorf("%s: %v", r.Status, r.Err)
						}
					})
				}
				twice.Wait()
			}
		})
	}
	all.Go(func() {
		for range 50 {
			w.registry.Unregister("reviewer")
			w.register("reviewer")
		}
	})
	all.Go(func() {
		if err := w.revoke(2, w.ids["tester"].Key()); err != nil {
			t.Error(err)
		}
		revoked.Store(true)
	})
	all.Wait()
	if late.Load() > 0 {
		t.Errorf("%d permits after the revocation", late.Load())
	}
	effects := w.effects()
	if int64(len(effects)) != permits.Load() || ok.Load() != delivered.Load() {
		t.Errorf("%d effects of %d permits; %d delivered, and %d are told so", len(effects), permits.Load(), delivered.Load(), ok.Load())
	}
	if ok.Load() == 0 {
		t.Error("nothing was delivered")
	}
}

// One name is contended for by many keys: one has it.
func TestConcurrentRegistration(t *testing.T) {
	w := newWorld(t)
	var won atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		key := identity(t, token.RoleAgent).Key()
		all.Go(func() {
			for range 20 {
				if w.registry.Register(relay.Agent{Name: "wanted", Key: key}) == nil {
					won.Add(1)
					return
				}
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d have the name", won.Load())
	}
}

// Those who go away while they wait make room, and hold nobody up.
func TestConcurrentCancel(t *testing.T) {
	w := newWorld(t, rates(relay.Rate{PerSecond: 1000, Burst: 1000}, relay.Rate{}))
	w.handle("agent://reviewer", func(ctx context.Context, _ *relay.Message) ([]byte, error) { return nil, nil })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 30 {
				raw := w.message("reviewer", "hello", "coordinator")
				ctx, cancel := context.WithCancel(context.Background())
				go cancel()
				switch r := w.router.Send(ctx, raw); r.Status {
				case relay.Delivered, relay.Cancelled, relay.Busy:
				default:
					t.Errorf("%s: %v", r.Status, r.Err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
}
