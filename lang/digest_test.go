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
