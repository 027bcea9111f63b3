package secret

import (
	"bytes"
	"sort"
	"strconv"
)

// An origin tells where the bytes of a decoded text come from. Bytes between two marks come from as many bytes one after the other.
type origin []mark

// A mark says that the byte at `at` of the decoded text was read from text[start:end].
type mark struct{ at, start, end uint32 }

// byteAt returns the place that one byte of the decoded text was read from.
func (o origin) byteAt(at int) span {
	i := sort.Search(len(o), func(i int) bool { return int(o[i].at) > at })
	if i == 0 {
		return span{at, at + 1}
	}
	m := o[i-1]
	if int(m.at) == at {
		return span{int(m.start), int(m.end)}
	}
	start := int(m.end) + at - int(m.at) - 1
	return span{start, start + 1}
}

// span returns the place that a part of the decoded text, which isn't empty, was read from.
func (o origin) span(sp span) span { return span{o.byteAt(sp.start).start, o.byteAt(sp.end - 1).end} }

// unescape decodes what escapes in text stand for, each of them once and all kinds alike: of URLs (RFC 3986 section 2.1), JSON (RFC 8259
// section 7), JavaScript and HTML. Line breaks are left out, which stand in long base64, and so are zeros, which stand in UTF-16. Only
// escapes of ASCII are decoded, since values hold no more. The origin is nil if there was nothing to do.
func unescape(text []byte) ([]byte, origin) {
	if !bytes.ContainsAny(text, "%\\&\r\n\x00") {
		return nil, nil
	}
	var out []byte
	var from origin
	dropped := false // something since the last byte
	for i := 0; i < len(text); {
		c, n := escape(text[i:])
		if n == 1 && (c == '\r' || c == '\n' || c == 0) || n > 1 && (c == '\r' || c == '\n') {
			dropped = true
			i += n
			continue
		}
		if n > 1 || dropped {
			from = append(from, mark{uint32(len(out)), uint32(i), uint32(i + n)})
		}
		dropped = false
		out = append(out, c)
		i += n
	}
	if from == nil && !dropped {
		return nil, nil
	}
	if from == nil {
		from = origin{}
	}
	return out, from
}

// escape returns the character that text begins with and how many bytes it takes: more than one if it is an escape.
func escape(text []byte) (byte, int) {
	switch text[0] {
	case '%':
		if c, ok := number(text, 1, 3, 16); ok {
			return c, 3
		}
	case '\\':
		return backslash(text)
	case '&':
		return reference(text)
	}
	return text[0], 1
}

// backslash reads an escape of JSON or JavaScript.
func backslash(text []byte) (byte, int) {
	if len(text) < 2 {
		return text[0], 1
	}
	switch text[1] {
	case '"', '\'', '\\', '/':
		return text[1], 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 'x':
		if c, ok := number(text, 2, 4, 16); ok {
			return c, 4
		}
	case 'u':
		if c, ok := number(text, 2, 6, 16); ok {
			return c, 6
		}
		if end := bytes.IndexByte(text[:min(len(text), 10)], '}'); end > 3 && text[2] == '{' {
			if c, ok := number(text, 3, end, 16); ok {
				return c, end + 1
			}
		}
	}
	return text[0], 1
}

// named are the names of printable ASCII characters that escapers write, and those of others that values have
// (https://html.spec.whatwg.org/multipage/named-characters.html).
func named(name string) (byte, bool) {
	switch name {
	case "amp", "AMP":
		return '&', true
	case "lt", "LT":
		return '<', true
	case "gt", "GT":
		return '>', true
	case "quot", "QUOT":
		return '"', true
	case "apos":
		return '\'', true
	case "plus":
		return '+', true
	case "sol":
		return '/', true
	case "bsol":
		return '\\', true
	case "equals":
		return '=', true
	case "lowbar":
		return '_', true
	case "period":
		return '.', true
	case "colon":
		return ':', true
	case "percnt":
		return '%', true
	case "NewLine":
		return '\n', true
	}
	return 0, false
}

// reference reads a character reference of HTML, which ends in a semicolon.
func reference(text []byte) (byte, int) {
	end := bytes.IndexByte(text[:min(len(text), 12)], ';')
	if end < 0 {
		return text[0], 1
	}
	c, ok := named(string(text[1:end]))
	switch {
	case ok:
	case end > 3 && text[1] == '#' && text[2]|0x20 == 'x':
		c, ok = number(text, 3, end, 16)
	case end > 2 && text[1] == '#':
		c, ok = number(text, 2, end, 10)
	}
	if !ok {
		return text[0], 1
	}
	return c, end + 1
}

// number reads text[start:end] as the number of an ASCII character.
func number(text []byte, start, end, base int) (byte, bool) {
	if end > len(text) {
		return 0, false
	}
	for _, c := range text[start:end] {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return 0, false // ParseUint would take "_" and "+" for some bases
		}
	}
	n, err := strconv.ParseUint(string(text[start:end]), base, 8)
	return byte(n), err == nil && n < 0x80
}
