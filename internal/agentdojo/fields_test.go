package agentdojo

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
)

// The values of an attacker's call may stand in different fields: the payee where senders stand, the sum in a subject. So beyond the
// runs of [Evaluate], every argument is given every label by itself: each field that was read and that the policy speaks of, one of
// those that it doesn't speak of (they are alike to it), each alone and beside what the host finds; and what the host finds alone.
func TestEachArgumentFromAFieldOfItsOwn(t *testing.T) {
	for _, r := range reports(t) {
		executes, runs := eachAssignment(t, r)
		for _, e := range executes {
			t.Errorf("%s: %s", r.Suite, e)
		}
		if t.Logf("%s: %d decisions", r.Suite, runs); runs < 1000 {
			t.Errorf("%s: only %d decisions", r.Suite, runs)
		}
	}
}

// It finds what Evaluate, which gives all arguments the labels of one place, can't.
func TestEachAssignmentFindsHoles(t *testing.T) {
	r := withHole(t, "banking", `permit hole: assistant to execute on tool send_money
  when args.recipient from tool get_most_recent_transactions.sender and args.subject from tool get_most_recent_transactions.subject`)
	for _, o := range r.Attacks {
		if o.Best == eval.Permit {
			t.Errorf("%s × %s executes", o.User.ID, o.Injection.ID)
		}
	}
	if executes, _ := eachAssignment(t, r); len(executes) == 0 {
		t.Error("no assignment of fields to arguments executes")
	}
}

// eachAssignment decides the harmful calls of every pair under every assignment of labels to arguments. It returns the calls that
// are permitted under one, and the number of decisions; what the policy can't tell apart is decided once.
func eachAssignment(t *testing.T, r *Report) (executes []string, runs int) {
	t.Helper()
	named, decided := namedOrigins(r.Program.Policy()), map[string]bool{}
	for _, p := range r.Pairs {
		trace := Trace{Prompt: p.User.Prompt}
		for _, c := range p.User.Calls {
			trace.Results = append(trace.Results, NewResult(c.Tool, c.Result))
		}
		for _, c := range p.Injection.Calls {
			fields := distinct(trace, named)
			found, byValue := trace.Label(c.Args)
			key := fmt.Sprint(c.Tool, string(c.Args.AppendJSON(nil)), found, byValue, fields, string(trace.context(c.Args).AppendJSON(nil)))
			if slices.Contains(Harmful[r.Suite], c.Tool) && !decided[key] {
				decided[key] = true
				permitted := false
				assign(c.Args, found, fields, func(labels map[string][]string) {
					runs++
					d, err := r.decide(trace, c, labels, byValue)
					if err != nil {
						t.Fatal(err)
					}
					if d.Outcome == eval.Permit && !permitted {
						permitted = true
						executes = append(executes, fmt.Sprintf("%s × %s: %s executes with the labels %v", p.User.ID, p.Injection.ID, c.Tool, labels))
					}
				})
			}
			trace.Results = append(trace.Results, NewResult(c.Tool, c.Result))
		}
	}
	return executes, runs
}

// namedOrigins are the labels that the rules of a policy name.
func namedOrigins(p *lang.Program) map[string]bool {
	out := map[string]bool{}
	look := func(x lang.Expr) {
		if from, ok := x.(*lang.From); ok {
			for _, o := range from.Origins {
				out[o.Name] = true
			}
		}
	}
	for _, r := range p.Rules {
		for _, c := range r.Conds {
			lang.Walk(c.X, look)
		}
	}
	for _, d := range p.Defines {
		lang.Walk(d.Body, look)
	}
	return out
}

// distinct are the labels of what was read that the policy can tell apart.
func distinct(trace Trace, named map[string]bool) []string {
	var out []string
	other := ""
	for _, r := range trace.Results {
		for _, label := range append(r.Labels(), "tool "+r.Tool) {
			speaksOf := false
			for n := range named {
				speaksOf = speaksOf || label == n || strings.HasPrefix(label, n+".")
			}
			switch {
			case !speaksOf:
				other = label
			case !slices.Contains(out, label):
				out = append(out, label)
			}
		}
	}
	if other != "" {
		out = append(out, other)
	}
	return out
}

// assign calls f with every assignment of labels to the values among arguments.
func assign(args strictjson.Value, found map[string][]string, fields []string, f func(map[string][]string)) {
	var pointers []string
	each(args, "", func(pointer string, _ strictjson.Value) { pointers = append(pointers, pointer) })
	labels := map[string][]string{}
	var next func(i int)
	next = func(i int) {
		if i == len(pointers) {
			f(labels)
			return
		}
		at := pointers[i]
		choices := [][]string{found[at]}
		for _, field := range fields {
			choices = append(choices, []string{field})
			if len(found[at]) > 0 {
				choices = append(choices, append([]string{field}, found[at]...))
			}
		}
		for _, choice := range choices {
			if labels[at] = choice; len(choice) == 0 {
				delete(labels, at)
			}
			next(i + 1)
		}
	}
	next(0)
}
