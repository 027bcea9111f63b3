package pep_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/token"
)

// pastPolicy is the policy of the tests with what limits, lifecycles and `once` are about.
var pastPolicy = replace(replace(teamPolicy, "ISSUER", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"), "load: int?", "load: int?, n: int") + `
tool spend(amount: decimal)
tool hush(amount: decimal redact)
tool open()
tool shut()
permit Staff, Partners, mallory, deployer to execute on tool spend, tool hush, tool open, tool shut
permit coordinator, mallory to delegate on agent any
`

// A host is what an adapter tells: the session, and the context's n where it is set.
type host struct {
	session atomic.Value
	n       atomic.Value
}

func (h *host) facts(context.Context, pep.Call) (eval.Facts, error) {
	f := eval.Facts{}
	f.Session, _ = h.session.Load().(string)
	if n, ok := h.n.Load().(string); ok {
		f.Context = strictjson.Value{Kind: strictjson.Object, Members: []strictjson.Member{{Name: "n", Value: strictjson.Value{Kind: strictjson.Number, Text: n}}}}
	}
	return f, nil
}

// A past is a world whose policy remembers.
type past struct {
	*world
	host host
	dir  string // of the policy
}

func newPast(t testing.TB, more string, change ...func(*pep.Config)) *past {
	t.Helper()
	p := &past{dir: t.TempDir()}
	p.host.session.Store("s")
	write(t, p.dir, pastPolicy+more)
	p.world = started(t, append([]func(*pep.Config){func(c *pep.Config) { c.Policy, c.Facts = pep.Dir(p.dir), p.host.facts }}, change...)...)
	return p
}

func (p *past) reload(more string) {
	p.t.Helper()
	write(p.t, p.dir, pastPolicy+more)
	if err := p.pep.Reload(); err != nil {
		p.t.Fatal(err)
	}
}

// a call in one line: a tool and, where it has one, its amount.
func (p *past) call(what string, chain ...string) *token.Delivery {
	p.t.Helper()
	if len(chain) == 0 {
		chain = []string{"coordinator"}
	}
	tool, amount, _ := strings.Cut(what, " ")
	args := "{}"
	switch {
	case tool == "note":
		args = note
	case amount != "":
		args = `{"amount": ` + amount + `}`
	}
	return p.delivery(tool, args, chain...)
}

func (p *past) permitted(what string, chain ...string) {
	p.t.Helper()
	p.expect(p.call(what, chain...), eval.Permit, eval.CodePermit)
}

func (p *past) denied(code eval.Code, what string, chain ...string) {
	p.t.Helper()
	p.expect(p.call(what, chain...), eval.Deny, code)
}

// permits is how many of n calls at most are permitted before the limit is reached.
func (p *past) permits(n int, what string, chain ...string) int {
	p.t.Helper()
	for i := range n {
		a := p.decide(p.call(what, chain...))
		if a.Outcome != eval.Permit {
			if a.Code != eval.CodeLimit {
				p.t.Errorf("%s %v", a.Code, a.Decision.Errors)
			}
			return i
		}
	}
	return n
}

func (p *past) sumUp() {
	p.t.Helper()
	if err := pep.SumUp(p.pep); err != nil {
		p.t.Fatal(err)
	}
}

// What is remembered outlives a restart, and a crash: before the state has been summed up, after, and in between.
func TestHistorySurvives(t *testing.T) {
	const all = `limit any to execute on tool note count <= 2 per 10m
limit any to execute on tool spend sum args.amount <= 10.00 per 10m
lifecycle door: any { start closed closed -> opened: execute on tool open opened -> closed: execute on tool shut }
`
	for name, c := range map[string]struct {
		policy string
		first  []string
		then   string
		code   eval.Code
		other  string // is still permitted
	}{
		"count":           {"limit any to execute on tool note count <= 2 per 10m", []string{"note", "note"}, "note", eval.CodeLimit, "open"},
		"session's count": {"limit any to execute on tool note count <= 2 per session", []string{"note", "note"}, "note", eval.CodeLimit, "open"},
		"sum":             {"limit any to execute on tool spend sum args.amount <= 10.00 per 10m", []string{"spend 4.50", "spend 5.00"}, "spend 0.51", eval.CodeLimit, "spend 0.50"},
		"session's sum":   {"limit any to execute on tool spend sum args.amount <= 10.00 per session", []string{"spend 4.50", "spend 5.00"}, "spend 0.51", eval.CodeLimit, "spend 0.50"},
		"once":            {"forbid any to execute on tool shut when agent once (execute on tool open)", []string{"note", "open"}, "shut", eval.CodeForbidden, "open"},
		"session once":    {"forbid any to execute on tool shut when session once (execute on tool open) within 5m", []string{"note", "open"}, "shut", eval.CodeForbidden, "open"},
		"maybe":           {"forbid any to execute on tool shut when agent once (execute on tool open when context.n > 1)", []string{"note", "open"}, "shut", eval.CodeRuleError, "open"},
		"lifecycle":       {all, []string{"open", "note"}, "open", eval.CodeOutOfOrder, "shut"},
		"all":             {all, []string{"open", "note", "spend 10", "shut", "note", "open"}, "note", eval.CodeLimit, "shut"},
	} {
		t.Run(name, func(t *testing.T) {
			half := len(c.first) / 2
			ways := map[string]func(*past, func(...string)){
				"restart":                func(p *past, do func(...string)) { do(c.first...); p.restart(); p.restart() },
				"crash":                  func(p *past, do func(...string)) { do(c.first...); p.crash() },
				"two crashes":            func(p *past, do func(...string)) { do(c.first[:half]...); p.crash(); do(c.first[half:]...); p.crash() },
				"crash when summed":      func(p *past, do func(...string)) { do(c.first...); p.sumUp(); p.crash() },
				"crash when summed half": func(p *past, do func(...string)) { do(c.first[:half]...); p.sumUp(); do(c.first[half:]...); p.crash() },
				"crash and restart":      func(p *past, do func(...string)) { do(c.first...); p.crash(); p.restart() },
			}
			for way, go_ := range ways {
				t.Run(way, func(t *testing.T) {
					p := newPast(t, c.policy)
					go_(p, func(calls ...string) {
						for _, what := range calls {
							p.permitted(what)
						}
					})
					p.denied(c.code, c.then)
					p.permitted(c.other)
				})
			}
		})
	}
}

// Killed in the middle of load and started again, again and again, a service permits no more in all than its limit says.
func TestCrashKeepsBudget(t *testing.T) {
	const budget, kills = 40, 8
	text := pastPolicy + fmt.Sprintf("limit any to execute on tool note count <= %d per 24h\n", budget)
	w := newWorld(t, func(c *pep.Config) { c.Policy = policyOf(text) })
	w.pep.Close()
	w.clock.wall.Store(time.Now().UnixNano()) // the service has the system's clock
	secret, err := audit.GenerateKey("example.com/crash")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Dir, w.policy = t.TempDir(), text
	policy, now := w.pep.Policy().Digest(), w.clock.now().Truncate(time.Second)
	list := must[[]byte](t)(token.SignRevocations(w.revoke, token.RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: now.Add(time.Hour)}))
	permits, denied := 0, 0
	sequence := uint64(0)
	for round := range kills {
		w.clock.wall.Store(time.Now().UnixNano())
		s := w.serve(t, secret, round == 0)
		if round == 0 {
			s.send("revoke " + hex.EncodeToString(list))
			if got := s.receive(); got != "revoked <nil>" {
				t.Fatal(got)
			}
		}
		raw := w.token("coordinator")
		for i := 0; ; i++ {
			m := w.message(raw, "execute", "tool://note", note)
			sequence++
			m.Sequence, m.Policy = sequence, policy
			d := &token.Delivery{Message: w.sign("coordinator", m), Token: raw}
			s.send("message " + hex.EncodeToString(must[[]byte](t)(d.Encode())))
			if i == 6 && round < kills-1 { // it may be decided, or not
				s.kill()
				break
			}
			got := s.receive()
			switch {
			case got == "permit permit":
				permits++
			case got == "deny limit_exceeded":
				denied++
			default:
				t.Fatal(got)
			}
			if denied > 0 {
				s.kill()
				break
			}
		}
		if denied > 0 {
			break
		}
	}
	if permits > budget || permits < budget-kills || denied == 0 {
		t.Errorf("%d permits of a budget of %d, over %d crashes", permits, budget, kills)
	}
}

// What has been used of a budget whose sum is of a private argument isn't in the log, and so unknown after a crash: nothing more fits until the window is over. An
// orderly restart knows it.
func TestPrivateTotal(t *testing.T) {
	p := newPast(t, "limit any to execute on tool hush sum args.amount <= 10.00 per 10m\n")
	p.permitted("hush 3.25")
	p.permitted("hush 3.50")
	p.restart()
	p.denied(eval.CodeLimit, "hush 3.26")
	p.permitted("hush 1.25")
	p.crash()
	p.denied(eval.CodeLimit, "hush 0.00")
	p.restart() // doesn't make it known
	p.denied(eval.CodeLimit, "hush 0.00")
	p.clock.pass(10*time.Minute + 10*time.Minute/64)
	p.permitted("hush 10.00")
	p.denied(eval.CodeLimit, "hush 0.01")
	changed := 0
	for _, r := range p.records() {
		d, ok := r.Event.(*audit.Decision)
		if !ok {
			continue
		}
		for _, x := range d.History {
			if changed++; x.Kind != "sum" || x.Total != "" {
				t.Errorf("record %d shows a total: %s", r.Index, r.Line)
			}
		}
		for _, total := range []string{"3.25", "6.75", "3.5", "1.25"} {
			if strings.Contains(string(r.Line), `"`+total+`"`) {
				t.Errorf("record %d shows what is private: %s", r.Index, r.Line)
			}
		}
	}
	if changed != 4 {
		t.Errorf("%d changes are in the log", changed)
	}
}

// A private total of a session stays unknown as long as the session lasts.
func TestPrivateTotalOfSession(t *testing.T) {
	p := newPast(t, "limit any to execute on tool hush sum args.amount <= 10.00 per session\n")
	p.permitted("hush 3.25")
	p.crash()
	p.clock.pass(30 * time.Minute)
	p.denied(eval.CodeLimit, "hush 0.00")
	p.host.session.Store("another")
	p.permitted("hush 10.00")
	p.pep.EndSession("s")
	p.host.session.Store("s")
	p.permitted("hush 10.00")
}

// The host says that a session is over: what it had is forgotten, in the state as well, and what others had isn't. A crash before the state knows brings it
// back, and ending it again ends it.
func TestEndSession(t *testing.T) {
	p := newPast(t, `limit any to execute on tool note count <= 1 per session
limit any to execute on tool spend count <= 1 per 10m
forbid any to execute on tool shut when session once (execute on tool open)
`)
	use := func() {
		p.t.Helper()
		for _, s := range []string{"s", "other"} {
			p.host.session.Store(s)
			p.permitted("note")
			p.permitted("open")
			p.denied(eval.CodeLimit, "note")
			p.denied(eval.CodeForbidden, "shut")
		}
	}
	is := func(session string, known bool) {
		p.t.Helper()
		p.host.session.Store(session)
		code := eval.CodePermit
		if known {
			code = eval.CodeForbidden
		}
		if a := p.decide(p.call("shut")); a.Code != code {
			p.t.Errorf("session %s: %s, want %s", session, a.Code, code)
		}
	}
	use()
	p.permitted("spend 1")
	p.pep.EndSession("s")
	p.pep.EndSession("")
	is("s", false)
	is("other", true)
	p.denied(eval.CodeLimit, "spend 1")
	p.restart()
	is("s", false)
	is("other", true)
	p.denied(eval.CodeLimit, "spend 1")
	p.pep.EndSession("other")
	p.crash()
	is("other", true)
	p.pep.EndSession("other")
	p.sumUp()
	p.crash()
	is("other", false)
	for _, none := range []*pep.PEP{nil, {}} {
		none.EndSession("s")
	}
}

// R06: a permit that rests on approvals counts once. A request that a limit denies doesn't use its approvals up.
func TestR06ApprovalsAndLimits(t *testing.T) {
	p := newPast(t, "limit any to execute on tool pay count <= 1 per 5m\n")
	approved := func() [][]byte {
		ask, _ := p.ask(payment, "coordinator")
		return [][]byte{p.approve("alice", ask.Approval("test", "big", p.clock.now()))}
	}
	p.expect(p.again(payment, approved(), "coordinator"), eval.Permit, eval.CodePermit)
	next := approved() // an ask uses nothing
	for range 3 {
		p.expect(p.again(payment, next, "coordinator"), eval.Deny, eval.CodeLimit)
	}
	p.restart()
	p.expect(p.again(payment, next, "coordinator"), eval.Deny, eval.CodeLimit)
	p.clock.pass(5 * time.Minute)
	p.expect(p.again(payment, next, "coordinator"), eval.Permit, eval.CodePermit)
	p.expect(p.again(payment, next, "coordinator"), eval.Ask, eval.CodeNeedsApproval)
	for _, r := range p.decisions(eval.CodePermit) {
		if len(r.History) != 1 || r.History[0].Kind != "count" || len(r.Used) != 1 {
			t.Errorf("%+v", r)
		}
	}
	for _, r := range append(p.decisions(eval.CodeLimit), p.decisions(eval.CodeNeedsApproval)...) {
		if len(r.History) != 0 {
			t.Errorf("a %s changed the history: %+v", r.Outcome, r.History)
		}
	}
}

// A value of the history that isn't what was written is damage, and the PEP doesn't start: the budget would be another one.
func TestDamagedHistory(t *testing.T) {
	p := newPast(t, "limit any to execute on tool spend sum args.amount <= 10.00 per 10m\nlimit any to execute on tool note count <= 3 per 10m\n")
	p.permitted("spend 9.75")
	p.permitted("note")
	if err := p.pep.Close(); err != nil {
		t.Fatal(err)
	}
	p.cfg.Create = false
	home := p.cfg.Dir
	defer func() { p.cfg.Dir = home }()
	cells := map[string][]byte{}
	// with goes on with a state whose bucket of cells was changed.
	with := func(change func(*bbolt.Bucket) error) (*pep.PEP, error) {
		t.Helper()
		p.cfg.Dir = filepath.Join(t.TempDir(), "pep")
		if err := os.CopyFS(p.cfg.Dir, os.DirFS(home)); err != nil {
			t.Fatal(err)
		}
		db := must[*bbolt.DB](t)(bbolt.Open(filepath.Join(p.cfg.Dir, "state.db"), 0o600, &bbolt.Options{NoSync: true}))
		if err := db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket([]byte("history"))) }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		return pep.Open(p.cfg)
	}
	sound, err := with(func(b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error { cells[string(k)] = append([]byte(nil), v...); return nil })
	})
	if err != nil || len(cells) != 2 {
		t.Fatal(len(cells), err)
	}
	sound.Close()
	refused := func(what, key string, value []byte) {
		t.Helper()
		damaged, err := with(func(b *bbolt.Bucket) error { return b.Put([]byte(key), value) })
		if err == nil {
			damaged.Close()
		}
		if err == nil || err.Error() != "pep: the state is damaged: the history" {
			t.Errorf("%s: %v", what, err)
		}
	}
	var keys []string
	for key, value := range cells {
		keys = append(keys, key)
		for _, size := range []int{0, 7, 8, len(value) / 2, len(value) - 1} {
			refused(fmt.Sprintf("%d bytes of %d", size, len(value)), key, value[:size])
		}
		for i := 0; i < len(value); i += 1 + len(value)/24 {
			other := append([]byte(nil), value...)
			other[i] ^= 1
			refused(fmt.Sprintf("another byte %d of %s", i, value), key, other)
		}
		refused("more than was written", key, append(append([]byte(nil), value...), ' '))
	}
	if at := strings.Index(string(cells[keys[0]])+string(cells[keys[1]]), "9.75"); at < 0 {
		t.Errorf("the state doesn't know the total: %s %s", cells[keys[0]], cells[keys[1]])
	}
	refused("another cell's value", keys[0], cells[keys[1]])
}

// A history that is nearly full is told of, once.
func TestNearlyFullHistory(t *testing.T) {
	p := newPast(t, "limit any to execute on tool open count <= 5 per 1h\n")
	alerts := func() (n int) {
		pep.WatchHistory(p.pep)
		for _, r := range p.records() {
			if a, ok := r.Event.(*audit.Alert); ok && a.Monitor == "history" {
				n++
			}
		}
		return n
	}
	for i, c := range []struct{ cells, alerts int }{{eval.MaxCells/10*9 - 1, 0}, {eval.MaxCells / 10 * 9, 1}, {eval.MaxCells, 1}, {10, 1}, {eval.MaxCells, 2}} {
		undo := pep.CrowdHistory(p.pep, c.cells)
		if n := alerts(); n != c.alerts {
			t.Errorf("%d: with %d cells %d alerts, want %d", i, c.cells, n, c.alerts)
		}
		undo()
	}
}

// Under a token whose root has a name that the policy doesn't declare as an agent, an event lifts the forbid that it lifts without the name.
func TestUnlessOnceWithNamedRoot(t *testing.T) {
	p := newPast(t, "forbid any to execute on tool shut unless agent once (execute on tool open)\n")
	p.denied(eval.CodeForbidden, "shut")
	p.permitted("open")
	p.permitted("shut")
	roots := p.trustRoots(1) // the first has the name bob
	p.by(roots[0], func() {
		p.permitted("open")
		p.permitted("shut")
	})
}

// The log shows no total from which a private amount follows, whatever tool was called.
func TestPrivateTotalByAnotherTool(t *testing.T) {
	p := newPast(t, "limit any to execute on tool hush, tool spend sum args.amount <= 100.00 per 10m\n")
	p.permitted("hush 41.25")
	p.permitted("spend 1.50")
	p.denied(eval.CodeLimit, "spend 90.00")
	for _, r := range p.records() {
		if strings.Contains(string(r.Line), "42.75") {
			t.Errorf("record %d gives the private amount away: %s", r.Index, r.Line)
		}
	}
}

// Nor after a reload by which the argument is no longer private: what was said before was said in private.
func TestPrivateTotalAfterReload(t *testing.T) {
	const limit = "limit any to execute on tool hush sum args.amount <= 100.00 per 10m\n"
	p := newPast(t, limit)
	p.permitted("hush 41.25")
	write(t, p.dir, strings.Replace(pastPolicy, "tool hush(amount: decimal redact)", "tool hush(amount: decimal)", 1)+limit)
	if err := p.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	p.permitted("hush 1.50")
	for _, r := range p.records() {
		if strings.Contains(string(r.Line), "42.75") {
			t.Errorf("record %d gives the private amount away: %s", r.Index, r.Line)
		}
	}
}

// Ending sessions, summing up and deciding at once, with crashes between: what is permitted of a budget that no session ends is never more than it.
func TestEverythingAtOnce(t *testing.T) {
	p := newPast(t, "limit any to execute on tool note count <= 12 per 1h\nlimit any to execute on tool spend count <= 3 per session\n")
	permits := 0
	for range 3 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 4 {
			wg.Go(func() {
				for range 3 {
					for _, what := range []string{"note", "spend 1"} {
						a := p.decide(p.call(what))
						mu.Lock()
						if a.Outcome == eval.Permit && what == "note" {
							permits++
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Go(func() {
			for range 5 {
				p.pep.EndSession("s")
				time.Sleep(time.Millisecond)
			}
		})
		wg.Wait()
		p.sumUp()
		p.crash()
	}
	if permits != 12 {
		t.Errorf("%d permits of 12", permits)
	}
}
