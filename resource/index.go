package resource

import (
	"slices"
	"sync"
)

// An Index finds all of many patterns that match a name. What that costs depends on the name and on the patterns that
// agree with it so far (by scheme, then host, then path), and hardly on how many others there are.
//
// An Index is immutable and safe for concurrent use. The zero Index has no patterns.
type Index struct {
	any     []int32
	schemes map[string]*schemeNode
	loops   int // how many nodes of its tries stand for `**`
	scratch sync.Pool
}

// A schemeNode has the alternatives of one scheme.
type schemeNode struct {
	all   []int32        // https://**
	hosts *node[hostEnd] // web: by labels, the last one first
	paths *node[pathEnd] // file and other
}

// A hostEnd is where a host pattern ends: by port, the paths.
type hostEnd struct {
	port    map[uint16]*node[pathEnd]
	anyPort *node[pathEnd]
}

// A pathEnd is where a path pattern ends: by query, the patterns.
type pathEnd struct {
	bare  []int32 // without a query
	any   []int32 // with any, or none
	globs []queryEnd
}

type queryEnd struct {
	glob glob
	ids  []int32
}

// An IndexBuilder collects patterns. The zero IndexBuilder is empty and ready for use.
type IndexBuilder struct {
	ix *Index
}

// Add adds a pattern under an id. Several patterns may share an id, which then stands for their union.
func (b *IndexBuilder) Add(p *Pattern, id int32) {
	if b.ix == nil {
		b.ix = &Index{schemes: make(map[string]*schemeNode)}
	}
	if p.all {
		b.ix.any = append(b.ix.any, id)
	}
	for i := range p.alts {
		b.ix.add(&p.alts[i], id)
	}
}

// Build returns the index of all that was added, and leaves b empty.
func (b *IndexBuilder) Build() *Index {
	ix := b.ix
	b.ix = nil
	if ix == nil {
		return &Index{}
	}
	return ix
}

func (ix *Index) add(a *alternative, id int32) {
	s := ix.schemes[a.scheme]
	if s == nil {
		s = &schemeNode{hosts: new(node[hostEnd]), paths: new(node[pathEnd])}
		ix.schemes[a.scheme] = s
	}
	if a.anyHost {
		s.all = append(s.all, id)
		return
	}
	paths := s.paths
	if a.family == webFamily {
		host := s.hosts
		for _, g := range slices.Backward(a.host.globs) {
			host = host.child(g, &ix.loops)
		}
		paths = host.ending().root(a)
	}
	for _, g := range a.path.globs {
		paths = paths.child(g, &ix.loops)
	}
	paths.ending().add(&a.query, id)
}

// root returns the root of the paths for the port of a.
func (e *hostEnd) root(a *alternative) *node[pathEnd] {
	if a.anyPort {
		if e.anyPort == nil {
			e.anyPort = new(node[pathEnd])
		}
		return e.anyPort
	}
	n := e.port[a.port]
	if n == nil {
		n = new(node[pathEnd])
		if e.port == nil {
			e.port = make(map[uint16]*node[pathEnd])
		}
		e.port[a.port] = n
	}
	return n
}

func (e *pathEnd) add(q *query, id int32) {
	switch q.kind {
	case queryNone:
		e.bare = append(e.bare, id)
		return
	case queryAny:
		e.any = append(e.any, id)
		return
	}
	for i := range e.globs {
		if e.globs[i].glob.text == q.glob.text {
			e.globs[i].ids = append(e.globs[i].ids, id)
			return
		}
	}
	e.globs = append(e.globs, queryEnd{q.glob, []int32{id}})
}

// Match appends to dst the ids of the patterns that match n, in ascending order and each once, and returns the
// result. It allocates nothing when dst has room, but for scratch space that later calls use again.
func (ix *Index) Match(n Name, dst []int32) []int32 {
	m := matcher{name: &n}
	return ix.match(&m, dst)
}

func (ix *Index) match(m *matcher, dst []int32) []int32 {
	n := m.name
	if n.IsZero() {
		return dst
	}
	start := len(dst)
	dst = append(dst, ix.any...)
	if s := ix.schemes[n.Scheme()]; s != nil {
		w, _ := ix.scratch.Get().(*scratch)
		if w == nil {
			w = newScratch(ix.loops)
		}
		dst = append(dst, s.all...)
		if n.IsWeb() {
			dst = s.matchWeb(m, w, dst)
		} else {
			dst = matchPath(s.paths, m, w, dst)
		}
		ix.scratch.Put(w)
	}
	found := dst[start:]
	slices.Sort(found)
	return dst[:start+len(slices.Compact(found))]
}

func (s *schemeNode) matchWeb(m *matcher, w *scratch, dst []int32) []int32 {
	n := m.name
	c := cursor{n.Host(), '.'}
	if n.address {
		c.sep = noSeparator
	}
	w.hosts.start(s.hosts)
	for range n.labels {
		w.hosts.step(m, c.back(), n.address)
	}
	for _, host := range w.hosts.now {
		if host.end == nil {
			continue
		}
		if paths := host.end.anyPort; paths != nil {
			dst = matchPath(paths, m, w, dst)
		}
		if paths := host.end.port[n.port]; paths != nil {
			dst = matchPath(paths, m, w, dst)
		}
	}
	return dst
}

func matchPath(root *node[pathEnd], m *matcher, w *scratch, dst []int32) []int32 {
	c := cursor{m.name.body(), '/'}
	w.paths.start(root)
	for range m.name.segments {
		w.paths.step(m, c.front(), false)
	}
	query, hasQuery := m.name.Query()
	for _, n := range w.paths.now {
		if n.end == nil {
			continue
		}
		dst = append(dst, n.end.any...)
		if !hasQuery {
			dst = append(dst, n.end.bare...)
			continue
		}
		for i := range n.end.globs {
			if q := &n.end.globs[i]; m.glob(&q.glob, query) {
				dst = append(dst, q.ids...)
			}
		}
	}
	return dst
}
