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

// Follow is Read, but when it has come to the end it waits for more, and looks again after each poll, until ctx ends. That is no error.
func Follow(ctx context.Context, dir string, from uint64, poll time.Duration) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			for r, err := range Read(dir, from) {
				// A segment that was just begun may not hold its first line yet, nor may a new log have its directory.
				if errors.Is(err, fs.ErrNotExist) {
					break
				}
				if !yield(r, err) || err != nil || ctx.Err() != nil {
					return
				}
				from++
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(poll):
			}
		}
	}
}
