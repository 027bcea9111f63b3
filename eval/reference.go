package eval

import (
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// Reference decides as spec/LANGUAGE.md says, as plainly as possible: every rule is looked at, every condition is walked as
// it was written. It is the executable specification; [Program.Decide] must agree with it on everything, and is what services use.
func Reference(prog *lang.Program, req Request, facts Facts) Decision {
	if h := facts.History; h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	e, d := prepare(prog, &req, &facts)
	if d != nil {
		return *d
	}
	facets, d := e.facets()
	if d != nil {
		return *d
	}
	if d := delegated(facts.Authority, func(from string, to resource.Name) Outcome {
		v := e.delegation(from, to).consult()
		return v.decision().Outcome
	}); d != nil {
		return *d
	}
	var decisions []Decision
	e.calls = facets
	for i, f := range facets {
		e.facet, e.at = f, i
		v := e.consult()
		decisions = append(decisions, e.bounded(v.decision()))
	}
	return e.remember(worst(decisions))
}

// facets lists what the request does: its own action, then the effects of the tool that it calls.
func (e *env) facets() ([]facet, *Decision) {
	out := []facet{e.facet}
	if e.tool == nil {
		return out, nil
	}
	for _, effect := range e.tool.Effects {
		if effect.When != nil {
			t := e.truth(effect.When)
			if t.err != nil {
				return nil, denied(CodeInvalidEffect, "whether %s does %s: %s", e.tool.Name.Name, effect.Action.Name, t.err.message)
			}
			if !t.is {
				continue
			}
		}
		on, err := e.value(effect.On)
		if err != nil {
			return nil, denied(CodeInvalidEffect, "what %s does %s on: %s", e.tool.Name.Name, effect.Action.Name, err.message)
		}
		resources, cerr := effectResources(on)
		if cerr != nil {
			return nil, denied(CodeInvalidEffect, "what %s does %s on: %s", e.tool.Name.Name, effect.Action.Name, cerr)
		}
		for _, r := range resources {
			if out = append(out, facet{effect.Action.Name, r}); len(out) > MaxFacets {
				return nil, denied(CodeTooLarge, "the call touches more than %d resources", MaxFacets)
			}
		}
	}
	return out, nil
}

// consult asks every rule about the facet. It doesn't stop early: which rules are reported must not depend on their order.
func (e *env) consult() verdict {
	var v verdict
	for _, r := range e.prog.Rules {
		t, inScope := e.holds(r)
		if !inScope {
			continue
		}
		switch {
		case r.Effect == lang.Forbid && t.err != nil:
			v.forbidErrors = append(v.forbidErrors, t.err.of(r.ID))
		case r.Effect == lang.Forbid && t.is:
			v.forbids = append(v.forbids, r)
		case r.Effect == lang.Forbid:
		case t.err != nil:
			v.permitErrors = append(v.permitErrors, t.err.of(r.ID))
		case !t.is:
			v.failed = true
		case r.Approval == nil:
			v.permits, v.plain = append(v.permits, r), true
		default:
			if used, have := e.approvals(r); have >= int(r.Approval.N) {
				v.permitted(r, used)
			} else {
				v.pending = append(v.pending, pendingOf(r, have))
			}
		}
	}
	return v
}

// holds evaluates the conditions of a rule, and reports whether the facet is in its scope. A permit is about the requester; a forbid about
// everybody on the chain, and it holds when it does for one of them.
func (e *env) holds(r *lang.Rule) (t truth, inScope bool) {
	about := []string{e.req.Subject}
	if r.Effect == lang.Forbid {
		about = e.onChain()
	}
	for _, subject := range about {
		in := *e
		in.as, in.permits = subject, r.Effect == lang.Permit
		if !in.inScope(r.Scope.Subjects, r.Scope.Actions, r.Scope.Targets) {
			continue
		}
		one := truth{is: true}
		for _, c := range r.Conds {
			one = and(one, in.cond(c))
		}
		t, inScope = or(t, one), true
	}
	return t, inScope
}

func (e *env) inScope(subj, actions lang.Names, targets []lang.Target) bool {
	return e.matchesSubject(subj) && e.matchesAction(actions) && e.matchesTarget(targets)
}

func (e *env) matchesSubject(n lang.Names) bool {
	if n.Any {
		return true
	}
	for _, s := range e.names(e.as) {
		for _, id := range n.Names {
			if id.Name == s {
				return true
			}
		}
	}
	return false
}

func (e *env) matchesAction(n lang.Names) bool {
	if n.Any {
		return true
	}
	for _, id := range n.Names {
		if id.Name == e.facet.action {
			return true
		}
	}
	return false
}

func (e *env) matchesTarget(targets []lang.Target) bool {
	for _, t := range targets {
		if t.Kind == lang.TargetAny {
			return true
		}
		for _, p := range t.Patterns {
			if p.Match(e.facet.resource.name()) {
				return true
			}
		}
	}
	return false
}

func (e *env) cond(c lang.Cond) truth {
	if !c.Unless {
		return e.truth(c.X)
	}
	return e.turned(c.X)
}

// turned is the truth of a negated condition.
func (e *env) turned(x lang.Expr) truth {
	defer func(was bool) { e.neg = was }(e.neg)
	e.neg = !e.neg || e.opaque
	return not(e.truth(x))
}

// Strong Kleene logic: an error is overruled by what decides without it. Of two errors the first in the source is reported.

func not(t truth) truth {
	if t.err != nil {
		return t
	}
	return truth{is: !t.is}
}

func and(a, b truth) truth {
	switch {
	case a.err == nil && !a.is, b.err == nil && !b.is:
		return truth{}
	case a.err != nil:
		return a
	}
	return b
}

func or(a, b truth) truth { return not(and(not(a), not(b))) }

// truth evaluates a condition.
func (e *env) truth(x lang.Expr) truth {
	switch x := x.(type) {
	case *lang.Not:
		return e.turned(x.X)
	case *lang.Logic:
		t := truth{is: !x.Or}
		for _, y := range x.Xs {
			if x.Or {
				t = or(t, e.truth(y))
			} else {
				t = and(t, e.truth(y))
			}
		}
		return t
	case *lang.Quantified:
		list, err := e.inside().there(x.In)
		if err != nil {
			return truth{err: err}
		}
		t := truth{is: x.All}
		for _, item := range list.items {
			inner := e.bind(x.Var.Name, item)
			if x.All {
				t = and(t, inner.truth(x.Body))
			} else {
				t = or(t, inner.truth(x.Body))
			}
		}
		return t
	}
	v, err := e.value(x)
	if err != nil {
		return truth{err: err}
	}
	return truth{is: v.n != 0}
}

// value evaluates an expression. An absent value without an error is an optional that isn't there.
func (e *env) value(x lang.Expr) (val, *condError) {
	switch x.(type) {
	case *lang.Not, *lang.Logic, *lang.Quantified, *lang.Var, *lang.Once:
	default:
		e = e.inside()
	}
	switch x := x.(type) {
	case *lang.Literal:
		v, err := literal(x)
		return v, wrap(x.Span, err)
	case *lang.Fact:
		return e.fact(x)
	case *lang.Var:
		if x.Define != nil {
			return e.outside().value(x.Define.Body)
		}
		return e.lookup(x.Name), nil
	case *lang.Select:
		return e.selected(x, x.X, x.Name.Name)
	case *lang.Index:
		if x.Key.Kind == lang.LitString {
			return e.selected(x, x.X, x.Key.Str)
		}
		list, err := e.there(x.X)
		if err != nil || x.Key.Int >= int64(len(list.items)) {
			return val{}, err
		}
		return list.items[x.Key.Int], nil
	case *lang.Call:
		args := make([]val, len(x.Args))
		for i, a := range x.Args {
			var err *condError
			if args[i], err = e.there(a); err != nil {
				return val{}, err
			}
		}
		v, err := call(x.Func.Name, args, e.facts.ValueOrigins)
		return v, wrap(x.Span, err)
	case *lang.List:
		list := val{kind: lang.ListKind}
		for _, elem := range x.Elems {
			v, err := e.there(elem)
			if err != nil {
				return val{}, err
			}
			list.items = append(list.items, v)
		}
		return list, nil
	case *lang.Record:
		return e.record(x)
	case *lang.Negate:
		v, err := e.there(x.X)
		if err != nil {
			return val{}, err
		}
		n, nerr := negate(v)
		return n, wrap(x.Span, nerr)
	case *lang.Binary:
		return e.binary(x)
	case *lang.Like:
		v, err := e.there(x.X)
		return computed(err == nil && like(v.s, x.Pattern.Value)), err
	case *lang.From:
		v, err := e.there(x.X)
		return computed(err == nil && v.from(x.Mode, listed(x))), err
	case *lang.Has:
		v, err := e.value(x.X)
		return computed(!v.absent()), err
	case *lang.Attested:
		v, err := e.there(x.X)
		return computed(err == nil && e.attested(v, x.Claim.Value, x.By.Name)), err
	case *lang.Once:
		t := e.once(x, cellOf(x.Content()), e.neg, func(in *env) truth { return in.outside().condition(x.When) })
		return computed(t.is), t.err
	}
	t := e.truth(x)
	return computed(t.is), t.err
}

// there evaluates an expression whose value must be there. The checker sees to it that only a condition that another one overrules asks for
// what isn't.
func (e *env) there(x lang.Expr) (val, *condError) {
	v, err := e.value(x)
	if err == nil && v.absent() {
		err = condErrorf(x.ExprSpan(), "`%s` is absent", short(x.ExprSpan().Text()))
	}
	return v, err
}

func (e *env) selected(x, from lang.Expr, name string) (val, *condError) {
	if f, ok := from.(*lang.Fact); ok && f.Root != lang.RootNow {
		return e.factField(f.Root, name, x.ExprSpan())
	}
	v, err := e.there(from)
	if err != nil {
		return val{}, err
	}
	return v.field(name), nil
}

func (e *env) record(x *lang.Record) (val, *condError) {
	fields := map[string]val{}
	for _, f := range x.Fields {
		v, err := e.there(f.Value)
		if err != nil {
			return val{}, err
		}
		fields[f.Name.Name] = v
	}
	return recordVal(fields), nil
}

func (e *env) binary(x *lang.Binary) (val, *condError) {
	if x.Op == lang.OpCoalesce {
		if v, err := e.value(x.X); err != nil || !v.absent() {
			return v, err
		}
		return e.value(x.Y)
	}
	a, err := e.there(x.X)
	if err != nil {
		return val{}, err
	}
	if x.Op == lang.OpIn && x.Pattern != nil {
		return computed(inPattern(a, x.Pattern)), nil
	}
	if v, ok := x.Y.(*lang.Var); x.Op == lang.OpIn && ok && v.Group != nil {
		return computed(e.isIn(a.s, v.Group.Name.Name)), nil
	}
	b, err := e.there(x.Y)
	if err != nil {
		return val{}, err
	}
	if x.Op == lang.OpIn {
		return computed(member(a, b)), nil
	}
	if x.Decimal {
		a, b = a.widened(), b.widened()
	}
	v, oerr := binaryOp(x.Op, a, b)
	return v, wrap(x.Span, oerr)
}

// inside is the environment of what is no condition of its own: whether it counts when it is true or false can't be told.
func (e *env) inside() *env {
	if e.opaque {
		return e
	}
	out := *e
	out.neg, out.opaque = true, true
	return &out
}

// condition is the truth of a condition, which may be none.
func (e *env) condition(x lang.Expr) truth {
	if x == nil {
		return truth{is: true}
	}
	return e.truth(x)
}

// remember asks limits and lifecycles about what everything else permits, and says what a permit changes.
func (e *env) remember(d Decision) Decision {
	onces := e.prog.Onces()
	if d.Outcome != Permit || len(e.prog.Limits)+len(e.prog.Lifecycles)+len(onces) == 0 {
		return d
	}
	r := &reckoning{env: e}
	for _, l := range e.prog.Limits {
		num := newLimit(l)
		own := false
		for i, f := range e.calls {
			if i > 0 && l.Scope.Actions.Any && own {
				break // the call has been counted
			}
			in := *e
			in.facet, in.at = f, i
			together, holder := truth{}, e.holders()[0]
			for _, in.as = range e.bound(l.Scope.Subjects) {
				if !in.inScope(l.Scope.Subjects, l.Scope.Actions, l.Scope.Targets) {
					continue
				}
				t := in.condition(l.When)
				together = or(together, t)
				if l.Each == "agent" || l.Each == "root" && in.as != holder {
					in.claim(r, &num, in.as, t)
				}
			}
			if l.Each != "agent" {
				in.claim(r, &num, holder, together)
			}
			own = own || i == 0 && (together.is || together.err != nil)
		}
	}
	r.take()
	in := *e
	r.env = &in // whose place in the request is moved about
	r.step(lifecycleCells(e.prog))
	for _, x := range onces {
		if e.facts.History.isZero() {
			break // who keeps none has nothing to remember
		}
		var session truth
		agents := map[string]truth{}
		for i, f := range e.calls {
			in := *e
			in.facet, in.at = f, i
			if !in.matchesAction(x.Event.Actions) || !in.matchesTarget(x.Event.Targets) {
				continue
			}
			for _, in.as = range e.holders() {
				t := in.outside().condition(x.When)
				session, agents[in.as] = or(session, t), or(agents[in.as], t)
			}
		}
		if x.Scope == "session" {
			r.saw(Cell{Of: cellOf(x.Content()), Session: e.facts.Session}, session, x)
			continue
		}
		for agent, t := range agents {
			r.saw(Cell{Of: cellOf(x.Content()), Agent: agent}, t, x)
		}
	}
	return r.decision(d)
}

// claim adds what the facet claims of a limit, if the limit's condition holds.
func (e *env) claim(r *reckoning, num *limit, agent string, t truth) {
	l, sum := num.decl, val{}
	if t.err != nil {
		r.errors = append(r.errors, t.err.of(l.ID))
	}
	if !t.is || t.err != nil {
		return
	}
	if l.Sum != nil {
		in := *e
		in.as = e.req.Subject
		v, err := in.there(l.Sum)
		if err != nil {
			r.errors = append(r.errors, err.of(l.ID))
			return
		}
		sum = v
	}
	if c, ok := r.cell(num, agent); ok {
		r.claim(num, c, sum)
	}
}

// outside is the environment of a define's body: it sees the facts, no quantifier's variable.
func (e *env) outside() *env {
	out := *e
	out.vars = nil
	return &out
}

// listed are the origins that a from names.
func listed(x *lang.From) []string {
	out := make([]string, len(x.Origins))
	for i, o := range x.Origins {
		out[i] = o.Name
	}
	return out
}

func wrap(span lang.Span, err error) *condError {
	if err == nil {
		return nil
	}
	return condErrorf(span, "%s", err)
}
