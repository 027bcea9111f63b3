package value

import "time"

// A Date is a day of the Gregorian calendar, as days since 1970-01-01. [ParseDate] yields 0001-01-01 to 9999-12-31.
type Date int32

// ParseDate reads a calendar date as "2006-01-02" (RFC 3339, full-date), year 0001 to 9999.
func ParseDate(s string) (Date, error) {
	const shape = "0000-00-00"
	if at := mismatch(s, shape); at >= 0 {
		return 0, refuse("date", s, at, "a date has the form YYYY-MM-DD", `write "2006-01-02"`)
	}
	t, at, reason := calendarDay(s)
	if reason != "" {
		return 0, refuse("date", s, at, reason, "")
	}
	return Date(t.Unix() / secondsPerDay), nil
}

const secondsPerDay = 24 * 60 * 60

// String returns the date as "2006-01-02".
func (d Date) String() string {
	return time.Unix(int64(d)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

// MinYear and MaxYear bound timestamps, in UTC, such that time.Time.UnixNano is exact.
const (
	MinYear = 1678
	MaxYear = 2261
)

// ParseTimestamp reads a moment as RFC 3339 writes it, in UTC: "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.5+02:00".
// T and Z are upper case, the fraction has 1 to 9 digits, an offset is at most 23:59, and there are no leap seconds. In
// UTC the year is 1678 to 2261, so that time.Time.UnixNano is exact. The layout time.RFC3339Nano writes it back.
func ParseTimestamp(s string) (time.Time, error) {
	fail := func(at int, reason, hint string) (time.Time, error) {
		return time.Time{}, refuse("timestamp", s, at, reason, hint)
	}
	const shape = "0000-00-00T00:00:00"
	const hint = `write "2006-01-02T15:04:05Z"`
	if at := mismatch(s[:min(len(s), len(shape))], shape); at >= 0 {
		return fail(at, "a timestamp has the form YYYY-MM-DDThh:mm:ssZ", hint)
	}
	day, at, reason := calendarDay(s)
	if reason != "" {
		return fail(at, reason, "")
	}
	hour, minute, second := number2(s[11:]), number2(s[14:]), number2(s[17:])
	switch {
	case hour > 23:
		return fail(11, "hours are 00 to 23", "")
	case minute > 59:
		return fail(14, "minutes are 00 to 59", "")
	case second == 60:
		return fail(17, "leap seconds aren't supported", "write second 59, or 00 of the next minute")
	case second > 59:
		return fail(17, "seconds are 00 to 59", "")
	}
	i := len(shape)
	nanoseconds := 0
	if i < len(s) && s[i] == '.' {
		fraction := leadingDigits(s[i+1:])
		if len(fraction) < 1 || len(fraction) > 9 {
			return fail(i, "a fraction of a second has 1 to 9 digits", "")
		}
		for j := range 9 {
			nanoseconds *= 10
			if j < len(fraction) {
				nanoseconds += int(fraction[j] - '0')
			}
		}
		i += 1 + len(fraction)
	}
	var offset time.Duration
	switch zone := s[i:]; {
	case zone == "Z":
	case mismatch(zone, "+00:00") < 0 || mismatch(zone, "-00:00") < 0:
		if number2(zone[1:]) > 23 || number2(zone[4:]) > 59 {
			return fail(i, "an offset is at most 23:59", "")
		}
		offset = time.Duration(number2(zone[1:]))*time.Hour + time.Duration(number2(zone[4:]))*time.Minute
		if zone[0] == '-' {
			offset = -offset
		}
	default:
		return fail(i, "a timestamp ends in Z, +hh:mm or -hh:mm", hint)
	}
	t := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(nanoseconds) - offset)
	if t.Year() < MinYear || t.Year() > MaxYear {
		return fail(0, "in UTC the year must be 1678 to 2261", "")
	}
	return t, nil
}

// mismatch returns the offset of the first byte where s doesn't have the shape, in which 0 stands for any digit and
// everything else for itself; -1 if there is none.
func mismatch(s, shape string) int {
	for i := range shape {
		if i >= len(s) || s[i] != shape[i] && !(shape[i] == '0' && isDigit(s[i])) {
			return i
		}
	}
	if len(s) > len(shape) {
		return len(shape)
	}
	return -1
}

// calendarDay returns the midnight that begins the day "YYYY-MM-DD" at the start of s, which has that shape; or else
// the offset of the part that is out of range, and why it is.
func calendarDay(s string) (midnight time.Time, at int, reason string) {
	year, month, day := 100*number2(s)+number2(s[2:]), number2(s[5:]), number2(s[8:])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case year < 1:
		return time.Time{}, 0, "years are 0001 to 9999"
	case month < 1 || month > 12:
		return time.Time{}, 5, "months are 01 to 12"
	case t.Day() != day:
		return time.Time{}, 8, "the month doesn't have this day"
	}
	return t, 0, ""
}

// number2 returns the number that the two digits at the start of s write.
func number2(s string) int { return 10*int(s[0]-'0') + int(s[1]-'0') }
