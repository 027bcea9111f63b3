package bench_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/moat-lang/moat/internal/workload"
)

// passLen is how many requests make one pass over the workload.
const passLen = 512

var sizes = []int{10, 100, 1000, 10_000}

func TestPeersAgree(t *testing.T) {
	for _, p := range peers {
		for _, n := range sizes[:3] {
			t.Run(fmt.Sprintf("%s/rules=%d", p.name, n), func(t *testing.T) {
				decide, requests := p.ready(t, n)
				for i := range requests {
					if got, err := decide(i); err != nil || got != requests[i].Allowed() {
						t.Errorf("%+v: got %v, %v", requests[i], got, err)
					}
				}
			})
		}
	}
}

// ready builds the engine on n rules and prepares a pass of requests.
func (p *peer) ready(tb testing.TB, n int) (decider, []workload.Request) {
	rules, requests := workload.Rules(n), workload.Requests(n, passLen)
	engine, err := p.build(p.text(rules), rules)
	if err != nil {
		tb.Fatal(err)
	}
	decide, err := engine(requests)
	if err != nil {
		tb.Fatal(err)
	}
	return decide, requests
}

// perSize runs a benchmark for each number of rules and each peer, peers of a size next to each other.
func perSize(b *testing.B, run func(b *testing.B, p *peer, n int)) {
	for _, n := range sizes {
		for i := range peers {
			if p := &peers[i]; p.most == 0 || n <= p.most {
				b.Run(fmt.Sprintf("%s/rules=%d", p.name, n), func(b *testing.B) { run(b, p, n) })
			}
		}
	}
}

// BenchmarkDecide times whole passes over the requests, so that slow peers see the same mix as fast ones. Its figures are for one decision.
func BenchmarkDecide(b *testing.B) {
	perSize(b, func(b *testing.B, p *peer, n int) {
		decide, _ := p.ready(b, n)
		b.ReportAllocs() // the metrics below take the place of its figures, which are for a pass
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for b.Loop() {
			for i := range passLen {
				if _, err := decide(i); err != nil {
					b.Fatal(err)
				}
			}
		}
		runtime.ReadMemStats(&after)
		decisions := float64(b.N) * passLen
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/decisions, "ns/op")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/decisions, "B/op")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/decisions, "allocs/op")
	})
}

// BenchmarkBuild times the way from text to an engine that is ready, and reports for each rule what that takes and what heap the engine keeps.
func BenchmarkBuild(b *testing.B) {
	perSize(b, func(b *testing.B, p *peer, n int) {
		rules := workload.Rules(n)
		text := p.text(rules)
		build := func() engine {
			e, err := p.build(text, rules)
			if err != nil {
				b.Fatal(err)
			}
			return e
		}
		build() // what an engine makes once for all is not counted
		empty := liveHeap()
		e := build()
		kept := liveHeap() - empty
		runtime.KeepAlive(e)
		runtime.KeepAlive(rules)
		for b.Loop() {
			build()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
		b.ReportMetric(float64(kept)/float64(n), "heap-B/rule")
	})
}

// liveHeap is how many bytes of the heap are in use. The second collection frees what the first put into pools.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
