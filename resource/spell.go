package resource

import "slices"

// This file finds the kinds of a host label where the union names so many letters that none is left to fill a wildcard
// with, as in {a,b,c, … ,8,9}*.example.com. Labels have few letters, so their automaton is one of bytes.

// spell finds the kinds of a glob byte by byte. least says which of globs match whatever it matches.
func (q *search) spell(text string, globs []glob, least []bool) []kind {
	var lists [][]glob
	var at []int // which of globs the lists are
	for i := range globs {
		if !least[i] {
			lists = append(lists, letters(globs[i].text))
			at = append(at, i)
		}
	}
	t := q.newTrack(letters(text), lists, func(g *glob, distinct []glob) []kind {
		alphabet := alphanumeric + "-"
		if g.kind == literal {
			alphabet = g.text
		}
		var kinds []kind
		for i := range len(alphabet) {
			letter := alphabet[i : i+1]
			kinds = append(kinds, kind{letter, q.matching(distinct, letter)})
		}
		return kinds
	})
	t.least, t.most, t.context = 1, MaxLabelLen, labelContext
	all := newSet(len(lists))
	for j := range lists {
		all.add(j)
	}
	var kinds, others []kind // canonical wherever they stand, and not
	var covered []set        // what is left by kinds
	t.run(all, func(left set, spelt []string) bool {
		for _, c := range covered {
			if q.steps += len(c); left.contains(c) {
				return false
			}
		}
		k := kind{spelt[0], slices.Clone(least)}
		for j := range left.all() {
			k.matches[at[j]] = true
		}
		q.steps += len(least)
		if hostLabel.canonical(k.text) {
			kinds = append(kinds, k)
			covered = append(covered, left)
		} else {
			others = append(others, k)
		}
		return false
	})
	return append(kinds, others...)
}

// letters returns text as a list of globs of one byte each, in which "*" is `**`.
func letters(text string) []glob {
	list := make([]glob, len(text))
	for i := range len(text) {
		if list[i] = newGlob(text[i : i+1]); list[i].kind == star {
			list[i] = newGlob("**")
		}
	}
	return list
}

// labelContext returns what the beginning of a label says about how it may go on: beginnings with the same key may go on
// in the same way, in a last label too. It is not ok if no label begins with text.
func labelContext(text string) (key string, ok bool) {
	n := len(text)
	switch {
	case n == 0:
		return "", true
	case text[0] == '-':
		return "", false
	case n < 4:
		return "<" + text, true // "--" may come, or "0x"
	case text[2:4] == "--":
		return ">" + text, text[:2] == "xn" // only IDNA knows
	}
	if text[n-1] == '-' {
		key = "-"
	}
	if numeric(text) {
		key = "0"
		if text[1] == 'x' {
			key = "0x"
		}
	}
	return key, true
}
