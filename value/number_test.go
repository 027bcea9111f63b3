package value

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

func TestDecimalFromJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{"9007199254740993", "9007199254740993"},
		{"-0", "0"}, {"-0.0", "0"}, {"0e400", "0"}, {"0e-400", "0"}, {"0.000e999999999999999999999", "0"},
		{"4.0", "4"}, {"1.5e3", "1500"}, {"1.5E+3", "1500"}, {"1.5e+0003", "1500"}, {"15e-1", "1.5"},
		{"1e-18", "0.000000000000000001"}, {"1000e-21", "0.000000000000000001"},
		{"1e38", "1" + strings.Repeat("0", 38)},
		{"0.00001e43", "1" + strings.Repeat("0", 38)},
		{"1" + strings.Repeat("0", 400) + "e-400", "1"},
		{"0." + strings.Repeat("0", 399) + "1e400", "1"},
		{maxDecimal + "e0", maxDecimal}, {minDecimal + "e-0", minDecimal},
	}
	for _, tt := range tests {
		got, err := DecimalFromJSON(tt.in)
		if err != nil || got.String() != tt.want {
			t.Errorf("DecimalFromJSON(%q) = %v, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"1e400", -1, "too large"}, {"-1e400", -1, "too large"}, {"1e39", -1, "too large"}, {"2e38", -1, "too large"},
		{"1e999999999999999999999999", -1, "too large"},
		{"1e" + strings.Repeat("9", 900), -1, "too large"},
		{"1e-400", -1, "more than 18 digits"}, {"1e-19", -1, "more than 18 digits"},
		{"1e-999999999999999999999999", -1, "more than 18 digits"},
		{"1e", 2, "no digit in the exponent"}, {"1e+", 3, "no digit in the exponent"}, {"1e+-1", 3, "no digit"},
		{"1e1.5", 3, "isn't part"}, {"e5", 0, "begins with a digit"}, {"01", 0, "zeros before"}, {"+1", 0, "no '+'"},
		{"", 0, "begins"}, {"1e5 ", 3, "isn't part"}, {"1" + strings.Repeat("0", MaxNumber), -1, "1001 characters"},
	}
	for _, tt := range refused {
		got, err := DecimalFromJSON(tt.in)
		wantError(t, "DecimalFromJSON", tt.in, got, err, "decimal", tt.offset, tt.reason)
	}
}

func TestIntFromJSON(t *testing.T) {
	tests := []struct {
		in   string
		want int64
	}{
		{"0", 0}, {"-0", 0}, {"-0.0e5", 0}, {"4", 4}, {"4.0", 4}, {"4.000", 4}, {"4e2", 400}, {"4E+02", 400}, {"40e-1", 4},
		{"1.5e1", 15}, {"-12", -12}, {"9007199254740993", 9007199254740993},
		{"9223372036854775807", math.MaxInt64}, {"-9223372036854775808", math.MinInt64},
		{"9223372036854775807.0", math.MaxInt64}, {"9.223372036854775807e18", math.MaxInt64},
		{"-9223372036854775808000e-3", math.MinInt64}, {"1e18", 1e18}, {"0e999999999999", 0},
		{"5" + strings.Repeat("0", 500) + "e-500", 5},
	}
	for _, tt := range tests {
		got, err := IntFromJSON(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("IntFromJSON(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"4.5", -1, "whole number"}, {"1e-1", -1, "whole number"}, {"1e-400", -1, "whole number"},
		{"0.9999999999999999999999", -1, "whole number"},
		{"9223372036854775808", -1, "64-bit"}, {"-9223372036854775809", -1, "64-bit"}, {"1e19", -1, "64-bit"},
		{"18446744073709551616", -1, "64-bit"}, {"9999999999999999999", -1, "64-bit"}, {"1e400", -1, "64-bit"},
		{"1e999999999999999999999999", -1, "64-bit"}, {"0x4", 1, "isn't part"}, {"true", 0, "begins"},
	}
	for _, tt := range refused {
		got, err := IntFromJSON(tt.in)
		wantError(t, "IntFromJSON", tt.in, got, err, "int", tt.offset, tt.reason)
	}
}

var (
	jsonGrammar = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	// jsonNumber bounds the exponent, so that big.Rat can hold the number.
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?0*[0-9]{1,3})?$`)
)

// FuzzDecimal holds reading, writing and arithmetic against math/big.Rat.
func FuzzDecimal(f *testing.F) {
	for i, s := range extremes {
		f.Add(s, extremes[len(extremes)-1-i])
	}
	for _, s := range []string{"1e400", "-0", "4.0", "1e-400", "00", "+1", "1.", "1E+2", "5e-1", "0.10", "1e99999999999"} {
		f.Add(s, "2")
	}
	f.Fuzz(func(t *testing.T, s, u string) {
		a, err := ParseDecimal(s)
		if decimalText.MatchString(s) && len(s) <= MaxNumber {
			want, ok := new(big.Rat).SetString(s)
			if !ok {
				t.Fatalf("big.Rat doesn't read %q", s)
			}
			check(t, fmt.Sprintf("ParseDecimal(%q)", s), a, err, want)
		} else if err == nil {
			t.Fatalf("ParseDecimal accepted %q", s)
		}
		j, err := DecimalFromJSON(s)
		i, intErr := IntFromJSON(s)
		if !jsonGrammar.MatchString(s) && (err == nil || intErr == nil) {
			t.Fatalf("accepted %q as JSON's: %v, %v", s, err, intErr)
		}
		if jsonNumber.MatchString(s) && len(s) <= MaxNumber {
			want, ok := new(big.Rat).SetString(s)
			if !ok {
				t.Fatalf("big.Rat doesn't read %q", s)
			}
			check(t, fmt.Sprintf("DecimalFromJSON(%q)", s), j, err, want)
			if isInt := want.IsInt() && want.Num().IsInt64(); isInt != (intErr == nil) || isInt && want.Num().Int64() != i {
				t.Fatalf("IntFromJSON(%q) = %d, %v, want %v", s, i, intErr, want)
			}
		}
		b, err := DecimalFromJSON(u)
		if err != nil {
			return
		}
		checkOperations(t, j, b)
		if again, err := ParseDecimal(b.String()); err != nil || again != b {
			t.Fatalf("%v was read back as %v, %v", b, again, err)
		}
	})
}
