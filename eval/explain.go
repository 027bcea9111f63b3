package eval

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/moat-lang/moat/lang"
)

// An Explanation says why a request was denied or what it waits for, in terms of the policy's source.
type Explanation struct {
	Decision Decision
	// Effect is what decided when it wasn't the request itself but something that the call does: "read on file:///etc/passwd".
	Effect string
	// Matched are the forbids that decided, each with its conditions: at least one would have to be otherwise.
	Matched []Matched
	// Nearest is the permit that came closest to holding, nil when the request was permitted or no permit names any part of it.
	Nearest *lang.Rule
	// Mismatch says what part of the request Nearest isn't about: "subject", "action" or "resource"; empty when it is about such requests.
	Mismatch []string
	// Failed is the first condition of Nearest that doesn't hold, nil if Mismatch says enough.
	Failed *FailedCondition
}

// Matched is a forbid that holds, and why.
type Matched struct {
	Rule       *lang.Rule
	Conditions []FailedCondition // one for each of its clauses when and unless; what fails is that it doesn't keep the rule from holding
}

// A FailedCondition is a condition that isn't as it had to be, and what it saw.
type FailedCondition struct {
	Span   lang.Span
	Unless bool   // it holds, and must not; else it doesn't hold, and must
	Error  string // why it has no truth; empty when it is simply false
	Saw    []Seen
}

// Seen is a part of a condition and the value that it had.
type Seen struct {
	Expr  string
	Value string
}

// Explain says why the program decides as it does. It is for people: it looks at every rule, and costs accordingly. It
// explains what Decide answers; the two can't differ on the decision.
func (p *Program) Explain(req Request, facts Facts) Explanation {
	if h := facts.History; h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	x := Explanation{Decision: p.decideLocked(&req, &facts)}
	if p == nil || x.Decision.Outcome == Permit {
		return x
	}
	e, early := prepare(p.policy, &req, &facts)
	if early != nil {
		return x
	}
	facets, early := e.facets()
	if early != nil {
		return x
	}
	// The facet that decided is the first one whose own decision is the whole's. Where none is, the past stood in the way of a permit.
	decided := false
	e.calls = facets
	for i, f := range facets {
		if e.facet, e.at = f, i; i > 0 {
			x.Effect = f.action + " on " + f.resource.s
		}
		v := e.consult()
		if d := e.bounded(v.decision()); d.Outcome == x.Decision.Outcome && d.Code == x.Decision.Code {
			decided = true
			break
		}
	}
	if !decided {
		x.Effect = ""
		return x
	}
	x.Matched = e.matched(x.Decision.Rules)
	if x.Decision.Detail != "" { // the token's lack, which no rule mends
		return x
	}
	best := -1
	for _, r := range p.policy.Rules {
		if r.Effect != lang.Permit {
			continue
		}
		var mismatch []string
		score := 0
		for _, part := range []struct {
			name   string
			match  bool
			weight int
		}{
			{"subject", e.matchesSubject(r.Scope.Subjects), 2}, {"action", e.matchesAction(r.Scope.Actions), 1}, {"resource", e.matchesTarget(r.Scope.Targets), 4},
		} {
			if part.match {
				score += part.weight * 1000
			} else {
				mismatch = append(mismatch, part.name)
			}
		}
		if score < 3000 { // shares less than its subject and action, or its resource, with the request
			continue
		}
		failed := e.firstFailed(r)
		if failed == nil {
			score += 500
		}
		if score > best {
			best, x.Nearest, x.Mismatch, x.Failed = score, r, mismatch, nil
			if len(mismatch) == 0 {
				x.Failed = failed
			}
		}
	}
	return x
}

// matched says of forbids why they hold: each on the first facet, and for the first agent of the chain, on which it does.
func (e *env) matched(rules []*lang.Rule) []Matched {
	var out []Matched
	for _, r := range rules {
		if r.Effect != lang.Forbid {
			continue
		}
		if in := e.where(r); in != nil {
			m := Matched{Rule: r}
			for _, c := range r.Conds {
				m.Conditions = append(m.Conditions, *in.failed(c.X, !c.Unless))
			}
			out = append(out, m)
		}
	}
	return out
}

// where finds the environment in which a forbid holds, nil if there is none.
func (e *env) where(r *lang.Rule) *env {
	for i := range e.calls {
		at := (e.at + i) % len(e.calls) // the one that decided comes first
		for _, subject := range e.onChain() {
			in := *e
			in.facet, in.at, in.as = e.calls[at], at, subject
			if in.inScope(r.Scope.Subjects, r.Scope.Actions, r.Scope.Targets) && in.firstFailed(r) == nil {
				return &in
			}
		}
	}
	return nil
}

// firstFailed finds the first condition of a rule, in the order of the source, that keeps it from holding.
func (e *env) firstFailed(r *lang.Rule) *FailedCondition {
	e.permits = r.Effect == lang.Permit
	for _, c := range r.Conds {
		if t := e.cond(c); t.err != nil || !t.is {
			return e.failed(c.X, c.Unless)
		}
	}
	return nil
}

// failed descends to the smallest part of a condition that makes it fail.
func (e *env) failed(x lang.Expr, mustBeFalse bool) *FailedCondition {
	switch y := x.(type) {
	case *lang.Not:
		return e.failed(y.X, !mustBeFalse)
	case *lang.Logic:
		if y.Or == mustBeFalse {
			for _, z := range y.Xs {
				if t := e.truth(z); t.err != nil || t.is == mustBeFalse {
					return e.failed(z, mustBeFalse)
				}
			}
		}
	case *lang.Var:
		if y.Define != nil {
			f := e.outside().failed(y.Define.Body, mustBeFalse)
			return f
		}
	}
	f := &FailedCondition{Span: x.ExprSpan(), Unless: mustBeFalse}
	if t := e.truth(x); t.err != nil {
		f.Error = t.err.message
	}
	seen := map[string]bool{}
	see := func(y lang.Expr) {
		text := strings.Join(strings.Fields(y.ExprSpan().Text()), " ")
		if seen[text] || text == "" || len(f.Saw) == 8 {
			return
		}
		seen[text] = true
		v, err := e.value(y)
		switch {
		case err != nil:
		case v.absent():
			f.Saw = append(f.Saw, Seen{short(text), "(absent)"})
		case e.isRedacted(y):
			f.Saw = append(f.Saw, Seen{short(text), redacted})
		default:
			f.Saw = append(f.Saw, Seen{short(text), e.show(y, v, x)})
		}
	}
	e.eachFact(x, see)
	if q, ok := x.(*lang.Quantified); ok && q.All != mustBeFalse {
		e.witness(f, q)
	}
	return f
}

// witness adds the first element of a list that makes a quantifier fail.
func (e *env) witness(f *FailedCondition, q *lang.Quantified) {
	list, err := e.there(q.In)
	if err != nil {
		return
	}
	for _, item := range list.items {
		inner := e.bind(q.Var.Name, item)
		if t := inner.truth(q.Body); t.err != nil || t.is != q.All {
			text := redacted
			if !e.isRedacted(q.In) {
				text = e.show(q, item, q)
			}
			f.Saw = append(f.Saw, Seen{q.Var.Name, text})
			return
		}
	}
}

// redacted stands for a value that the policy lets no log keep as it is.
const redacted = "(redacted)"

// isRedacted reports whether an expression is made of an argument that is declared `redact` or `digest`.
func (e *env) isRedacted(x lang.Expr) bool {
	if e.tool == nil {
		return false
	}
	found := false
	private := func(from lang.Expr, name string) {
		if root, ok := from.(*lang.Fact); ok && root.Root == lang.RootArgs {
			for i := range e.tool.Params {
				p := &e.tool.Params[i]
				found = found || p.Name.Name == name && p.Record != ""
			}
		}
	}
	lang.Walk(x, func(y lang.Expr) {
		switch y := y.(type) {
		case *lang.Select:
			private(y.X, y.Name.Name)
		case *lang.Index:
			private(y.X, y.Key.Str)
		case *lang.Var:
			if y.Define != nil {
				found = found || e.isRedacted(y.Define.Body)
			}
		}
	})
	return found
}

// eachFact calls f for the parts of a condition that are worth showing: facts and what is called on them, not literals and not what
// only a quantifier's variable gives a value.
func (e *env) eachFact(x lang.Expr, f func(lang.Expr)) {
	bound := map[string]bool{}
	past := map[lang.Expr]bool{} // what stands in the condition of a once is about another request
	lang.Walk(x, func(y lang.Expr) {
		switch y := y.(type) {
		case *lang.Quantified:
			bound[y.Var.Name] = true
		case *lang.Once:
			lang.Walk(y.When, func(z lang.Expr) { past[z] = true })
		}
	})
	free := func(y lang.Expr) bool {
		ok := true
		lang.Walk(y, func(z lang.Expr) {
			if v, isVar := z.(*lang.Var); isVar && bound[v.Name] && v.Define == nil {
				ok = false
			}
		})
		return ok
	}
	lang.Walk(x, func(y lang.Expr) {
		if past[y] {
			return
		}
		switch z := y.(type) {
		case *lang.Select, *lang.Index, *lang.Call:
			if free(y) {
				f(y)
			}
		case *lang.Fact:
			if root := z.Root; root == lang.RootNow || root == lang.RootResource || root == lang.RootAgent {
				f(y)
			}
		}
	})
}

// show renders a value for people; beside a `from`, with its origins.
func (e *env) show(y lang.Expr, v val, condition lang.Expr) string {
	s := v.String()
	aboutOrigins := false
	lang.Walk(condition, func(z lang.Expr) {
		_, ok := z.(*lang.From)
		aboutOrigins = aboutOrigins || ok
	})
	if aboutOrigins {
		if set := v.allOrigins(); set != nil {
			s += " from " + oneLine(strings.Join(set.labels, ", "))
		}
	}
	return s
}

// String renders an explanation as a few lines of text.
// What comes from a request stays on its line.
func (x Explanation) String() string {
	var b strings.Builder
	d := x.Decision
	fmt.Fprintf(&b, "%s (%s)", d.Outcome, d.Code)
	if d.Detail != "" {
		fmt.Fprintf(&b, ": %s", oneLine(d.Detail))
	}
	b.WriteByte('\n')
	if x.Effect != "" {
		fmt.Fprintf(&b, "  the call does %s\n", x.Effect)
	}
	for _, r := range d.Rules {
		fmt.Fprintf(&b, "  %s %s at %s\n", r.Effect, r.ID, r.Span)
		if r.Because != nil {
			fmt.Fprintf(&b, "    because %s\n", oneLine(r.Because.Value))
		}
		for _, m := range x.Matched {
			if m.Rule == r {
				for i := range m.Conditions {
					m.Conditions[i].write(&b, "holds", "doesn't hold")
				}
			}
		}
	}
	for _, p := range d.Pending {
		fmt.Fprintf(&b, "  %s needs %d approval by %s, has %d\n", p.Rule.ID, p.Need, strings.Join(p.By, ", "), p.Have)
	}
	for _, err := range d.Errors {
		what := "error in"
		switch err.Code {
		case CodeLimit:
			what = "limit"
		case CodeOutOfOrder:
			what = "lifecycle"
		}
		fmt.Fprintf(&b, "  %s %s at %s: %s\n", what, err.Rule, err.Span, oneLine(err.Message))
	}
	if x.Nearest != nil && d.Outcome == Deny && len(d.Rules) == 0 {
		fmt.Fprintf(&b, "  the nearest permit is %s at %s\n", x.Nearest.ID, x.Nearest.Span)
		for _, part := range x.Mismatch {
			fmt.Fprintf(&b, "    it is about another %s: %s\n", part, scopeText(x.Nearest.Scope, part))
		}
		if x.Failed != nil {
			x.Failed.write(&b, "holds, and must not", "doesn't hold")
		}
	}
	return b.String()
}

// write renders a condition and what it saw.
func (f *FailedCondition) write(b *strings.Builder, holds, fails string) {
	what := fails
	switch {
	case f.Error != "":
		what = "can't be evaluated: " + oneLine(f.Error)
	case f.Unless:
		what = holds
	}
	fmt.Fprintf(b, "    at %s `%s` %s\n", f.Span, strings.Join(strings.Fields(f.Span.Text()), " "), what)
	for _, s := range f.Saw {
		fmt.Fprintf(b, "      %s is %s\n", s.Expr, s.Value)
	}
}

// scopeText is the text of a part of a scope.
func scopeText(s lang.Scope, part string) string {
	span := s.Subjects.Span
	switch part {
	case "action":
		span = s.Actions.Span
	case "resource":
		if len(s.Targets) > 0 {
			span = s.Targets[0].Span
			span.End = s.Targets[len(s.Targets)-1].Span.End
		}
	}
	return short(strings.Join(strings.Fields(span.Text()), " "))
}

// oneLine returns a text that prints on one line: as it is, or quoted when it holds what isn't graphic.
func oneLine(s string) string {
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return strconv.QuoteToGraphic(s)
		}
	}
	return s
}
