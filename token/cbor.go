package token

import (
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// This file reads and writes the part of CBOR (RFC 8949) that Moat uses, in its one deterministic form (section 4.2.1):
// unsigned integers, byte and text strings, arrays, and maps whose keys ascend; every head is the shortest, every length
// definite. There are no floats, no tags within a payload, no null or other simple values. Whoever reads says at each
// place what must stand there, so that nothing nests deeper than the format does.

// The major types of RFC 8949 section 3.1.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

var majorNames = [8]string{"an unsigned integer", "a negative integer", "a byte string", "a text", "an array", "a map", "a tag",
	"a float, null or other simple value"}

// A reader reads from text, so that what it returns needs no copy. After the first fault it returns zeros.
type reader struct {
	s   string
	at  int
	err *Error
}

// fail records the first fault.
func (r *reader) fail(reason Reason, format string, args ...any) {
	if r.err == nil {
		r.err = refuse(reason, "at byte %d: %s", r.at, fmt.Sprintf(format, args...))
	}
}

// head reads the head of an item of the given major type and returns its argument.
func (r *reader) head(major byte, what string) uint64 {
	if r.err == nil && r.at < len(r.s) {
		if n := r.s[r.at] - major<<5; n < 24 {
			r.at++
			return uint64(n)
		}
	}
	return r.longHead(major, what)
}

// longHead reads a head of more than one byte, or says what is wrong with it.
func (r *reader) longHead(major byte, what string) uint64 {
	if r.err != nil {
		return 0
	}
	if r.at >= len(r.s) {
		r.fail(Encoding, "the bytes end where %s should stand", what)
		return 0
	}
	c := r.s[r.at]
	if c>>5 != major {
		r.fail(Encoding, "%s where %s should stand", majorNames[c>>5], what)
		return 0
	}
	n := c & 31
	if n > 27 {
		r.fail(Encoding, "an indefinite or reserved length")
		return 0
	}
	size := 1 << (n - 24)
	if len(r.s)-r.at-1 < size {
		r.fail(Encoding, "the bytes end in the middle of %s", what)
		return 0
	}
	v := uint64(0)
	for _, b := range []byte(r.s[r.at+1 : r.at+1+size]) {
		v = v<<8 | uint64(b)
	}
	if v < 24 || size > 1 && bits.Len64(v) <= 4*size {
		r.fail(Encoding, "%s is not written in the shortest way", what)
		return 0
	}
	r.at += 1 + size
	return v
}

// number reads an unsigned integer of at most max.
func (r *reader) number(max uint64, what string) uint64 {
	v := r.head(majorUint, what)
	if v > max {
		r.fail(Field, "%s is %d, more than %d", what, v, max)
		return 0
	}
	return v
}

// count reads the head of an array or a map.
func (r *reader) count(major byte, max int, what string) int {
	n := r.head(major, what)
	if n > uint64(max) {
		r.fail(Size, "%s of %d, more than %d", what, n, max)
		return 0
	}
	return int(n)
}

func (r *reader) stretch(major byte, max int, what string) string {
	n := r.head(major, what)
	if n > uint64(len(r.s)-r.at) {
		r.fail(Encoding, "the bytes end in the middle of %s", what)
		return ""
	}
	if n > uint64(max) {
		r.fail(Size, "%s of %d bytes, more than %d", what, n, max)
		return ""
	}
	s := r.s[r.at : r.at+int(n)]
	r.at += int(n)
	return s
}

// bytes reads a byte string of at most max bytes.
func (r *reader) bytes(max int, what string) string { return r.stretch(majorBytes, max, what) }

// text reads a text of 1 to max bytes.
func (r *reader) text(max int, what string) string {
	s := r.stretch(majorText, max, what)
	if !utf8.ValidString(s) {
		r.fail(Encoding, "%s is not UTF-8", what)
	} else if s == "" {
		r.fail(Encoding, "%s is empty", what)
	}
	return s
}

// fixed fills dst from a byte string of exactly its length.
func (r *reader) fixed(dst []byte, what string) {
	s := r.stretch(majorBytes, len(dst), what)
	if len(s) != len(dst) {
		r.fail(Encoding, "%s has %d bytes, not %d", what, len(s), len(dst))
		return
	}
	copy(dst, s)
}

// key reads a public key and checks it.
func (r *reader) key(what string) (k Key) {
	r.fixed(k[:], what)
	if r.err == nil && !k.ok() {
		r.fail(BadKey, "%s has small order or isn't canonical", what)
	}
	return k
}

// end refuses anything that is left.
func (r *reader) end() {
	if r.err == nil && r.at < len(r.s) {
		r.fail(Encoding, "%d bytes are left over", len(r.s)-r.at)
	}
}

// fields reads the head of a map from small integers.
func (r *reader) fields(what string) fields {
	return fields{r, r.count(majorMap, 23, what), -1}
}

// fields is a map that is being read: its keys are small integers that ascend.
type fields struct {
	*reader
	left, last int
}

// has reports whether the next entry has the key, and steps over the key if so.
func (f *fields) has(key int) bool {
	if f.err != nil || f.left == 0 || f.at >= len(f.s) || f.s[f.at] != byte(key) {
		return false
	}
	f.at++
	f.left--
	f.last = key
	return true
}

// must records a fault unless the next entry has the key.
func (f *fields) must(key int, what string) {
	if f.has(key) || f.err != nil {
		return
	}
	if f.left > 0 {
		if next := f.head(majorUint, "the key of a field"); f.err != nil || next <= uint64(max(f.last, 0)) {
			f.fail(Encoding, "the keys don't ascend, or one stands twice")
			return
		}
	}
	f.fail(Encoding, "field %d, %s, is missing or out of order", key, what)
}

// done refuses entries that are left in the map, and bytes behind it.
func (f *fields) done() {
	if f.err == nil && f.left > 0 {
		if next := f.head(majorUint, "the key of a field"); f.err == nil && next <= uint64(max(f.last, 0)) {
			f.fail(Encoding, "the keys don't ascend, or one stands twice")
		} else {
			f.fail(Encoding, "there is no field %d", next)
		}
	}
	f.end()
}

// appendHead appends the head of an item.
func appendHead(b []byte, major byte, n uint64) []byte {
	m := major << 5
	switch {
	case n < 24:
		return append(b, m|byte(n))
	case n < 1<<8:
		return append(b, m|24, byte(n))
	case n < 1<<16:
		return append(b, m|25, byte(n>>8), byte(n))
	case n < 1<<32:
		return append(b, m|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, m|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// A writer writes what a reader reads.
type writer struct {
	b []byte
}

func (w *writer) number(n uint64)       { w.b = appendHead(w.b, majorUint, n) }
func (w *writer) array(n int)           { w.b = appendHead(w.b, majorArray, uint64(n)) }
func (w *writer) object(n int)          { w.b = appendHead(w.b, majorMap, uint64(n)) }
func (w *writer) text(s string)         { w.b = append(appendHead(w.b, majorText, uint64(len(s))), s...) }
func (w *writer) bytes(b []byte)        { w.b = append(appendHead(w.b, majorBytes, uint64(len(b))), b...) }
func (w *writer) field(key int)         { w.number(uint64(key)) }
func (w *writer) key(key int, k Key)    { w.field(key); w.bytes(k[:]) }
func (w *writer) id(key int, id ID)     { w.field(key); w.bytes(id[:]) }
func (w *writer) sum(key int, d Digest) { w.field(key); w.bytes(d[:]) }
