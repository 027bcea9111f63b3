package pep_test

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// senders are n agents that the trust document doesn't name, each with a token of its own through the coordinator.
func (w *world) manySenders(n int) (names []string, tokens [][]byte) {
	w.t.Helper()
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		w.ids[name] = identityFrom(w.t, w, name, token.RoleAgent)
		names, tokens = append(names, name), append(tokens, w.token("coordinator", name))
	}
	return names, tokens
}

// anyDelegate is the policy of the tests, with delegation to keys that nobody named.
func anyDelegate(c *pep.Config) {
	c.Policy = policyOf(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH") + "permit coordinator to delegate on agent any\n")
}

// Each of many senders sends many messages, some of them twice at once, while a sender is revoked: none is accepted twice, none is lost from
// the log, and no decision that begins after the revocation was acknowledged goes the revoked sender's way. MOAT_PEP_LOAD=64x10000 says how many
// senders send how many messages each; by default few.
func TestConcurrentSenders(t *testing.T) {
	w := started(t, anyDelegate)
	senders, each := 16, 60
	if load := os.Getenv("MOAT_PEP_LOAD"); load != "" {
		if _, err := fmt.Sscanf(load, "%dx%d", &senders, &each); err != nil {
			t.Fatalf("MOAT_PEP_LOAD is %q; write 64x10000", load)
		}
	}
	names, tokens := w.manySenders(senders)
	var accepted, replays, revokedAfter atomic.Int64
	var revoked atomic.Bool
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				m := w.message(tokens[s], "execute", "tool://note", note)
				m.Sequence = uint64(i + 1)
				d := &token.Delivery{Message: w.sign(names[s], m), Token: tokens[s]}
				raw, err := d.Encode()
				if err != nil {
					t.Error(err)
					return
				}
				var twice sync.WaitGroup
				var answered atomic.Int64
				times := 1
				if i%8 == 0 {
					times = 2
				}
				for range times {
					twice.Go(func() {
						begun := revoked.Load()
						a := w.pep.Decide(context.Background(), raw)
						switch {
						case a.Code == pep.CodeUnauthenticated:
							replays.Add(1)
						case s == 0 && begun && a.Code != pep.CodeToken+"revoked":
							revokedAfter.Add(1)
							answered.Add(1)
						default: // nobody permits these senders by name: the rules deny, and that is an answer
							answered.Add(1)
							accepted.Add(1)
						}
					})
				}
				twice.Wait()
				if n := answered.Load(); n > 1 {
					t.Errorf("message %d of sender %d was accepted %d times", i, s, n)
				}
			}
		})
	}
	all.Go(func() {
		if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids[names[0]].Key()}}); err != nil {
			t.Error(err)
		}
		revoked.Store(true)
	})
	all.Wait()
	if n := revokedAfter.Load(); n > 0 {
		t.Errorf("%d decisions that began after the revocation don't know of it", n)
	}
	w.pep.Close()
	logged := map[string]int{}
	var junk uint64
	for r, err := range audit.Read(filepath.Join(w.cfg.Dir, "log"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := r.Event.(type) {
		case *audit.Decision:
			logged[fmt.Sprint(ev.Sender, " ", ev.Sequence)]++
		case *audit.Junk:
			junk += ev.Count
		}
	}
	for key, n := range logged {
		if n != 1 {
			t.Errorf("%s is in the log %d times", key, n)
		}
	}
	if got := int64(len(logged)); got != accepted.Load() || int64(junk) != replays.Load() {
		t.Errorf("%d decisions in the log for %d answers, and %d of junk for %d replays", got, accepted.Load(), junk, replays.Load())
	}
}

// Ten thousand mutated deliveries: no panic, each refused with a stage and a code, each accounted for in the log.
func TestMutatedMessages(t *testing.T) {
	w := started(t)
	r := rand.New(rand.NewSource(7))
	var good [][]byte
	for range 8 {
		d := w.delivery("note", note, "coordinator", "reviewer")
		d.Attestations = [][]byte{must[[]byte](t)(token.SignAttestation(w.ids["ci"], token.Attestation{Realm: "test", ID: newID(t), Claim: "ci-passed", Value: "4f2a", NotBefore: w.clock.now().Add(-60e9), Expires: w.clock.now().Add(3600e9)}))}
		good = append(good, must[[]byte](t)(d.Encode()))
	}
	junk, logged := 0, 0
	const n = 10_000
	for i := range n {
		raw := slices.Clone(good[r.Intn(len(good))])
		switch r.Intn(6) {
		case 0:
			raw[r.Intn(len(raw))] ^= 1 << r.Intn(8)
		case 1:
			raw = raw[:r.Intn(len(raw))]
		case 2:
			at := r.Intn(len(raw))
			raw = slices.Insert(raw, at, byte(r.Intn(256)))
		case 3:
			a, b := r.Intn(len(raw)), r.Intn(len(raw))
			n := min(1+r.Intn(64), len(raw)-max(a, b))
			copy(raw[a:a+n], raw[b:b+n])
		case 4:
			at := r.Intn(len(raw))
			raw = slices.Delete(raw, at, min(len(raw), at+1+r.Intn(8)))
		default: // parts of several messages
			a, err := token.ParseDelivery(raw)
			b, err2 := token.ParseDelivery(good[r.Intn(len(good))])
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			a.Token = b.Token
			a.Message = slices.Clone(a.Message)
			a.Message[r.Intn(len(a.Message))] ^= 1 << r.Intn(8)
			raw = must[[]byte](t)(a.Encode())
		}
		a := w.pep.Decide(context.Background(), raw)
		switch {
		case a.Outcome == eval.Permit && a.Index > 0 && a.Message != nil:
			logged++ // the mutation was undone, or hit an attestation that isn't asked for
		case a.Outcome != eval.Deny || a.Code == "" || a.Stage == 0 || a.Reason == nil:
			t.Fatalf("mutation %d: %+v", i, a)
		case a.Stage == pep.StageMessage:
			junk++
		default:
			logged++
		}
	}
	w.pep.Close()
	var counted, decisions int
	for _, rec := range w.records() {
		switch ev := rec.Event.(type) {
		case *audit.Junk:
			counted += int(ev.Count)
		case *audit.Decision:
			decisions++
		}
	}
	if counted != junk || decisions != logged || junk+logged != n {
		t.Errorf("%d of junk, %d counted; %d answers, %d decisions in the log", junk, counted, logged, decisions)
	}
	if logged > len(good) {
		t.Errorf("%d messages of %d were accepted", logged, len(good))
	}
}
