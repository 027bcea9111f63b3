package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// TestStart is the time at which a test begins, unless `given { time: … }` says otherwise.
func TestStart() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// A TestResult is the outcome of a test of the policy.
type TestResult struct {
	Test     *lang.Test
	Tries    int // requests that were decided
	Failures []TestFailure
}

// A TestFailure is a step that didn't give what it had to.
type TestFailure struct {
	Span        lang.Span
	Message     string
	Explanation *Explanation // of the decision, nil when there was none
}

// RunTests runs the tests that stand in the policy, in the order of the source. Tests share nothing with each other.
func RunTests(p *Program) []TestResult { return runTests(p, nil) }

// runTests runs the tests and, when there is a collector, has it count what they reach.
func runTests(p *Program, cover *collector) []TestResult {
	var out []TestResult
	for _, t := range p.policy.Tests {
		r := &testRun{program: p, cover: cover, result: TestResult{Test: t}, facts: Facts{Time: TestStart(), Context: strictjson.Value{Kind: strictjson.Object}, History: NewHistory()}}
		for _, s := range t.Steps {
			r.step(s)
		}
		out = append(out, r.result)
	}
	return out
}

// A testRun is the state of a test between its steps.
type testRun struct {
	program *Program
	cover   *collector // nil: don't count
	result  TestResult
	facts   Facts
	token   *strictjson.Value // what is given of the token; nil for none
	last    Request           // of the last try
	asked   Decision          // its decision
	askedAt Facts
}

func (r *testRun) fail(span lang.Span, format string, args ...any) {
	r.result.Failures = append(r.result.Failures, TestFailure{Span: span, Message: fmt.Sprintf(format, args...)})
}

func (r *testRun) step(s lang.Step) {
	switch s := s.(type) {
	case *lang.Wait:
		r.facts.Time = r.facts.Time.Add(s.For.Dur)
	case *lang.Given:
		r.given(s)
	case *lang.Approve:
		r.approve(s)
	case *lang.Try:
		r.try(s)
	}
}

func (r *testRun) given(s *lang.Given) {
	for _, f := range s.Facts.Fields {
		v := constantJSON(f.Value)
		switch f.Name.Name {
		case "time":
			t, err := value.ParseTimestamp(v.Text)
			if err != nil || v.Kind != strictjson.String {
				r.fail(s.Span, "time must be a timestamp: timestamp(\"2026-01-31T12:00:00Z\")")
				continue
			}
			r.facts.Time = t
		case "session":
			r.facts.Session = v.Text
		case "token":
			r.token = &v
		case "attestations":
			r.facts.Attestations = nil
			for _, item := range v.Items {
				by := get(item, "by").Text
				a := Attestation{Claim: get(item, "claim").Text, By: by, Issuer: by, About: get(item, "about").Text}
				r.facts.Attestations = append(r.facts.Attestations, a)
				a.Principal = true // a test writes values and principals alike
				r.facts.Attestations = append(r.facts.Attestations, a)
			}
		default:
			members := slices.DeleteFunc(slices.Clone(r.facts.Context.Members), func(m strictjson.Member) bool { return m.Name == f.Name.Name })
			r.facts.Context.Members = append(members, strictjson.Member{Name: f.Name.Name, Value: v})
		}
	}
}

// approve approves what the last try asked for, for every rule on which the person has standing.
func (r *testRun) approve(s *lang.Approve) {
	if r.asked.Outcome != Ask {
		r.fail(s.Span, "there is nothing to approve: the step before didn't ask")
		return
	}
	approved := false
	for _, p := range r.asked.Pending {
		for _, by := range p.By {
			if (by == s.By.Name || r.program.policy.IsIn(s.By.Name, by)) && s.By.Name != r.last.Subject {
				r.facts.Approvals = append(r.facts.Approvals, Approval{Rule: p.Rule.ID, By: s.By.Name, At: r.facts.Time, Request: RequestDigest(r.last, r.askedAt), Policy: r.program.policy.Digest()})
				approved = true
				break
			}
		}
	}
	if !approved {
		r.fail(s.Span, "`%s` has no standing to approve this", s.By.Name)
	}
}

func (r *testRun) try(s *lang.Try) {
	req := Request{Subject: s.Subject.Name, Action: s.Action.Name}
	if p := r.program.policy.Principals[s.Subject.Name]; p != nil {
		req.Kind = p.Kind
	}
	var err error
	if req.Resource, err = tryResource(s.Target); err != nil {
		// A name that isn't canonical is refused before the policy is asked: that is a denial.
		r.expect(s, Explanation{Decision: Decision{Code: CodeInvalidRequest, Detail: err.Error()}})
		return
	}
	facts := r.facts
	if r.token != nil {
		facts.Authority = givenAuthority(*r.token, req.Subject, facts.Time)
	}
	if s.Args != nil {
		facts.Origins = map[string][]string{}
		collectLabels(s.Args, nil, facts.Origins)
		req.Args = constantJSON(s.Args)
	}
	x := r.program.Explain(req, facts)
	r.result.Tries++
	if r.cover != nil {
		r.cover.count(r.program.policy, req, facts)
	}
	r.facts.History.Apply(x.Decision.Changes)
	used := x.Decision.Used
	r.facts.Approvals = slices.DeleteFunc(slices.Clone(r.facts.Approvals), func(a Approval) bool { return slices.Contains(used, a) })
	r.last, r.asked, r.askedAt = req, x.Decision, facts
	r.expect(s, x)
}

// anything grants everything: a test asks the policy, not a token.
type anything struct{}

func (anything) Allows(string, resource.Name) bool { return true }

// givenAuthority is the authority that a test describes: `through` are the agents that handed it on, root first; what isn't said
// of depth and window follows from them and from the time.
func givenAuthority(v strictjson.Value, requester string, now time.Time) *Authority {
	a := &Authority{Issued: now, Expires: now.Add(time.Hour), Grants: anything{}}
	for _, name := range get(v, "through").Items {
		a.Agents = append(a.Agents, name.Text)
	}
	a.Agents = append(a.Agents, requester)
	for i := range a.Agents[1:] {
		a.Links = append(a.Links, Link{a.Agents[i], a.Agents[i+1]})
	}
	a.Depth = len(a.Agents)
	if d, err := strconv.Atoi(get(v, "depth").Text); err == nil {
		a.Depth = d
	}
	for name, into := range map[string]*time.Time{"issued": &a.Issued, "expires": &a.Expires} {
		if t, err := value.ParseTimestamp(get(v, name).Text); err == nil {
			*into = t
		}
	}
	return a
}

func (r *testRun) expect(s *lang.Try, x Explanation) {
	d := x.Decision
	switch {
	case d.Outcome.String() != s.Expect.Name:
		r.result.Failures = append(r.result.Failures, TestFailure{s.Expect.Span, fmt.Sprintf("expected %s, got %s (%s)", s.Expect.Name, d.Outcome, d.Code), &x})
	case s.By != nil && !slices.Contains(d.RuleIDs(), s.By.Name) && !slices.ContainsFunc(d.Errors, func(e RuleError) bool { return e.Rule == s.By.Name }):
		by := strings.Join(d.RuleIDs(), ", ")
		if by == "" {
			by = "no rule (" + string(d.Code) + ")"
		}
		r.result.Failures = append(r.result.Failures, TestFailure{s.By.Span, fmt.Sprintf("expected %s by %s, got it by %s", s.Expect.Name, s.By.Name, by), &x})
	}
}

func tryResource(t lang.Target) (resource.Name, error) {
	switch t.Kind {
	case lang.TargetTool:
		return resource.Parse("tool://" + t.Tool.Name)
	case lang.TargetAgents:
		return resource.Parse("agent://" + t.Agents.Names[0].Name)
	}
	return resource.Parse(t.Text.Value)
}

// constantJSON is the JSON that a constant of a test stands for. Durations, dates and the like are strings.
func constantJSON(x lang.Expr) strictjson.Value {
	switch x := x.(type) {
	case *lang.Literal:
		switch x.Kind {
		case lang.LitBool:
			return strictjson.Value{Kind: strictjson.Bool, Bool: x.Bool}
		case lang.LitInt, lang.LitSize:
			return strictjson.Value{Kind: strictjson.Number, Text: fmt.Sprint(x.Int)}
		case lang.LitDecimal:
			return strictjson.Value{Kind: strictjson.Number, Text: x.Decimal.String()}
		case lang.LitDuration:
			return strictjson.Value{Kind: strictjson.String, Text: value.FormatDuration(x.Dur)}
		}
		return strictjson.Value{Kind: strictjson.String, Text: x.Str}
	case *lang.Negate:
		v := constantJSON(x.X)
		v.Text = "-" + v.Text
		return v
	case *lang.List:
		v := strictjson.Value{Kind: strictjson.Array}
		for _, e := range x.Elems {
			v.Items = append(v.Items, constantJSON(e))
		}
		return v
	case *lang.Record:
		v := strictjson.Value{Kind: strictjson.Object}
		for _, f := range x.Fields {
			v.Members = append(v.Members, strictjson.Member{Name: f.Name.Name, Value: constantJSON(f.Value)})
		}
		return v
	case *lang.From:
		return constantJSON(x.X)
	case *lang.Call:
		return constantJSON(x.Args[0])
	}
	return strictjson.Value{} // the checker lets nothing else through
}

// collectLabels gathers what `from` says in the arguments of a try, by JSON pointer.
func collectLabels(x lang.Expr, at *path, out map[string][]string) {
	switch x := x.(type) {
	case *lang.From:
		ptr := at.pointer()
		out[ptr] = append(out[ptr], listed(x)...)
		collectLabels(x.X, at, out)
	case *lang.List:
		for i, e := range x.Elems {
			collectLabels(e, &path{up: at, index: i, isElement: true}, out)
		}
	case *lang.Record:
		for _, f := range x.Fields {
			collectLabels(f.Value, &path{up: at, name: f.Name.Name}, out)
		}
	}
}
