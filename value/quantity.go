package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A unit is what a count in a duration or size is multiplied with.
type unit struct {
	name string
	size int64
}

// durationUnits are in nanoseconds, descending. A day has 24 hours and a week 7 days: there is no calendar in them.
var durationUnits = []unit{
	{"w", int64(7 * 24 * time.Hour)},
	{"d", int64(24 * time.Hour)},
	{"h", int64(time.Hour)},
	{"m", int64(time.Minute)},
	{"s", int64(time.Second)},
	{"ms", int64(time.Millisecond)},
}

// sizeUnits are in bytes, descending.
var sizeUnits = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// ParseDuration reads a duration of the language: one or more whole numbers, each with its unit (w, d, h, m, s, ms),
// larger units first and each at most once: "10m", "1h30m", "0s". It isn't negative and at most 2^63-1 nanoseconds
// (292 years).
func ParseDuration(s string) (time.Duration, error) {
	var total int64
	left := durationUnits
	for i := 0; i == 0 || i < len(s); {
		amount, n, at, err := parseAmount("duration", s, i, durationUnits)
		if err != nil {
			return 0, err
		}
		for len(left) > 0 && left[0] != durationUnits[at] {
			left = left[1:]
		}
		if len(left) == 0 {
			return 0, refuse("duration", s, i, "units stand from large to small, each once", `write "1h30m"`)
		}
		left = left[1:]
		if total > math.MaxInt64-amount {
			return 0, refuse("duration", s, i, "it is too long: at most 292 years", "")
		}
		total += amount
		i += n
	}
	return time.Duration(total), nil
}

// FormatDuration returns the text of d with the fewest units: "1d" for 24 hours, "1h30m", "0s". [ParseDuration] reads
// it back as d if d is a whole number of milliseconds and not negative; else the text has a '-' before or a fraction of
// milliseconds behind, which the language doesn't write.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	left := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		left = -left
	}
	for _, u := range durationUnits {
		size := uint64(u.size)
		count := left / size
		left %= size
		switch {
		case u.name == "ms" && left > 0:
			b.WriteString(strings.TrimRight(fmt.Sprintf("%d.%06d", count, left), "0") + u.name)
		case count > 0:
			b.WriteString(strconv.FormatUint(count, 10) + u.name)
		}
	}
	return b.String()
}

// ParseSize reads a size of the language in bytes: a whole number and a unit, B, KiB, MiB, GiB or TiB: "64MiB". It isn't
// negative and at most 2^63-1 bytes.
func ParseSize(s string) (int64, error) {
	size, n, _, err := parseAmount("size", s, 0, sizeUnits)
	if err != nil {
		return 0, err
	}
	if n < len(s) {
		return 0, refuse("size", s, n, "a size is one number and one unit", `write "64MiB"`)
	}
	return size, nil
}

// FormatSize returns the text of a size that isn't negative, in the largest unit in which it is a whole number:
// "64MiB". [ParseSize] reads it back.
func FormatSize(size int64) string {
	for _, u := range sizeUnits {
		if size != 0 && size%u.size == 0 {
			return strconv.FormatInt(size/u.size, 10) + u.name
		}
	}
	return "0B"
}

// parseAmount reads a whole number and its unit at s[i:]. It returns their product, their length, and the index of the
// unit.
func parseAmount(typ, s string, i int, units []unit) (amount int64, length, at int, err error) {
	fail := func(offset int, reason, hint string) (int64, int, int, error) {
		return 0, 0, 0, refuse(typ, s, offset, reason, hint)
	}
	digits := leadingDigits(s[i:])
	end := i + len(digits)
	for end < len(s) && !isDigit(s[end]) {
		end++
	}
	name := s[i+len(digits) : end]
	known := unitNames(units)
	switch {
	case digits == "":
		return fail(i, "a "+typ+" begins with a whole number", "units are "+known)
	case len(digits) > 1 && digits[0] == '0':
		return fail(i, "zeros before a number", "write it without")
	case name == "":
		return fail(end, "a number without a unit", "units are "+known)
	}
	at = -1
	for j, u := range units {
		if u.name == name {
			at = j
		}
	}
	if at < 0 {
		return fail(i+len(digits), excerpt(name, 0)+" isn't a unit", "units are "+known)
	}
	count, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || count > math.MaxInt64/units[at].size {
		return fail(i, "it is too large for 64 bits", "")
	}
	return count * units[at].size, end - i, at, nil
}

// unitNames lists the units for a message.
func unitNames(units []unit) string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
	}
	return strings.Join(names, ", ")
}
