package eval

import (
	"fmt"
	"slices"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/value"
)

// What a decision has to do with the past: limits and lifecycles are asked once everything else permits a request, and what it would change is
// computed at the same time. Which limits and events a request is about is found out twice, here and in reference.go; what follows from it stands in this package once.

// A past is a program's view of history: what it counts, which events it asks for, which lifecycles there are.
type past struct {
	limits     []compiledLimit // the policy's, in their order
	limiters   *ruleIndex
	lifecycles [][16]byte // of the policy's, in their order: the cells that they are kept in
	events     []event
	happenings *ruleIndex
	// looks tells that some decision depends on the past.
	looks bool
}

// A compiledLimit is a limit with its condition and its sum; nil for none.
type compiledLimit struct {
	limit
	cond truthFn
	sum  valueFn
}

func (c *compiler) past() *past {
	p := &past{}
	var scopes []lang.Scope
	for _, l := range c.prog.Limits {
		cl := compiledLimit{limit: newLimit(l)}
		if l.When != nil {
			cl.cond = c.truth(l.When)
		}
		if l.Sum != nil {
			cl.sum, _ = c.there(l.Sum)
		}
		p.limits, scopes = append(p.limits, cl), append(scopes, l.Scope)
	}
	p.limiters = newRuleIndex(c.prog, scopes)
	p.lifecycles = lifecycleCells(c.prog)
	scopes = nil
	index := map[[16]byte]int{}
	for _, x := range c.prog.Onces() {
		of := cellOf(x.Content())
		i, known := index[of]
		if !known {
			i = len(p.events)
			index[of] = i
			p.events = append(p.events, event{of: of, asks: x, when: c.onceWhen(x.Once)})
			scopes = append(scopes, lang.Scope{Subjects: lang.Names{Any: true}, Actions: x.Event.Actions, Targets: x.Event.Targets})
		}
		if x.Rule < p.events[i].asks.Rule {
			p.events[i].asks = x
		}
		p.events[i].agent = p.events[i].agent || x.Scope == "agent"
		p.events[i].session = p.events[i].session || x.Scope == "session"
	}
	p.happenings = newRuleIndex(c.prog, scopes)
	p.looks = len(p.limits)+len(p.events)+len(c.prog.Lifecycles) > 0
	return p
}

// holders are those in whose hands the authority has been, each once, in order: first the one that the trusted root gave it to, last the requester. The trusted
// root itself is one of them only where the policy declares it as an agent: else it hands authority to many, and what one of them does is no past of the others.
func (e *env) holders() []string {
	chain := e.onChain()
	if a := e.facts.Authority; a != nil && len(a.Agents) == a.Depth+1 && a.Depth > 0 {
		if p := e.prog.Principals[chain[0]]; p == nil || p.Kind != lang.Agent {
			chain = chain[1:]
		}
	}
	return distinct(chain)
}

// bound are those whom a limit or a lifecycle may be about: the holders and, where it names it, the trusted root.
func (e *env) bound(subjects lang.Names) []string {
	if subjects.Any {
		return e.holders()
	}
	return distinct(e.onChain())
}

// distinct returns names without repetitions. Hardly ever there are any.
func distinct(names []string) []string {
	for i := range names {
		if !slices.Contains(names[:i], names[i]) {
			continue
		}
		out := slices.Clone(names[:i])
		for _, n := range names[i:] {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		return out
	}
	return names
}

// remember is what a program that looks at the past makes of a permit. The history is locked.
func (p *Program) remember(e *env, d Decision) Decision {
	if !p.past.looks || d.Outcome != Permit {
		return d
	}
	if e.calls == nil {
		e.only[0] = e.facet
		e.calls = e.only[:]
	}
	r := &reckoning{env: e}
	e.permits = false
	defer func(f facet, as string, at int) { e.facet, e.as, e.at = f, as, at }(e.facet, e.as, e.at)
	p.claims(r)
	r.take()
	r.step(p.past.lifecycles)
	p.sees(r)
	return r.decision(d)
}

// A reckoning is what a request that everything else permits claims of limits, and why it can't.
type reckoning struct {
	env     *env
	claims  []claim
	claimed map[claimed]int // by limit and cell, the place in claims, where there are many
	changes []Change
	errors  []RuleError
	unkept  *RuleError // an event that can't be remembered
}

func (r *reckoning) fail(rule string, span lang.Span, code Code, format string, args ...any) {
	r.errors = append(r.errors, RuleError{rule, span, code, fmt.Sprintf(format, args...)})
}

// timed reports whether the host gave a time, and one that a history can keep.
func (e *env) timed() bool {
	t := e.facts.Time
	y := t.UTC().Year()
	return !t.IsZero() && y >= value.MinYear && y <= value.MaxYear
}

// decision is a permit with what it changes or, when something stands in its way, the denial.
func (r *reckoning) decision(d Decision) Decision {
	if r.unkept != nil {
		r.errors = append(r.errors, *r.unkept)
	}
	if len(r.errors) == 0 {
		if d.Changes = sortChanges(r.changes); len(d.Changes) > 0 && !r.env.facts.History.roomFor(d.Changes, r.env.prog) {
			return *denied(CodeNoHistory, "the history is full: it holds at most %d cells, and half of that for names that the policy doesn't declare", MaxCells)
		}
		return d
	}
	out := Decision{Errors: sortedUnique(r.errors, compareErrors)}
	for _, code := range []Code{CodeRuleError, CodeNoHistory, CodeLimit, CodeOutOfOrder} {
		if slices.ContainsFunc(out.Errors, func(e RuleError) bool { return e.Code == code }) {
			out.Code = code
			break
		}
	}
	return out
}

// Why what depends on the past can't be told.
const (
	noHistory = "it asks for what happened before, and the host keeps no history"
	noTime    = "the host gave no time that can be counted by"
	noSession = "the host gave no session"
)
