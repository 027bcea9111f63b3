package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/moat-lang/moat/strictjson"
)

// A line is
//
//	{"event":{…},"index":"12","kind":"decision","prev":"<64 hex>","time":"2026-01-31T12:00:00.000000000Z"}
//
// in canonical JSON, without the line feed that ends it. Its last members have a fixed length, so the chain is checked without
// looking at the rest.

// MaxLine bounds a line, in bytes, its line feed excluded: a request of the largest size that Moat reads, and the facts around it.
const MaxLine = 4 << 20

// A Record is an entry of a log.
type Record struct {
	Index uint64 // from 0, without gaps over all segments
	Time  time.Time
	Kind  Kind
	Prev  [32]byte // SHA-256 of the line before; zero for the first
	Hash  [32]byte // SHA-256 of this line
	Event Event
	Line  []byte // as it stands in the log, without the line feed
}

const (
	linePrefix = `{"event":{`
	tailLen    = len(`,"prev":"`) + 64 + len(`","time":"`) + len(timeLayout) + len(`"}`)
)

// appendEvent appends the part of a line that depends on the event alone.
func appendEvent(dst []byte, ev Event, key *segmentKey) ([]byte, error) {
	c := codec{out: dst, key: key}
	c.event(ev)
	return c.out, c.err
}

func (c *codec) event(ev Event) {
	c.out = append(c.out, linePrefix...)
	ev.fields(c)
	c.out = append(c.out, '}')
}

// appendTail completes a line.
func appendTail(dst []byte, index uint64, kind Kind, prev *[32]byte, now time.Time) []byte {
	dst = append(dst, `,"index":"`...)
	dst = strconv.AppendUint(dst, index, 10)
	dst = append(dst, `","kind":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","prev":"`...)
	dst = hex.AppendEncode(dst, prev[:])
	dst = append(dst, `","time":"`...)
	dst = appendTime(dst, now)
	return append(dst, `"}`...)
}

// What is wrong with a line.
const (
	noRecord   = "no record"
	wrongIndex = "another index"
	wrongPrev  = "another predecessor"
)

// checkLine says whether a line is the record with this index after prev, by its outermost members alone. It returns what is wrong, or nothing.
func checkLine(line []byte, index uint64, prev *[32]byte) (why string) {
	t := len(line) - tailLen
	if t < len(linePrefix) || !bytes.HasPrefix(line, []byte(linePrefix)) {
		return noRecord
	}
	tail := line[t:]
	const prevStart = len(`,"prev":"`)
	const prevEnd = prevStart + 64
	if string(tail[:prevStart]) != `,"prev":"` || string(tail[prevEnd:prevEnd+len(`","time":"`)]) != `","time":"` || string(tail[tailLen-2:]) != `"}` {
		return noRecord
	}
	// ,"index":"12","kind":"decision" stands before.
	const kindStart = `","kind":"`
	k := t - 2
	for k > 0 && t-k < 24 && line[k] != '"' {
		k--
	}
	if line[t-1] != '"' || !bytes.HasSuffix(line[:k+1], []byte(kindStart)) {
		return noRecord
	}
	n := k + 1 - len(kindStart)
	for more := true; more; more = index > 0 {
		if n--; n < 0 || line[n] != '0'+byte(index%10) {
			return wrongIndex
		}
		index /= 10
	}
	if !bytes.HasSuffix(line[:n], []byte(`,"index":"`)) {
		return wrongIndex
	}
	if !isHex(tail[prevStart:prevEnd], prev) {
		return wrongPrev
	}
	return ""
}

// isHex reports whether a text of 64 bytes is a hash in lower-case hexadecimal digits. It makes eight digits at once, each in a byte of its own.
func isHex(text []byte, hash *[32]byte) bool {
	_ = text[63]
	var differ uint64
	for i := 0; i < len(hash); i += 4 {
		v := uint64(binary.BigEndian.Uint32(hash[i:]))
		v = (v | v<<16) & 0x0000ffff0000ffff
		v = (v | v<<8) & 0x00ff00ff00ff00ff
		v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f // four bits a byte
		letters := (v + 0x0606060606060606) >> 4 & 0x0101010101010101
		v += '0'*0x0101010101010101 + letters*('a'-'0'-10)
		differ |= v ^ binary.BigEndian.Uint64(text[2*i:])
	}
	return differ == 0
}

// parseRecord reads a line strictly: what it accepts is what would be written.
func parseRecord(line []byte) (Record, error) {
	if len(line) > MaxLine {
		return Record{}, fmt.Errorf("the line has more than %d bytes", MaxLine)
	}
	doc, err := strictjson.Parse(line, strictjson.Limits{Bytes: MaxLine, Values: 1 << 19})
	if err != nil {
		return Record{}, err
	}
	if doc.Kind != strictjson.Object {
		return Record{}, fmt.Errorf("the line is no object")
	}
	r := Record{Line: line, Hash: sha256.Sum256(line)}
	c := codec{reading: true, in: doc.Members}
	event := c.next("event", strictjson.Object)
	if event == nil {
		return Record{}, fmt.Errorf("the line has no event")
	}
	c.uint("index", &r.Index)
	c.text("kind", (*string)(&r.Kind))
	c.hash("prev", &r.Prev)
	c.time("time", &r.Time)
	c.end()
	if c.err != nil {
		return Record{}, c.err
	}
	if r.Event = newEvent(r.Kind); r.Event == nil {
		return Record{}, fmt.Errorf("the kind %s is unknown", strconv.QuoteToASCII(string(r.Kind)))
	}
	c.inside(event.Members, r.Event.fields)
	if c.err == nil {
		c.err = r.Event.check()
	}
	if c.err != nil {
		return Record{}, fmt.Errorf("event: %w", c.err)
	}
	again, err := appendEvent(nil, r.Event, nil)
	if err != nil || !bytes.Equal(appendTail(again, r.Index, r.Kind, &r.Prev, r.Time), line) {
		return Record{}, fmt.Errorf("the line isn't in canonical form")
	}
	return r, nil
}
