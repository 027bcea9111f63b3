package pep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

const tenNotes = "limit any to execute on tool note count <= 10 per 10m\n"

// trustRoots puts a trust document in force in which there are so many more roots, the first of them with a name. It returns them.
func (p *past) trustRoots(more int) (roots []*token.Identity) {
	p.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(p.trustText(int(p.trust.Sequence())+1), &doc); err != nil {
		p.t.Fatal(err)
	}
	trusted := doc["roots"].([]any)
	for range more {
		id := identity(p.t, token.RoleRoot)
		roots = append(roots, id)
		trusted = append(trusted, map[string]any{"key": id.Key().String(), "grants": trusted[0].(map[string]any)["grants"]})
	}
	doc["roots"] = trusted
	doc["names"].(map[string]any)["bob"] = roots[0].Key().String()
	p.cfg.Trust = must[[]byte](p.t)(json.Marshal(doc))
	if err := p.pep.SetTrust(p.cfg.Trust); err != nil {
		p.t.Fatal(err)
	}
	p.trust = p.pep.Trust()
	return append(roots, p.root)
}

// by does something while authority comes from a root.
func (p *past) by(root *token.Identity, do func()) {
	defer func(was *token.Identity) { p.root = was }(p.root)
	p.root = root
	do()
}

// P07: a thousand children with keys of their own, each with a token that its parent has signed, have one budget together with their parent.
func TestP07BudgetOverChildren(t *testing.T) {
	for name, limit := range map[string]string{
		"count": tenNotes, "each agent": "limit coordinator to execute on tool note count <= 10 per 10m each agent\n", "session": "limit any to execute on tool note count <= 10 per session\n",
	} {
		t.Run(name, func(t *testing.T) {
			children := 1000
			if name != "count" {
				children = 50
			}
			p := newPast(t, limit)
			write(t, p.dir, replace(pastPolicy, "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH", p.issuer.Key().String())+limit)
			if err := p.pep.Reload(); err != nil {
				t.Fatal(err)
			}
			p.permitted("note")
			permits, now := 1, p.clock.now()
			for i := range children {
				child := fmt.Sprint("child", i)
				p.ids[child] = identity(t, token.RoleAgent)
				d := p.call("note", "coordinator", child)
				if i%2 == 1 { // some through each other
					d = p.call("note", "coordinator", fmt.Sprint("child", i-1), child)
				}
				d.Attestations = [][]byte{must[[]byte](t)(token.SignAttestation(p.issuer, token.Attestation{Realm: "test", ID: newID(t), Claim: "Partners", Subject: p.ids[child].Key(), NotBefore: now.Add(-time.Minute), Expires: now.Add(time.Hour)}))}
				switch a := p.decide(d); {
				case a.Outcome == eval.Permit:
					permits++
				case a.Code == eval.CodeNotDelegated && i%2 == 1: // a child may not
				case a.Code != eval.CodeLimit:
					t.Fatal(a.Code, a.Reason, a.Decision.Errors)
				}
			}
			if permits != 10 {
				t.Errorf("%d permits of a budget of 10", permits)
			}
			p.crash()
			p.denied(eval.CodeLimit, "note")
		})
	}
}

// P07: nor is a budget larger for tokens of many trusted roots, with a name or without, and many sessions.
func TestP07BudgetOverRoots(t *testing.T) {
	p := newPast(t, tenNotes)
	permits := 0
	for i, root := range p.trustRoots(8) {
		p.host.session.Store(fmt.Sprint(i))
		p.by(root, func() { permits += p.permits(3, "note") })
	}
	if permits != 10 {
		t.Errorf("%d permits of a budget of 10", permits)
	}
}

// P06: what forbids two things one after the other is about the agent: neither a second root nor a fresh session, nor a key that the agent delegates to, has another past.
func TestP06SplitOverRootsAndSessions(t *testing.T) {
	p := newPast(t, "permit coordinator, mallory to read on \"file:///srv/**\"\nforbid leak: any to execute on tool note when agent once (read on \"file:///srv/secret/**\")\n")
	read := func(root *token.Identity, session, name string) pep.Answer {
		t.Helper()
		p.host.session.Store(session)
		var a pep.Answer
		p.by(root, func() {
			raw := p.token("coordinator")
			a = p.decide(&token.Delivery{Message: p.sign("coordinator", p.message(raw, "read", name, "")), Token: raw})
		})
		return a
	}
	roots := p.trustRoots(2)
	if a := read(roots[0], "one", "file:///srv/public"); a.Outcome != eval.Permit {
		t.Fatal(a.Code)
	}
	p.by(roots[1], func() { p.permitted("note") })
	if a := read(roots[0], "one", "file:///srv/secret/key"); a.Outcome != eval.Permit {
		t.Fatal(a.Code)
	}
	p.host.session.Store("two")
	for i, root := range roots {
		p.by(root, func() {
			p.denied(eval.CodeForbidden, "note")
			p.denied(eval.CodeForbidden, "note", "coordinator", "mallory")
			p.permitted("note", "mallory")
		})
		if i == 0 {
			p.crash()
		}
	}
}

// P08: what an agent has done counts for the fresh key that it delegates to, and what that does counts for the agent.
func TestP08HistoryOfOwnKey(t *testing.T) {
	const policy = "forbid any to execute on tool shut when agent once (execute on tool open)\n"
	p := newPast(t, policy)
	p.permitted("shut", "mallory")
	p.permitted("open", "mallory")
	p.denied(eval.CodeForbidden, "shut", "mallory")
	p.denied(eval.CodeForbidden, "shut", "mallory", "deployer")
	p.denied(eval.CodeForbidden, "shut", "mallory", "stranger")
	p.denied(eval.CodeForbidden, "shut", "coordinator", "mallory", "deployer")
	p.permitted("shut", "deployer")
	p.permitted("open", "coordinator", "deployer")
	p.denied(eval.CodeForbidden, "shut", "coordinator")
	p.denied(eval.CodeForbidden, "shut", "deployer")
	p.permitted("shut", "reviewer")
}

// P09: a child has its share of a budget, and what it burns is missing to nobody beyond that.
func TestP09ChildBurnsItsShare(t *testing.T) {
	p := newPast(t, "limit total: any to execute on tool note count <= 5 per 10m\nlimit share: reviewer, mallory to execute on tool note count <= 2 per 10m each agent\n")
	if n := p.permits(20, "note", "coordinator", "mallory"); n != 2 {
		t.Errorf("a child with a share of 2 has %d permits", n)
	}
	if n := p.permits(20, "note", "coordinator", "reviewer"); n != 2 {
		t.Errorf("its sibling with a share of 2 has %d permits", n)
	}
	if n := p.permits(20, "note"); n != 1 {
		t.Errorf("%d permits are left of 5 when 4 are used", n)
	}
}

// P11: a reload in mid-budget keeps what has been used, as long as the limit says the same, and nothing is refilled by a policy in between that doesn't have it.
func TestP11ReloadInMidBudget(t *testing.T) {
	const limits = `limit calls: any to execute on tool note count <= 4 per 10m
limit money: any to execute on tool spend sum args.amount <= 10.00 per 10m
forbid any to execute on tool shut when agent once (execute on tool open)
lifecycle door: reviewer { start closed closed -> opened: execute on tool open }
`
	p := newPast(t, limits)
	p.permitted("note")
	p.permitted("note")
	p.permitted("spend 9")
	p.permitted("open")
	p.permitted("open", "reviewer")
	others := []string{"forbid far: any to execute on tool deploy when args.hosts > 7\n" + replace(replace(limits, "limit calls:", "limit renamed:"), "lifecycle door:", "lifecycle gate:")}
	for _, more := range others {
		p.reload(more)
		p.permitted("note")
		p.denied(eval.CodeLimit, "spend 1.01")
		p.denied(eval.CodeForbidden, "shut")
		p.denied(eval.CodeOutOfOrder, "open", "reviewer")
	}
	p.reload("") // nothing is counted
	for range 5 {
		p.permitted("note")
	}
	p.permitted("spend 9")
	p.permitted("shut")
	p.sumUp()
	p.crash()
	p.reload(limits)
	p.permitted("note")
	p.denied(eval.CodeLimit, "note")
	p.denied(eval.CodeLimit, "spend 1.01")
	p.permitted("spend 1")
	p.denied(eval.CodeForbidden, "shut")
	p.denied(eval.CodeOutOfOrder, "open", "reviewer")
}

// P11: in the window after a change a message that names the policy before is counted by both, and each can say no.
func TestP11RolloverCountsForBoth(t *testing.T) {
	const three, two = "limit any to execute on tool note count <= 3 per 1h\n", "limit any to execute on tool note count <= 2 per 1h\n"
	const once = "forbid any to execute on tool note when agent once (execute on tool note)\n"
	for name, c := range map[string]struct {
		before, after string
		first         int    // calls before the change
		calls         string // o: under the old policy, n: under the new one; capitals are permitted
		left          int    // of three more, after a crash
	}{
		"both have limits":          {three, two, 2, "Oo" + "N" + "no", 0},
		"the new one is used up":    {three, two, 0, "NNno", 0},
		"the same limit":            {three, three + "permit bob to read on \"file:///x\"\n", 1, "ONno", 0},
		"only the old one has any":  {three, "", 1, "OONoNo", 3},
		"only the new one has any":  {"", two, 3, "OOon", 0},
		"an order of the new one":   {three, once, 0, "Oon", 0},
		"an order of the old one":   {once, two, 0, "OoNn", 0},
		"other limits at one count": {three, "limit any to execute on tool note count <= 3 per 1h burst 2\n", 0, "OOonn", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t, c.before, func(cfg *pep.Config) { cfg.Rollover = time.Hour })
			old := p.pep.Policy().Digest()
			for range c.first {
				p.permitted("note")
			}
			p.reload(c.after)
			for i, by := range c.calls {
				d := p.call("note")
				if by == 'o' || by == 'O' {
					m := must[*token.Message](t)(token.OpenMessage(d.Message))
					m.Policy = old
					d.Message = p.sign("coordinator", *m)
				}
				a := p.decide(d)
				if permitted := by == 'O' || by == 'N'; (a.Outcome == eval.Permit) != permitted || !permitted && a.Code != eval.CodeLimit && a.Code != eval.CodeForbidden {
					t.Errorf("call %d of %s: %s %v", i, c.calls, a.Code, a.Reason)
				}
			}
			p.crash() // the log knows what both counted
			left := 0
			for range 3 {
				if p.decide(p.call("note")).Outcome == eval.Permit {
					left++
				}
			}
			if left != c.left {
				t.Errorf("%d permits after a crash, want %d", left, c.left)
			}
		})
	}
}

// P12: of 512 that come at once, one gets the one that there is, while the state is summed up and a session ends. The host has them wait for each other before
// the rules are asked.
func TestP12ConcurrentCallers(t *testing.T) {
	var together atomic.Pointer[sync.WaitGroup]
	together.Store(new(sync.WaitGroup))
	p := newPast(t, "limit any to execute on tool note count <= 1 per 10s\nlimit any to execute on tool spend sum args.amount <= 1.00 per session\nlifecycle door: any { start closed closed -> opened: execute on tool open }\n", func(c *pep.Config) {
		c.Facts = func(context.Context, pep.Call) (eval.Facts, error) {
			if all := together.Load(); all != nil {
				all.Done()
				all.Wait()
			}
			return eval.Facts{Session: "s"}, nil
		}
	})
	raw := [][]byte{p.token("coordinator"), p.token("coordinator", "mallory")}
	for round, what := range []string{"note", "spend 1", "open", "note", "note", "note", "note", "note", "note", "note"} {
		p.clock.pass(10 * time.Second)
		tool, amount, _ := strings.Cut(what, " ")
		args := map[string]string{"note": note, "spend": `{"amount": ` + amount + `}`, "open": "{}"}[tool]
		var deliveries []*token.Delivery
		for i := range 512 {
			m := p.message(raw[i%2], "execute", "tool://"+tool, args)
			deliveries = append(deliveries, &token.Delivery{Message: p.sign([]string{"coordinator", "mallory"}[i%2], m), Token: raw[i%2]})
		}
		together.Load().Add(len(deliveries))
		summed := make(chan error, 1)
		go func() {
			p.pep.EndSession("another")
			summed <- pep.SumUp(p.pep)
		}()
		if n := p.atOnce(deliveries); n != 1 {
			t.Errorf("round %d, %s: %d permits, and there is one", round, what, n)
		}
		if err := <-summed; err != nil {
			t.Error(err)
		}
	}
	together.Store(nil)
	p.crash()
	p.denied(eval.CodeLimit, "note")
	p.denied(eval.CodeLimit, "spend 0.01")
	p.denied(eval.CodeOutOfOrder, "open")
}

// P12: those whose approvals take their time to be used up are no less in one step: of many that are approved at once, one is permitted, and the others keep their approvals.
func TestP12ConcurrentApprovals(t *testing.T) {
	p := newPast(t, "limit any to execute on tool pay count <= 1 per 5m\n")
	var deliveries []*token.Delivery
	for i := range 16 {
		args := fmt.Sprintf(`{"to": "a@example.com", "amount": %d.00}`, i+1)
		ask, _ := p.ask(args, "coordinator")
		deliveries = append(deliveries, p.again(args, [][]byte{p.approve("alice", ask.Approval("test", "big", p.clock.now()))}, "coordinator"))
	}
	if permits := p.atOnce(deliveries); permits != 1 {
		t.Errorf("%d permits, and there is one", permits)
	}
	if n := must[int](t)(pep.StoredAsks(p.pep)); n != 15 {
		t.Errorf("%d of 16 asks wait, and one was used", n)
	}
}

// atOnce decides many deliveries at once and says how many were permitted.
func (p *past) atOnce(deliveries []*token.Delivery) int {
	var permits atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, d := range deliveries {
		all.Go(func() {
			<-start
			if p.pep.DecideDelivery(context.Background(), d).Outcome == eval.Permit {
				permits.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	return int(permits.Load())
}

// P12: so it is where only the policy before the change has a limit.
func TestP12ConcurrentRollover(t *testing.T) {
	p := newPast(t, "limit any to execute on tool spend count <= 1 per 10ms\n", func(c *pep.Config) { c.Rollover = time.Hour })
	old := p.pep.Policy().Digest()
	p.reload("")
	raw := p.token("coordinator")
	for range 200 {
		p.clock.pass(10 * time.Millisecond)
		var deliveries []*token.Delivery
		for range 8 {
			m := p.message(raw, "execute", "tool://spend", `{"amount": 1}`)
			m.Policy = old
			deliveries = append(deliveries, &token.Delivery{Message: p.sign("coordinator", m), Token: raw})
		}
		if permits := p.atOnce(deliveries); permits != 1 {
			t.Fatalf("%d permits, and there is one", permits)
		}
	}
}

// R05: a clock that goes back refills no budget, nor does it across a restart. Ten years ahead there is no time, and back again the budget is what it was: neither full nor locked.
func TestR05BudgetsAndTheClock(t *testing.T) {
	p := newPast(t, "limit any to execute on tool note count <= 1 per 10m\nlimit any to execute on tool spend sum args.amount <= 10.00 per 10m\nforbid any to execute on tool shut when agent once (execute on tool open) within 10m\n")
	used := func() {
		t.Helper()
		p.denied(eval.CodeLimit, "note")
		p.denied(eval.CodeLimit, "spend 0.01")
		p.denied(eval.CodeForbidden, "shut")
	}
	use := func() { t.Helper(); p.permitted("note"); p.permitted("spend 10"); p.permitted("open"); used() }
	use()
	// The agents' clocks are right; the PEP's alone is moved, within what a message may be off.
	at := func(d time.Duration, do func()) { p.clock.jump(d); do(); p.clock.jump(-d) }
	decade := 87600 * time.Hour
	at(-30*time.Second, used)
	at(decade, func() { p.expect(&token.Delivery{}, eval.Deny, pep.CodeClock) })
	used()
	p.clock.pass(9 * time.Minute)
	used()
	p.clock.pass(2 * time.Minute) // no ratchet: the window is over as if nothing had been
	use()
	// An hour back, at which messages of now are signed at a time that the PEP still believes in.
	back := func(tools ...string) (out []*token.Delivery) {
		for _, what := range tools {
			out = append(out, p.call(what))
		}
		return out
	}
	deliveries := back("note", "spend 0.01", "shut", "note", "spend 0.01", "shut")
	p.clock.jump(-time.Hour)
	p.expect(deliveries[0], eval.Deny, eval.CodeLimit)
	p.expect(deliveries[1], eval.Deny, eval.CodeLimit)
	p.expect(deliveries[2], eval.Deny, eval.CodeForbidden)
	p.restart()
	p.expect(deliveries[3], eval.Deny, eval.CodeLimit)
	p.expect(deliveries[4], eval.Deny, eval.CodeLimit)
	p.expect(deliveries[5], eval.Deny, eval.CodeForbidden)
}

// P12, R05: the time that counts is that of the step in which is counted. A call that the host has kept waiting finds no room in a window that is over, nor does its token hold
// any longer, nor is a clock believed that has jumped meanwhile.
func TestP12WaitingForTheHost(t *testing.T) {
	var wait atomic.Pointer[func()]
	p := newPast(t, "limit any to execute on tool note count <= 1 per 10m\n", func(c *pep.Config) {
		ask := c.Facts
		c.Facts = func(ctx context.Context, call pep.Call) (eval.Facts, error) {
			if f := wait.Swap(nil); f != nil {
				(*f)()
			}
			return ask(ctx, call)
		}
	})
	meanwhile := func(do func()) { wait.Store(&do) }
	meanwhile(func() { p.clock.pass(11 * time.Minute); p.sumUp() })
	p.permitted("note")
	p.denied(eval.CodeLimit, "note")
	p.clock.pass(10 * time.Minute)
	meanwhile(func() { p.permitted("note") })
	p.denied(eval.CodeLimit, "note")
	p.clock.pass(10 * time.Minute)

	raw := p.tokenAt(p.clock.now(), "coordinator")
	d := &token.Delivery{Message: p.sign("coordinator", p.message(raw, "execute", "tool://note", note)), Token: raw}
	if err := p.revocations(token.RevocationList{Sequence: 2, NextUpdate: p.clock.now().Add(3 * time.Hour).Truncate(time.Second)}); err != nil {
		t.Fatal(err)
	}
	meanwhile(func() { p.clock.pass(time.Hour) })
	p.expect(d, eval.Deny, pep.CodeToken+"expired")
	meanwhile(func() { p.clock.jump(time.Hour) })
	if a := p.expect(p.call("note"), eval.Deny, pep.CodeClock); a.Index == 0 || a.Stage != pep.StageRules {
		t.Errorf("%+v", a)
	}
	p.clock.jump(-time.Hour)
	p.permitted("note")
}

// P13: a log that can't be written denies, and what was permitted before has been counted when it opens again: all of it, and at most what failed besides.
func TestP13BudgetsWhenTheLogFails(t *testing.T) {
	for name, fault := range map[string]func(*faults) *atomic.Bool{
		"write": func(f *faults) *atomic.Bool { return &f.write },
		"sync":  func(f *faults) *atomic.Bool { return &f.sync },
	} {
		t.Run(name, func(t *testing.T) {
			f := &faults{FS: audit.OS()}
			p := newPast(t, "limit any to execute on tool note count <= 5 per 10m\n", func(c *pep.Config) { c.FS = f })
			p.permitted("note")
			p.permitted("note")
			p.sumUp()
			p.permitted("note")
			fault(f).Store(true)
			p.denied(pep.CodeNotRecorded, "note")
			fault(f).Store(false)
			p.denied(pep.CodeNotRecorded, "note")
			if err := pep.SumUp(p.pep); err == nil {
				t.Error("a log that failed is summed up")
			}
			p.pep.Close()
			p.cfg.Create, p.cfg.FS = false, audit.OS()
			p.open()
			if n := p.permits(9, "note"); n > 2 || n < 1 {
				t.Errorf("%d permits of the 2 that were left", n)
			}
		})
	}
}

// P13: a state that can't be written loses nothing, for the log has it: neither what was permitted before, nor what is permitted after. What needs the state is denied.
func TestP13BudgetsWhenTheStateFails(t *testing.T) {
	p := newPast(t, "limit any to execute on tool note count <= 5 per 10m\nlimit any to execute on tool pay count <= 9 per 10m\n")
	ask, _ := p.ask(payment, "coordinator")
	approvals := [][]byte{p.approve("alice", ask.Approval("test", "big", p.clock.now()))}
	p.permitted("note")
	p.permitted("note")
	if err := pep.BreakState(p.pep); err != nil {
		t.Fatal(err)
	}
	p.permitted("note")
	for range 2 {
		if err := pep.SumUp(p.pep); err == nil {
			t.Error("a state that failed is summed up")
		}
	}
	p.expect(p.again(payment, approvals, "coordinator"), eval.Deny, pep.CodeNotRecorded)
	dir := filepath.Join(t.TempDir(), "pep")
	if err := os.CopyFS(dir, os.DirFS(p.cfg.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := p.pep.Close(); err == nil || errors.Is(err, audit.ErrClosed) {
		t.Errorf("closing says %v", err)
	}
	p.cfg.Dir, p.cfg.Create = dir, false
	p.open()
	if n := p.permits(9, "note"); n != 2 {
		t.Errorf("%d permits of the 2 that were left", n)
	}
}

// P13: what couldn't be kept when the state failed is kept when it works again: the next summary isn't one without it.
func TestP13StateFailsForAWhile(t *testing.T) {
	p := newPast(t, "limit any to execute on tool note count <= 3 per 10m\nforbid any to execute on tool shut when agent once (execute on tool open)\n")
	p.permitted("note")
	p.permitted("open")
	if err := pep.BreakState(p.pep); err != nil {
		t.Fatal(err)
	}
	if err := pep.SumUp(p.pep); err == nil {
		t.Error("a state that failed is summed up")
	}
	if err := pep.MendState(p.pep); err != nil {
		t.Fatal(err)
	}
	p.permitted("note")
	p.sumUp()
	p.crash()
	p.denied(eval.CodeForbidden, "shut")
	if n := p.permits(9, "note"); n != 1 {
		t.Errorf("%d permits of the one that was left", n)
	}
}

// While many decide, the state is summed up again and again, and then the process is killed: each change is in the state or in what is read of the log.
func TestConcurrentSumUp(t *testing.T) {
	const callers, each = 8, 100
	p := newPast(t, "limit any to execute on tool note count <= 1 per session\n", func(c *pep.Config) {
		c.Facts = func(_ context.Context, call pep.Call) (eval.Facts, error) {
			text, _ := call.Request.Args.Get("text")
			return eval.Facts{Session: text.Text}, nil
		}
	})
	raw := p.token("coordinator")
	all := func(code eval.Code) {
		t.Helper()
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for i := range each {
					m := p.message(raw, "execute", "tool://note", fmt.Sprintf(`{"text": "%d of %d"}`, i, caller))
					d := &token.Delivery{Message: p.sign("coordinator", m), Token: raw}
					if a := p.pep.DecideDelivery(context.Background(), d); a.Code != code {
						t.Errorf("%d of %d: %s, want %s", i, caller, a.Code, code)
					}
				}
			})
		}
		wg.Wait()
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				p.sumUp()
			}
		}
	}()
	all(eval.CodePermit)
	close(stop)
	<-stopped
	p.crash()
	all(eval.CodeLimit)
}
