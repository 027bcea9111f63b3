package audit

import (
	"errors"
	"fmt"
)

// Errors of a log that is written.
var (
	// ErrLocked: another process, or another Log of this one, writes the log.
	ErrLocked = errors.New("audit: the log is being written by another process")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("audit: the log is closed")
	// ErrBusy: more than MaxPending bytes wait to be written.
	ErrBusy = errors.New("audit: too much waits to be written")
	// ErrTooLarge: the event makes a line of more than MaxLine bytes.
	ErrTooLarge = fmt.Errorf("audit: the record has more than %d bytes", MaxLine)
)

// A FailedError says that something could not be made durable. The log takes no more until it is opened again.
type FailedError struct{ Err error }

func (e *FailedError) Error() string {
	return fmt.Sprintf("audit: the log failed and takes no more until it is opened again: %v", e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }

// A BrokenError says that a log isn't what was written. It is no error of input or output.
type BrokenError struct {
	Index  uint64 // of the first entry that is bad, or missing
	File   string // that it stands in, or should; "" for none
	Reason string

	forked uint64 // unless 0: it isn't known which of the entries from Index on, up to this one, is the first
}

func (e *BrokenError) Error() string {
	s := fmt.Sprintf("audit: entry %d", e.Index)
	if e.forked > 0 {
		s += " or one behind it"
	}
	if e.File != "" {
		s += fmt.Sprintf(" (%s)", e.File)
	}
	return s + ": " + e.Reason
}

func broken(index uint64, file, format string, args ...any) *BrokenError {
	return &BrokenError{Index: index, File: file, Reason: fmt.Sprintf(format, args...)}
}
