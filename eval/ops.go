package eval

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/value"
)

// This file is the meaning of the operators and functions on values, for both evaluators. Each is total on values of
// the types that the checker lets through; what can still go wrong (overflow, a text that isn't a URL) is an error.

// binaryOp computes X op Y for the operators that evaluate both sides; `in`, `??` and the logic have rules of their own.
func binaryOp(op lang.BinaryOp, a, b val) (val, error) {
	switch op {
	case lang.OpEq:
		return computed(equal(a, b)), nil
	case lang.OpNe:
		return computed(!equal(a, b)), nil
	case lang.OpLt:
		return computed(compare(a, b) < 0), nil
	case lang.OpLe:
		return computed(compare(a, b) <= 0), nil
	case lang.OpGt:
		return computed(compare(a, b) > 0), nil
	case lang.OpGe:
		return computed(compare(a, b) >= 0), nil
	}
	return arithmetic(op, a, b)
}

func arithmetic(op lang.BinaryOp, a, b val) (val, error) {
	switch {
	case a.kind == lang.String || a.kind == lang.Enum:
		if len(a.s)+len(b.s) > MaxText {
			return val{}, fmt.Errorf("a text of more than %d bytes", MaxText)
		}
		return val{kind: lang.String, s: a.s + b.s, origins: unite(a.origins, b.origins)}, nil
	case a.isList():
		if len(a.items)+len(b.items) > MaxJoined {
			return val{}, fmt.Errorf("a list of more than %d elements", MaxJoined)
		}
		items := make([]val, 0, len(a.items)+len(b.items))
		items = append(append(items, a.items...), b.items...)
		return val{kind: lang.ListKind, items: items, origins: unite(a.origins, b.origins)}, nil
	case a.kind == lang.Decimal || b.kind == lang.Decimal:
		d, err := pick(op, value.Decimal.Add, value.Decimal.Sub, value.Decimal.Mul)(a.decimal(), b.decimal())
		return val{kind: lang.Decimal, dec: d, origins: derived(a, b)}, err
	}
	n, err := pick(op, value.AddInt, value.SubInt, value.MulInt)(a.n, b.n)
	kind := a.kind
	switch {
	case a.kind == lang.Timestamp && b.kind == lang.Timestamp:
		kind = lang.Duration
	case b.kind == lang.Timestamp || b.kind == lang.Duration && a.kind == lang.Int:
		kind = b.kind
	}
	return val{kind: kind, n: n, origins: derived(a, b)}, err
}

// pick is the function of an arithmetic operator.
func pick[F any](op lang.BinaryOp, add, sub, mul F) F {
	switch op {
	case lang.OpAdd:
		return add
	case lang.OpSub:
		return sub
	}
	return mul
}

func negate(a val) (val, error) {
	if a.kind == lang.Decimal {
		d, err := a.dec.Neg()
		return val{kind: lang.Decimal, dec: d, origins: derived(a)}, err
	}
	n, err := value.SubInt(0, a.n)
	return val{kind: lang.Int, n: n, origins: derived(a)}, err
}

// member answers X in Y where Y is a list or an address range.
func member(x, y val) bool {
	if y.kind == lang.CIDR {
		return y.parsed.prefix.Contains(x.parsed.addr)
	}
	for _, item := range y.items {
		if equal(x, item) {
			return true
		}
	}
	return false
}

// inPattern answers X in "pattern" for a resource, url or path.
func inPattern(x val, p *resource.Pattern) bool {
	return p.Match(x.name())
}

// like matches a text against a pattern in which * stands for any run of characters. Leftmost matching of the parts between
// stars is exact and takes time in proportion to the text.
func like(s, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}

// call computes a built-in function. labels are the host's, by value: urls and emails give what they find its own.
func call(name string, args []val, labels map[string][]string) (val, error) {
	x := args[0]
	switch name {
	case "starts":
		if x.isList() {
			n := len(args[1].items)
			return computed(len(x.items) >= n && equal(val{kind: lang.ListKind, items: x.items[:n]}, args[1])), nil
		}
		return computed(strings.HasPrefix(x.s, args[1].s)), nil
	case "ends":
		if x.isList() {
			n := len(args[1].items)
			return computed(len(x.items) >= n && equal(val{kind: lang.ListKind, items: x.items[len(x.items)-n:]}, args[1])), nil
		}
		return computed(strings.HasSuffix(x.s, args[1].s)), nil
	case "domain":
		if x.kind == lang.Email {
			return val{kind: lang.String, s: value.Email(x.s).Domain(), origins: x.origins}, nil
		}
		return val{kind: lang.String, s: x.name().Host(), origins: x.origins}, nil
	case "size":
		if x.isList() {
			return val{kind: lang.Int, n: int64(len(x.items)), origins: derived(x)}, nil
		}
		return val{kind: lang.Int, n: int64(utf8.RuneCountInString(x.s)), origins: derived(x)}, nil
	case "lower":
		return val{kind: lang.String, s: strings.ToLower(x.s), origins: x.origins}, nil
	case "file":
		return fileOf(x)
	case "urls":
		found, unclear := value.URLs(x.s)
		if unclear {
			return val{}, fmt.Errorf("the text holds something like a URL that isn't in canonical form")
		}
		list := listOf(x, len(found))
		for _, n := range found {
			list.items = append(list.items, val{kind: lang.URL, s: n.String(), parsed: &parsed{name: n}, origins: foundIn(x, n.String(), labels)})
		}
		return list, nil
	case "emails":
		found, unclear := value.Emails(x.s)
		if unclear {
			return val{}, fmt.Errorf("the text holds something like an e-mail address that isn't in canonical form")
		}
		list := listOf(x, len(found))
		for _, e := range found {
			list.items = append(list.items, val{kind: lang.Email, s: string(e), origins: foundIn(x, string(e), labels)})
		}
		return list, nil
	}
	// cidr, ip, date, timestamp, duration take a literal, which has its type already.
	return x, nil
}

// foundIn is the origin of a value that stands inside a text: what the host says of the value, else the text's.
func foundIn(text val, value string, labels map[string][]string) *originSet {
	if own := labels[value]; len(own) > 0 && text.origins != nil {
		return newOriginSet(own)
	}
	return text.origins
}

// listOf is an empty list for n values found in a text. Only when none are found has the list itself the text's origin.
func listOf(text val, n int) val {
	if n == 0 {
		return val{kind: lang.ListKind, origins: text.origins}
	}
	return val{kind: lang.ListKind, items: make([]val, 0, n)}
}

func fileOf(x val) (val, error) {
	if x.kind == lang.ListKind {
		list := val{kind: lang.ListKind, origins: x.origins}
		for _, item := range x.items {
			f, err := fileOf(item)
			if err != nil {
				return val{}, err
			}
			list.items = append(list.items, f)
		}
		return list, nil
	}
	return val{kind: lang.Resource, s: x.name().String(), parsed: x.parsed, origins: x.origins}, nil
}

// literal is the value of a literal, as the checker took it. The checker has parsed the text already, so an error here can't happen
// in a checked program; it is returned all the same.
func literal(x *lang.Literal) (val, error) {
	switch x.Kind {
	case lang.LitBool:
		return boolVal(x.Bool), nil
	case lang.LitInt, lang.LitSize:
		return intVal(x.Int), nil
	case lang.LitDecimal:
		return val{kind: lang.Decimal, dec: x.Decimal}, nil
	case lang.LitDuration:
		return val{kind: lang.Duration, n: int64(x.Dur)}, nil
	}
	return parseText(x.Type.Kind, x.Str)
}

// parseText makes a value of a kind from its canonical text.
func parseText(kind lang.Kind, s string) (val, error) {
	v := val{kind: kind, s: s}
	var err error
	switch kind {
	case lang.Path:
		v.parsed = new(parsed)
		if _, err = value.ParsePath(s); err == nil {
			v.parsed.name, err = resource.File(s)
		}
	case lang.Email:
		_, err = value.ParseEmail(s)
	case lang.URL:
		v.parsed = new(parsed)
		v.parsed.name, err = value.ParseURL(s)
	case lang.Resource:
		v.parsed = new(parsed)
		v.parsed.name, err = resource.Parse(s)
	case lang.IP:
		v.parsed = new(parsed)
		v.parsed.addr, err = value.ParseIP(s)
	case lang.CIDR:
		v.parsed = new(parsed)
		v.parsed.prefix, err = value.ParseCIDR(s)
	case lang.Date:
		var d value.Date
		d, err = value.ParseDate(s)
		v = val{kind: kind, n: int64(d)}
	case lang.Timestamp:
		var t time.Time
		t, err = value.ParseTimestamp(s)
		v = val{kind: kind}
		if err == nil {
			v.n = t.UnixNano()
		}
	case lang.Duration:
		var d time.Duration
		d, err = value.ParseDuration(s)
		v = val{kind: kind, n: int64(d)}
	case lang.Enum:
	default:
		v.kind = lang.String
	}
	if err != nil {
		return val{}, err
	}
	return v, nil
}
