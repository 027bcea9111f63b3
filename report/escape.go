package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// maxMarks is the number of combining marks that may stand on one character. Scripts in use need no more;
// a tall stack of them covers the lines above and below.
const maxMarks = 4

// Escape returns s fit to be shown on one line of a terminal or log. What isn't a visible character or a
// plain space becomes ⟨U+202E⟩, a byte that isn't UTF-8 becomes ⟨0xFF⟩. That covers control characters, tabs
// and line ends, bidirectional controls, invisible and unassigned characters, combining marks without a
// character to stand on or past the fourth on it, and the first # of a CI runner's ##[command].
// Escape(Escape(s)) == Escape(s).
func Escape(s string) string {
	var b strings.Builder
	for _, c := range cells(s) {
		b.WriteString(c.text)
	}
	return b.String()
}

// A cell is one character as shown, together with the marks that stand on it.
type cell struct {
	text  string // escaped
	width int    // terminal columns, 1 to 10
	size  int    // bytes of the original
}

func cells(s string) []cell {
	out := make([]cell, 0, len(s))
	marks := maxMarks // on the last cell; at maxMarks it takes no more, as at the start and after an escape
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, escaped(fmt.Sprintf("⟨0x%02X⟩", s[i]), n))
			marks = maxMarks
		case !visible(r), isMark(r) && marks == maxMarks, runnerCommand(s[i:]):
			out = append(out, escaped(fmt.Sprintf("⟨U+%04X⟩", r), n))
			marks = maxMarks
		case isMark(r):
			last := &out[len(out)-1]
			last.text += s[i : i+n]
			last.size += n
			marks++
		default:
			out = append(out, cell{s[i : i+n], columns(r), n})
			marks = 0
		}
		i += n
	}
	return out
}

func escaped(text string, size int) cell { return cell{text, utf8.RuneCountInString(text), size} }

// visible reports whether r is a plain space or a character with a picture of its own.
func visible(r rune) bool {
	switch {
	case r >= ' ' && r <= '~':
		return true
	case r == '\u2800', r == '\U0001D159': // blank braille pattern, null notehead: symbols that look like a space
		return false
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) &&
		!unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// isMark reports characters that a terminal draws onto the one before: non-spacing and enclosing marks, and
// the vowels and finals of conjoining Hangul.
func isMark(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me) || r >= 0x1160 && r <= 0x11FF || r >= 0xD7B0 && r <= 0xD7FF
}

// columns returns how many terminal columns a visible character takes (Unicode Standard Annex #11; ambiguous is narrow).
func columns(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// runnerCommand reports whether s begins as a command that CI runners obey anywhere in a line of output:
// ##[name (GitHub, Azure), ##vso[name (Azure), ##teamcity[name.
func runnerCommand(s string) bool {
	rest, ok := strings.CutPrefix(s, "##")
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	return strings.HasPrefix(rest, "[")
}
