package value

import (
	"errors"
	"strings"
)

// MaxScale is the most digits that a [Decimal] has after the point.
const MaxScale = 18

// A Decimal is an exact decimal number: coefficient / 10^scale, where the coefficient is a signed 128-bit integer
// (-2^127 to 2^127-1, at least 38 digits) and the scale 0 to [MaxScale]. It is kept with the smallest possible scale,
// so that == on Decimals is equality of numbers, and a Decimal may be a map key. The zero value is 0. There is no
// negative zero and no division.
type Decimal struct {
	hi    int64 // the coefficient is hi·2^64 + lo
	lo    uint64
	scale uint8
}

var (
	errScale    = errors.New("it has more than 18 digits after the point")
	errOverflow = errors.New("it is too large: without the point its digits must fit a signed 128-bit integer")
)

// DecimalFromInt returns i as a Decimal.
func DecimalFromInt(i int64) Decimal { return Decimal{hi: i >> 63, lo: uint64(i)} }

// split returns the sign and the absolute coefficient.
func (d Decimal) split() (neg bool, mag wide) {
	hi, lo := uint64(d.hi), d.lo
	if neg = d.hi < 0; neg {
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	return neg, wide{lo, hi}
}

// join returns the number ±mag/10^scale in normal form, or why there is none.
func join(neg bool, mag wide, scale int) (Decimal, error) {
	if mag.isZero() {
		return Decimal{}, nil
	}
	for scale > 0 {
		q, rem := mag.divMod10()
		if rem != 0 {
			break
		}
		mag = q
		scale--
	}
	if scale > MaxScale {
		return Decimal{}, errScale
	}
	limit := wide{1<<64 - 1, 1<<63 - 1}
	if neg {
		limit = wide{0, 1 << 63}
	}
	if mag.cmp(limit) > 0 {
		return Decimal{}, errOverflow
	}
	lo, hi := mag[0], mag[1]
	if neg {
		lo = -lo
		hi = ^hi
		if lo == 0 {
			hi++
		}
	}
	return Decimal{hi: int64(hi), lo: lo, scale: uint8(scale)}, nil
}

// align returns the absolute coefficients of d and e at their common scale.
func align(d, e Decimal) (dneg bool, dmag wide, eneg bool, emag wide, scale int) {
	dneg, dmag = d.split()
	eneg, emag = e.split()
	scale = int(max(d.scale, e.scale))
	return dneg, dmag.scaleUp(scale - int(d.scale)), eneg, emag.scaleUp(scale - int(e.scale)), scale
}

// addSigned returns d + e, where neg says whether e is taken as negative.
func addSigned(dneg bool, dmag wide, eneg bool, emag wide, scale int) (Decimal, error) {
	if dneg == eneg {
		return join(dneg, dmag.add(emag), scale)
	}
	if dmag.cmp(emag) < 0 {
		return join(eneg, emag.sub(dmag), scale)
	}
	return join(dneg, dmag.sub(emag), scale)
}

// Add returns d + e, or an *[Error] if the sum isn't a Decimal.
func (d Decimal) Add(e Decimal) (Decimal, error) {
	sum, err := addSigned(align(d, e))
	return sum, operation(err, d, " + ", e)
}

// Sub returns d - e, or an *[Error] if the difference isn't a Decimal.
func (d Decimal) Sub(e Decimal) (Decimal, error) {
	dneg, dmag, eneg, emag, scale := align(d, e)
	difference, err := addSigned(dneg, dmag, !eneg, emag, scale)
	return difference, operation(err, d, " - ", e)
}

// Mul returns d * e, or an *[Error] if the exact product isn't a Decimal.
func (d Decimal) Mul(e Decimal) (Decimal, error) {
	dneg, dmag := d.split()
	eneg, emag := e.split()
	product, err := join(dneg != eneg, dmag.mul(emag), int(d.scale)+int(e.scale))
	return product, operation(err, d, " * ", e)
}

// Neg returns -d, or an *[Error] if the coefficient of d is -2^127.
func (d Decimal) Neg() (Decimal, error) {
	neg, mag := d.split()
	n, err := join(!neg, mag, int(d.scale))
	if err != nil {
		return Decimal{}, &Error{Type: "decimal", Saw: "-(" + d.String() + ")", Offset: -1,
			Reason: "the result: " + err.Error()}
	}
	return n, nil
}

// operation makes an *[Error] of why "d op e" has no result.
func operation(err error, d Decimal, op string, e Decimal) error {
	if err == nil {
		return nil
	}
	return &Error{Type: "decimal", Saw: d.String() + op + e.String(), Offset: -1, Reason: "the result: " + err.Error()}
}

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d Decimal) Cmp(e Decimal) int {
	if ds, es := d.Sign(), e.Sign(); ds != es {
		if ds < es {
			return -1
		}
		return 1
	}
	neg, dmag, _, emag, _ := align(d, e)
	if neg {
		return emag.cmp(dmag)
	}
	return dmag.cmp(emag)
}

// Sign returns -1, 0 or 1 as d is negative, zero or positive.
func (d Decimal) Sign() int {
	switch {
	case d.hi < 0:
		return -1
	case d.hi == 0 && d.lo == 0:
		return 0
	default:
		return 1
	}
}

// String returns the shortest text that [ParseDecimal] reads as d: "-12.5", "0.01", "200".
func (d Decimal) String() string {
	neg, mag := d.split()
	var digits [40]byte // least significant first; 2^127 has 39
	n := 0
	for n <= int(d.scale) || !mag.isZero() {
		var rem uint64
		mag, rem = mag.divMod10()
		digits[n] = '0' + byte(rem)
		n++
	}
	var b strings.Builder
	if neg {
		b.WriteByte('-')
	}
	for i := n - 1; i >= 0; i-- {
		b.WriteByte(digits[i])
		if i > 0 && i == int(d.scale) {
			b.WriteByte('.')
		}
	}
	return b.String()
}
