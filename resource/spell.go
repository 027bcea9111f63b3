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

// labelContext returns the context of the beginning of a label, which may be a last label. It is not ok if no label begins
// with text.
func labelContext(text string) (c context, ok bool) {
	n := len(text)
	if n == 0 {
		return c, true
	}
	key := [4]byte{byte(min(n, 4))}
	if text[n-1] == '-' {
		key[1] = '-' // no end, and after three "-" makes a reserved label
	}
	if n < 4 && strings.HasPrefix("xn-", text) {
		key[2] = 'x'
	}
	if numeric(text) {
		key[3] = '1'
		if text == "0" || strings.HasPrefix(text, "0x") {
			key[3] = text[min(n, 2)-1]
		}
	}
	c.key, c.wider = string(key[:]), string(key[:])
	if n >= 4 && text[2:4] == "--" {
		c.key = text // only IDNA knows what may follow
		return c, text[:2] == "xn"
	}
	return c, text[0] != '-'
}
