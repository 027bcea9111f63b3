package resource

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// A track goes through the names of one sequence of globs, a part at a time, and keeps for each beginning the places
// that the sequences of the union can have come to: the states of a subset automaton, made as they are needed.
type track struct {
	*search
	globs       []glob
	kinds       [][]kind // for each of globs
	least, most int      // how many parts a name may have
	starts      []int    // for each sequence of the union, its first place
	places      []place
	nodes       []beginning
}

// A place is between two globs of one sequence of the union.
type place struct {
	kind  placeKind
	glob  int // placeGlob: which part leads on, an index into kind.matches
	owner int // placeEnd: whose end it is
}

type placeKind uint8

const (
	placeEnd  placeKind = iota
	placeGlob           // a part that the glob matches leads to the next place
	placeDeep           // any part leads back here; to the next place nothing is needed
)

// A beginning is a beginning of a name.
type beginning struct {
	at     int // the next glob
	depth  int // how many parts there are
	parent int
	text   string // the last part
	places set
}

// maxLabels is the largest number of labels in a host.
const maxLabels = (MaxHostLen + 1) / 2

func (q *search) newTrack(part partKind, globs []glob, of func(*alternative) *sequence) *track {
	t := &track{search: q, globs: globs, most: MaxSegments}
	if part == hostLabel {
		t.least, t.most = 1, maxLabels
	}
	index := make(map[string]int)
	var distinct []glob
	for j, b := range q.by {
		t.starts = append(t.starts, len(t.places))
		for _, g := range of(b).globs {
			if g.kind == deep {
				t.places = append(t.places, place{kind: placeDeep})
				continue
			}
			i, ok := index[g.text]
			if !ok {
				i = len(distinct)
				index[g.text] = i
				distinct = append(distinct, g)
			}
			t.places = append(t.places, place{kind: placeGlob, glob: i})
		}
		t.places = append(t.places, place{kind: placeEnd, owner: j})
	}
	q.steps += len(t.places)
	var free []kind // what `*` and `**` stand for
	for i := range globs {
		g := &globs[i]
		var k []kind
		switch {
		case q.exhausted():
		case g.kind != star && g.kind != deep:
			k = q.kindsOf(part, g, distinct)
		case free == nil:
			free = q.kindsOf(part, g, distinct)
			fallthrough
		default:
			k = free
		}
		t.kinds = append(t.kinds, k)
	}
	return t
}

// run calls visit for each name that matches globs, with those of left whose sequences match it too. It leaves out
// names of which others with the same or fewer are visited, and stops when visit returns true, which it then does too.
func (t *track) run(left set, visit func(left set, parts []string) bool) bool {
	first := newSet(len(t.places))
	for j := range left.all() {
		t.reach(first, t.starts[j])
	}
	seen := make(map[string]bool)
	var key []byte
	t.nodes = t.nodes[:0]
	add := func(n beginning) {
		key = binary.AppendUvarint(key[:0], uint64(n.at))
		key = binary.AppendUvarint(key, uint64(min(n.depth, t.least)))
		for _, word := range n.places {
			key = binary.LittleEndian.AppendUint64(key, word)
		}
		t.steps += len(key)
		if !seen[string(key)] {
			seen[string(key)] = true
			t.nodes = append(t.nodes, n)
		}
	}
	add(beginning{parent: -1, places: first})
	for i := 0; i < len(t.nodes) && !t.exhausted(); i++ {
		n := t.nodes[i]
		end := len(t.globs) - n.at
		if (end == 0 || end == 1 && t.globs[n.at].kind == deep) && n.depth >= t.least && visit(t.ended(n.places), t.parts(i)) {
			return true
		}
		if n.depth == t.most || end == 0 {
			continue
		}
		next := n.at
		if t.globs[next].kind == deep {
			for k := range t.kinds[next] {
				add(t.step(i, &t.kinds[next][k], next))
			}
			if next++; next == len(t.globs) {
				continue
			}
		}
		for k := range t.kinds[next] {
			add(t.step(i, &t.kinds[next][k], next+1))
		}
	}
	return false
}

// step adds a part of kind k to the beginning with the number i.
func (t *track) step(i int, k *kind, at int) beginning {
	to := newSet(len(t.places))
	t.steps += len(to)
	for p := range t.nodes[i].places.all() {
		t.steps++
		switch here := &t.places[p]; here.kind {
		case placeDeep:
			t.reach(to, p)
		case placeGlob:
			if k.matches[here.glob] {
				t.reach(to, p+1)
			}
		}
	}
	return beginning{at: at, depth: t.nodes[i].depth + 1, parent: i, text: k.text, places: to}
}

// reach adds p and what is reached from it without a part.
func (t *track) reach(s set, p int) {
	s.add(p)
	if t.places[p].kind == placeDeep {
		s.add(p + 1)
	}
}

// ended returns the owners whose end is in places.
func (t *track) ended(places set) set {
	owners := newSet(len(t.starts))
	for p := range places.all() {
		t.steps++
		if t.places[p].kind == placeEnd {
			owners.add(t.places[p].owner)
		}
	}
	return owners
}

// parts returns the parts of the beginning with the number i.
func (t *track) parts(i int) []string {
	parts := make([]string, t.nodes[i].depth)
	for ; t.nodes[i].depth > 0; i = t.nodes[i].parent {
		parts[t.nodes[i].depth-1] = t.nodes[i].text
	}
	t.steps += len(parts)
	return parts
}

// A set is a set of small numbers.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

func (s set) add(i int) { s[i/64] |= 1 << (i % 64) }

// all yields the numbers in ascending order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(64*i + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// contains reports whether all of t, which is for numbers of the same size, is in s.
func (s set) contains(t set) bool {
	for i := range s {
		if t[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}
