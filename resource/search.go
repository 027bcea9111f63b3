package resource

import (
	"net/netip"
	"strconv"
	"strings"
)

// This file looks for a resource of one alternative outside the union, part by part: port, host, path, query. What
// is known of a beginning of a name is which alternatives of the union may still match, and where in each the match is.
// Fewer are better, so of all that a wildcard can stand for only the kinds are tried that leave the fewest.

// A search is for a resource that a matches and no one of by does.
type search struct {
	*inclusion
	a       *alternative
	by      []*alternative // those of a's scheme that match the port
	port    string         // with its ":", as in a name
	host    string         // of the name so far
	paths   *track
	queries []kind
	doubt   bool // something was found that is no name
}

// search decides for one alternative of the pattern.
func (s *inclusion) search(a *alternative) Verdict {
	if s.exhausted() {
		return Undecided
	}
	q := search{inclusion: s, a: a}
	ports := make(map[uint16]bool)
	for _, p := range s.union {
		for i := range p.alts {
			s.steps++
			b := &p.alts[i]
			if b.scheme != a.scheme {
				continue
			}
			if b.anyPort || !a.anyPort && b.port == a.port {
				q.by = append(q.by, b)
			} else if !b.anyPort {
				ports[b.port] = true
			}
		}
	}
	if a.family == webFamily && !q.choosePort(ports) {
		return Undecided
	}
	switch {
	case q.found():
		return Exceeds
	case q.doubt || s.exhausted():
		return Undecided
	}
	return Included
}

// choosePort takes a port that only those with any port match. It fails where all ports are taken.
func (q *search) choosePort(taken map[uint16]bool) bool {
	port := int(q.a.port)
	if q.a.anyPort {
		for taken[uint16(port)] {
			if port = port%(1<<16-1) + 1; port == int(q.a.port) {
				return false
			}
		}
	}
	if port != int(defaultPort(q.a.scheme)) {
		q.port = ":" + strconv.Itoa(port)
	}
	return true
}

func (q *search) found() bool {
	all := newSet(len(q.by))
	for j := range q.by {
		all.add(j)
	}
	if q.a.family != webFamily {
		return q.path(all)
	}
	if q.a.address {
		q.host = q.a.host.globs[0].text
		left := q.addressLeaves(q.host)
		if strings.Contains(q.host, ":") {
			q.host = "[" + q.host + "]"
		}
		return q.path(left)
	}
	var tried []set
	try := func(left set, host string) bool {
		if q.containsOne(left, tried) {
			return false // more are left than where nothing was found
		}
		tried = append(tried, left)
		q.host = host
		return q.path(left)
	}
	hosts := q.newParts(hostLabel, q.a.host.globs, func(b *alternative) []glob { return b.host.globs })
	hosts.least, hosts.most = 1, maxLabels
	hosts.doomed = func(left set) bool { return q.containsOne(left, tried) }
	hosts.context = func(label string) (c context, ok bool) {
		if numeric(label) {
			c.key = "no end"
		}
		return c, true
	}
	found := hosts.run(all, func(left set, labels []string) bool {
		return !numeric(labels[len(labels)-1]) && try(left, strings.Join(labels, "."))
	})
	return found || q.anyAddress(try)
}

// containsOne reports whether s contains one of the others.
func (q *search) containsOne(s set, others []set) bool {
	for _, o := range others {
		if q.steps++; s.contains(o) {
			return true
		}
	}
	return false
}

// maxLabels is the largest number of labels in a host.
const maxLabels = (MaxHostLen + 1) / 2

// newParts returns a track through the labels of the host or the segments of the path.
func (q *search) newParts(part partKind, globs []glob, of func(*alternative) []glob) *track {
	lists := make([][]glob, len(q.by))
	for j, b := range q.by {
		lists[j] = of(b)
	}
	return q.newTrack(globs, lists, func(g *glob, distinct []glob) []kind { return q.kindsOf(part, g, distinct) })
}

// anyAddress tries an address that the union doesn't name. It is left by as many as a label that the union doesn't name,
// so that it matters only where there is none.
func (q *search) anyAddress(try func(left set, host string) bool) bool {
	named := make(map[string]bool)
	for _, b := range q.by {
		if b.address {
			named[b.host.globs[0].text] = true
		}
	}
	addr := netip.AddrFrom4([4]byte{192, 0, 2, 1}) // RFC 5737: for documentation
	for named[addr.String()] {
		addr = addr.Next()
	}
	host := addr.String()
	if !q.address(&q.a.host, host) {
		return false
	}
	return try(q.addressLeaves(host), host)
}

// addressLeaves returns those that match an address.
func (q *search) addressLeaves(host string) set {
	left := newSet(len(q.by))
	for j, b := range q.by {
		if q.address(&b.host, host) {
			left.add(j)
		}
	}
	return left
}

// path goes on after the host, with those left that match it.
func (q *search) path(left set) bool {
	if q.paths == nil {
		part := plainSegment
		if q.a.family == webFamily {
			part = webSegment
		}
		q.paths = q.newParts(part, q.a.path.globs, func(b *alternative) []glob { return b.path.globs })
		q.paths.most = MaxSegments
		q.paths.doomed = func(left set) bool {
			for j := range left.all() {
				if q.by[j].query.kind == queryAny {
					return true
				}
			}
			return false
		}
		if q.a.family == otherFamily {
			q.paths.least = 1
		}
	}
	return q.paths.run(left, func(left set, segments []string) bool {
		text := q.a.scheme + "://" + q.host + q.port
		if q.a.family != otherFamily {
			text += "/"
		}
		return q.query(left, text+strings.Join(segments, "/"))
	})
}

// query goes on after the path, with those left that match it.
func (q *search) query(left set, text string) bool {
	if q.a.query.kind != queryGlob {
		if q.queryLeaves(left, nil) {
			return q.name(text)
		}
		if q.a.query.kind == queryNone || q.a.family != webFamily {
			return false
		}
	}
	if q.queries == nil {
		g := newGlob("*")
		if q.a.query.kind == queryGlob {
			g = q.a.query.glob
		}
		var globs []glob
		for _, b := range q.by {
			globs = append(globs, b.query.glob)
		}
		q.queries = q.kindsOf(queryText, &g, globs)
	}
	for i := range q.queries {
		if k := &q.queries[i]; q.queryLeaves(left, k) && q.name(text+"?"+k.text) {
			return true
		}
	}
	return false
}

// queryLeaves reports whether none of those left matches a query of kind k, or with nil no query.
func (q *search) queryLeaves(left set, k *kind) bool {
	for j := range left.all() {
		q.steps++
		switch q.by[j].query.kind {
		case queryAny:
			return false
		case queryNone:
			if k == nil {
				return false
			}
		case queryGlob:
			if k != nil && k.matches[j] {
				return false
			}
		}
	}
	return true
}

// name ends a search with a name that should be a witness.
func (q *search) name(text string) bool {
	if q.confirm(text) {
		return true
	}
	q.doubt = true
	return false
}
