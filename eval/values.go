package eval

import (
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// A val is a value of the language at run time. The zero val is an absent optional. Kinds whose canonical form is a text
// (string, enum, path, email, url, resource, ip, cidr) keep that text in s, so that equality is equality of texts.
type val struct {
	kind    lang.Kind
	n       int64 // bool (0, 1), int, date (days), timestamp and duration (nanoseconds)
	s       string
	dec     value.Decimal
	items   []val        // of a list or argv; values of a record
	fields  []lang.Field // of a record, sorted by name; the item of one that isn't there is absent
	parsed  *parsed      // of the kinds whose text says less than what it was parsed to
	origins *originSet   // nil: the policy's own
}

// parsed is what the text of a value means. It is shared and never changed.
type parsed struct {
	name   resource.Name    // of a resource, url or path
	addr   netip.Addr       // of an ip
	prefix netip.Prefix     // of a cidr
	json   strictjson.Value // of json
}

// name is the resource that a resource, url or path names.
func (v val) name() resource.Name {
	if v.parsed == nil {
		return resource.Name{}
	}
	return v.parsed.name
}

func (v val) absent() bool { return v.kind == lang.Invalid }

func boolVal(b bool) val {
	if b {
		return val{kind: lang.Bool, n: 1}
	}
	return val{kind: lang.Bool}
}

// computed is the result of a condition. Like everything that is computed from values, it is of unknown origin.
func computed(b bool) val {
	v := boolVal(b)
	v.origins = unknownOrigin
	return v
}

func intVal(n int64) val { return val{kind: lang.Int, n: n} }

func resourceVal(n resource.Name) val {
	return val{kind: lang.Resource, s: n.String(), parsed: &parsed{name: n}}
}

func (v val) isList() bool { return v.kind == lang.ListKind || v.kind == lang.Argv }

// decimal is the value of a number.
func (v val) decimal() value.Decimal {
	if v.kind == lang.Int {
		return value.DecimalFromInt(v.n)
	}
	return v.dec
}

// widened is an integer as a decimal; any other value as it is.
func (v val) widened() val {
	if v.kind == lang.Int {
		v.kind, v.dec = lang.Decimal, value.DecimalFromInt(v.n)
	}
	return v
}

// field returns the field of a record; absent when there is none.
func (v val) field(name string) val {
	for i := range v.fields {
		if v.fields[i].Name == name {
			return v.items[i]
		}
	}
	return val{}
}

// recordVal makes a record of its fields.
func recordVal(fields map[string]val) val {
	v := val{kind: lang.RecordKind}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v.fields, v.items = append(v.fields, lang.Field{Name: name}), append(v.items, fields[name])
	}
	return v
}

// equal compares two values of comparable types.
func equal(a, b val) bool {
	switch {
	case a.kind == lang.Int && b.kind == lang.Int, a.kind == lang.Bool, a.kind == lang.Date, a.kind == lang.Timestamp, a.kind == lang.Duration:
		return a.n == b.n
	case a.kind == lang.Int || a.kind == lang.Decimal:
		return a.decimal() == b.decimal()
	case a.isList():
		return slices.EqualFunc(a.items, b.items, equal)
	case a.kind == lang.RecordKind:
		return a.present() == b.present() && a.within(b)
	}
	return a.kind != lang.JSON && b.kind != lang.JSON && a.s == b.s // the checker lets no json through
}

// present counts the fields of a record that are there.
func (v val) present() int {
	n := 0
	for i := range v.items {
		if !v.items[i].absent() {
			n++
		}
	}
	return n
}

// within reports whether each field of v that is there has an equal one in b.
func (v val) within(b val) bool {
	for i := range v.fields {
		item := v.items[i]
		if item.absent() {
			continue
		}
		if other := b.field(v.fields[i].Name); other.absent() || !equal(item, other) { // false, 0 and "" equal no field that isn't there
			return false
		}
	}
	return true
}

// compare orders two numbers, dates, timestamps or durations.
func compare(a, b val) int {
	if a.kind == lang.Decimal || b.kind == lang.Decimal {
		return a.decimal().Cmp(b.decimal())
	}
	switch {
	case a.n < b.n:
		return -1
	case a.n > b.n:
		return 1
	}
	return 0
}

// An originSet is a sorted set of labels.
type originSet struct{ labels []string }

var unknownOrigin = &originSet{[]string{lang.OriginUnknown}}

func newOriginSet(labels []string) *originSet {
	labels = slices.Clone(labels)
	sort.Strings(labels)
	return &originSet{slices.Compact(labels)}
}

// unite is the union of two sets; nil, the policy's own, adds nothing.
func unite(a, b *originSet) *originSet {
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	}
	return newOriginSet(append(slices.Clone(a.labels), b.labels...))
}

// derived is the origin of what was computed from values: unknown, unless all of it is the policy's own.
func derived(vs ...val) *originSet {
	for _, v := range vs {
		if v.allOrigins() != nil {
			return unknownOrigin
		}
	}
	return nil
}

// allOrigins is the union of a value's labels and those of what it holds.
func (v val) allOrigins() *originSet {
	set := v.origins
	for _, item := range v.items {
		set = unite(set, item.allOrigins())
	}
	return set
}

// from answers VALUE from …. The labels of the policy itself are in no set, so a value that has no other satisfies every form.
func (v val) from(mode lang.FromMode, listed []string) bool {
	set := v.allOrigins()
	if set == nil {
		return true
	}
	some, all := false, true
	for _, label := range set.labels {
		if covered(label, listed) {
			some = true
		} else {
			all = false
		}
	}
	switch mode {
	case lang.FromSome:
		return some
	case lang.FromNo:
		return !some
	}
	return all
}

// covered reports whether a label is one of those listed, or, for a tool's, a field below one.
func covered(label string, listed []string) bool {
	for _, l := range listed {
		if label == l || strings.HasPrefix(l, "tool ") && strings.HasPrefix(label, l) && label[len(l)] == '.' {
			return true
		}
	}
	return false
}

// String renders a value for people, as the language writes it, cut to some 200 bytes.
func (v val) String() string {
	switch v.kind {
	case lang.Invalid:
		return "(absent)"
	case lang.Bool:
		return strconv.FormatBool(v.n != 0)
	case lang.Int:
		return strconv.FormatInt(v.n, 10)
	case lang.Decimal:
		return v.dec.String()
	case lang.Date:
		return value.Date(v.n).String()
	case lang.Timestamp:
		return time.Unix(0, v.n).UTC().Format(time.RFC3339Nano)
	case lang.Duration:
		return value.FormatDuration(time.Duration(v.n))
	case lang.JSON:
		return cut(string(v.parsed.json.AppendJSON(nil)))
	case lang.ListKind, lang.Argv, lang.RecordKind:
		var parts []string
		for i, item := range v.items {
			if item.absent() {
				continue
			}
			s := item.String()
			if v.kind == lang.RecordKind {
				s = v.fields[i].Name + ": " + s
			}
			parts = append(parts, s)
		}
		s := cut(strings.Join(parts, ", "))
		if v.kind == lang.RecordKind {
			return "{ " + s + " }"
		}
		return "[" + s + "]"
	}
	return strconv.QuoteToGraphic(cut(v.s))
}

func cut(s string) string {
	if len(s) <= 200 {
		return s
	}
	return strings.ToValidUTF8(s[:197], "") + "…"
}
