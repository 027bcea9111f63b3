package eval

import (
	"fmt"
	"slices"
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
	room      []val // for fields of records; what is in it is taken
}

// fields returns room for the values of n fields.
func (c *converter) fields(n int) []val {
	if len(c.room)+n > cap(c.room) {
		c.room = make([]val, 0, max(n, 8))
	}
	start := len(c.room)
	c.room = c.room[:start+n]
	return c.room[start : start+n : start+n]
}

// convertRecord converts the arguments or the context. Keeping track of places takes memory, so it is done only where it matters.
func (c *converter) convertRecord(out *val, v *strictjson.Value, t *lang.Type) error {
	if len(c.origins) == 0 && len(c.valueOrigins) == 0 {
		c.placeless = true
		if c.record(out, v, t, nil, nil, false) == nil {
			return nil
		}
		c.placeless = false
	}
	return c.record(out, v, t, nil, nil, false)
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
func (c *converter) record(out *val, v *strictjson.Value, t *lang.Type, at *path, inherited *originSet, hasInherited bool) error {
	if v.Kind != strictjson.Object {
		return fmt.Errorf("%s must be an object, not %s", at, v.Kind)
	}
	*out = val{kind: lang.RecordKind}
	// The fields of a type serve for all its records, with what is absent in its place. A record that lacks most of them has its own, so that no
	// value takes memory for what isn't there.
	sparse := at != nil && 2*len(v.Members) < len(t.Fields)
	if sparse {
		out.fields, out.items = make([]lang.Field, 0, len(v.Members)), make([]val, 0, len(v.Members))
	} else {
		out.fields, out.items = t.Fields, c.fields(len(t.Fields))
	}
	own, labelled := c.labels(v, at)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	found, absent := 0, 0
	for i := range t.Fields {
		f := &t.Fields[i]
		m := v.Member(f.Name)
		if m != nil {
			found++
		}
		if m == nil || m.Kind == strictjson.Null && f.Type.Optional && f.Type.Kind != lang.JSON {
			if !f.Type.Optional && !(c.partial && at == nil) {
				return fmt.Errorf("%s is missing", c.field(at, f.Name))
			}
			absent++
			continue
		}
		to := i
		if sparse {
			to = len(out.items)
			out.fields, out.items = append(out.fields, lang.Field{Name: f.Name}), append(out.items, val{})
		}
		if err := c.convert(&out.items[to], m, &f.Type, c.field(at, f.Name), own, labelled); err != nil {
			return err
		}
	}
	if found < len(v.Members) {
		for i := range v.Members {
			if _, ok := t.Field(v.Members[i].Name); !ok {
				return fmt.Errorf("%s is not declared", c.field(at, v.Members[i].Name))
			}
		}
	}
	if explicit, ok := c.labels(v, at); ok {
		out.origins = explicit
	} else if absent == len(t.Fields) {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return nil
}

// byValue are the labels that the host gave to a value wherever it stands. A number is the same however it is written.
func (c *converter) byValue(v *strictjson.Value) []string {
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
func (c *converter) labels(v *strictjson.Value, at *path) (*originSet, bool) {
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
func (c *converter) convert(out *val, v *strictjson.Value, t *lang.Type, at *path, inherited *originSet, hasInherited bool) error {
	own, labelled := c.labels(v, at)
	if !labelled {
		own, labelled = inherited, hasInherited
	}
	var err error
	want := strictjson.String
	switch t.Kind {
	case lang.Bool:
		want = strictjson.Bool
		*out = boolVal(v.Bool)
	case lang.Int:
		want = strictjson.Number
		if *out = (val{kind: lang.Int}); v.Kind == want {
			out.n, err = value.IntFromJSON(v.Text)
		}
	case lang.Decimal:
		want = strictjson.Number
		if *out = (val{kind: lang.Decimal}); v.Kind == want {
			out.dec, err = value.DecimalFromJSON(v.Text)
		}
	case lang.Enum:
		if v.Kind != strictjson.String || !slices.Contains(t.Enum, v.Text) {
			return fmt.Errorf("%s must be one of %s", at, t.Required())
		}
		*out = val{kind: lang.Enum, s: v.Text}
	case lang.Argv:
		return c.argv(out, v, at, own, labelled)
	case lang.ListKind:
		if v.Kind == strictjson.Array {
			return c.list(out, v, t.Elem, at, own, labelled)
		}
		want = strictjson.Array
	case lang.RecordKind:
		return c.record(out, v, t, at, own, labelled)
	case lang.JSON:
		*out = val{kind: lang.JSON, parsed: &parsed{json: *v}, origins: c.opaque(v, at, own, labelled)}
		return nil
	default:
		if v.Kind == want {
			*out, err = parseText(t.Kind, v.Text)
		}
	}
	if v.Kind != want {
		return fmt.Errorf("%s must be %s, not %s", at, t.Required(), v.Kind)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	out.origins = c.orUnlabelled(own, labelled)
	return nil
}

// opaque is the union of the labels of all that an opaque value holds.
func (c *converter) opaque(v *strictjson.Value, at *path, inherited *originSet, labelled bool) *originSet {
	set, ok := c.labels(v, at)
	if !ok {
		set, ok = inherited, labelled
	}
	out := set
	if !ok && len(v.Items) == 0 && len(v.Members) == 0 {
		out = c.unlabelled
	}
	for i := range v.Items {
		out = unite(out, c.opaque(&v.Items[i], c.element(at, i), set, ok))
	}
	for i := range v.Members {
		out = unite(out, c.opaque(&v.Members[i].Value, c.field(at, v.Members[i].Name), set, ok))
	}
	return out
}

func (c *converter) list(out *val, v *strictjson.Value, elem *lang.Type, at *path, own *originSet, labelled bool) error {
	if len(v.Items) > MaxListLen {
		return fmt.Errorf("%s has %d elements; at most %d are allowed", at, len(v.Items), MaxListLen)
	}
	*out = val{kind: lang.ListKind, items: make([]val, len(v.Items))}
	for i := range v.Items {
		if err := c.convert(&out.items[i], &v.Items[i], elem, c.element(at, i), own, labelled); err != nil {
			return err
		}
	}
	if explicit, ok := c.labels(v, at); ok {
		out.origins = explicit
	} else if len(out.items) == 0 {
		out.origins = c.orUnlabelled(own, labelled)
	}
	return nil
}

// argv converts a command: a list of words, or a string that is split as a shell splits it.
func (c *converter) argv(out *val, v *strictjson.Value, at *path, own *originSet, labelled bool) error {
	if v.Kind == strictjson.String {
		words, err := value.SplitArgv(v.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if len(words) > MaxListLen {
			return fmt.Errorf("%s has %d words; at most %d are allowed", at, len(words), MaxListLen)
		}
		set := c.orUnlabelled(own, labelled)
		*out = val{kind: lang.Argv, origins: set}
		for _, w := range words {
			word := set
			if more := c.valueOrigins[w]; len(more) > 0 {
				word = newOriginSet(append(set.labels[:len(set.labels):len(set.labels)], more...))
			}
			out.items = append(out.items, val{kind: lang.String, s: w, origins: word})
		}
		return nil
	}
	if v.Kind != strictjson.Array {
		return fmt.Errorf("%s must be argv: a list of words, or a command line; not %s", at, v.Kind)
	}
	if err := c.list(out, v, &lang.Type{Kind: lang.String}, at, own, labelled); err != nil {
		return err
	}
	if len(out.items) == 0 {
		return fmt.Errorf("%s is an empty command", at)
	}
	for i := range out.items {
		if err := value.CheckWord(out.items[i].s); err != nil {
			return fmt.Errorf("%s: %w", c.element(at, i), err)
		}
	}
	out.kind = lang.Argv
	return nil
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
