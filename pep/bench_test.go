package pep

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

const benchPolicy = `policy bench edition 1
group Staff
PRINCIPALS
tool pay(to: email, amount: decimal, note: string?)
permit Staff to delegate on agent any
permit Staff to read on "file:///srv/**"
permit pay: Staff to execute on tool pay when args.amount <= 100.00
forbid far: any to execute on tool pay when domain(args.to) != "example.com"
forbid any to any on "file:///**/.ssh/**"
`

// benchPast makes benchPolicy ask for the past: a limit on what is measured, and an event that hasn't happened.
const benchPast = `limit any to execute on tool pay sum args.amount <= 100000000.00 per 24h
forbid again: any to execute on tool pay when agent once (read on "file:///srv/secret/**") within 1h
`

// A benchBed is a PEP and messages for it.
type benchBed struct {
	pep      *PEP
	messages []*token.Delivery
	sign     func() []*token.Delivery // them anew
	signedAt time.Time
	// raw is what one message's signature is over and by: the peer.
	key       ed25519.PublicKey
	signed    []byte
	signature []byte
}

// newBenchBed makes a PEP whose policy says more, and messages of senders in turn, each with a token of so many blocks, all but the last of which they share.
func newBenchBed(b *testing.B, more string, blocks, senders, messages int) *benchBed {
	b.Helper()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	root, err := token.NewIdentity(token.RoleRoot, rand.Reader)
	check(err)
	me, err := token.NewIdentity(token.RoleAgent, rand.Reader)
	check(err)
	principals, names := "", ""
	holders := make([]*token.Identity, blocks-1+senders)
	for i := range holders {
		holders[i], err = token.NewIdentity(token.RoleAgent, rand.Reader)
		check(err)
		principals += fmt.Sprintf("agent a%d in Staff\n", i)
		names += fmt.Sprintf(`,"a%d": %q`, i, holders[i].Key())
	}
	policy := strings.Replace(benchPolicy, "PRINCIPALS", principals, 1) + more
	trust := fmt.Sprintf(`{"version": 1, "realm": "bench", "sequence": 1, "roots": [{"key": %q, "grants": [{"actions": ["execute", "read"], "resources": ["tool://**", "file:///srv/**"]}]}], "names": {%s}}`, root.Key(), names[1:])
	secret, err := audit.GenerateKey("example.com/bench")
	check(err)
	logKey, err := audit.ParseKey(secret)
	check(err)
	p, err := Open(Config{Policy: FS(fstest.MapFS{"p.moat": {Data: []byte(policy)}}, "."), Trust: []byte(trust), Key: me.Key(), Dir: b.TempDir() + "/pep", LogKey: logKey, Create: true})
	check(err)
	b.Cleanup(func() { p.Close() })

	attenuate := func(raw []byte, by, to *token.Identity, depth int) []byte {
		g := token.Grant{Actions: []string{"execute", "read"}}
		for _, s := range []string{"tool://pay", "file:///srv/**", "file:///srv/*/faq/**", "tool://notes.*"} {
			pattern, err := resource.ParsePattern(s)
			check(err)
			g.Resources = append(g.Resources, pattern)
		}
		id, err := token.NewID(rand.Reader)
		check(err)
		blk := token.Block{Realm: "bench", Audience: to.Key(), ID: id, NotBefore: time.Now().Add(-time.Minute).Truncate(time.Second), Expires: time.Now().Add(10 * time.Hour).Truncate(time.Second), Depth: depth, Grants: []token.Grant{g}}
		if raw == nil {
			raw, err = token.Mint(by, blk)
		} else {
			raw, err = token.Attenuate(raw, by, blk)
		}
		check(err)
		return raw
	}
	var shared []byte
	by := root
	for i, holder := range holders[:blocks-1] {
		shared = attenuate(shared, by, holder, 15-i)
		by = holder
	}
	var tokens [][]byte
	for _, sender := range holders[blocks-1:] {
		tokens = append(tokens, attenuate(shared, by, sender, 16-blocks))
	}
	pay, err := resource.Parse("tool://pay")
	check(err)
	bed := &benchBed{pep: p}
	bed.sign = func() (out []*token.Delivery) {
		for i := range messages {
			sender, raw := holders[blocks-1+i%senders], tokens[i%senders]
			_, digest, err := token.Claimed(raw)
			check(err)
			signed, err := token.SignMessage(sender, token.Message{Realm: "bench", Recipient: me.Key(), Sequence: uint64(i/senders + 1), Time: time.Now(), Token: digest,
				Policy: p.Policy().Digest(), Trust: p.Trust().Digest(), Action: "execute", Resource: pay, Args: []byte(`{"amount":12.50,"note":"lunch","to":"bob@example.com"}`)})
			check(err)
			out = append(out, &token.Delivery{Message: signed, Token: raw})
		}
		return out
	}
	bed.again()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	bed.key, bed.signed = key.Public().(ed25519.PublicKey), make([]byte, len(bed.messages[0].Message))
	bed.signature = ed25519.Sign(key, bed.signed)
	return bed
}

// again makes the messages good once more: the windows are forgotten, and messages that will soon be too old are signed anew.
func (bed *benchBed) again() {
	if time.Since(bed.signedAt) > MaxAge/3 {
		bed.messages, bed.signedAt = bed.sign(), time.Now()
	}
	bed.pep.mu.Lock()
	bed.pep.senders = map[token.Key]*sender{}
	bed.pep.mu.Unlock()
}

// A warm decision whose record is queued, not waited for, beside the one signature verification that it can't do without. Both are measured in
// turns, and the medians compared, so that what else the machine does meets both and counts for little; the ratio is what counts.
func BenchmarkPEP(b *testing.B) {
	const batch = 512
	for _, blocks := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("blocks=%d", blocks), func(b *testing.B) {
			bed := newBenchBed(b, "", blocks, 1, batch)
			b.ReportAllocs()
			var decide, verify []time.Duration
			n := 0
			ctx := context.Background()
			for b.Loop() {
				if n%batch == 0 {
					b.StopTimer()
					bed.again()
					b.StartTimer()
				}
				start := time.Now()
				var a Answer
				t := bed.pep.decide(ctx, bed.messages[n%batch], &a)
				mid := time.Now()
				if a.Code != "permit" {
					b.Fatal(a.Code, a.Reason)
				}
				if n%64 == 63 { // the queue is bounded
					b.StopTimer()
					if err := t.Wait(ctx); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				last := time.Now()
				if !ed25519.Verify(bed.key, bed.signed, bed.signature) {
					b.Fatal("the signature doesn't hold")
				}
				verify, decide = append(verify, time.Since(last)), append(decide, mid.Sub(start))
				n++
			}
			d, v := median(decide), median(verify)
			b.ReportMetric(float64(d), "decide-ns")
			b.ReportMetric(float64(v), "verify-ns")
			b.ReportMetric(float64(d)/float64(v), "ratio")
		})
	}
}

// A warm decision that asks for the past, one that a limit and a `once` are about, beside one of a policy without: in turns, and the medians are compared. Allocations are counted
// apart, over decisions of one kind.
func BenchmarkPEPHistory(b *testing.B) {
	const batch = 512
	beds := []*benchBed{newBenchBed(b, "", 1, 1, batch), newBenchBed(b, benchPast, 1, 1, batch)}
	names := []string{"plain", "past"}
	var took [2][]time.Duration
	var allocs [2]float64
	ctx := context.Background()
	decide := func(bed *benchBed, i int) audit.Ticket {
		var a Answer
		t := bed.pep.decide(ctx, bed.messages[i], &a)
		if a.Code != "permit" {
			b.Fatal(a.Code, a.Reason)
		}
		return t
	}
	for b.Loop() {
		for kind, bed := range beds {
			bed.again()
			i := 0
			allocs[kind] = testing.AllocsPerRun(batch/2-1, func() { decide(bed, i); i++ })
			for ; i < batch; i++ {
				start := time.Now()
				t := decide(bed, i)
				took[kind] = append(took[kind], time.Since(start))
				if i%64 == 63 { // the queue is bounded
					if err := t.Wait(ctx); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for kind, name := range names {
		b.ReportMetric(float64(median(took[kind])), name+"-ns")
		b.ReportMetric(allocs[kind], name+"-allocs")
	}
	b.ReportMetric(float64(median(took[1]))-float64(median(took[0])), "more-ns")
}

// BenchmarkPEPThroughput is decisions for many callers, each of which waits until its record is durable, beside as many that only verify a signature: what the
// cores allow. They take turns, since the machine isn't the same from one second to the next.
func BenchmarkPEPThroughput(b *testing.B) {
	const callers, senders, each = 512, 16, 24
	bed := newBenchBed(b, "", 1, senders, callers*each)
	round := func(one func(i int)) time.Duration {
		runtime.GC()
		var all sync.WaitGroup
		var next atomic.Int64 // in the order of their numbers, since a sender's window is bounded
		start := time.Now()
		for range callers {
			all.Go(func() {
				for i := next.Add(1); i <= callers*each; i = next.Add(1) {
					one(int(i - 1))
				}
			})
		}
		all.Wait()
		return time.Since(start)
	}
	verify := func(int) {
		if !ed25519.Verify(bed.key, bed.signed, bed.signature) {
			b.Error("the signature doesn't hold")
		}
	}
	decide := func(i int) {
		if a := bed.pep.DecideDelivery(context.Background(), bed.messages[i]); a.Code != "permit" {
			b.Error(a.Code, a.Reason)
		}
	}
	var ratios, base []float64
	for b.Loop() {
		bed.again()
		v, d := round(verify), round(decide)
		ratios, base = append(ratios, v.Seconds()/d.Seconds()), append(base, float64(v.Nanoseconds())/(callers*each))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(base), "verify-ns")
	b.ReportMetric(median(base)/median(ratios), "decide-ns")
	b.ReportMetric(median(ratios), "ratio")
}

func median[T cmp.Ordered](s []T) T {
	slices.Sort(s)
	return s[len(s)/2]
}
