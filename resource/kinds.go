package resource

import "strings"

// A kind is a text that a glob stands for, and which globs of the union match it.
type kind struct {
	text    string
	matches []bool
}

// A partKind says where in a name a text stands, and so what is canonical there.
type partKind uint8

const (
	hostLabel partKind = iota
	webSegment
	plainSegment
	queryText
)

// canonical reports whether a name may have text there, and a host as its last label.
func (part partKind) canonical(text string) bool {
	around := [...]struct{ before, after string }{
		hostLabel:    {"https://", "/"},
		webSegment:   {"https://x/", ""},
		plainSegment: {"x://", ""},
		queryText:    {"https://x/?", ""},
	}[part]
	l, f := scan(around.before+text+around.after, false)
	return f == nil && !l.address
}

// kindsOf returns texts that g matches, such that whatever g matches is matched by all those of globs that match one of
// them. One text is enough if no glob matches it but those that match whatever g matches. Outside hosts there is one:
// a pattern can't name the character "*", and a name may have it.
func (q *search) kindsOf(part partKind, g *glob, globs []glob) []kind {
	if g.kind == literal {
		return []kind{{g.text, q.matching(globs, g.text)}}
	}
	text := strings.Replace(g.text, "**", "*", 1)
	least := q.matching(globs, text)
	for filler := range fillers {
		filled := strings.ReplaceAll(text, "*", filler)
		if q.steps += 1 + len(filled); q.exhausted() {
			return nil
		}
		if filled != "" && q.onlyThese(globs, filled, least) && part.canonical(filled) {
			return []kind{{filled, least}}
		}
	}
	if part == hostLabel {
		return q.spell(text, globs, least)
	}
	return []kind{{text, least}}
}

func (q *search) matching(globs []glob, text string) []bool {
	matches := make([]bool, len(globs))
	for i := range globs {
		matches[i] = q.glob(&globs[i], text)
	}
	return matches
}

// onlyThese reports whether of globs exactly those match text that are marked.
func (q *search) onlyThese(globs []glob, text string, marked []bool) bool {
	for i := range globs {
		if q.glob(&globs[i], text) != marked[i] {
			return false
		}
	}
	return true
}

// alphanumeric are the letters and digits of hosts, those that wildcards are filled with first.
const alphanumeric = "xyzqwkvjuabcdefghilmnoprst0123456789"

// fillers yields texts to put in place of wildcards: nothing, letters and digits, and runs of one of them.
func fillers(yield func(string) bool) {
	if !yield("") {
		return
	}
	for n := 1; n <= 3; n++ {
		for i := range len(alphanumeric) {
			if !yield(strings.Repeat(alphanumeric[i:i+1], n)) {
				return
			}
		}
	}
}
