package meter

import (
	"fmt"
	"unicode/utf8"
)

// A reader reads the binary format (WebAssembly 2.0, section 5). After its first error it stays where it is and returns zeros, so
// that the error need only be asked for where a loop could go on for long.
type reader struct {
	data []byte // the whole module
	pos  int    // of the next byte
	end  int    // of what may be read now
	fn   int    // for errors: the function whose body is read, or -1
	err  *Error
}

// fail notes the first problem, and where it is.
func (r *reader) fail(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Func: r.fn, Reason: fmt.Sprintf(format, args...)}
		r.pos = r.end
	}
}

func (r *reader) left() int { return r.end - r.pos }

func (r *reader) byte(what string) byte {
	if r.pos >= r.end {
		r.fail(r.pos, "the bytes end where %s should be", what)
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) bytes(n int, what string) []byte {
	if n < 0 || n > r.left() {
		r.fail(r.pos, "%s should have %d bytes, but only %d are left", what, n, r.left())
		return nil
	}
	b := r.data[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// zero reads a byte that is reserved for proposals that aren't supported.
func (r *reader) zero(what string) {
	at := r.pos
	if b := r.byte(what); b != 0 {
		r.fail(at, "%s is %d, only 0 is allowed (more than one memory isn't supported)", what, b)
	}
}

// unsigned reads a LEB128 number of at most the given bits (section 5.2.2). Padding is allowed as long as the bytes could be needed.
func (r *reader) unsigned(bits int, what string) uint64 {
	at, v := r.pos, uint64(0)
	for shift := 0; shift < bits; shift += 7 {
		b := r.byte(what)
		if rest := bits - shift; rest < 7 && b>>rest != 0 {
			break // a continuation, or a bit that has no place
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail(at, "%s isn't an unsigned LEB128 number of %d bits", what, bits)
	return 0
}

func (r *reader) u32(what string) uint32 { return uint32(r.unsigned(32, what)) }

// signed reads a LEB128 number of the given bits, as [reader.unsigned] does, sign-extended.
func (r *reader) signed(bits int, what string) int64 {
	at, v := r.pos, int64(0)
	for shift := 0; shift < bits; shift += 7 {
		b := r.byte(what)
		if rest := bits - shift; rest < 7 {
			// All bits above the sign must be like it, and nothing may follow.
			if high := int8(b<<1) >> rest; b >= 0x80 || high != 0 && high != -1 {
				break
			}
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if used := shift + 7; used < 64 && b&0x40 != 0 {
				v |= -1 << used
			}
			return v
		}
	}
	r.fail(at, "%s isn't a signed LEB128 number of %d bits", what, bits)
	return 0
}

// count reads the length of a vector, each element of which takes at least a byte.
func (r *reader) count(limit int, what string) int {
	at := r.pos
	n := r.u32("the number of " + what)
	if int64(n) > int64(limit) {
		r.fail(at, "%d %s, at most %d are allowed", n, what, limit)
		return 0
	}
	if int64(n) > int64(r.left()) {
		r.fail(at, "%d %s, but only %d bytes are left", n, what, r.left())
		return 0
	}
	return int(n)
}

// index reads an index into n things.
func (r *reader) index(n int, what string) uint32 {
	at := r.pos
	i := r.u32("the index of a " + what)
	if r.err == nil && int64(i) >= int64(n) {
		r.fail(at, "%s %d doesn't exist, there are %d", what, i, n)
		return 0
	}
	return i
}

func (r *reader) name(what string) string {
	at := r.pos
	n := r.count(MaxName, "bytes of "+what)
	s := string(r.bytes(n, what))
	if !utf8.ValidString(s) {
		r.fail(at, "%s isn't UTF-8", what)
	}
	return s
}
