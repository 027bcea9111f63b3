package eval

import (
	"fmt"
	"strings"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// A converter turns JSON into values of declared types, and labels them.
type converter struct {
	origins, valueOrigins map[string][]string
	// unlabelled is the origin of what has no label.
	unlabelled *originSet
}

// record converts an object to a record: each member must be declared, each required field there.
func (c *converter) record(v strictjson.Value, t lang.Type, ptr string, inherited *originSet, hasInherited bool) (val, error) {
	out := val{kind: lang.RecordKind}
	if v.Kind != strictjson.Object {
		return val{}, fmt.Errorf("%s must be an object, not %s", at(ptr), v.Kind)
	}
	for _, m := range v.Members {
		if _, ok := t.Field(m.Name); !ok {
			return val{}, fmt.Errorf("%s is not declared", at(pointer(ptr, m.Name)))
		}
	}
	own, labelled := c.labels(v, ptr)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	for _, f := range t.Fields {
		m, ok := v.Get(f.Name)
		p := pointer(ptr, f.Name)
		if !ok || m.Kind == strictjson.Null && f.Type.Optional && f.Type.Kind != lang.JSON {
			if !f.Type.Optional {
				return val{}, fmt.Errorf("%s is missing", at(p))
			}
			continue
		}
		fv, err := c.convert(m, f.Type, p, own, labelled)
		if err != nil {
			return val{}, err
		}
		out.names, out.items = append(out.names, f.Name), append(out.items, fv)
	}
	if explicit, ok := c.labels(v, ptr); ok {
		out.origins = explicit
	} else if len(out.items) == 0 {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return out, nil
}

func (c *converter) orUnlabelled(set *originSet, labelled bool) *originSet {
	if labelled {
		return set
	}
	return c.unlabelled
}

// labels returns the labels that the host gave to the value at ptr, by place and by value.
func (c *converter) labels(v strictjson.Value, ptr string) (*originSet, bool) {
	if len(c.origins) == 0 && len(c.valueOrigins) == 0 {
		return nil, false
	}
	labels := c.origins[ptr]
	if v.Kind == strictjson.String || v.Kind == strictjson.Number {
		if more := c.valueOrigins[v.Text]; len(more) > 0 {
			labels = append(labels[:len(labels):len(labels)], more...)
		}
	}
	if len(labels) == 0 {
		return nil, false
	}
	return newOriginSet(labels), true
}

// convert makes a value of type t. What has no label of its own has that of the nearest labelled value around it.
func (c *converter) convert(v strictjson.Value, t lang.Type, ptr string, inherited *originSet, hasInherited bool) (val, error) {
	own, labelled := c.labels(v, ptr)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	wrong := func() (val, error) {
		return val{}, fmt.Errorf("%s must be %s, not %s", at(ptr), t.Required(), v.Kind)
	}
	text := func() (val, error) {
		if v.Kind != strictjson.String {
			return wrong()
		}
		out, err := parseText(t.Kind, v.Text)
		if err != nil {
			return val{}, fmt.Errorf("%s: %w", at(ptr), err)
		}
		out.origins = c.orUnlabelled(own, labelled)
		return out, nil
	}
	switch t.Kind {
	case lang.Bool:
		if v.Kind != strictjson.Bool {
			return wrong()
		}
		out := boolVal(v.Bool)
		out.origins = c.orUnlabelled(own, labelled)
		return out, nil
	case lang.Int, lang.Decimal:
		if v.Kind != strictjson.Number {
			return wrong()
		}
		out := val{kind: t.Kind, origins: c.orUnlabelled(own, labelled)}
		var err error
		if t.Kind == lang.Int {
			out.n, err = value.IntFromJSON(v.Text)
		} else {
			out.dec, err = value.DecimalFromJSON(v.Text)
		}
		if err != nil {
			return val{}, fmt.Errorf("%s: %w", at(ptr), err)
		}
		return out, nil
	case lang.Enum:
		for _, e := range t.Enum {
			if v.Kind == strictjson.String && v.Text == e {
				return text()
			}
		}
		return val{}, fmt.Errorf("%s must be one of %s", at(ptr), t.Required())
	case lang.Argv:
		return c.argv(v, ptr, own, labelled)
	case lang.ListKind:
		if v.Kind != strictjson.Array {
			return wrong()
		}
		return c.list(v, *t.Elem, ptr, own, labelled)
	case lang.RecordKind:
		return c.record(v, t, ptr, own, labelled)
	case lang.JSON:
		return val{kind: lang.JSON, parsed: &parsed{json: v}, origins: c.opaque(v, ptr, own, labelled)}, nil
	}
	return text()
}

// opaque is the union of the labels of all that an opaque value holds.
func (c *converter) opaque(v strictjson.Value, ptr string, inherited *originSet, labelled bool) *originSet {
	set, ok := c.labels(v, ptr)
	if !ok {
		set, ok = inherited, labelled
	}
	out := set
	if !ok && len(v.Items) == 0 && len(v.Members) == 0 {
		out = c.unlabelled
	}
	for i, item := range v.Items {
		out = unite(out, c.opaque(item, fmt.Sprintf("%s/%d", ptr, i), set, ok))
	}
	for _, m := range v.Members {
		out = unite(out, c.opaque(m.Value, pointer(ptr, m.Name), set, ok))
	}
	return out
}

func (c *converter) list(v strictjson.Value, elem lang.Type, ptr string, own *originSet, labelled bool) (val, error) {
	if len(v.Items) > MaxListLen {
		return val{}, fmt.Errorf("%s has %d elements; at most %d are allowed", at(ptr), len(v.Items), MaxListLen)
	}
	out := val{kind: lang.ListKind, items: make([]val, 0, len(v.Items))}
	for i, item := range v.Items {
		iv, err := c.convert(item, elem, fmt.Sprintf("%s/%d", ptr, i), own, labelled)
		if err != nil {
			return val{}, err
		}
		out.items = append(out.items, iv)
	}
	if explicit, ok := c.labels(v, ptr); ok {
		out.origins = explicit
	} else if len(out.items) == 0 {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return out, nil
}

// argv converts a command: a list of words, or a string that is split as a shell splits it.
func (c *converter) argv(v strictjson.Value, ptr string, own *originSet, labelled bool) (val, error) {
	if v.Kind == strictjson.String {
		words, err := value.SplitArgv(v.Text)
		if err != nil {
			return val{}, fmt.Errorf("%s: %w", at(ptr), err)
		}
		if len(words) > MaxListLen {
			return val{}, fmt.Errorf("%s has %d words; at most %d are allowed", at(ptr), len(words), MaxListLen)
		}
		set := c.orUnlabelled(own, labelled)
		out := val{kind: lang.Argv, origins: set}
		for _, w := range words {
			out.items = append(out.items, val{kind: lang.String, s: w, origins: set})
		}
		return out, nil
	}
	if v.Kind != strictjson.Array {
		return val{}, fmt.Errorf("%s must be argv: a list of words, or a command line; not %s", at(ptr), v.Kind)
	}
	out, err := c.list(v, lang.Type{Kind: lang.String}, ptr, own, labelled)
	if err != nil {
		return val{}, err
	}
	if len(out.items) == 0 {
		return val{}, fmt.Errorf("%s is an empty command", at(ptr))
	}
	for i, w := range out.items {
		if err := value.CheckWord(w.s); err != nil {
			return val{}, fmt.Errorf("%s/%d: %w", at(ptr), i, err)
		}
	}
	out.kind = lang.Argv
	return out, nil
}

func pointer(ptr, name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return ptr + "/" + name
}

func at(ptr string) string {
	if ptr == "" {
		return "the whole"
	}
	return short(ptr)
}
