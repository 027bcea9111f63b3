package resource

import (
	"slices"
	"strings"
)

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
	t.joined, t.context = true, labelContext
	t.least, t.most = 1, MaxLabelLen
	all := newSet(len(lists))
	for j := range lists {
		all.add(j)
	}
	var kinds, numbers []kind // numbers can't stand at the end
	var covered []set         // what is left by kinds
	t.doomed = func(left set) bool { return q.containsOne(left, covered) }
	t.run(all, func(left set, spelt []string) bool {
		if t.doomed(left) {
			return false
		}
		k := kind{spelt[0], slices.Clone(least)}
		for j := range left.all() {
			k.matches[at[j]] = true
		}
		q.steps += len(least)
		switch {
		case hostLabel.canonical(k.text):
			kinds = append(kinds, k)
			covered = append(covered, left)
		case hostLabel.canonical(k.text + ".x"):
			numbers = append(numbers, k)
		}
		return false
	})
	return append(kinds, numbers...)
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
	case n >= 4 && text[2:4] == "--":
		return text, text[:2] == "xn" // only IDNA knows
	}
	context := [4]byte{byte(min(n, 4))}
	if text[n-1] == '-' {
		context[1] = '-' // no end, and after three a reserved label
	}
	if n < 4 && strings.HasPrefix("xn-", text) {
		context[2] = 'x'
	}
	if numeric(text) {
		context[3] = '1'
		if text == "0" || strings.HasPrefix(text, "0x") {
			context[3] = text[min(n, 2)-1]
		}
	}
	return string(context[:]), true
}
