package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testKey makes a key for a log.
func testKey(t testing.TB) *Key {
	t.Helper()
	secret, err := GenerateKey("example.com/log")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustOpen(t testing.TB, dir string, opts Options) *Log {
	t.Helper()
	l, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// number is an event that says which it is.
func number(i int) Event { return &Alert{Monitor: "test", Detail: Shown(fmt.Sprint(i))} }

func mustAppend(t testing.TB, l *Log, events ...Event) {
	t.Helper()
	for _, ev := range events {
		if _, err := l.Append(context.Background(), ev); err != nil {
			t.Fatal(err)
		}
	}
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// numbers reads what number wrote.
func numbers(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	for r, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := r.Event.(*Alert); ok {
			out = append(out, a.Detail.Text)
		}
	}
	return out
}

func TestAppendAndReopen(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	opts := Options{Key: key, SegmentBytes: 2000, CheckpointRecords: 7}
	var want []string
	for round := range 5 {
		l := mustOpen(t, dir, opts)
		for i := range 20 {
			n := round*20 + i
			mustAppend(t, l, number(n))
			want = append(want, fmt.Sprint(n))
		}
		mustClose(t, l)
		if _, err := Verify(dir, VerifyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := numbers(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the log holds %v, want %v", got, want)
	}
}

func TestLockKeepsSecondWriterOut(t *testing.T) {
	dir, key := t.TempDir(), testKey(t)
	l := mustOpen(t, dir, Options{Key: key})
	if _, err := Open(dir, Options{Key: key}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, dir, Options{Key: key}))
}

func TestClosed(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t)})
	mustClose(t, l)
	if _, err := l.Append(context.Background(), number(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("close after close: %v", err)
	}
	if err := (Ticket{}).Wait(context.Background()); err == nil || (Ticket{}).Hash() != [32]byte{} {
		t.Error("the zero ticket is durable")
	}
}

// Order is total, nothing is lost, nothing is there twice, whatever number of callers append at once.
func TestConcurrentAppend(t *testing.T) {
	for _, callers := range []int{64, 512} {
		t.Run(fmt.Sprint(callers), func(t *testing.T) {
			const each = 20
			dir := t.TempDir()
			l := mustOpen(t, dir, Options{Key: testKey(t), SegmentBytes: 200_000, CheckpointRecords: 500})
			tickets := make([][]Ticket, callers)
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					for i := range each {
						ticket, err := l.Append(context.Background(), &Alert{Monitor: fmt.Sprint(c), Detail: Shown(fmt.Sprint(i))})
						if err != nil {
							t.Error(err)
							return
						}
						tickets[c] = append(tickets[c], ticket)
					}
				})
			}
			wg.Wait()
			mustClose(t, l)
			at := map[uint64]*Alert{}
			hashes := map[uint64][32]byte{}
			for r, err := range Read(dir, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if a, ok := r.Event.(*Alert); ok {
					at[r.Index], hashes[r.Index] = a, r.Hash
				}
			}
			if len(at) != callers*each {
				t.Fatalf("%d records, want %d", len(at), callers*each)
			}
			for c := range callers {
				for i, ticket := range tickets[c] {
					a := at[ticket.Index]
					if a == nil || a.Monitor != fmt.Sprint(c) || a.Detail.Text != fmt.Sprint(i) || hashes[ticket.Index] != ticket.Hash() {
						t.Fatalf("ticket %d of caller %d leads to %+v", i, c, a)
					}
					if i > 0 && ticket.Index <= tickets[c][i-1].Index {
						t.Fatalf("caller %d's events are out of order", c)
					}
				}
			}
		})
	}
}

// Events that were queued but not waited for are written too.
func TestQueueThenClose(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t)})
	for i := range 100 {
		if _, err := l.Queue(number(i)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	if got := numbers(t, dir); len(got) != 100 {
		t.Errorf("%d records", len(got))
	}
}

func TestRefusedEvents(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t)})
	defer l.Close()
	for _, ev := range []Event{
		nil, &Decision{}, &Decision{Outcome: Permit, Code: "permit"}, &Decision{Outcome: "maybe", Code: "x"}, &Decision{Outcome: Deny}, &Effect{}, &SandboxCall{}, &SecretUse{},
		&Alert{}, &Approval{}, &Revocation{}, &PolicyChange{}, &TrustChange{}, &Start{}, &Stop{}, &Junk{}, &Segment{}, &Checkpoint{}, &Recovery{},
		&Alert{Monitor: "\xff"}, &Alert{Monitor: "x", Detail: Shown(string(make([]byte, MaxLine)))},
		&Approval{Rule: "r", By: "b", Request: RequestID{Digest: [32]byte{1}}, At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := l.Append(context.Background(), ev); err == nil {
			t.Errorf("%T %+v was taken", ev, ev)
		}
	}
	if got := l.Size(); got != 1 {
		t.Errorf("%d records", got)
	}
}

// What nobody waits for is written when somebody waits for what came later, when there is much of it, and by the schedule of checkpoints.
func TestQueuedIsWritten(t *testing.T) {
	grows := func(l *Log, size uint64) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); l.Size() < size; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d records, and %d were queued", l.Size(), size)
			}
		}
	}
	queue := func(l *Log, ev Event) Ticket {
		t.Helper()
		ticket, err := l.Queue(ev)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t), CheckpointEvery: time.Hour})
	first := queue(l, number(0))
	if err := queue(l, number(1)).Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(context.Background()); err != nil || l.Size() < 3 {
		t.Errorf("%v, %d records", err, l.Size())
	}
	big, size := &Alert{Monitor: "m", Detail: Shown(strings.Repeat("x", eagerBytes/4))}, l.Size()
	for range 5 {
		queue(l, big)
	}
	grows(l, size+4)
	mustClose(t, l)

	l = mustOpen(t, t.TempDir(), Options{Key: testKey(t), CheckpointEvery: time.Millisecond})
	for range 3 { // each time anew
		grows(l, queue(l, number(0)).Index+2) // with the checkpoint
	}
	mustClose(t, l)
}

func TestWaitEndsWithContext(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t)})
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ticket := Ticket{result: newResult(make(chan struct{}, 1))}
	if err := ticket.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A reader that follows sees every record once, while they are written and over segments.
func TestConcurrentFollow(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t), SegmentBytes: 3000})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() {
		for i := range 200 {
			if _, err := l.Append(ctx, number(i)); err != nil {
				t.Error(err)
			}
		}
	}()
	next := 0
	for r, err := range Follow(ctx, dir, 0, time.Millisecond) {
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := r.Event.(*Alert); ok {
			if a.Detail.Text != fmt.Sprint(next) {
				t.Fatalf("saw %s, want %d", a.Detail.Text, next)
			}
			if next++; next == 200 {
				break
			}
		}
	}
	if next != 200 {
		t.Errorf("saw %d records", next)
	}
	mustClose(t, l)
}

// countingFS counts the bytes that are read.
type countingFS struct {
	FS
	n atomic.Int64
}

func (c *countingFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	return countingFile{f, c}, err
}

type countingFile struct {
	File
	fs *countingFS
}

func (f countingFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.fs.n.Add(int64(n))
	return n, err
}

func (f countingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.fs.n.Add(int64(n))
	return n, err
}

// Who follows reads on, and not the segment again; what was changed behind it is found when it goes on.
func TestFollowReadsOn(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t)})
	for i := range 500 {
		mustAppend(t, l, number(i))
	}
	c := &countingFS{FS: OS()}
	f := &follower{fsys: c, dir: dir}
	more := func() (n int) {
		t.Helper()
		before := c.n.Load()
		if err := f.readOn(func(Record) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		if read := c.n.Load() - before; n < 10 && read > int64(1000*n) {
			t.Errorf("%d bytes were read for %d records", read, n)
		}
		return n
	}
	if n := more(); n < 500 {
		t.Errorf("%d records", n)
	}
	if n := more(); n != 0 {
		t.Errorf("%d records when nothing was added", n)
	}
	mustAppend(t, l, number(500))
	if n := more(); n != 1 {
		t.Errorf("%d records when one was added", n)
	}
	mustClose(t, l)
	more()
	file := filepath.Join(dir, segmentName(0))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	last := text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1:]
	if err := os.WriteFile(file, append(text, last...), 0o600); err != nil {
		t.Fatal(err)
	}
	var bad *BrokenError
	if err := f.readOn(func(Record) bool { return true }); !errors.As(err, &bad) {
		t.Errorf("the last line twice: %v", err)
	}
}

// A key file that was deleted takes its digests with it; the log goes on in a new segment.
func TestShreddedKey(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Key: testKey(t)}
	l := mustOpen(t, dir, opts)
	mustAppend(t, l, &Alert{Monitor: "m", Detail: Field{Mode: Digest, Text: "secret"}})
	mustClose(t, l)
	if err := os.Remove(keyPath(filepath.Join(dir, keysDir), 0)); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, opts)
	mustAppend(t, l, number(1))
	mustClose(t, l)
	v, err := Verify(dir, VerifyOptions{})
	if err != nil || v.Segments != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}
