package eval_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/internal/workload"
	"github.com/moat-lang/moat/lang"
)

// BenchmarkDecide decides requests that are parsed before. What it takes without any language, on the same requests and
// in the same run, stands beside it as floor: compare the two, since times alone depend on the machine and on what else it does.
func BenchmarkDecide(b *testing.B) {
	for _, n := range workloadSizes {
		rules, requests := workload.Rules(n), workload.Requests(n, passLen)
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			program, ready := workloadProgram(b, rules), prepareAll(b, requests)
			benchmarkPasses(b, func(i int) bool {
				return program.Decide(ready[i].req, ready[i].facts).Outcome == eval.Permit
			})
		})
		b.Run(fmt.Sprintf("floor/rules=%d", n), func(b *testing.B) {
			floor := workload.NewFloor(rules)
			benchmarkPasses(b, func(i int) bool { return floor.Decide(&requests[i]) })
		})
	}
}

// BenchmarkDecideJSON decides requests from the bytes of an AuthZEN evaluation.
func BenchmarkDecideJSON(b *testing.B) {
	for _, n := range workloadSizes {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			program := workloadProgram(b, workload.Rules(n))
			var bodies [][]byte
			for _, q := range workload.Requests(n, passLen) {
				bodies = append(bodies, q.JSON())
			}
			benchmarkPasses(b, func(i int) bool {
				req, facts, err := eval.ParseEvaluation(bodies[i])
				if err != nil {
					b.Fatal(err)
				}
				return program.Decide(req, facts).Outcome == eval.Permit
			})
		})
	}
}

// benchmarkPasses times whole passes over the requests, so that all see the same mix, and reports time and
// allocations for one decision. decide answers the i-th request.
func benchmarkPasses(b *testing.B, decide func(i int) bool) {
	b.ReportAllocs() // the metrics below take the place of its figures, which are for a pass
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		allowed := 0
		for i := range passLen {
			if decide(i) {
				allowed++
			}
		}
		if allowed != passLen/2 {
			b.Fatalf("%d of %d requests were allowed; half should be", allowed, passLen)
		}
	}
	runtime.ReadMemStats(&after)
	decisions := float64(b.N) * passLen
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/decisions, "ns/op")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/decisions, "B/op")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/decisions, "allocs/op")
}

// BenchmarkCompile makes a program of text: ns/op and the allocations are those of all of it. Apart from that it reports, for each rule,
// the time of the phases, and the heap that the program keeps.
func BenchmarkCompile(b *testing.B) {
	for _, n := range workloadSizes {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			sources := workloadSources(workload.Rules(n))
			var p phases
			for range 5 + 2000/n {
				compilePhases(b, sources, &p)
			}
			empty := liveHeap()
			program := compilePhases(b, sources, &phases{})
			kept := liveHeap() - empty
			runtime.KeepAlive(program)

			b.ReportAllocs()
			for b.Loop() {
				policy, diags := lang.Compile(sources)
				if policy == nil {
					b.Fatal(diags)
				}
				eval.New(policy)
			}
			parse := slices.Min(p.parse)
			b.ReportMetric(parse/float64(n), "parse-ns/rule")
			b.ReportMetric((slices.Min(p.parseAndCheck)-parse)/float64(n), "check-ns/rule")
			b.ReportMetric(slices.Min(p.compile)/float64(n), "compile-ns/rule")
			b.ReportMetric(float64(kept)/float64(n), "heap-B/rule")
		})
	}
}

// The phases of a compilation, in nanoseconds, once for each time it was done: lang.Parse, lang.Compile, which parses as well, and
// eval.New. The fastest of each counts: checking is seen only as the difference of two, which a disturbance of either would hide.
type phases struct{ parse, parseAndCheck, compile []float64 }

// compilePhases adds one compilation to p. Each phase begins with the garbage of others collected, so as not to pay for it.
func compilePhases(b *testing.B, sources map[string]string, p *phases) *eval.Program {
	timed := func(f func()) float64 {
		runtime.GC()
		start := time.Now()
		f()
		return float64(time.Since(start).Nanoseconds())
	}
	parse := timed(func() {
		for name, text := range sources {
			if _, diags := lang.Parse(lang.NewSource(name, text)); diags.Err() != nil {
				b.Fatal(diags)
			}
		}
	})
	var policy *lang.Program
	parseAndCheck := timed(func() {
		var diags lang.Diagnostics
		if policy, diags = lang.Compile(sources); policy == nil {
			b.Fatal(diags)
		}
	})
	var program *eval.Program
	compile := timed(func() { program = eval.New(policy) })
	p.parse, p.parseAndCheck, p.compile = append(p.parse, parse), append(p.parseAndCheck, parseAndCheck), append(p.compile, compile)
	return program
}

// liveHeap is how many bytes of the heap are in use. The second collection frees what the first put into pools.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHistory decides calls of a tool under a policy that looks at the past beside one that doesn't, and advances the history.
func BenchmarkHistory(b *testing.B) {
	const rules = `policy p edition 1
agent clerk
tool buy(item: string, price: decimal)
permit clerk to execute on tool buy when args.price > 0.00
`
	const past = `limit calls: any to execute on any count <= 1_000_000 per 1s each agent
limit spend: any to execute on tool buy sum args.price <= 1000000000.00 per 24h
forbid late: any to execute on tool buy when session once (read on "secret://**")
lifecycle buying: clerk { start idle idle -> idle: execute on tool buy }
`
	for _, c := range []struct{ name, text string }{
		{"none", rules}, {"count", rules + "limit calls: any to execute on any count <= 1_000_000_000 per 1s each agent\n"}, {"all", rules + past},
	} {
		b.Run(c.name, func(b *testing.B) {
			policy, diags := lang.Compile(map[string]string{"p.moat": c.text})
			if policy == nil {
				b.Fatal(diags)
			}
			p, h := eval.New(policy), eval.NewHistory()
			req, err := eval.Call("clerk", "buy", []byte(`{"item":"pen","price":2.50}`))
			if err != nil {
				b.Fatal(err)
			}
			now := eval.TestStart()
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Microsecond)
				if d := h.Decide(p, req, eval.Facts{Time: now, Session: "s"}); d.Outcome != eval.Permit {
					b.Fatal(d.Code, d.Errors)
				}
			}
		})
	}
}

// BenchmarkHistoryWorst is a call of 254 effects under a chain of eight agents and a thousand limits or events that each effect counts in: as bad as it gets.
func BenchmarkHistoryWorst(b *testing.B) {
	var files []string
	for i := range 254 {
		files = append(files, fmt.Sprintf(`"/f%d"`, i))
	}
	call := `{"files":[` + strings.Join(files, ",") + `],"to":"https://example.com/"}`
	chain := []string{"clerk", "did:key:a", "did:key:b", "did:key:c", "did:key:d", "did:key:e", "did:key:f", "helper"}
	for name, one := range map[string]string{
		"limits":     "limit l%d: any to read on any count <= 100000%d per 1h\n",
		"events":     "forbid f%d: any to poke on any when agent once (read on any when resource.path != \"%d\")\n",
		"conditions": "forbid f%d: any to read on any when agent once (read on any when resource.path == \"%d\")\n",
	} {
		b.Run(name, func(b *testing.B) {
			text := `policy p edition 1
agent clerk
agent helper
action poke
tool send(files: [path], to: url)
  does read on file(args.files)
  does send on args.to
permit clerk, helper to any on any
`
			for i := range 1000 {
				text += fmt.Sprintf(one, i, i)
			}
			policy, diags := lang.Compile(map[string]string{"p.moat": text})
			if policy == nil {
				b.Fatal(diags)
			}
			p, h := eval.New(policy), eval.NewHistory()
			req, err := eval.Call("helper", "send", []byte(call))
			if err != nil {
				b.Fatal(err)
			}
			facts := eval.Facts{Time: eval.TestStart(), Authority: &eval.Authority{Depth: len(chain), Agents: chain, Grants: allOf{}}}
			b.ReportAllocs()
			for b.Loop() {
				if d := h.Decide(p, req, facts); d.Outcome != eval.Permit {
					b.Fatal(d.Code, d.Detail)
				}
			}
		})
	}
}
