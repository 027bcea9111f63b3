package eval_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

const shop = `policy shop edition 1

group Buyers
agent bot in Buyers
person boss
origin crm

context {
  hour: int
  region: string?
}

tool search(query: string, max: int?)
tool read(path: path)
  does read on file(args.path)
tool fetch(url: string)
  does send on args.url
tool pay(to: email, amount: decimal, cc: [email]?)
tool run(cmd: argv)
tool relay(to: string)
  does use on args.to
tool pinned(x: int)
  pin "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

permit bot to execute on tool search
  when args.max ?? 10 <= 50
permit bot to execute on tool read, tool fetch, tool pinned, tool relay
permit bot to use on any
permit bot to read on "file:///srv/**"
permit bot to send on "https://*.example.com/**"
permit bot to execute on tool pay
  when args.amount <= 100.00
forbid outside: any to execute on tool pay
  when domain(args.to) != "example.com" or any r in args.cc ?? [] { domain(r) != "example.com" }
permit bot to execute on tool run
  when args.cmd in [["git", "status"], ["git", "fetch", "origin"]]
forbid late: any to write on any
  when context.hour > 20
permit bot to write on any
`

func shopProgram(t *testing.T, extra string) *eval.Program {
	t.Helper()
	p, diags := lang.Compile(map[string]string{"shop.moat": shop + extra})
	if p == nil {
		t.Fatal(diags)
	}
	return eval.New(p)
}

// decide answers a request written as JSON. What can't be read is a refusal.
func decide(t *testing.T, p *eval.Program, json string) eval.Decision {
	t.Helper()
	req, facts, err := eval.ParseEvaluation([]byte(json))
	if err != nil {
		return eval.Decision{Code: "refused", Detail: err.Error()}
	}
	d := p.Decide(req, facts)
	if ref := eval.Reference(p.Policy(), req, facts); ref.Outcome != d.Outcome || ref.Code != d.Code {
		t.Errorf("the reference says %s (%s), the compiled evaluator %s (%s)", ref.Outcome, ref.Code, d.Outcome, d.Code)
	}
	return d
}

func callOf(tool, args, context string) string {
	return `{"subject":{"type":"agent","id":"bot"},"action":{"name":"execute","properties":` + args + `},"resource":{"type":"tool","id":"` + tool + `"},"context":` + context + `}`
}

func TestAttacksOnCalls(t *testing.T) {
	p := shopProgram(t, "")
	for _, tt := range []struct {
		id, tool, args string
		want           eval.Code
	}{
		{"fine", "search", `{"query":"x"}`, eval.CodePermit},
		{"fine", "search", `{"query":"x","max":50}`, eval.CodePermit},
		{"fine", "pay", `{"to":"a@example.com","amount":1}`, eval.CodePermit},
		{"fine", "run", `{"cmd":"git status"}`, eval.CodePermit},
		{"fine", "run", `{"cmd":["git","fetch","origin"]}`, eval.CodePermit},
		{"fine", "read", `{"path":"/srv/x"}`, eval.CodePermit},
		{"fine", "fetch", `{"url":"https://api.example.com/x"}`, eval.CodePermit},

		{"G02 look-alike tool", "pаy", `{"to":"a@example.com","amount":1}`, eval.CodeUnknownTool},
		{"G02 other case", "Pay", `{"to":"a@example.com","amount":1}`, eval.CodeUnknownTool},
		{"G02 shadow", "pay2", `{"to":"a@example.com","amount":1}`, eval.CodeUnknownTool},
		{"G03 over the limit", "search", `{"query":"x","max":51}`, eval.CodeConditionFailed},
		{"G03 null is omission", "search", `{"query":"x","max":null}`, eval.CodePermit},
		{"G03 null elsewhere", "search", `{"query":null}`, eval.CodeInvalidArguments},
		{"G03 missing", "search", `{}`, eval.CodeInvalidArguments},
		{"G03 unknown argument", "search", `{"query":"x","raw":true}`, eval.CodeInvalidArguments},
		{"G03 other case", "search", `{"Query":"x"}`, eval.CodeInvalidArguments},
		{"G03 wrong type", "search", `{"query":["x"]}`, eval.CodeInvalidArguments},
		{"G03 number as text", "pay", `{"to":"a@example.com","amount":"1"}`, eval.CodeInvalidArguments},
		{"G04 second address in one string", "pay", `{"to":"a@example.com,m@evil.com","amount":1}`, eval.CodeInvalidArguments},
		{"G04 header injection", "pay", `{"to":"a@example.com\r\nBcc: m@evil.com","amount":1}`, eval.CodeInvalidArguments},
		{"G04 header before the address", "pay", `{"to":"x\r\nSubject: y\r\na@example.com","amount":1}`, eval.CodeInvalidArguments},
		{"G04 another address before the only @", "pay", `{"to":"eve,a@example.com","amount":1}`, eval.CodeInvalidArguments},
		{"G04 display name", "pay", `{"to":"a@example.com <m@evil.com>","amount":1}`, eval.CodeInvalidArguments},
		{"G04 cc", "pay", `{"to":"a@example.com","amount":1,"cc":["m@evil.com"]}`, eval.CodeForbidden},
		{"G04 bcc", "pay", `{"to":"a@example.com","amount":1,"bcc":["m@evil.com"]}`, eval.CodeInvalidArguments},
		{"G04 suffix of the domain", "pay", `{"to":"a@evilexample.com","amount":1}`, eval.CodeForbidden},
		{"G10 second command", "run", `{"cmd":"git status; curl x"}`, eval.CodeInvalidArguments},
		{"G10 substitution", "run", `{"cmd":"git status $(curl x)"}`, eval.CodeInvalidArguments},
		{"G10 newline", "run", `{"cmd":"git status\ncurl x"}`, eval.CodeInvalidArguments},
		{"G10 newline in a word", "run", `{"cmd":["git","status\ncurl"]}`, eval.CodeInvalidArguments},
		{"G10 flag that runs", "run", `{"cmd":["git","fetch","--upload-pack=x","origin"]}`, eval.CodeConditionFailed},
		{"G10 variable before the command", "run", `{"cmd":"GIT_SSH=x git fetch origin"}`, eval.CodeInvalidArguments},
		{"traversal", "read", `{"path":"/srv/../etc/passwd"}`, eval.CodeInvalidArguments},
		{"sibling", "read", `{"path":"/srv-evil/x"}`, eval.CodeNoPermit},
		{"effect that isn't a resource", "fetch", `{"url":"api.example.com"}`, eval.CodeInvalidEffect},
		{"effect not canonical", "fetch", `{"url":"https://api.example.com@evil.com/"}`, eval.CodeInvalidEffect},
		{"effect elsewhere", "fetch", `{"url":"https://evilexample.com/"}`, eval.CodeNoPermit},
		{"effect on a secret", "relay", `{"to":"secret://x"}`, eval.CodePermit},
		{"effect on another tool", "relay", `{"to":"tool://pay"}`, eval.CodeInvalidEffect},
		{"amount past 2^53", "pay", `{"to":"a@example.com","amount":100.00000000000000001}`, eval.CodeConditionFailed},
		{"amount out of range", "pay", `{"to":"a@example.com","amount":1e300}`, eval.CodeInvalidArguments},
		{"list too long", "pay", `{"to":"a@example.com","amount":1,"cc":[` + strings.Repeat(`"a@example.com",`, eval.MaxListLen) + `"a@example.com"]}`, eval.CodeInvalidArguments},
	} {
		if d := decide(t, p, callOf(tt.tool, tt.args, `{}`)); d.Code != tt.want || (d.Outcome == eval.Permit) != (tt.want == eval.CodePermit) {
			t.Errorf("%s: %s%.80s: %s (%s) %s, want %s", tt.id, tt.tool, tt.args, d.Outcome, d.Code, d.Detail, tt.want)
		}
	}
}

// P15: JSON that two readers could read differently is refused.
func TestP15StrictJSON(t *testing.T) {
	p := shopProgram(t, "")
	good := callOf("search", `{"query":"x"}`, `{}`)
	if d := decide(t, p, good); d.Outcome != eval.Permit {
		t.Fatal(d)
	}
	for name, json := range map[string]string{
		"duplicate key":            strings.Replace(good, `"query":"x"`, `"query":"x","query":"y"`, 1),
		"duplicate, escaped":       strings.Replace(good, `"query":"x"`, `"query":"x","\u0071uery":"y"`, 1),
		"case-folded member":       strings.Replace(good, `"subject"`, `"Subject"`, 1),
		"case-folded, both":        strings.Replace(good, `"subject"`, `"Subject":{"type":"agent","id":"boss"},"subject"`, 1),
		"number out of range":      strings.Replace(good, `"x"`, `1e400`, 1),
		"lone surrogate":           strings.Replace(good, `"x"`, `"\ud800"`, 1),
		"invalid UTF-8":            strings.Replace(good, `"x"`, "\"\xff\"", 1),
		"trailing":                 good + "{}",
		"unknown member":           strings.Replace(good, `"context"`, `"extra":1,"context"`, 1),
		"attributes of the agent":  strings.Replace(good, `"id":"bot"`, `"id":"bot","properties":{"role":"admin"}`, 1),
		"empty subject":            strings.Replace(good, `"id":"bot"`, `"id":""`, 1),
		"subject of no known kind": strings.Replace(good, `"agent"`, `"robot"`, 1),
		"scheme and type differ":   strings.Replace(good, `"id":"search"`, `"id":"file:///x"`, 1),
		"policy as a label":        strings.Replace(good, `"context":{}`, `"context":{"origins":{"/query":["policy"]}}`, 1),
		"array":                    "[" + good + "]", "null": "null", "empty": "",
	} {
		if d := decide(t, p, json); d.Code != "refused" {
			t.Errorf("%s: %s (%s)", name, d.Outcome, d.Code)
		}
	}
}

// What the vocabulary doesn't have, the rules never see.
func TestDeniedBeforeTheRules(t *testing.T) {
	p := shopProgram(t, "")
	call := callOf("search", `{"query":"x"}`, `{}`)
	for name, tt := range map[string]struct {
		json string
		want eval.Code
	}{
		"unknown action":           {strings.Replace(call, "execute", "exfiltrate", 1), eval.CodeUnknownAction},
		"a group as the subject":   {strings.Replace(call, `"bot"`, `"Buyers"`, 1), eval.CodeNoPermit},
		"agent as a person":        {strings.Replace(call, `"type":"agent"`, `"type":"person"`, 1), eval.CodeInvalidRequest},
		"unknown agent":            {strings.Replace(call, `"bot"`, `"stranger"`, 1), eval.CodeNoPermit},
		"look-alike agent":         {strings.Replace(call, `"bot"`, `"b0t"`, 1), eval.CodeNoPermit},
		"arguments without a call": {strings.Replace(call, `"execute"`, `"read"`, 1), eval.CodeInvalidArguments},
		"undeclared fact":          {strings.Replace(call, `"context":{}`, `"context":{"admin":true}`, 1), eval.CodeInvalidContext},
		"fact of the wrong type":   {strings.Replace(call, `"context":{}`, `"context":{"hour":"10"}`, 1), eval.CodeInvalidContext},
		"null for a fact":          {strings.Replace(call, `"context":{}`, `"context":{"hour":null}`, 1), eval.CodeInvalidContext},
		"changed definition": {strings.Replace(callOf("pinned", `{"x":1}`, `{}`), `"id":"pinned"`, `"id":"pinned","properties":{"definition":"sha256:00"}`, 1),
			eval.CodeDefinitionChanged},
		"pinned definition": {strings.Replace(callOf("pinned", `{"x":1}`, `{}`), `"id":"pinned"`,
			`"id":"pinned","properties":{"definition":"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`, 1), eval.CodePermit},
	} {
		if d := decide(t, p, tt.json); d.Code != tt.want {
			t.Errorf("%s: %s (%s) %s, want %s", name, d.Outcome, d.Code, d.Detail, tt.want)
		}
	}
}

// A forbid that can't be evaluated denies; a permit that can't doesn't permit. What later decides without the error overrules it.
func TestErrorsDeny(t *testing.T) {
	write := `{"subject":{"type":"agent","id":"bot"},"action":{"name":"write"},"resource":{"type":"file","id":"/x"},"context":CONTEXT}`
	p := shopProgram(t, "")
	for context, want := range map[string]eval.Code{`{}`: eval.CodeRuleError, `{"hour":10}`: eval.CodePermit, `{"hour":21}`: eval.CodeForbidden} {
		if d := decide(t, p, strings.Replace(write, "CONTEXT", context, 1)); d.Code != want {
			t.Errorf("%s: %s, want %s", context, d.Code, want)
		}
	}
	for rule, want := range map[string]eval.Code{
		"forbid any to poke on any when context.hour > 1 and false":                    eval.CodePermit,
		"forbid any to poke on any when false and context.hour > 1":                    eval.CodePermit,
		"forbid any to poke on any when context.hour > 1 or true":                      eval.CodeForbidden,
		"forbid any to poke on any when context.hour > 1":                              eval.CodeRuleError,
		"forbid any to poke on any unless context.hour > 1":                            eval.CodeRuleError,
		"forbid any to poke on any when session once (read on any)":                    eval.CodeNoHistory,
		"forbid any to poke on any when token.depth > 1":                               eval.CodeRuleError,
		"forbid any to poke on any unless token.depth == 1":                            eval.CodeRuleError,
		"forbid any to poke on any unless agent.name attested \"x\" by boss":           eval.CodeForbidden,
		"limit any to poke on any count <= 1 per 1h":                                   eval.CodeNoHistory,
		"limit any to poke on any when agent.name == \"x\" count <= 1 per 1h":          eval.CodePermit,
		"lifecycle l: bot { start a a -> b: poke on any }":                             eval.CodeNoHistory,
		"lifecycle l: boss { start a a -> b: poke on any }":                            eval.CodePermit,
		"forbid any to poke on any when 9223372036854775807 + size(\"a\") > 1":         eval.CodeRuleError,
		"forbid any to poke on any when any x in [\"a\"] { context.hour > 1 }":         eval.CodeRuleError,
		"forbid any to poke on any when all x in [\"a\"] { context.hour > 1 } or true": eval.CodeForbidden,
	} {
		p := shopProgram(t, "action poke\npermit bot to poke on any\n"+rule+"\n")
		if d := decide(t, p, strings.NewReplacer("CONTEXT", "{}", `"write"`, `"poke"`).Replace(write)); d.Code != want {
			t.Errorf("%s: %s, want %s", rule, d.Code, want)
		}
	}
}

// P14: nothing decides in favour of the agent by being empty.
func TestP14ZeroValuesDeny(t *testing.T) {
	var d eval.Decision
	if d.Outcome != eval.Deny || d.ForModel() == "" {
		t.Error("the zero decision isn't a deny")
	}
	var none *eval.Program
	var e eval.Evaluator
	for name, d := range map[string]eval.Decision{
		"nil program": none.Decide(eval.Request{}, eval.Facts{}), "zero evaluator": e.Decide(eval.Request{}, eval.Facts{}),
		"zero request": shopProgram(t, "").Decide(eval.Request{}, eval.Facts{}),
	} {
		if d.Outcome != eval.Deny || d.Code == "" {
			t.Errorf("%s: %s (%s)", name, d.Outcome, d.Code)
		}
	}
}

// broken are grants that panic.
type broken struct{}

func (broken) Allows(string, resource.Name) bool { panic("boom") }

// P14: a panic is a deny, though every rule was for a permit.
func TestP14PanicDenies(t *testing.T) {
	p := officeProgram(t, "")
	req, facts := call(t, "note", noteArgs, "reviewer")
	facts.Authority.Grants = broken{}
	if d := p.Decide(req, facts); d.Outcome != eval.Deny || d.Code != eval.CodeInternal || d.Detail != "boom" {
		t.Errorf("%s (%s) %s", d.Outcome, d.Code, d.Detail)
	}
}

// Decisions may be made while the program is swapped; each is by one program or the other. Run under -race.
func TestConcurrentSwap(t *testing.T) {
	yes, no := shopProgram(t, ""), shopProgram(t, "forbid stop: any to any on any\n")
	e := eval.NewEvaluator(yes)
	file, err := resource.Parse("file:///srv/x")
	if err != nil {
		t.Fatal(err)
	}
	req := eval.Request{Subject: "bot", Action: "read", Resource: file}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				switch d := e.Decide(req, eval.Facts{}); {
				case d.Outcome == eval.Permit && len(d.Rules) == 1:
				case d.Code == eval.CodeForbidden && d.Rules[0].ID == "stop":
				default:
					t.Errorf("a decision by neither: %+v", d)
					return
				}
			}
		})
	}
	for i := range 200 {
		if i%2 == 0 {
			e.Swap(no)
		} else {
			e.Swap(yes)
		}
	}
	wg.Wait()
}

// An approval counts once for each approver, for this request, from somebody with standing who isn't the requester, not too old and not from the
// future; what isn't needed isn't used.
func TestApprovals(t *testing.T) {
	p, diags := lang.Compile(map[string]string{"p.moat": `policy p edition 1
group Bosses
agent bot in Bosses
person ann in Bosses
person bea in Bosses
person eve
tool pay(amount: int)
permit big: bot to execute on tool pay
  when args.amount <= 100
  needs 2 approval by Bosses within 10m
permit small: bot to execute on tool pay
  when args.amount <= 10
`})
	if p == nil {
		t.Fatal(diags)
	}
	program := eval.New(p)
	request := func(amount string) eval.Request {
		pay, err := resource.Parse("tool://pay")
		if err != nil {
			t.Fatal(err)
		}
		return eval.Request{Subject: "bot", Action: "execute", Resource: pay, Args: obj(mem("amount", num(amount)))}
	}
	now := eval.TestStart()
	req, facts := request("50"), eval.Facts{Time: now}
	digest := eval.RequestDigest(req, facts)
	by := func(name string, minutes int) eval.Approval {
		return eval.Approval{Rule: "big", By: name, At: now.Add(time.Duration(minutes) * time.Minute), Request: digest, Policy: p.Digest()}
	}
	other := by("bea", 0)
	other.Request = eval.RequestDigest(request("51"), facts)
	otherPolicy := by("bea", 0)
	otherPolicy.Policy[0]++
	otherRule := by("bea", 0)
	otherRule.Rule = "small"
	for name, tt := range map[string]struct {
		approvals []eval.Approval
		want      eval.Outcome
	}{
		"none":             {nil, eval.Ask},
		"one":              {[]eval.Approval{by("ann", 0)}, eval.Ask},
		"two":              {[]eval.Approval{by("ann", 0), by("bea", -10)}, eval.Permit},
		"one twice":        {[]eval.Approval{by("ann", 0), by("ann", -1)}, eval.Ask},
		"the requester":    {[]eval.Approval{by("ann", 0), by("bot", 0)}, eval.Ask},
		"without standing": {[]eval.Approval{by("ann", 0), by("eve", 0)}, eval.Ask},
		"unknown":          {[]eval.Approval{by("ann", 0), by("Bosses", 0)}, eval.Ask},
		"too old":          {[]eval.Approval{by("ann", 0), by("bea", -11)}, eval.Ask},
		"from the future":  {[]eval.Approval{by("ann", 0), by("bea", 1)}, eval.Ask},
		"another request":  {[]eval.Approval{by("ann", 0), other}, eval.Ask},
		"another rule":     {[]eval.Approval{by("ann", 0), otherRule}, eval.Ask},
		"another policy":   {[]eval.Approval{by("ann", 0), otherPolicy}, eval.Ask},
		"more than needed": {[]eval.Approval{by("ann", 0), by("ann", -2), by("bea", 0)}, eval.Permit},
	} {
		f := facts
		f.Approvals = tt.approvals
		d := program.Decide(req, f)
		if ref := eval.Reference(p, req, f); d.Outcome != tt.want || ref.Outcome != tt.want {
			t.Errorf("%s: %s, the reference %s, want %s", name, d.Outcome, ref.Outcome, tt.want)
		}
		if d.Outcome == eval.Permit && len(d.Used) != 2 {
			t.Errorf("%s: %d approvals are used", name, len(d.Used))
		}
	}
	// Another permit holds without: no approval is used up.
	small := request("5")
	f := facts
	for _, name := range []string{"ann", "bea"} {
		f.Approvals = append(f.Approvals, eval.Approval{Rule: "big", By: name, At: now, Request: eval.RequestDigest(small, facts), Policy: p.Digest()})
	}
	if d := program.Decide(small, f); d.Outcome != eval.Permit || len(d.Rules) != 2 || len(d.Used) != 0 {
		t.Errorf("%v, %d approvals are used", d.RuleIDs(), len(d.Used))
	}
}

// A field that isn't there equals none that is, whatever the value: records with other fields are other records.
func TestRecordsWithOtherFields(t *testing.T) {
	policy := "policy p edition 1\nagent bot\n"
	tests := []struct{ typ, zero string }{
		{"bool", "false"}, {"int", "0"}, {"decimal", "0"}, {"string", `""`}, {"duration", `"0s"`}, {"timestamp", `"1970-01-01T00:00:00Z"`},
		{"date", `"1970-01-01"`}, {"[int]", "[]"}, {"{ x: int? }", "{}"},
	}
	for i, tt := range tests {
		policy += strings.ReplaceAll(fmt.Sprintf("tool t%d(a: { x: T?, y: T? }, b: { x: T?, y: T? })\npermit bot to execute on tool t%d when args.a == args.b\n", i, i), "T", tt.typ)
	}
	p, diags := lang.Compile(map[string]string{"p.moat": policy})
	if p == nil {
		t.Fatal(diags)
	}
	for i, tt := range tests {
		for args, want := range map[string]eval.Code{
			`{"a":{"x":Z},"b":{"y":Z}}`:          eval.CodeConditionFailed,
			`{"a":{"x":Z},"b":{}}`:               eval.CodeConditionFailed,
			`{"a":{},"b":{"y":Z}}`:               eval.CodeConditionFailed,
			`{"a":{"x":Z,"y":Z},"b":{"y":Z}}`:    eval.CodeConditionFailed,
			`{"a":{"y":Z},"b":{"x":null,"y":Z}}`: eval.CodePermit,
			`{"a":{},"b":{}}`:                    eval.CodePermit,
		} {
			args = strings.ReplaceAll(args, "Z", tt.zero)
			if d := decide(t, eval.New(p), callOf(fmt.Sprintf("t%d", i), args, `{}`)); d.Code != want {
				t.Errorf("%s: %s: %s (%s), want %s", tt.typ, args, d.Code, d.Detail, want)
			}
		}
	}
}
