package pep_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

func (w *world) effect(of pep.Answer, action, on string) pep.Answer {
	w.t.Helper()
	return w.pep.DecideEffect(context.Background(), &of, action, must[resource.Name](w.t)(resource.Parse(on)))
}

// What a call does while it is carried out is decided like what it asked for: by the rules, for everybody on the chain, and by the token. Each answer is in the log, with the
// call that it belongs to.
func TestDecideEffect(t *testing.T) {
	w := started(t)
	call := w.expect(w.delivery("note", note, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
	for _, c := range []struct {
		action, on string
		outcome    eval.Outcome
		code       eval.Code
	}{
		{"read", "file:///srv/kb/x", eval.Permit, eval.CodePermit},
		{"read", "file:///etc/passwd", eval.Deny, eval.CodeNoPermit},
		{"write", "file:///srv/kb/x", eval.Deny, eval.CodeNoPermit},
		{"steal", "file:///srv/kb/x", eval.Deny, eval.CodeUnknownAction},
		{"execute", "tool://pay", eval.Deny, eval.CodeInvalidArguments}, // an effect has no arguments
	} {
		a := w.effect(call, c.action, c.on)
		if a.Outcome != c.outcome || a.Code != c.code || a.Stage != pep.StageRules || a.Request.Subject != "reviewer" {
			t.Errorf("%s on %s: %s %s %v", c.action, c.on, a.Outcome, a.Code, a.Reason)
		}
		last := w.records()[len(w.records())-1]
		d, _ := last.Event.(*audit.Decision)
		if d == nil || last.Index != a.Index || d.Call != call.Index || d.Action != c.action || d.Resource != c.on || d.Code != string(c.code) || len(d.Token.Blocks) != 2 || d.Sequence != call.Message.Sequence {
			t.Errorf("%s on %s: in the log: %+v", c.action, c.on, d)
		}
	}
	// Of an effect there are effects: how it ended.
	if _, err := w.pep.RecordEffect(w.effect(call, "read", "file:///srv/x"), pep.Ending{Outcome: "ok", Bytes: 3, Status: 200}); err != nil {
		t.Error(err)
	}
	zero, forged := pep.Answer{}, w.expect(w.delivery("deploy", `{"commit": "4f2a", "hosts": 1}`, "coordinator"), eval.Deny, eval.CodeNoPermit)
	forged.Outcome = eval.Permit
	other := started(t)
	foreign := other.expect(other.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	before := len(w.records())
	for name, of := range map[string]pep.Answer{"zero": zero, "forged": forged, "of another PEP": foreign} {
		if a := w.effect(of, "read", "file:///srv/x"); a.Outcome != eval.Deny || a.Code != pep.CodeNotPermitted {
			t.Errorf("%s: %s %s", name, a.Outcome, a.Code)
		}
		if _, ok := w.pep.Sandbox(&of); ok {
			t.Errorf("%s: it has a sandbox", name)
		}
	}
	if a := w.pep.DecideEffect(context.Background(), nil, "read", resource.Name{}); a.Outcome != eval.Deny {
		t.Error("an effect of no call")
	}
	if len(w.records()) != before {
		t.Error("what no call has asked for is in the log")
	}
	if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Permit {
		t.Errorf("%s %v", a.Code, a.Reason)
	}
	w.pep.Close()
	if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Deny || a.Code != pep.CodeClosed {
		t.Errorf("closed: %s %s", a.Outcome, a.Code)
	}
}

// In the course of a call counts what is true now: a token that has expired or was revoked since, a rule that was put into force, what the token doesn't grant.
func TestDecideEffectNow(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		code   eval.Code
	}{
		"expired": {func(w *world) { w.clock.pass(2 * time.Hour) }, "token_expired"},
		"revoked": {func(w *world) {
			if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["coordinator"].Key()}}); err != nil {
				w.t.Fatal(err)
			}
		}, "token_revoked"},
		"another policy": {func(w *world) {
			if err := w.pep.Reload(); err != nil {
				w.t.Fatal(err)
			}
		}, eval.CodeForbidden},
		"a clock that jumps": {func(w *world) { w.clock.jump(time.Hour) }, pep.CodeClock},
	} {
		dir := t.TempDir()
		w := newWorld(t)
		write(t, dir, w.policy)
		w = started(t, func(cfg *pep.Config) { cfg.Policy = pep.Dir(dir) })
		write(t, dir, w.policy)
		call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
		if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Permit {
			t.Errorf("%s: before: %s %v", name, a.Code, a.Reason)
		}
		if name == "another policy" {
			write(t, dir, w.policy+"forbid Staff to read on \"file:///srv/**\"\n")
		}
		c.change(w)
		if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Deny || a.Code != c.code {
			t.Errorf("%s: %s %s %v", name, a.Outcome, a.Code, a.Reason)
		}
	}
	w := started(t)
	raw := w.tokenOf(func(int) token.Block {
		return token.Block{Grants: []token.Grant{grant([]string{"execute"}, []string{"tool://**"})}}
	}, "coordinator")
	call := w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(raw, "execute", "tool://note", note)), Token: raw}, eval.Permit, eval.CodePermit)
	if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Deny || a.Code != eval.CodeNotGranted {
		t.Errorf("what the token doesn't grant: %s %s", a.Outcome, a.Code)
	}
}

// A call that was decided goes on for longer than its message is good, under both policies while the one before counts.
func TestDecideEffectRollover(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	write(t, dir, w.policy)
	w = started(t, func(cfg *pep.Config) { cfg.Policy, cfg.Rollover = pep.Dir(dir), time.Hour })
	call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.clock.pass(10 * time.Minute)
	if w.pep.Holds(call) == nil {
		t.Error("the message is ten minutes old")
	}
	if a := w.effect(call, "read", "file:///srv/x"); a.Outcome != eval.Permit {
		t.Errorf("%s %v", a.Code, a.Reason)
	}
	write(t, dir, w.policy+"permit Staff to write on \"file:///srv/**\"\nforbid kept: Staff to read on \"file:///srv/kept/**\"\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]eval.Outcome{"file:///srv/x": eval.Permit, "file:///srv/kept/x": eval.Deny} {
		if a := w.effect(call, "read", on); a.Outcome != want {
			t.Errorf("read %s: %s %s", on, a.Outcome, a.Code)
		}
	}
	if a := w.effect(call, "write", "file:///srv/x"); a.Outcome != eval.Deny {
		t.Error("what only the policy in force permits, and not the one that the call was decided by")
	}
}

// In the course of a call nobody waits for an approval, and no ask is left behind.
func TestDecideEffectAsks(t *testing.T) {
	w := newWorld(t)
	policy := w.policy + "permit approved: Staff to write on \"file:///srv/**\" needs approval by Managers\n"
	w = started(t, func(cfg *pep.Config) { cfg.Policy = policyOf(policy) })
	call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	for range pep.MaxAsks + 1 {
		if a := w.effect(call, "write", "file:///srv/x"); a.Outcome != eval.Deny || a.Code != eval.CodeNeedsApproval || a.Ask != nil {
			t.Fatalf("%s %s %v", a.Outcome, a.Code, a.Ask)
		}
	}
}

// What was done in the course of a call is part of the past, across a restart too: who has read a secret sends nothing any more.
func TestDecideEffectCounts(t *testing.T) {
	p := newPast(t, `
permit Staff to send on "https://**"
forbid leak: any to send on "https://**" when session once (read on "file:///srv/secret/**")
limit reads: any to read on any count <= 3 per 1h each agent
`)
	all := grant([]string{"execute", "read", "send"}, allResources)
	raw := p.tokenOf(func(int) token.Block { return token.Block{Grants: []token.Grant{all}} }, "coordinator")
	call := p.expect(&token.Delivery{Message: p.sign("coordinator", p.message(raw, "execute", "tool://note", note)), Token: raw}, eval.Permit, eval.CodePermit)
	var got []eval.Code
	for _, ask := range [][2]string{{"send", "https://a.com/"}, {"read", "file:///srv/x"}, {"read", "file:///srv/secret/x"}, {"send", "https://a.com/"}, {"read", "file:///srv/x"}, {"read", "file:///srv/x"}} {
		got = append(got, p.effect(call, ask[0], ask[1]).Code)
	}
	want := []eval.Code{eval.CodePermit, eval.CodePermit, eval.CodePermit, eval.CodeForbidden, eval.CodePermit, eval.CodeLimit}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.restart()
	if a := p.effect(call, "read", "file:///srv/x"); a.Code != pep.CodeNotPermitted {
		t.Errorf("a call of before the restart: %s", a.Code)
	}
	call = p.expect(&token.Delivery{Message: p.sign("coordinator", p.message(raw, "execute", "tool://note", note)), Token: raw}, eval.Permit, eval.CodePermit)
	if a := p.effect(call, "send", "https://a.com/"); a.Code != eval.CodeForbidden {
		t.Errorf("sent after the restart: %s", a.Code)
	}
}

// What code may use are the sandboxes of everybody on the chain, met with the limits of the token; what is outside of it is a deny whatever is permitted.
func TestSandboxOfACall(t *testing.T) {
	w := newWorld(t)
	policy := w.policy + "sandbox reviewer { fuel 1_000 memory 1MiB timeout 3s read \"/srv\" }\nsandbox coordinator { fuel 2_000 timeout 2s read \"/srv/kb\", \"/tmp\" }\n"
	w = started(t, func(cfg *pep.Config) { cfg.Policy = policyOf(policy) })
	call := w.expect(w.delivery("note", note, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
	got, ok := w.pep.Sandbox(&call)
	if want := (eval.Sandbox{Fuel: 1000, Memory: 1 << 20, Timeout: 2 * time.Second, Read: []string{"/srv/kb"}}); !ok || !cmp.Equal(want, got) {
		t.Errorf("%t %+v", ok, got)
	}
	for on, want := range map[string]eval.Code{"file:///srv/kb/x": eval.CodePermit, "file:///srv/x": eval.CodeOutsideSandbox, "file:///tmp/x": eval.CodeOutsideSandbox} {
		a := w.pep.DecideCode(context.Background(), &call, "read", must[resource.Name](t)(resource.Parse(on)))
		if a.Code != want {
			t.Errorf("%s: %s", on, a.Code)
		}
	}
	all := grant([]string{"execute", "read", "write", "delegate"}, []string{"file:///**", "tool://**", "agent://**"})
	for name, c := range map[string]struct {
		limits token.Limits
		want   eval.Sandbox
	}{
		"less": {token.Limits{}.With(token.Fuel, 5).With(token.Memory, 6).With(token.Timeout, 7), eval.Sandbox{Fuel: 5, Memory: 6, Timeout: 7 * time.Millisecond, Read: []string{"/srv/kb", "/tmp"}}},
		"more": {token.Limits{}.With(token.Fuel, token.MaxNumber).With(token.Memory, token.MaxNumber).With(token.Timeout, token.MaxNumber),
			eval.Sandbox{Fuel: 2000, Memory: eval.DefaultMemory, Timeout: 2 * time.Second, Read: []string{"/srv/kb", "/tmp"}}},
		"nothing": {token.Limits{}.With(token.Fuel, 0).With(token.Memory, 0).With(token.Timeout, 0), eval.Sandbox{Read: []string{"/srv/kb", "/tmp"}}},
	} {
		raw := w.tokenOf(func(int) token.Block { return token.Block{Grants: []token.Grant{all}, Limits: c.limits} }, "coordinator")
		call := w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(raw, "execute", "tool://note", note)), Token: raw}, eval.Permit, eval.CodePermit)
		if got, ok := w.pep.Sandbox(&call); !ok || !cmp.Equal(c.want, got) {
			t.Errorf("%s: %t %+v", name, ok, got)
		}
	}
	mallory := w.expect(w.delivery("note", note, "mallory"), eval.Permit, eval.CodePermit)
	if s, ok := w.pep.Sandbox(&mallory); ok {
		t.Errorf("without a declaration: %+v", s)
	}
}

// A limit of a token is in whole milliseconds, and nothing beyond it is left.
func TestLimitedTimeout(t *testing.T) {
	for _, c := range []struct {
		had  time.Duration
		ms   uint64
		want time.Duration
	}{{time.Second + time.Microsecond, 1000, time.Second}, {time.Second, 1000, time.Second}, {time.Second, 1001, time.Second}, {time.Second, token.MaxNumber, time.Second}, {time.Second, 0, 0}} {
		if got := pep.Limited(eval.Sandbox{Timeout: c.had}, token.Limits{}.With(token.Timeout, c.ms)).Timeout; got != c.want {
			t.Errorf("%s and %d ms: %s", c.had, c.ms, got)
		}
	}
}

// Runs and uses of secrets are in the log, of what was permitted alone.
func TestRecordRun(t *testing.T) {
	w := started(t)
	call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	keyed := w.expect(w.delivery("note", `{"text": "hello", "key": "1234"}`, "coordinator"), eval.Permit, eval.CodePermit)
	run := audit.SandboxCall{Module: [32]byte{1}, Function: "_start", Outcome: "fuel", Fuel: 5, Memory: 6, Nanos: 7, Agent: "somebody", Decision: 1}
	for _, a := range []pep.Answer{call, keyed} {
		index, err := w.pep.RecordRun(&a, run, errors.New("1234 is used up"))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := w.records()[index].Event.(*audit.SandboxCall)
		want := run
		want.Decision, want.Agent, want.Detail = a.Index, "coordinator", audit.Shown("1234 is used up")
		if a.Index == keyed.Index {
			want.Detail = got.Detail
			if got.Detail.Text != "" {
				t.Errorf("what the policy keeps out of the log is in it: %q", got.Detail.Text)
			}
		}
		if diff := cmp.Diff(&want, got, cmp.AllowUnexported(audit.Field{})); diff != "" {
			t.Error(diff)
		}
	}
	index, err := w.pep.RecordSecret(&call, "openai", must[resource.Name](t)(resource.Parse("https://api.openai.com/v1")), "injected")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := w.records()[index].Event.(*audit.SecretUse); got == nil || got.Name != "openai" || got.Agent != "coordinator" || got.Decision != call.Index || got.Resource.Text != "https://api.openai.com/v1" {
		t.Errorf("%+v", got)
	}
	denied := pep.Answer{}
	if _, err := w.pep.RecordRun(&denied, run, nil); err == nil {
		t.Error("a run of nothing")
	}
	if _, err := w.pep.RecordSecret(&denied, "openai", resource.Name{}, "injected"); err == nil {
		t.Error("a secret for nothing")
	}
}

// The sandbox is the one that is in force now, under all policies that count; without a token that holds there is none.
func TestSandboxNow(t *testing.T) {
	dir := t.TempDir()
	const rules = "sandbox coordinator { fuel FUEL read \"DIR\" }\n"
	policy := func(w *world, fuel, dir string) string {
		return w.policy + replace(replace(rules, "FUEL", fuel), "DIR", dir)
	}
	for name, c := range map[string]struct {
		rollover time.Duration
		change   func(w *world)
		want     eval.Code
		fuel     uint64
	}{
		"as it was":               {change: func(*world) {}, want: eval.CodePermit, fuel: 9},
		"narrowed":                {change: func(w *world) { write(w.t, dir, policy(w, "5", "/srv/kb")) }, want: eval.CodeOutsideSandbox, fuel: 5},
		"narrowed, in a rollover": {rollover: time.Hour, change: func(w *world) { write(w.t, dir, policy(w, "5", "/srv/kb")) }, want: eval.CodeOutsideSandbox, fuel: 5},
		"removed":                 {change: func(w *world) { write(w.t, dir, w.policy) }, want: eval.CodeOutsideSandbox},
		"removed, in a rollover":  {rollover: time.Hour, change: func(w *world) { write(w.t, dir, w.policy) }, want: eval.CodeOutsideSandbox},
		"widened":                 {change: func(w *world) { write(w.t, dir, policy(w, "50", "/")) }, want: eval.CodePermit, fuel: 50},
		"widened, in a rollover":  {rollover: time.Hour, change: func(w *world) { write(w.t, dir, policy(w, "50", "/")) }, want: eval.CodePermit, fuel: 9},
		"widened after a rollover": {rollover: time.Hour, change: func(w *world) {
			write(w.t, dir, policy(w, "50", "/"))
			if err := w.pep.Reload(); err != nil {
				w.t.Fatal(err)
			}
			w.clock.pass(50 * time.Minute) // the token is good for an hour
			write(w.t, dir, policy(w, "60", "/"))
		}, want: eval.CodePermit, fuel: 50},
		"widened, and the rollover over": {rollover: 10 * time.Minute, change: func(w *world) {
			write(w.t, dir, policy(w, "50", "/"))
			if err := w.pep.Reload(); err != nil {
				w.t.Fatal(err)
			}
			w.clock.pass(20 * time.Minute)
		}, want: eval.CodePermit, fuel: 50},
		"another trust document": {change: func(w *world) {
			if err := w.pep.SetTrust(w.trustText(2)); err != nil {
				w.t.Fatal(err)
			}
		}, want: eval.CodePermit, fuel: 9},
		"expired": {change: func(w *world) { w.clock.pass(2 * time.Hour) }, want: "token_expired"},
		"revoked": {change: func(w *world) {
			if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["coordinator"].Key()}}); err != nil {
				w.t.Fatal(err)
			}
		}, want: "token_revoked"},
	} {
		first := newWorld(t)
		write(t, dir, policy(first, "9", "/srv"))
		w := started(t, func(cfg *pep.Config) { cfg.Policy, cfg.Rollover = pep.Dir(dir), c.rollover })
		write(t, dir, policy(w, "9", "/srv"))
		if err := w.pep.Reload(); err != nil {
			t.Fatal(err)
		}
		call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
		c.change(w)
		if err := w.pep.Reload(); err != nil {
			t.Fatal(err)
		}
		if s, ok := w.pep.Sandbox(&call); s.Fuel != c.fuel || ok != (c.fuel > 0) {
			t.Errorf("%s: %t %+v", name, ok, s)
		}
		if secrets := w.pep.Secrets(&call); len(secrets) != 0 {
			t.Errorf("%s: %v", name, secrets)
		}
		if a := w.pep.DecideCode(context.Background(), &call, "read", must[resource.Name](t)(resource.Parse("file:///srv/x"))); a.Code != c.want {
			t.Errorf("%s: %s %v", name, a.Code, a.Reason)
		}
	}
}

// What an effect does belongs to the call that it belongs to; what another PEP has permitted belongs nowhere.
func TestCourseOf(t *testing.T) {
	w, other := started(t), started(t)
	call := w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	first := w.effect(call, "read", "file:///srv/x")
	second := w.effect(first, "read", "file:///srv/y")
	d, _ := w.records()[second.Index].Event.(*audit.Decision)
	if d == nil || d.Call != call.Index {
		t.Errorf("%+v", d)
	}
	foreign := other.expect(other.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	before := len(w.records())
	_, err := w.pep.RecordEffect(foreign, pep.Ending{Outcome: "ok"})
	_, err2 := w.pep.RecordRun(&foreign, audit.SandboxCall{Module: [32]byte{1}, Outcome: "ok"}, nil)
	_, err3 := w.pep.RecordSecret(&foreign, "api", resource.Name{}, "injected")
	if err == nil || err2 == nil || err3 == nil || len(w.records()) != before {
		t.Errorf("%v %v %v, %d records more", err, err2, err3, len(w.records())-before)
	}
}

// While what was in force before counts, it counts as it was: with the names that it gave to those on the chain, and nothing where it had no sandbox.
func TestSandboxBefore(t *testing.T) {
	w := newWorld(t)
	policy := w.policy + `agent chief
permit chief to delegate on agent reviewer
permit chief to read on "file:///srv/**"
sandbox reviewer { fuel 1_000 read "/srv" }
sandbox coordinator { fuel 2 read "/srv/kb" }
`
	w = started(t, func(cfg *pep.Config) { cfg.Policy, cfg.Rollover = policyOf(policy), time.Hour })
	call := w.expect(w.delivery("note", note, "coordinator", "reviewer"), eval.Permit, eval.CodePermit)
	want := eval.Sandbox{Fuel: 2, Memory: eval.DefaultMemory, Timeout: eval.DefaultTimeout, Read: []string{"/srv/kb"}}
	check := func(when string) {
		t.Helper()
		if got, ok := w.pep.Sandbox(&call); !ok || !cmp.Equal(got, want) {
			t.Errorf("%s: %t %+v", when, ok, got)
		}
		if a := w.pep.DecideCode(context.Background(), &call, "read", must[resource.Name](t)(resource.Parse("file:///srv/x"))); a.Code != eval.CodeOutsideSandbox {
			t.Errorf("%s: %s", when, a.Code)
		}
	}
	check("as it was")
	w.ids["chief"] = w.ids["coordinator"]
	delete(w.ids, "coordinator")
	if err := w.pep.SetTrust(w.trustText(2)); err != nil {
		t.Fatal(err)
	}
	check("with another name")

	dir := t.TempDir()
	w = newWorld(t)
	write(t, dir, w.policy)
	w = started(t, func(cfg *pep.Config) { cfg.Policy, cfg.Rollover = pep.Dir(dir), time.Hour })
	write(t, dir, w.policy)
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	call = w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	write(t, dir, w.policy+"sandbox coordinator { read \"/srv\" }\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	if s, ok := w.pep.Sandbox(&call); ok {
		t.Errorf("the policy before had no sandbox: %+v", s)
	}
}

// A sandbox and a secret for a group are those of whom an attestation makes a member, as long as it holds.
func TestSandboxOfAttested(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, newWorld(t).policy)
	w := started(t, func(cfg *pep.Config) { cfg.Policy = pep.Dir(dir) })
	write(t, dir, w.policy+"sandbox Partners { fuel 7 }\nsecret api for Partners on \"https://example.com/**\" as header \"Authorization\" \"Bearer {}\"\n")
	if err := w.pep.Reload(); err != nil {
		t.Fatal(err)
	}
	d := w.delivery("note", note, "stranger")
	d.Attestations = [][]byte{must[[]byte](t)(token.SignAttestation(w.issuer, token.Attestation{Realm: "test", ID: newID(t), Claim: "Partners", Subject: w.ids["stranger"].Key(), NotBefore: w.clock.now().Add(-time.Minute), Expires: w.clock.now().Add(10 * time.Minute)}))}
	call := w.expect(d, eval.Permit, eval.CodePermit)
	if s, ok := w.pep.Sandbox(&call); !ok || s.Fuel != 7 || len(w.pep.Secrets(&call)) != 1 {
		t.Errorf("%t %+v %v", ok, s, w.pep.Secrets(&call))
	}
	w.clock.pass(20 * time.Minute)
	if s, ok := w.pep.Sandbox(&call); ok || len(w.pep.Secrets(&call)) != 0 {
		t.Errorf("the attestation is over: %+v %v", s, w.pep.Secrets(&call))
	}
}
