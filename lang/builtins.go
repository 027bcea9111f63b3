package lang

import "slices"

// builtinActions are the actions that every policy knows; `action` declares others.
var builtinActions = []string{"connect", "create", "delegate", "delete", "execute", "list", "read", "send", "use", "write"}

// Labels of origins that every policy knows; `origin` declares others, and each tool is one: "tool NAME", to the field "tool NAME.field".
const (
	OriginUser    = "user"    // the person for whom the agent works
	OriginUnknown = "unknown" // a value without a label
	OriginPolicy  = "policy"  // a literal of the policy itself; never written, always accepted
)

// reservedFacts are context members of a request that no policy declares: they play the host for `moatc eval` and tests.
var reservedFacts = []string{"time", "origins", "value_origins", "session", "token", "attestations"}

// A builtin is a function of the language.
type builtin struct {
	params []string // how each parameter is called in messages
	// typ checks the arguments' types and gives the result's; "" when they fit, else what is wrong.
	typ func(args []Type) (Type, string)
	// want is the type that a literal argument is taken for.
	want func(i int) Type
}

func noWant(int) Type { return Type{} }

func wantKind(k Kind) func(int) Type { return func(int) Type { return of(k) } }

// sameSequence types starts and ends: two texts, or two lists of texts.
func sameSequence(args []Type) (Type, string) {
	x, y := args[0], args[1]
	switch {
	case isText(x.Kind) && isText(y.Kind):
		return of(Bool), ""
	case isList(x) && isList(y) && (sameKindOfValue(elemOf(x), elemOf(y))):
		return of(Bool), ""
	case x.Kind == Path:
		return Type{}, "a path is not compared by its letters: write `args.path in \"/data/**\"`"
	case x.Kind == URL || x.Kind == Resource:
		return Type{}, "a URL is not compared by its letters: write `… in \"https://example.com/v1/**\"`, or compare domain(…)"
	case x.Kind == Email:
		return Type{}, "an e-mail address is not compared by its letters: compare domain(…), or the whole address with =="
	case isList(x) && isText(y.Kind):
		return Type{}, "the second argument is a list too: starts(args.cmd, [\"git\", \"push\"])"
	}
	return Type{}, "it takes two strings or two lists"
}

func single(from Kind, to Type, what string) func([]Type) (Type, string) {
	return func(args []Type) (Type, string) {
		if args[0].Kind == from || from == String && isText(args[0].Kind) {
			return to, ""
		}
		return Type{}, "it takes " + what
	}
}

// BuiltinActions returns the actions that every policy knows, sorted.
func BuiltinActions() []string { return slices.Clone(builtinActions) }

// BuiltinFunctions returns the names of the functions of the language, sorted.
func BuiltinFunctions() []string { return sortedKeys(builtins) }

// builtins are the functions of the language, by name.
var builtins = map[string]*builtin{
	"starts": {params: []string{"x", "prefix"}, typ: sameSequence, want: noWant},
	"ends":   {params: []string{"x", "suffix"}, typ: sameSequence, want: noWant},
	"domain": {params: []string{"x"}, want: noWant, typ: func(args []Type) (Type, string) {
		if args[0].Kind == Email || args[0].Kind == URL {
			return of(String), ""
		}
		return Type{}, "it takes an email or a url"
	}},
	"size": {params: []string{"x"}, want: noWant, typ: func(args []Type) (Type, string) {
		if isText(args[0].Kind) || isList(args[0]) {
			return of(Int), ""
		}
		return Type{}, "it takes a string or a list"
	}},
	"lower":     {params: []string{"text"}, want: noWant, typ: single(String, of(String), "a string")},
	"cidr":      {params: []string{"text"}, want: wantKind(CIDR), typ: single(CIDR, of(CIDR), "a string literal")},
	"ip":        {params: []string{"text"}, want: wantKind(IP), typ: single(IP, of(IP), "a string literal")},
	"date":      {params: []string{"text"}, want: wantKind(Date), typ: single(Date, of(Date), "a string literal")},
	"timestamp": {params: []string{"text"}, want: wantKind(Timestamp), typ: single(Timestamp, of(Timestamp), "a string literal")},
	"duration":  {params: []string{"text"}, want: wantKind(Duration), typ: single(Duration, of(Duration), "a string literal")},
	"file": {params: []string{"path"}, want: wantKind(Path), typ: func(args []Type) (Type, string) {
		switch {
		case args[0].Kind == Path:
			return of(Resource), ""
		case args[0].Kind == ListKind && elemOf(args[0]).Kind == Path:
			return ListOf(of(Resource)), ""
		}
		return Type{}, "it takes a path or a list of paths"
	}},
	"urls":   {params: []string{"text"}, want: noWant, typ: single(String, ListOf(of(URL)), "a string")},
	"emails": {params: []string{"text"}, want: noWant, typ: single(String, ListOf(of(Email)), "a string")},
}

// isText reports the kinds whose letters may be looked at.
func isText(k Kind) bool { return k == String || k == Enum }

// isList reports lists and what behaves as one.
func isList(t Type) bool { return t.Kind == ListKind || t.Kind == Argv }

// elemOf is the type of a list's elements; Invalid for the empty list literal.
func elemOf(t Type) Type {
	if t.Kind == Argv {
		return of(String)
	}
	if t.Elem == nil {
		return Type{}
	}
	return *t.Elem
}

// assignable reports whether a value of type t can stand where want is needed, without loss.
func assignable(t, want Type) bool {
	if t.Optional && !want.Optional {
		return false
	}
	t, want = t.Required(), want.Required()
	switch {
	case t.Equal(want):
		return true
	case t.Kind == Int && want.Kind == Decimal, t.Kind == Enum && want.Kind == String, t.Kind == URL && want.Kind == Resource:
		return true
	case t.Kind == Enum && want.Kind == Enum:
		for _, e := range t.Enum {
			if !contains(want.Enum, e) {
				return false
			}
		}
		return true
	case isList(t) && isList(want):
		return t.Kind == ListKind && t.Elem == nil || assignable(elemOf(t), elemOf(want))
	case t.Kind == RecordKind && want.Kind == RecordKind && len(t.Fields) == len(want.Fields):
		for i, f := range t.Fields {
			if f.Name != want.Fields[i].Name || !assignable(f.Type, want.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return false
}

// sameKindOfValue reports whether == between the types can ever mean something.
func sameKindOfValue(t, u Type) bool {
	t, u = t.Required(), u.Required()
	if t.Kind == Invalid || u.Kind == Invalid {
		return true
	}
	if isOpaque(t) || isOpaque(u) {
		return false
	}
	if isList(t) && isList(u) {
		return sameKindOfValue(elemOf(t), elemOf(u))
	}
	return assignable(t, u) || assignable(u, t)
}

// isOpaque reports types that hold, at any depth, what can't be compared.
func isOpaque(t Type) bool {
	if t.Kind == JSON || t.Kind == Principals || t.Elem != nil && isOpaque(*t.Elem) {
		return true
	}
	for _, f := range t.Fields {
		if isOpaque(f.Type) {
			return true
		}
	}
	return false
}

// join is the narrowest type that holds the values of both.
func join(t, u Type) (Type, bool) {
	opt := t.Optional || u.Optional
	a, b := t.Required(), u.Required()
	out := a
	switch {
	case a.Kind == Invalid, assignable(a, b):
		out = b
	case b.Kind == Invalid, assignable(b, a):
	case a.Kind == Enum && b.Kind == Enum:
		out = of(String)
	default:
		return Type{}, false
	}
	out.Optional = opt
	return out, true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
