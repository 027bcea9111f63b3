package eval_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/resource"
)

// What several declarations say is met: of numbers the least counts, of paths what is in all lists; what nobody says has a default or is nothing.
func TestSandbox(t *testing.T) {
	const head = "policy p edition 1\ngroup Crawlers\ngroup Claimed claims \"did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH\"\nagent crawler in Crawlers\nagent triage\nperson ann\npermit crawler to read on any\n"
	standard := eval.Sandbox{Fuel: eval.DefaultFuel, Memory: eval.DefaultMemory, Timeout: eval.DefaultTimeout}
	with := func(change func(*eval.Sandbox)) eval.Sandbox {
		s := standard
		change(&s)
		return s
	}
	claim := []eval.Attestation{{Claim: "Claimed", Issuer: "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH", About: "did:key:z6MkStranger", Principal: true}}
	for name, c := range map[string]struct {
		policy, agent string
		facts         eval.Facts
		want          eval.Sandbox
		none          bool
	}{
		"none":               {policy: "", agent: "crawler", none: true},
		"another's":          {policy: `sandbox triage { fuel 5 }`, agent: "crawler", none: true},
		"of the other alone": {policy: `sandbox triage { fuel 5 }`, agent: "crawler", facts: eval.Facts{Authority: &eval.Authority{Agents: []string{"triage", "crawler"}}}, none: true},
		"its own":            {policy: `sandbox crawler { fuel 5 memory 1MiB timeout 2s }`, agent: "crawler", want: eval.Sandbox{Fuel: 5, Memory: 1 << 20, Timeout: 2 * time.Second}},
		"nothing said":       {policy: `sandbox crawler { read "/srv" }`, agent: "crawler", want: with(func(s *eval.Sandbox) { s.Read = []string{"/srv"} })},
		"of its group":       {policy: `sandbox Crawlers { fuel 5 }`, agent: "crawler", want: with(func(s *eval.Sandbox) { s.Fuel = 5 })},
		"of anybody":         {policy: `sandbox any { fuel 5 }`, agent: "somebody", want: with(func(s *eval.Sandbox) { s.Fuel = 5 })},
		"of a claimed group": {policy: `sandbox Claimed { fuel 5 }`, agent: "did:key:z6MkStranger", facts: eval.Facts{Attestations: claim}, want: with(func(s *eval.Sandbox) { s.Fuel = 5 })},
		"without the claim":  {policy: `sandbox Claimed { fuel 5 }`, agent: "did:key:z6MkStranger", none: true},
		"the least": {policy: `sandbox crawler { fuel 9 timeout 1s } sandbox Crawlers { fuel 5 memory 2MiB } sandbox any { memory 1MiB timeout 1m }`, agent: "crawler",
			want: eval.Sandbox{Fuel: 5, Memory: 1 << 20, Timeout: time.Second}},
		"more than the default": {policy: `sandbox crawler { fuel 9_000_000_000 }`, agent: "crawler", want: with(func(s *eval.Sandbox) { s.Fuel = 9_000_000_000 })},
		"of whose authority it is": {policy: `sandbox crawler { fuel 9 read "/srv" } sandbox triage { fuel 5 read "/srv/kb", "/etc" }`, agent: "crawler",
			facts: eval.Facts{Authority: &eval.Authority{Agents: []string{"triage", "crawler"}}}, want: with(func(s *eval.Sandbox) { s.Fuel, s.Read = 5, []string{"/srv/kb"} })},
		"common paths": {policy: `sandbox crawler { read "/srv/kb", "/srv/kb/x", "/srv/kbx", "/tmp/a/b" write "/out" } sandbox any { read "/srv/kb", "/tmp/a", "/srv/kbx/y" write "/in" }`, agent: "crawler",
			want: with(func(s *eval.Sandbox) { s.Read = []string{"/srv/kb", "/srv/kbx/y", "/tmp/a/b"} })},
		"a list beside none": {policy: `sandbox crawler { fuel 5 } sandbox any { read "/srv" }`, agent: "crawler", want: with(func(s *eval.Sandbox) { s.Fuel, s.Read = 5, []string{"/srv"} })},
	} {
		p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte(head + c.policy)}}, ".")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, ok := p.Sandbox(c.agent, c.facts)
		if ok == c.none {
			t.Errorf("%s: ok %t", name, ok)
		}
		if c.none {
			continue
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if s, ok := (*eval.Program)(nil).Sandbox("crawler", eval.Facts{}); ok {
		t.Errorf("no policy: %+v", s)
	}
}

// What isn't in a list isn't allowed, and no list is none.
func TestSandboxAllows(t *testing.T) {
	p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte(`policy p edition 1
agent bot
agent boss
permit bot, boss to read on any
sandbox bot { read "/srv/kb", "/a b" write "/srv/kb/out" connect "https://*.example.com", "https://api.example.org/v1/**" }
sandbox boss { connect "https://{docs.example.com,api.example.org}" }`)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := p.Sandbox("bot", eval.Facts{})
	under, _ := p.Sandbox("bot", eval.Facts{Authority: &eval.Authority{Agents: []string{"boss", "bot"}}})
	boss, _ := p.Sandbox("boss", eval.Facts{})
	for _, c := range []struct {
		action, on        string
		own, under, boss_ bool
	}{
		{"read", "file:///srv/kb", true, true, false},
		{"read", "file:///srv/kb/x/y", true, true, false},
		{"list", "file:///srv/kb/x", true, true, false},
		{"read", "file:///srv/kbx", false, false, false},
		{"read", "file:///srv", false, false, false},
		{"read", "file:///", false, false, false},
		{"read", "file:///a b/c", true, true, false},
		{"write", "file:///srv/kb/x", false, false, false},
		{"write", "file:///srv/kb/out/x", true, true, false},
		{"create", "file:///srv/kb/out", true, true, false},
		{"delete", "file:///srv/kb/out/x", true, true, false},
		{"execute", "file:///srv/kb/out/x", false, false, false},
		{"send", "file:///srv/kb/out/x", false, false, false},
		{"connect", "https://docs.example.com/", true, true, true},
		{"connect", "https://docs.example.com/a?b=c", true, true, true},
		{"send", "https://docs.example.com/a", true, true, true},
		{"connect", "https://www.example.com/", true, false, false},
		{"connect", "https://example.com/", false, false, false},
		{"connect", "https://a.b.example.com/", false, false, false},
		{"connect", "https://docs.example.com:8443/", false, false, false},
		{"connect", "http://docs.example.com/", false, false, false},
		{"connect", "https://api.example.org/v1/x", true, true, true},
		{"connect", "https://api.example.org/v2", false, false, true},
		{"read", "https://docs.example.com/", false, false, false},
		{"connect", "tool://docs.example.com", false, false, false},
		{"use", "secret://key", true, true, true},
		{"use", "https://docs.example.com/", false, false, false},
		{"read", "secret://key", false, false, false},
		{"execute", "tool://pay", false, false, false},
	} {
		on, err := resource.Parse(c.on)
		if err != nil {
			t.Fatal(err)
		}
		if a, b, d := own.Allows(c.action, on), under.Allows(c.action, on), boss.Allows(c.action, on); a != c.own || b != c.under || d != c.boss_ {
			t.Errorf("%s on %s: own %t, under boss %t, boss %t", c.action, c.on, a, b, d)
		}
		if (eval.Sandbox{}).Allows(c.action, on) && c.action != "use" {
			t.Errorf("%s on %s: the zero sandbox allows it", c.action, c.on)
		}
	}
	if own.Meet(eval.Sandbox{}).Fuel != 0 || own.Meet(boss).Connect == nil || own.Meet(eval.Sandbox{}).Connect != nil || len(own.Meet(eval.Sandbox{}).Read) > 0 {
		t.Error("what is met with nothing is something")
	}
}
