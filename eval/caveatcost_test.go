package eval_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/resource"
)

// T18: whoever holds a token writes its caveats, and chooses the arguments. What they cost together is bounded, and past the bound is a deny, whatever
// else the caveat says.
func TestT18CaveatsAreMetered(t *testing.T) {
	p := officeProgram(t, "tool bulk(xs: [string], t: string)\npermit reviewer to execute on tool bulk\n")
	xs := `["` + strings.Repeat(`a","`, 255) + `a"]`
	many := strings.Repeat("args.xs + ", 15) + "args.xs"
	text := strings.Repeat("args.t + ", 255) + "args.t"
	dear := map[string]string{
		"all pairs of a long list":     "all x in " + many + " { all y in " + many + " { x == y } }",
		"overruled by what is true":    "all x in " + many + " { all y in " + many + " { x == y } } or 1 == 1",
		"not what it seems":            "not (any x in " + many + " { any y in " + many + " { x != y } })",
		"a list in each step":          "all x in " + many + " { x in " + many + " }",
		"a constant list in each step": "all x in " + many + ` { all y in args.xs { not (x in [` + strings.TrimSuffix(strings.Repeat(`"b", `, 400), ", ") + `]) } }`,
		"nothing in each step":         "all x in " + many + " { all y in " + many + " { 1 == 1 } }",
		"a text in each step":          `all x in args.xs { not (args.t like "*q*") and not (args.t like "*w*") }`,
		"long texts":                   text + ` != "b"`,
	}
	for name, condition := range dear {
		size := 200
		if strings.Contains(name, "text") {
			size = 60_000 // bytes
		}
		if strings.Contains(name, "long texts") {
			size = 4_000
		}
		req, facts := call(t, "bulk", fmt.Sprintf(`{"xs": %s, "t": %q}`, xs, strings.Repeat("x", size)), "reviewer")
		text, err := eval.NewCaveat(p, "bulk", condition)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		facts.Authority.Caveats = [][]byte{text}
		d := both(t, p, req, facts)
		if d.Code != eval.CodeCaveat || !strings.Contains(d.Detail, "steps") {
			t.Errorf("%s: %s (%s) %s", name, d.Outcome, d.Code, d.Detail)
		}
	}
}

// What is bounded is met by what people write: a list of the greatest length, looked at element by element, by each of many caveats.
func TestCaveatsWithinTheirMeter(t *testing.T) {
	p := officeProgram(t, "tool bulk(xs: [string], t: string)\npermit reviewer to execute on tool bulk\n")
	req, facts := call(t, "bulk", `{"xs": ["`+strings.Repeat(`a@example.com","`, 255)+`a@example.com"], "t": "x"}`, "reviewer")
	for i := range 32 {
		text, err := eval.NewCaveat(p, "bulk", fmt.Sprintf(`all x in args.xs { ends(x, "@example.com") or x == "%d" }`, i))
		if err != nil {
			t.Fatal(err)
		}
		facts.Authority.Caveats = append(facts.Authority.Caveats, text)
	}
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Errorf("%s %s", d.Code, d.Detail)
	}
	long, err := eval.NewCaveat(p, "bulk", `args.t == "x"`+strings.Repeat(` or args.t == "y"`, 200))
	if err != nil {
		t.Fatal(err)
	}
	facts.Authority.Caveats = nil
	for range eval.MaxCaveatText/len(long) + 1 {
		facts.Authority.Caveats = append(facts.Authority.Caveats, long)
	}
	if d := both(t, p, req, facts); d.Code != eval.CodeCaveat || !strings.Contains(d.Detail, "bytes together") {
		t.Errorf("too many bytes: %s %s", d.Code, d.Detail)
	}
}

// A delegation that the policy permitted once isn't remembered when a condition may change that, nor is one permitted by an approval at all.
func TestDelegationIsNotRememberedTooLong(t *testing.T) {
	now := eval.TestStart()
	p := officeProgram(t, "forbid late: coordinator to delegate on agent any when context.hour >= 22\n")
	req, facts := call(t, "note", noteArgs, "coordinator", "intern")
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Fatalf("by day: %s %s", d.Code, d.Detail)
	}
	facts.Context = obj(mem("hour", num("23")))
	if d := both(t, p, req, facts); d.Code != eval.CodeNotDelegated {
		t.Errorf("by night: %s %s", d.Code, d.Detail)
	}
	p = officeProgram(t, "permit signed: reviewer to delegate on agent intern needs approval by Staff\n")
	req, facts = call(t, "note", noteArgs, "reviewer", "intern")
	to, err := resource.FromTypeID("agent", "intern")
	if err != nil {
		t.Fatal(err)
	}
	alone := facts
	alone.Authority = nil
	facts.Approvals = []eval.Approval{{Rule: "signed", By: "alice", At: now, Request: eval.RequestDigest(eval.Request{Subject: "reviewer", Action: "delegate", Resource: to}, alone), Policy: p.Policy().Digest()}}
	if d := both(t, p, req, facts); d.Code != eval.CodeNotDelegated {
		t.Errorf("a delegation by an approval: %s %s", d.Code, d.Detail)
	}
}
