package eval_test

import (
	"fmt"
	"log"
	"os"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/resource"
)

// A service loads its policy once and asks it about every call of a tool. The time, the context and the origins are the service's own;
// only the request comes from the agent.
func Example() {
	program, err := eval.Load("../policies/quickstart")
	if err != nil {
		log.Fatal(err) // every mistake in the policy, with its place
	}
	request, err := eval.Call("assistant", "pay", []byte(`{"to": "bob@example.com", "amount": 20.00}`))
	if err != nil {
		log.Fatal(err)
	}

	fromUser := eval.Facts{Time: time.Now(), Origins: map[string][]string{"/to": {"user"}}}
	d := program.Decide(request, fromUser)
	fmt.Println(d.Outcome, d.RuleIDs())

	fromNote := eval.Facts{Time: time.Now(), Origins: map[string][]string{"/to": {"tool notes.read"}}}
	d = program.Decide(request, fromNote)
	fmt.Println(d.Outcome, d.RuleIDs())
	fmt.Println(d.Rules[0].Because.Value)
	fmt.Println("to the model:", d.ForModel())
	// Output:
	// permit [small_payment]
	// deny [named_payee]
	// money goes only to an address that the user gave
	// to the model: The policy does not permit this action (forbidden).
}

// A policy can be embedded in the binary, with //go:embed and an embed.FS in place of the map here.
func ExampleLoadFS() {
	files := fstest.MapFS{"policy/main.moat": {Data: []byte(`policy notes edition 1

agent helper

permit helper to read on "file:///srv/notes/**"
`)}}
	program, err := eval.LoadFS(files, "policy")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"file:///srv/notes/today.md", "file:///etc/passwd"} {
		file, err := resource.Parse(name)
		if err != nil {
			log.Fatal(err)
		}
		d := program.Decide(eval.Request{Subject: "helper", Action: "read", Resource: file}, eval.Facts{})
		fmt.Println(name, d.Outcome, d.Code)
	}
	// Output:
	// file:///srv/notes/today.md permit permit
	// file:///etc/passwd deny no_permit
}

// A policy can be replaced while others decide: each decision is by one program or the other. A policy with a mistake never gets in.
func ExampleEvaluator() {
	load := func(rule string) (*eval.Program, error) {
		return eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte("policy p edition 1\nagent bot\n" + rule)}}, ".")
	}
	program, err := load("permit bot to read on any")
	if err != nil {
		log.Fatal(err)
	}
	evaluator := eval.NewEvaluator(program)
	file, err := resource.Parse("file:///x")
	if err != nil {
		log.Fatal(err)
	}
	request := eval.Request{Subject: "bot", Action: "read", Resource: file}
	fmt.Println(evaluator.Decide(request, eval.Facts{}).Outcome)

	if program, err = load("forbid bot to read on any"); err == nil {
		evaluator.Swap(program)
	}
	fmt.Println(evaluator.Decide(request, eval.Facts{}).Outcome)

	if program, err = load("permit bott to read on any"); err == nil {
		evaluator.Swap(program)
	}
	fmt.Println(err)
	fmt.Println(evaluator.Decide(request, eval.Facts{}).Outcome)
	// Output:
	// permit
	// deny
	// p.moat:3:8: error[M0201]: there is no agent, person or group `bott` (did you mean `bot`?)
	// deny
}

// ParseEvaluation reads a request as AuthZEN writes it, and what the context says for the host.
func ExampleParseEvaluation() {
	request, facts, err := eval.ParseEvaluation([]byte(`{
	  "subject": {"type": "agent", "id": "assistant"},
	  "action": {"name": "execute", "properties": {"path": "/home/owner/.ssh/id_ed25519"}},
	  "resource": {"type": "tool", "id": "notes.read"},
	  "context": {"time": "2026-01-31T12:00:00Z"}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	program, err := eval.Load("../policies/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(program.Explain(request, facts))
	// Output:
	// deny (no_permit)
	//   the call does read on file:///home/owner/.ssh/id_ed25519
	//   the nearest permit is notes at ../policies/quickstart/policy.moat:18:1
	//     it is about another resource: "file:///home/owner/notes/**"
}

// RunTests runs the tests that stand in a policy, as `moatc test` does.
func ExampleRunTests() {
	program, err := eval.Load("../policies/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range eval.RunTests(program) {
		for _, f := range r.Failures {
			fmt.Fprintln(os.Stderr, f.Span, f.Message)
		}
		fmt.Println(len(r.Failures) == 0, r.Test.Name.Value)
	}
	// Output:
	// true notes are read where they are kept and nowhere else
	// true mail stays inside
	// true small payments pass, large ones ask, and an approval is good once
	// true an address that stood in a note is paid nothing
}

// A policy that looks at the past is asked through a history, which remembers what each permit changes.
func ExampleHistory() {
	files := fstest.MapFS{"policy/main.moat": {Data: []byte(`policy notes edition 1

agent helper

permit helper to read on "file:///srv/notes/**"

limit reading: helper to read on any
  count <= 2 per 1m
`)}}
	program, err := eval.LoadFS(files, "policy")
	if err != nil {
		log.Fatal(err)
	}
	history := eval.NewHistory() // one for all policies that the service will ever load
	note, err := resource.Parse("file:///srv/notes/today.md")
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		d := history.Decide(program, eval.Request{Subject: "helper", Action: "read", Resource: note}, eval.Facts{Time: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)})
		fmt.Println(d.Outcome, d.Code)
		for _, e := range d.Errors {
			fmt.Printf("%s: %s\n", e.Rule, e.Message)
		}
	}
	// Output:
	// permit permit
	// permit permit
	// deny limit_exceeded
	// reading: 2 in 1m are used up; there is room again in 30s
}
