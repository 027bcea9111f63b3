package eval_test

import (
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// heavy is a policy that looks at the past a lot.
func (g *generator) heavy() []string {
	decls := g.policy()
	for i := range 1 + g.Intn(3) {
		decls = append(decls, g.limit(10+i))
	}
	for i := range g.Intn(3) {
		what := g.once()
		if g.maybe(0.3) {
			what = `any q in ["a", "b", agent.name] { ` + what + ` and q != "b" and any r in ["x", q] { r == q and ` + g.once() + ` } }`
		}
		if g.maybe(0.3) {
			what = strings.Replace(what, ")", ` when any z in ["a", agent.name] { z == agent.name and any y in [z] { y == z } })`, 1)
			if strings.Count(what, "when") > 1 {
				what = g.once()
			}
		}
		decls = append(decls, fmt.Sprintf("forbid h%d: any to %s on any when %s", i, g.pick("send", "poke", "execute", "any"), what))
	}
	if g.maybe(0.5) {
		decls = append(decls, "permit everything: g0, g1, g2, a0, a1, a2 to any on any")
	}
	if g.maybe(0.3) {
		decls = append(decls, "permit dele: any to delegate on agent any when "+strings.Replace(g.once(), "session", "agent", 1))
	}
	return decls
}

var oddTimes = []time.Time{{}, time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(1677, 9, 22, 0, 0, 0, 0, time.UTC), time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0), time.Date(2261, 12, 31, 23, 59, 59, 999999999, time.UTC),
	time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}

// Compiled evaluator, reference and explanation agree on histories that two policies share, with clocks that go back, odd times, odd chains and restarts.
func TestHistoryAgreesWithReference(t *testing.T) {
	seeds := int64(500)
	if testing.Short() {
		seeds /= 10
	}
	total, checked := map[eval.Code]int{}, 0
	for seed := range seeds {
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		a, b := g.heavy(), g.heavy()
		if g.maybe(0.5) { // the same but for one declaration
			b = append([]string(nil), a...)
			k := g.Intn(len(b)-14) + 14
			b = append(b[:k], b[k+1:]...)
		}
		pa, pb := compile(a), compile(b)
		if pa == nil {
			continue
		}
		if pb == nil {
			pb = pa
		}
		checked++
		progs, comp := []*lang.Program{pa, pb}, []*eval.Program{eval.New(pa), eval.New(pb)}
		theirs, ours := eval.NewHistory(), eval.NewHistory()
		kept := map[eval.Cell][]eval.Change{}
		now := eval.TestStart()
		for range 60 {
			req, facts := g.request()
			if g.maybe(0.7) {
				now = now.Add(time.Duration(g.Intn(4000)) * time.Millisecond)
			} else if g.maybe(0.2) {
				now = now.Add(-time.Duration(g.Intn(100000)) * time.Millisecond)
			} else if g.maybe(0.1) {
				now = now.Add(time.Duration(g.Intn(1000000)) * time.Millisecond)
			}
			facts.Time = now
			if g.maybe(0.03) {
				facts.Time = oddTimes[g.Intn(len(oddTimes))]
			}
			facts.Session = g.pick("", "s", "t", "s\x00", "𝔰")
			if g.maybe(0.3) && facts.Authority != nil {
				facts.Authority.Depth = g.Intn(7) - 2
			}
			which := 0
			if g.maybe(0.3) {
				which = 1
			}
			fa, fb := facts, facts
			fa.History, fb.History = theirs, ours
			want := eval.Reference(progs[which], req, fa)
			x := comp[which].Explain(req, fb)
			got := comp[which].Decide(req, fb)
			if diff := cmp.Diff(answerOf(want), answerOf(got), decimals); diff != "" {
				t.Fatalf("seed %d:\n%s\nrequest %+v\nfacts %+v auth %+v\n%s", seed, diff, req, facts, facts.Authority, source(a))
			}
			if diff := cmp.Diff(answerOf(x.Decision), answerOf(got), decimals); diff != "" {
				t.Fatalf("seed %d: explain\n%s", seed, diff)
			}
			_ = x.String()
			if got.Outcome != eval.Permit && (len(got.Changes) > 0 || len(got.Used) > 0) {
				t.Fatalf("seed %d: a %s that changes or uses", seed, got.Outcome)
			}
			total[got.Code]++
			theirs.Apply(want.Changes)
			ours.Apply(got.Changes)
			if g.maybe(0.02) {
				theirs.EndSession("s")
				ours.EndSession("s")
			}
			if g.maybe(0.02) {
				theirs.Forget(now)
				ours.Forget(now)
			}
			if g.maybe(0.03) { // restart: all that was told, in the order of the telling
				kept = keep(kept, ours)
				again := eval.NewHistory()
				for _, cs := range kept {
					again.Apply(cs)
				}
				again.Changed()
				ours = again
			}
		}
	}
	t.Logf("%d programs pass check; decisions by code: %v", checked, total)
	for _, code := range []eval.Code{eval.CodePermit, eval.CodeForbidden, eval.CodeLimit, eval.CodeOutOfOrder, eval.CodeRuleError} {
		if total[code] == 0 && !testing.Short() {
			t.Errorf("nothing was answered with %s", code)
		}
	}
}

// keep keeps what a history tells that it has changed.
func keep(kept map[eval.Cell][]eval.Change, h *eval.History) map[eval.Cell][]eval.Change {
	for c, cs := range h.Changed() {
		if len(cs) == 0 {
			delete(kept, c)
		} else {
			kept[c] = cs
		}
	}
	return kept
}

// Permuting changes nothing with a history.
func TestHistoryOrderDoesntShow(t *testing.T) {
	seeds := int64(300)
	if testing.Short() {
		seeds /= 10
	}
	for seed := range seeds {
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		decls := g.heavy()
		prog := compile(decls)
		if prog == nil {
			continue
		}
		sh := append([]string(nil), decls...)
		sh = append(sh, decls[g.Intn(len(decls))])
		g.Shuffle(len(sh), func(i, j int) { sh[i], sh[j] = sh[j], sh[i] })
		other := compile(sh)
		if other == nil {
			t.Fatal(seed)
		}
		a, b := eval.New(prog), eval.New(other)
		ha, hb := eval.NewHistory(), eval.NewHistory()
		for i := range 40 {
			req, facts := g.request()
			facts.Time = facts.Time.Add(time.Duration(i) * time.Second)
			da, db := ha.Decide(a, req, facts), hb.Decide(b, req, facts)
			if diff := cmp.Diff(answerOf(da), answerOf(db), decimals); diff != "" {
				t.Errorf("seed %d: order shows:\n%s", seed, diff)
				return
			}
		}
	}
}

// A budget by brute force: what the specification says, of chains.
func TestBudgetsByBruteForce(t *testing.T) {
	seeds := int64(300)
	if testing.Short() {
		seeds /= 10
	}
	for seed := range seeds {
		r := rand.New(rand.NewSource(seed))
		each := []string{"", " each agent", " each session", " each root"}[r.Intn(4)]
		subj := []string{"any", "clerk", "helper", "Staff"}[r.Intn(4)]
		isSum := r.Intn(2) == 0
		per := []time.Duration{time.Second, 10 * time.Second, 640 * time.Millisecond, 0}[r.Intn(4)]
		perText := "per session"
		if per > 0 {
			perText = "per " + fmt.Sprintf("%dms", per.Milliseconds())
		}
		n := int64(1 + r.Intn(5))
		text := fmt.Sprintf("limit %s to execute on tool buy count <= %d %s%s", subj, n, perText, each)
		if isSum {
			text = fmt.Sprintf("limit %s to execute on tool buy sum args.price <= %d %s%s", subj, n, perText, each)
		}
		w := newWorld(t, text)
		type ev struct {
			at  time.Time
			n   int64
			key string
		}
		var evs []ev
		permits := 0
		latest := w.now
		for range 150 {
			w.now = w.now.Add(time.Duration(r.Int63n(int64(2*time.Second))) - time.Duration(r.Intn(4)/3)*time.Duration(r.Int63n(int64(3*time.Second))))
			w.session = []string{"s", "t"}[r.Intn(2)]
			agent := []string{"clerk", "helper"}[r.Intn(2)]
			var chain []string
			for range r.Intn(4) {
				chain = append(chain, []string{"x", "y", "z"}[r.Intn(3)])
			}
			if len(chain) > 0 && r.Intn(2) == 0 {
				chain[0] = map[string]string{"clerk": "helper", "helper": "clerk"}[agent]
			}
			amount := int64(1)
			if isSum {
				amount = int64(r.Intn(3))
			}
			// uniq
			seen := map[string]bool{agent: true}
			var c2 []string
			for _, c := range chain {
				if !seen[c] {
					seen[c] = true
					c2 = append(c2, c)
				}
			}
			chain = c2
			d := w.only(agent, "execute", "tool://buy", fmt.Sprintf(`{"item":"x","price":%d}`, amount), chain...)
			if w.now.After(latest) {
				latest = w.now
			}
			if d.Outcome != eval.Permit {
				continue
			}
			permits++
			holders := append(append([]string(nil), chain...), agent)
			match := func(h string) bool {
				return subj == "any" || subj == h || subj == "Staff" && (h == "clerk" || h == "helper")
			}
			keys := map[string]bool{}
			for _, h := range holders {
				if !match(h) {
					continue
				}
				switch each {
				case " each agent":
					keys[h] = true
				case " each session":
					keys["S"+w.session] = true
				default:
					keys["R"+holders[0]], keys["R"+h] = true, true
				}
			}
			for k := range keys {
				if per == 0 {
					k += "/" + w.session
				}
				now := w.now // a clock that goes back stands still
				for _, e := range evs {
					if e.key == k && e.at.After(now) {
						now = e.at
					}
				}
				evs = append(evs, ev{now, amount, k})
				var sum int64
				for _, e := range evs {
					if e.key == k && (per == 0 || now.Sub(e.at) < per) {
						sum += e.n
					}
				}
				most := n
				if !isSum && per > 0 {
					most = 2 * n // a bucket may be emptied and, while a window passes, filled once more
				}
				if sum > most {
					t.Fatalf("seed %d: %s: %d in window for %s", seed, text, sum, k)
				}
			}
		}
	}
}

// A history is safe for concurrent use; -race sees.
func TestHistoryConcurrently(t *testing.T) {
	w := newWorld(t, "limit any to poke on any count <= 100 per 1s each agent\nforbid any to send on any when agent once (read on \"secret://**\") and session once (poke on any)\nlifecycle l: any { start a a -> b: write on any b -> a: write on any }")
	other := pastProgram(t, "limit any to poke on any sum 1 <= 100 per 1s each session")
	ev := eval.NewEvaluator(w.p)
	var wg sync.WaitGroup
	a := &eval.Authority{Depth: 2, Agents: []string{"helper", "clerk"}, Links: []eval.Link{{From: "helper", To: "clerk"}}, Grants: allOf{}}
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewSource(int64(i)))
			for range 300 {
				name, _ := resource.Parse([]string{"file:///x", "secret://x", "https://e.com/"}[r.Intn(3)])
				req := eval.Request{Subject: "clerk", Action: []string{"poke", "read", "send", "write"}[r.Intn(4)], Resource: name}
				facts := eval.Facts{Time: w.now.Add(time.Duration(r.Intn(1000)) * time.Millisecond), Session: fmt.Sprint(r.Intn(3)), History: w.h}
				if r.Intn(2) == 0 {
					facts.Authority = a
				}
				switch r.Intn(9) {
				case 0:
					_ = ev.Program().Explain(req, facts).String()
				case 1:
					w.h.EndSession("1")
				case 2:
					w.h.Keep(w.h.Changed())
				case 3:
					w.h.Forget(facts.Time)
				case 4:
					ev.Swap(other)
				case 5:
					ev.Swap(w.p)
				case 6:
					w.h.Apply(ev.Decide(req, facts).Changes)
				case 7:
					eval.Reference(w.p.Policy(), req, facts)
				default:
					w.h.Decide(ev.Program(), req, facts)
				}
			}
		})
	}
	wg.Wait()
}

// Compiled evaluator and reference agree on chains whose first is the trusted root, declared or not, with several effects in a call.
func TestHistoryAgreesUnderRoots(t *testing.T) {
	total, checked := map[eval.Code]int{}, 0
	for seed := range int64(40) {
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		decls := g.heavy()
		decls = append(decls, "tool t4(f: [path], u: [url], k: string)\n  does read on file(args.f)\n  does send on args.u\n  does poke on file(args.f) when args.k == \"p\"")
		if g.maybe(0.7) {
			decls = append(decls, "permit t4: any to execute on tool t4", "permit t4e: any to read, send, poke on any when "+g.pick("true", "true", "not "+g.once(), g.once()))
		}
		if g.maybe(0.5) {
			decls = append(decls, "limit t4l: "+g.pick("any", "a0", "g0", "p1")+" to "+g.pick("any", "read", "send, poke", "execute, read")+" on any "+g.pick("", "when "+g.once(), "when not "+g.once())+" count <= "+g.pick("2", "3", "9")+g.pick(" per 1m", " per session")+g.pick("", " each agent", " each session"))
		}
		prog := compile(decls)
		if prog == nil {
			continue
		}
		checked++
		p := eval.New(prog)
		theirs, ours, third := eval.NewHistory(), eval.NewHistory(), eval.NewHistory()
		now := eval.TestStart()
		for range 80 {
			req, facts := g.request()
			if g.maybe(0.4) {
				args := obj(mem("f", g.strings("/data/x", "/a/secret/b")), mem("u", g.strings("https://api.example.com/v1", "https://evil.com/")), mem("k", str(g.pick("p", "a"))))
				var err error
				if req, err = eval.Call(req.Subject, "t4", args.AppendJSON(nil)); err != nil {
					t.Fatal(err)
				}
				facts.Origins = nil
			}
			now = now.Add(time.Duration(g.Intn(4000)) * time.Millisecond)
			facts.Time, facts.Session = now, g.pick("", "s", "t", "s")
			if a := facts.Authority; a != nil {
				if g.maybe(0.5) {
					a.Agents = append([]string{g.pick("root", "p1", "a2", "stranger")}, a.Agents...)
				}
				a.Depth = len(a.Agents) - g.Intn(2)
				a.Grants = grants{}
				if g.maybe(0.7) {
					a.Links, a.Caveats = nil, nil
				}
			}
			fa, fb := facts, facts
			fa.History, fb.History = theirs, ours
			want, got := eval.Reference(prog, req, fa), p.Decide(req, fb)
			if diff := cmp.Diff(answerOf(want), answerOf(got), decimals); diff != "" {
				t.Fatalf("seed %d:\n%s\nrequest %+v\nfacts %+v auth %+v\n%s", seed, diff, req, facts, facts.Authority, source(decls))
			}
			x := p.Explain(req, fb)
			if diff := cmp.Diff(answerOf(x.Decision), answerOf(got), decimals); diff != "" {
				t.Fatalf("seed %d: explain %s", seed, diff)
			}
			_ = x.String()
			if diff := cmp.Diff(answerOf(third.Decide(p, req, facts)), answerOf(got), decimals); diff != "" {
				t.Fatalf("seed %d: History.Decide %s", seed, diff)
			}
			total[got.Code]++
			theirs.Apply(want.Changes)
			ours.Apply(got.Changes)
		}
	}
	t.Logf("%d programs; %v", checked, total)
}
