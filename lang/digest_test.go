package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const everything = vocabulary + `
group Partners in Staff claims "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
define early = context.hour < 8 or context.hour >= 18
permit small: bot to execute on tool pay
  when args.amount <= 200.50 and not early
  unless args.to in ["a@example.com", "b@example.com"]
  notify "audit"
permit bot to delegate on agent crawler, agent any
permit big: bot to execute on tool pay
  needs 2 approval by Managers within 10m
forbid out: any to any on "file:///**/.ssh/**", tool any
  when any r in (args.cc ?? []) + ["x@a.b"] { domain(r) == "a" } or has args.max and args.max * -2 < 64KiB
  because "explained"
forbid told: any to execute on tool pay
  when args.cmd[0] ?? "" == "x" or args.to from no [user, tool read.text] or args.to attested "ok" by alice
  when session once (read on any when agent.name like "a*") within 1h
limit calls: any to any on any count <= 60 per 1m burst 10 each agent
limit any to execute on tool pay sum args.amount <= 10.00 per session
lifecycle flow: bot {
  start a
  a -> b: read on tool read
}
delegation { max_depth 4 max_ttl 1h }
sandbox bot, crawler { fuel 10_000 read "/srv/kb", "/srv/x" }
secret key for crawler on "https://api.example.com/**" as header "Authorization" "Bearer {}"
tool pinned(r: { a: int, b: "x" | "y"? }? redact) -> [string]
  does read on file("/x") when has args.r
  pin "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
test "t" { try bot to read on "file:///x" expect deny }
`

// What doesn't change a decision doesn't change the digest.
func TestDigestIgnoresLayout(t *testing.T) {
	base := mustCompile(t, everything)
	for name, change := range map[string][2]string{
		"layout":      {"  when args.amount <= 200.50 and not early", "  when (args.amount<=200.5   and\n   not (early)) // why"},
		"because":     {`because "explained"`, `because "otherwise"`},
		"test":        {`test "t" {`, `test "another" {`},
		"policy name": {"policy p edition 1", "policy q edition 1"},
		"quotes":      {"max_ttl 1h", "max_ttl 60m"},
		"underscore":  {"10_000", "10000"},
		"name order":  {"sandbox bot, crawler", "sandbox crawler, bot"},
		"targets":     {`on "file:///**/.ssh/**", tool any`, `on tool any, "file:///**/.ssh/**"`},
		"params":      {"tool search(query: string, max: int?)", "tool search(max: int?, query: string)"},
		"enum":        {`"fast" | "slow"`, `"slow" | "fast"`},
		"repetition":  {"delegation {", "group Managers\ndelegation { max_ttl 1h max_depth 4 }\ndelegation {"},
		"brackets":    {"args.cmd[0]", `args["cmd"][0]`},
	} {
		if p := mustCompile(t, replace(t, everything, change)); p.Digest() != base.Digest() {
			t.Errorf("%s: the digest differs", name)
		}
	}
}

// What can change a decision changes the digest.
func TestDigestCoversMeaning(t *testing.T) {
	seen := map[[32]byte]string{mustCompile(t, everything).Digest(): "the original"}
	for _, change := range [][2]string{
		{"agent bot in Staff", "agent bot"}, {"in Staff claims", "claims"}, {"z6MkpTHR8", "z6MkpTHR9"}, {"origin crm", "origin crm, erp"}, {"action poke", "action poke, prod"},
		{"max: int?", "max: int"}, {"tenant: string?", "tenant: string"}, {"200.50", "200.51"}, {"not early", "early"}, {"permit small:", "permit smaller:"},
		{`"a@example.com", "b@example.com"`, `"b@example.com", "a@example.com"`}, {`notify "audit"`, `notify "log"`}, {"needs 2 approval", "needs approval"}, {"within 10m", "within 11m"},
		{"approval by Managers", "approval by Managers, Staff"}, {"any r in", "all r in"}, {"has args.max and", "has context.tenant and has args.max and"}, {"from no [user", "from some [user"},
		{"[user, tool read.text]", "[tool read.text]"}, {`attested "ok"`, `attested "good"`}, {"session once (read", "agent once (read"}, {"within 1h\n", "within 2h\n"}, {`"a*"`, `"b*"`},
		{"count <= 60", "count <= 61"}, {"burst 10", "burst 11"}, {"each agent", "each session"}, {"per session", "per 1h"}, {"start a\n", "start b\n  b -> a: read on any\n"},
		{"max_depth 4", "max_depth 5"}, {`read "/srv/kb"`, `read "/srv/kc"`}, {"Bearer {}", "Basic {}"}, {"redact", "digest"}, {"-> [string]", "-> string"}, {"file(\"/x\")", "file(\"/y\")"},
		{"9f86d081", "9f86d082"}, {"on agent crawler, agent any", "on agent any"}, {"tool any\n", "any\n"}, {"  when session once", "  unless session once"},
		{"define early = context.hour < 8", "define early = context.hour < 9"}, {"64KiB", "65KiB"},
	} {
		p := mustCompile(t, replace(t, everything, change))
		if other, ok := seen[p.Digest()]; ok {
			t.Errorf("%q → %q has the digest of %s", change[0], change[1], other)
		}
		seen[p.Digest()] = change[1]
	}
}

// What history is kept under stays the same while what is counted does, and no longer.
func TestContent(t *testing.T) {
	const src = vocabulary + `
permit bot to read on any
limit calls: bot to execute on tool search when args.query == "x" count <= 60 per 1m burst 10 each agent
lifecycle flow: bot {
  start a
  a -> b: read on any
  b -> a: execute on tool search, tool read
}
forbid bot to send on any when session once (read on any when agent.name like "a*")
`
	type contents struct{ limit, lifecycle, once [32]byte }
	of := func(src string) contents {
		p := mustCompile(t, src)
		return contents{p.Limits[0].Content(), p.Lifecycles[0].Content(), p.Onces()[0].Content()}
	}
	base := of(src)
	for _, tt := range []struct {
		from, to               string
		limit, lifecycle, once bool // what must differ
	}{
		{"limit calls:", "limit", false, false, false},
		{"limit calls:", "limit others:", false, false, false},
		{"lifecycle flow:", "lifecycle stream:", false, false, false},
		{"  a -> b: read on any\n  b -> a: execute on tool search, tool read", "  b -> a: execute on tool read, tool search\n  a -> b: read on any", false, false, false},
		{"session once (read", "agent once (read", false, false, false},
		{`"a*")`, `"a*") within 1h`, false, false, false},
		{"count <= 60", "count <= 61", true, false, false},
		{"count <= 60 per 1m burst 10", "sum (args.max ?? 1) <= 60 per 1m", true, false, false},
		{"per 1m", "per 2m", true, false, false},
		{"burst 10", "burst 11", true, false, false},
		{"each agent", "each root", true, false, false},
		{`args.query == "x"`, `args.query == "y"`, true, false, false},
		{"limit calls: bot", "limit calls: any", true, false, false},
		{"lifecycle flow: bot", "lifecycle flow: any", false, true, false},
		{"a -> b: read on any", "a -> b: write on any", false, true, false},
		{"start a\n", "start b\n", false, true, false},
		{`"a*"`, `"b*"`, false, false, true},
		{"session once (read", "session once (write", false, false, true},
	} {
		got := of(replace(t, src, [2]string{tt.from, tt.to}))
		if limit, lifecycle, once := got.limit != base.limit, got.lifecycle != base.lifecycle, got.once != base.once; limit != tt.limit || lifecycle != tt.lifecycle || once != tt.once {
			t.Errorf("%q → %q: limit %t, lifecycle %t, once %t differ", tt.from, tt.to, limit, lifecycle, once)
		}
	}
}

// Every once that a decision may ask is listed, each one time, in an order that doesn't depend on that of the declarations.
func TestOnces(t *testing.T) {
	decls := []string{
		"define seen = agent once (read on any) or session once (write on any)",
		"define through = seen and true",
		"define idle = session once (delegate on any)",
		"permit b: bot to send on any when through and seen unless session once (execute on tool pay when args.amount < 1)",
		"permit a: bot to send on any when not session once (read on any) or all x in [1] { session once (poke on any) }",
		"limit z: bot to execute on tool pay when session once (send on any) sum args.amount <= 10 per 1h",
	}
	want := []string{"session once (read on any)", "session once (poke on any)", "agent once (read on any)", "session once (write on any)",
		"session once (execute on tool pay when args.amount < 1)", "session once (send on any)"}
	for turn := range decls {
		p := mustCompile(t, vocabulary+strings.Join(append(decls[turn:len(decls):len(decls)], decls[:turn]...), "\n")+"\n")
		var got []string
		for _, x := range p.Onces() {
			got = append(got, x.Span.Text())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("turned by %d:\n%s", turn, diff)
		}
		if x := p.Onces(); x[0].Content() != x[2].Content() || x[0].Content() == x[1].Content() {
			t.Errorf("turned by %d: what is written alike has not the same content, or what isn't has", turn)
		}
	}
}

func replace(t *testing.T, src string, change [2]string) string {
	t.Helper()
	if !strings.Contains(src, change[0]) {
		t.Fatalf("the source has no %q", change[0])
	}
	return strings.Replace(src, change[0], change[1], 1)
}

func mustCompile(t *testing.T, src string) *Program {
	t.Helper()
	p, diags := Compile(map[string]string{"p.moat": src})
	if p == nil {
		t.Fatal(diags.Errors())
	}
	return p
}

// A digestVector is a policy with its canonical encoding, for other implementations.
type digestVector struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	CBOR   string `json:"cbor"`
	Digest string `json:"digest"`
}

func TestDigestVectors(t *testing.T) {
	const dir = "../spec/vectors/digest"
	sources := map[string]string{"minimal": minimal, "everything": everything}
	for name, src := range map[string]string{
		"expressions": `forbid any to any on any when (1 + 2 * 3 == 7 and "a\n\u{e9}" != agent.name) or not resource in "file:///**"`,
		"unlabelled":  "permit bot to execute on tool search\n  when args.max ?? 10 <= 50", "types": "tool t(a: [[int]]?, b: { c: ip, d: cidr? }, e: \"x\" | \"y\"?, f: json)",
	} {
		sources[name] = vocabulary + src + "\nforbid any to poke on any\n"
	}
	for name, src := range sources {
		p := mustCompile(t, src)
		got := digestVector{name, src, hex.EncodeToString(p.Canonical()), p.DigestString()}
		if sum := sha256.Sum256(p.Canonical()); sum != p.Digest() {
			t.Errorf("%s: the digest isn't that of the encoding", name)
		}
		file := filepath.Join(dir, name+".json")
		if *updateSpec {
			data, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want digestVector
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs from its vector (go test ./lang -run Digest -update-spec writes it):\n%s", name, diff)
		}
	}
	files, err := filepath.Glob(dir + "/*.json")
	if err != nil || len(files) != len(sources) {
		t.Errorf("%d vectors for %d sources: %v", len(files), len(sources), err)
	}
}
