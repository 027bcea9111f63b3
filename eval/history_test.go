package eval_test

import (
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// pastProgram is a policy about two agents that may do everything, and what more is said.
func pastProgram(t *testing.T, more string) *eval.Program {
	t.Helper()
	p, diags := lang.Compile(map[string]string{"policy.moat": `policy p edition 1
group Staff claims "` + someIssuer + `"
agent clerk in Staff
agent helper in Staff
action poke
tool buy(item: string, price: decimal)
tool pay(price: decimal redact)
tool send(files: [path], to: url)
  does read on file(args.files)
  does send on args.to
permit Staff to any on any
` + more})
	if p == nil {
		t.Fatal(diags)
	}
	return eval.New(p)
}

// A world is a program with a history, and a clock.
type world struct {
	t       *testing.T
	p       *eval.Program
	h       *eval.History
	now     time.Time
	session string
	rooted  bool // chains begin with the trusted root
}

func newWorld(t *testing.T, more string) *world {
	return &world{t: t, p: pastProgram(t, more), h: eval.NewHistory(), now: eval.TestStart()}
}

// try decides and remembers; the reference must say the same of the same past.
func (w *world) try(agent, action, on, args string, chain ...string) eval.Decision {
	w.t.Helper()
	name, err := resource.Parse(on)
	if err != nil {
		w.t.Fatal(err)
	}
	req := eval.Request{Subject: agent, Action: action, Resource: name}
	if args != "" {
		call, err := eval.Call(agent, strings.TrimPrefix(on, "tool://"), []byte(args))
		if err != nil {
			w.t.Fatal(err)
		}
		req = call
	}
	facts := eval.Facts{Time: w.now, Session: w.session}
	if len(chain) > 0 {
		facts.Authority = &eval.Authority{Depth: len(chain) + 1, Agents: append(chain, agent), Grants: allOf{}}
		if w.rooted {
			facts.Authority.Depth--
		}
	}
	facts.History = w.h
	want := eval.Reference(w.p.Policy(), req, facts)
	facts.History = nil
	got := w.h.Decide(w.p, req, facts)
	if want.Code != got.Code || len(want.Changes) != len(got.Changes) {
		w.t.Fatalf("%s %s on %s: %s, and the reference says %s", agent, action, on, got.Code, want.Code)
	}
	return got
}

type allOf struct{}

func (allOf) Allows(string, resource.Name) bool { return true }

func (w *world) expect(code eval.Code, d eval.Decision) {
	w.t.Helper()
	if d.Code != code {
		w.t.Errorf("%s %v, want %s", d.Code, d.Errors, code)
	}
}

// A count lets through what the generic cell rate algorithm does, stated as plainly as it can be: a bucket of tokens that drips.
func TestCountIsABucket(t *testing.T) {
	for _, l := range []struct {
		text        string
		count       int64
		per         time.Duration
		burst       float64
		longestWait time.Duration
	}{
		{"count <= 6 per 1m burst 2", 6, time.Minute, 2, 30 * time.Second}, {"count <= 3 per 10s", 3, 9999 * time.Millisecond, 3, 6 * time.Second}, {"count <= 1 per 5s", 1, 5 * time.Second, 1, 9 * time.Second},
	} {
		w := newWorld(t, "limit any to poke on any "+l.text)
		interval := (int64(l.per) + l.count - 1) / l.count
		if l.text == "count <= 3 per 10s" {
			interval = 3333333334 // rounded up: never more than was said
		}
		left, last := l.burst*float64(interval), w.now
		r := rand.New(rand.NewSource(1))
		permits := 0
		for range 2000 {
			w.now = w.now.Add(time.Duration(r.Int63n(int64(l.longestWait))))
			left = min(left+float64(w.now.Sub(last)), l.burst*float64(interval))
			last = w.now
			want := eval.CodeLimit
			if left >= float64(interval) {
				want, left = eval.CodePermit, left-float64(interval)
				permits++
			}
			w.expect(want, w.try("clerk", "poke", "file:///x", ""))
		}
		if permits < 100 || permits == 2000 {
			t.Errorf("%s: %d permits show little", l.text, permits)
		}
	}
}

// A sum never lets more through in any window than the limit says, and counts nothing for longer than a window and a 64th of it.
func TestSumIsAWindow(t *testing.T) {
	const window = 64 * time.Minute
	w := newWorld(t, "limit any to execute on tool buy sum args.price <= 100.00 per 64m")
	type paid struct {
		at    time.Time
		cents int64
	}
	var all []paid
	sum := func(since time.Duration) (cents int64) {
		for _, p := range all {
			if w.now.Sub(p.at) < since {
				cents += p.cents
			}
		}
		return cents
	}
	r := rand.New(rand.NewSource(2))
	permits, denied := 0, 0
	for range 3000 {
		w.now = w.now.Add(time.Duration(r.Int63n(int64(8 * time.Minute))))
		cents := 1 + r.Int63n(6000)
		d := w.try("clerk", "execute", "tool://buy", fmt.Sprintf(`{"item":"x","price":%d.%02d}`, cents/100, cents%100))
		switch d.Outcome {
		case eval.Permit:
			if permits++; sum(window)+cents > 100_00 {
				t.Fatalf("%d cents in the window, and %d more were permitted", sum(window), cents)
			}
			all = append(all, paid{w.now, cents})
		default:
			if denied++; sum(window+window/64)+cents <= 100_00 {
				t.Fatalf("%d cents in the window and a 64th, and %d more were denied: %v", sum(window+window/64), cents, d.Errors)
			}
		}
	}
	if permits < 300 || denied < 300 {
		t.Errorf("%d permits and %d denials show little", permits, denied)
	}
}

// R05: a clock that goes back refills nothing.
func TestR05ClockThatGoesBack(t *testing.T) {
	w := newWorld(t, "limit any to poke on any count <= 1 per 1h\nlimit any to execute on tool buy sum args.price <= 1.00 per 1h\nforbid any to send on any when agent once (read on any) within 1h")
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("clerk", "execute", "tool://buy", `{"item":"x","price":1.00}`))
	w.expect(eval.CodePermit, w.try("clerk", "read", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("helper", "execute", "tool://buy", `{"item":"x","price":0.50}`))
	w.now = w.now.Add(-time.Minute)
	w.expect(eval.CodePermit, w.try("helper", "execute", "tool://buy", `{"item":"x","price":0.50}`))
	w.expect(eval.CodeLimit, w.try("helper", "execute", "tool://buy", `{"item":"x","price":0.01}`))
	// What was spent while the clock was back counts for as long as what was spent before it went back.
	v := newWorld(t, "limit any to execute on tool buy sum args.price <= 1.00 per 1h")
	half := `{"item":"x","price":0.50}`
	for _, minute := range []int{50, 10} {
		v.now = eval.TestStart().Add(time.Duration(minute) * time.Minute)
		v.expect(eval.CodePermit, v.try("clerk", "execute", "tool://buy", half))
	}
	v.now = eval.TestStart().Add(75 * time.Minute)
	v.expect(eval.CodeLimit, v.try("clerk", "execute", "tool://buy", half))
	for _, back := range []time.Duration{time.Second, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour} {
		w.now = eval.TestStart().Add(-back)
		w.expect(eval.CodeLimit, w.try("clerk", "poke", "file:///x", ""))
		w.expect(eval.CodeLimit, w.try("clerk", "execute", "tool://buy", `{"item":"x","price":0.01}`))
		w.expect(eval.CodeForbidden, w.try("clerk", "send", "https://example.com/", ""))
	}
}

// P07: a budget isn't larger for being split over children, keys without a name, roots or sessions.
func TestP07SplittingABudget(t *testing.T) {
	for _, each := range []string{"", " each agent", " each root"} {
		w := newWorld(t, "limit any to poke on any count <= 10 per 1h"+each)
		permits := 0
		for i := range 1000 {
			w.session = fmt.Sprint(i)
			// Each of a thousand children has handed on to helper what clerk gave it.
			if d := w.try("helper", "poke", "file:///x", "", "clerk", fmt.Sprintf("did:key:child%d", i)); d.Outcome == eval.Permit {
				permits++
			}
		}
		if permits > 10 {
			t.Errorf("each%s: %d permits of a budget of 10", each, permits)
		}
	}
}

// P07: what a holder gives to others comes out of one budget, unless each is to have its own.
func TestP07OneHolderForAll(t *testing.T) {
	for each, want := range map[string]int{"": 10, " each root": 10, " each agent": 30} {
		w := newWorld(t, "agent b in Staff\nagent c in Staff\nlimit helper, b, c to poke on any count <= 10 per 1h"+each)
		permits := 0
		for range 20 {
			for _, agent := range []string{"helper", "b", "c"} {
				if w.try(agent, "poke", "file:///x", "", "clerk").Outcome == eval.Permit {
					permits++
				}
			}
		}
		if permits != want {
			t.Errorf("each%s: %d permits, want %d", each, permits, want)
		}
	}
}

// P06: neither another root nor a fresh session hides what was read from the agent's own history.
func TestP06SplitAcrossSessions(t *testing.T) {
	w := newWorld(t, `forbid any to send on "https://**" when agent once (read on "secret://**")`)
	w.session = "a"
	w.expect(eval.CodePermit, w.try("clerk", "read", "secret://key", ""))
	w.session = "b"
	w.expect(eval.CodeForbidden, w.try("clerk", "send", "https://example.com/", ""))
	w.expect(eval.CodePermit, w.try("helper", "send", "https://example.com/", ""))
}

// The trusted root, which hands authority to many, is no holder of it: its agents have budgets and pasts of their own. Whoever names it means all of them.
func TestTrustedRootIsNoHolder(t *testing.T) {
	w := newWorld(t, `person ops
limit any to poke on any count <= 1 per 1h each agent
limit any to write on any count <= 1 per 1h
limit ops to read on any count <= 3 per 1h each agent
forbid any to send on any when agent once (read on "secret://**")`)
	w.rooted = true // the first of a chain is the trusted root
	for _, action := range []string{"poke", "write"} {
		w.expect(eval.CodePermit, w.try("clerk", action, "file:///x", "", "ops"))
		w.expect(eval.CodeLimit, w.try("clerk", action, "file:///x", "", "ops"))
		w.expect(eval.CodePermit, w.try("helper", action, "file:///x", "", "ops"))
	}
	w.expect(eval.CodePermit, w.try("clerk", "read", "secret://x", "", "ops"))
	w.expect(eval.CodeForbidden, w.try("clerk", "send", "https://example.com/", "", "ops"))
	w.expect(eval.CodePermit, w.try("helper", "send", "https://example.com/", "", "ops"))
	w.expect(eval.CodePermit, w.try("helper", "read", "file:///x", "", "ops"))
	w.expect(eval.CodePermit, w.try("clerk", "read", "file:///x", "", "ops"))
	w.expect(eval.CodeLimit, w.try("helper", "read", "file:///x", "", "ops"))
}

// P12: of many callers at once, one gets the one that there is. The condition takes its time between seeing that there is room and taking it.
func TestP12OnePermit(t *testing.T) {
	w := newWorld(t, `tool bulk(xs: [string])
limit any to execute on tool bulk count <= 1 per 1h
forbid any to poke on any when agent once (execute on tool bulk when all x in args.xs { all y in args.xs { x == y } })`)
	req, err := eval.Call("clerk", "bulk", []byte(`{"xs":["x"`+strings.Repeat(`,"x"`, 150)+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 16 {
		h := eval.NewHistory()
		var wg sync.WaitGroup
		var permits atomic.Int32
		start := make(chan struct{})
		for range 32 {
			wg.Go(func() {
				<-start
				if h.Decide(w.p, req, eval.Facts{Time: w.now}).Outcome == eval.Permit {
					permits.Add(1)
				}
			})
		}
		close(start)
		wg.Wait()
		if n := permits.Load(); n != 1 {
			t.Fatalf("%d permits", n)
		}
	}
}

// P11: a reload that leaves a limit as it is leaves what has been used of it; what is denied uses nothing.
func TestP11ReloadKeepsBudgets(t *testing.T) {
	w := newWorld(t, "limit l: any to poke on any count <= 1 per 1h")
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.p = pastProgram(t, "limit renamed: any to poke on any count <= 1 per 1h\naction other\n")
	w.expect(eval.CodeLimit, w.try("clerk", "poke", "file:///x", ""))
	w.p = pastProgram(t, "limit l: any to poke on any count <= 2 per 1h")
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.p = pastProgram(t, "forbid any to poke on \"file:///no\"\nlimit l: any to poke on any count <= 2 per 2h")
	for range 5 {
		w.expect(eval.CodeForbidden, w.try("clerk", "poke", "file:///no", ""))
	}
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodeLimit, w.try("clerk", "poke", "file:///x", ""))
}

// The facets of one call see each other as history, and not themselves.
func TestFacetsSeeEachOther(t *testing.T) {
	w := newWorld(t, `forbid any to send on any when session once (read on "file:///secret/**")
forbid twice: any to read on "file:///once/**" when session once (read on "file:///once/**")`)
	w.session = "s"
	w.expect(eval.CodeForbidden, w.try("clerk", "execute", "tool://send", `{"files":["/a","/secret/b"],"to":"https://example.com/"}`))
	w.expect(eval.CodePermit, w.try("clerk", "execute", "tool://send", `{"files":["/a"],"to":"https://example.com/"}`)) // the denied one has read nothing
	w.expect(eval.CodeForbidden, w.try("clerk", "execute", "tool://send", `{"files":["/once/a","/once/b"],"to":"https://example.com/"}`))
	w.expect(eval.CodePermit, w.try("clerk", "execute", "tool://send", `{"files":["/once/a"],"to":"https://example.com/"}`))
	w.expect(eval.CodeForbidden, w.try("clerk", "read", "file:///once/a", ""))
}

// A call counts once in a limit, by itself, unless the limit names what it does beside.
func TestWhatACallCounts(t *testing.T) {
	call := `{"files":["/a","/b","/c"],"to":"https://example.com/"}`
	for limit, calls := range map[string]int{
		"any to any on any count <= 4 per 1h":                      4,
		"any to execute on tool any count <= 4 per 1h":             4,
		"any to read on any count <= 4 per 1h":                     1,
		"any to read, execute on any count <= 8 per 1h":            2,
		"any to any on \"https://**\" count <= 2 per 1h":           2,
		"any to any on \"file:///**\" count <= 6 per 1h":           2,
		"any to any on \"file:///**\", tool any count <= 2 per 1h": 2,
		"any to read on any count <= 2 per 1h":                     0,
	} {
		w := newWorld(t, "limit "+limit)
		n := 0
		for w.try("clerk", "execute", "tool://send", call).Outcome == eval.Permit {
			n++
		}
		if n != calls {
			t.Errorf("%s: %d calls, want %d", limit, n, calls)
		}
	}
}

// What can't be counted denies: a negative summand, no time, no session, no history, a condition in error.
func TestWhatCantBeCountedDenies(t *testing.T) {
	w := newWorld(t, "limit any to execute on tool buy sum args.price <= 1.00 per 1h")
	w.expect(eval.CodeRuleError, w.try("clerk", "execute", "tool://buy", `{"item":"x","price":-1.00}`))
	w.now = time.Time{}
	w.expect(eval.CodeRuleError, w.try("clerk", "execute", "tool://buy", `{"item":"x","price":1.00}`))
	w = newWorld(t, "limit any to poke on any count <= 1 per session\ncontext { n: int }\nlimit any to read on any when context.n > 1 count <= 1 per 1h")
	w.expect(eval.CodeRuleError, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodeRuleError, w.try("clerk", "read", "file:///x", ""))
	w.session = "s"
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodeLimit, w.try("clerk", "poke", "file:///x", ""))
	w.session = "t"
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.h.EndSession("s")
	w.session = "s"
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.h = &eval.History{}
	w.expect(eval.CodeNoHistory, w.try("clerk", "poke", "file:///x", ""))
	w.h = nil
	w.expect(eval.CodeNoHistory, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("clerk", "write", "file:///x", ""))
}

// An event whose condition couldn't be told when it happened keeps a forbid from being passed.
func TestWhatMayHaveHappened(t *testing.T) {
	w := newWorld(t, "context { n: int }\nforbid any to send on any when agent once (read on any when context.n > 1)")
	w.expect(eval.CodePermit, w.try("clerk", "send", "https://example.com/", ""))
	w.expect(eval.CodePermit, w.try("clerk", "read", "file:///x", "")) // no context.n
	w.expect(eval.CodeRuleError, w.try("clerk", "send", "https://example.com/", ""))
}

// P08: what an agent has done counts for whoever acts on authority that came through it, and the other way round.
func TestP08HistoryAlongTheChain(t *testing.T) {
	w := newWorld(t, `forbid any to send on any when agent once (read on "secret://**")
lifecycle poking: clerk { start on on -> off: poke on any }`)
	w.expect(eval.CodePermit, w.try("clerk", "read", "secret://x", ""))
	w.expect(eval.CodePermit, w.try("helper", "send", "https://example.com/", ""))
	w.expect(eval.CodeForbidden, w.try("helper", "send", "https://example.com/", "", "clerk"))
	w.expect(eval.CodePermit, w.try("helper", "read", "secret://x", "", "clerk"))
	w.expect(eval.CodeForbidden, w.try("helper", "send", "https://example.com/", ""))
	w.expect(eval.CodePermit, w.try("helper", "poke", "file:///x", "", "clerk"))
	w.expect(eval.CodeOutOfOrder, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("helper", "poke", "file:///x", ""))
}

// A request moves a lifecycle once, whatever its facets are: each needs a way on from the state that is, and all to one state.
func TestLifecycleMovesOnce(t *testing.T) {
	w := newWorld(t, `tool copy(files: [path])
  does read on file(args.files)
lifecycle l: clerk {
  start a
  a -> b: read on "file:///x", "file:///y"
  a -> "more than one": send on any
  b -> a: poke on any
  "more than one" -> a: poke on any
}`)
	w.expect(eval.CodeOutOfOrder, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodeOutOfOrder, w.try("clerk", "execute", "tool://send", `{"files":["/x"],"to":"https://example.com/"}`))
	w.expect(eval.CodePermit, w.try("clerk", "execute", "tool://copy", `{"files":["/x","/z","/y"]}`))
	w.expect(eval.CodeOutOfOrder, w.try("clerk", "execute", "tool://copy", `{"files":["/z","/y"]}`))
	w.expect(eval.CodePermit, w.try("clerk", "execute", "tool://copy", `{"files":["/z"]}`))
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("clerk", "send", "https://example.com/", ""))
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.try("clerk", "read", "file:///x", ""))
}

// P12: a history is bounded: past its bound what would need another cell is denied, and what has expired makes room.
func TestHistoryIsBounded(t *testing.T) {
	w := newWorld(t, "limit any to poke on any count <= 1 per 1h each session")
	var changes []eval.Change
	for i := range eval.MaxCells {
		changes = append(changes, eval.Change{Cell: eval.Cell{Session: fmt.Sprint(i)}, Kind: eval.ChangeCount, Time: w.now.Add(time.Minute)})
	}
	w.h.Apply(changes)
	w.session = "one more"
	d := w.try("clerk", "poke", "file:///x", "")
	w.expect(eval.CodeNoHistory, d)
	w.now = w.now.Add(2 * time.Minute)
	w.expect(eval.CodePermit, w.only("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodeLimit, w.only("clerk", "poke", "file:///x", ""))
}

// Sessions have room beyond the half that undeclared names may take; what was added after the last look for room expires as well; an agent can be forgotten.
func TestRoomInAHistory(t *testing.T) {
	w := newWorld(t, "limit any to poke on any count <= 1 per 1h each session\nforbid any to send on any when agent once (read on any)")
	fill := func(n int, at time.Time) {
		var changes []eval.Change
		for i := range n {
			changes = append(changes, eval.Change{Cell: eval.Cell{Of: [16]byte{1}, Session: fmt.Sprint(at.Unix(), i)}, Kind: eval.ChangeCount, Time: at})
		}
		w.h.Apply(changes)
	}
	fill(eval.MaxCells*3/4, w.now.Add(time.Hour))
	w.session = "more"
	w.expect(eval.CodePermit, w.try("clerk", "poke", "file:///x", ""))
	fill(eval.MaxCells-w.h.Len(), w.now.Add(2*time.Hour))
	w.session = "too many"
	w.expect(eval.CodeNoHistory, w.only("clerk", "poke", "file:///x", ""))
	w.now = w.now.Add(90 * time.Minute)
	w.expect(eval.CodePermit, w.only("clerk", "poke", "file:///x", ""))
	fill(eval.MaxCells-w.h.Len(), w.now.Add(time.Minute)) // sooner than what is left
	w.now = w.now.Add(2 * time.Minute)
	w.session = "once more"
	w.expect(eval.CodePermit, w.only("clerk", "poke", "file:///x", ""))
	w.expect(eval.CodePermit, w.only("clerk", "read", "file:///x", ""))
	w.expect(eval.CodeForbidden, w.only("clerk", "send", "https://example.com/", ""))
	w.h.ForgetAgent("helper")
	w.expect(eval.CodeForbidden, w.only("clerk", "send", "https://example.com/", ""))
	w.h.ForgetAgent("clerk")
	w.expect(eval.CodePermit, w.only("clerk", "send", "https://example.com/", ""))
}

// What a parameter's `redact` hides, no message about a limit shows.
func TestLimitHidesWhatIsRedacted(t *testing.T) {
	w := newWorld(t, "limit any to execute on tool pay sum args.price <= 1.00 per 1h\nlimit any to execute on tool buy sum args.price <= 1.00 per 1h")
	d := w.try("clerk", "execute", "tool://pay", `{"price":123.45}`)
	if w.expect(eval.CodeLimit, d); strings.Contains(d.Errors[0].Message, "123") {
		t.Error(d.Errors[0].Message)
	}
	d = w.try("clerk", "execute", "tool://buy", `{"item":"x","price":123.45}`)
	if w.expect(eval.CodeLimit, d); d.Errors[0].Message != "0 of 1 are used in 1h, and the request takes 123.45" {
		t.Error(d.Errors[0].Message)
	}
}

// A part of a window that no limit can have, such as one of a log that somebody else wrote, makes no panic and takes no room for ever.
func TestOddParts(t *testing.T) {
	for shift := range 63 {
		h := eval.NewHistory()
		h.Apply([]eval.Change{{Cell: eval.Cell{Agent: "a"}, Kind: eval.ChangeSum, Time: eval.TestStart(), Part: 1<<shift + 1<<shift/3}})
		h.Forget(eval.TestStart())
		if h.Len() != 1 {
			t.Errorf("2^%d ns: %d cells", shift, h.Len())
		}
	}
}

// Applying a change twice is applying it once.
func TestChangesAreAbsolute(t *testing.T) {
	w := newWorld(t, "limit any to execute on tool buy sum args.price <= 3.00 per 1h\nlimit any to execute on tool buy count <= 3 per 1h")
	for range 3 {
		w.h.Apply(w.try("clerk", "execute", "tool://buy", `{"item":"x","price":1.00}`).Changes)
	}
	w.expect(eval.CodeLimit, w.try("clerk", "execute", "tool://buy", `{"item":"x","price":0.00}`))
}
