package resource

import (
	"strings"
)

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

// around are names with a gap for a text of each kind.
var around = [...]struct{ before, after string }{
	hostLabel:    {"https://", "/"},
	webSegment:   {"https://x/", ""},
	plainSegment: {"x://", ""},
	queryText:    {"https://x/?", ""},
}

// canonical reports whether a name may have text there, and so a host its last label.
func (part partKind) canonical(text string) bool {
	l, f := scan(around[part].before+text+around[part].after, false)
	return f == nil && !l.address
}

// kindsOf returns texts that g matches, such that whatever g matches is matched by all those of globs that match one of
// them. One text is enough if no glob matches it but those that match whatever g matches, and there nearly always is.
func (q *search) kindsOf(part partKind, g *glob, globs []glob) []kind {
	if g.kind == literal {
		return []kind{{g.text, q.matching(globs, g.text)}}
	}
	least := q.matching(globs, strings.Replace(g.text, "**", "*", 1))
	for filler := range fillers(part, globs) {
		text := strings.ReplaceAll(strings.Replace(g.text, "**", "*", 1), "*", filler)
		if q.steps += len(text); q.exhausted() {
			break
		}
		if text != "" && part.canonical(text) && q.onlyThese(globs, text, least) {
			return []kind{{text, least}}
		}
	}
	return []kind{{strings.ReplaceAll(g.text, "*", "x"), least}}
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

// letters are what wildcards are filled with, the first first.
const letters = "xyzqwkvjuabcdefghilmnoprst0123456789"

// fillers yields texts to put in place of wildcards: nothing, then what no glob names, then what some do, then longer
// ones.
func fillers(part partKind, globs []glob) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var named [256]bool
		for i := range globs {
			for _, c := range []byte(globs[i].text) {
				named[c] = true
			}
		}
		if !yield("") {
			return
		}
		for _, want := range []bool{false, true} {
			for i := range len(letters) {
				if named[letters[i]] == want && !yield(letters[i:i+1]) {
					return
				}
			}
		}
		for n := 2; n <= 4; n++ {
			for i := range len(letters) {
				if !yield(strings.Repeat(letters[i:i+1], n)) {
					return
				}
			}
		}
	}
}
