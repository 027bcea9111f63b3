package lang

import (
	"sort"

	"github.com/moat-lang/moat/value"
)

// This file turns the trees of the grammar (grammar.go) into the syntax tree (ast.go).

// converter turns participle's tree into ours. Literals were checked by the lexer, so decoding them can't fail here in a
// file without errors; in one with errors the zero value stands in.
type converter struct {
	src    *Source
	tokens []token // all of the file, for the ends of spans
	diags  *diagnostics
}

// span is the range of tokens that a node covers: participle's EndPos is where the next token begins.
func (c *converter) span(n gNode) Span {
	i := sort.Search(len(c.tokens), func(i int) bool { return c.tokens[i].start >= n.EndPos.Offset })
	end := n.EndPos.Offset
	if i > 0 {
		end = c.tokens[i-1].end
	}
	return Span{c.src, n.Pos.Offset, max(end, n.Pos.Offset)}
}

func (c *converter) int(lit string) int64 {
	n, _ := parseInt(lit)
	return n
}

func (c *converter) ident(n *gIdent) Ident { return Ident{c.span(n.gNode), n.Name} }

func (c *converter) idents(ns []*gIdent) []Ident {
	var out []Ident
	for _, n := range ns {
		out = append(out, c.ident(n))
	}
	return out
}

func (c *converter) str(n *gStr) Str {
	s, _, _ := unquote(n.Lit)
	return Str{c.span(n.gNode), s}
}

func (c *converter) strOrNil(n *gStr) *Str {
	if n == nil {
		return nil
	}
	s := c.str(n)
	return &s
}

func (c *converter) strs(ns []*gStr) []Str {
	var out []Str
	for _, n := range ns {
		out = append(out, c.str(n))
	}
	return out
}

func (c *converter) word(n *gWord) Ident {
	name := n.Ident + n.Keyword
	if n.Str != "" {
		name, _, _ = unquote(n.Str)
	}
	return Ident{c.span(n.gNode), name}
}

func (c *converter) name(n *gName) *Ident {
	if n == nil {
		return nil
	}
	name := n.Ident
	if n.Str != "" {
		name, _, _ = unquote(n.Str)
	}
	return &Ident{c.span(n.gNode), name}
}

func (c *converter) ref(n *gRef) Ident {
	name := c.name(&n.First).Name
	if n.Rest != nil {
		name += "." + c.word(n.Rest).Name
	}
	return Ident{c.span(n.gNode), name}
}

func (c *converter) decl(n *gDecl) Decl {
	span := c.span(n.gNode)
	switch {
	case n.Group != nil:
		return &Group{Span: span, Name: c.ident(&n.Group.Name), In: c.idents(n.Group.In), Claims: c.strs(n.Group.Claims)}
	case n.Principal != nil:
		return &Principal{Span: span, Kind: PrincipalKind(n.Principal.Kind), Name: c.ident(&n.Principal.Name), In: c.idents(n.Principal.In)}
	case n.Words != nil && n.Words.Kind == "action":
		return &Actions{Span: span, Names: c.idents(n.Words.Names)}
	case n.Words != nil:
		return &Origins{Span: span, Names: c.idents(n.Words.Names)}
	case n.Tool != nil:
		return c.tool(span, n.Tool)
	case n.Context != nil:
		return &Context{Span: span, Fields: c.fields(n.Context.Fields)}
	case n.Define != nil:
		return &Define{Span: span, Name: c.ident(&n.Define.Name), Body: c.expr(&n.Define.Body)}
	case n.Rule != nil:
		return c.rule(span, n.Rule)
	case n.Limit != nil:
		return c.limit(span, n.Limit)
	case n.Lifecycle != nil:
		d := &Lifecycle{Span: span, Name: c.ident(&n.Lifecycle.Name), Subjects: c.names(&n.Lifecycle.Subjects), Start: c.word(&n.Lifecycle.Start)}
		for _, t := range n.Lifecycle.Transitions {
			d.Transitions = append(d.Transitions, Transition{c.span(t.gNode), c.word(&t.From), c.word(&t.To), c.event(&t.Event)})
		}
		return d
	case n.Delegation != nil:
		return &Delegation{Span: span, Settings: c.settings(n.Delegation.Settings)}
	case n.Sandbox != nil:
		return &Sandbox{Span: span, Subjects: c.names(&n.Sandbox.Subjects), Settings: c.settings(n.Sandbox.Settings)}
	case n.Secret != nil:
		on := c.str(&n.Secret.On)
		return &Secret{Span: span, Name: c.ident(&n.Secret.Name), For: c.names(&n.Secret.For), On: Target{Span: on.Span, Kind: TargetPattern, Text: on},
			Header: c.str(&n.Secret.Header), Template: c.str(&n.Secret.Template)}
	default:
		d := &Test{Span: span, Name: c.str(&n.Test.Name)}
		for _, s := range n.Test.Steps {
			d.Steps = append(d.Steps, c.step(s))
		}
		return d
	}
}

func (c *converter) tool(span Span, n *gTool) *Tool {
	d := &Tool{Span: span, Name: c.ref(&n.Name), Result: c.typ(n.Result), Pin: c.strOrNil(n.Pin)}
	for _, p := range n.Params {
		d.Params = append(d.Params, Param{c.span(p.gNode), c.word(&p.Name), c.typ(&p.Type), p.Record})
	}
	for _, e := range n.Effects {
		d.Effects = append(d.Effects, &Effect{c.span(e.gNode), c.ident(&e.Action), c.post(&e.On), c.exprOrNil(e.When)})
	}
	return d
}

func (c *converter) typ(n *gType) *TypeExpr {
	if n == nil {
		return nil
	}
	t := &TypeExpr{Span: c.span(n.gNode), Optional: n.Optional, Elem: c.typ(n.List), Enum: c.strs(n.Enum)}
	if n.Name != "" {
		span := c.span(n.gNode)
		span.End = span.Start + len(n.Name)
		t.Name = &Ident{span, n.Name}
	}
	if n.Record != nil {
		t.Record, t.Fields = true, c.fields(n.Record.Fields)
	}
	return t
}

func (c *converter) fields(ns []*gField) []FieldExpr {
	var out []FieldExpr
	for _, n := range ns {
		out = append(out, FieldExpr{c.span(n.gNode), c.word(&n.Name), c.typ(&n.Type)})
	}
	return out
}

func (c *converter) names(n *gNames) Names {
	return Names{c.span(n.gNode), n.Any, c.idents(n.Names)}
}

func (c *converter) target(n *gTarget) Target {
	t := Target{Span: c.span(n.gNode)}
	switch {
	case n.Any:
		t.Kind = TargetAny
	case n.Tool != nil && n.Tool.Any:
		t.Kind = TargetTools
	case n.Tool != nil:
		t.Kind, t.Tool = TargetTool, c.ref(n.Tool.Ref)
	case n.Agents != nil:
		t.Kind, t.Agents = TargetAgents, c.names(n.Agents)
	default:
		t.Kind, t.Text = TargetPattern, c.str(n.Text)
	}
	return t
}

func (c *converter) targets(ns []*gTarget) []Target {
	var out []Target
	for _, n := range ns {
		out = append(out, c.target(n))
	}
	return out
}

func (c *converter) scope(n *gScope) Scope {
	return Scope{c.span(n.gNode), c.names(&n.Subjects), c.names(&n.Actions), c.targets(n.Targets)}
}

func (c *converter) event(n *gEvent) Event {
	return Event{c.span(n.gNode), c.names(&n.Actions), c.targets(n.Targets)}
}

func (c *converter) rule(span Span, n *gRule) *Rule {
	d := &Rule{Span: span, Effect: RuleEffect(n.Effect), Label: c.name(n.Label), Scope: c.scope(&n.Scope)}
	for _, cl := range n.Clauses {
		at := c.span(cl.gNode)
		twice := func(first Span, what string) {
			c.diags.errorf(at, CodeSyntax, "a rule has at most one `%s`", what).label(first, "the first one")
		}
		switch {
		case cl.When != nil:
			d.Conds = append(d.Conds, Cond{at, false, c.expr(cl.When)})
		case cl.Unless != nil:
			d.Conds = append(d.Conds, Cond{at, true, c.expr(cl.Unless)})
		case cl.Because != nil:
			if d.Because != nil {
				twice(d.Because.Span, "because")
			}
			d.Because = c.strOrNil(cl.Because)
		case cl.Notify != nil:
			d.Notify = append(d.Notify, c.str(cl.Notify))
		default:
			if d.Approval != nil {
				twice(d.Approval.Span, "needs approval")
			}
			d.Approval = &ApprovalClause{Span: at, N: 1, By: c.idents(cl.Needs.By), Within: c.quant(cl.Needs.Within)}
			if cl.Needs.N != "" {
				d.Approval.N = c.int(cl.Needs.N)
			}
		}
	}
	return d
}

func (c *converter) limit(span Span, n *gLimit) *Limit {
	d := &Limit{Span: span, Label: c.name(n.Label), Scope: c.scope(&n.Scope), When: c.exprOrNil(n.When), Max: c.num(&n.Max),
		Per: c.quant(n.Per), PerSession: n.Session, Each: n.Each}
	if n.Sum != nil {
		d.Sum = c.post(n.Sum)
	}
	if n.Burst != nil {
		d.Burst = c.num(n.Burst)
	}
	if d.Each == "" {
		d.Each = "root"
	}
	return d
}

func (c *converter) settings(ns []*gSetting) []Setting {
	var out []Setting
	for _, n := range ns {
		s := Setting{c.span(n.gNode), c.ident(&n.Name), []*Literal{c.lit(n.Val)}}
		for _, l := range n.More {
			s.Values = append(s.Values, c.lit(l))
		}
		out = append(out, s)
	}
	return out
}

func (c *converter) step(n *gStep) Step {
	span := c.span(n.gNode)
	switch {
	case n.Given != nil:
		return &Given{span, c.rec(n.Given)}
	case n.Wait != nil:
		return &Wait{span, c.quant(n.Wait)}
	case n.Approve != nil:
		return &Approve{span, c.ident(n.Approve)}
	}
	t := n.Try
	s := &Try{Span: span, Subject: *c.name(&t.Subject), Action: c.ident(&t.Action), Target: c.target(&t.Target),
		Expect: Ident{c.span(t.Expect.gNode), t.Expect.Outcome}, By: c.name(t.By)}
	if t.Args != nil {
		s.Args = c.rec(t.Args)
	}
	return s
}

func (c *converter) quant(n *gQuant) *Literal {
	if n == nil {
		return nil
	}
	return c.quantLit(c.span(n.gNode), n.Lit)
}

func (c *converter) quantLit(span Span, lit string) *Literal {
	if d, err := value.ParseDuration(lit); err == nil {
		return &Literal{Span: span, Kind: LitDuration, Dur: d}
	}
	n, _ := value.ParseSize(lit)
	return &Literal{Span: span, Kind: LitSize, Int: n}
}

func (c *converter) num(n *gNum) *Literal {
	if n.Decimal != "" {
		d, _ := parseDecimal(n.Decimal)
		return &Literal{Span: c.span(n.gNode), Kind: LitDecimal, Decimal: d}
	}
	return &Literal{Span: c.span(n.gNode), Kind: LitInt, Int: c.int(n.Int)}
}

func (c *converter) lit(n *gLit) *Literal {
	span := c.span(n.gNode)
	switch {
	case n.Bool != "":
		return &Literal{Span: span, Kind: LitBool, Bool: n.Bool == "true"}
	case n.Str != "":
		s, _, _ := unquote(n.Str)
		return &Literal{Span: span, Kind: LitString, Str: s}
	case n.Quant != "":
		return c.quantLit(span, n.Quant)
	}
	return c.num(&gNum{n.gNode, n.Int, n.Decimal})
}

func (c *converter) exprOrNil(n *gExpr) Expr {
	if n == nil {
		return nil
	}
	return c.expr(n)
}

func (c *converter) expr(n *gExpr) Expr {
	if len(n.Xs) == 1 {
		return c.and(n.Xs[0])
	}
	x := &Logic{Span: c.span(n.gNode), Or: true}
	for _, y := range n.Xs {
		x.Xs = append(x.Xs, c.and(y))
	}
	return x
}

func (c *converter) and(n *gAnd) Expr {
	if len(n.Xs) == 1 {
		return c.not(n.Xs[0])
	}
	x := &Logic{Span: c.span(n.gNode)}
	for _, y := range n.Xs {
		x.Xs = append(x.Xs, c.not(y))
	}
	return x
}

func (c *converter) not(n *gNot) Expr {
	span := c.span(n.gNode)
	switch {
	case n.Not != nil:
		return &Not{span, c.not(n.Not)}
	case n.Has != nil:
		return &Has{span, c.post(n.Has)}
	case n.Quantified != nil:
		q := n.Quantified
		return &Quantified{span, q.Kind == "all", c.ident(&q.Var), c.sum(&q.In), c.expr(&q.Body)}
	case n.Once != nil:
		o := n.Once
		return &Once{span, o.Scope, c.event(&o.Event), c.exprOrNil(o.When), c.quant(o.Within)}
	}
	return c.cmp(n.Cmp)
}

func (c *converter) cmp(n *gCmp) Expr {
	x, span := c.sum(&n.X), c.span(n.gNode)
	switch {
	case n.Op != nil:
		return &Binary{Span: span, Op: BinaryOp(n.Op.Op), OpSpan: c.span(n.Op.gNode), X: x, Y: c.sum(n.Y)}
	case n.Like != nil:
		return &Like{span, x, c.str(n.Like)}
	case n.From != nil:
		f := &From{Span: span, X: x, Mode: FromMode(n.From.Mode)}
		list := n.From.List
		if n.From.One != nil {
			list = []*gOrig{n.From.One}
		}
		for _, o := range list {
			name := o.Name
			for i, w := range o.Tool {
				if i == 0 {
					name = "tool " + c.word(w).Name
				} else {
					name += "." + c.word(w).Name
				}
			}
			f.Origins = append(f.Origins, Origin{c.span(o.gNode), name})
		}
		return f
	case n.Attested != nil:
		return &Attested{span, x, c.str(&n.Attested.Claim), c.ident(&n.Attested.By)}
	}
	return x
}

// tooLong reports a chain of operators that is longer than MaxDepth; a chain nests to the left.
func (c *converter) tooLong(n int, span Span, what string) bool {
	if n <= MaxDepth {
		return false
	}
	c.diags.errorf(span, CodeTooDeep, "a chain of %d %s; at most %d are allowed", n, what, MaxDepth)
	return true
}

func (c *converter) sum(n *gSum) Expr {
	x := c.coal(&n.X)
	if c.tooLong(len(n.Rest), c.span(n.gNode), "operators") {
		return x
	}
	// `*` binds tighter than `+` and `-`.
	var terms []operand
	var ops []*gAdd
	left := operand{x, c.span(n.X.gNode)}
	for _, r := range n.Rest {
		right := operand{c.coal(&r.X), c.span(r.X.gNode)}
		if r.Op == "*" {
			left = c.arith(left, r, right)
			continue
		}
		terms, ops, left = append(terms, left), append(ops, r), right
	}
	terms = append(terms, left)
	left = terms[0]
	for i, op := range ops {
		left = c.arith(left, op, terms[i+1])
	}
	return left.x
}

// An operand is an expression and what it covers in the source, parentheses included.
type operand struct {
	x    Expr
	span Span
}

func (c *converter) arith(x operand, n *gAdd, y operand) operand {
	span := x.span.to(y.span)
	return operand{&Binary{Span: span, Op: BinaryOp(n.Op), OpSpan: Span{c.src, n.Pos.Offset, n.Pos.Offset + 1}, X: x.x, Y: y.x}, span}
}

func (c *converter) coal(n *gCoal) Expr {
	x := c.post(&n.X)
	if n.Default == nil {
		return x
	}
	at := n.Default.Pos.Offset
	return &Binary{Span: c.span(n.gNode), Op: OpCoalesce, OpSpan: Span{c.src, at, at + len(OpCoalesce)}, X: x, Y: c.post(&n.Default.X)}
}

func (c *converter) post(n *gPost) Expr {
	x := c.prim(&n.Prim)
	if c.tooLong(len(n.Ops), c.span(n.gNode), "selections") {
		return x
	}
	for _, op := range n.Ops {
		at := c.span(op.gNode)
		span := Span{c.src, n.Pos.Offset, at.End}
		switch {
		case op.Name != nil:
			x = &Select{span, x, c.word(op.Name)}
		case op.Str != "":
			s, _, _ := unquote(op.Str)
			x = &Index{span, x, &Literal{Span: at, Kind: LitString, Str: s}}
		default:
			x = &Index{span, x, &Literal{Span: at, Kind: LitInt, Int: c.int(op.Int)}}
		}
	}
	return x
}

func (c *converter) prim(n *gPrim) Expr {
	span := c.span(n.gNode)
	switch {
	case n.Lit != nil:
		return c.lit(n.Lit)
	case n.Neg != nil:
		return &Negate{span, c.num(n.Neg)}
	case n.List != nil:
		x := &List{Span: span}
		for _, e := range n.List.Elems {
			x.Elems = append(x.Elems, c.expr(e))
		}
		return x
	case n.Rec != nil:
		return c.rec(n.Rec)
	case n.Paren != nil:
		return c.expr(n.Paren)
	case n.Fact != "":
		return &Fact{span, FactRoot(n.Fact)}
	case n.Name.Call:
		x := &Call{Span: span, Func: c.ident(&n.Name.Name)}
		for _, a := range n.Name.Args {
			x.Args = append(x.Args, c.expr(a))
		}
		return x
	}
	return &Var{Span: span, Name: n.Name.Name.Name}
}

func (c *converter) rec(n *gRec) *Record {
	x := &Record{Span: c.span(n.gNode)}
	for _, f := range n.Fields {
		x.Fields = append(x.Fields, RecordField{c.word(&f.Name), c.expr(&f.Value)})
	}
	return x
}
