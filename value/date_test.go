package value

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	for in, want := range map[string]Date{
		"1970-01-01": 0, "1970-01-02": 1, "1969-12-31": -1, "2000-02-29": 11016, "2024-02-29": 19782,
		"0001-01-01": -719162, "9999-12-31": 2932896,
	} {
		if got, err := ParseDate(in); err != nil || got != want {
			t.Errorf("ParseDate(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "YYYY-MM-DD"}, {"2006-1-2", 5 + 1, "YYYY-MM-DD"}, {"2006/01/02", 4, "YYYY-MM-DD"}, {"20060102", 4, "YYYY"},
		{"2006-01-02 ", 10, "YYYY"}, {"2006-01-02T00:00:00Z", 10, "YYYY"}, {"+006-01-02", 0, "YYYY"}, {"-001-01-01", 0, "YYYY"},
		{"٢٠٠٦-01-02", 0, "YYYY"}, {"0000-01-01", 0, "years"}, {"2006-00-01", 5, "months"}, {"2006-13-01", 5, "months"},
		{"2006-01-00", 8, "this day"}, {"2006-01-32", 8, "this day"}, {"2006-02-29", 8, "this day"}, {"1900-02-29", 8, "this day"},
		{"2006-04-31", 8, "this day"}, {"10000-01-01", 4, "YYYY"}, {"2006-01-02\x00", 10, "YYYY"},
	}
	for _, tt := range refused {
		got, err := ParseDate(tt.in)
		wantError(t, "ParseDate", tt.in, got, err, "date", tt.offset, tt.reason)
	}
}

func TestEveryDate(t *testing.T) {
	first, _ := ParseDate("0001-01-01")
	last, _ := ParseDate("9999-12-31")
	for d := first; d <= last; d += 3 {
		if got, err := ParseDate(d.String()); err != nil || got != d {
			t.Fatalf("%d was written as %s and read as %d, %v", d, d, got, err)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	for in, want := range map[string]string{
		"2006-01-02T15:04:05Z":           "2006-01-02T15:04:05Z",
		"2006-01-02T15:04:05.5Z":         "2006-01-02T15:04:05.5Z",
		"2006-01-02T15:04:05.500000000Z": "2006-01-02T15:04:05.5Z",
		"2006-01-02T15:04:05.123456789Z": "2006-01-02T15:04:05.123456789Z",
		"2006-01-02T15:04:05.000000001Z": "2006-01-02T15:04:05.000000001Z",
		"2006-01-02T00:30:00+02:00":      "2006-01-01T22:30:00Z",
		"2006-12-31T23:30:00-00:45":      "2007-01-01T00:15:00Z",
		"2006-01-02T15:04:05+00:00":      "2006-01-02T15:04:05Z",
		"2006-01-02T15:04:05-00:00":      "2006-01-02T15:04:05Z",
		"2006-01-02T15:04:05+23:59":      "2006-01-01T15:05:05Z",
		"1678-01-01T00:00:00Z":           "1678-01-01T00:00:00Z",
		"1677-12-31T23:00:00-01:00":      "1678-01-01T00:00:00Z",
		"2261-12-31T23:59:59.999999999Z": "2261-12-31T23:59:59.999999999Z",
		"2262-01-01T00:59:59+01:00":      "2261-12-31T23:59:59Z",
		"2024-02-29T00:00:00Z":           "2024-02-29T00:00:00Z",
		"1969-12-31T23:59:59.999999999Z": "1969-12-31T23:59:59.999999999Z",
	} {
		got, err := ParseTimestamp(in)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("ParseTimestamp(%q) = %v, %v, want %s", in, got, err, want)
			continue
		}
		if reference, err := time.Parse(time.RFC3339Nano, in); err != nil || !reference.Equal(got) {
			t.Errorf("ParseTimestamp(%q) = %v, time.Parse has %v, %v", in, got, reference, err)
		}
		if !time.Unix(0, got.UnixNano()).Equal(got) {
			t.Errorf("ParseTimestamp(%q): UnixNano isn't exact", in)
		}
		if again, err := ParseTimestamp(want); err != nil || again != got {
			t.Errorf("ParseTimestamp(%q) = %v, %v, not == %v", want, again, err, got)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "the form"}, {"2006-01-02", 10, "the form"}, {"2006-01-02t15:04:05Z", 10, "the form"},
		{"2006-01-02 15:04:05Z", 10, "the form"}, {"2006-01-02T15:04Z", 16, "the form"}, {"2006-01-02T5:04:05Z", 12, "the form"},
		{"2006-01-02T15:04:05z", 19, "ends in Z"}, {"2006-01-02T15:04:05", 19, "ends in Z"},
		{"2006-01-02T15:04:05ZZ", 19, "ends in Z"}, {"2006-01-02T15:04:05Z\n", 19, "ends in Z"},
		{"2006-01-02T15:04:05+0200", 19, "ends in Z"}, {"2006-01-02T15:04:05+02", 19, "ends in Z"},
		{"2006-01-02T15:04:05+24:00", 19, "at most 23:59"}, {"2006-01-02T15:04:05+02:60", 19, "at most 23:59"},
		{"2006-01-02T15:04:05.Z", 19, "1 to 9 digits"}, {"2006-01-02T15:04:05.1234567890Z", 19, "1 to 9 digits"},
		{"2006-01-02T15:04:05,5Z", 19, "ends in Z"}, {"2006-01-02T24:00:00Z", 11, "hours"}, {"2006-01-02T15:60:00Z", 14, "minutes"},
		{"2016-12-31T23:59:60Z", 17, "leap seconds"}, {"2006-01-02T15:04:61Z", 17, "seconds"},
		{"2006-02-29T00:00:00Z", 8, "this day"}, {"0000-01-01T00:00:00Z", 0, "years"}, {"1677-12-31T23:59:59Z", 0, "1678"},
		{"2262-01-01T00:00:00Z", 0, "2261"}, {"2261-12-31T23:59:59-00:01", 0, "2261"}, {"1678-01-01T00:00:00+00:01", 0, "1678"},
		{strings.Repeat("2", 100_000), 4, "the form"},
	}
	for _, tt := range refused {
		got, err := ParseTimestamp(tt.in)
		wantError(t, "ParseTimestamp", tt.in, got, err, "timestamp", tt.offset, tt.reason)
	}
}

func TestTimestampRoundTrip(t *testing.T) {
	first, _ := ParseTimestamp("1678-01-01T00:00:00Z")
	last, _ := ParseTimestamp("2261-12-31T23:59:59.999999999Z")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		nano := first.UnixNano()/2 + rng.Int64N(last.UnixNano()/2-first.UnixNano()/2)
		want := time.Unix(0, nano*2).UTC()
		if got, err := ParseTimestamp(want.Format(time.RFC3339Nano)); err != nil || got != want {
			t.Fatalf("%v was read as %v, %v", want, got, err)
		}
	}
}
