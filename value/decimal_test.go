package value

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	maxDecimal = "170141183460469231731687303715884105727"  // 2^127-1
	minDecimal = "-170141183460469231731687303715884105728" // -2^127
)

// extremes are the numbers at which carries, signs and bounds change.
var extremes = []string{
	"0", "1", "-1", "9", "10", "-10", "0.1", "-0.1", "0.5", "0.25", "1.5", "99.99", "200", "-12.5",
	"0.000000000000000001", "-0.000000000000000001", "0.999999999999999999",
	"9007199254740991", "9007199254740992", "9007199254740993",
	"9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
	"18446744073709551616", "-18446744073709551616", "184467440737095516.16", "340282366920938463463",
	"100000000000000000000000000000000000000", "10000000000000000000", "13043817825332782212", "13043817825332782213",
	maxDecimal, minDecimal, "170141183460469231731.687303715884105727", "-170141183460469231731.687303715884105728",
	"85070591730234615865843651857942052864", "-85070591730234615865843651857942052864",
}

func mustDecimal(t *testing.T, s string) Decimal {
	t.Helper()
	d, err := ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rat returns d as math/big has it, from the words of its coefficient.
func rat(d Decimal) *big.Rat {
	c := new(big.Int).Lsh(big.NewInt(d.hi), 64)
	c.Add(c, new(big.Int).SetUint64(d.lo))
	return new(big.Rat).SetFrac(c, pow10(int(d.scale)))
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// isDecimal reports whether r is in the range of Decimal, and its smallest scale.
func isDecimal(r *big.Rat) (scale int, ok bool) {
	for scale := 0; scale <= MaxScale; scale++ {
		c := new(big.Rat).Mul(r, new(big.Rat).SetInt(pow10(scale)))
		if c.IsInt() {
			n := c.Num()
			if n.Sign() < 0 {
				n = new(big.Int).Not(n) // -2^127 becomes 2^127-1
			}
			return scale, n.BitLen() <= 127
		}
	}
	return 0, false
}

// check holds a result against the exact number that it should be.
func check(t *testing.T, what string, got Decimal, err error, want *big.Rat) {
	t.Helper()
	scale, ok := isDecimal(want)
	switch {
	case !ok && err == nil:
		t.Errorf("%s = %v, want an error: exactly it is %v", what, got, want)
	case !ok && got != Decimal{}:
		t.Errorf("%s = %v beside an error", what, got)
	case ok && err != nil:
		t.Errorf("%s: %v, want %v", what, err, want)
	case ok && (rat(got).Cmp(want) != 0 || int(got.scale) != scale):
		t.Errorf("%s = %v, scale %d, want %v, scale %d", what, got, got.scale, want, scale)
	}
}

func checkOperations(t *testing.T, a, b Decimal) {
	t.Helper()
	x, y := rat(a), rat(b)
	sum, err := a.Add(b)
	check(t, a.String()+" + "+b.String(), sum, err, new(big.Rat).Add(x, y))
	difference, err := a.Sub(b)
	check(t, a.String()+" - "+b.String(), difference, err, new(big.Rat).Sub(x, y))
	product, err := a.Mul(b)
	check(t, a.String()+" * "+b.String(), product, err, new(big.Rat).Mul(x, y))
	neg, err := a.Neg()
	check(t, "-"+a.String(), neg, err, new(big.Rat).Neg(x))
	if got, want := a.Cmp(b), x.Cmp(y); got != want {
		t.Errorf("%v.Cmp(%v) = %d, want %d", a, b, got, want)
	}
	if (a == b) != (x.Cmp(y) == 0) {
		t.Errorf("%v == %v is %v", a, b, a == b)
	}
	if a.Sign() != x.Sign() {
		t.Errorf("%v.Sign() = %d", a, a.Sign())
	}
}

func TestDecimalExtremes(t *testing.T) {
	for _, s := range extremes {
		a := mustDecimal(t, s)
		if got := a.String(); got != s {
			t.Errorf("ParseDecimal(%q).String() = %q", s, got)
		}
		for _, u := range extremes {
			checkOperations(t, a, mustDecimal(t, u))
		}
	}
}

func TestDecimalRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() Decimal {
		mag := wide{rng.Uint64() >> rng.IntN(64), rng.Uint64() >> (1 + rng.IntN(63))}
		if rng.IntN(2) == 0 {
			mag[1] = 0
		}
		if rng.IntN(4) == 0 {
			mag = mag.scaleUp(rng.IntN(3)) // zeros at the end, to be dropped
			mag[2], mag[3] = 0, 0
			mag[1] &= 1<<63 - 1
		}
		d, err := join(rng.IntN(2) == 0, mag, rng.IntN(MaxScale+1))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for range 20_000 {
		a, b := random(), random()
		checkOperations(t, a, b)
		if again := mustDecimal(t, a.String()); again != a {
			t.Fatalf("%v was read back as %v", a, again)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	tests := []struct{ in, want string }{
		{"0", "0"}, {"-0", "0"}, {"-0.000", "0"}, {"0.50", "0.5"}, {"200.00", "200"}, {"-12.50", "-12.5"},
		{"100", "100"}, {"9007199254740993", "9007199254740993"},
		{"1." + strings.Repeat("0", 500), "1"},
		{"0." + strings.Repeat("0", 17) + "1", "0.000000000000000001"},
		{"0." + strings.Repeat("0", 17) + "1000", "0.000000000000000001"},
		{maxDecimal, maxDecimal}, {minDecimal, minDecimal},
	}
	for _, tt := range tests {
		got, err := ParseDecimal(tt.in)
		if err != nil || got.String() != tt.want {
			t.Errorf("ParseDecimal(%q) = %v, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "begins with a digit"},
		{"-", 1, "begins with a digit"},
		{"--1", 1, "begins with a digit"},
		{"+1", 0, "no '+'"},
		{"-+1", 1, "no '+'"},
		{".5", 0, "begins with a digit"},
		{"5.", 1, "no digit after the point"},
		{"1..2", 1, "no digit after the point"},
		{"1.2.3", 3, "'.' isn't part"},
		{"00", 0, "zeros before"},
		{"-01.5", 1, "zeros before"},
		{"1e3", 1, "'e' isn't part"},
		{"1E3", 1, "'E' isn't part"},
		{" 1", 0, "begins with a digit"},
		{"1 ", 1, "' ' isn't part"},
		{"1\n", 1, `'\n' isn't part`},
		{"1,000", 1, "',' isn't part"},
		{"1_000", 1, "'_' isn't part"},
		{"0x10", 1, "'x' isn't part"},
		{"１", 0, "begins with a digit"},
		{"1٣", 1, `'\u0663' isn't part`},
		{"1\xff", 1, `'\xff' isn't part`},
		{"NaN", 0, "begins with a digit"},
		{"Infinity", 0, "begins with a digit"},
		{"0.0000000000000000001", -1, "more than 18 digits"},
		{"1.0000000000000000001", -1, "more than 18 digits"},
		{"170141183460469231731687303715884105728", -1, "too large"},
		{"-170141183460469231731687303715884105729", -1, "too large"},
		{"1000000000000000000000000000000000000000", -1, "too large"},
		{"170141183460469231731.687303715884105728", -1, "too large"},
		{strings.Repeat("9", MaxNumber), -1, "too large"},
		{strings.Repeat("9", MaxNumber+1), -1, "1001 characters"},
	}
	for _, tt := range refused {
		got, err := ParseDecimal(tt.in)
		wantError(t, "ParseDecimal", tt.in, got, err, "decimal", tt.offset, tt.reason)
	}
}

func TestDecimalFromInt(t *testing.T) {
	for _, i := range []int64{0, 1, -1, 10, math.MaxInt64, math.MinInt64} {
		if got := DecimalFromInt(i); rat(got).Cmp(new(big.Rat).SetInt64(i)) != 0 || got.scale != 0 {
			t.Errorf("DecimalFromInt(%d) = %v", i, got)
		}
	}
}

func TestDecimalErrorShowsTheOperation(t *testing.T) {
	a := mustDecimal(t, maxDecimal)
	_, err := a.Add(DecimalFromInt(1))
	if err == nil || !strings.Contains(err.Error(), maxDecimal+" + 1: the result: it is too large") {
		t.Error(err)
	}
}
