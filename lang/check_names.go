package lang

import "strings"

// This file finds what the names in an expression stand for: facts and their fields, defines and the variables of quantifiers,
// arguments, origins.

// factFields are the fields of the roots of facts; args and context have the policy's own.
var factFields = map[FactRoot][]Field{
	RootAgent:    {{"name", of(String)}},
	RootToken:    {{"depth", of(Int)}, {"expires", of(Timestamp)}, {"issued", of(Timestamp)}},
	RootResource: {{"host", of(String).OrAbsent()}, {"path", of(String)}, {"query", of(String).OrAbsent()}, {"scheme", of(String)}},
	RootSession:  {{"id", of(String)}},
}

func (c *checker) fact(x *Fact) Type {
	switch x.Root {
	case RootNow:
		return of(Timestamp)
	case RootResource:
		return of(Resource)
	case RootAgent:
		return of(Principals)
	}
	c.diags.errorf(x.Span, CodeType, "`%s` stands for no value of its own", x.Root).hint("name a field: %s.name", x.Root)
	return Type{}
}

func (c *checker) variable(x *Var, sc *scope) Type {
	for i := len(sc.vars) - 1; i >= 0; i-- {
		if sc.vars[i].name == x.Name {
			return c.maybe(x, sc.vars[i].typ, sc)
		}
	}
	if d := c.prog.Defines[x.Name]; d != nil {
		c.used["define "+x.Name] = true
		x.Define = d
		if c.defining[d] {
			if !c.cyclic[d] {
				c.diags.errorf(x.Span, CodeCycle, "the define `%s` leads back to itself", x.Name).label(d.Name.Span, "defined here").
					hint("defines are put in the place of their uses; write one of the circle out")
			}
			for other := range c.defining {
				c.cyclic[other] = true
			}
			return Type{}
		}
		c.defining[d] = true
		defer delete(c.defining, d)
		if *sc.cost > MaxCost { // its uses multiply; the rule is refused, so don't walk them all
			return Type{}
		}
		inner := *sc
		inner.vars, inner.present = nil, map[string]bool{}
		return c.expr(d.Body, &inner, Type{})
	}
	if c.isBroken(x.Name) {
		return Type{}
	}
	d := c.diags.errorf(x.Span, CodeUnknownName, "there is no name `%s` here", short(x.Name))
	var names []string
	for _, v := range sc.vars {
		names = append(names, v.name)
	}
	names = append(names, sortedKeys(c.prog.Defines)...)
	near := nearest(x.Name, append(names, "args", "context", "agent", "token", "resource", "session", "now", "true", "false"))
	_, isArg := sc.argType(x.Name)
	_, isContext := c.prog.Context.Field(x.Name)
	switch {
	case isArg:
		d.hint("write `args.%s`", x.Name)
	case isContext:
		d.hint("write `context.%s`", x.Name)
	case c.prog.Groups[x.Name] != nil || c.prog.Principals[x.Name] != nil:
		d.hint("`%s` is %s: write `agent in %s`, or compare agent.name", x.Name, c.kindOf(x.Name), x.Name)
	case nameHabits[x.Name] != "":
		d.hint("%s", nameHabits[x.Name])
	case near != "":
		d.hint("did you mean `%s`?", near)
		c.pointAt(d, "define", near)
	default:
		d.hint("facts are args.…, context.…, agent.…, resource.…, session.…, token.…, now; a string stands in quotes")
	}
	return Type{}
}

// nameHabits are names that facts and constants have elsewhere.
var nameHabits = map[string]string{
	"principal": "write `agent`", "subject": "write `agent`", "input": "write `args`, `context`, `agent` or `resource`", "request": "write `args`, `context`, `agent` or `resource`",
	"time": "write `now`", "null": "there is no null: ask `has …`, or give a default with `??`", "none": "there is no null: ask `has …`, or give a default with `??`",
	"None": "there is no null: ask `has …`, or give a default with `??`", "nil": "there is no null: ask `has …`, or give a default with `??`",
	"undefined": "there is no undefined: ask `has …`, or give a default with `??`", "True": "write `true`", "False": "write `false`", "data": "write `context`", "self": "write `agent`",
}

// selection types X.Name.
func (c *checker) selection(x, of_ Expr, name Ident, sc *scope) Type {
	if f, ok := of_.(*Fact); ok && f.Root != RootNow {
		return c.maybe(x, c.factField(f, name, sc), sc)
	}
	t := c.expr(of_, sc, Type{})
	if t.Kind == Invalid || !c.present(of_, t) {
		return Type{}
	}
	if t.Kind != RecordKind {
		d := c.diags.errorf(name.Span, CodeUnknownField, "%s has no fields", article(t))
		if t.Kind == JSON {
			d.hint("json is opaque: give the tool's argument a record type")
		}
		return Type{}
	}
	ft, ok := t.Field(name.Name)
	if !ok {
		var names []string
		for _, f := range t.Fields {
			names = append(names, f.Name)
		}
		c.noField(name, "the record", names)
		return Type{}
	}
	return c.maybe(x, ft, sc)
}

func (c *checker) noField(name Ident, of string, names []string) {
	d := c.diags.errorf(name.Span, CodeUnknownField, "%s has no `%s`", of, short(name.Name))
	if n := nearest(name.Name, names); n != "" {
		d.hint("did you mean `%s`?", n)
		if of == "the context" {
			c.pointAt(d, "context field", n)
		}
	} else if len(names) > 0 {
		d.hint("there are %s", strings.Join(names, ", "))
	}
}

func (c *checker) factField(f *Fact, name Ident, sc *scope) Type {
	switch f.Root {
	case RootArgs:
		if sc.args == nil {
			c.diags.errorf(f.Span, CodeUnknownField, "there are no arguments here")
			return Type{}
		}
		if both, ok := sc.args.mixed[name.Name]; ok {
			c.diags.errorf(name.Span, CodeMixedTypes, "`args.%s` has different types: %s", name.Name, both).hint("write a rule for each tool")
			return Type{}
		}
		t, ok := sc.args.fields[name.Name]
		if !ok {
			if c.brokenTool {
				return Type{} // the tool that has it may be the one that couldn't be read
			}
			if sc.args.none != "" {
				c.diags.errorf(name.Span, CodeUnknownField, "there is no argument `%s`: %s", short(name.Name), sc.args.none)
				return Type{}
			}
			d := c.diags.errorf(name.Span, CodeUnknownField, "no tool of this rule has an argument `%s`", short(name.Name))
			if n := nearest(name.Name, sortedKeys(sc.args.fields)); n != "" {
				d.hint("did you mean `%s`?", n).label(sc.args.spans[n], "`%s` is declared here", n)
			} else if names := sortedKeys(sc.args.fields); len(names) > 0 && len(names) <= 12 {
				d.hint("there are %s", strings.Join(names, ", "))
			}
			return Type{}
		}
		return t
	case RootContext:
		t, ok := c.prog.Context.Field(name.Name)
		if !ok {
			var names []string
			for _, f := range c.prog.Context.Fields {
				names = append(names, f.Name)
			}
			if !c.brokenContext {
				if name.Name == "time" {
					c.diags.errorf(name.Span, CodeUnknownField, "the context has no `time`").hint("the time of the request is `now`")
				} else {
					c.noField(name, "the context", names)
				}
			}
			return Type{}
		}
		return t
	}
	fields := factFields[f.Root]
	var names []string
	for _, ff := range fields {
		if ff.Name == name.Name {
			return ff.Type
		}
		names = append(names, ff.Name)
	}
	c.noField(name, "`"+string(f.Root)+"`", names)
	return Type{}
}

func (c *checker) origin(o Origin) {
	tool, isTool := strings.CutPrefix(o.Name, "tool ")
	if !isTool {
		if !c.prog.Origins[o.Name] {
			if c.prog.Tools[o.Name] != nil {
				c.diags.errorf(o.Span, CodeUnknownName, "there is no origin `%s`", o.Name).hint("for what a tool returned write `tool %s`", o.Name)
				return
			}
			c.unknown(Ident(o), "origin", sortedKeys(c.prog.Origins))
		}
		return
	}
	for name := tool; ; {
		if t := c.prog.Tools[name]; t != nil {
			if field := strings.TrimPrefix(tool[len(name):], "."); field != "" && t.Result != nil {
				c.resultField(o, t.Result.Type, strings.Split(field, "."))
			}
			return
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	c.unknown(Ident{o.Span, tool}, "tool", sortedKeys(c.prog.Tools))
}

// resultField checks that an origin's path leads to a field of what the tool returns. Lists stand for their elements; json has any field.
func (c *checker) resultField(o Origin, t Type, path []string) {
	for _, name := range path {
		for t.Kind == ListKind && t.Elem != nil {
			t = *t.Elem
		}
		if t.Kind == JSON || t.Kind == Invalid {
			return
		}
		ft, ok := t.Field(name)
		if !ok {
			var names []string
			for _, f := range t.Fields {
				names = append(names, f.Name)
			}
			c.noField(Ident{o.Span, name}, "what the tool returns", names)
			return
		}
		t = ft
	}
}
