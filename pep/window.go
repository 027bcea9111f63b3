package pep

import "encoding/binary"

// A window says which sequence numbers of a sender have been used: a bitmap that slides behind the highest one, as in RFC 6479. Numbers
// that have fallen out of it count as used. The zero window has used none but 0, which is no sequence number.
type window struct {
	top  uint64
	bits [windowWords]uint64 // a ring: number n is bit n%64 of word n/64%windowWords
}

const (
	windowWords = 16
	// windowSize is how far behind the highest number an unused one may come: a word of the ring is the one being filled.
	windowSize = (windowWords - 1) * 64
)

// used reports whether a number has been used, or can't be told apart from one that has.
func (w *window) used(n uint64) bool {
	switch {
	case n == 0:
		return true
	case n > w.top:
		return false
	case w.top-n >= windowSize:
		return true
	}
	return w.bits[n/64%windowWords]>>(n%64)&1 == 1
}

// use marks a number that isn't used.
func (w *window) use(n uint64) {
	if n > w.top {
		steps := min(n/64-w.top/64, windowWords)
		for i := range steps {
			w.bits[(w.top/64+1+i)%windowWords] = 0
		}
		w.top = n
	}
	w.bits[n/64%windowWords] |= 1 << (n % 64)
}

// encode returns the window as it is kept in the state.
func (w *window) encode() []byte {
	out := binary.BigEndian.AppendUint64(make([]byte, 0, 8*(windowWords+1)), w.top)
	for _, b := range w.bits {
		out = binary.BigEndian.AppendUint64(out, b)
	}
	return out
}

// decodeWindow reports false for bytes that encode didn't return.
func decodeWindow(data []byte) (w window, ok bool) {
	if len(data) != 8*(windowWords+1) {
		return window{}, false
	}
	w.top = binary.BigEndian.Uint64(data)
	for i := range w.bits {
		w.bits[i] = binary.BigEndian.Uint64(data[8*(i+1):])
	}
	return w, true
}
