package lang

import (
	"sort"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// binary types X Op Y.
func (c *checker) binary(x *Binary, sc *scope, want Type) Type {
	switch x.Op {
	case OpIn:
		return c.in(x, sc)
	case OpCoalesce:
		return c.coalesce(x, sc, want)
	}
	if isUntyped(x.X) && isUntyped(x.Y) && want.Kind != Invalid && x.Op == OpAdd {
		tx := c.expr(x.X, sc, want)
		return c.arithmetic(x, tx, c.expr(x.Y, sc, want))
	}
	tx, ty := c.pair(x.X, x.Y, sc, x.Op == OpAdd)
	if tx.Kind == Invalid || ty.Kind == Invalid {
		if c.isCompare(x.Op) {
			return of(Bool)
		}
		return Type{}
	}
	okX, okY := c.present(x.X, tx), c.present(x.Y, ty)
	if !okX || !okY {
		if c.isCompare(x.Op) {
			return of(Bool)
		}
		return Type{}
	}
	switch x.Op {
	case OpEq, OpNe:
		c.hostText(x.X, x.Y)
		c.hostText(x.Y, x.X)
		if tx.Kind == Principals || ty.Kind == Principals {
			c.diags.errorf(x.Span, CodeType, "an agent isn't compared as a whole").hint("write agent.name == \"…\", or `agent in Group`")
		} else if tx.Kind == JSON || ty.Kind == JSON {
			c.diags.errorf(x.Span, CodeType, "json is opaque and can't be compared").hint("give the tool's argument a type")
		} else if !sameKindOfValue(tx, ty) {
			c.mismatch(x, tx, ty)
		}
		return of(Bool)
	case OpLt, OpLe, OpGt, OpGe:
		switch {
		case isNumber(tx) && isNumber(ty):
		case tx.Kind == ty.Kind && (tx.Kind == Date || tx.Kind == Timestamp || tx.Kind == Duration):
		case isText(tx.Kind) && isText(ty.Kind):
			c.diags.errorf(x.Span, CodeType, "strings have no order here").hint("compare numbers, dates, timestamps or durations")
		default:
			c.mismatch(x, tx, ty)
		}
		return of(Bool)
	}
	return c.arithmetic(x, tx, ty)
}

// hostText refuses a text beside a host, domain or scheme that none can be equal to, since these are in lower case.
func (c *checker) hostText(x, text Expr) {
	lit, ok := text.(*Literal)
	if !ok || lit.Kind != LitString || lit.Str == strings.ToLower(lit.Str) {
		return
	}
	isHost := false
	switch x := x.(type) {
	case *Call:
		isHost = x.Func.Name == "domain"
	case *Select:
		f, ok := x.X.(*Fact)
		isHost = ok && f.Root == RootResource && (x.Name.Name == "host" || x.Name.Name == "scheme")
	case *Binary:
		if x.Op == OpCoalesce {
			c.hostText(x.X, text)
		}
	}
	if isHost {
		c.diags.errorf(lit.Span, CodeNotCanonical, "a host or scheme is never in upper case, so nothing equals %s", quote(short(lit.Str))).hint("write %s", quote(strings.ToLower(lit.Str)))
	}
}

func (c *checker) isCompare(op BinaryOp) bool { return op != OpAdd && op != OpSub && op != OpMul }

func isNumber(t Type) bool { return t.Kind == Int || t.Kind == Decimal }

func (c *checker) mismatch(x *Binary, tx, ty Type) {
	d := c.diags.errorf(x.OpSpan, CodeType, "`%s` between %s and %s", x.Op, article(tx), article(ty))
	d.label(x.X.ExprSpan(), "%s", article(tx)).label(x.Y.ExprSpan(), "%s", article(ty))
	switch {
	case isList(tx) != isList(ty) && (x.Op == OpEq || x.Op == OpNe):
		d.hint("for membership write `in`, or ask of each element: any x in … { … }")
	case isNumber(tx) && ty.Kind == String || isNumber(ty) && tx.Kind == String:
		d.hint("a number stands without quotes")
	}
}

// arithmetic types +, - and *.
func (c *checker) arithmetic(x *Binary, tx, ty Type) Type {
	numbers := isNumber(tx) && isNumber(ty)
	time := func(k Kind, t Type) bool { return t.Kind == k }
	switch {
	case tx.Kind == Invalid || ty.Kind == Invalid:
		return Type{}
	case numbers && (tx.Kind == Decimal || ty.Kind == Decimal):
		x.Decimal = true
		return of(Decimal)
	case numbers:
		return of(Int)
	case x.Op == OpMul && (time(Duration, tx) && time(Int, ty) || time(Int, tx) && time(Duration, ty)):
		return of(Duration)
	case x.Op == OpAdd && (time(Timestamp, tx) && time(Duration, ty) || time(Duration, tx) && time(Timestamp, ty)):
		return of(Timestamp)
	case x.Op == OpSub && time(Timestamp, tx) && time(Duration, ty):
		return of(Timestamp)
	case x.Op == OpSub && time(Timestamp, tx) && time(Timestamp, ty):
		return of(Duration)
	case x.Op != OpMul && time(Duration, tx) && time(Duration, ty):
		return of(Duration)
	case x.Op == OpAdd && isText(tx.Kind) && isText(ty.Kind):
		return of(String)
	case x.Op == OpAdd && isList(tx) && isList(ty):
		if elem, ok := join(elemOf(tx), elemOf(ty)); ok {
			if elem.Kind == Invalid {
				return Type{Kind: ListKind}
			}
			return ListOf(elem)
		}
	}
	c.mismatch(x, tx, ty)
	return Type{}
}

// coalesce types X ?? Y.
func (c *checker) coalesce(x *Binary, sc *scope, want Type) Type {
	tx := c.expr(x.X, sc, Type{})
	if tx.Kind == Invalid {
		c.expr(x.Y, sc, want)
		return Type{}
	}
	if !tx.Optional && !sc.present[pathKey(x.X)] {
		c.diags.warnf(x.Span, WarnNeverAbsent, "`%s` is always there, so its default is never used", short(x.X.ExprSpan().Text())).hint("delete the `?? …`")
	}
	ty := c.expr(x.Y, sc, tx.Required())
	if ty.Kind == Invalid {
		return Type{}
	}
	t, ok := join(tx.Required(), ty)
	if !ok {
		c.mismatch(x, tx, ty)
		return Type{}
	}
	return t
}

// in types X in Y: membership of a list, a group, a range of addresses, or a resource pattern.
func (c *checker) in(x *Binary, sc *scope) Type {
	if v, ok := x.Y.(*Var); ok && !sc.hasVar(v.Name) && c.prog.Defines[v.Name] == nil {
		if c.prog.Groups[v.Name] != nil || c.prog.Principals[v.Name] != nil || c.isBroken(v.Name) {
			tx := c.expr(x.X, sc, Type{})
			c.used[v.Name] = true
			v.Group = c.group(Ident{v.Span, v.Name})
			if tx.Kind != Principals && tx.Kind != Invalid {
				c.diags.errorf(x.X.ExprSpan(), CodeType, "only a principal is in a group; this is %s", article(tx)).hint("write `agent in %s`", v.Name)
			}
			return of(Bool)
		}
		if f, isFact := x.X.(*Fact); isFact && f.Root == RootAgent {
			c.used[v.Name] = true
			c.unknown(Ident{v.Span, v.Name}, "group", sortedKeys(c.prog.Groups))
			return of(Bool)
		}
	}
	tx := Type{}
	if !isUntyped(x.X) {
		if tx = c.expr(x.X, sc, Type{}); tx.Kind == Invalid || !c.present(x.X, tx) {
			return of(Bool)
		}
	}
	if lit, ok := x.Y.(*Literal); ok && lit.Kind == LitString {
		c.inLiteral(x, lit, tx)
		return of(Bool)
	}
	wantY := Type{}
	if tx.Kind != Invalid {
		wantY = ListOf(tx)
	}
	ty := c.expr(x.Y, sc, wantY)
	if ty.Kind == Invalid || !c.present(x.Y, ty) {
		return of(Bool)
	}
	if tx.Kind == Invalid {
		tx = c.expr(x.X, sc, elemOf(ty))
		if tx.Kind == Invalid {
			return of(Bool)
		}
	}
	if list, ok := x.Y.(*List); ok {
		for _, elem := range list.Elems {
			c.hostText(x.X, elem)
		}
	}
	switch {
	case ty.Kind == CIDR && tx.Kind == IP:
	case tx.Kind == Principals:
		c.diags.errorf(x.Span, CodeType, "an agent is in a group, not in %s", article(ty)).hint("write agent.name in [\"…\"], or `agent in Group`")
	case isList(ty) && (elemOf(ty).Kind == Invalid || sameKindOfValue(tx, elemOf(ty))):
	default:
		d := c.diags.errorf(x.OpSpan, CodeType, "`in` between %s and %s", article(tx), article(ty))
		d.label(x.X.ExprSpan(), "%s", article(tx)).label(x.Y.ExprSpan(), "%s", article(ty))
		if isList(tx) && isList(ty) {
			d.hint("ask of each element: any x in … { x in … }")
		}
	}
	return of(Bool)
}

// inLiteral types X in "…": the text is a pattern of resources or paths, or a range of addresses.
func (c *checker) inLiteral(x *Binary, lit *Literal, tx Type) {
	text := lit.Str
	switch tx.Kind {
	case IP:
		c.literal(lit, of(CIDR))
		return
	case Path:
		if !strings.HasPrefix(text, "/") {
			c.diags.errorf(lit.Span, CodeInvalidPattern, "%s is no pattern of paths: it doesn't begin with /", quote(short(text))).hint("write \"/data/**\"")
			return
		}
		text = "file://" + text
	case URL, Resource:
	default:
		d := c.diags.errorf(x.OpSpan, CodeType, "`in` between %s and a string", article(tx))
		if isText(tx.Kind) {
			d.hint("write `like \"…\"` for a pattern, == for equality, or in [\"…\"] for one of several")
		}
		return
	}
	p, err := resource.ParsePattern(text)
	if err != nil {
		c.patternError(lit.Span, CodeInvalidPattern, err)
		return
	}
	x.Pattern = p
	lit.Type = of(String)
}

func (sc *scope) hasVar(name string) bool {
	for _, v := range sc.vars {
		if v.name == name {
			return true
		}
	}
	return false
}

func sortFields(fs []Field) {
	sort.SliceStable(fs, func(i, j int) bool { return fs[i].Name < fs[j].Name })
}
