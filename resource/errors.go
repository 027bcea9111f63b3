package resource

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Error says why a name or a pattern was refused.
type Error struct {
	Input     string // what was refused, in full
	Offset    int    // the byte of Input where the fault begins, in 0..len(Input)
	Reason    string // why, as a clause; never contains unescaped input
	Canonical string // the spelling that would have been accepted, or "" when there is none
}

// shown is how many bytes of the input an error message quotes.
const shown = 80

// Error renders the whole of e on one line. What it quotes of the input is escaped to ASCII and at most 80 bytes of it,
// those around the fault; Canonical is given in full and needs no escaping, being a name.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at byte %d: %s", excerpt(e.Input, e.Offset), e.Offset, e.Reason)
	if e.Canonical != "" {
		b.WriteString("; canonical form: ")
		b.WriteString(e.Canonical)
	}
	return b.String()
}

// excerpt quotes s in ASCII; of a long one it quotes the part around off.
func excerpt(s string, off int) string {
	start, end := 0, len(s)
	if len(s) > shown {
		start = min(max(off-shown/2, 0), len(s)-shown)
		end = start + shown
		for start > 0 && start < end && !utf8.RuneStart(s[start]) {
			start++
		}
		for end < len(s) && end > start && !utf8.RuneStart(s[end]) {
			end--
		}
	}
	q := strconv.QuoteToASCII(s[start:end])
	if start > 0 {
		q = "…" + q
	}
	if end < len(s) {
		q += "…"
	}
	return q
}

// A fault is the part of an Error that the scanner knows: where and why. A nil fault is success.
type fault struct {
	at  int
	why string
}

func bad(at int, format string, args ...any) *fault {
	return &fault{at, fmt.Sprintf(format, args...)}
}
