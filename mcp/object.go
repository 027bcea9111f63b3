package mcp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
)

// This file reads schemas of objects: records, and the arguments of a tool.

func (c *converter) object(v strictjson.Value, at string, depth int) *lang.TypeExpr {
	m, err := c.members(v)
	switch {
	case err != nil:
		return c.opaque(at, "%s", err)
	case len(m.names) == 0 && !m.closed:
		return c.opaque(at, "an object whose members its schema doesn't name")
	case m.open && !c.result:
		return c.opaque(at, "an object that may have members that its schema doesn't name")
	}
	t := &lang.TypeExpr{Record: true}
	for _, name := range m.names {
		if len(name) > lang.MaxNameLen {
			return c.opaque(at, "a member has a name of %d bytes", len(name))
		}
		field := m.typ(c, name, at+"."+label(name), depth)
		t.Fields = append(t.Fields, lang.FieldExpr{Name: lang.Ident{Name: name}, Type: field})
	}
	return t
}

// label is a name for notes: as it is if it is a word, else quoted.
func label(name string) string {
	if isWord(name) && len(name) <= 60 {
		return name
	}
	return excerpt(name)
}

// members are what an object's schema says of its members.
type members struct {
	names    []string // in the order of the schema; those that only `required` names come last
	schemas  map[string]strictjson.Value
	required map[string]bool
	closed   bool // it has no others
	open     bool // it says that it may have others
}

// typ returns the type of a member: optional if it may be left out.
func (m *members) typ(c *converter, name, at string, depth int) *lang.TypeExpr {
	var t *lang.TypeExpr
	if v, ok := m.schemas[name]; ok {
		t = c.typ(v, at, depth+1)
	} else {
		t = c.opaque(at, "its schema is missing")
	}
	t.Optional = t.Optional || !m.required[name]
	return t
}

func (c *converter) members(v strictjson.Value) (*members, error) {
	m := &members{schemas: map[string]strictjson.Value{}, required: map[string]bool{}}
	properties, ok := v.Get("properties")
	if ok && properties.Kind != strictjson.Object {
		return nil, errors.New("its schema has malformed properties")
	}
	required, ok := v.Get("required")
	if ok && required.Kind != strictjson.Array {
		return nil, errors.New("its schema has a malformed required")
	}
	c.spend(properties)
	c.spend(required)
	if *c.work < 0 {
		return nil, errors.New("its schema is too large")
	}
	for _, p := range properties.Members {
		if p.Value.Kind == strictjson.Bool && !p.Value.Bool {
			continue // it must not be there
		}
		m.names = append(m.names, p.Name)
		m.schemas[p.Name] = p.Value
	}
	for _, name := range required.Items {
		if name.Kind != strictjson.String {
			return nil, errors.New("its schema has a malformed required")
		}
		if _, ok := m.schemas[name.Text]; !ok && !m.required[name.Text] {
			m.names = append(m.names, name.Text)
		}
		m.required[name.Text] = true
	}
	if others, ok := v.Get("additionalProperties"); ok {
		m.closed = others.Kind == strictjson.Bool && !others.Bool
		m.open = !m.closed
	}
	m.open = m.open || has(v, "patternProperties")
	for _, keyword := range combinators {
		if part, ok := v.Get(keyword); ok {
			m.open = m.open || c.namesOthers(part, m.schemas, 0)
		}
	}
	return m, nil
}

// namesOthers reports whether a schema, or one in a list or map of schemas, describes members that aren't known.
func (c *converter) namesOthers(v strictjson.Value, known map[string]strictjson.Value, depth int) bool {
	c.spend(v)
	if *c.work < 0 || depth > MaxDepth || has(v, "$ref") || has(v, "patternProperties") {
		return true
	}
	properties, _ := v.Get("properties")
	c.spend(properties)
	for _, p := range properties.Members {
		if _, ok := known[p.Name]; !ok {
			return true
		}
	}
	for _, item := range v.Items {
		if c.namesOthers(item, known, depth+1) {
			return true
		}
	}
	for _, m := range v.Members {
		if m.Name != "properties" && m.Value.Kind >= strictjson.Array && c.namesOthers(m.Value, known, depth+1) {
			return true
		}
	}
	return false
}

// arguments makes the tool's parameters of its inputSchema.
func (t *Tool) arguments(input strictjson.Value, work *int) error {
	c := converter{root: input, work: work}
	if input.Kind != strictjson.Object {
		return errors.New("its inputSchema is no schema of an object")
	}
	v := input
	for n := 0; has(v, "$ref"); n++ {
		ref, _ := v.Get("$ref")
		var ok bool
		if v, ok = c.resolve("#" + strings.TrimPrefix(ref.Text, "#")); !ok || n > MaxDepth || !strings.HasPrefix(ref.Text, "#") {
			return errors.New("its inputSchema refers to what isn't there")
		}
	}
	names, _, err := typeNames(v)
	if err != nil || len(names) > 0 && !slices.Contains(names, "object") || v.Kind != strictjson.Object {
		return errors.New("its inputSchema is no schema of an object")
	}
	m, err := c.members(v)
	if err != nil {
		return fmt.Errorf("of its inputSchema: %w", err)
	}
	if len(m.names) > MaxParams {
		return fmt.Errorf("it has %d parameters; at most %d are allowed", len(m.names), MaxParams)
	}
	if m.open {
		t.notes = append(t.notes, openNote)
	}
	for _, name := range m.names {
		if len(name) > lang.MaxNameLen {
			return fmt.Errorf("a parameter has a name of %d bytes; at most %d are allowed", len(name), lang.MaxNameLen)
		}
		typ := m.typ(&c, name, label(name), 1)
		t.params = append(t.params, parameter{name, typ, c.taken()})
	}
	return nil
}

// openNote stands above a tool that takes arguments without naming them.
const openNote = "open: the schema admits arguments that it doesn't name; a call with one is denied"
