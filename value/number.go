package value

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// MaxNumber is the most bytes that the text of a number has.
const MaxNumber = 1000

// ParseDecimal reads a decimal number: an optional '-', digits, and optionally '.' and digits: "200", "-12.50". There
// is no '+', no exponent, no separator, and no zero before other digits. The number is exact or refused; zeros at the
// end of the fraction don't count, and "-0" is 0.
func ParseDecimal(s string) (Decimal, error) { return parseDecimal(s, false) }

// DecimalFromJSON reads the literal of a JSON number (RFC 8259, section 6), with or without an exponent, as exactly the
// number that it stands for, or refuses it: "1.5e3" is 1500, "1e400" is too large. The work is linear in len(lit).
func DecimalFromJSON(lit string) (Decimal, error) { return parseDecimal(lit, true) }

func parseDecimal(s string, exponent bool) (Decimal, error) {
	n, err := parseNumber("decimal", s, exponent)
	if err != nil {
		return Decimal{}, err
	}
	d, reason := n.decimal()
	if reason != nil {
		return Decimal{}, refuse("decimal", s, -1, reason.Error(), "")
	}
	return d, nil
}

// IntFromJSON reads the literal of a JSON number (RFC 8259, section 6) that stands for a 64-bit integer, however it is
// written: "4", "4.0", "4e2", "-0". It refuses "4.5" and what doesn't fit.
func IntFromJSON(lit string) (int64, error) {
	n, err := parseNumber("int", lit, true)
	if err != nil {
		return 0, err
	}
	i, reason := n.int64()
	if reason != nil {
		return 0, refuse("int", lit, -1, reason.Error(), "")
	}
	return i, nil
}

// A number is ±digits·10^exp. Its digits neither begin nor end with a zero; the number 0 has none.
type number struct {
	neg    bool
	digits string
	exp    int
}

// parseNumber reads s by the grammar of JSON numbers, with or without an exponent.
func parseNumber(typ, s string, exponent bool) (number, error) {
	fail := func(at int, reason, hint string) (number, error) {
		return number{}, refuse(typ, s, at, reason, hint)
	}
	if len(s) > MaxNumber {
		return fail(-1, fmt.Sprintf("it has %d characters, more than %d", len(s), MaxNumber), "")
	}
	var n number
	i := 0
	if strings.HasPrefix(s, "-") {
		n.neg = true
		i++
	}
	whole := leadingDigits(s[i:])
	switch {
	case len(whole) == 0 && i < len(s) && s[i] == '+':
		return fail(i, "a number has no '+'", "write it without")
	case len(whole) == 0:
		return fail(i, "a number begins with a digit", "")
	case len(whole) > 1 && whole[0] == '0':
		return fail(i, "zeros before a number", "write it without")
	}
	i += len(whole)
	var fraction string
	if strings.HasPrefix(s[i:], ".") {
		fraction = leadingDigits(s[i+1:])
		if fraction == "" {
			return fail(i, "no digit after the point", "")
		}
		i += 1 + len(fraction)
	}
	if exponent && i < len(s) && s[i]|0x20 == 'e' {
		i++
		negative := strings.HasPrefix(s[i:], "-")
		if negative || strings.HasPrefix(s[i:], "+") {
			i++
		}
		digits := leadingDigits(s[i:])
		if digits == "" {
			return fail(i, "no digit in the exponent", "")
		}
		i += len(digits)
		// An exponent beyond the clamp outweighs all the digits that fit a number's text.
		for _, d := range digits {
			n.exp = min(10*n.exp+int(d-'0'), 100*MaxNumber)
		}
		if negative {
			n.exp = -n.exp
		}
	}
	if i < len(s) {
		return fail(i, char(s[i:])+" isn't part of a number", "write digits, and '.' between them")
	}
	n.exp -= len(fraction)
	digits := strings.TrimLeft(whole+fraction, "0")
	n.digits = strings.TrimRight(digits, "0")
	n.exp += len(digits) - len(n.digits)
	return n, nil
}

// leadingDigits returns the digits that s begins with.
func leadingDigits(s string) string {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i]
}

// decimal returns n as a Decimal, or why it isn't one.
func (n number) decimal() (Decimal, error) {
	switch {
	case n.digits == "":
		return Decimal{}, nil
	case n.exp < -MaxScale:
		return Decimal{}, errScale
	case len(n.digits)+max(n.exp, 0) > 39: // 2^127 has 39 digits
		return Decimal{}, errOverflow
	}
	var mag wide
	for _, d := range n.digits {
		mag = mag.mulAdd(10, uint64(d-'0'))
	}
	return join(n.neg, mag.scaleUp(max(n.exp, 0)), max(-n.exp, 0))
}

var errIntOverflow = errors.New("it doesn't fit a 64-bit integer")

// int64 returns n as an integer, or why it isn't one.
func (n number) int64() (int64, error) {
	switch {
	case n.digits == "":
		return 0, nil
	case n.exp < 0:
		return 0, errors.New("it isn't a whole number")
	case len(n.digits)+n.exp > 19: // 2^63 has 19 digits
		return 0, errIntOverflow
	}
	var mag uint64 // below 10^19, which fits
	for _, d := range n.digits {
		mag = 10*mag + uint64(d-'0')
	}
	for range n.exp {
		mag *= 10
	}
	switch {
	case n.neg && mag <= 1<<63:
		return int64(-mag), nil
	case !n.neg && mag <= math.MaxInt64:
		return int64(mag), nil
	}
	return 0, errIntOverflow
}
