package resource

import "strings"

// noSeparator separates nothing: no name contains it. It is what the one label of an address is split by.
const noSeparator = 0

// Match reports whether n is in the set. The zero Name is in none. It takes at most Cost steps and doesn't allocate.
func (p *Pattern) Match(n Name) bool {
	m := matcher{name: &n}
	return m.pattern(p)
}

// A matcher matches one name and counts what that takes.
type matcher struct {
	name  *Name
	steps int // looks at a byte of the name, see Pattern.Cost
}

func (m *matcher) pattern(p *Pattern) bool {
	if p.all {
		return !m.name.IsZero()
	}
	for i := range p.alts {
		if m.alternative(&p.alts[i]) {
			return true
		}
	}
	return false
}

func (m *matcher) alternative(a *alternative) bool {
	n := m.name
	if n.Scheme() != a.scheme {
		return false
	}
	if a.anyHost {
		return true
	}
	if a.family == webFamily && !((a.anyPort || a.port == n.port) && m.host(&a.host)) {
		return false
	}
	return m.sequence(&a.path, n.body(), int(n.segments), '/') && m.query(&a.query)
}

// host matches the host.
func (m *matcher) host(q *sequence) bool {
	host := m.name.Host()
	if m.name.address {
		return m.address(q, host)
	}
	return m.sequence(q, host, int(m.name.labels), '.')
}

// address matches an address, which is one label. `1*` or `*.1` are no way to match a part of it.
func (m *matcher) address(q *sequence, host string) bool {
	if q.fixed > 1 || q.fixed == 0 && q.first < 0 {
		return false
	}
	for i := range q.globs {
		if q.globs[i].kind != deep && !m.whole(&q.globs[i], host) {
			return false
		}
	}
	return true
}

func (m *matcher) query(q *query) bool {
	text, ok := m.name.Query()
	switch q.kind {
	case queryAny:
		return true
	case queryGlob:
		return ok && m.glob(&q.glob, text)
	}
	return !ok
}

// sequence matches the n parts of text that sep separates. What stands before the first `**` and after the last is
// anchored there. Each run between two of them is sought from the left and taken where it first matches, which leaves
// the most to the rest: no choice is ever taken back.
func (m *matcher) sequence(q *sequence, text string, n int, sep byte) bool {
	if n < q.fixed || q.first < 0 && n != q.fixed {
		return false
	}
	c := cursor{text, sep}
	if q.first < 0 {
		return m.run(q.globs, &c)
	}
	if q.head != "" {
		// A name that begins so has as many parts in front, each as it should be.
		m.steps += len(q.head)
		if !strings.HasPrefix(text, q.head) || len(text) > len(q.head) && text[len(q.head)] != sep {
			return false
		}
		c.text = text[min(len(text), len(q.head)+1):]
	} else if !m.run(q.globs[:q.first], &c) {
		return false
	}
	tail := q.globs[q.last+1:]
	for i := len(tail) - 1; i >= 0; i-- {
		if !m.glob(&tail[i], c.back()) {
			return false
		}
	}
	n -= q.first + len(tail)
	for at := q.first + 1; at < q.last; {
		end := at
		for q.globs[end].kind != deep {
			end++
		}
		run := q.globs[at:end]
		for {
			if n < len(run) {
				return false
			}
			if rest := c; m.run(run, &rest) {
				c, n = rest, n-len(run)
				break
			}
			c.front()
			n--
		}
		at = end + 1
	}
	return true
}

// run matches the next parts, one for each glob. The caller knows that there are as many.
func (m *matcher) run(globs []glob, c *cursor) bool {
	for i := range globs {
		if !m.glob(&globs[i], c.front()) {
			return false
		}
	}
	return true
}

// whole matches a part that no partial wildcard may look into.
func (m *matcher) whole(g *glob, s string) bool {
	return g.kind != partial && m.glob(g, s)
}

// glob matches one part. Between its first and its last literal, which are anchored, it takes each one where it first
// occurs.
func (m *matcher) glob(g *glob, s string) bool {
	m.steps += 1 + len(s)
	switch g.kind {
	case literal:
		return g.text == s
	case star, deep:
		return true
	}
	head, tail := int(g.head), int(g.tail)
	if len(s) < head+tail || s[:head] != g.text[:head] || s[len(s)-tail:] != g.text[len(g.text)-tail:] {
		return false
	}
	s = s[head : len(s)-tail]
	middle := g.text[head : len(g.text)-tail] // begins and ends with `*`
	for len(middle) > 1 {
		middle = middle[1:]
		next := strings.IndexByte(middle, '*')
		i := strings.Index(s, middle[:next])
		if i < 0 {
			return false
		}
		s = s[i+next:]
		middle = middle[next:]
	}
	return true
}

// A cursor takes parts off either end of a text. The caller counts them: an empty text may be one empty part.
type cursor struct {
	text string
	sep  byte
}

func (c *cursor) front() string {
	i := strings.IndexByte(c.text, c.sep)
	if i < 0 {
		part := c.text
		c.text = ""
		return part
	}
	part := c.text[:i]
	c.text = c.text[i+1:]
	return part
}

func (c *cursor) back() string {
	i := strings.LastIndexByte(c.text, c.sep)
	part := c.text[i+1:]
	c.text = c.text[:max(i, 0)]
	return part
}
