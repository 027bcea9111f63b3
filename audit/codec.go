package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/moat-lang/moat/strictjson"
)

// A codec walks over the fields of an event and either writes or reads each. One walk serves both, so they can't drift apart. Fields are
// visited in the order of their names, which is the order of canonical JSON; what is zero is left out.
//
// The first error stops it: later calls do nothing.
type codec struct {
	err error

	// Writing.
	out   []byte
	key   *segmentKey // for digests
	comma bool

	// Reading.
	reading bool
	in      []strictjson.Member // not yet read
}

// name begins a member. Appending in one statement each, in place, spares the garbage collector's barrier.
func (c *codec) name(name string) {
	if c.comma {
		c.out = append(c.out, ',')
	}
	c.comma = true
	c.out = append(c.out, '"')
	c.out = append(c.out, name...)
	c.out = append(c.out, '"', ':')
}

// member writes a member that was encoded before.
func (c *codec) member(encoded []byte) {
	if len(encoded) == 0 {
		return
	}
	if c.comma {
		c.out = append(c.out, ',')
	}
	c.comma = true
	c.out = append(c.out, encoded...)
}

// next takes the member that is read next, if it has this name and kind; nil otherwise. It is passed by reference, as are objects below, so that the
// stacks of those who write stay small: they are many, and the processor's caches don't hold all of them.
func (c *codec) next(name string, kind strictjson.Kind) *strictjson.Value {
	if c.err != nil || len(c.in) == 0 || c.in[0].Name != name {
		return nil
	}
	v := &c.in[0].Value
	c.in = c.in[1:]
	if v.Kind != kind {
		c.fail("%s is %s, not %s", name, v.Kind, kind)
		return nil
	}
	return v
}

// items takes the elements of the list that is read next, if it has this name, and reports whether it does. All are of one kind.
func (c *codec) items(name string, kind strictjson.Kind) ([]strictjson.Value, bool) {
	v := c.next(name, strictjson.Array)
	if v == nil {
		return nil, false
	}
	for i := range v.Items {
		if got := v.Items[i].Kind; got != kind {
			c.fail("%s holds %s, not %s alone", name, got, kind)
			return nil, false
		}
	}
	return v.Items, true
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// end reports what was left unread.
func (c *codec) end() {
	if c.err == nil && len(c.in) > 0 {
		c.fail("member %s is unknown, or not in its place", strconv.QuoteToASCII(c.in[0].Name))
	}
}

func (c *codec) text(name string, s *string) {
	if c.reading {
		if v := c.next(name, strictjson.String); v != nil {
			*s = v.Text
		}
		return
	}
	if *s != "" {
		c.name(name)
		c.quote(*s)
	}
}

// quote writes a string. What is printable ASCII, as nearly everything is, needs no more than a backslash here and there.
func (c *codec) quote(s string) {
	before := len(c.out)
	c.out = append(c.out, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			c.out = append(c.out, s[start:i]...)
			c.out = append(c.out, '\\')
			start = i
		case b < ' ' || b > '~':
			c.out = c.out[:before]
			c.quoteAny(s)
			return
		}
	}
	c.out = append(c.out, s[start:]...)
	c.out = append(c.out, '"')
}

// quoteAny writes a string of any characters.
func (c *codec) quoteAny(s string) {
	if !utf8.ValidString(s) {
		c.fail("a text is not valid UTF-8")
		return
	}
	c.out = strictjson.Value{Kind: strictjson.String, Text: s}.AppendJSON(c.out)
}

func (c *codec) texts(name string, list *[]string) {
	if c.reading {
		items, _ := c.items(name, strictjson.String)
		for i := range items {
			*list = append(*list, items[i].Text)
		}
		return
	}
	if len(*list) == 0 {
		return
	}
	c.name(name)
	for i, s := range *list {
		c.out = append(c.out, "[,"[min(i, 1)])
		c.quote(s)
	}
	c.out = append(c.out, ']')
}

func (c *codec) flag(name string, b *bool) {
	if c.reading {
		if v := c.next(name, strictjson.Bool); v != nil {
			*b = v.Bool
		}
		return
	}
	if *b {
		c.name(name)
		c.out = append(c.out, "true"...)
	}
}

// uint is a string of decimal digits: JSON numbers are doubles to many readers.
func (c *codec) uint(name string, n *uint64) {
	if c.reading {
		if v := c.next(name, strictjson.String); v != nil {
			var err error
			if *n, err = strconv.ParseUint(v.Text, 10, 64); err != nil {
				c.fail("%s is no number of 64 bits", name)
			}
		}
		return
	}
	if *n != 0 {
		c.name(name)
		c.out = append(c.out, '"')
		c.out = strconv.AppendUint(c.out, *n, 10)
		c.out = append(c.out, '"')
	}
}

// hash is 64 lower-case hexadecimal digits.
func (c *codec) hash(name string, h *[32]byte) {
	if c.reading {
		if v := c.next(name, strictjson.String); v != nil && !parseHash(v.Text, h) {
			c.fail("%s is no digest of 64 lower-case hexadecimal digits", name)
		}
		return
	}
	if *h != ([32]byte{}) {
		c.name(name)
		c.hex(h)
	}
}

func (c *codec) hex(h *[32]byte) {
	c.out = append(c.out, '"')
	c.out = hex.AppendEncode(c.out, h[:])
	c.out = append(c.out, '"')
}

func parseHash[T string | []byte](s T, h *[32]byte) bool {
	if len(s) != 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(h[:], []byte(s))
	return err == nil
}

// time is an instant in UTC with nine digits behind the second, so that its length is fixed.
func (c *codec) time(name string, t *time.Time) {
	if c.reading {
		if v := c.next(name, strictjson.String); v != nil {
			var err error
			if *t, err = parseTime(v.Text); err != nil {
				c.fail("%s: %w", name, err)
			}
		}
		return
	}
	if !t.IsZero() {
		c.name(name)
		c.out = append(c.out, '"')
		if c.out = appendTime(c.out, *t); !validTime(*t) {
			c.fail("%s is outside the years 1 to 9999", name)
		}
		c.out = append(c.out, '"')
	}
}

const timeLayout = "2006-01-02T15:04:05.000000000Z"

func validTime(t time.Time) bool { y := t.UTC().Year(); return y >= 1 && y <= 9999 }

// appendTime is AppendFormat with timeLayout, in half the time.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond(), 9)
	return append(dst, 'Z')
}

func appendDigits(dst []byte, n, width int) []byte {
	start := len(dst)
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || len(s) != len(timeLayout) {
		return time.Time{}, errors.New("no time of the form " + timeLayout)
	}
	return t, nil
}

// field writes {"full":"…"}, {"hmac":"…"} or {"redacted":true}.
func (c *codec) field(name string, f *Field) {
	if c.reading {
		if v := c.next(name, strictjson.Object); v != nil {
			c.readField(name, v, f)
		}
		return
	}
	if *f != (Field{}) {
		c.name(name)
		c.writeField(f)
	}
}

// always is field for a member that has to be there.
func (c *codec) always(name string, f *Field) {
	if !c.reading {
		c.name(name)
		c.writeField(f)
		return
	}
	v := c.next(name, strictjson.Object)
	if v == nil {
		c.fail("%s is missing", name)
		return
	}
	c.readField(name, v, f)
}

func (c *codec) writeField(f *Field) {
	switch f.Mode {
	case Full:
		c.out = append(c.out, `{"full":`...)
		c.quote(f.Text)
	case Digest:
		sum := f.HMAC
		switch {
		case sum != [32]byte{}:
		case c.key == nil: // a line was read that holds in full what may only be digested
			c.fail("a value stands in full beside private arguments")
		default:
			sum = c.key.sum(labelValue, f.Text)
		}
		c.out = append(c.out, `{"hmac":`...)
		c.hex(&sum)
	default:
		c.out = append(c.out, `{"redacted":true`...)
	}
	c.out = append(c.out, '}')
}

func (c *codec) readField(name string, v *strictjson.Value, f *Field) {
	ok := len(v.Members) == 1
	if ok {
		m := &v.Members[0]
		switch {
		case m.Name == "full" && m.Value.Kind == strictjson.String:
			*f = Shown(m.Value.Text)
		case m.Name == "hmac" && m.Value.Kind == strictjson.String && parseHash(m.Value.Text, &f.HMAC):
			f.Mode = Digest
		case m.Name == "redacted" && m.Value.Kind == strictjson.Bool && m.Value.Bool:
			f.redacted = true
		default:
			ok = false
		}
	}
	if !ok {
		c.fail("%s is none of full, hmac and redacted", name)
	}
}

// request writes {"hmac":"…"} or {"sha256":"…"}.
func (c *codec) request(name string, r *RequestID) {
	if c.reading {
		v := c.next(name, strictjson.Object)
		if v == nil {
			return
		}
		if len(v.Members) == 1 && parseHash(v.Members[0].Value.Text, &r.Digest) {
			switch v.Members[0].Name {
			case "hmac":
				r.Keyed = true
				return
			case "sha256":
				return
			}
		}
		c.fail("%s is neither hmac nor sha256", name)
		return
	}
	if r.Digest == ([32]byte{}) {
		return
	}
	c.name(name)
	sum := r.Digest
	if !r.Keyed {
		c.out = append(c.out, `{"sha256":`...)
	} else {
		c.out = append(c.out, `{"hmac":`...)
		if c.key != nil { // what was read is written as it is
			sum = c.key.sum(labelRequest, string(sum[:]))
		}
	}
	c.hex(&sum)
	c.out = append(c.out, '}')
}

// object writes an object, unless it is empty.
func (c *codec) object(name string, walk func(c *codec)) {
	if c.reading {
		if v := c.next(name, strictjson.Object); v != nil {
			c.inside(v.Members, walk)
		}
		return
	}
	before, comma := len(c.out), c.comma
	c.name(name)
	start := len(c.out)
	c.inside(nil, walk)
	if len(c.out) == start+2 {
		c.out, c.comma = c.out[:before], comma
	}
}

// inside walks over the members of one object, which are those to be read.
func (c *codec) inside(members []strictjson.Member, walk func(c *codec)) {
	if c.reading {
		rest := c.in
		c.in = members
		walk(c)
		c.end()
		c.in = rest
		return
	}
	c.out = append(c.out, '{')
	c.comma = false
	walk(c)
	c.out = append(c.out, '}')
	c.comma = true
}

// objects writes a list of objects, unless it is nil.
func objects[T any](c *codec, name string, list *[]T, walk func(c *codec, item *T)) {
	if c.reading {
		items, ok := c.items(name, strictjson.Object)
		if !ok {
			return
		}
		*list = make([]T, len(items))
		for i := range items {
			c.inside(items[i].Members, func(c *codec) { walk(c, &(*list)[i]) })
		}
		return
	}
	if *list == nil {
		return
	}
	c.name(name)
	c.out = append(c.out, '[')
	for i := range *list {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, '{')
		c.comma = false
		walk(c, &(*list)[i])
		c.out = append(c.out, '}')
	}
	c.out = append(c.out, ']')
	c.comma = true
}
