package value

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	tests := []struct {
		in        string
		want      time.Duration
		canonical string
	}{
		{"10m", 10 * time.Minute, "10m"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"24h", 24 * time.Hour, "1d"},
		{"1w2d3h4m5s6ms", 219*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond, "1w2d3h4m5s6ms"},
		{"8d", 8 * 24 * time.Hour, "1w1d"},
		{"1m1ms", time.Minute + time.Millisecond, "1m1ms"},
		{"0s", 0, "0s"}, {"0w", 0, "0s"}, {"0h0m", 0, "0s"},
		{"9223372036854ms", 9223372036854 * time.Millisecond, "15250w1d23h47m16s854ms"},
		{"15250w1d23h47m16s854ms", 9223372036854 * time.Millisecond, "15250w1d23h47m16s854ms"},
	}
	for _, tt := range tests {
		got, err := ParseDuration(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
		if s := FormatDuration(tt.want); s != tt.canonical {
			t.Errorf("FormatDuration(%v) = %q, want %q", tt.want, s, tt.canonical)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "whole number"}, {"m", 0, "whole number"}, {"10", 2, "without a unit"}, {"1h30", 4, "without a unit"},
		{"-1h", 0, "whole number"}, {"+1h", 0, "whole number"}, {"1.5h", 1, `"." isn't a unit`},
		{"30m1h", 3, "large to small"}, {"1m1m", 2, "each once"}, {"1ms1s", 3, "large to small"},
		{"1H", 1, `"H" isn't a unit`}, {"1us", 1, "units are w, d, h, m, s, ms"}, {"1µs", 1, "isn't a unit"},
		{"1h 30m", 1, `"h " isn't a unit`}, {" 1h", 0, "whole number"}, {"1 h", 1, "isn't a unit"}, {"1h\n", 1, "isn't a unit"},
		{"01h", 0, "zeros before"}, {"00s", 0, "zeros before"}, {"1_0m", 1, "isn't a unit"},
		{"15251w", 0, "too large"}, {"99999999999999999999s", 0, "too large"},
		{"15250w1d23h47m16s855ms", 17, "at most 292 years"}, {"15250w2d", 6, "at most 292 years"},
		{"1" + strings.Repeat("0", 100_000) + "s", 0, "too large"}, {"1" + strings.Repeat("s", 100_000), 1, "isn't a unit"},
	}
	for _, tt := range refused {
		got, err := ParseDuration(tt.in)
		wantError(t, "ParseDuration", tt.in, got, err, "duration", tt.offset, tt.reason)
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1:                  "0.000001ms",
		1500:               "0.0015ms",
		-time.Second:       "-1s",
		-90 * time.Minute:  "-1h30m",
		time.Second + 1000: "1s0.001ms",
		math.MaxInt64:      "15250w1d23h47m16s854.775807ms",
		math.MinInt64:      "-15250w1d23h47m16s854.775808ms",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %q, want %q", d, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		d := time.Duration(rng.Int64N(math.MaxInt64/1_000_000)>>rng.IntN(44)) * time.Millisecond
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%v was written as %s and read as %v, %v", d, FormatDuration(d), got, err)
		}
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		in        string
		want      int64
		canonical string
	}{
		{"64MiB", 64 << 20, "64MiB"}, {"0B", 0, "0B"}, {"0TiB", 0, "0B"}, {"1B", 1, "1B"}, {"1024B", 1024, "1KiB"},
		{"1536KiB", 1536 << 10, "1536KiB"}, {"4096GiB", 4 << 40, "4TiB"}, {"8388607TiB", 8388607 << 40, "8388607TiB"},
		{"9223372036854775807B", math.MaxInt64, "9223372036854775807B"},
	}
	for _, tt := range tests {
		got, err := ParseSize(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseSize(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
		if s := FormatSize(tt.want); s != tt.canonical {
			t.Errorf("FormatSize(%v) = %q, want %q", tt.want, s, tt.canonical)
		}
		if again, err := ParseSize(tt.canonical); err != nil || again != tt.want {
			t.Errorf("ParseSize(%q) = %v, %v", tt.canonical, again, err)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "whole number"}, {"64", 2, "units are TiB, GiB, MiB, KiB, B"}, {"64MB", 2, "isn't a unit"},
		{"64mib", 2, "isn't a unit"}, {"64M", 2, "isn't a unit"}, {"1.5GiB", 1, "isn't a unit"}, {"1GiB1MiB", 4, "one number"},
		{"1GiB1", 4, "one number"}, {"-1B", 0, "whole number"}, {"8388608TiB", 0, "too large"}, {"064B", 0, "zeros"},
		{"9223372036854775808B", 0, "too large"},
	}
	for _, tt := range refused {
		got, err := ParseSize(tt.in)
		wantError(t, "ParseSize", tt.in, got, err, "size", tt.offset, tt.reason)
	}
}
