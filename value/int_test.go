package value

import (
	"math"
	"math/big"
	"testing"
)

func TestCheckedInts(t *testing.T) {
	numbers := []int64{0, 1, -1, 2, -2, 3, 7, 10, math.MaxInt32, math.MinInt32, 3037000499, 3037000500, -3037000500,
		math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 / 2, math.MinInt64, math.MinInt64 + 1, math.MinInt64 / 2}
	operations := []struct {
		name    string
		checked func(a, b int64) (int64, error)
		exact   func(z, x, y *big.Int) *big.Int
	}{
		{"+", AddInt, (*big.Int).Add},
		{"-", SubInt, (*big.Int).Sub},
		{"*", MulInt, (*big.Int).Mul},
	}
	for _, op := range operations {
		for _, a := range numbers {
			for _, b := range numbers {
				want := op.exact(new(big.Int), big.NewInt(a), big.NewInt(b))
				got, err := op.checked(a, b)
				switch {
				case want.IsInt64() && (err != nil || got != want.Int64()):
					t.Errorf("%d %s %d = %d, %v, want %v", a, op.name, b, got, err, want)
				case !want.IsInt64() && (err == nil || got != 0):
					t.Errorf("%d %s %d = %d, %v, want an error", a, op.name, b, got, err)
				}
			}
		}
	}
}
