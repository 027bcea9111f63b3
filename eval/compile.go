package eval

import (
	"fmt"

	"github.com/moat-lang/moat/lang"
)

// Expressions compile once into functions. Variables of quantifiers become slots, defines are compiled in place, and what depends
// on no request is computed at compile time. The meaning is that of reference.go; the two differ in how, not in what.

type (
	truthFn func(*env) truth
	valueFn func(*env) (val, *condError)
)

// A compiler knows the names that stand for slots of env.vars, outermost first.
type compiler struct {
	prog   *lang.Program
	groups map[string]map[string]bool // members by group, as far as asked for
	names  []string
	base   int  // the first slot that is visible: a define doesn't see the variables around its use
	meter  bool // count steps at run time
	neg    bool // what is compiled counts when it is false: it stands under an odd number of negations, or where that can't be told
	opaque bool // it stands where that can't be told
}

// members are the principals in a group.
func (c *compiler) members(group string) map[string]bool {
	m := c.groups[group]
	if m == nil {
		m = map[string]bool{}
		for name := range c.prog.Principals {
			if c.prog.IsIn(name, group) {
				m[name] = true
			}
		}
		c.groups[group] = m
	}
	return m
}

// conds joins the conditions of a rule; nil when there are none.
func (c *compiler) conds(conds []lang.Cond) truthFn {
	var fns []truthFn
	for _, cond := range conds {
		if cond.Unless {
			fns = append(fns, negated(c.turned().truth(cond.X)))
		} else {
			fns = append(fns, c.truth(cond.X))
		}
	}
	switch len(fns) {
	case 0:
		return nil
	case 1:
		return fns[0]
	}
	return conjunction(fns)
}

// asksAgent reports whether conditions depend on who the principal is.
func asksAgent(conds []lang.Cond) bool {
	asks := false
	var look func(lang.Expr)
	look = func(x lang.Expr) {
		switch x := x.(type) {
		case *lang.Fact:
			asks = asks || x.Root == lang.RootAgent
		case *lang.Once:
			asks = asks || x.Scope == "agent"
		case *lang.Var:
			if x.Define != nil && !asks {
				lang.Walk(x.Define.Body, look)
			}
		}
	}
	for _, c := range conds {
		lang.Walk(c.X, look)
	}
	return asks
}

// turned is the compiler of what is negated.
func (c *compiler) turned() *compiler {
	out := *c
	out.neg = !c.neg || c.opaque
	return &out
}

// inside is the compiler of what is no condition of its own: whether it counts when it is true or false can't be told.
func (c *compiler) inside() *compiler {
	out := *c
	out.neg, out.opaque = true, true
	return &out
}

func negated(fn truthFn) truthFn {
	return func(e *env) truth { return not(fn(e)) }
}

// conjunction stops at the first operand that is false: strong Kleene logic makes everything after it irrelevant. An error
// doesn't stop it, since a later false overrules it.
func conjunction(fns []truthFn) truthFn {
	return func(e *env) truth {
		out := truth{is: true}
		for _, fn := range fns {
			t := fn(e)
			if t.err == nil && !t.is {
				return t
			}
			if t.err != nil && out.err == nil {
				out = t
			}
		}
		return out
	}
}

func disjunction(fns []truthFn) truthFn {
	return func(e *env) truth {
		var out truth
		for _, fn := range fns {
			t := fn(e)
			if t.err == nil && t.is {
				return t
			}
			if t.err != nil && out.err == nil {
				out = t
			}
		}
		return out
	}
}

func (c *compiler) truth(x lang.Expr) truthFn {
	switch x := x.(type) {
	case *lang.Not:
		return negated(c.turned().truth(x.X))
	case *lang.Logic:
		fns := make([]truthFn, len(x.Xs))
		for i, y := range x.Xs {
			fns[i] = c.truth(y)
		}
		if x.Or {
			return disjunction(fns)
		}
		return conjunction(fns)
	case *lang.Quantified:
		return c.quantified(x)
	}
	fn, _ := c.value(x)
	return func(e *env) truth {
		v, err := fn(e)
		return truth{is: err == nil && v.n != 0, err: err}
	}
}

func (c *compiler) quantified(x *lang.Quantified) truthFn {
	list, _ := c.inside().there(x.In)
	slot := len(c.names)
	inner := &compiler{prog: c.prog, groups: c.groups, names: append(c.names[:slot:slot], x.Var.Name), base: c.base, meter: c.meter, neg: c.neg, opaque: c.opaque}
	body, decides := inner.truth(x.Body), !x.All
	return func(e *env) truth {
		v, err := list(e)
		if err != nil {
			return truth{err: err}
		}
		out := truth{is: x.All}
		for _, item := range v.items {
			if c.meter && !e.spend(1) {
				return truth{err: overspent(x.Span)}
			}
			e.vars = append(e.vars[:slot], binding{val: item})
			t := body(e)
			if t.err == nil && t.is == decides {
				return t
			}
			if t.err != nil && out.err == nil {
				out = truth{err: t.err}
			}
		}
		return out
	}
}

func constant(v val, err *condError) valueFn {
	return func(*env) (val, *condError) { return v, err }
}

// value compiles an expression, and reports whether it is a constant.
func (c *compiler) value(x lang.Expr) (valueFn, bool) {
	fn, isConst := c.compile(x)
	if isConst {
		fn = constant(fn(nil))
	}
	if c.meter {
		fn = metered(fn, x.ExprSpan())
	}
	return fn, isConst
}

// metered counts the steps that a value takes: one, and one for each element of a list and for each 64 bytes of a text, about what whoever asks for it does
// with it. A program's own conditions are bounded when they are checked; a caveat is written by whoever holds a token.
func metered(fn valueFn, span lang.Span) valueFn {
	return func(e *env) (val, *condError) {
		if !e.spend(1) {
			return val{}, overspent(span)
		}
		v, err := fn(e)
		if err == nil && !e.spend(len(v.items)+len(v.s)/64) {
			err = overspent(span)
		}
		return v, err
	}
}

// spend takes steps, and reports whether there were so many. Nobody counts what is computed before there is a request.
func (e *env) spend(n int) bool {
	if e == nil {
		return true
	}
	e.steps += n
	return e.steps <= MaxCaveatSteps
}

func overspent(span lang.Span) *condError {
	return condErrorf(span, "the caveats take more than %d steps", MaxCaveatSteps)
}

// there compiles an expression whose value must be there.
func (c *compiler) there(x lang.Expr) (valueFn, bool) {
	fn, isConst := c.value(x)
	if isConst {
		v, err := fn(nil)
		if err == nil && v.absent() {
			err = condErrorf(x.ExprSpan(), "`%s` is absent", short(x.ExprSpan().Text()))
		}
		if err != nil || !c.meter {
			return constant(v, err), true
		}
		return fn, true
	}
	return func(e *env) (val, *condError) {
		v, err := fn(e)
		if err == nil && v.absent() {
			err = condErrorf(x.ExprSpan(), "`%s` is absent", short(x.ExprSpan().Text()))
		}
		return v, err
	}, false
}

func (c *compiler) theres(xs []lang.Expr) ([]valueFn, bool) {
	fns, all := make([]valueFn, len(xs)), true
	for i, x := range xs {
		fn, isConst := c.there(x)
		fns[i], all = fn, all && isConst
	}
	return fns, all
}

func (c *compiler) compile(x lang.Expr) (valueFn, bool) {
	switch x.(type) {
	case *lang.Not, *lang.Logic, *lang.Quantified, *lang.Var, *lang.Once:
	default:
		c = c.inside()
	}
	switch x := x.(type) {
	case *lang.Literal:
		v, err := literal(x)
		return constant(v, wrap(x.Span, err)), true
	case *lang.Fact:
		return func(e *env) (val, *condError) { return e.fact(x) }, false
	case *lang.Var:
		return c.variable(x)
	case *lang.Select:
		return c.selected(x, x.X, x.Name.Name)
	case *lang.Index:
		return c.index(x)
	case *lang.Call:
		args, isConst := c.theres(x.Args)
		return func(e *env) (val, *condError) {
			var buf [2]val
			vs, err := all(e, args, buf[:])
			if err != nil {
				return val{}, err
			}
			var labels map[string][]string
			if !isConst {
				labels = e.facts.ValueOrigins
			}
			v, cerr := call(x.Func.Name, vs, labels)
			return v, wrap(x.Span, cerr)
		}, isConst
	case *lang.List:
		elems, isConst := c.theres(x.Elems)
		return func(e *env) (val, *condError) {
			vs, err := all(e, elems, nil)
			if err != nil {
				return val{}, err
			}
			return val{kind: lang.ListKind, items: vs}, nil
		}, isConst
	case *lang.Record:
		return c.record(x)
	case *lang.Negate:
		fn, isConst := c.there(x.X)
		return func(e *env) (val, *condError) {
			v, err := fn(e)
			if err != nil {
				return val{}, err
			}
			n, nerr := negate(v)
			return n, wrap(x.Span, nerr)
		}, isConst
	case *lang.Binary:
		return c.binary(x)
	case *lang.Like:
		return c.test(x.X, func(v val) bool { return like(v.s, x.Pattern.Value) })
	case *lang.From:
		labels := listed(x)
		return c.test(x.X, func(v val) bool { return v.from(x.Mode, labels) })
	case *lang.Has:
		fn, isConst := c.value(x.X)
		return func(e *env) (val, *condError) {
			v, err := fn(e)
			return computed(!v.absent()), err
		}, isConst
	case *lang.Attested:
		fn, _ := c.there(x.X)
		return func(e *env) (val, *condError) {
			v, err := fn(e)
			return computed(err == nil && e.attested(v, x.Claim.Value, x.By.Name)), err
		}, false
	case *lang.Once:
		fn := c.once(x)
		return func(e *env) (val, *condError) {
			t := fn(e)
			return computed(t.is), t.err
		}, false
	case *lang.Not, *lang.Logic, *lang.Quantified:
		fn := c.truth(x)
		return func(e *env) (val, *condError) {
			t := fn(e)
			return computed(t.is), t.err
		}, false
	}
	panic(fmt.Sprintf("eval: compile: %T", x))
}

// all evaluates functions in order, up to the first error, into buf where it has room.
func all(e *env, fns []valueFn, buf []val) ([]val, *condError) {
	vs := buf
	if len(fns) > len(buf) {
		vs = make([]val, len(fns))
	}
	vs = vs[:len(fns)]
	for i, fn := range fns {
		var err *condError
		if vs[i], err = fn(e); err != nil {
			return nil, err
		}
	}
	return vs, nil
}

// test compiles a question about one value that must be there.
func (c *compiler) test(x lang.Expr, ask func(val) bool) (valueFn, bool) {
	fn, isConst := c.there(x)
	return func(e *env) (val, *condError) {
		v, err := fn(e)
		return computed(err == nil && ask(v)), err
	}, isConst
}

func (c *compiler) variable(x *lang.Var) (valueFn, bool) {
	if x.Define != nil {
		return (&compiler{prog: c.prog, groups: c.groups, names: c.names, base: len(c.names), meter: c.meter, neg: c.neg, opaque: c.opaque}).value(x.Define.Body)
	}
	for slot := len(c.names) - 1; slot >= c.base; slot-- {
		if c.names[slot] == x.Name {
			return func(e *env) (val, *condError) { return e.vars[slot].val, nil }, false
		}
	}
	return constant(val{}, nil), true
}

func (c *compiler) selected(x, from lang.Expr, name string) (valueFn, bool) {
	if f, ok := from.(*lang.Fact); ok && f.Root != lang.RootNow {
		root, span := f.Root, x.ExprSpan()
		return func(e *env) (val, *condError) { return e.factField(root, name, span) }, false
	}
	fn, isConst := c.there(from)
	return func(e *env) (val, *condError) {
		v, err := fn(e)
		if err != nil {
			return val{}, err
		}
		return v.field(name), nil
	}, isConst
}

func (c *compiler) index(x *lang.Index) (valueFn, bool) {
	if x.Key.Kind == lang.LitString {
		return c.selected(x, x.X, x.Key.Str)
	}
	fn, isConst := c.there(x.X)
	return func(e *env) (val, *condError) {
		v, err := fn(e)
		if err != nil || x.Key.Int >= int64(len(v.items)) {
			return val{}, err
		}
		return v.items[x.Key.Int], nil
	}, isConst
}

func (c *compiler) record(x *lang.Record) (valueFn, bool) {
	exprs := make([]lang.Expr, len(x.Fields))
	for i, f := range x.Fields {
		exprs[i] = f.Value
	}
	fns, isConst := c.theres(exprs)
	return func(e *env) (val, *condError) {
		vs, err := all(e, fns, nil)
		if err != nil {
			return val{}, err
		}
		fields := map[string]val{}
		for i, f := range x.Fields {
			fields[f.Name.Name] = vs[i]
		}
		return recordVal(fields), nil
	}, isConst
}

func (c *compiler) binary(x *lang.Binary) (valueFn, bool) {
	if x.Op == lang.OpCoalesce {
		a, constA := c.value(x.X)
		b, constB := c.value(x.Y)
		return func(e *env) (val, *condError) {
			if v, err := a(e); err != nil || !v.absent() {
				return v, err
			}
			return b(e)
		}, constA && constB
	}
	if x.Op == lang.OpIn && x.Pattern != nil {
		return c.test(x.X, func(v val) bool { return inPattern(v, x.Pattern) })
	}
	if v, ok := x.Y.(*lang.Var); x.Op == lang.OpIn && ok && v.Group != nil {
		group := v.Group.Name.Name
		members := c.members(group)
		fn, _ := c.there(x.X)
		return func(e *env) (val, *condError) {
			v, err := fn(e)
			return computed(err == nil && (members[v.s] || e.isIn(v.s, group))), err
		}, false
	}
	a, constA := c.there(x.X)
	b, constB := c.there(x.Y)
	apply := func(u, v val) (val, error) { return binaryOp(x.Op, u, v) }
	if x.Decimal {
		apply = func(u, v val) (val, error) { return binaryOp(x.Op, u.widened(), v.widened()) }
	}
	if x.Op == lang.OpIn {
		apply = func(u, v val) (val, error) { return computed(member(u, v)), nil }
	}
	return func(e *env) (val, *condError) {
		u, err := a(e)
		if err != nil {
			return val{}, err
		}
		v, err := b(e)
		if err != nil {
			return val{}, err
		}
		out, oerr := apply(u, v)
		return out, wrap(x.Span, oerr)
	}, constA && constB
}
