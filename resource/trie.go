package resource

// A node of a trie of globs. From a node, a part (a segment or a label) leads to the child of the equal literal and to
// the child of each glob that matches it. A child for `**` is entered without a part, along with its parent, and
// every part leads from it to itself as well.
type node[E any] struct {
	literals map[string]*node[E]
	globs    []edge[E]
	globAt   map[string]int // into globs
	deep     *node[E]
	loop     int // for a `**` node: its number in the index, from 1
	end      *E  // what patterns that end here have
}

type edge[E any] struct {
	glob glob
	to   *node[E]
}

// child returns the child for g. A new `**` node takes the next number after *loops.
func (n *node[E]) child(g glob, loops *int) *node[E] {
	switch g.kind {
	case literal:
		c := n.literals[g.text]
		if c == nil {
			c = new(node[E])
			if n.literals == nil {
				n.literals = make(map[string]*node[E])
			}
			n.literals[g.text] = c
		}
		return c
	case deep:
		if n.deep == nil {
			*loops++
			n.deep = &node[E]{loop: *loops}
		}
		return n.deep
	}
	i, ok := n.globAt[g.text]
	if !ok {
		i = len(n.globs)
		if n.globAt == nil {
			n.globAt = make(map[string]int)
		}
		n.globAt[g.text] = i
		n.globs = append(n.globs, edge[E]{g, new(node[E])})
	}
	return n.globs[i].to
}

// ending returns n.end, which it makes if there is none.
func (n *node[E]) ending() *E {
	if n.end == nil {
		n.end = new(E)
	}
	return n.end
}

// A walk goes down a trie with the set of all nodes that the parts so far lead to. No node is in the set twice: it has
// one parent and one way from it, but for a `**` node, which can also stay, and of which entered keeps account. So the
// walk takes at most as many steps as there are parts times nodes.
type walk[E any] struct {
	now, next []*node[E]
	entered   []uint32 // by loop: the last round in which that node was entered
	round     uint32
}

// start begins a walk at root.
func (w *walk[E]) start(root *node[E]) {
	if w.round++; w.round == 0 { // after 2^32 walks the old rounds would look new
		clear(w.entered)
		w.round = 1
	}
	w.next = w.next[:0]
	w.enter(root)
	w.now, w.next = w.next, w.now
}

// step follows a part. If it is whole, no partial wildcard may look into it.
func (w *walk[E]) step(m *matcher, part string, whole bool) {
	w.next = w.next[:0]
	for _, n := range w.now {
		m.steps += 1 + len(part)
		if n.loop != 0 {
			w.next = append(w.next, n)
		}
		if c := n.literals[part]; c != nil {
			w.enter(c)
		}
		for i := range n.globs {
			if e := &n.globs[i]; (e.glob.kind == star || !whole) && m.glob(&e.glob, part) {
				w.enter(e.to)
			}
		}
	}
	w.now, w.next = w.next, w.now
}

// enter adds n and the `**` below it, which stays in the set once it is there.
func (w *walk[E]) enter(n *node[E]) {
	w.next = append(w.next, n)
	if d := n.deep; d != nil && w.entered[d.loop] != w.round {
		w.entered[d.loop] = w.round
		w.next = append(w.next, d)
	}
}

// scratch is what one Match needs.
type scratch struct {
	hosts walk[hostEnd]
	paths walk[pathEnd]
}

func newScratch(loops int) *scratch {
	return &scratch{
		hosts: walk[hostEnd]{entered: make([]uint32, loops+1)},
		paths: walk[pathEnd]{entered: make([]uint32, loops+1)},
	}
}
