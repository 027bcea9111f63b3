package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
)

// A scan is what was found in a segment.
type scan struct {
	first  uint64
	next   uint64   // index behind the last record
	prev   [32]byte // hash that the first record follows on
	last   [32]byte // hash of the last record
	size   int64    // up to the last line feed
	rest   []byte   // what no line feed ends
	header *Segment // nil when there is no complete line
}

// scanSegment reads a segment and checks that its records chain, by the bytes of their ends alone; only the first is parsed. It calls each, which
// mustn't keep the line, for every record. What is wrong with the log is a *BrokenError.
func scanSegment(fsys FS, dir string, first uint64, each func(index uint64, line []byte, hash *[32]byte) error) (scan, error) {
	return scan{first: first, next: first}.goOn(fsys, dir, each)
}

// goOn reads what stands behind what was scanned.
func (s scan) goOn(fsys FS, dir string, each func(index uint64, line []byte, hash *[32]byte) error) (scan, error) {
	first, name := s.first, segmentName(s.first)
	f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDONLY, 0)
	if err != nil {
		return s, err
	}
	defer f.Close()
	in := newLines(io.NewSectionReader(f, s.size, math.MaxInt64-s.size))
	defer in.close()
	in.offset = s.size
	for {
		line, err := in.next()
		if err != nil {
			switch err {
			case io.EOF:
				s.rest, err = bytes.Clone(in.rest()), nil
			case errLongLine:
				err = broken(s.next, name, "%s", err)
			}
			return s, err
		}
		if s.header == nil {
			r, header, err := parseSegment(line, first)
			if err != nil {
				return s, broken(first, name, "%s", err)
			}
			s.header, s.prev, s.last = header, r.Prev, r.Prev
		}
		if why := checkLine(line, s.next, &s.last); why != "" {
			return s, s.name(line, why, in)
		}
		s.last = sha256.Sum256(line)
		s.size = in.offset
		if each != nil {
			if err := each(s.next, line, &s.last); err != nil {
				return s, err
			}
		}
		s.next++
	}
}

// name says which entry is bad when a line doesn't fit. A line that doesn't follow on the one before, but that the one behind follows on, is
// good: then it is the one before that was changed. So it is where nothing follows, for want of better knowledge.
func (s *scan) name(line []byte, why string, in *lines) *BrokenError {
	name := segmentName(s.first)
	switch why {
	case wrongIndex:
		return broken(s.next, name, "the line in its place has another index: an entry was removed, added or moved")
	case wrongPrev:
		hash := sha256.Sum256(line) // before the next line takes its place
		if next, err := in.next(); err == nil && checkLine(next, s.next+1, &hash) != "" {
			return broken(s.next, name, "it doesn't follow on the entry before, nor the next one on it: it was changed")
		}
		return broken(s.next-1, name, "it isn't the entry that the next one follows on: it was changed")
	}
	return broken(s.next, name, "the line in its place is no record")
}

// parseSegment reads the first line of a segment.
func parseSegment(line []byte, first uint64) (Record, *Segment, error) {
	r, err := parseRecord(line)
	if err != nil {
		return Record{}, nil, fmt.Errorf("the segment doesn't begin with a record: %w", err)
	}
	s, ok := r.Event.(*Segment)
	if !ok || r.Index != first {
		return Record{}, nil, errors.New("the segment doesn't begin with its own record")
	}
	return r, s, nil
}

// errStop ends a scan that has seen enough.
var errStop = errors.New("enough")

// readLines iterates over the records from an index on, as bytes, over all segments, and checks the chain from the beginning of the segment that
// holds it. A line is valid until the next, or until the iteration ends. After an error it ends.
func readLines(fsys FS, dir string, from uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		segments, err := listSegments(fsys, dir)
		if err != nil {
			yield(nil, err)
			return
		}
		for len(segments) > 1 && segments[1] <= from {
			segments = segments[1:]
		}
		var before *scan
		for _, first := range segments {
			if before == nil && first > from {
				yield(nil, broken(from, segmentName(first), "the log's first segments are missing"))
				return
			}
			s, err := scanSegment(fsys, dir, first, func(index uint64, line []byte, _ *[32]byte) error {
				if index >= from && !yield(line, nil) {
					return errStop
				}
				return nil
			})
			if err == nil && before != nil {
				err = before.join(&s)
			}
			if err != nil {
				if err != errStop {
					yield(nil, err)
				}
				return
			}
			before = &s
		}
	}
}

// join checks that a segment follows on s.
func (s *scan) join(next *scan) error {
	name := segmentName(s.first)
	switch {
	case len(s.rest) > 0:
		return broken(s.next, name, "its line has no end, and the segment isn't the last")
	case s.header == nil:
		return broken(s.first, name, "the segment holds no record, and isn't the last")
	case next.first != s.next:
		return broken(s.next, name, "it is missing: the next segment begins with entry %d", next.first)
	case next.header != nil && next.prev != s.last:
		return broken(s.next-1, name, "it isn't the entry that the next segment follows on: it was changed")
	case next.header != nil && next.header.Origin != s.header.Origin:
		return broken(next.first, segmentName(next.first), "the segment is of another log")
	}
	return nil
}

// rawLines iterates over the lines of a log from where the entry of an index should stand, unchecked, whatever they hold.
// A line is valid as long as with readLines.
func rawLines(fsys FS, dir string, from uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		segments, err := listSegments(fsys, dir)
		if err != nil {
			yield(nil, err)
			return
		}
		for i, first := range segments {
			if i+1 < len(segments) && segments[i+1] <= from {
				continue
			}
			if !rawSegment(fsys, filepath.Join(dir, segmentName(first)), from-min(first, from), yield) {
				return
			}
		}
	}
}

// rawSegment yields the lines of a file but for the first ones. It reports whether to go on.
func rawSegment(fsys FS, name string, skip uint64, yield func([]byte, error) bool) bool {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return yield(nil, err)
	}
	defer f.Close()
	in := newLines(f)
	defer in.close()
	for {
		line, err := in.next()
		switch {
		case err == io.EOF:
			return true
		case err != nil:
			return yield(nil, err)
		case skip > 0:
			skip--
		case !yield(line, nil):
			return false
		}
	}
}
