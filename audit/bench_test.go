package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// decision is a typical event.
func decision() *Decision {
	return &Decision{
		Agent: "assistant", Action: "execute", Resource: "tool://pay",
		Args:   []Argument{{"to", Shown(`"bob@example.com"`)}, {"amount", Shown("20.00")}},
		Facts:  Facts{Time: time.Unix(1790000000, 0), Origins: []Origin{{Shown("/to"), []string{"user"}}}, Session: "s-17"},
		Policy: [32]byte{1}, Request: RequestID{Digest: [32]byte{2}},
		Outcome: Permit, Code: "permit", Rules: []string{"small_payment"},
	}
}

// bareLog is the shape to beat: one goroutine chains and writes lines that are there already, and answers all waiters after one sync.
type bareLog struct {
	f  File
	in chan bareRequest
}

type bareRequest struct {
	line []byte
	done chan struct{}
}

func (g *bareLog) loop(max int) {
	var buf []byte
	var prev [32]byte
	var batch []bareRequest
	for r := range g.in {
		batch = append(batch[:0], r)
		for more := true; more && len(batch) < max; {
			select {
			case r, ok := <-g.in:
				if more = ok; ok {
					batch = append(batch, r)
				}
			default:
				more = false
			}
		}
		buf = buf[:0]
		h := sha256.New()
		for _, r := range batch {
			h.Reset()
			h.Write(prev[:])
			h.Write(r.line)
			h.Sum(prev[:0])
			buf = append(buf, r.line...)
		}
		g.f.Write(buf)
		g.f.Sync()
		for _, r := range batch {
			r.done <- struct{}{}
		}
	}
}

// median sorts s.
func median(s []float64) float64 { slices.Sort(s); return s[len(s)/2] }

// beside runs two things in turns, since the machine isn't the same from one second to the next, and reports the median of how much faster the
// second was than the first. Each does n things and says how long they took.
func beside(b *testing.B, rounds, n int, base, ours func(n int) time.Duration) {
	var ratios, bases, times []float64
	base(n/4 + 1)
	ours(n/4 + 1)
	b.ResetTimer()
	for range b.N {
		for range rounds {
			t0, t1 := base(n), ours(n)
			ratios = append(ratios, t0.Seconds()/t1.Seconds())
			bases, times = append(bases, float64(t0.Nanoseconds())/float64(n)), append(times, float64(t1.Nanoseconds())/float64(n))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(bases), "base-ns")
	b.ReportMetric(median(times), "log-ns")
	b.ReportMetric(median(ratios), "ratio")
}

// handover returns how long one processor takes to see what another has written, in nanoseconds. On two that share a cache it is a third or a quarter of
// what it is on two that don't, and a virtual machine may be given now these and now those.
// Where there is but one it is 0.
func handover() float64 {
	if runtime.GOMAXPROCS(0) == 1 {
		return 0
	}
	const rounds = 5000
	var turn atomic.Int64
	go func() {
		for i := int64(1); i < 2*rounds; i += 2 {
			for turn.Load() != i {
			}
			turn.Store(i + 1)
		}
	}()
	start := time.Now()
	for i := int64(0); i < 2*rounds; i += 2 {
		for turn.Load() != i {
		}
		turn.Store(i + 1)
	}
	return float64(time.Since(start).Nanoseconds()) / (2 * rounds)
}

// BenchmarkAppend is durable appends by callers that each wait, beside the bare loop, whose callers bring a line that is ready or, under "encoding", make it.
func BenchmarkAppend(b *testing.B) {
	line, _ := appendEvent(nil, decision(), nil)
	line = append(appendTail(line, 1, KindDecision, new([32]byte), time.Now()), '\n')
	callers := func(c, n int, one func()) time.Duration {
		var wg sync.WaitGroup
		start := time.Now()
		for range c {
			wg.Go(func() {
				for range (n + c - 1) / c {
					one()
				}
			})
		}
		wg.Wait()
		return time.Since(start)
	}
	for _, c := range []int{-512, 1, 8, 64, 512} {
		encoding := c < 0
		name := fmt.Sprintf("callers=%d", max(c, -c))
		if c = max(c, -c); encoding {
			name += "/encoding"
		}
		b.Run(name, func(b *testing.B) {
			f, err := OS().OpenFile(filepath.Join(b.TempDir(), "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			g := &bareLog{f, make(chan bareRequest, 1024)}
			go g.loop(1024)
			defer close(g.in)
			pool := sync.Pool{New: func() any { return make(chan struct{}, 1) }}
			l := mustOpen(b, b.TempDir(), Options{Key: testKey(b)})
			d := decision()
			var handovers []float64
			beside(b, 10, 150*c, func(n int) time.Duration {
				handovers = append(handovers, handover())
				return callers(c, n, func() {
					done := pool.Get().(chan struct{})
					line := line
					if encoding {
						line, _ = appendEvent(make([]byte, 0, len(line)), d, nil)
						line = append(appendTail(line, 1, KindDecision, new([32]byte), time.Now()), '\n')
					}
					g.in <- bareRequest{line, done}
					<-done
					pool.Put(done)
				})
			}, func(n int) time.Duration {
				return callers(c, n, func() {
					if _, err := l.Append(context.Background(), d); err != nil {
						b.Error(err)
					}
				})
			})
			b.ReportMetric(median(handovers), "handover-ns")
			mustClose(b, l)
		})
	}
}

// BenchmarkQueue is what an append costs its caller before it waits; the disk syncs for nothing.
func BenchmarkQueue(b *testing.B) {
	l := mustOpen(b, b.TempDir(), Options{Key: testKey(b), FS: &faultFS{FS: OS(), noSync: true}})
	d := decision()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		t, err := l.Queue(d)
		if err != nil {
			b.Fatal(err)
		}
		if i%4096 == 0 {
			if err := t.Wait(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	mustClose(b, l)
}

// grown makes a log of about n records.
func grown(b testing.TB, n int, opts Options) string {
	b.Helper()
	dir := b.TempDir()
	opts.Key, opts.FS = testKey(b), &faultFS{FS: OS(), noSync: true}
	l := mustOpen(b, dir, opts)
	d := decision()
	for i := range n {
		t, err := l.Queue(d)
		if err != nil {
			b.Fatal(err)
		}
		if i%4096 == 0 {
			if err := t.Wait(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	mustClose(b, l)
	return dir
}

// BenchmarkVerify is verification beside SHA-256 over the same lines in memory, once for the chain and once more for the tree.
func BenchmarkVerify(b *testing.B) {
	const n = 200_000
	dir := grown(b, n, Options{SegmentBytes: 8 << 20})
	segments, err := listSegments(OS(), dir)
	if err != nil {
		b.Fatal(err)
	}
	var text []byte
	for _, first := range segments {
		data, err := os.ReadFile(filepath.Join(dir, segmentName(first)))
		if err != nil {
			b.Fatal(err)
		}
		text = append(text, data...)
	}
	var lines [][]byte
	for rest := text; len(rest) > 0; {
		i := 0
		for rest[i] != '\n' {
			i++
		}
		lines = append(lines, rest[:i])
		rest = rest[i+1:]
	}
	timed := func(f func()) func(int) time.Duration {
		return func(int) time.Duration {
			start := time.Now()
			f()
			return time.Since(start)
		}
	}
	one := timed(func() {
		for _, l := range lines {
			sha256.Sum256(l)
		}
	})
	two := timed(func() {
		for _, l := range lines {
			sha256.Sum256(l)
			tlog.RecordHash(l)
		}
	})
	verify := func(parallel int) func(int) time.Duration {
		return timed(func() {
			if _, err := Verify(dir, VerifyOptions{Parallel: parallel}); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("chain", func(b *testing.B) {
		beside(b, 5, len(lines), one, timed(func() {
			for _, first := range segments {
				if _, err := scanSegment(OS(), dir, first, nil); err != nil {
					b.Fatal(err)
				}
			}
		}))
	})
	b.Run("chain/files", func(b *testing.B) { // the base reads the same files, in one hash
		beside(b, 5, len(lines), timed(func() {
			for _, first := range segments {
				h, buf := sha256.New(), make([]byte, readSize)
				f, err := os.Open(filepath.Join(dir, segmentName(first)))
				if err != nil {
					b.Fatal(err)
				}
				for {
					n, err := f.Read(buf)
					h.Write(buf[:n])
					if err != nil {
						break
					}
				}
				f.Close()
				h.Sum(nil)
			}
		}), timed(func() {
			for _, first := range segments {
				if _, err := scanSegment(OS(), dir, first, nil); err != nil {
					b.Fatal(err)
				}
			}
		}))
	})
	b.Run("chain+tree", func(b *testing.B) { beside(b, 5, len(lines), two, verify(1)) })
	b.Run("parallel", func(b *testing.B) { beside(b, 5, len(lines), verify(1), verify(runtime.GOMAXPROCS(0))) })
	b.Run("strict", func(b *testing.B) {
		beside(b, 1, len(lines), verify(1), timed(func() {
			for _, err := range Read(dir, 0) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}))
	})
}

// BenchmarkInclusion is a proof from the tree on disk, of a random record, with the pages of the file in the cache of the system.
func BenchmarkInclusion(b *testing.B) {
	const n = 1_000_000
	dir := grown(b, n, Options{})
	t, err := OpenTree(dir, n)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if _, err := t.Inclusion(i * 7919 * 31 % n); err != nil {
			b.Fatal(err)
		}
	}
}
