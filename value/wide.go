package value

import "math/bits"

// A wide is an unsigned 256-bit integer, least significant word first: room for the product of two coefficients, or
// for one times 10^18. Its methods drop what goes beyond; the callers stay below.
type wide [4]uint64

// mulAdd returns w*m + a.
func (w wide) mulAdd(m, a uint64) wide {
	for i, word := range w {
		hi, lo := bits.Mul64(word, m)
		var carry uint64
		w[i], carry = bits.Add64(lo, a, 0)
		a = hi + carry
	}
	return w
}

// divMod10 returns w/10 and w%10.
func (w wide) divMod10() (wide, uint64) {
	var rem uint64
	for i := len(w) - 1; i >= 0; i-- {
		w[i], rem = bits.Div64(rem, w[i], 10)
	}
	return w, rem
}

// scaleUp returns w * 10^n.
func (w wide) scaleUp(n int) wide {
	for range n {
		w = w.mulAdd(10, 0)
	}
	return w
}

func (w wide) add(x wide) wide {
	var carry uint64
	for i := range w {
		w[i], carry = bits.Add64(w[i], x[i], carry)
	}
	return w
}

// sub returns w - x for x <= w.
func (w wide) sub(x wide) wide {
	var borrow uint64
	for i := range w {
		w[i], borrow = bits.Sub64(w[i], x[i], borrow)
	}
	return w
}

// mul returns w * x for w, x < 2^128.
func (w wide) mul(x wide) wide {
	low := w.mulAdd(x[0], 0)
	high := w.mulAdd(x[1], 0)
	return low.add(wide{0, high[0], high[1], high[2]})
}

func (w wide) cmp(x wide) int {
	for i := len(w) - 1; i >= 0; i-- {
		switch {
		case w[i] < x[i]:
			return -1
		case w[i] > x[i]:
			return 1
		}
	}
	return 0
}

func (w wide) isZero() bool { return w == wide{} }
