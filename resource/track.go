package resource

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// A track goes through the texts of a list of globs, a part at a time, and keeps for each beginning the places that the
// lists of the union can have come to: the states of a subset automaton, made as they are needed. The parts are the
// segments of a path, the labels of a host, or the bytes of one of these.
type track struct {
	*search
	globs       []glob
	kinds       [][]kind                           // for each of globs
	context     func(string) (key string, ok bool) // see add; nil for none
	least, most int                                // how many parts there may be
	starts      []int                              // for each list of the union, its first place
	places      []place
	begun       []beginning
	seen        map[string]bool  // the beginnings, by all that matters about them
	alike       map[string][]int // the first of them by all but their places
	key         []byte
}

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
	text   string // the last part; with a context, all parts
	places set
}

// maxAlike is how many beginnings a new one is compared with.
const maxAlike = 64

// newTrack returns a track for globs and the lists of the union. kinds is asked for what each glob stands for, and told
// which globs the lists have.
func (q *search) newTrack(globs []glob, lists [][]glob, kinds func(g *glob, distinct []glob) []kind) *track {
	t := &track{search: q, globs: globs}
	index := make(map[string]int32)
	var distinct []glob
	for j, list := range lists {
		t.starts = append(t.starts, len(t.places))
		q.steps += 1 + len(list)
		for _, g := range list {
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
				distinct = append(distinct, g)
			}
			t.places = append(t.places, place{placeGlob, i})
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
	t.begun, t.seen, t.alike = t.begun[:0], make(map[string]bool), make(map[string][]int)
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
	if t.context != nil {
		text = from.text + text
	}
	t.add(beginning{at, from.depth + 1, i, text, to})
}

// add adds a beginning unless there is one from which all goes on in the same way and that has come to no other places.
// How a beginning goes on depends on its next glob and on its context, which tells what may follow so that the whole is
// canonical. The context is not ok where nothing may.
func (t *track) add(b beginning) {
	t.steps += 8 + 2*len(b.places)
	t.key = binary.AppendUvarint(t.key[:0], uint64(b.at))
	t.key = binary.AppendUvarint(t.key, uint64(min(b.depth, t.least)))
	if t.context != nil {
		key, ok := t.context(b.text)
		if !ok {
			return
		}
		t.steps += len(b.text)
		t.key = append(t.key, key...)
	}
	key := len(t.key)
	for _, word := range b.places {
		t.key = binary.LittleEndian.AppendUint64(t.key, word)
	}
	if t.seen[string(t.key)] {
		return
	}
	t.seen[string(t.key)] = true
	alike := t.alike[string(t.key[:key])]
	for _, i := range alike {
		t.steps++
		if b.places.contains(t.begun[i].places) {
			return
		}
	}
	if len(alike) < maxAlike {
		t.alike[string(t.key[:key])] = append(alike, len(t.begun))
	}
	t.begun = append(t.begun, b)
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
	if t.context != nil {
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

// contains reports whether all of t, which is for numbers of the same size, is in s.
func (s set) contains(t set) bool {
	for i := range s {
		if t[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}
