package lang

import "strings"

// Kind is the class of a type.
type Kind uint8

const (
	Invalid Kind = iota // the type of an expression that has an error
	Bool
	Int
	Decimal
	String
	Enum
	Date
	Timestamp
	Duration
	IP
	CIDR
	Path
	Email
	URL
	Argv
	Resource
	JSON
	ListKind
	RecordKind
	Principals // an agent or a person; only `in` a group and == ask about it
)

// namedTypes are the types that have a name in the source.
var namedTypes = map[string]Kind{
	"bool": Bool, "int": Int, "decimal": Decimal, "string": String, "date": Date, "timestamp": Timestamp, "duration": Duration,
	"ip": IP, "cidr": CIDR, "path": Path, "email": Email, "url": URL, "argv": Argv, "resource": Resource, "json": JSON,
}

// A Type is the type of a value. Types are immutable and compared with Equal.
type Type struct {
	Kind     Kind
	Optional bool
	Elem     *Type    // of a list; nil for the list literal []
	Fields   []Field  // of a record, sorted by name
	Enum     []string // of an enum, sorted
}

// A Field is a field of a record type.
type Field struct {
	Name string
	Type Type
}

// Field returns the type of a record's field.
func (t Type) Field(name string) (Type, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f.Type, true
		}
	}
	return Type{}, false
}

// Equal reports whether two types are the same.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Optional != u.Optional || len(t.Fields) != len(u.Fields) || len(t.Enum) != len(u.Enum) || (t.Elem == nil) != (u.Elem == nil) {
		return false
	}
	if t.Elem != nil && !t.Elem.Equal(*u.Elem) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	for i := range t.Enum {
		if t.Enum[i] != u.Enum[i] {
			return false
		}
	}
	return true
}

// Required returns the type without its optionality.
func (t Type) Required() Type {
	t.Optional = false
	return t
}

// OrAbsent returns the optional form of the type.
func (t Type) OrAbsent() Type {
	t.Optional = true
	return t
}

// String renders the type as it is written.
func (t Type) String() string {
	var s string
	switch t.Kind {
	case Invalid:
		s = "?"
	case Enum:
		quoted := make([]string, len(t.Enum))
		for i, e := range t.Enum {
			quoted[i] = quote(e)
		}
		s = strings.Join(quoted, " | ")
	case ListKind:
		if t.Elem == nil {
			s = "[]"
		} else {
			s = "[" + t.Elem.String() + "]"
		}
	case RecordKind:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Name + ": " + f.Type.String()
		}
		s = "{ " + strings.Join(fields, ", ") + " }"
	case Principals:
		s = "principal"
	default:
		for name, k := range namedTypes {
			if k == t.Kind {
				s = name
			}
		}
	}
	if t.Optional {
		s += "?"
	}
	return s
}

// ListOf returns the type of lists of elem.
func ListOf(elem Type) Type { return Type{Kind: ListKind, Elem: &elem} }

// of returns the simple type of a kind.
func of(k Kind) Type { return Type{Kind: k} }

// argsType is the record type of parameters whose types have been resolved.
func argsType(params []Param) Type {
	t := Type{Kind: RecordKind}
	for _, p := range params {
		t.Fields = append(t.Fields, Field{p.Name.Name, p.Type.Type})
	}
	sortFields(t.Fields)
	return t
}
