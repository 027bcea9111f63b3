package lang

import (
	"fmt"
	"strings"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/value"
)

// MaxQuantifiers bounds how deep quantifiers nest in a condition.
const MaxQuantifiers = 2

// condition checks an expression that must be a bool.
func (c *checker) condition(x Expr, sc *scope) {
	t := c.expr(x, sc, of(Bool))
	c.needKind(x, t, sc, Bool, "a condition")
}

// needKind reports an expression that hasn't one of the kind wanted.
func (c *checker) needKind(x Expr, t Type, sc *scope, k Kind, what string) bool {
	if t.Kind == Invalid {
		return false
	}
	if t.Kind != k {
		d := c.diags.errorf(x.ExprSpan(), CodeType, "%s is %s, not %s", what, article(t), of(k))
		if k == Bool && isList(t) {
			d.hint("ask something of its elements: any x in … { … }")
		} else if k == Bool && t.Optional {
			d.hint("ask whether it is there: has …")
		} else if k == Bool {
			d.hint("compare it with something: ==, <, in …")
		}
		return false
	}
	return c.present(x, t)
}

// present reports a value that may be absent where one must be there.
func (c *checker) present(x Expr, t Type) bool {
	if !t.Optional {
		return true
	}
	name := "this value"
	if pathKey(x) != "" {
		name = "`" + short(x.ExprSpan().Text()) + "`"
	}
	c.diags.errorf(x.ExprSpan(), CodeMaybeAbsent, "%s may be absent", name).
		hint("write `%s ?? …` for a default, or ask `has %s` beside it", short(x.ExprSpan().Text()), short(x.ExprSpan().Text()))
	return false
}

func article(t Type) string {
	s := t.String()
	if strings.ContainsAny(s[:1], "aeio") { // "a url"
		return "an " + s
	}
	return "a " + s
}

// isUntyped reports literals that take their type from what stands beside them.
func isUntyped(x Expr) bool {
	switch x := x.(type) {
	case *Literal:
		return x.Kind == LitString
	case *List:
		for _, e := range x.Elems {
			if !isUntyped(e) {
				return false
			}
		}
		return true
	}
	return false
}

// pair checks two operands that shape each other: a literal takes the type of the other side. What is joined to a text is a text,
// whatever that one may be.
func (c *checker) pair(x, y Expr, sc *scope, joined bool) (Type, Type) {
	shape := func(t Type) Type {
		if joined && t.Kind != ListKind && t.Kind != Argv {
			return Type{}
		}
		return t
	}
	if isUntyped(x) && !isUntyped(y) {
		ty := c.expr(y, sc, Type{})
		return c.expr(x, sc, shape(ty)), ty
	}
	tx := c.expr(x, sc, Type{})
	return tx, c.expr(y, sc, shape(tx))
}

// expr types an expression. want is what a literal would be taken for; it doesn't bind anything else. On an error it reports and
// returns the Invalid type, about which nothing more is said.
func (c *checker) expr(x Expr, sc *scope, want Type) Type {
	if *sc.cost <= MaxCost {
		*sc.cost++
	}
	switch x := x.(type) {
	case *Literal:
		return c.literal(x, want)
	case *Fact:
		return c.fact(x)
	case *Var:
		return c.variable(x, sc)
	case *Select:
		return c.selection(x, x.X, x.Name, sc)
	case *Index:
		if x.Key.Kind == LitString {
			return c.selection(x, x.X, Ident{x.Key.Span, x.Key.Str}, sc)
		}
		t := c.expr(x.X, sc, Type{})
		if t.Kind == Invalid || !c.present(x.X, t) {
			return Type{}
		}
		if !isList(t) {
			c.diags.errorf(x.X.ExprSpan(), CodeType, "only a list has elements by number; this is %s", article(t))
			return Type{}
		}
		return c.maybe(x, elemOf(t).OrAbsent(), sc)
	case *Call:
		return c.call(x, sc)
	case *List:
		return c.list(x, sc, want)
	case *Record:
		return c.record(x, sc, want)
	case *Negate:
		t := c.expr(x.X, sc, want)
		if t.Kind != Int && t.Kind != Decimal && t.Kind != Invalid {
			c.diags.errorf(x.Span, CodeType, "only a number has a negative; this is %s", article(t))
			return Type{}
		}
		return t
	case *Not:
		c.condition(x.X, sc)
		return of(Bool)
	case *Logic:
		// What an operand asks for itself may be known to it too: if it isn't there, the operand decides without the rest of it.
		var facts []string
		for _, y := range x.Xs {
			facts = append(facts, askedFor(y, x.Or)...)
		}
		inner := sc.knowing(facts)
		for _, y := range x.Xs {
			c.condition(y, inner)
		}
		return of(Bool)
	case *Binary:
		return c.binary(x, sc, want)
	case *Like:
		t := c.expr(x.X, sc, Type{})
		if t.Kind == Invalid || !c.present(x.X, t) {
			return of(Bool)
		}
		switch {
		case t.Kind == Argv:
			c.diags.errorf(x.X.ExprSpan(), CodeType, "`like` takes a string; this is an argv").hint("%s", likeInstead[Argv])
		case t.Kind == Path, t.Kind == Email, t.Kind == URL, t.Kind == Resource:
			c.diags.warnf(x.Span, WarnLikeOnStructured, "`like` looks at the letters of %s, not at its parts", article(t)).hint("%s", likeInstead[t.Kind])
		case !isText(t.Kind):
			c.diags.errorf(x.X.ExprSpan(), CodeType, "`like` takes a string; this is %s", article(t))
		}
		return of(Bool)
	case *From:
		t := c.expr(x.X, sc, Type{})
		if t.Kind != Invalid {
			c.present(x.X, t)
		}
		for _, o := range x.Origins {
			c.origin(o)
		}
		return of(Bool)
	case *Attested:
		t := c.expr(x.X, sc, Type{})
		if t.Kind != Invalid && c.present(x.X, t) {
			switch t.Kind {
			case String, Enum, Email, URL, Path, Resource, Principals:
			default:
				c.diags.errorf(x.X.ExprSpan(), CodeType, "a claim is about a text or a principal; this is %s", article(t)).hint("sign the text that names it, such as a commit's hash, or write `agent attested …`")
			}
		}
		c.principalOrGroup(x.By)
		return of(Bool)
	case *Has:
		t := c.expr(x.X, sc, Type{})
		if t.Kind != Invalid && !t.Optional && !sc.present[pathKey(x.X)] {
			c.diags.warnf(x.Span, WarnNeverAbsent, "`%s` is always there", short(x.X.ExprSpan().Text())).hint("delete the `has`")
		}
		return of(Bool)
	case *Quantified:
		return c.quantified(x, sc)
	case *Once:
		c.once(x, sc)
		return of(Bool)
	}
	panic(fmt.Sprintf("lang: expr: %T", x))
}

var likeInstead = map[Kind]string{
	Path: `write: in "/data/**"`, URL: `write: in "https://example.com/v1/**"`, Resource: `write: in "file:///data/**"`,
	Email: `compare domain(…), or the whole address with ==`, Argv: `compare the words: args.cmd in [["git", "status"]], starts(args.cmd, ["git", "push"])`,
}

// maybe is the type of an optional value at x: not optional where a condition beside it asks for it.
func (c *checker) maybe(x Expr, t Type, sc *scope) Type {
	if t.Optional && sc.present[pathKey(x)] {
		return t.Required()
	}
	return t
}

func (c *checker) literal(x *Literal, want Type) Type {
	t := c.literalType(x, want.Required())
	if x.Type.Kind != Invalid && t.Kind != Invalid && !x.Type.Equal(t) {
		c.diags.errorf(x.Span, CodeType, "this literal is taken for %s in one use of the define and for %s in another", article(x.Type), article(t)).
			hint("make two defines")
	}
	x.Type = t
	return t
}

func (c *checker) literalType(x *Literal, want Type) Type {
	switch x.Kind {
	case LitBool:
		return of(Bool)
	case LitInt, LitSize:
		return of(Int)
	case LitDecimal:
		return of(Decimal)
	case LitDuration:
		return of(Duration)
	}
	var err error
	switch want.Kind {
	case Email:
		_, err = value.ParseEmail(x.Str)
	case Path:
		_, err = value.ParsePath(x.Str)
	case URL:
		_, err = value.ParseURL(x.Str)
	case Resource:
		_, err = resource.Parse(x.Str)
	case IP:
		_, err = value.ParseIP(x.Str)
	case CIDR:
		_, err = value.ParseCIDR(x.Str)
	case Date:
		_, err = value.ParseDate(x.Str)
	case Timestamp:
		_, err = value.ParseTimestamp(x.Str)
	case Duration:
		_, err = value.ParseDuration(x.Str)
	case Enum:
		if contains(want.Enum, x.Str) {
			return want
		}
		d := c.diags.errorf(x.Span, CodeType, "%s is none of %s", quote(short(x.Str)), want)
		if n := nearest(x.Str, want.Enum); n != "" {
			d.hint("did you mean %s?", quote(n))
		}
		return Type{}
	default:
		return of(String)
	}
	if (want.Kind == Path || want.Kind == URL || want.Kind == Resource) && strings.Contains(x.Str, "*") && err == nil {
		c.diags.warnf(x.Span, WarnLikeOnStructured, "`*` stands for itself here").hint("for a pattern write: in %s", quote(x.Str))
	}
	if err != nil {
		d := c.diags.errorf(x.Span, CodeNotCanonical, "not %s: %s", article(want), err)
		if rerr, ok := err.(*resource.Error); ok {
			d.Message = "not " + article(want) + ": " + rerr.Reason
			if rerr.Canonical != "" {
				d.hint("write %s", quote(rerr.Canonical))
			}
		}
		return Type{}
	}
	return want
}

func (c *checker) call(x *Call, sc *scope) Type {
	b := builtins[x.Func.Name]
	if b == nil {
		d := c.diags.errorf(x.Func.Span, CodeUnknownName, "there is no function `%s`", short(x.Func.Name))
		if h := callHabits[x.Func.Name]; h != "" {
			d.hint("%s", h)
		} else if n := nearest(x.Func.Name, sortedKeys(builtins)); n != "" {
			d.hint("did you mean `%s`?", n)
		} else {
			d.hint("there are %s", strings.Join(sortedKeys(builtins), ", "))
		}
		return Type{}
	}
	args := make([]Type, len(x.Args))
	valid := true
	for i, a := range x.Args {
		args[i] = c.expr(a, sc, b.want(i))
		valid = valid && args[i].Kind != Invalid && c.present(a, args[i])
	}
	if len(x.Args) != len(b.params) {
		c.diags.errorf(x.Span, CodeArity, "%s takes %s, not %d", x.Func.Name, plural(len(b.params), "argument")+" ("+strings.Join(b.params, ", ")+")", len(x.Args))
		return Type{}
	}
	if !valid {
		return Type{}
	}
	t, wrong := b.typ(args)
	if wrong != "" {
		var got []string
		for _, a := range args {
			got = append(got, a.String())
		}
		c.diags.errorf(x.Span, CodeType, "%s(%s) doesn't fit", x.Func.Name, strings.Join(got, ", ")).hint("%s", wrong)
		return Type{}
	}
	return t
}

var callHabits = map[string]string{
	"startswith": "write starts(x, prefix)", "startsWith": "write starts(x, prefix)", "endswith": "write ends(x, suffix)", "endsWith": "write ends(x, suffix)",
	"len": "write size(x)", "count": "write size(x)", "length": "write size(x)", "contains": "write `x in list`, or `text like \"*x*\"`", "matches": "write `text like \"pattern*\"`",
	"regex": "there are no regular expressions: write `like`", "match": "write `text like \"pattern*\"`", "containsAny": "write any x in a { x in b }", "containsAll": "write all x in b { x in a }",
	"isEmpty": "write size(x) == 0", "now": "write `now`", "decimal": "write the number: 12.50", "int": "numbers convert by themselves where nothing is lost", "tolower": "write lower(x)",
	"exists": "write `has x`, or any x in list { … }", "host": "write domain(url)",
}

func (c *checker) list(x *List, sc *scope, want Type) Type {
	elem := Type{}
	if isList(want) {
		elem = elemOf(want)
	}
	var t Type
	for i, e := range x.Elems {
		et := c.expr(e, sc, elem)
		if et.Kind == Invalid || !c.present(e, et) {
			continue
		}
		joined, ok := join(t, et)
		if !ok {
			c.diags.errorf(e.ExprSpan(), CodeType, "the elements of a list have one type; this is %s", article(et)).
				label(x.Elems[0].ExprSpan(), "%s", article(t))
			continue
		}
		if t = joined; i == 0 && elem.Kind == Invalid {
			elem = t
		}
	}
	if t.Kind == Invalid {
		return Type{Kind: ListKind}
	}
	return ListOf(t)
}

func (c *checker) record(x *Record, sc *scope, want Type) Type {
	t := Type{Kind: RecordKind}
	seen := map[string]Span{}
	for _, f := range x.Fields {
		c.unique(seen, f.Name, "field")
		ft, _ := want.Field(f.Name.Name)
		vt := c.expr(f.Value, sc, ft)
		if vt.Kind != Invalid {
			c.present(f.Value, vt)
		}
		t.Fields = append(t.Fields, Field{f.Name.Name, vt.Required()})
	}
	sortFields(t.Fields)
	return t
}

func (c *checker) quantified(x *Quantified, sc *scope) Type {
	t := c.expr(x.In, sc, Type{})
	if sc.nesting >= MaxQuantifiers {
		c.diags.errorf(x.Span, CodeTooDeep, "quantifiers nest more than %d deep", MaxQuantifiers)
		return of(Bool)
	}
	if t.Kind == Invalid || !c.present(x.In, t) {
		c.expr(x.Body, sc.with(variable{x.Var.Name, Type{}}), of(Bool))
		return of(Bool)
	}
	if !isList(t) {
		c.diags.errorf(x.In.ExprSpan(), CodeType, "a quantifier goes over a list; this is %s", article(t))
		return of(Bool)
	}
	if _, isArg := x.In.(*Literal); !isArg && x.All && sc.effect == Permit {
		if _, isLiteral := x.In.(*List); !isLiteral && !sc.present[sizeKey(x.In)] {
			c.diags.warnf(x.Span, WarnAllOverEmpty, "`all` is true of an empty list, and this is a permit").hint("add `size(%s) > 0`", short(x.In.ExprSpan().Text()))
		}
	}
	c.condition(x.Body, sc.with(variable{x.Var.Name, elemOf(t)}))
	return of(Bool)
}
