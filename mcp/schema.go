package mcp

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// This file finds the type of a JSON Schema (drafts 7 to 2020-12, and OpenAPI's nullable). The rules it keeps:
//
//   - keywords that only narrow (pattern, maximum, minItems and so on) are left to the server: the type is wider than the schema;
//   - where the language has no type that wide, the type is json and a note says why;
//   - formats are taken at their word, and an object is taken to have the members that it names and no others, unless it
//     says that it has: both may refuse what a lenient server took, and never let through more.

// A converter finds types for the schemas in one document.
type converter struct {
	root   strictjson.Value // what references start from
	work   *int             // how much more to look at
	result bool             // the document describes a result: nothing refuses members that it doesn't name

	following []string // references on the way to the current schema
	notes     []string
}

// maxNotes is how many notes one parameter has.
const maxNotes = 3

// taken returns the notes since it was last called.
func (c *converter) taken() []string {
	notes := c.notes
	c.notes = nil
	if len(notes) > maxNotes {
		notes = append(notes[:maxNotes:maxNotes], fmt.Sprintf("json: and %d more", len(notes)-maxNotes))
	}
	return notes
}

// opaque is the type of what the language can't express; at is the place of the schema, for the note that says why.
func (c *converter) opaque(at, why string, args ...any) *lang.TypeExpr {
	c.notes = append(c.notes, "json: "+at+": "+fmt.Sprintf(why, args...))
	return named("json")
}

func named(name string) *lang.TypeExpr { return &lang.TypeExpr{Name: &lang.Ident{Name: name}} }

func isNamed(t *lang.TypeExpr, name string) bool { return t.Name != nil && t.Name.Name == name }

// combinators are the keywords that hold further schemas for the same value.
var combinators = []string{"allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas", "dependencies"}

// typ returns the type of a schema: optional if it admits null.
func (c *converter) typ(v strictjson.Value, at string, depth int) *lang.TypeExpr {
	switch c.spend(v); {
	case *c.work < 0:
		return c.opaque(at, "its schema is too large")
	case depth > MaxDepth:
		return c.opaque(at, "its schema nests more than %d deep", MaxDepth)
	case v.Kind == strictjson.Bool && !v.Bool:
		return c.opaque(at, "its schema admits nothing")
	case v.Kind != strictjson.Object && v.Kind != strictjson.Bool:
		return c.opaque(at, "its schema is no schema")
	}
	t := c.byKeyword(v, at, depth)
	if nullable, _ := v.Get("nullable"); nullable.Bool {
		t.Optional = true
	}
	return t
}

// spend takes the size of a value from the work that is left.
func (c *converter) spend(v strictjson.Value) { *c.work -= 1 + len(v.Members) + len(v.Items) }

func (c *converter) byKeyword(v strictjson.Value, at string, depth int) *lang.TypeExpr {
	if ref, ok := v.Get("$ref"); ok {
		return c.reference(v, ref, at, depth)
	}
	if enum, ok := v.Get("enum"); ok {
		return c.enumeration(enum.Items, at)
	}
	if one, ok := v.Get("const"); ok {
		return c.enumeration([]strictjson.Value{one}, at)
	}
	names, null, err := typeNames(v)
	if err != nil {
		return c.opaque(at, "%s", err)
	}
	var t *lang.TypeExpr
	switch {
	case len(names) > 1:
		t = c.opaque(at, "one of %s", strings.Join(names, " or "))
	case len(names) == 1 && !(names[0] == "object" && isCombined(v)):
		t = c.ofType(names[0], v, at, depth)
	case null:
		t = c.opaque(at, "always null")
	default:
		t = c.untyped(v, at, depth)
	}
	t.Optional = t.Optional || null
	return t
}

// typeNames reads `type`: the names in it without null and without integer beside number, and whether null is among them.
func typeNames(v strictjson.Value) (names []string, null bool, err error) {
	types, ok := v.Get("type")
	switch {
	case !ok:
		return nil, false, nil
	case types.Kind == strictjson.String:
		types = strictjson.Value{Items: []strictjson.Value{types}}
	case types.Kind != strictjson.Array || len(types.Items) == 0:
		return nil, false, errors.New("its schema has a malformed type")
	}
	for _, item := range types.Items {
		switch name := item.Text; {
		case item.Kind == strictjson.String && name == "null":
			null = true
		case item.Kind == strictjson.String && slices.Contains([]string{"string", "integer", "number", "boolean", "array", "object"}, name):
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		default:
			return nil, false, fmt.Errorf("its schema has the unknown type %s", excerpt(item.Text))
		}
	}
	if slices.Contains(names, "number") {
		names = slices.DeleteFunc(names, func(s string) bool { return s == "integer" })
	}
	return names, null, nil
}

// isCombined reports whether an object's members are described by combinators alone.
func isCombined(v strictjson.Value) bool {
	if _, ok := v.Get("properties"); ok {
		return false
	}
	return has(v, "allOf") || has(v, "anyOf") || has(v, "oneOf")
}

func has(v strictjson.Value, name string) bool {
	_, ok := v.Get(name)
	return ok
}

// formats are the types of strings whose format the language knows.
var formats = map[string]string{
	"email": "email", "uri": "url", "url": "url", "date": "date", "date-time": "timestamp", "ipv4": "ip", "ipv6": "ip",
}

func (c *converter) ofType(name string, v strictjson.Value, at string, depth int) *lang.TypeExpr {
	switch name {
	case "string":
		format, _ := v.Get("format")
		if t, ok := formats[format.Text]; ok && format.Kind == strictjson.String {
			return named(t)
		}
		return named("string")
	case "integer":
		return named("int")
	case "number":
		return named("decimal")
	case "boolean":
		return named("bool")
	case "array":
		return c.array(v, at, depth)
	}
	return c.object(v, at, depth)
}

// untyped finds the type of a schema that doesn't name it.
func (c *converter) untyped(v strictjson.Value, at string, depth int) *lang.TypeExpr {
	switch {
	case has(v, "properties"):
		return c.object(v, at, depth)
	case has(v, "items") || has(v, "prefixItems"):
		return c.array(v, at, depth)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if forms, ok := v.Get(keyword); ok {
			return c.oneOf(forms, at, depth)
		}
	}
	if parts, ok := v.Get("allOf"); ok && len(parts.Items) == 1 {
		return c.typ(parts.Items[0], at, depth+1)
	} else if ok {
		return c.opaque(at, "all of several schemas")
	}
	return c.opaque(at, "its schema doesn't say of what type")
}

// reference follows a $ref inside the document.
func (c *converter) reference(v, ref strictjson.Value, at string, depth int) *lang.TypeExpr {
	switch {
	case ref.Kind != strictjson.String || !strings.HasPrefix(ref.Text, "#"):
		return c.opaque(at, "its schema is elsewhere")
	case slices.Contains(c.following, ref.Text):
		return c.opaque(at, "its schema refers to itself")
	case has(v, "properties"):
		return c.opaque(at, "all of several schemas")
	}
	target, ok := c.resolve(ref.Text)
	if !ok {
		return c.opaque(at, "its schema refers to %s, which isn't there", excerpt(ref.Text))
	}
	c.following = append(c.following, ref.Text)
	defer func() { c.following = c.following[:len(c.following)-1] }()
	return c.typ(target, at, depth+1)
}

// resolve finds what a fragment with a JSON pointer in it (RFC 6901, section 6) points to.
func (c *converter) resolve(ref string) (strictjson.Value, bool) {
	pointer, err := url.PathUnescape(ref[1:])
	if err != nil {
		return strictjson.Value{}, false
	}
	at := c.root
	if pointer == "" {
		return at, true
	}
	tokens := strings.Split(pointer, "/")
	if tokens[0] != "" {
		return strictjson.Value{}, false
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for _, token := range tokens[1:] {
		c.spend(at)
		switch i, err := strconv.Atoi(token); {
		case *c.work < 0:
			return strictjson.Value{}, false
		case at.Kind == strictjson.Array && err == nil && i >= 0 && i < len(at.Items):
			at = at.Items[i]
		case at.Kind == strictjson.Object:
			var ok bool
			if at, ok = at.Get(unescape.Replace(token)); !ok {
				return strictjson.Value{}, false
			}
		default:
			return strictjson.Value{}, false
		}
	}
	return at, true
}

// enumeration is the type of one of a few values; null among them makes it optional.
func (c *converter) enumeration(values []strictjson.Value, at string) *lang.TypeExpr {
	c.spend(strictjson.Value{Items: values})
	var texts []lang.Str
	null, whole := false, true
	kinds := map[strictjson.Kind]bool{}
	for _, v := range values {
		if v.Kind == strictjson.Null {
			null = true
			continue
		}
		kinds[v.Kind] = true
		switch v.Kind {
		case strictjson.String:
			texts = append(texts, lang.Str{Value: v.Text})
		case strictjson.Number:
			_, err := value.IntFromJSON(v.Text)
			whole = whole && err == nil
		}
	}
	var t *lang.TypeExpr
	switch {
	case len(kinds) == 0:
		t = c.opaque(at, "an enumeration without values")
	case len(kinds) > 1 || kinds[strictjson.Array] || kinds[strictjson.Object]:
		t = c.opaque(at, "an enumeration of more than texts")
	case kinds[strictjson.Bool]:
		t = named("bool")
	case kinds[strictjson.Number] && whole:
		t = named("int")
	case kinds[strictjson.Number]:
		t = named("decimal")
	case slices.ContainsFunc(texts, func(s lang.Str) bool { return len(quote(s.Value)) > lang.MaxStringLen }):
		t = named("string")
	default:
		t = &lang.TypeExpr{Enum: unique(texts)}
	}
	t.Optional = null
	return t
}

// unique returns texts in their order, each once.
func unique(texts []lang.Str) []lang.Str {
	seen := map[string]bool{}
	var out []lang.Str
	for _, s := range texts {
		if !seen[s.Value] {
			seen[s.Value] = true
			out = append(out, s)
		}
	}
	return out
}

// oneOf is the type of a value that has one of several forms, null aside: the widest of their types.
func (c *converter) oneOf(forms strictjson.Value, at string, depth int) *lang.TypeExpr {
	c.spend(forms)
	mark := len(c.notes)
	var widest *lang.TypeExpr
	var seen []string
	null, joined := false, true
	for _, form := range forms.Items {
		if isNull(form) {
			null = true
			continue
		}
		t := c.typ(form, at, depth+1)
		null = null || t.Optional
		t.Optional = false
		if text := outline(t); !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
		if widest == nil {
			widest = t
		} else if wider := join(widest, t); joined && wider != nil {
			widest = wider
		} else {
			joined = false
		}
		if *c.work < 0 {
			break
		}
	}
	if widest == nil {
		widest = c.opaque(at, "one of no forms")
	} else if !joined {
		c.notes = c.notes[:mark]
		widest = c.opaque(at, "one of %s", cut(strings.Join(seen, " or "), 100))
	}
	widest.Optional = null
	return widest
}

// outline describes a type in short: of records only the names of their fields.
func outline(t *lang.TypeExpr) string {
	switch {
	case t.Elem != nil:
		return "[" + outline(t.Elem) + "]"
	case len(t.Fields) > 0:
		var names []string
		for _, f := range t.Fields {
			names = append(names, word(f.Name.Name))
		}
		return "{ " + strings.Join(names, ", ") + " }"
	}
	return typeText(base(t))
}

// isNull reports whether a schema admits null alone.
func isNull(v strictjson.Value) bool {
	if t, ok := v.Get("type"); ok {
		return t.Kind == strictjson.String && t.Text == "null"
	}
	if one, ok := v.Get("const"); ok {
		return one.Kind == strictjson.Null
	}
	enum, ok := v.Get("enum")
	return ok && len(enum.Items) == 1 && enum.Items[0].Kind == strictjson.Null
}

// cut shortens an ASCII text.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most-3] + "..."
}

func (c *converter) array(v strictjson.Value, at string, depth int) *lang.TypeExpr {
	at += "[]"
	items, ok := v.Get("items")
	var elem *lang.TypeExpr
	switch {
	case has(v, "prefixItems") || items.Kind == strictjson.Array:
		elem = c.opaque(at, "the elements have types of their own")
	case !ok:
		elem = c.opaque(at, "its schema doesn't say of what type")
	default:
		if elem = c.typ(items, at, depth+1); elem.Optional && !isNamed(elem, "json") {
			elem = c.opaque(at, "null may be among the elements")
		}
		elem.Optional = false
	}
	return &lang.TypeExpr{Elem: elem}
}
