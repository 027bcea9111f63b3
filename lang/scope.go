package lang

import (
	"fmt"
	"strconv"
	"strings"
)

// A scope is what an expression can see.
type scope struct {
	args    *mergedArgs
	vars    []variable
	present map[string]bool // optional values that a condition beside has asked for, by pathKey
	nesting int             // quantifiers around
	cost    *int            // steps, counted up
	effect  RuleEffect      // of the rule that the expression belongs to; "" elsewhere
	once    *Once           // around, or nil
	does    *Effect         // of a tool, that the expression belongs to, or nil
}

type variable struct {
	name string
	typ  Type
}

// mergedArgs is the record of arguments that a rule sees: merged over the tools it is about.
type mergedArgs struct {
	fields map[string]Type
	spans  map[string]Span   // where a tool declares each
	mixed  map[string]string // arguments that have different types in different tools, with a text that names both
	none   string            // why there are no arguments, when there are none

	partial bool // the rule may also meet requests that call no tool, so that every argument may be absent
}

// mergeParams merges the parameters of tools. With partial, the rule is also about requests that call none of them.
func mergeParams(tools []*Tool, partial bool) *mergedArgs {
	a := &mergedArgs{fields: map[string]Type{}, spans: map[string]Span{}, mixed: map[string]string{}}
	count := map[string]int{}
	from := map[string]string{}
	for _, t := range tools {
		for _, p := range t.Params {
			name, typ := p.Name.Name, p.Type.Type
			count[name]++
			have, ok := a.fields[name]
			if !ok {
				a.fields[name], a.spans[name], from[name] = typ, p.Name.Span, t.Name.Name
				continue
			}
			if have.Kind != Invalid && typ.Kind != Invalid && !have.Required().Equal(typ.Required()) {
				a.mixed[name] = fmt.Sprintf("%s in %s, %s in %s", have.Required(), from[name], typ.Required(), t.Name.Name)
			}
			have.Optional = have.Optional || typ.Optional
			a.fields[name] = have
		}
	}
	a.partial = partial
	for name, n := range count {
		if partial || n < len(tools) {
			a.fields[name] = a.fields[name].OrAbsent()
		}
	}
	return a
}

func (sc *scope) with(v variable) *scope {
	in := *sc
	in.vars = append(append([]variable(nil), sc.vars...), v)
	in.nesting++
	in.present = map[string]bool{}
	for k := range sc.present {
		if k != v.name && !strings.HasPrefix(k, v.name+".") && !strings.HasPrefix(k, v.name+"[") {
			in.present[k] = true // not about an outer variable of the same name
		}
	}
	return &in
}

func (sc *scope) knowing(keys []string) *scope {
	if len(keys) == 0 {
		return sc
	}
	in := *sc
	in.present = map[string]bool{}
	for k := range sc.present {
		in.present[k] = true
	}
	for _, k := range keys {
		in.present[k] = true
	}
	return &in
}

// pathKey names what an expression selects, each step in quotes so that no two paths have one name, so that `has args.cc` is known to speak of the args.cc beside it; "" for what isn't a plain selection.
func pathKey(x Expr) string {
	switch x := x.(type) {
	case *Fact:
		return string(x.Root)
	case *Var:
		return x.Name
	case *Select:
		if k := pathKey(x.X); k != "" {
			return k + "." + strconv.Quote(x.Name.Name)
		}
	case *Index:
		if k := pathKey(x.X); k != "" {
			if x.Key.Kind == LitString {
				return k + "." + strconv.Quote(x.Key.Str)
			}
			return fmt.Sprintf("%s[%d]", k, x.Key.Int)
		}
	}
	return ""
}

// sizeKey is the key under which a condition beside says that a list isn't empty; no path has it.
func sizeKey(list Expr) string {
	return "size " + strings.Join(strings.Fields(list.ExprSpan().Text()), " ")
}

// askedFor lists what is there when x is true (or, negated, when it is false). A condition may rely on what its neighbours ask
// for, on either side: strong Kleene logic makes the order of evaluation invisible.
func askedFor(x Expr, negated bool) []string {
	switch x := x.(type) {
	case *Has:
		if k := pathKey(x.X); k != "" && !negated {
			return []string{k}
		}
	case *Not:
		return askedFor(x.X, !negated)
	case *Binary:
		call, isCall := x.X.(*Call)
		zero, isLiteral := x.Y.(*Literal)
		if isCall && isLiteral && !negated && call.Func.Name == "size" && len(call.Args) == 1 && zero.Kind == LitInt {
			if x.Op == OpGt && zero.Int >= 0 || x.Op == OpGe && zero.Int >= 1 || x.Op == OpNe && zero.Int == 0 {
				return []string{sizeKey(call.Args[0])}
			}
		}
	case *Logic:
		if x.Or == negated {
			var out []string
			for _, y := range x.Xs {
				out = append(out, askedFor(y, negated)...)
			}
			return out
		}
	}
	return nil
}

func (sc *scope) argType(name string) (Type, bool) {
	if sc.args == nil {
		return Type{}, false
	}
	t, ok := sc.args.fields[name]
	return t, ok
}
