package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// lines reads a segment line by line. It holds one line, or a buffer of some lines.
type lines struct {
	r          io.Reader
	shared     *[]byte // of buffers
	buf        []byte
	start, end int   // unread bytes in buf
	offset     int64 // of buf[start] in the file
	err        error
}

// readSize is how much is read at once. A system call costs as much as copying some 30 KiB.
const readSize = 512 << 10

// buffers are used again, since a log has many segments.
var buffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

var errLongLine = fmt.Errorf("a line of more than %d bytes", MaxLine)

func newLines(r io.Reader) *lines {
	shared := buffers.Get().(*[]byte)
	return &lines{r: r, shared: shared, buf: *shared}
}

// close gives the buffer back. No line is valid any more.
func (s *lines) close() { buffers.Put(s.shared) }

// next returns the next line without its line feed, valid until the next call. At the end it is io.EOF, and rest holds what no line feed ends.
func (s *lines) next() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(s.buf[s.start+seen:s.end], '\n'); i >= 0 {
			line := s.buf[s.start : s.start+seen+i]
			s.start += len(line) + 1
			s.offset += int64(len(line) + 1)
			if len(line) > MaxLine {
				return nil, errLongLine
			}
			return line, nil
		}
		if seen = s.end - s.start; seen > MaxLine {
			return nil, errLongLine
		}
		if s.err != nil {
			return nil, s.err
		}
		s.fill()
	}
}

// fill reads more, behind what is unread.
func (s *lines) fill() {
	s.end = copy(s.buf, s.buf[s.start:s.end])
	s.start = 0
	if s.end == len(s.buf) { // with a part of one line
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.r.Read(s.buf[s.end:])
	s.end += n
	s.err = err
	if n == 0 && err == nil {
		s.err = errors.New("a read returned nothing")
	}
}

// rest is what stands behind the last line.
func (s *lines) rest() []byte { return s.buf[s.start:s.end] }
