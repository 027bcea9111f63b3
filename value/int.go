package value

import (
	"fmt"
	"math"
)

// AddInt returns a + b, or an *[Error] if it doesn't fit 64 bits.
func AddInt(a, b int64) (int64, error) {
	sum := a + b
	if (sum > a) != (b > 0) {
		return 0, intOverflow(a, "+", b)
	}
	return sum, nil
}

// SubInt returns a - b, or an *[Error] if it doesn't fit 64 bits.
func SubInt(a, b int64) (int64, error) {
	difference := a - b
	if (difference < a) != (b > 0) {
		return 0, intOverflow(a, "-", b)
	}
	return difference, nil
}

// MulInt returns a * b, or an *[Error] if it doesn't fit 64 bits.
func MulInt(a, b int64) (int64, error) {
	product := a * b
	if a != 0 && (product/a != b || a == -1 && b == math.MinInt64) {
		return 0, intOverflow(a, "*", b)
	}
	return product, nil
}

func intOverflow(a int64, op string, b int64) *Error {
	return &Error{Type: "int", Saw: fmt.Sprintf("%d %s %d", a, op, b), Offset: -1,
		Reason: "the result doesn't fit a 64-bit integer"}
}
