package eval_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
)

const explained = `policy p edition 1

group Owners
agent bot
agent other
person ann in Owners

tool read(path: path) -> { text: string }
  does read on file(args.path)

tool mail(to: [email], cc: [email]?, body: string redact)

tool pay(to: email, amount: decimal)

define small = args.amount > 0.00 and args.amount <= 50.00

permit tools: bot to execute on tool read

permit notes: bot to read on "file:///notes/**", "file:///drafts/**"

permit mail: bot to execute on tool mail
  when args.body like "Hello*"

permit pay: bot to execute on tool pay
  when small

permit pay_asked: bot to execute on tool pay
  when args.amount > 50.00 and args.amount < 100.00
  needs approval by Owners

forbid outside: any to execute on tool mail
  when any r in args.to + (args.cc ?? []) { domain(r) != "example.com" and r from no user }
  because "mail stays inside"

forbid keys: any to any on "file:///**/*.key"

forbid stranger: any to execute on tool pay
  when args.amount > 10.00
  unless args.to from user or args.to == "ann@example.com"
`

// An explanation says which rule, where, which condition and which value, and what would have to be otherwise.
func TestExplain(t *testing.T) {
	prog, ds := lang.Compile(map[string]string{"p.moat": explained})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	program := eval.New(prog)
	call := func(tool, args string) string {
		return `"action": {"name": "execute", "properties": ` + args + `}, "resource": {"type": "tool", "id": "` + tool + `"}`
	}
	for _, tt := range []struct{ name, request, want string }{
		{"a forbid, by the element of a list, with its origin", call("mail", `{"to": ["ann@example.com"], "cc": ["eve@evil.example"], "body": "x"}`) + `, "context": {"origins": {"/to/0": ["user"], "/cc/0": ["tool read.text"]}}`,
			`deny (forbidden)
  forbid outside at p.moat:31:1
    because mail stays inside
    at p.moat:32:8 ` + "`any r in args.to + (args.cc ?? []) { domain(r) != \"example.com\" and r from no user }`" + ` holds
      args.to is ["ann@example.com"] from user
      args.cc is ["eve@evil.example"] from tool read.text
      r is "eve@evil.example" from tool read.text
`},
		{"a forbid, with all of its conditions", call("pay", `{"to": "eve@evil.example", "amount": 20}`),
			`deny (forbidden)
  forbid stranger at p.moat:37:1
    at p.moat:38:8 ` + "`args.amount > 10.00`" + ` holds
      args.amount is 20
    at p.moat:39:10 ` + "`args.to from user or args.to == \"ann@example.com\"`" + ` doesn't hold
      args.to is "eve@evil.example" from unknown
`},
		{"a forbid of what the call does", call("read", `{"path": "/notes/my.key"}`),
			`deny (forbidden)
  the call does read on file:///notes/my.key
  forbid keys at p.moat:35:1
`},
		{"a permit for something else", call("read", `{"path": "/etc/passwd"}`),
			`deny (no_permit)
  the call does read on file:///etc/passwd
  the nearest permit is notes at p.moat:19:1
    it is about another resource: "file:///notes/**", "file:///drafts/**"
`},
		{"a permit for somebody else", `"subject": {"type": "agent", "id": "other"}, ` + call("read", `{"path": "/notes/a"}`),
			`deny (no_permit)
  the nearest permit is tools at p.moat:17:1
    it is about another subject: bot
`},
		{"a condition, through a define", call("pay", `{"to": "ann@example.com", "amount": 0}`),
			`deny (condition_failed)
  the nearest permit is pay at p.moat:24:1
    at p.moat:15:16 ` + "`args.amount > 0.00`" + ` doesn't hold
      args.amount is 0
`},
		{"a value that no log keeps", call("mail", `{"to": [], "body": "secret"}`),
			`deny (condition_failed)
  the nearest permit is mail at p.moat:21:1
    at p.moat:22:8 ` + "`args.body like \"Hello*\"`" + ` doesn't hold
      args.body is (redacted)
`},
		{"an ask", call("pay", `{"to": "ann@example.com", "amount": 60}`),
			`ask (needs_approval)
  permit pay_asked at p.moat:27:1
  pay_asked needs 1 approval by Owners, has 0
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := `{` + tt.request + `}`
			if tt.request[:9] != `"subject"` {
				text = `{"subject": {"type": "agent", "id": "bot"}, ` + tt.request + `}`
			}
			request, facts, err := eval.ParseEvaluation([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, program.Explain(request, facts).String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
