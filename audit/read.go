package audit

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"time"
)

// Read iterates over the records of a log from an index on. Each is read strictly, and must follow on the one before. A log that is being
// written can be read; records appear as they are written, which may be a moment before they are durable. After an error the iteration ends.
// A line that isn't finished yet is no record. Where there is no log, the error is fs.ErrNotExist.
func Read(dir string, from uint64) iter.Seq2[Record, error] {
	return read(OS(), dir, from)
}

func read(fsys FS, dir string, from uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if segments, err := listSegments(fsys, dir); err == nil && len(segments) == 0 {
			yield(Record{}, noLogError(dir))
			return
		}
		index := from
		for line, err := range readLines(fsys, dir, from) {
			if err != nil {
				yield(Record{}, err)
				return
			}
			r, err := parseRecord(bytes.Clone(line))
			if err != nil {
				yield(Record{}, broken(index, "", "%s", err))
				return
			}
			if !yield(r, nil) {
				return
			}
			index++
		}
	}
}

// A noLogError is a directory without a segment.
type noLogError string

func (dir noLogError) Error() string { return "audit: " + string(dir) + " holds no log" }

// Is reports that it is fs.ErrNotExist.
func (noLogError) Is(target error) bool { return target == fs.ErrNotExist }

// Follow is Read, but when it has come to the end it waits for more, and looks again after each poll, until ctx ends. That is no error. It reads on from where
// it was.
func Follow(ctx context.Context, dir string, from uint64, poll time.Duration) iter.Seq2[Record, error] {
	return follow(ctx, OS(), dir, from, poll)
}

func follow(ctx context.Context, fsys FS, dir string, from uint64, poll time.Duration) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f := &follower{fsys: fsys, dir: dir, next: from}
		for {
			err := f.readOn(func(r Record) bool { return yield(r, nil) && ctx.Err() == nil })
			// A segment that was just begun may not have its file yet, nor a new log its directory.
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				if err != errStop {
					yield(Record{}, err)
				}
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(poll):
			}
		}
	}
}

// A follower knows how far it has read a log.
type follower struct {
	fsys FS
	dir  string
	next uint64 // index of the record that is wanted next
	at   *scan  // of the last segment that it has read of; nil before the first
}

// readOn calls each with the records that have come. It ends with errStop when each wants no more.
func (f *follower) readOn(each func(Record) bool) error {
	segments, err := listSegments(f.fsys, f.dir)
	if err != nil {
		return err
	}
	for len(segments) > 1 && (f.at == nil && segments[1] <= f.next || f.at != nil && segments[0] < f.at.first) {
		segments = segments[1:]
	}
	for _, first := range segments {
		s := scan{first: first, next: first}
		switch {
		case f.at == nil && first > f.next:
			return broken(f.next, segmentName(first), "the log's first segments are missing")
		case f.at != nil && f.at.first == first:
			s = *f.at
		}
		s, err := s.goOn(f.fsys, f.dir, func(index uint64, line []byte, _ *[32]byte) error {
			if index < f.next {
				return nil
			}
			r, err := parseRecord(bytes.Clone(line))
			if err != nil {
				return broken(index, "", "%s", err)
			}
			if f.next = index + 1; !each(r) {
				return errStop
			}
			return nil
		})
		if err == nil && f.at != nil && f.at.first != first {
			err = f.at.join(&s)
		}
		if err != nil {
			return err
		}
		f.at = &s
	}
	return nil
}
