package value

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Error says why a text isn't a value of a type, or an operation has no result.
type Error struct {
	Type   string // the type's name in the language: "decimal", "email", …
	Saw    string // the text, quoted and cut to a few characters around Offset; or the operation, "1 + 2"
	Offset int    // in bytes, where in the text the problem begins; -1 if it is the whole
	Reason string // why it was refused
	Hint   string // what to write instead; "" if nothing helps
}

// Error returns one line of ASCII, but for what Reason and Hint quote; they quote text only in escaped form.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Type + " " + e.Saw)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ", byte %d", e.Offset)
	}
	b.WriteString(": " + e.Reason)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// refuse returns the error of a text.
func refuse(typ, text string, offset int, reason, hint string) *Error {
	return &Error{Type: typ, Saw: excerpt(text, offset), Offset: offset, Reason: reason, Hint: hint}
}

// excerpt quotes text in ASCII. Of a long text it shows what is around offset.
func excerpt(text string, offset int) string {
	const around = 40
	from, to := 0, len(text)
	if to > 2*around {
		from = max(0, offset-around)
		to = min(len(text), max(0, offset)+around)
	}
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) && to > from {
		to--
	}
	quoted := strconv.QuoteToASCII(text[from:to])
	if from > 0 {
		quoted = "..." + quoted
	}
	if to < len(text) {
		quoted += "..."
	}
	return quoted
}

// char quotes the first character of s in ASCII, as in '\n'.
func char(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return fmt.Sprintf(`'\x%02x'`, s[0])
	}
	return strconv.QuoteRuneToASCII(r)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isControl reports whether r is a control character: C0, DEL or C1.
func isControl(r rune) bool { return r < ' ' || 0x7F <= r && r < 0xA0 }
