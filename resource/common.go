package resource

import (
	"strconv"
	"strings"
)

// This file finds a resource that two patterns have in common. Two lists of which some elements are wild (segments and `**`, or bytes and `*`)
// are laid side by side, so that each element stands beside one that it agrees with or beside a wild one: first the bytes of each two globs,
// then the globs of each two alternatives.

// Common returns a resource that both p and q match, and what it took to find it, in steps of which each is a look at a pair of bytes or of globs.
// What it returns is one; the zero Name says that there is none, or that the search took more than budget steps, or that all it found is refused
// as a name: one that would be too long, or that IDNA or Unicode normalization doesn't give.
func (p *Pattern) Common(q *Pattern, budget int) (Name, int) {
	if p.all && q.all {
		n, _ := Parse("x://x")
		return n, 1
	}
	if p.all {
		p = q
	} else if q.all {
		q = p
	}
	c := common{budget: budget}
	for i := range p.alts {
		for j := range q.alts {
			for _, filled := range []bool{false, true} {
				if c.steps++; c.steps > budget {
					return Name{}, c.steps
				}
				text, ok := c.alternatives(&p.alts[i], &q.alts[j], filled)
				if !ok {
					break
				}
				if n, err := Parse(text); err == nil && p.Match(n) && q.Match(n) {
					return n, c.steps
				}
			}
		}
	}
	return Name{}, c.steps
}

// A common is one search.
type common struct{ steps, budget int }

// alternatives returns a text that both match. With filled, a part is put in where two `**` meet, which matters where what stands before
// can't be last, as the number in `a.5.**` can't.
func (c *common) alternatives(a, b *alternative, filled bool) (string, bool) {
	if a.scheme != b.scheme || a.family == webFamily && !a.anyPort && !b.anyPort && a.port != b.port {
		return "", false
	}
	text, part := a.scheme+"://", plainSegment
	if a.family == webFamily {
		part = webSegment
		host, ok := c.host(a, b, filled)
		if !ok {
			return "", false
		}
		port := a.port
		if a.anyPort {
			port = b.port
		}
		if text += host; !(a.anyPort && b.anyPort) && port != defaultPort(a.scheme) {
			text += ":" + strconv.Itoa(int(port))
		}
	}
	segments, ok := c.sequences(part, &a.path, &b.path, filled)
	if !ok {
		return "", false
	}
	if a.family != otherFamily {
		text += "/"
	} else if len(segments) == 0 {
		segments = []string{"x"}
	}
	query, ok := c.queries(&a.query, &b.query)
	return text + strings.Join(segments, "/") + query, ok
}

func (c *common) host(a, b *alternative, filled bool) (string, bool) {
	if b.address {
		a, b = b, a
	}
	if a.address {
		host := a.host.globs[0].text
		if m := (matcher{}); !m.address(&b.host, host) {
			return "", false
		}
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return host, true
	}
	labels, ok := c.sequences(hostLabel, &a.host, &b.host, filled)
	if len(labels) == 0 {
		labels = []string{"x"}
	}
	return strings.Join(labels, "."), ok
}

// queries returns a query that both match, with its "?", or none.
func (c *common) queries(a, b *query) (string, bool) {
	if b.kind == queryGlob {
		a, b = b, a
	}
	if a.kind != queryGlob {
		return "", true
	}
	with := &a.glob
	switch b.kind {
	case queryNone:
		return "", false
	case queryGlob:
		with = &b.glob
	}
	text, ok := c.globs(queryText, &a.glob, with)
	return "?" + text, ok
}

// sequences returns parts that both match.
func (c *common) sequences(part partKind, a, b *sequence, filled bool) ([]string, bool) {
	wild := func(q *sequence) func(int) bool {
		return func(i int) bool { return q.globs[i].kind == deep }
	}
	pairs, ok := c.align(len(a.globs), len(b.globs), wild(a), wild(b), func(i, j int) bool {
		_, ok := c.globs(part, &a.globs[i], &b.globs[j])
		return ok
	}, filled)
	var parts []string
	for _, p := range pairs {
		text := "x"
		switch {
		case p.i >= 0 && p.j >= 0:
			text, _ = c.globs(part, &a.globs[p.i], &b.globs[p.j])
		case p.i >= 0:
			text, ok = c.single(part, &a.globs[p.i], ok)
		case p.j >= 0:
			text, ok = c.single(part, &b.globs[p.j], ok)
		}
		parts = append(parts, text)
	}
	return parts, ok
}

// single returns a text that g matches, if all is well so far.
func (c *common) single(part partKind, g *glob, soFar bool) (string, bool) {
	text, ok := c.globs(part, g, g)
	return text, ok && soFar
}

// globs returns a text of a name that both match; neither is `**`. The shortest may be none: of `.*` and `*.` it is a dot, and ".x." will do.
func (c *common) globs(part partKind, a, b *glob) (string, bool) {
	if b.kind == literal {
		a, b = b, a
	}
	if a.kind == literal {
		m := matcher{}
		ok := m.glob(b, a.text)
		c.steps += m.steps
		return a.text, ok
	}
	wild := func(g *glob) func(int) bool {
		return func(i int) bool { return g.text[i] == '*' }
	}
	for _, filled := range []bool{false, true} {
		pairs, ok := c.align(len(a.text), len(b.text), wild(a), wild(b), func(i, j int) bool { return a.text[i] == b.text[j] }, filled)
		if !ok {
			return "", false
		}
		text := make([]byte, len(pairs))
		for k, p := range pairs {
			switch {
			case p.i >= 0:
				text[k] = a.text[p.i]
			case p.j >= 0:
				text[k] = b.text[p.j]
			default:
				text[k] = 'x'
			}
		}
		whole := string(text)
		if part == hostLabel {
			whole += ".x" // a number can stand anywhere but at the end
		}
		if c.steps += len(text); len(text) > 0 && part.canonical(whole) {
			return string(text), true
		}
	}
	return "", false
}

// A pair is two elements side by side; -1 stands for a wild one, and two of them for an element that is put in.
type pair struct{ i, j int }

// align lays a list of n elements beside one of m. Each wild element stands for any number of others, no two that aren't wild stand side by
// side unless they are the same, and with filled one is put in where two wild ones meet.
func (c *common) align(n, m int, wildA, wildB func(int) bool, same func(i, j int) bool, filled bool) ([]pair, bool) {
	if c.steps += (n + 1) * (m + 1); c.steps > c.budget {
		return nil, false
	}
	can := make([]bool, (n+1)*(m+1)) // whether the rests from i and j can be laid side by side
	at := func(i, j int) int { return i*(m+1) + j }
	can[at(n, m)] = true
	for i := n; i >= 0; i-- {
		for j := m; j >= 0; j-- {
			a, b := i < n && wildA(i), j < m && wildB(j)
			can[at(i, j)] = can[at(i, j)] || a && can[at(i+1, j)] || b && can[at(i, j+1)] || a && j < m && can[at(i, j+1)] || b && i < n && can[at(i+1, j)] ||
				!a && !b && i < n && j < m && can[at(i+1, j+1)] && same(i, j)
		}
	}
	if !can[0] || c.steps > c.budget {
		return nil, false
	}
	var pairs []pair
	for i, j := 0, 0; i < n || j < m; {
		a, b := i < n && wildA(i), j < m && wildB(j)
		skipA, skipB := a && can[at(i+1, j)], b && can[at(i, j+1)]
		takeA, takeB := b && !a && i < n && can[at(i+1, j)], a && !b && j < m && can[at(i, j+1)]
		switch {
		case a && b:
			if filled {
				pairs = append(pairs, pair{-1, -1})
			}
			if skipA {
				i++
			} else {
				j++
			}
		case !a && !b:
			pairs = append(pairs, pair{i, j})
			i, j = i+1, j+1
		case filled && takeA:
			pairs = append(pairs, pair{i, -1})
			i++
		case filled && takeB:
			pairs = append(pairs, pair{-1, j})
			j++
		case skipA:
			i++
		case skipB:
			j++
		case takeA:
			pairs = append(pairs, pair{i, -1})
			i++
		case takeB:
			pairs = append(pairs, pair{-1, j})
			j++
		}
	}
	return pairs, true
}
