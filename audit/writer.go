package audit

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// A writer chains batches and puts them into segments. One goroutine owns it.
type writer struct {
	fs   FS
	dir  string
	keys string
	file File // nil before the first segment
	size int64
	next uint64
	prev [32]byte
	tree tree
	out  []byte        // lines that were chained and aren't written
	took time.Duration // the last sync, at most longestPause
	slow bool          // those who append take much longer than a sync does
}

// write is the writer's goroutine: it takes all that has queued, makes it durable with one sync, and tells who waits.
func (l *Log) write() {
	defer l.done.Done()
	last := 0
	for {
		stopped := false
		select {
		case <-l.wake:
		case <-l.stop:
			stopped = true
		}
		batches, err := l.gather(last)
		if err == nil && len(batches) == 0 { // who woke the writer had been served by then
			if stopped {
				return
			}
			continue
		}
		if err == nil {
			err = l.writer.flush(batches)
		}
		if err != nil {
			err = l.fail(&FailedError{err})
			if b := l.take(); b != nil { // queued meanwhile; nothing is added any more
				batches = append(batches, b)
			}
			for _, b := range batches {
				b.result.err = err
				close(b.result.done)
			}
			return
		}
		last = 0
		for _, b := range batches {
			last += len(b.entries)
		}
		l.durable.Add(uint64(last))
		for _, b := range batches {
			close(b.result.done)
			l.recycle(b)
		}
		if l.durable.Load()-l.covered.Load() >= l.opts.CheckpointRecords {
			ring(l.due)
		}
	}
}

// gather takes and chains what has queued. Those who were just told have time to come back with their next events, as long as more come and fewer
// than the last time have: so a sync serves all of them, and not in turns the first few and the rest. Where nobody comes it costs less
// than a microsecond. Where they take their time, some are left for the next sync, so that the processors have work during this one.
func (l *Log) gather(last int) ([]*batch, error) {
	var out []*batch
	begin := time.Now()
	for n, idle := 0, false; ; {
		b := l.take()
		if b == nil {
			if idle || n >= last || time.Since(begin) > patience*l.writer.took {
				l.writer.slow = l.writer.slow && !idle
				return out, nil
			}
			idle = true
			l.writer.yield()
			continue
		}
		idle = false
		out = append(out, b)
		n += len(b.entries)
		if err := l.writer.chain(b); err != nil || len(l.writer.out) > maxGather {
			return out, err
		}
	}
}

// patience is how many times as long as a sync takes a batch may be gathered. With less the processors wait for too many syncs; with more, everybody
// is in one batch, and the processors wait for each.
const patience = 6

// longestPause bounds what is waited for others with their events, by what a slow disk takes: when a sync has been held up for seconds, nobody waits that long again.
const longestPause = 10 * time.Millisecond

// yield lets others come with their events. When that takes them long, a timer is what ends it, since a goroutine that yields runs again only after all the others.
func (w *writer) yield() {
	if w.slow {
		time.Sleep(w.took)
		return
	}
	begin := time.Now()
	runtime.Gosched()
	w.slow = time.Since(begin) > 4*w.took
}

// maxGather bounds what one sync makes durable, in bytes, give or take a batch: while records keep coming, those who wait aren't kept waiting.
const maxGather = 8 << 20

// take takes the batch and leaves an empty one; nil when nothing has queued.
func (l *Log) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batch
	if len(b.entries) == 0 {
		return nil
	}
	if n := len(l.spares); n > 0 {
		l.batch, l.spares = l.spares[n-1], l.spares[:n-1]
	} else {
		l.batch = new(batch)
	}
	l.batch.result = newResult(l.wake)
	return b
}

// recycle keeps the buffers of a few batches for others, unless they are uncommonly large.
func (l *Log) recycle(b *batch) {
	if cap(b.bodies) > 1<<20 {
		return
	}
	clear(b.entries)
	b.bodies, b.entries, b.snapshot, b.result = b.bodies[:0], b.entries[:0], 0, nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spares) < 16 {
		l.spares = append(l.spares, b)
	}
}

// chain makes lines of a batch.
func (w *writer) chain(b *batch) error {
	start := 0
	b.result.first, b.result.hashes = w.next, make([][32]byte, 0, len(b.entries))
	for i := range b.entries {
		e := &b.entries[i]
		if e.segment != nil {
			if err := w.begin(e.segment); err != nil {
				return err
			}
		}
		line := len(w.out)
		w.out = append(w.out, b.bodies[start:e.end]...)
		w.out = appendTail(w.out, w.next, e.kind, &w.prev, e.time)
		w.prev = sha256.Sum256(w.out[line:])
		w.out = append(w.out, '\n')
		b.result.hashes = append(b.result.hashes, w.prev)
		w.next++
		start = e.end
	}
	return nil
}

// flush writes the lines and makes them durable, and while the disk is busy adds them to the tree.
func (w *writer) flush(batches []*batch) error {
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		w.grow(batches)
	}()
	err := w.sync()
	<-grown
	return err
}

// sync writes the lines and makes them durable. When it fails it cuts off what it wrote, as far as that can be done: what a failed sync leaves in the cache
// of the system may read well and yet not be on disk.
func (w *writer) sync() error {
	if len(w.out) == 0 {
		return nil
	}
	begin := time.Now()
	err := writeAll(w.file, w.out)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.size += int64(len(w.out))
	w.out = w.out[:0]
	w.took = min(time.Since(begin), longestPause)
	return nil
}

// grow adds the lines' hashes to the tree.
func (w *writer) grow(batches []*batch) {
	for _, b := range batches {
		for i := range b.result.hashes {
			w.tree.add(leafHash(&b.result.hashes[i]))
			if w.tree.size == b.snapshot {
				b.result.seen = w.tree.snapshot()
			}
		}
	}
}

// begin ends a segment and begins the next: first its key, then its file.
func (w *writer) begin(s *segmentState) error {
	if err := w.sync(); err != nil {
		return err
	}
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
