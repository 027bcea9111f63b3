package mcp

import (
	"slices"

	"github.com/moat-lang/moat/lang"
)

// This file compares types as they are written.

// base returns a type without its optionality.
func base(t *lang.TypeExpr) *lang.TypeExpr {
	b := *t
	b.Optional = false
	return &b
}

// equal reports whether two types are the same. Neither the order of a record's fields nor that of an enumeration matters.
func equal(a, b *lang.TypeExpr) bool {
	return a.Optional == b.Optional && narrows(a, b) && narrows(b, a)
}

// texts are the types whose values are strings in JSON.
var texts = []string{"path", "email", "url", "argv", "date", "timestamp", "duration", "ip", "cidr", "resource"}

// narrows reports whether every value of a is one of b, as JSON, optionality aside.
func narrows(a, b *lang.TypeExpr) bool {
	switch {
	case isNamed(b, "json"):
		return true
	case b.Name != nil && a.Name != nil:
		return a.Name.Name == b.Name.Name ||
			b.Name.Name == "string" && slices.Contains(texts, a.Name.Name) ||
			b.Name.Name == "decimal" && a.Name.Name == "int" ||
			b.Name.Name == "resource" && a.Name.Name == "url"
	case len(a.Enum) > 0:
		return isNamed(b, "string") || len(b.Enum) > 0 && !slices.ContainsFunc(a.Enum, func(s lang.Str) bool { return !holds(b.Enum, s) })
	case b.Elem != nil && isNamed(a, "argv"): // of a list or of a string; a string is refused by the server
		return isNamed(b.Elem, "string")
	case a.Elem != nil && b.Elem != nil:
		return narrows(a.Elem, b.Elem) && (!a.Elem.Optional || b.Elem.Optional)
	case a.Record && b.Record:
		return narrowsFields(a, b)
	}
	return false
}

func holds(texts []lang.Str, s lang.Str) bool {
	return slices.ContainsFunc(texts, func(t lang.Str) bool { return t.Value == s.Value })
}

func narrowsFields(a, b *lang.TypeExpr) bool {
	in, of := fieldsOf(a), fieldsOf(b)
	for name, t := range in {
		if u := of[name]; u == nil || !narrows(t, u) || t.Optional && !u.Optional {
			return false
		}
	}
	for name, u := range of {
		if in[name] == nil && !u.Optional {
			return false // every value of a would lack it
		}
	}
	return true
}

func fieldsOf(t *lang.TypeExpr) map[string]*lang.TypeExpr {
	out := make(map[string]*lang.TypeExpr, len(t.Fields))
	for _, f := range t.Fields {
		out[f.Name.Name] = f.Type
	}
	return out
}

// join returns a type that admits all values of two others, optionality aside, or nil when there is none but json.
func join(a, b *lang.TypeExpr) *lang.TypeExpr {
	text := func(t *lang.TypeExpr) bool { return len(t.Enum) > 0 || narrows(t, named("string")) }
	switch {
	case narrows(a, b):
		return b
	case narrows(b, a):
		return a
	case len(a.Enum) > 0 && len(b.Enum) > 0:
		return &lang.TypeExpr{Enum: unique(slices.Concat(a.Enum, b.Enum))}
	case text(a) && text(b):
		return named("string")
	}
	return nil
}

// merge returns the type that a parameter shall have: fresh, what the schema says now, but where what stands in the file is narrower
// than that, this stays. Whether a value may be left out is for the schema to say.
func merge(old, fresh *lang.TypeExpr) *lang.TypeExpr {
	out := base(fresh)
	switch {
	case old.Record && fresh.Record:
		had := fieldsOf(old)
		out.Fields = slices.Clone(fresh.Fields)
		for i, f := range out.Fields {
			if t := had[f.Name.Name]; t != nil {
				out.Fields[i].Type = merge(t, f.Type)
			}
		}
	case old.Elem != nil && fresh.Elem != nil:
		out.Elem = merge(old.Elem, fresh.Elem)
	case narrows(old, fresh):
		out = base(old)
	}
	out.Optional = fresh.Optional
	return out
}

// mentions reports whether json stands anywhere in a type.
func mentionsJSON(t *lang.TypeExpr) bool {
	return isNamed(t, "json") || t.Elem != nil && mentionsJSON(t.Elem) ||
		slices.ContainsFunc(t.Fields, func(f lang.FieldExpr) bool { return mentionsJSON(f.Type) })
}
