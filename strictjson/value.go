package strictjson

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// A Kind says which of the six JSON types a [Value] has. The zero Kind is [Null].
type Kind uint8

// The JSON types.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"null", "bool", "number", "string", "array", "object"}

// String returns the name of the type as JSON Schema spells it, but "bool" for boolean.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// A Value is one JSON value. The zero Value is null. Values are read-only once parsed: they share nothing with the
// text that they were parsed from, and may be used by several goroutines at once.
type Value struct {
	Kind    Kind
	Bool    bool     // of a Bool
	Text    string   // of a String: its contents, without quotes and escapes; of a Number: its literal, as written
	Items   []Value  // of an Array
	Members []Member // of an Object: in the order of the text, each name once
}

// A Member is a name and its value in an object.
type Member struct {
	Name  string
	Value Value
}

// Get returns the value of the object's member with exactly this name, in time linear in the number of members.
// It reports false if there is none, or v isn't an object.
func (v Value) Get(name string) (Value, bool) {
	if m := v.Member(name); m != nil {
		return *m, true
	}
	return Value{}, false
}

// Member is the value of an object's member, where it stands; nil when there is none, or v is no object.
func (v *Value) Member(name string) *Value {
	if v.Kind != Object {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return &v.Members[i].Value
		}
	}
	return nil
}

// AppendJSON appends the compact text of v to dst: no white space, members in the order of RFC 8785 (by the UTF-16
// code units of their names), strings with the fewest escapes (RFC 8785, section 3.2.2.2), numbers as their literals
// are. But for numbers it is RFC 8785.
//
// The text is a function of v alone. v comes from [Parse], or else keeps the same rules (valid UTF-8, each member name
// once, number literals of the JSON grammar); AppendJSON doesn't check them.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		if v.Bool {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case Number:
		return append(dst, v.Text...)
	case String:
		return appendQuoted(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, m := range sortedMembers(v.Members) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, m.Name), ':')
			dst = m.Value.AppendJSON(dst)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// sortedMembers returns members sorted by name, and leaves the argument as it is.
func sortedMembers(members []Member) []Member {
	byName := func(a, b Member) int { return compareUTF16(a.Name, b.Name) }
	if slices.IsSortedFunc(members, byName) {
		return members
	}
	members = slices.Clone(members)
	slices.SortFunc(members, byName)
	return members
}

// compareUTF16 compares two valid UTF-8 strings by their UTF-16 code units (RFC 8785, section 3.2.3). This is the
// order of the bytes, but that characters beyond U+FFFF, whose first unit is a surrogate, precede U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return cmp.Or(cmp.Compare(firstUnit(ra), firstUnit(rb)), cmp.Compare(ra, rb))
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnit returns the first UTF-16 code unit of r.
func firstUnit(r rune) rune {
	if r < 0x10000 {
		return r
	}
	return 0xD800 + (r-0x10000)>>10
}
