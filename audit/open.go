package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// Open opens a log to write it, and makes it when its directory is empty or doesn't exist. No other process can open it until it is closed.
//
// A line that a crash left unfinished is cut off, kept in a file beside, and recorded; [Log.Recovered] tells. Whatever else isn't
// as it was written is a *[BrokenError] and nothing is changed: a tail that doesn't chain, and records that a checkpoint in the directory covers
// and that aren't there.
func Open(dir string, opts Options) (*Log, error) {
	opts, err := opts.withDefaults(dir)
	if err != nil {
		return nil, err
	}
	if err := opts.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := opts.FS.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	wake := make(chan struct{}, 1)
	l := &Log{
		dir: dir, opts: opts, lock: lock, batch: &batch{result: newResult(wake)},
		wake: wake, stop: make(chan struct{}), due: make(chan struct{}, 1),
		writer: writer{fs: opts.FS, dir: dir, keys: opts.KeyDir},
	}
	if err := l.start(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// start finds where the log ends, and begins to write behind.
func (l *Log) start() error {
	covered, err := l.lastCheckpoint()
	if err != nil {
		return err
	}
	end, err := findEnd(l.opts.FS, l.dir, l.opts.Key.Origin())
	if err != nil {
		return err
	}
	if covered != nil && covered.Size > end.next() {
		return broken(end.next(), "", "the log ends before it, and the last checkpoint covers %d entries: the tail was cut", covered.Size)
	}
	if err := l.growTree(covered, end.next()); err != nil {
		return err
	}
	if err := l.cutTorn(end); err != nil {
		return err
	}
	if end.last != nil {
		l.next, l.writer.next, l.writer.prev = end.last.next, end.last.next, end.last.last
	}
	l.durable.Store(l.next)
	if covered != nil {
		l.covered.Store(covered.Size)
	}
	first, err := l.resume(end.last)
	if err != nil {
		return err
	}
	l.done.Add(2)
	go l.write()
	go l.schedule()
	if first {
		err = l.wait(l.beginSegment)
	}
	if l.recovered != nil && err == nil {
		err = l.wait(func() (Ticket, error) { return l.queue(l.recovered, false) })
	}
	if err != nil {
		l.fail(err)
		close(l.stop)
		l.done.Wait()
	}
	return err
}

func (l *Log) wait(queue func() (Ticket, error)) error {
	t, err := queue()
	if err != nil {
		return err
	}
	return t.Wait(context.Background())
}

// lastCheckpoint reads the checkpoint of the directory, nil for none.
func (l *Log) lastCheckpoint() (*Signed, error) {
	data, err := readFile(l.opts.FS, filepath.Join(l.dir, checkpointFile), maxNote)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := OpenCheckpoint(data, &Public{Verifier: l.opts.Key.public}, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", checkpointFile, l.dir, err)
	}
	return s, nil
}

// An end is where a log stops.
type end struct {
	last  *scan  // of the last segment that holds a record; nil for none
	torn  []byte // what no line feed ends
	of    string // the file that torn stands in
	empty bool   // this file holds nothing else: a crash kept the segment from beginning
}

func (e *end) next() uint64 {
	if e.last == nil {
		return 0
	}
	return e.last.next
}

// findEnd reads the last segment, checks its chain and that it follows on the segment before. It changes nothing.
func findEnd(fsys FS, dir, origin string) (*end, error) {
	segments, err := listSegments(fsys, dir)
	if err != nil {
		return nil, err
	}
	e := new(end)
	if n := len(segments); n > 0 {
		s, err := scanSegment(fsys, dir, segments[n-1], nil)
		if err != nil {
			return nil, err
		}
		e.torn, e.of = s.rest, segmentName(s.first)
		if e.empty = s.header == nil; e.empty {
			segments = segments[:n-1]
		} else {
			e.last = &s
		}
	}
	n := len(segments)
	if n == 0 {
		if e.empty && e.of != segmentName(0) {
			return nil, broken(0, e.of, "the log's first segments are missing")
		}
		return e, nil
	}
	if e.last != nil && n > 1 {
		before, err := lastLine(fsys, filepath.Join(dir, segmentName(segments[n-2])))
		if err != nil {
			return nil, err
		}
		if sha256.Sum256(before) != e.last.prev {
			return nil, broken(e.last.first-1, segmentName(segments[n-2]), "the segment doesn't end with the entry that the next one follows on")
		}
	}
	if e.last == nil {
		s, err := scanSegment(fsys, dir, segments[n-1], nil)
		if err != nil {
			return nil, err
		}
		if s.header == nil || len(s.rest) > 0 || segmentName(s.next) != e.of {
			return nil, broken(s.next, segmentName(s.first), "the segment ends here, and the next, %s, begins elsewhere", e.of)
		}
		e.last = &s
	}
	switch {
	case segments[0] != 0:
		return nil, broken(0, segmentName(segments[0]), "the log's first segments are missing")
	case e.last.header.Origin != origin:
		return nil, fmt.Errorf("audit: %s is a log of %s, not of %s", dir, e.last.header.Origin, origin)
	}
	return e, nil
}

// lastLine reads the last line of a file, without its line feed; what has none is no line.
func lastLine(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	for n := min(size, 64<<10); ; n = min(size, 4*n) {
		buf := make([]byte, n)
		if _, err := f.ReadAt(buf, size-n); err != nil && err != io.EOF {
			return nil, err
		}
		line, ok := bytes.CutSuffix(buf, []byte("\n"))
		i := bytes.LastIndexByte(line, '\n')
		switch {
		case !ok:
			return nil, nil
		case i >= 0 || n == size:
			return line[i+1:], nil
		case n > MaxLine:
			return nil, nil
		}
	}
}

// cutTorn moves what a crash left unfinished to a file of its own.
func (l *Log) cutTorn(e *end) error {
	fsys := l.opts.FS
	if len(e.torn) > 0 {
		sum := sha256.Sum256(e.torn)
		r := &Recovery{Bytes: uint64(len(e.torn)), SHA256: sum, File: fmt.Sprintf("%s%020d-%s", tornPrefix, e.next(), hex.EncodeToString(sum[:4]))}
		if err := writeFile(fsys, filepath.Join(l.dir, r.File), e.torn); err != nil {
			return err
		}
		l.recovered = r
	}
	if e.empty {
		if err := fsys.Remove(filepath.Join(l.dir, e.of)); err != nil {
			return err
		}
		return fsys.SyncDir(l.dir)
	}
	if len(e.torn) == 0 {
		return nil
	}
	f, err := fsys.OpenFile(filepath.Join(l.dir, e.of), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(e.last.size), f.Sync(), f.Close())
}

// resume opens the last segment to go on with it. It reports whether a new one must begin: there is none, or its key was deleted.
func (l *Log) resume(last *scan) (bool, error) {
	if last == nil {
		return true, nil
	}
	key, err := readKey(l.opts.FS, l.opts.KeyDir, last.first, last.header.Key)
	if err != nil && !isNotExist(err) {
		return false, err
	}
	shredded := err != nil
	if l.writer.file, err = l.opts.FS.OpenFile(filepath.Join(l.dir, segmentName(last.first)), os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return false, err
	}
	l.writer.size, l.bytes = last.size, last.size
	l.segment.Store(&segmentState{last.first, key})
	return shredded, nil
}

// beginSegment begins a segment on its own.
func (l *Log) beginSegment() (Ticket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rotate(), nil
}

// growTree makes the tree of the first n records: of the stored nodes, when they bear out the checkpoint's root, and the records behind; else of all
// records, and then stores it.
func (l *Log) growTree(covered *Signed, n uint64) error {
	nodes, err := l.opts.FS.OpenFile(filepath.Join(l.dir, nodesFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.nodes = nodes
	t, suspect := l.storedTree(covered)
	if err := nodes.Truncate(tlog.StoredHashCount(int64(t.size)) * tlog.HashSize); err != nil {
		return err
	}
	rebuild := t.size == 0
	for line, err := range readLines(l.opts.FS, l.dir, t.size) {
		if err != nil {
			return err
		}
		t.add(leafOf(line))
		done := rebuild && covered != nil && t.size == covered.Size
		if done && t.span.root() != covered.Root {
			return broken(suspect, "", "the log isn't the one that the last checkpoint covers with %d entries", covered.Size)
		}
		if done || rebuild && t.size < covered.size() && len(t.nodes) > 1<<20 {
			if err := writeAll(nodes, t.snapshot().nodes); err != nil {
				return err
			}
		}
	}
	if t.size != n {
		return broken(t.size, "", "the log has %d entries up to its last segment, not %d", t.size, n)
	}
	l.writer.tree = *t
	return nil
}

// storedTree returns the tree that the checkpoint covers, or an empty one when the stored nodes don't yield it. No record chains to the last one that
// the checkpoint covers yet, so this one is compared with its hash in the tree; when it differs, its index is returned.
func (l *Log) storedTree(covered *Signed) (t *tree, suspect uint64) {
	if covered.size() == 0 {
		return new(tree), 0
	}
	stored := storedNodes{l.nodes}
	span, err := readSpan(covered.Size, stored)
	if err != nil || span.root() != covered.Root {
		return new(tree), 0
	}
	last := covered.Size - 1
	want, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(last))})
	for line := range readLines(l.opts.FS, l.dir, last) {
		if err != nil || line == nil || leafOf(line) != want[0] {
			return new(tree), last
		}
		break
	}
	return &tree{span: span, size: covered.Size}, 0
}
