package lang

import (
	"fmt"
	"strings"
	"testing"
)

const vocabulary = `policy p edition 1
group Staff
group Managers
agent bot in Staff
agent crawler
person alice in Managers
person bob in Managers
action poke
origin crm
tool search(query: string, max: int?)
tool read(path: path) -> { text: string }
tool mail.send(to: [email], cc: [email]?, body: string, mode: "fast" | "slow")
tool pay(amount: decimal, to: email, when: timestamp, id: { kind: string, n: int? }, from: ip, cmd: argv, u: url, raw: json)
context {
  hour: int
  tenant: string?
}
`

// Each source has the place of its one error between ⟦ and ⟧, and the code that it must have. Hint, where given, is part of the hint.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		code Code
		src  string // after the vocabulary
		hint string
	}{
		{CodeUnknownName, `permit ⟦bott⟧ to execute on tool search`, "did you mean `bot`?"},
		{CodeUnknownName, `permit bot to ⟦exeucte⟧ on tool search`, "did you mean `execute`?"},
		{CodeUnknownName, `permit bot to execute on tool ⟦mail.sent⟧`, "did you mean `mail.send`?"},
		{CodeUnknownName, `permit bot to execute on tool search when ⟦qery⟧ == "x"`, "facts are"},
		{CodeUnknownName, `permit bot to execute on tool search when ⟦query⟧ == "x"`, "write `args.query`"},
		{CodeUnknownName, `permit bot to execute on tool search when ⟦hour⟧ == 1`, "write `context.hour`"},
		{CodeUnknownName, `permit bot to execute on tool search when ⟦startswith⟧(args.query, "x")`, "write starts(x, prefix)"},
		{CodeUnknownName, `permit bot to execute on tool search when args.query == ⟦None⟧`, "there is no null"},
		{CodeUnknownName, `permit bot to execute on tool pay when args.to from ⟦cmr⟧`, "did you mean `crm`?"},
		{CodeUnknownName, `permit bot to execute on tool pay when args.to from ⟦tool raed.text⟧`, ""},
		{CodeUnknownName, `permit bot to execute on tool pay when agent in ⟦Stuff⟧`, "did you mean `Staff`?"},
		{CodeUnknownName, `permit bot to execute on tool pay needs approval by ⟦Manager⟧`, "did you mean `Managers`?"},
		{CodeWrongKindName, `group G in ⟦bot⟧` + "\n" + `permit G to read on any`, ""},
		{CodeUnknownField, `permit bot to execute on tool search when args.⟦qury⟧ == "x"`, "did you mean `query`?"},
		{CodeUnknownField, `permit bot to execute on tool search when context.⟦huor⟧ == 1`, "did you mean `hour`?"},
		{CodeUnknownField, `permit bot to execute on tool search when context.⟦time⟧ == 1`, "`now`"},
		{CodeUnknownField, `permit bot to execute on tool pay when args.id.⟦kin⟧ == "x"`, "did you mean `kind`?"},
		{CodeUnknownField, `permit bot to execute on tool pay when args.raw.⟦x⟧ == 1`, "json is opaque"},
		{CodeUnknownField, `permit bot to execute on tool pay when agent.⟦nmae⟧ == "x"`, "did you mean `name`?"},
		{CodeDuplicate, "permit x: bot to read on any\npermit ⟦x⟧: bot to write on any", "rename one"},
		{CodeDuplicate, "agent ⟦bot⟧\npermit bot to read on any", ""},
		{CodeLookAlike, "agent ⟦Bot⟧\npermit bot to read on any", "rename one"},
		{CodeLookAlike, "tool ⟦Search⟧()\npermit bot to read on any", ""},
		{CodeLookAlike, "tool mail.sencl()\ntool ⟦mail.senc1⟧()\npermit bot to read on any", ""},
		{CodeReservedName, "action ⟦read⟧\npermit bot to read on any", ""},
		{CodeReservedName, "context { ⟦time⟧: int }\npermit bot to read on any", ""},
		{CodeSyntax, "permit bot to execute on tool pay when args.to from ⟦policy⟧", ""},
		{CodeCycle, "group ⟦A⟧ in A\npermit A to read on any", ""},
		{CodeCycle, "define a = b and true\ndefine b = ⟦a⟧\npermit bot to read on any when a", ""},
		{CodeType, `permit bot to execute on tool search when ⟦args.query⟧`, "compare it"},
		{CodeType, `permit bot to execute on tool search when args.query ⟦==⟧ 1`, ""},
		{CodeType, `permit bot to execute on tool pay when args.amount ⟦<⟧ "200"`, "a number stands without quotes"},
		{CodeType, `permit bot to execute on tool mail.send when args.to ⟦==⟧ "a@example.com"`, "membership"},
		{CodeType, `permit bot to execute on tool mail.send when args.mode == ⟦"fsat"⟧`, `did you mean "fast"?`},
		{CodeType, `permit bot to execute on tool search when ⟦args.query < "b"⟧`, "numbers, dates"},
		{CodeType, `permit bot to execute on tool pay when ⟦starts(args.to, "a")⟧`, "domain(…)"},
		{CodeType, `permit bot to execute on tool read when ⟦starts(args.path, "/data")⟧`, `in \"/data/**\"`},
		{CodeType, `permit bot to execute on tool pay when ⟦args.cmd⟧ like "git *"`, "args.cmd in"},
		{CodeUnknownName, `permit bot to execute on tool pay when agent == ⟦bot⟧`, "compare agent.name"},
		{CodeType, `permit bot to execute on tool pay when ⟦agent == "bot"⟧`, "agent.name"},
		{CodeType, `permit bot to execute on tool pay when ⟦args.raw == 1⟧`, "give the tool's argument a type"},
		{CodeType, `permit bot to execute on tool pay when args.to ⟦in⟧ "*@example.com"`, ""},
		{CodeType, `tool x(path: path) does read on ⟦args.path⟧` + "\npermit bot to execute on tool x", "file(args.path)"},
		{CodeType, `permit bot to execute on tool pay when ⟦size(args.to)⟧ == 1`, ""},
		{CodeUnknownType, "tool x(a: ⟦integer⟧)\npermit bot to execute on tool x", "write `int`"},
		{CodeUnknownType, "tool x(a: ⟦strin⟧)\npermit bot to execute on tool x", "did you mean `string`?"},
		{CodeMaybeAbsent, `permit bot to execute on tool search when ⟦args.max⟧ <= 50`, "args.max ?? …"},
		{CodeMaybeAbsent, `permit bot to any on tool search when ⟦args.query⟧ == "x"`, ""},
		{CodeMaybeAbsent, `permit bot to read on any when ⟦args.query⟧ == "x"`, ""},
		{CodeMaybeAbsent, `permit bot to execute on tool pay when ⟦args.cmd[0]⟧ == "git"`, ""},
		{CodeMaybeAbsent, `permit bot to execute on tool search, tool read when ⟦args.query⟧ == "x"`, ""},
		{CodeMixedTypes, "tool pay2(amount: int)\npermit bot to execute on tool pay, tool pay2 when args.⟦amount⟧ < 1", "a rule for each tool"},
		{CodeNotCanonical, `permit bot to execute on tool pay when args.to == ⟦"Bob@Example.COM"⟧`, ""},
		{CodeNotCanonical, `permit bot to execute on tool pay when args.u == ⟦"https://example.com:443/x"⟧`, `write "https://example.com/x"`},
		{CodeNotCanonical, `permit bot to execute on tool read when args.path == ⟦"/data/../etc"⟧`, ""},
		{CodeNotCanonical, `permit bot to execute on tool pay when args.from in ⟦"10.0.0.1/8"⟧`, ""},
		{CodeNotCanonical, `permit bot to read on any when now > timestamp(⟦"yesterday"⟧)`, ""},
		{CodeArity, `permit bot to execute on tool search when ⟦starts(args.query)⟧`, ""},
		{CodePermitAny, `permit ⟦any⟧ to read on any`, "name agents or a group"},
		{CodeInvalidPattern, `permit bot to read on ⟦"file:///data/../x"⟧`, ""},
		{CodeInvalidPattern, `permit bot to read on ⟦"/data/**"⟧`, ""},
		{CodeInvalidPattern, `permit bot to read on ⟦"https://Example.com/**"⟧`, `write "https://example.com/**"`},
		{CodeInvalidPattern, `permit bot to execute on tool read when args.path in ⟦"data/**"⟧`, ""},
		{CodeSetting, "delegation { ⟦max_dept⟧ 4 }\npermit bot to read on any", "did you mean `max_depth`?"},
		{CodeSetting, "sandbox bot { fuel ⟦64MiB⟧ }\npermit bot to read on any", "an integer"},
		{CodeInvalidPattern, "sandbox bot { connect ⟦\"tool://x\"⟧ }\npermit bot to read on any", "https://"},
		{CodeInvalidPattern, "sandbox bot { connect ⟦\"https://Example.com\"⟧ }\npermit bot to read on any", "https://example.com"},
		{CodeInvalidPattern, "secret k for bot on ⟦\"http://example.com/**\"⟧ as header \"Authorization\" \"Bearer {}\"\npermit bot to read on any", "https://"},
		{CodeInvalidPattern, "secret k for bot on ⟦\"{https,http}://example.com/**\"⟧ as header \"Authorization\" \"Bearer {}\"\npermit bot to read on any", "https://"},
		{CodeInvalidValue, "secret k for bot on \"https://example.com/**\" as header ⟦\"host\"⟧ \"{}\"\npermit bot to read on any", "another header"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: read on any ⟦c⟧ -> d: read on any }\npermit bot to read on any", ""},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: read on any ⟦a -> a: any on any⟧ }\npermit bot to read on any", "narrow one of the two"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: any on any ⟦a -> a: any on any⟧ }\npermit bot to read on any", "any action on any resource leads from `a` both to `b` and to `a`"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: read, write on any ⟦a -> a: poke, write on \"file:///**\"⟧ }\npermit bot to read on any", "`write` on \"file:///\" leads"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: execute on tool any ⟦a -> a: execute on tool read, tool pay⟧ }\npermit bot to read on any", "`execute` on \"tool://read\""},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: execute on \"tool://mail.*\" ⟦a -> a: execute on \"tool://*.send\"⟧ }\npermit bot to read on any", "tool://mail.send"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: delegate on agent bot, agent alice ⟦a -> a: delegate on agent Managers⟧ }\npermit bot to read on any", "agent://alice"},
		{CodeLifecycle, "lifecycle l: bot { start a a -> b: read on \"https://*.example.com/a/**\" ⟦a -> a: read on \"https://api.example.com/**/b\"⟧ }\npermit bot to read on any", "https://api.example.com/a/b"},
		{CodeInvalidValue, "limit bot to read on any count <= ⟦0⟧ per 1h\npermit bot to read on any", "write a forbid"},
		{CodeInvalidValue, "limit bot to read on any count <= ⟦1_000_000_001⟧ per 1h\npermit bot to read on any", "at most 1_000_000_000"},
		{CodeType, "limit bot to read on any count <= ⟦1.5⟧ per 1h\npermit bot to read on any", "a whole number"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per ⟦3661d⟧\npermit bot to read on any", "at most 3660 days"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per ⟦0s⟧\npermit bot to read on any", "more than no time"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per 1h burst ⟦0⟧\npermit bot to read on any", "permits nothing"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per 1h burst ⟦1_000_000_001⟧\npermit bot to read on any", "at most 1_000_000_000"},
		{CodeType, "limit bot to read on any count <= 1 per 1h burst ⟦1.5⟧\npermit bot to read on any", "a whole number"},
		{CodeInvalidValue, "limit bot to read on any count <= ⟦1_000_001⟧ per 1ms\npermit bot to read on any", "one a nanosecond"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per 3660d burst ⟦10⟧\npermit bot to read on any", "a hundred years"},
		{CodeInvalidValue, "limit bot to read on any count <= 1 per session burst ⟦1⟧\npermit bot to read on any", "nothing refills within a session"},
		{CodeInvalidValue, "limit bot to execute on tool pay sum args.amount <= 1 per 1h burst ⟦1⟧\npermit bot to read on any", "only a count"},
		{CodeOnce, `permit bot to read on any when session once (read on any when ⟦agent once (write on any)⟧)`, "beside each other"},
		{CodeOnce, "define d = ⟦agent once (write on any)⟧\npermit bot to read on any when session once (read on any when agent.name == \"x\" or not d)", "beside each other"},
		{CodeOnce, "define d = true\nlimit bot to read on any when session once (read on any when ⟦agent once (write on any)⟧ and d) count <= 1 per 1h\npermit bot to read on any", ""},
		{CodeOnce, "tool x() does read on \"file:///x\" when ⟦session once (read on any)⟧\npermit bot to execute on tool x", "session once"},
		{CodeOnce, "define d = not ⟦session once (read on any)⟧\ntool x() does read on \"file:///x\" when d\npermit bot to execute on tool x", "write a rule"},
		{CodeApproval, `forbid bot to read on any ⟦needs approval by Managers⟧`, ""},
		{CodeApproval, `permit bot to read on any ⟦needs 3 approval by Managers⟧`, "person NAME in Managers"},
		{CodeInvalidValue, `tool x() pin ⟦"sha256:12"⟧` + "\npermit bot to execute on tool x", "64 hexadecimal digits"},
		{CodeInvalidValue, `secret s for bot on "https://a.example.com/**" as header ⟦"Auth orization"⟧ "Bearer {}"` + "\npermit bot to read on any", ""},
		{CodeNeedsConstants, "permit bot to read on any\ntest \"t\" { try bot to execute on tool search { query: ⟦agent.name⟧ } expect permit }", ""},
		{CodeNeedsConstants, "permit bot to read on any\ntest \"t\" { try bot to read on ⟦any⟧ expect permit }", ""},
		{CodeTooDeep, `permit bot to execute on tool mail.send when any a in args.to { any b in args.to { ⟦any c in args.to { true }⟧ } }`, ""},
		{CodeInvalidPattern, `permit bot to read on ⟦"/etc/*"⟧`, `write "file:///etc/*"`},
		{CodeInvalidPattern, `permit bot to read on ⟦"*"⟧`, "`any`"},
		{CodeInvalidPattern, `permit bot to read on ⟦"*.example.com"⟧`, `write "https://*.example.com/**"`},
		{CodeInvalidPattern, `permit bot to read on ⟦"file:///a/../b"⟧`, `write "file:///b"`},
		{CodeInvalidNumber, `permit bot to execute on tool pay when args.amount < 1,⟦000⟧`, "1_000"},
		{CodeSyntax, "permit bot to execute on tool pay when args.amount < 1⟦,⟧234", "1_000"},
		{CodeSyntax, "permit reading ⟦bot⟧ to read on any", "permit reading: bot"},
		{CodeCycle, "define a1 = b1\ndefine b1 = ⟦a1⟧\npermit bot to read on any", "write one of the circle out"},
		{CodeSyntax, "⟦permitt⟧ bot to read on any\npermit bot to read on any", "did you mean `permit`?"},
		{CodeSyntax, "permit bot ⟦on⟧ read on any\npermit bot to read on any", ""},
		{CodeSyntax, "permit bot to read on any when context.hour ⟦=⟧ 1", "`==`"},
		{CodeSyntax, "permit ⟦all⟧: bot to read on any", "reserved word"},
		{CodeSyntax, "agent ⟦test⟧\npermit bot to read on any", "reserved word"},
		{CodeSyntax, "permit bot to read on any ⟦if⟧ true", "write `when`"},
		{CodeSyntax, "permit bot to read on any when 1 < 2 ⟦<⟧ 3", "don't chain"},
		{CodeSyntax, "permit bot to read on any\nlimit bot to read on any count ⟦<⟧ 3 per 1h", "write `<=`"},
		{CodeSyntax, "permit bot to read on any\nlimit bot to read on any count <= ⟦-⟧3 per 1h", "isn't negative"},
		{CodeSyntax, "permit bot to read on any\nlimit bot to execute on tool pay sum args.amount ⟦==⟧ 3 per 1h", "write `<=`"},
		{CodeSyntax, "permit bot to read on any when agent.name ⟦matches⟧ \"x\"", "write `like`"},
		{CodeSyntax, "⟦allow⟧ bot to read on any\npermit bot to read on any", "write `permit`"},
		{CodeSyntax, "⟦import⟧ \"x.moat\"\npermit bot to read on any", "in the header"},
		{CodeSyntax, "permit bot ⟦execute⟧ on tool search", "here comes `to`: permit WHO to ACTION on TARGET"},
		{CodeSyntax, "permit bot ⟦too⟧ execute on tool search", "did you mean `to`?"},
		{CodeSyntax, "permit bot to execute ⟦tool⟧ search", "here comes `on`"},
		{CodeSyntax, "permit bot to execute on ⟦search⟧", "`tool search`"},
		{CodeSyntax, "permit bot to execute on tool search, ⟦pay⟧", "`tool pay`"},
		{CodeSyntax, "permit bot⟦,⟧ to execute on tool search", "the comma is one too many"},
		{CodeSyntax, "permit ⟦\"bot\"⟧ to read on any", "without quotes"},
		{CodeSyntax, "permit ⟦agent⟧ bot to read on any", "the name alone is enough: bot"},
		{CodeSyntax, "forbid ⟦*⟧ to read on any", "write `any`"},
		{CodeSyntax, "permit bot to read on any ⟦{⟧ when true }", "a rule has no braces"},
		{CodeSyntax, "permit bot to read on any ⟦wehn⟧ true", "did you mean `when`?"},
		{CodeSyntax, "permit bot to read on any when true⟦)⟧", "a condition goes on with and, or"},
		{CodeSyntax, "permit bot to read on any when context.hour < ⟦.⟧5", "0.5"},
		{CodeSyntax, "permit bot to read on any when context.hour in 1.⟦.⟧3", "no ranges"},
		{CodeSyntax, "permit bot to read on any when true ⟦?⟧ true : false", "no `? :`"},
		{CodeSyntax, "permit bot to execute on tool search when args.query.startsWith⟦(⟧\"x\")", "write starts(x, prefix)"},
		{CodeSyntax, "permit bot to execute on tool search when args.query.trim⟦(⟧)", "no methods"},
		{CodeSyntax, "permit bot to read on any because ⟦no⟧", "a string in double quotes"},
		{CodeSyntax, "permit bot to read on any needs approval by Managers within ⟦10⟧", "a duration, such as 10m"},
		{CodeSyntax, "permit bot to read on any needs ⟦approval⟧", "here comes `by`"},
		{CodeSyntax, "tool x(⟦a⟧ string)", "NAME: TYPE"},
		{CodeSyntax, "tool x(a: string) ⟦returns⟧ string", "write `->`"},
		{CodeSyntax, "context { ⟦hour⟧ = int }", "NAME: TYPE"},
		{CodeSyntax, "define x ⟦3⟧", "here comes `=`: define NAME = EXPRESSION"},
		{CodeSyntax, "limit bot to read on any count ⟦3⟧ per 1h", "here comes `<=`"},
		{CodeSyntax, "test \"t\" { try bot to execute on tool search ⟦{⟧ query = 3 } expect permit }", "{ name: value"},
		{CodeInvalidToken, `permit bot to read on any when true ⟦&&⟧ true`, "write `and`"},
		{CodeInvalidToken, `permit bot to read on any when agent.name == ⟦'x'⟧`, "double quotes"},
		{CodeInvalidString, `permit bot to read on any when agent.name == ⟦"x⟧`, ""},
		{CodeInvalidNumber, `permit bot to read on any when context.hour == ⟦99999999999999999999⟧`, "64-bit"},
		{CodeInvalidNumber, `permit bot to read on any when context.hour == ⟦10x⟧`, ""},
		{CodeForeignName, "agent ⟦bоt2⟧\npermit bot to read on any", "ASCII"},
	} {
		t.Run(string(tt.code)+" "+tt.src, func(t *testing.T) {
			start := strings.Index(tt.src, "⟦")
			plain := strings.ReplaceAll(strings.ReplaceAll(tt.src, "⟦", ""), "⟧", "")
			_, diags := Compile(map[string]string{"p.moat": vocabulary + plain + "\n"})
			errs := diags.Errors()
			if len(errs) != 1 {
				t.Fatalf("%d errors, want one with the code %s:\n%v", len(errs), tt.code, diags)
			}
			d := errs[0]
			if d.Code != tt.code {
				t.Errorf("code %s, want %s: %v", d.Code, tt.code, d)
			}
			if start >= 0 {
				want := tt.src[start+len("⟦") : strings.Index(tt.src, "⟧")]
				if d.Span.Start != len(vocabulary)+start || d.Span.Text() != want {
					t.Errorf("at %q (%v), want %q", d.Span.Text(), d.Span, want)
				}
			}
			text := d.Hint
			if tt.hint != "" && !strings.Contains(strings.ReplaceAll(text, `"`, `\"`), strings.ReplaceAll(strings.ReplaceAll(tt.hint, `\"`, `"`), `"`, `\"`)) && !strings.Contains(d.Message, tt.hint) {
				t.Errorf("hint %q (message %q) doesn't say %q", d.Hint, d.Message, tt.hint)
			}
		})
	}
}

// What is right must stay right.
func TestAccepted(t *testing.T) {
	for _, src := range []string{
		`permit bot to execute on tool search when args.max ?? 10 <= 50`,
		`permit bot to execute on tool search when has args.max and args.max <= 50`,
		`permit bot to execute on tool search when args.max <= 50 and has args.max`,
		`permit bot to execute on tool search when not has args.max or args.max <= 50`,
		"permit bot to execute on tool search\n when args.max <= 50\n when has args.max",
		"permit bot to execute on tool search\n when args.max <= 50\n unless not has args.max",
		`permit bot to any on tool search when has args.query and args.query == "x"`,
		`permit bot to execute on tool pay when args.to in ["a@example.com", "b@example.com"]`,
		`permit bot to execute on tool pay when args.cmd in [["git", "status"], ["ls"]]`,
		`permit bot to execute on tool pay when args.amount <= 200 and args.amount * 2 > 1.5`,
		`permit bot to execute on tool pay when now - args.when < 1h and args.when + 1h > now`,
		`permit bot to execute on tool pay when args.from in "10.0.0.0/8" or args.from in cidr("::/0")`,
		`permit bot to execute on tool pay when args.u in "https://*.example.com/**" and domain(args.u) != "x"`,
		`permit bot to execute on tool pay when (args.id.n ?? 0) == 1`,
		`permit bot to execute on tool pay when args.raw from user`,
		`forbid any to execute on tool mail.send when any r in args.to + (args.cc ?? []) { domain(r) != "example.com" }`,
		`forbid any to execute on tool mail.send when any r in args.to { r in ["a@example.com"] and r from no [tool read.text, tool search] }`,
		`permit bot to read on any when resource in "file:///data/**" and (resource.host ?? "") == "" and resource == "file:///data/x"`,
		`permit bot to read on any when agent in Staff and agent.name == "bot"`,
		"define small = args.amount <= 10.00\npermit bot to execute on tool pay when small",
		"tool open(r: resource, l: [resource]?)\n  does read on args.r\npermit bot to execute on tool open when args.r in \"file:///data/**\"",
		`permit bot, alice to delegate on agent Staff, agent any`,
		"permit bot to read on any when session once (read on any) and agent once (write on any when any r in [agent.name] { r == \"x\" })",
		"define d = session once (read on any)\npermit bot to read on any when d\nlimit bot to read on any when not d sum 1.5 <= 10 per 3660d",
		"permit bot to read on any\nlimit bot to read on any count <= 1_000_000_000 per 1s burst 1_000_000_000 each session",
		"permit bot to read on any\nlimit bot to execute on tool pay sum args.amount <= 0.00 per session",
		"permit bot to read on any\nlifecycle l: bot {\n start a\n a -> b: read on any\n a -> b: read on \"file:///x\"\n a -> b: read on any\n b -> a: read on any\n a -> c: write on any\n}",
		"permit bot to read on any\nlifecycle l: bot {\n start a\n a -> b: execute on tool pay, tool search\n a -> c: execute on tool mail.send, agent any\n a -> d: any on \"file:///**\"\n}",
		"permit bot to read on any\nlifecycle l: bot {\n start a\n a -> b: read on \"https://a.example.com/**\"\n a -> c: read on \"https://*.b.example.com/**\"\n}",
	} {
		if p, diags := Compile(map[string]string{"p.moat": vocabulary + src + "\n"}); p == nil {
			t.Errorf("%s\n%v", src, diags.Errors())
		}
	}
}

// One run reports every error, each once, in the order of the source.
func TestEveryErrorInOneRun(t *testing.T) {
	src := vocabulary + `permit bott to read on any
permitt bot to read on any
permit bot to read on any when context.huor == 1
permit bot to execute on tool pay when args.amount < "x"
permit bot to read on "https://Example.com/**"
permit bot to read on
permit bot to read on any when lower(1) == "x"
`
	_, diags := Compile(map[string]string{"p.moat": src})
	want := []Code{CodeUnknownName, CodeSyntax, CodeUnknownField, CodeType, CodeInvalidPattern, CodeSyntax, CodeType}
	var got []Code
	for _, d := range diags.Errors() {
		got = append(got, d.Code)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v:\n%v", got, want, diags)
	}
}

// Two broken declarations in a row are two errors, and what they would have declared is known.
func TestNeighboursThatAreBroken(t *testing.T) {
	_, diags := Compile(map[string]string{"p.moat": vocabulary + `tool one(to: string)
  does send on "agent://" + args.to
tool two(to: string)
  does send on "agent://" + args.to
permit bot to execute on tool one, tool two
`})
	if errs := diags.Errors(); len(errs) != 2 || errs[0].Code != CodeSyntax || errs[1].Code != CodeSyntax || !strings.Contains(errs[1].Hint, "parentheses") {
		t.Errorf("%v", diags)
	}
}

func TestTooManyErrorsAreCounted(t *testing.T) {
	src := vocabulary
	for i := range 300 {
		src += fmt.Sprintf("permit nobody%d to read on any\n", i)
	}
	_, diags := Compile(map[string]string{"p.moat": src})
	if n := len(diags.Errors()); n != MaxErrors+1 {
		t.Errorf("%d errors, want %d", n, MaxErrors+1)
	}
	if last := diags[len(diags)-1]; last.Code != CodeTooManyErrors || !strings.Contains(last.Message, "more errors") {
		t.Errorf("the last one is %v", last)
	}
}

// A define that doubles its predecessor costs 2^n steps when it runs; the bound on cost refuses it, at once.
func TestDefinesThatMultiplyAreRefused(t *testing.T) {
	src := vocabulary + "define d0 = agent.name == \"x\"\n"
	for i := 1; i < 60; i++ {
		src += fmt.Sprintf("define d%d = d%d and d%d\n", i, i-1, i-1)
	}
	_, diags := Compile(map[string]string{"p.moat": src + "permit bot to read on any when d59\n"})
	if errs := diags.Errors(); len(errs) == 0 || errs[len(errs)-1].Code != CodeCost {
		t.Errorf("want %s, got %v", CodeCost, diags)
	}
}

// Transitions that would take long to compare are an error, and soon.
func TestTransitionsThatTakeLongToCompare(t *testing.T) {
	many, long := "", ""
	for i := range 10_000 {
		many += fmt.Sprintf(" a -> b: read on \"file:///%d\"\n", i)
	}
	for i := range 500 {
		stars := strings.Repeat("a*", 200)
		long += fmt.Sprintf(" a -> s%d: read on \"file:///%s%03d\"\n", i, stars, i)
	}
	for _, transitions := range []string{many, long} {
		_, diags := Compile(map[string]string{"p.moat": vocabulary + "permit bot to read on any\nlifecycle l: bot {\n start a\n" + transitions + "}\nlifecycle m: bot {\n start a\n a -> b: read on any\n}\n"})
		if errs := diags.Errors(); len(errs) != 1 || errs[0].Code != CodeCost {
			t.Errorf("want %s, got %v", CodeCost, diags)
		}
	}
}

// Where two findings have to do with each other, both places are shown.
func TestBothPlacesAreShown(t *testing.T) {
	for _, src := range []string{
		"lifecycle l: bot { start a ⟦a -> b: read on any⟧ a -> a: read on any }\npermit bot to read on any",
		"define d = agent once (write on any)\npermit bot to read on any when ⟦session once (read on any when d)⟧",
		"define d = session once (read on any)\ntool x() ⟦does read on \"file:///x\" when d⟧\npermit bot to execute on tool x",
	} {
		want := src[strings.Index(src, "⟦")+len("⟦") : strings.Index(src, "⟧")]
		_, diags := Compile(map[string]string{"p.moat": vocabulary + strings.NewReplacer("⟦", "", "⟧", "").Replace(src) + "\n"})
		if errs := diags.Errors(); len(errs) != 1 || len(errs[0].Labels) != 1 || errs[0].Labels[0].Span.Text() != want {
			t.Errorf("%s: %v", src, diags)
		}
	}
}

// Each source has the place of its one warning between ⟦ and ⟧, or none.
func TestWarnings(t *testing.T) {
	const pin = ` pin "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"` + "\n"
	for _, tt := range []struct {
		code Code
		src  string
	}{
		{WarnLikeOnStructured, `permit bot to execute on tool read when ⟦args.path like "/data*"⟧`},
		{WarnLikeOnStructured, `permit bot to execute on tool pay when ⟦args.to like "*@example.com"⟧`},
		{WarnLikeOnStructured, `permit bot to execute on tool pay when ⟦args.u like "https://example.com*"⟧`},
		{WarnLikeOnStructured, `permit bot to read on any when ⟦resource like "file:///data*"⟧`},
		{"", `permit bot to execute on tool search when args.query like "a*"`},
		{WarnAllOverEmpty, `permit bot to execute on tool mail.send when ⟦all r in args.to { domain(r) == "example.com" }⟧`},
		{"", `permit bot to execute on tool mail.send when size(args.to) > 0 and all r in args.to { domain(r) == "example.com" }`},
		{"", `forbid any to execute on tool mail.send unless all r in args.to { domain(r) == "example.com" }`},
		{WarnAllOverEmpty, "define inside = ⟦all r in args.to { domain(r) == \"example.com\" }⟧\npermit bot to execute on tool mail.send when inside"},
		{WarnUnused, "group ⟦Lonely⟧\npermit bot to read on any"},
		{WarnUnused, "group ⟦Lonely⟧\nagent hermit in Lonely\npermit bot to read on any"},
		{"", "group Parent\ngroup Child in Parent\nagent kid in Child\npermit Parent to read on any"},
		{WarnUnused, "define ⟦d⟧ = true\npermit bot to read on any"},
		{WarnUnused, "action ⟦jump⟧\npermit bot to read on any"},
		{"", "action jump\ntool hop()\n  does jump on \"file:///floor\"\npermit bot to read on any"},
		{"", "agent idle\nperson by-stander\norigin web\ntool spare()\ncontext { spare: int? }\npermit bot to read on any"},
		{WarnNoTool, `forbid any to execute on ⟦"tool://mail.delete*"⟧`},
		{WarnNoTool, `permit bot to execute on ⟦"tool://serach"⟧`},
		{"", `permit bot to execute on "tool://mail.*"`},
		{WarnNeverHolds, "group Empty\npermit ⟦Empty⟧ to read on any\npermit bot to write on any"},
		{"", "group Above\ngroup Empty in Above claims \"did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH\"\npermit Empty to read on any\nforbid Above to read on any"},
		{WarnNeverHolds, "permit bot to read on any when ⟦false⟧\npermit bot to write on any"},
		{WarnNeverHolds, "forbid any to read on any unless ⟦true⟧\npermit bot to write on any"},
		{WarnDelegating, "limit any to read, ⟦delegate⟧ on any count <= 1 per 1h"},
		{WarnDelegating, "lifecycle l: bot { start a a -> b: ⟦delegate⟧ on agent any }"},
		{WarnDelegating, "forbid any to write on any when agent once (⟦delegate⟧ on any)"},
		{WarnOnceWithin, `forbid any to read on any when ⟦session once (write on any) within 5m⟧`},
		{WarnOnceWithin, "define lately = ⟦session once (write on any) within 5m⟧\nforbid any to read on any when lately"},
		{"", `permit bot to read on any when session once (write on any) within 5m`},
		{"", "permit bot to read on any\nforbid any to read on any unless session once (write on any) within 5m"},
		{"", "permit bot to read on any\nforbid any to read on any when not session once (write on any) within 5m"},
		{WarnOnceWithin, `permit bot to read on any unless ⟦session once (write on any) within 5m⟧`},
		{WarnMissingPin, "tool pinned()" + pin + "tool ⟦loose⟧()\npermit bot to read on any"},
		{WarnNeverAbsent, `permit bot to execute on tool search when ⟦args.query ?? ""⟧ == "x"`},
	} {
		t.Run(string(tt.code)+" "+tt.src, func(t *testing.T) {
			used := "\nforbid Staff, Managers to poke on any\n" // of the vocabulary
			plain := strings.ReplaceAll(strings.ReplaceAll(tt.src, "⟦", ""), "⟧", "")
			p, diags := Compile(map[string]string{"p.moat": vocabulary + plain + used})
			if p == nil {
				t.Fatal(diags)
			}
			var found []string
			for _, d := range diags {
				vocabularyPin := d.Code == WarnMissingPin && d.Span.Start < len(vocabulary) // its tools have none
				if !vocabularyPin {
					found = append(found, string(d.Code)+" "+d.Span.Text())
				}
			}
			var want []string
			if tt.code != "" {
				want = []string{string(tt.code) + " " + tt.src[strings.Index(tt.src, "⟦")+len("⟦"):strings.Index(tt.src, "⟧")]}
			}
			if fmt.Sprint(found) != fmt.Sprint(want) {
				t.Errorf("warnings %q, want %q:\n%v", found, want, diags)
			}
		})
	}
}

// A policy in which no rule can hold is none.
func TestNoEffectiveRule(t *testing.T) {
	for _, rules := range []string{"", "group Empty\npermit Empty to read on any", "permit bot to read on any when false\nforbid any to read on any unless true"} {
		p, diags := Compile(map[string]string{"p.moat": vocabulary + rules + "\n"})
		if errs := diags.Errors(); p != nil || len(errs) != 1 || errs[0].Code != CodeNoRules {
			t.Errorf("%q: %v", rules, diags)
		}
	}
}

// A name near the misspelt one is pointed at, for either may be the one that is wrong.
func TestTheOtherNameIsShown(t *testing.T) {
	for src, want := range map[string]string{
		"agent assistaxt\npermit assistant to read on any":                                                   "assistaxt",
		"define offize = true\npermit bot to read on any when office":                                        "offize",
		"tool fetsh()\npermit bot to execute on tool fetch":                                                  "fetsh",
		"tool fetch(urll: url)\npermit bot to execute on tool fetch when args.url == \"https://a.example/\"": "urll",
		"context { offize: bool }\npermit bot to read on any when context.office":                            "offize",
		"permit lable: bot to read on any\ntest \"t\" { try bot to read on any expect permit by label }":     "lable",
	} {
		_, diags := Compile(map[string]string{"p.moat": vocabulary + strings.Replace(src, "read on any expect", "read on \"file:///x\" expect", 1) + "\n"})
		errs := diags.Errors()
		if len(errs) != 1 || len(errs[0].Labels) != 1 || !strings.HasPrefix(errs[0].Labels[0].Span.Text(), want) {
			t.Errorf("%s: %v", src, diags)
		}
	}
}

// What a broken declaration would have declared is not missed too.
func TestBrokenDeclarationsAreNoticedOnce(t *testing.T) {
	for _, src := range []string{
		"tool bank.txs() -> { id string }\npermit bot to execute on tool pay when args.to from tool bank.txs.id",
		"tool fetchurl: url)\npermit bot to execute on tool fetch",
		"agnt other in Staff\npermit other to read on any",
		"define late == true\npermit bot to read on any when late",
		"group Peers in\npermit Peers to read on any",
	} {
		if _, diags := Compile(map[string]string{"p.moat": vocabulary + src + "\n"}); len(diags.Errors()) != 1 || diags.Errors()[0].Code != CodeSyntax {
			t.Errorf("%s:\n%v", src, diags)
		}
	}
}
