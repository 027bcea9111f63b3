package audit

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// A writer puts batches into segments. One goroutine owns it.
type writer struct {
	fs   FS
	dir  string
	keys string
	file File // nil before the first segment
	size int64
	tree tree
}

// write is the writer's goroutine: it takes all that has queued, makes it durable with one sync, and tells who waits.
func (l *Log) write() {
	defer l.done.Done()
	last := 0
	for {
		select {
		case <-l.wake:
		case <-l.stop:
			select {
			case <-l.wake: // what was queued before the end
			default:
				return
			}
		}
		l.gather(last)
		b := l.take()
		if b == nil {
			continue
		}
		last = len(b.hashes)
		err := l.writer.commit(b)
		if err == nil {
			l.durable.Add(uint64(len(b.hashes)))
		} else {
			b.err = l.fail(&FailedError{err})
		}
		buf, hashes := b.buf, b.hashes
		b.buf, b.hashes = nil, nil
		close(b.done)
		l.mu.Lock()
		if cap(buf) <= MaxPending/4 {
			l.spare, l.spareHashes = buf[:0], hashes[:0]
		}
		l.mu.Unlock()
		if err != nil {
			l.abandon(b.err)
			return
		}
		l.noteDue()
	}
}

// gather lets those who were just told come back with their next events, as long as more come and fewer than the last time have. So a sync
// serves all of them, and not in turns the first few and the rest. Where nobody comes it costs less than a microsecond.
func (l *Log) gather(last int) {
	for before := 0; ; {
		l.mu.Lock()
		n := len(l.batch.hashes)
		l.mu.Unlock()
		if n >= last || n == before {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// take takes the batch and leaves an empty one; nil when nothing has queued.
func (l *Log) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batch
	if len(b.hashes) == 0 {
		return nil
	}
	l.batch = &batch{buf: l.spare, hashes: l.spareHashes, done: make(chan struct{})}
	l.spare, l.spareHashes = nil, nil
	return b
}

// abandon tells those who queued behind a batch that failed.
func (l *Log) abandon(err error) {
	if b := l.take(); b != nil { // nothing is added any more: the log has failed
		b.err = err
		close(b.done)
	}
}

// commit writes a batch and makes it durable. After an error, what it wrote is cut off again as far as that can be done, since what a
// failed sync leaves in the cache of the system may read well and yet not be on disk.
func (w *writer) commit(b *batch) error {
	pos := 0
	for _, c := range b.cuts {
		if err := w.flush(b.buf[pos:c.offset], nil); err != nil {
			return err
		}
		if err := w.open(c.segment); err != nil {
			return err
		}
		pos = c.offset
	}
	return w.flush(b.buf[pos:], func() { w.grow(b) })
}

// flush writes and syncs a part of a batch; meanwhile the disk is busy, it calls also.
func (w *writer) flush(data []byte, also func()) error {
	if len(data) == 0 && also == nil {
		return nil
	}
	if err := writeAll(w.file, data); err != nil {
		return w.undo(err)
	}
	hashed := make(chan struct{})
	go func() {
		defer close(hashed)
		if also != nil {
			also()
		}
	}()
	err := w.file.Sync()
	<-hashed
	if err != nil {
		return w.undo(err)
	}
	w.size += int64(len(data))
	return nil
}

func (w *writer) undo(err error) error {
	return errors.Join(err, w.file.Truncate(w.size))
}

// grow adds the records of a batch to the tree.
func (w *writer) grow(b *batch) {
	for i := range b.hashes {
		w.tree.add(leafHash(&b.hashes[i]))
		if w.tree.size == b.snapshot {
			b.seen = w.tree.snapshot()
		}
	}
}

// open begins a segment: first its key, then its file.
func (w *writer) open(s *segmentState) error {
	if err := w.close(); err != nil {
		return err
	}
	if err := writeKey(w.fs, w.keys, s.first, s.key); err != nil {
		return err
	}
	f, err := w.fs.OpenFile(filepath.Join(w.dir, segmentName(s.first)), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	w.file, w.size = f, 0
	return w.fs.SyncDir(w.dir)
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	f := w.file
	w.file = nil
	return f.Close()
}
