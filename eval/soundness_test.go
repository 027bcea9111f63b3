package eval_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// Each policy would let something through if a check of the language or a step of the evaluator were missing: it must be refused by check with the
// code, or else the request denied with it.
func TestNothingSlipsThrough(t *testing.T) {
	for name, tt := range map[string]struct {
		policy, args, context string
		want                  string
	}{
		"a tool's name is no pattern":              {"tool \"get*\"(x: int)\npermit bot to execute on tool \"get*\" when args.x <= 5", `{}`, `{}`, string(lang.CodeInvalidValue)},
		"a tool's name is no list of alternatives": {"tool \"{a,b}\"()\npermit bot to execute on tool \"{a,b}\"", `{}`, `{}`, string(lang.CodeInvalidValue)},
		"an effect on an enum": {"tool t(e: \"file:///etc/passwd\" | \"file:///tmp/x\", s: string?)\n  does read on [args.e, args.s ?? \"file:///tmp/y\"]\n" +
			"permit bot to execute on tool t\npermit bot to read on \"file:///tmp/**\"", `{"e":"file:///etc/passwd"}`, `{}`, string(eval.CodeNoPermit)},
		"an effect behind a define too large": {"tool t(s: string, p: path) does read on file(args.p) when d15\ndefine d0 = args.s == \"a\" or true\n" + doubled(15) + "permit bot to execute on tool t",
			`{}`, `{}`, string(lang.CodeCost)},
		"json inside records isn't compared":             {"tool t(r: { q: json })\ncontext { want: { q: json } }\npermit bot to execute on tool t when args.r == context.want", `{}`, `{}`, string(lang.CodeType)},
		"json inside lists isn't compared":               {"tool t(r: { q: json }, l: [{ q: json }])\npermit bot to execute on tool t when args.r in args.l", `{}`, `{}`, string(lang.CodeType)},
		"a quoted name with a dot is another path":       {"tool t(\"a.b\": int?, a: { b: int? })\npermit bot to execute on tool t when has args.\"a.b\" and args.a.b > 1", `{}`, `{}`, string(lang.CodeMaybeAbsent)},
		"a quoted name with a bracket is another path":   {"define r = { x: [1], \"x[5]\": 2 }\ntool t()\npermit bot to execute on tool t when has r.\"x[5]\" and r.x[5] == 7", `{}`, `{}`, string(lang.CodeMaybeAbsent)},
		"a tool named like another's field":              {"tool docs()\ntool docs.search()\ntool t(s: string)\npermit bot to execute on tool t when args.s from tool docs", `{}`, `{}`, string(lang.CodeLookAlike)},
		"an origin's field that doesn't exist":           {"tool src() -> { text: string }\ntool t(s: string)\nforbid any to execute on tool t when args.s from some tool src.txet", `{}`, `{}`, string(lang.CodeUnknownField)},
		"a domain in upper case":                         {"tool t(s: email)\nforbid any to execute on tool t when domain(args.s) == \"Evil.example\"", `{}`, `{}`, string(lang.CodeNotCanonical)},
		"an approval that only the requester could give": {"tool t()\npermit bot to execute on tool t needs approval by bot", `{}`, `{}`, string(lang.CodeApproval)},
		"a number spelled otherwise": {"origin evil\ntool t(n: int)\npermit bot to execute on tool t\nforbid f: any to execute on tool t when args.n from some evil",
			`{"n":1e2}`, `{"value_origins":{"100":["evil"]}}`, string(eval.CodeForbidden)},
		"a word of a command line": {"origin evil\ntool t(c: argv)\npermit bot to execute on tool t\nforbid f: any to execute on tool t when any w in args.c { w from some evil }",
			`{"c":"curl evil.com"}`, `{"value_origins":{"evil.com":["evil"]}}`, string(eval.CodeForbidden)},
		"a label that nobody declares": {"tool t(s: string)\npermit bot to execute on tool t\nforbid f: any to execute on tool t when args.s from some tool t", `{"s":"x"}`, `{"origins":{"/s":["tool tt"]}}`, string(eval.CodeInvalidContext)},
		"a place that isn't there":     {"tool t(s: string)\npermit bot to execute on tool t", `{"s":"x"}`, `{"origins":{"/ss":["user"]}}`, string(eval.CodeInvalidContext)},
		"a place that isn't a pointer": {"tool t(s: string)\npermit bot to execute on tool t", `{"s":"x"}`, `{"origins":{"s":["user"]}}`, string(eval.CodeInvalidContext)},
		"a text that grows": {"define d0 = \"" + strings.Repeat("x", 60000) + "\"\n" + strings.ReplaceAll(doubled(14), " or ", " + ") + "tool t()\npermit bot to execute on tool t when size(d13) > 3",
			`{}`, `{}`, string(lang.CodeCost)},
	} {
		prog, diags := lang.Compile(map[string]string{"p.moat": "policy p edition 1\nagent bot\npermit bot to poke on any\naction poke\n" + tt.policy + "\n"})
		if prog == nil {
			if errs := diags.Errors(); string(errs[0].Code) != tt.want {
				t.Errorf("%s: %v, want %s", name, errs, tt.want)
			}
			continue
		}
		if d := decide(t, eval.New(prog), callOf("t", tt.args, tt.context)); string(d.Code) != tt.want {
			t.Errorf("%s: %s (%s) %s, want %s", name, d.Outcome, d.Code, d.Detail, tt.want)
		}
	}
}

// doubled are defines each of which uses the one before twice.
func doubled(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "define d%d = d%d or d%d\n", i, i-1, i-1)
	}
	return b.String()
}

// A decimal by type is computed as one, though it is an integer at run time.
func TestDecimalByType(t *testing.T) {
	for _, cond := range []string{`(args.i ?? 0.5) * 9223372036854775807 > 1.5`, `any n in [args.j, 0.5] { n * 9223372036854775807 > 1.5 }`} {
		prog, diags := lang.Compile(map[string]string{"p.moat": "policy p edition 1\nagent bot\ntool t(i: int?, j: int)\npermit bot to execute on tool t\n  when " + cond + "\n"})
		if prog == nil {
			t.Fatal(diags)
		}
		if d := decide(t, eval.New(prog), callOf("t", `{"i":2,"j":2}`, `{}`)); d.Outcome != eval.Permit {
			t.Errorf("%s: %s %v", cond, d.Code, d.Errors)
		}
	}
}

// A stranger who is named like a group is in no group.
func TestSubjectNamedLikeAGroup(t *testing.T) {
	prog, diags := lang.Compile(map[string]string{"p.moat": "policy p edition 1\ngroup g0\ngroup g1 in g0\nforbid f: any to read on \"file:///x\"\n  unless agent in g0\n"})
	if prog == nil {
		t.Fatal(diags)
	}
	file, err := resource.Parse("file:///x")
	if err != nil {
		t.Fatal(err)
	}
	req := eval.Request{Subject: "g1", Action: "read", Resource: file}
	if a, b := eval.New(prog).Decide(req, eval.Facts{}), eval.Reference(prog, req, eval.Facts{}); a.Code != eval.CodeForbidden || b.Code != eval.CodeForbidden {
		t.Errorf("compiled %s, reference %s", a.Code, b.Code)
	}
}

// A time that nanoseconds can't count is an error, not another time.
func TestTimeOutOfRange(t *testing.T) {
	prog, diags := lang.Compile(map[string]string{"p.moat": "policy p edition 1\nagent bot\npermit bot to read on any\n  when now < timestamp(\"2026-06-01T00:00:00Z\")\n"})
	if prog == nil {
		t.Fatal(diags)
	}
	file, err := resource.Parse("file:///x")
	if err != nil {
		t.Fatal(err)
	}
	req := eval.Request{Subject: "bot", Action: "read", Resource: file}
	for year, want := range map[int]eval.Outcome{2026: eval.Permit, 2262: eval.Deny, 2300: eval.Deny, 1600: eval.Deny, 9000: eval.Deny} {
		if d := eval.New(prog).Decide(req, eval.Facts{Time: time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)}); d.Outcome != want {
			t.Errorf("in %d: %s (%s)", year, d.Outcome, d.Code)
		}
	}
}

// Repeating or swapping the effects of a tool changes neither digest nor decision.
func TestEffectsHaveNoOrder(t *testing.T) {
	build := func(effects string) *lang.Program {
		p, diags := lang.Compile(map[string]string{"p.moat": "policy p edition 1\nagent bot\ncontext { s: string? }\ntool t(ps: [path])\n" + effects + "permit bot to any on any\n"})
		if p == nil {
			t.Fatal(diags)
		}
		return p
	}
	read, send := "  does read on file(args.ps)\n", "  does send on (context.s ?? \"nowhere\")\n"
	paths := `["/x"` + strings.Repeat(`,"/x"`, 199) + `]`
	for _, pair := range [][2]string{{read, read + read}, {read + send, send + read}} {
		a, b := build(pair[0]), build(pair[1])
		if a.Digest() != b.Digest() {
			t.Errorf("%q and %q differ in digest", pair[0], pair[1])
		}
		call := callOf("t", `{"ps":`+paths+`}`, `{}`)
		if x, y := decide(t, eval.New(a), call), decide(t, eval.New(b), call); x.Code != y.Code {
			t.Errorf("%q: %s, %q: %s", pair[0], x.Code, pair[1], y.Code)
		}
	}
}

// What is not there takes no memory: records that lack most of their fields, and many of them, cost in proportion to the text.
func TestSparseRecordsTakeLittle(t *testing.T) {
	var fields []string
	for i := range 40 {
		fields = append(fields, fmt.Sprintf("f%d: int?", i))
	}
	p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte("policy p edition 1\nagent bot\ntool t(rows: [[{ " + strings.Join(fields, ", ") + " }]])\n" +
		"permit few: bot to execute on tool t when size(args.rows) > 0\n")}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	row := "[" + strings.Repeat("{},", 255) + "{}]"
	args := `{"rows":[` + strings.Repeat(row+",", 79) + row + "]}"
	req, err := eval.Call("bot", "t", []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := p.Decide(req, eval.Facts{})
	runtime.ReadMemStats(&after)
	if d.Outcome != eval.Permit {
		t.Errorf("%v %s %v", d.Code, d.Detail, d.Errors)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 128*uint64(len(args)) {
		t.Errorf("%d bytes for a text of %d", took, len(args))
	}
}
