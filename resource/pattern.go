package resource

import (
	"fmt"
	"strings"
)

// A Pattern is a set of resources. It is written like a name, with wildcards:
//
//   - `*` stands for any run of characters, also the empty one, inside one path segment, one host label or the query;
//   - `**`, alone in its segment, stands for any number of segments, also none; in a host, of labels;
//   - {a,b} stands for either; the alternatives may be empty, hold wildcards and "/", and nest.
//
// What is not a wildcard must be canonical as in a name. Wildcards match the text of the canonical name, in which a
// percent-encoded octet is three characters and an internationalized host label an A-label.
//
// In web patterns, *.example.com has exactly one label for the `*` and **.example.com any number; an IP address counts
// as one label, which only itself, `*` and `**` match. Without a port the pattern means the default one, and :* any.
// A closing `**` segment also covers every query; every other pattern matches a name with a query only by writing one,
// as in https://a.com/search?q=*. A host pattern without a path, as in https://*.example.com, means the root "/".
// The host `**` stands alone: https://** is every https resource.
//
// A Pattern is immutable. The zero Pattern matches nothing.
type Pattern struct {
	text string
	all  bool // made by Any
	alts []alternative
}

// An alternative is a pattern without braces.
type alternative struct {
	text    string
	scheme  string
	family  family
	anyHost bool     // https://**: only the scheme counts; host, port, path and query say the same
	address bool     // the host is an IP address
	host    sequence // web only
	port    uint16
	anyPort bool
	path    sequence
	query   query
}

// A query says which queries an alternative matches.
type query struct {
	kind queryKind
	glob glob // for queryGlob
}

type queryKind uint8

const (
	queryNone queryKind = iota // only names without a query
	queryAny                   // any query, and none
	queryGlob                  // a query that matches the glob
)

// A sequence matches the segments of a path or the labels of a host. No two `**` in it are adjacent.
type sequence struct {
	globs       []glob
	first, last int    // the indices of the first and the last `**`; -1 when there is none
	head        string // what the globs before the first `**` are together, when there are some and all are literal
	fixed       int    // how many globs are not `**`
	run         int    // the longest run of globs between two `**`
}

// A glob matches one segment, label or query.
type glob struct {
	text       string
	kind       globKind
	head, tail uint16 // partial: the number of bytes before the first and after the last `*`
}

type globKind uint8

const (
	literal globKind = iota // no wildcard
	partial                 // some `*` among other characters
	star                    // `*`
	deep                    // `**`
)

// ParsePattern parses a pattern. It refuses with an [*Error] what could not be canonical, and whatever exceeds
// MaxPatternLen, MaxAlternatives, MaxExpandedLen, MaxNesting, MaxRun or, in one alternative, the bounds on names.
func ParsePattern(s string) (*Pattern, error) {
	p, f := parsePattern(s)
	if f == nil {
		return p, nil
	}
	e := &Error{Input: s, Offset: f.at, Reason: f.why}
	if !strings.ContainsAny(s, "{}") {
		if c := canonicalForm(s, true); c != s {
			if _, f := parsePattern(c); f == nil {
				e.Canonical = c
			}
		}
	}
	return nil, e
}

func parsePattern(s string) (*Pattern, *fault) {
	if len(s) > MaxPatternLen {
		return nil, bad(MaxPatternLen, "longer than %d bytes", MaxPatternLen)
	}
	if strings.IndexByte(s, '{') < 0 && strings.IndexByte(s, '}') < 0 {
		// Tokens hold nothing else, and read many: one allocation for the pattern with its alternative.
		one := new(struct {
			p    Pattern
			alts [1]alternative
		})
		if f := one.alts[0].parse(s); f != nil {
			return nil, f
		}
		one.p = Pattern{text: s, alts: one.alts[:]}
		return &one.p, nil
	}
	x, f := parseBraces(s)
	if f != nil {
		return nil, f
	}
	p := &Pattern{text: s}
	seen := make(map[string]bool)
	total := 0
	for i := range x.count {
		text := x.expand(i)
		if total += len(text); total > MaxExpandedLen {
			return nil, bad(strings.IndexByte(s, '{'), "the alternatives have more than %d bytes in all", MaxExpandedLen)
		}
		if seen[text] {
			continue
		}
		seen[text] = true
		var a alternative
		if f := a.parse(text); f != nil {
			why := f.why
			if x.count > 1 {
				why = fmt.Sprintf("%s (in the alternative %s)", why, excerpt(text, f.at))
			}
			return nil, &fault{x.source(i, f.at), why}
		}
		p.alts = append(p.alts, a)
	}
	return p, nil
}

// Plain reports whether p is written without braces: as one alternative.
func (p *Pattern) Plain() bool { return p.all || len(p.alts) == 1 && p.alts[0].text == p.text }

// parse sets a, which is zero, to what text says.
func (a *alternative) parse(text string) *fault {
	l, f := scan(text, true)
	if f != nil {
		return f
	}
	a.text, a.scheme, a.family = text, text[:l.schemeLen], l.family
	a.anyHost, a.address, a.port, a.anyPort = l.anyHost, l.address, l.port, l.anyPort
	sep := byte('.')
	if l.address {
		sep = noSeparator
	}
	host, path := text[l.hostStart:l.hostEnd], text[l.bodyStart:l.bodyEnd]
	labels, segments := countParts(host, sep), countParts(path, '/')
	globs := make([]glob, labels+segments)
	if f := a.host.parse(host, sep, globs[:0:labels]); f != nil {
		return f.in(int(l.hostStart))
	}
	if f := a.path.parse(path, '/', globs[labels:labels]); f != nil {
		return f.in(int(l.bodyStart))
	}
	if a.anyHost {
		a.anyPort = true
		a.path = sequence{globs: []glob{newGlob("**")}}
		a.query.kind = queryAny
	} else if int(l.pathEnd) < len(text) && l.family == webFamily {
		a.query = query{queryGlob, newGlob(text[l.pathEnd+1:])}
	} else if n := len(a.path.globs); n > 0 && a.path.globs[n-1].kind == deep {
		a.query.kind = queryAny
	}
	return nil
}

// in turns a fault in a part of a text into one in the text.
func (f *fault) in(start int) *fault {
	f.at += start
	return f
}

func countParts(s string, sep byte) int {
	if s == "" {
		return 0
	}
	n := 1
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			n++
		}
	}
	return n
}

// parse sets q, which is zero, to the parts of s. They go into room, which has enough of it.
func (q *sequence) parse(s string, sep byte, room []glob) *fault {
	q.first, q.last = -1, -1
	run := 0
	literals := true
	for at := 0; at < len(s); {
		next, star := part(s, at, sep)
		g := glob{text: s[at:next], kind: literal}
		if star {
			g = newGlob(g.text)
		}
		switch {
		case g.kind != deep:
			q.fixed++
			run++
			room = append(room, g)
			literals = literals && g.kind == literal
		case q.first < 0:
			if literals && at > 0 {
				q.head = s[:at-1]
			}
			q.first, q.last, run = len(room), len(room), 0
			room = append(room, g)
		case run > 0:
			if q.run = max(q.run, run); run > MaxRun {
				return bad(at, "more than %d parts between two `**`", MaxRun)
			}
			q.last, run = len(room), 0
			room = append(room, g)
		}
		at = next + 1
	}
	q.globs = room
	return nil
}

func newGlob(text string) glob {
	g := glob{text: text}
	switch first := strings.IndexByte(text, '*'); {
	case first < 0:
		g.kind = literal
	case text == "**":
		g.kind = deep
	case text == "*":
		g.kind = star
	default:
		g.kind = partial
		g.head = uint16(first)
		g.tail = uint16(len(text) - 1 - strings.LastIndexByte(text, '*'))
	}
	return g
}

// Any returns the pattern that matches every resource. It is the only one that is not bound to a scheme; ParsePattern
// has no spelling for it, and its String is "any".
func Any() *Pattern { return &Pattern{text: "any", all: true} }

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Literal returns the only name, but for a trailing slash of its path, that p matches. It reports false when p has
// wildcards or more than one alternative.
func (p *Pattern) Literal() (Name, bool) {
	if len(p.alts) != 1 {
		return Name{}, false
	}
	text := p.alts[0].text
	if strings.Contains(text, "*") {
		return Name{}, false
	}
	n, err := Parse(text)
	if err != nil {
		// Only the empty path is canonical in a pattern and not in a name.
		n, err = Parse(text + "/")
	}
	return n, err == nil
}

// Cost returns an upper bound of the steps that one Match takes, whatever the name. A step is one look at one byte of
// the name. The bound is a sum over the alternatives, each of which adds at most 2·MaxRun·MaxNameLen, and without a run
// between two `**` only 2·MaxNameLen.
func (p *Pattern) Cost() int {
	cost := 1
	for i := range p.alts {
		a := &p.alts[i]
		cost += 2 * MaxNameLen * max(1, a.host.run, a.path.run)
	}
	return cost
}

// Alternatives returns the texts of the patterns without braces whose union p is. Of Any it is "any" alone.
func (p *Pattern) Alternatives() []string {
	if p.all {
		return []string{p.text}
	}
	texts := make([]string, len(p.alts))
	for i := range p.alts {
		texts[i] = p.alts[i].text
	}
	return texts
}
