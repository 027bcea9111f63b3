package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Code says what kind of rule a text broke.
type Code uint8

// The kinds of errors.
const (
	Syntax    Code = iota // not JSON, or more than one value, or a byte order mark
	Encoding              // invalid UTF-8, or a lone surrogate
	Duplicate             // a member name that stands twice in an object
	TooMuch               // beyond one of the Limits
)

// An Error says why [Parse] refused a text.
type Error struct {
	Code    Code
	Offset  int    // in bytes, where the problem begins
	Pointer string // RFC 6901, the value that the problem is in or at; "" is the whole text
	Saw     string // what stands at Offset, quoted and cut to a few characters; "" at the end of the text
	Reason  string // why it was refused
	Hint    string // what to write instead; "" if nothing helps
}

// Error returns one line of ASCII, however hostile the text was.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "JSON: at byte %d", e.Offset)
	if e.Pointer != "" {
		b.WriteString(" in " + excerpt(e.Pointer, 100))
	}
	b.WriteString(": " + e.Reason)
	if e.Saw != "" {
		b.WriteString(", at " + e.Saw)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// excerpt quotes s in ASCII, cut to at most about max bytes.
func excerpt[T string | []byte](s T, max int) string {
	if len(s) <= max {
		return strconv.QuoteToASCII(string(s))
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return strconv.QuoteToASCII(string(s[:max])) + "..."
}
