package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// MaxPending bounds what waits to be written, in bytes. Past it, appends fail with ErrBusy.
const MaxPending = 64 << 20

// Options say how a log is written. All but Key have a default.
type Options struct {
	// Key signs the checkpoints; its name is the log's origin. It is required: without checkpoints nobody could tell that the tail was cut.
	Key *Key
	// KeyDir is where the keys of the segments are; by default keys, in the log's directory.
	KeyDir string
	// SegmentBytes is the size past which a new segment begins; by default 64 MiB.
	SegmentBytes int64
	// A checkpoint is signed after CheckpointRecords records, by default 10,000, or when records have waited for CheckpointEvery, by default 10 s.
	CheckpointRecords uint64
	CheckpointEvery   time.Duration
	// Marks gives the high-water marks for a checkpoint, sorted by name. It is called without a lock of the log being held, and mustn't wait
	// for an append.
	Marks func() []Mark
	// OnCheckpoint is given every signed checkpoint, to send it where whoever can write the log can't. It delays the next checkpoint only.
	OnCheckpoint func(signed []byte)
	// Now is the clock; by default time.Now.
	Now func() time.Time
	// FS is the file system; by default OS().
	FS FS
}

// withDefaults fills in what isn't set.
func (o Options) withDefaults(dir string) (Options, error) {
	if o.Key == nil {
		return o, errors.New("audit: a log needs a key to sign its checkpoints")
	}
	if o.KeyDir == "" {
		o.KeyDir = filepath.Join(dir, keysDir)
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.CheckpointRecords == 0 {
		o.CheckpointRecords = 10_000
	}
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = OS()
	}
	return o, nil
}

// A Log is a log that is being written. It is safe for concurrent use.
type Log struct {
	dir       string
	opts      Options
	lock      io.Closer
	recovered *Recovery
	scratch   sync.Pool // *codec

	mu      sync.Mutex
	err     error // why no more is taken
	next    uint64
	bytes   int64 // of the segment, about
	segment atomic.Pointer[segmentState]
	batch   *batch
	spares  []*batch // that were written, for their buffers

	closing atomic.Bool
	wake    chan struct{} // to the writer: somebody waits, or much has queued
	stop    chan struct{} // to the writer and the scheduler: end
	done    sync.WaitGroup
	writer  writer
	durable atomic.Uint64 // records

	checkpoints sync.Mutex    // one checkpoint at a time
	nodes       File          // the tree's, up to the last checkpoint
	covered     atomic.Uint64 // records, by the last checkpoint
	due         chan struct{} // to the scheduler: records aren't covered
	scheduled   atomic.Bool   // the scheduler knows of such records, and will look again
}

// A segmentState is what an event is encoded for.
type segmentState struct {
	first uint64
	key   *segmentKey
}

// A batch is what is written and synced together. Callers put in their encoded events, in a short moment under the lock; the writer chains them.
type batch struct {
	bodies   []byte
	entries  []entry
	snapshot uint64 // the size at which the tree is to be looked at; 0: none
	result   *result
}

// An entry is a record to be.
type entry struct {
	end     int // of its body
	kind    Kind
	time    time.Time
	segment *segmentState // that begins with this entry; nil for none
}

// A result is what those who wait are told.
type result struct {
	awaited atomic.Bool     // the writer has been told
	wake    chan<- struct{} // the log's

	done   chan struct{} // closed when durable, or failed
	err    error
	first  uint64     // index of the first record
	hashes [][32]byte // of the lines
	seen   *snapshot
}

func newResult(wake chan<- struct{}) *result {
	return &result{wake: wake, done: make(chan struct{})}
}

// A Ticket is an event that has its place in the log but may not be durable yet.
type Ticket struct {
	Index  uint64
	result *result
}

// Hash is the SHA-256 of the record's line: what the next record follows on, and what the tree holds. It is known once [Ticket.Wait] has returned nil, and zero before.
func (t Ticket) Hash() [32]byte {
	if t.result == nil {
		return [32]byte{}
	}
	select {
	case <-t.result.done:
	default:
		return [32]byte{}
	}
	if t.result.err != nil {
		return [32]byte{}
	}
	return t.result.hashes[t.Index-t.result.first]
}

// Wait returns when the record is durable, or with the reason why it isn't. When ctx ends first, the record may still become durable.
func (t Ticket) Wait(ctx context.Context) error {
	if t.result == nil {
		return errors.New("audit: the zero ticket stands for no record")
	}
	if !t.result.awaited.Swap(true) {
		ring(t.result.wake)
	}
	if ctx.Done() == nil { // cheaper than a select
		<-t.result.done
		return t.result.err
	}
	select {
	case <-t.result.done:
		return t.result.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Append adds an event and returns once it is durable.
func (l *Log) Append(ctx context.Context, ev Event) (Ticket, error) {
	t, err := l.Queue(ev)
	if err != nil {
		return Ticket{}, err
	}
	return t, t.Wait(ctx)
}

// Queue gives an event its place in the log, in the order of the calls, and returns without waiting until it is durable. It becomes so when somebody
// waits for it or for a later one, and at the latest with the next checkpoint on schedule. An error says that the event is not in the log.
func (l *Log) Queue(ev Event) (Ticket, error) {
	if ev == nil {
		return Ticket{}, errors.New("audit: no event")
	}
	switch ev.Kind() {
	case KindSegment, KindCheckpoint, KindRecovery:
		return Ticket{}, fmt.Errorf("audit: a %s record is written by the log alone", ev.Kind())
	}
	return l.queue(ev, false)
}

// queue encodes an event outside of the lock, and adds it inside. When the segment changed meanwhile, it is encoded again, for the key of
// the new one.
func (l *Log) queue(ev Event, snapshot bool) (Ticket, error) {
	if err := ev.check(); err != nil {
		return Ticket{}, err
	}
	c, _ := l.scratch.Get().(*codec)
	if c == nil {
		c = new(codec)
	}
	defer l.scratch.Put(c)
	for {
		segment := l.segment.Load()
		*c = codec{out: c.out[:0], key: segment.key}
		if c.event(ev); c.err != nil {
			return Ticket{}, fmt.Errorf("audit: a %s event: %w", ev.Kind(), c.err)
		}
		if len(c.out)+128+tailLen > MaxLine {
			return Ticket{}, ErrTooLarge
		}
		if t, ok, err := l.add(c.out, ev.Kind(), segment, snapshot); ok || err != nil {
			return t, err
		}
	}
}

// add queues an encoded event. It reports false when the event was encoded for another segment.
func (l *Log) add(body []byte, kind Kind, segment *segmentState, snapshot bool) (Ticket, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return Ticket{}, false, l.err
	case len(l.batch.bodies) > MaxPending:
		return Ticket{}, false, ErrBusy
	case l.segment.Load() != segment:
		return Ticket{}, false, nil
	case l.bytes+int64(len(body)) > l.opts.SegmentBytes && l.next > segment.first+1: // it holds more than its first record
		l.rotate()
		return Ticket{}, false, nil
	}
	t := l.push(body, kind, nil)
	if snapshot {
		l.batch.snapshot = t.Index + 1
	}
	return t, true, nil
}

// push puts an encoded event into the batch. The lock is held.
func (l *Log) push(body []byte, kind Kind, segment *segmentState) Ticket {
	b, now := l.batch, l.opts.Now() // before anything changes: it is the host's, and may panic
	before := len(b.bodies)
	b.bodies = append(b.bodies, body...)
	b.entries = append(b.entries, entry{len(b.bodies), kind, now, segment})
	t := Ticket{l.next, b.result}
	l.next++
	l.bytes += int64(len(body) + tailLen + 40)
	if before < eagerBytes && len(b.bodies) >= eagerBytes {
		ring(l.wake)
	}
	if kind != KindCheckpoint && !l.scheduled.Swap(true) {
		ring(l.due)
	}
	return t
}

// eagerBytes is how much is written without anybody waiting for it. Below, waking the writer costs more than encoding a record.
const eagerBytes = 256 << 10

// ring lets the other side of a channel with room for one know that there is something to do.
func ring(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rotate begins a new segment. The lock is held.
func (l *Log) rotate() Ticket {
	s := &segmentState{l.next, newKey()}
	l.segment.Store(s)
	l.bytes = 0
	// An origin without spaces, a key and a constant always encode.
	body, _ := appendEvent(nil, &Segment{Format: FormatVersion, Origin: l.opts.Key.Origin(), Key: s.key.id()}, s.key)
	return l.push(body, KindSegment, s)
}

// Recovered says what was cut from the log when it was opened, or nil.
func (l *Log) Recovered() *Recovery { return l.recovered }

// Size returns the number of records that are durable.
func (l *Log) Size() uint64 { return l.durable.Load() }

// Dir returns the directory of the log.
func (l *Log) Dir() string { return l.dir }

// fail makes the log refuse everything from now on. The first reason stays.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	return l.err
}

// Close signs a last checkpoint, and gives up the log. What was queued before is durable when it returns nil.
func (l *Log) Close() error {
	if !l.closing.CompareAndSwap(false, true) {
		return ErrClosed
	}
	_, err := l.Checkpoint()
	l.fail(ErrClosed)
	close(l.stop)
	l.done.Wait()
	return errors.Join(err, l.release())
}

// release gives back what the log holds open. The lock comes last.
func (l *Log) release() error {
	err := l.writer.close()
	if l.nodes != nil {
		err = errors.Join(err, l.nodes.Close())
	}
	return errors.Join(err, l.lock.Close())
}
