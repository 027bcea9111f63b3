package resource

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// A track goes through the texts of a list of globs, a part at a time, and keeps for each beginning the places that the
// lists of the union can have come to: the states of a subset automaton, made as they are needed. The parts are the
// segments of a path, the labels of a host, or the bytes of one of these.
type track struct {
	*search
	globs       []glob
	kinds       [][]kind                          // for each of globs
	joined      bool                              // the parts are the bytes of one text
	context     func(text string) (context, bool) // see add; nil for none
	doomed      func(left set) bool               // no text is wanted that these lists match, whatever others do
	least, most int                               // how many parts there may be
	starts      []int                             // for each list of the union, its first place
	places      []place
	closing     set // the places that are `**` at the end of a list: all matches from there
	begun       []beginning
	groups      map[string]*group
	key         []byte
}

// A context tells how a beginning may go on so that the whole is canonical: in no way but those of another with the same
// key, or with the key wider.
type context struct{ key, wider string }

// A group are the beginnings that go on in the same way, but for their places.
type group struct {
	same  map[uint64]int // by a hash of the places
	first []int          // the first maxCompared of them
}

// maxCompared is how many others a beginning is compared with.
const maxCompared = 64

// A place is between two globs of one list of the union.
type place struct {
	kind placeKind
	n    int32 // placeGlob: which glob leads on, an index into kind.matches; placeEnd: which list ends
}

type placeKind uint8

const (
	placeEnd  placeKind = iota
	placeGlob           // a part that the glob matches leads to the next place
	placeStar           // any part does
	placeDeep           // any part leads back here; to the next place nothing is needed
)

// A beginning is the parts up to some glob.
type beginning struct {
	at     int // the next glob
	depth  int // how many parts there are
	parent int
	text   string // the last part, or if joined all parts
	places set
}

// newTrack returns a track for globs and the lists of the union. kinds is asked for what each glob stands for, and told
// which globs the lists have.
func (q *search) newTrack(globs []glob, lists [][]glob, kinds func(g *glob, distinct []glob) []kind) *track {
	t := &track{search: q, globs: globs}
	size := len(lists)
	for _, list := range lists {
		size += len(list)
	}
	q.steps += 2 * size
	t.starts, t.places = make([]int, 0, len(lists)), make([]place, 0, size)
	t.closing = newSet(size)
	index := make(map[string]int32)
	var distinct []glob
	for j, list := range lists {
		t.starts = append(t.starts, len(t.places))
		for k := range list {
			g := &list[k]
			switch g.kind {
			case deep:
				t.places = append(t.places, place{kind: placeDeep})
				continue
			case star:
				t.places = append(t.places, place{kind: placeStar})
				continue
			}
			q.steps += len(g.text)
			i, ok := index[g.text]
			if !ok {
				i = int32(len(distinct))
				index[g.text] = i
				distinct = append(distinct, *g)
			}
			t.places = append(t.places, place{placeGlob, i})
		}
		if n := len(t.places); len(list) > 0 && t.places[n-1].kind == placeDeep {
			t.closing.add(n - 1)
		}
		t.places = append(t.places, place{placeEnd, int32(j)})
	}
	var free []kind // what `*` and `**` stand for
	for i := range globs {
		g := &globs[i]
		var k []kind
		switch {
		case q.exhausted():
		case g.kind != star && g.kind != deep:
			k = kinds(g, distinct)
		case free == nil:
			free = kinds(g, distinct)
			fallthrough
		default:
			k = free
		}
		t.kinds = append(t.kinds, k)
	}
	return t
}

// run calls visit for the texts of globs, with those of left whose lists match the text too. It leaves out texts
// of which another is visited with the same or fewer, and stops when visit returns true, which it then does too.
func (t *track) run(left set, visit func(left set, parts []string) bool) bool {
	first := newSet(len(t.places))
	for j := range left.all() {
		t.reach(first, t.starts[j])
	}
	t.begun, t.groups = t.begun[:0], make(map[string]*group)
	t.add(beginning{parent: -1, places: first})
	for i := 0; i < len(t.begun) && !t.exhausted(); i++ {
		b := t.begun[i]
		end := len(t.globs) - b.at
		if (end == 0 || end == 1 && t.globs[b.at].kind == deep) && b.depth >= t.least && visit(t.ended(b.places), t.parts(i)) {
			return true
		}
		if b.depth == t.most || end == 0 {
			continue
		}
		next := b.at
		if t.globs[next].kind == deep {
			for k := range t.kinds[next] {
				t.step(i, &t.kinds[next][k], next)
			}
			if next++; next == len(t.globs) {
				continue
			}
		}
		for k := range t.kinds[next] {
			t.step(i, &t.kinds[next][k], next+1)
		}
	}
	return false
}

// step adds the beginning with the number i and a part of kind k.
func (t *track) step(i int, k *kind, at int) {
	from := &t.begun[i]
	to := newSet(len(t.places))
	for p := range from.places.all() {
		t.steps++
		switch here := t.places[p]; here.kind {
		case placeDeep:
			t.reach(to, p)
		case placeStar:
			t.reach(to, p+1)
		case placeGlob:
			if k.matches[here.n] {
				t.reach(to, p+1)
			}
		}
	}
	text := k.text
	if t.joined {
		text = from.text + text
	}
	t.add(beginning{at, from.depth + 1, i, text, to})
}

// add adds a beginning unless there is one that goes on in all the ways this one does and has come to no other places.
// How one goes on depends on its next glob and on its context, which is not ok where nothing may follow.
func (t *track) add(b beginning) {
	t.steps += 24 + 2*len(b.places)
	var c context
	if t.context != nil {
		t.steps += len(b.text)
		var ok bool
		if c, ok = t.context(b.text); !ok {
			return
		}
	}
	if t.closed(b.places) || c.wider != c.key && t.known(t.group(&b, c.wider), b.places) {
		return
	}
	g := t.group(&b, c.key)
	if t.known(g, b.places) {
		return
	}
	if len(g.first) < maxCompared {
		g.first = append(g.first, len(t.begun))
	}
	g.same[b.places.hash()] = len(t.begun)
	t.begun = append(t.begun, b)
}

// group returns the group of those with b's next glob and the context.
func (t *track) group(b *beginning, context string) *group {
	t.key = binary.AppendUvarint(t.key[:0], uint64(b.at))
	t.key = binary.AppendUvarint(t.key, uint64(min(b.depth, t.least)))
	t.key = append(t.key, context...)
	g := t.groups[string(t.key)]
	if g == nil {
		g = &group{same: make(map[uint64]int)}
		t.groups[string(t.key)] = g
	}
	return g
}

// known reports whether one of the group has come to some of places and no others.
func (t *track) known(g *group, places set) bool {
	if i, ok := g.same[places.hash()]; ok && places.contains(t.begun[i].places) {
		return true
	}
	for _, i := range g.first {
		t.steps++
		if places.contains(t.begun[i].places) {
			return true
		}
	}
	return false
}

// closed reports whether the lists that match whatever follows leave nothing to find.
func (t *track) closed(places set) bool {
	for i := range places {
		if places[i]&t.closing[i] != 0 {
			forever := slices.Clone(places)
			for j := range forever {
				forever[j] &= t.closing[j] << 1
				if j > 0 {
					forever[j] |= places[j] & (t.closing[j-1] >> 63)
				}
			}
			return t.doomed(t.ended(forever))
		}
	}
	return false
}

// reach adds p and what is reached from it without a part.
func (t *track) reach(s set, p int) {
	s.add(p)
	if t.places[p].kind == placeDeep {
		s.add(p + 1)
	}
}

// ended returns which lists end in places.
func (t *track) ended(places set) set {
	lists := newSet(len(t.starts))
	for p := range places.all() {
		t.steps++
		if t.places[p].kind == placeEnd {
			lists.add(int(t.places[p].n))
		}
	}
	return lists
}

// parts returns the parts of the beginning with the number i.
func (t *track) parts(i int) []string {
	if t.joined {
		return []string{t.begun[i].text}
	}
	parts := make([]string, t.begun[i].depth)
	for ; t.begun[i].depth > 0; i = t.begun[i].parent {
		parts[t.begun[i].depth-1] = t.begun[i].text
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

// hash returns a hash of the set (FNV-1a, a word at a time).
func (s set) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, word := range s {
		h = (h ^ word) * 1099511628211
		h ^= h >> 32
	}
	return h
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
