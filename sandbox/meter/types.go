package meter

import "fmt"

// A ValueType is the type of a parameter or result, as the binary format encodes it.
type ValueType byte

// The value types that are supported; there are no vectors.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String returns the type as the text format writes it.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	default:
		return fmt.Sprintf("type 0x%02x", byte(t))
	}
}

// A Kind says what is imported.
type Kind byte

// The kinds of imports, as the binary format encodes them.
const (
	Func Kind = iota
	Table
	Memory
	Global
)

// An Import is what a module wants from outside.
type Import struct {
	Module, Name    string
	Kind            Kind
	Params, Results []ValueType // of a Func
}

// Limits are the sizes of a memory, in pages of 64 KiB, or of a table, in elements.
type Limits struct {
	Min, Max uint32 // Max is what the format or this package allows if the module declares none, or more
	Imported bool
}

// A signature is the type of a function.
type signature struct{ params, results []ValueType }

func (r *reader) valueType(what string) ValueType {
	at := r.pos
	t := ValueType(r.byte(what))
	switch t {
	case I32, I64, F32, F64, FuncRef, ExternRef:
	case 0x7b:
		r.fail(at, "%s is v128, but SIMD isn't supported", what)
	default:
		r.fail(at, "%s is 0x%02x, which is no type that is supported", what, byte(t))
	}
	return t
}

func (r *reader) refType(what string) ValueType {
	at := r.pos
	t := r.valueType(what)
	if r.err == nil && t != FuncRef && t != ExternRef {
		r.fail(at, "%s is %s, which is no type of references", what, t)
	}
	return t
}

func (r *reader) valueTypes(limit int, what string) []ValueType {
	types := make([]ValueType, r.count(limit, what))
	for i := range types {
		types[i] = r.valueType("a type of " + what)
	}
	return types
}

func (r *reader) signature() signature {
	at := r.pos
	if form := r.byte("the form of a type"); form != 0x60 {
		r.fail(at, "a type of the form 0x%02x, only those of functions are supported", form)
	}
	return signature{params: r.valueTypes(MaxParams, "parameters"), results: r.valueTypes(MaxResults, "results")}
}

// limits reads the limits of a memory or table whose size is at most most.
func (r *reader) limits(most uint32, what string) Limits {
	at := r.pos
	flags := r.byte("the flags of a " + what)
	switch {
	case flags&^7 != 0:
		r.fail(at, "a %s with unknown flags 0x%02x", what, flags)
	case flags&4 != 0:
		r.fail(at, "a %s with 64-bit addresses, but the memory64 proposal isn't supported", what)
	case flags&2 != 0:
		r.fail(at, "a shared %s, but the threads proposal isn't supported", what)
	}
	l := Limits{Max: most}
	at = r.pos
	if l.Min = r.u32("the minimum of a " + what); l.Min > most {
		r.fail(at, "a %s of at least %d, at most %d are allowed", what, l.Min, most)
	}
	if flags == 1 {
		at = r.pos
		declared := r.u32("the maximum of a " + what)
		if declared < l.Min {
			r.fail(at, "a %s of at least %d and at most %d", what, l.Min, declared)
		}
		if what == "memory" && declared > most {
			r.fail(at, "a memory of at most %d pages, at most %d are allowed", declared, most)
		}
		l.Max = min(declared, most)
	}
	return l
}
