package eval

import (
	"fmt"
	"strconv"
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
	// partial lets required fields of the outermost record be missing.
	partial bool
	// placeless tells that places needn't be kept track of: there are no labels, and a conversion that fails is done again for its message.
	placeless bool
}

// convertRecord converts the arguments or the context. Keeping track of places takes memory, so it is done only where it matters.
func (c *converter) convertRecord(v strictjson.Value, t lang.Type) (val, error) {
	if len(c.origins) == 0 && len(c.valueOrigins) == 0 {
		c.placeless = true
		if out, err := c.record(v, t, nil, nil, false); err == nil {
			return out, nil
		}
		c.placeless = false
	}
	return c.record(v, t, nil, nil, false)
}

// somewhere stands for every place but the outermost, when places aren't kept track of.
var somewhere = &path{}

func (c *converter) field(at *path, name string) *path {
	if c.placeless {
		return somewhere
	}
	return &path{up: at, name: name}
}

func (c *converter) element(at *path, i int) *path {
	if c.placeless {
		return somewhere
	}
	return &path{up: at, index: i, isElement: true}
}

// record converts an object to a record: each member must be declared, each required field there, unless partial.
func (c *converter) record(v strictjson.Value, t lang.Type, at *path, inherited *originSet, hasInherited bool) (val, error) {
	if v.Kind != strictjson.Object {
		return val{}, fmt.Errorf("%s must be an object, not %s", at, v.Kind)
	}
	out := val{kind: lang.RecordKind, items: make([]val, 0, len(v.Members)), names: make([]string, 0, len(v.Members))}
	own, labelled := c.labels(v, at)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	found := 0
	for _, f := range t.Fields {
		m, ok := v.Get(f.Name)
		if ok {
			found++
		}
		if !ok || m.Kind == strictjson.Null && f.Type.Optional && f.Type.Kind != lang.JSON {
			if !f.Type.Optional && !(c.partial && at == nil) {
				return val{}, fmt.Errorf("%s is missing", c.field(at, f.Name))
			}
			continue
		}
		fv, err := c.convert(m, f.Type, c.field(at, f.Name), own, labelled)
		if err != nil {
			return val{}, err
		}
		out.names, out.items = append(out.names, f.Name), append(out.items, fv)
	}
	if found < len(v.Members) {
		for _, m := range v.Members {
			if _, ok := t.Field(m.Name); !ok {
				return val{}, fmt.Errorf("%s is not declared", c.field(at, m.Name))
			}
		}
	}
	if explicit, ok := c.labels(v, at); ok {
		out.origins = explicit
	} else if len(out.items) == 0 {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return out, nil
}

// byValue are the labels that the host gave to a value wherever it stands. A number is the same however it is written.
func (c *converter) byValue(v strictjson.Value) []string {
	labels := c.valueOrigins[v.Text]
	if v.Kind != strictjson.Number || len(c.valueOrigins) == 0 {
		return labels
	}
	n, err := value.DecimalFromJSON(v.Text)
	for text, more := range c.valueOrigins {
		if m, merr := value.DecimalFromJSON(text); text != v.Text && err == nil && merr == nil && m == n {
			labels = append(labels[:len(labels):len(labels)], more...)
		}
	}
	return labels
}

func (c *converter) orUnlabelled(set *originSet, labelled bool) *originSet {
	if labelled {
		return set
	}
	return c.unlabelled
}

// labels returns the labels that the host gave to a value, by place and by value.
func (c *converter) labels(v strictjson.Value, at *path) (*originSet, bool) {
	if len(c.origins) == 0 && len(c.valueOrigins) == 0 {
		return nil, false
	}
	labels := c.origins[at.pointer()]
	if v.Kind == strictjson.String || v.Kind == strictjson.Number {
		if more := c.byValue(v); len(more) > 0 {
			labels = append(labels[:len(labels):len(labels)], more...)
		}
	}
	if len(labels) == 0 {
		return nil, false
	}
	return newOriginSet(labels), true
}

// convert makes a value of type t. What has no label of its own has that of the nearest labelled value around it.
func (c *converter) convert(v strictjson.Value, t lang.Type, at *path, inherited *originSet, hasInherited bool) (val, error) {
	own, labelled := c.labels(v, at)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	wrong := func() (val, error) {
		return val{}, fmt.Errorf("%s must be %s, not %s", at, t.Required(), v.Kind)
	}
	text := func() (val, error) {
		if v.Kind != strictjson.String {
			return wrong()
		}
		out, err := parseText(t.Kind, v.Text)
		if err != nil {
			return val{}, fmt.Errorf("%s: %w", at, err)
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
			return val{}, fmt.Errorf("%s: %w", at, err)
		}
		return out, nil
	case lang.Enum:
		for _, e := range t.Enum {
			if v.Kind == strictjson.String && v.Text == e {
				return text()
			}
		}
		return val{}, fmt.Errorf("%s must be one of %s", at, t.Required())
	case lang.Argv:
		return c.argv(v, at, own, labelled)
	case lang.ListKind:
		if v.Kind != strictjson.Array {
			return wrong()
		}
		return c.list(v, *t.Elem, at, own, labelled)
	case lang.RecordKind:
		return c.record(v, t, at, own, labelled)
	case lang.JSON:
		return val{kind: lang.JSON, parsed: &parsed{json: v}, origins: c.opaque(v, at, own, labelled)}, nil
	}
	return text()
}

// opaque is the union of the labels of all that an opaque value holds.
func (c *converter) opaque(v strictjson.Value, at *path, inherited *originSet, labelled bool) *originSet {
	set, ok := c.labels(v, at)
	if !ok {
		set, ok = inherited, labelled
	}
	out := set
	if !ok && len(v.Items) == 0 && len(v.Members) == 0 {
		out = c.unlabelled
	}
	for i, item := range v.Items {
		out = unite(out, c.opaque(item, c.element(at, i), set, ok))
	}
	for _, m := range v.Members {
		out = unite(out, c.opaque(m.Value, c.field(at, m.Name), set, ok))
	}
	return out
}

func (c *converter) list(v strictjson.Value, elem lang.Type, at *path, own *originSet, labelled bool) (val, error) {
	if len(v.Items) > MaxListLen {
		return val{}, fmt.Errorf("%s has %d elements; at most %d are allowed", at, len(v.Items), MaxListLen)
	}
	out := val{kind: lang.ListKind, items: make([]val, 0, len(v.Items))}
	for i, item := range v.Items {
		iv, err := c.convert(item, elem, c.element(at, i), own, labelled)
		if err != nil {
			return val{}, err
		}
		out.items = append(out.items, iv)
	}
	if explicit, ok := c.labels(v, at); ok {
		out.origins = explicit
	} else if len(out.items) == 0 {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return out, nil
}

// argv converts a command: a list of words, or a string that is split as a shell splits it.
func (c *converter) argv(v strictjson.Value, at *path, own *originSet, labelled bool) (val, error) {
	if v.Kind == strictjson.String {
		words, err := value.SplitArgv(v.Text)
		if err != nil {
			return val{}, fmt.Errorf("%s: %w", at, err)
		}
		if len(words) > MaxListLen {
			return val{}, fmt.Errorf("%s has %d words; at most %d are allowed", at, len(words), MaxListLen)
		}
		set := c.orUnlabelled(own, labelled)
		out := val{kind: lang.Argv, origins: set}
		for _, w := range words {
			word := set
			if more := c.valueOrigins[w]; len(more) > 0 {
				word = newOriginSet(append(set.labels[:len(set.labels):len(set.labels)], more...))
			}
			out.items = append(out.items, val{kind: lang.String, s: w, origins: word})
		}
		return out, nil
	}
	if v.Kind != strictjson.Array {
		return val{}, fmt.Errorf("%s must be argv: a list of words, or a command line; not %s", at, v.Kind)
	}
	out, err := c.list(v, lang.Type{Kind: lang.String}, at, own, labelled)
	if err != nil {
		return val{}, err
	}
	if len(out.items) == 0 {
		return val{}, fmt.Errorf("%s is an empty command", at)
	}
	for i, w := range out.items {
		if err := value.CheckWord(w.s); err != nil {
			return val{}, fmt.Errorf("%s: %w", c.element(at, i), err)
		}
	}
	out.kind = lang.Argv
	return out, nil
}

// A path says where a value stands among the arguments or in the context; nil is the whole. It is rendered only when somebody asks.
type path struct {
	up    *path
	name  string // of a member
	index int    // of an element, when name is empty and isElement is set

	isElement bool
}

// pointer renders the path as a JSON pointer (RFC 6901).
func (p *path) pointer() string {
	switch {
	case p == nil:
		return ""
	case p.isElement:
		return p.up.pointer() + "/" + strconv.Itoa(p.index)
	}
	return p.up.pointer() + "/" + escapePointer.Replace(p.name)
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// String renders the path for a message.
func (p *path) String() string {
	if p == nil {
		return "the whole"
	}
	return short(p.pointer())
}
