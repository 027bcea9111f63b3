package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A sample is a log of some hundred entries in several segments, as Close left it, and its last checkpoint, as somebody else kept it.
type sample struct {
	dir    string
	key    *Key
	signed *Signed
	note   []byte
	lines  [][]byte // of all segments
	first  []uint64 // indexes that segments begin with
}

func newSample(t testing.TB) *sample {
	t.Helper()
	s := &sample{dir: t.TempDir(), key: testKey(t)}
	l := mustOpen(t, s.dir, Options{Key: s.key, SegmentBytes: 7000, CheckpointRecords: 40, FS: &faultFS{FS: OS(), noSync: true}, Now: steadyClock()})
	for i := range 100 {
		ticket, err := l.Queue(&Effect{Action: "read", Outcome: "ok", Decision: uint64(i)})
		if err == nil && i%30 == 29 {
			err = ticket.Wait(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	var err error
	if s.note, err = os.ReadFile(filepath.Join(s.dir, checkpointFile)); err != nil {
		t.Fatal(err)
	}
	s.signed = s.open(t, s.note)
	if s.first, err = listSegments(OS(), s.dir); err != nil || len(s.first) < 3 {
		t.Fatal(s.first, err)
	}
	for line, err := range readLines(OS(), s.dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		s.lines = append(s.lines, bytes.Clone(line))
	}
	return s
}

func steadyClock() func() time.Time {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Millisecond); return now }
}

func (s *sample) open(t testing.TB, signed []byte) *Signed {
	t.Helper()
	public, err := ParsePublic(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenCheckpoint(signed, public, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// writeTo lays lines out over the segments as they were.
func (s *sample) writeTo(t testing.TB, dir string, lines [][]byte, tail string) {
	t.Helper()
	for i, first := range s.first {
		end := len(lines)
		if i+1 < len(s.first) {
			end = min(end, int(s.first[i+1]))
		}
		var data []byte
		if int(first) < end {
			data = append(bytes.Join(lines[first:end], []byte("\n")), '\n')
		}
		if i == len(s.first)-1 {
			data = append(data, tail...)
		}
		if err := os.WriteFile(filepath.Join(dir, segmentName(first)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// mustBreak verifies a log that was tampered with, and returns the entry that is named.
func (s *sample) mustBreak(t testing.TB, dir, what string) uint64 {
	t.Helper()
	_, err := Verify(dir, VerifyOptions{Against: []*Signed{s.signed}})
	var bad *BrokenError
	if !errors.As(err, &bad) {
		t.Fatalf("%s: %v", what, err)
	}
	return bad.Index
}

// copyNodes puts the stored tree beside a log that was tampered with.
func (s *sample) copyNodes(t testing.TB, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, nodesFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, nodesFile), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A01: every change of a byte is found, and the entry named that holds it.
func TestA01EveryByte(t *testing.T) {
	s := newSample(t)
	mem := readMem(t, s.dir)
	verify := func() error {
		_, err := Verify(s.dir, VerifyOptions{Against: []*Signed{s.signed}, FS: mem, Parallel: 1})
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for i, first := range s.first {
		data := mem.files[filepath.Join(s.dir, segmentName(first))]
		index := first
		for at, old := range data {
			data[at] ^= byte(1 + (at+i)%255)
			var bad *BrokenError
			if err := verify(); !errors.As(err, &bad) || bad.Index != index {
				t.Fatalf("byte %d of %s (%q) in entry %d: %v", at, segmentName(first), old, index, err)
			}
			data[at] = old
			if count++; old == '\n' {
				index++
			}
		}
	}
	t.Logf("%d bytes of %d entries", count, len(s.lines))
}

// A01: entries removed, inserted, swapped and duplicated, and segments.
func TestA01Entries(t *testing.T) {
	s := newSample(t)
	dir := t.TempDir()
	s.copyNodes(t, dir)
	n := len(s.lines)
	try := func(what string, want int, lines [][]byte) {
		t.Helper()
		s.writeTo(t, dir, lines, "")
		if got := s.mustBreak(t, dir, what); int(got) != want {
			t.Errorf("%s: entry %d is named, not %d", what, got, want)
		}
	}
	for i := range n {
		try(fmt.Sprint("remove ", i), i, slices.Delete(slices.Clone(s.lines), i, i+1))
		try(fmt.Sprint("duplicate ", i), min(i+1, n), slices.Insert(slices.Clone(s.lines), i, s.lines[i]))
		if i+1 < n {
			swapped := slices.Clone(s.lines)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			try(fmt.Sprint("swap ", i), i, swapped)
		}
		if i > 0 {
			var prev [32]byte
			body, err := appendEvent(nil, number(1), nil)
			if err != nil {
				t.Fatal(err)
			}
			prev = sha256.Sum256(s.lines[i-1])
			forged := appendTail(body, uint64(i), KindAlert, &prev, time.Unix(0, 0))
			try(fmt.Sprint("insert at ", i), i, slices.Insert(slices.Clone(s.lines), i, forged))
		}
	}
	for i, first := range s.first {
		dir := copyDir(t, s.dir)
		if err := os.Remove(filepath.Join(dir, segmentName(first))); err != nil {
			t.Fatal(err)
		}
		if got := s.mustBreak(t, dir, "a segment is missing"); got != first {
			t.Errorf("segment %d is missing: entry %d is named", first, got)
		}
		if i+1 < len(s.first) {
			dir := copyDir(t, s.dir)
			a, b := filepath.Join(dir, segmentName(first)), filepath.Join(dir, segmentName(s.first[i+1]))
			if err := errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)); err != nil {
				t.Fatal(err)
			}
			if got := s.mustBreak(t, dir, "segments are swapped"); got != first {
				t.Errorf("segments %d and %d are swapped: entry %d is named", first, s.first[i+1], got)
			}
		}
	}
}

// A01: a log whose chain was tampered with isn't gone on with.
func TestA01OpenRefuses(t *testing.T) {
	s := newSample(t)
	last := int(s.first[len(s.first)-1])
	for i := last; i < len(s.lines); i++ {
		lines := slices.Clone(s.lines)
		lines[i] = bytes.Replace(lines[i], []byte(`"kind"`), []byte(`"kine"`), 1)
		dir := copyDir(t, s.dir)
		s.writeTo(t, dir, lines, "")
		if l, err := Open(dir, Options{Key: s.key}); err == nil {
			l.Close()
			t.Errorf("entry %d was changed, and the log opens", i)
		}
	}
	lines := slices.Clone(s.lines)
	lines[len(lines)-1] = bytes.Replace(lines[len(lines)-1], []byte(`00Z`), []byte(`01Z`), 1) // the chain holds, nothing follows
	dir := copyDir(t, s.dir)
	s.writeTo(t, dir, lines, "")
	var bad *BrokenError
	if _, err := Open(dir, Options{Key: s.key}); !errors.As(err, &bad) || int(bad.Index) != len(lines)-1 {
		t.Errorf("the last entry was changed: %v", err)
	}
}

// A02: the tail is cut, at a line's end, inside a line, and below a checkpoint.
func TestA02CutTail(t *testing.T) {
	s := newSample(t)
	for _, keep := range []int{1, 5, int(s.first[1]), int(s.first[1]) + 1, int(s.first[2]) - 1, len(s.lines) - 2, len(s.lines) - 1} {
		for _, tail := range []string{"", string(s.lines[keep][:len(s.lines[keep])/2])} {
			dir := copyDir(t, s.dir)
			s.writeTo(t, dir, s.lines[:keep], "")
			if tail != "" {
				for i := len(s.first) - 1; i >= 0; i-- {
					name := filepath.Join(dir, segmentName(s.first[i]))
					if int(s.first[i]) < keep {
						f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
						if err != nil {
							t.Fatal(err)
						}
						f.WriteString(tail)
						f.Close()
						break
					}
				}
			}
			for _, first := range s.first { // segments that would be empty are gone
				if int(first) >= keep {
					os.Remove(filepath.Join(dir, segmentName(first)))
				}
			}
			if got := s.mustBreak(t, dir, "cut"); int(got) != keep {
				t.Errorf("cut to %d entries: entry %d is named", keep, got)
			}
			var before, after bytes.Buffer
			dump(t, dir, &before)
			var bad *BrokenError
			if _, err := Open(dir, Options{Key: s.key}); !errors.As(err, &bad) || int(bad.Index) != keep {
				t.Errorf("cut to %d entries: open says %v", keep, err)
			}
			if dump(t, dir, &after); !bytes.Equal(before.Bytes(), after.Bytes()) {
				t.Errorf("cut to %d entries: open changed the log though it refused it", keep)
			}
		}
	}
	// All of it.
	dir := copyDir(t, s.dir)
	for _, first := range s.first {
		os.Remove(filepath.Join(dir, segmentName(first)))
	}
	if _, err := Open(dir, Options{Key: s.key}); err == nil {
		t.Error("a log of which only the checkpoint is left was begun anew")
	}
}

// dump appends the segments of a log.
func dump(t testing.TB, dir string, to *bytes.Buffer) {
	t.Helper()
	segments, err := listSegments(OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range segments {
		data, err := os.ReadFile(filepath.Join(dir, segmentName(first)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(to, "%d %q\n", first, data)
	}
}

// rewrite builds a log from the events of another, but for changed ones, and signs it with the log's own key.
func (s *sample) rewrite(t testing.TB, change int) (string, []byte) {
	t.Helper()
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: s.key, SegmentBytes: 7000, CheckpointRecords: 1000, FS: &faultFS{FS: OS(), noSync: true}, CheckpointEvery: time.Hour, Now: steadyClock()})
	for r, err := range Read(s.dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := r.Event.(*Effect); ok {
			if int(r.Index) >= change {
				e.Outcome = "failed"
			}
			mustAppend(t, l, e)
		}
	}
	mustClose(t, l)
	note, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	return dir, note
}

// A03: whoever has the log's key rebuilds and signs all of it. By itself it verifies; against a checkpoint that somebody else saw, it doesn't.
func TestA03Rebuilt(t *testing.T) {
	s := newSample(t)
	dir, note := s.rewrite(t, 60)
	if _, err := Verify(dir, VerifyOptions{Against: []*Signed{s.open(t, note)}}); err != nil {
		t.Fatalf("the forged log is no consistent forgery: %v", err)
	}
	// It has grown past what the checkpoint covers: that something is missing isn't what gives it away.
	l := mustOpen(t, dir, Options{Key: s.key})
	for i := range 50 {
		mustAppend(t, l, number(i))
	}
	mustClose(t, l)
	if v, err := Verify(dir, VerifyOptions{}); err != nil || v.Size < s.signed.Size {
		t.Fatalf("%d records of %d, %v", v.Size, s.signed.Size, err)
	}
	s.mustBreak(t, dir, "a rebuilt log")
}

// A04: two logs of one key can't both satisfy a checkpoint, and a proof of consistency between them can't be had.
func TestA04Fork(t *testing.T) {
	s := newSample(t)
	dir, note := s.rewrite(t, 60)
	fork := s.open(t, note)
	public, _ := ParsePublic(s.key.Public())
	if fork.Root == s.signed.Root {
		t.Fatal("no fork")
	}
	for _, c := range []struct {
		dir  string
		good *Signed
		bad  *Signed
	}{{s.dir, s.signed, fork}, {dir, fork, s.signed}} {
		if _, err := Verify(c.dir, VerifyOptions{Against: []*Signed{c.good}}); err != nil {
			t.Error(err)
		}
		for _, against := range [][]*Signed{{c.bad}, {c.good, c.bad}, {c.bad, c.good}} {
			var bad *BrokenError
			if _, err := Verify(c.dir, VerifyOptions{Against: against}); !errors.As(err, &bad) {
				t.Errorf("the fork isn't seen: %v", err)
			}
		}
	}
	// At one size, two roots.
	if fork.Size <= s.signed.Size {
		proof, err := ProveConsistency(s.dir, fork.Size, s.note)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckConsistency(proof, fork, public, nil, 0); err == nil {
			t.Error("a fork is consistent")
		}
	}
	if proof, err := ProveInclusion(s.dir, 100, note); err == nil {
		if _, _, err := CheckInclusion(proof, public, nil, 0); err == nil {
			t.Error("a proof leads from one log to the other's checkpoint")
		}
	}
}

// A05: numbers that no double holds stay what they are.
func TestA05ExactNumbers(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t)})
	d := decision()
	d.Args = []Argument{{"amount", Shown("9007199254740993")}, {"price", Shown("0.1000000000000000055511151231257827")}}
	d.Sequence = 1<<64 - 1
	d.Facts.Time = time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.UTC)
	mustAppend(t, l, d)
	mustClose(t, l)
	for r, err := range Read(dir, 1) {
		if err != nil {
			t.Fatal(err)
		}
		got := r.Event.(*Decision)
		if got.Args[0].Text != "9007199254740993" || got.Args[1].Text != d.Args[1].Text || got.Sequence != d.Sequence || !got.Facts.Time.Equal(d.Facts.Time) {
			t.Errorf("%+v", got)
		}
		if !bytes.Contains(r.Line, []byte(`"full":"9007199254740993"`)) || !bytes.Contains(r.Line, []byte(`"sequence":"18446744073709551615"`)) {
			t.Errorf("%s", r.Line)
		}
		break
	}
}

// private is a decision with a digested and a redacted argument, in every place of which their values stand.
func private() *Decision {
	d := decision()
	d.Args = []Argument{
		{"body", Field{Mode: Digest, Text: `"swordfish"`}}, {"pin", Field{Text: "xyzzy"}}, {"to", Shown(`"bob@example.com"`)}, {"tags", Field{Mode: Digest, Text: `{"swordfish":["x"]}`}},
	}
	d.Facts.ValueOrigins = []Origin{{Shown("swordfish"), []string{"user"}}, {Shown("xyzzy"), []string{"crm"}}, {Shown("bob@example.com"), []string{"user"}}}
	d.Facts.Origins = []Origin{{Shown("/body"), []string{"user"}}, {Shown("/tags/swordfish/0"), []string{"user"}}, {Shown("/pin/xyzzy"), []string{"user"}}, {Shown("/nowhere/swordfish"), []string{"user"}}}
	d.Detail = Shown("args.body is swordfish")
	d.Errors = []RuleError{{"r", "rule_error", Shown("xyzzy isn't swordfish")}}
	d.Request.Digest = sha256.Sum256([]byte(`execute pay swordfish xyzzy`))
	d.Facts.Approvals = []ApprovalUse{{Rule: "r", By: "ann", Request: d.Request}}
	d.Used = d.Facts.Approvals
	return d
}

// A06: who has the log, and even every candidate for a digested or redacted value, finds no match: not by SHA-256 of the value, not through the digest of the
// request, not in what repeats the value. Who has the key of the segment can check a digest.
func TestA06Dictionary(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t), KeyDir: filepath.Join(t.TempDir(), "keys")})
	keys := l.opts.KeyDir
	mustAppend(t, l, private(), &Approval{Rule: "r", By: "ann", Request: RequestID{private().Request.Digest, true}},
		&Effect{Action: "send", Outcome: "ok", Resource: Field{Mode: Digest, Text: "https://x/?q=swordfish"}})
	mustClose(t, l)
	var text bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			data, err := os.ReadFile(path)
			text.Write(data)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"swordfish", "xyzzy"} {
		for _, form := range []string{word, `"` + word + `"`, `{"swordfish":["x"]}`, "execute pay swordfish xyzzy", "https://x/?q=swordfish", "args.body is swordfish"} {
			sum := sha256.Sum256([]byte(form))
			twice := sha256.Sum256(sum[:])
			zero := hmac.New(sha256.New, nil)
			zero.Write([]byte(form))
			for _, needle := range []string{word, hex.EncodeToString(sum[:]), hex.EncodeToString(twice[:]), hex.EncodeToString(zero.Sum(nil)), string(sum[:])} {
				if bytes.Contains(text.Bytes(), []byte(needle)) {
					t.Errorf("%q is found by %q", form, needle)
				}
			}
		}
	}
	var segment *Segment
	for r, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := r.Event.(type) {
		case *Segment:
			segment = ev
		case *Decision:
			key, err := readKey(OS(), keys, 0, segment.Key)
			if err != nil {
				t.Fatal(err)
			}
			if ev.Args[0].HMAC != key.sum(labelValue, `"swordfish"`) || ev.Facts.ValueOrigins[0].Of.HMAC != key.sum(labelValue, "swordfish") {
				t.Error("the digest isn't the HMAC under the segment's key")
			}
			if ev.Args[1].Field != (Field{redacted: true}) || ev.Args[2].Text != `"bob@example.com"` || !ev.Request.Keyed || ev.Detail.Text != "" {
				t.Errorf("%+v", ev)
			}
			if ev.Facts.Origins[0].Of.Text != "/body" {
				t.Errorf("the place of a whole argument is hidden: %+v", ev.Facts.Origins)
			}
		}
	}
	if _, err := Verify(dir, VerifyOptions{}); err != nil {
		t.Errorf("a log with private values doesn't verify: %v", err)
	}
}

// Digests of one value in two segments differ.
func TestA06KeysDiffer(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t), SegmentBytes: 1})
	for range 3 {
		mustAppend(t, l, private())
	}
	mustClose(t, l)
	seen := map[[32]byte]bool{}
	for r, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := r.Event.(*Decision); ok {
			seen[d.Args[0].HMAC], seen[d.Request.Digest] = true, true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d different digests in 3 segments", len(seen))
	}
}

// A07: control characters, bidirectional controls and line ends stand escaped in a line, or are no danger to whoever splits lines.
func TestA07ControlCharacters(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t)})
	hostile := "a\nb\r\x1b[31m\x00\u202e\u2028\u0085\"}\n{\"event\":{}}"
	d := decision()
	const plain = "a\x1b[31mb\r\x00" // nothing in it that JSON would escape otherwise
	d.Agent, d.Args = hostile, []Argument{{hostile, Shown(hostile)}, {"z", Shown(plain)}}
	mustAppend(t, l, d)
	mustClose(t, l)
	n := 0
	for r, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := r.Event.(*Decision); ok {
			n++
			if d.Agent != hostile || d.Args[0].Text != hostile || d.Args[1].Text != plain {
				t.Errorf("%q", d.Agent)
			}
		}
		for _, c := range r.Line {
			if c < ' ' {
				t.Errorf("the line holds %q", c)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d decisions", n)
	}
}

// P13: when the disk is full, a write is short, or a sync, a new segment, its key or a checkpoint fails, the append is an error and so is every later one.
// What was acknowledged before is there when the log is opened again, nothing else that was refused is, and it goes on.
func TestP13Faults(t *testing.T) {
	for name, c := range map[string]struct {
		opts   Options
		break_ func(f *faultFS)
	}{
		"disk full":           {Options{}, func(f *faultFS) { f.full, f.budget = true, 300 }},
		"disk full at once":   {Options{}, func(f *faultFS) { f.full = true }},
		"short write":         {Options{}, func(f *faultFS) { f.full, f.short, f.budget = true, true, 300 }},
		"sync fails":          {Options{}, func(f *faultFS) { f.fails = map[string]error{"sync": errDisk} }},
		"write fails":         {Options{}, func(f *faultFS) { f.fails = map[string]error{"write": errDisk} }},
		"new segment":         {Options{SegmentBytes: 1}, func(f *faultFS) { f.fails, f.only = map[string]error{"open": errDisk}, ".jsonl" }},
		"new segment's key":   {Options{SegmentBytes: 1}, func(f *faultFS) { f.fails, f.only = map[string]error{"open": errDisk}, ".key" }},
		"new segment's name":  {Options{SegmentBytes: 1}, func(f *faultFS) { f.fails = map[string]error{"syncdir": errDisk} }},
		"checkpoint":          {Options{CheckpointRecords: 1}, func(f *faultFS) { f.fails, f.only = map[string]error{"sync": errDisk}, "checkpoint" }},
		"checkpoint's rename": {Options{CheckpointRecords: 1}, func(f *faultFS) { f.fails = map[string]error{"rename": errDisk} }},
		"tree":                {Options{CheckpointRecords: 1}, func(f *faultFS) { f.fails, f.only = map[string]error{"write": errDisk}, "nodes" }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := &faultFS{FS: OS()}
			c.opts.Key, c.opts.FS = testKey(t), f
			l := mustOpen(t, dir, c.opts)
			mustAppend(t, l, number(0), number(1))
			f.set(c.break_)
			acked := []string{"0", "1"}
			atOnce := name == "disk full at once" || name == "sync fails" || name == "write fails"
			var failed *FailedError
			for i := 2; ; i++ {
				_, err := l.Append(context.Background(), number(i))
				if err != nil {
					if !errors.As(err, &failed) {
						t.Fatalf("%T %v", err, err)
					}
					break
				}
				if atOnce {
					t.Fatalf("append %d is acknowledged", i)
				}
				acked = append(acked, fmt.Sprint(i)) // a checkpoint fails beside the appends
				if i > 10_000 {
					t.Fatal("nothing failed")
				}
			}
			f.set(func(f *faultFS) { f.full, f.fails = false, nil }) // the disk has room again, but the log can't know
			for range 3 {
				if _, err := l.Append(context.Background(), number(99)); !errors.As(err, &failed) {
					t.Fatalf("an append after the failure: %v", err)
				}
			}
			if err := l.Close(); !errors.As(err, &failed) {
				t.Errorf("close: %v", err)
			}
			l = mustOpen(t, dir, c.opts)
			mustAppend(t, l, number(100))
			mustClose(t, l)
			if got, want := strings.Join(numbers(t, dir), " "), strings.Join(append(acked, "100"), " "); got != want {
				t.Errorf("the log holds %s, want %s", got, want)
			}
			if _, err := Verify(dir, VerifyOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// P13: all who wait for a batch that fails are told, and all who queued behind it.
func TestP13ConcurrentFailure(t *testing.T) {
	f := &faultFS{FS: OS()}
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t), FS: f})
	f.set(func(f *faultFS) { f.fails = map[string]error{"sync": errDisk} })
	errs := make(chan error, 64)
	for range 64 {
		go func() {
			_, err := l.Append(context.Background(), number(0))
			errs <- err
		}()
	}
	for range 64 {
		var failed *FailedError
		if err := <-errs; !errors.As(err, &failed) || !errors.Is(err, errDisk) {
			t.Errorf("%v", err)
		}
	}
	l.Close()
}

// A10: what a log that can't be written takes is bounded.
func TestBusy(t *testing.T) {
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t)})
	l.mu.Lock()
	l.batch.bodies = make([]byte, MaxPending+1)
	l.mu.Unlock()
	if _, err := l.Queue(number(1)); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	l.mu.Lock()
	l.batch.bodies = nil
	l.mu.Unlock()
	mustClose(t, l)
}

// A log that was busy when a checkpoint was due signs it later, and goes on to sign others.
func TestCheckpointAfterBusy(t *testing.T) {
	var l *Log
	opened, again := make(chan struct{}), make(chan struct{})
	calls := 0
	marks := func() []Mark {
		<-opened
		l.mu.Lock()
		defer l.mu.Unlock()
		switch calls++; calls {
		case 1:
			l.batch.bodies = make([]byte, MaxPending+1)
		case 2:
			l.batch.bodies = nil
			close(again)
		}
		return nil
	}
	l = mustOpen(t, t.TempDir(), Options{Key: testKey(t), CheckpointEvery: time.Millisecond, Marks: marks})
	close(opened)
	select {
	case <-again:
	case <-time.After(10 * time.Second):
		t.Error("no checkpoint after a busy one")
		l.mu.Lock()
		l.batch.bodies = nil
		l.mu.Unlock()
	}
	mustClose(t, l)
}

// A checkpoint that couldn't be made is tried again, whatever the reason, as long as the log takes records: what is queued is promised to be written by the next.
func TestCheckpointAfterError(t *testing.T) {
	bad := make(chan struct{}, 1)
	marks := func() []Mark {
		select {
		case <-bad:
			return []Mark{{Name: "b"}, {Name: "a"}} // not sorted: refused
		default:
			return nil
		}
	}
	f := &faultFS{FS: OS(), only: checkpointFile}
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t), FS: f, CheckpointEvery: 20 * time.Millisecond, Marks: marks})
	written := func() {
		t.Helper()
		ticket, err := l.Queue(number(7))
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); l.Size() <= ticket.Index; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("a queued record isn't written")
			}
		}
	}
	written()
	bad <- struct{}{}
	written()
	if len(bad) != 0 {
		t.Error("the marks weren't asked for")
	}

	mustAppend(t, l, number(1)) // so that the scheduler looks again, and finds nothing new to sign
	if _, err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	f.set(func(f *faultFS) { f.fails = map[string]error{"open": errDisk} })
	time.Sleep(50 * time.Millisecond)
	f.set(func(f *faultFS) { f.fails = nil })
	written()
	mustClose(t, l)
}

// A clock of the host's that panics, as adapters may, loses the record that was to be, and spoils no other.
func TestClockPanics(t *testing.T) {
	var panics atomic.Bool
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{Key: testKey(t), Now: func() time.Time {
		if panics.Swap(false) {
			panic("clock")
		}
		return time.Now()
	}})
	mustAppend(t, l, number(1))
	panics.Store(true)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		l.Queue(number(2))
	}()
	mustAppend(t, l, number(3))
	mustClose(t, l)
	if got := numbers(t, dir); !slices.Equal(got, []string{"1", "3"}) {
		t.Error(got)
	}
}

// While others queue much and wait for nothing, no more is gathered than the bound, and who waits is answered.
func TestGatherEnds(t *testing.T) {
	f := &faultFS{FS: OS(), noSync: true}
	l := mustOpen(t, t.TempDir(), Options{Key: testKey(t), FS: f, SegmentBytes: 1 << 40})
	var wg sync.WaitGroup
	ev := &Alert{Monitor: "m", Detail: Shown(strings.Repeat("x", 64<<10))}
	for range 2 {
		wg.Go(func() {
			for n := 0; n < 3000; {
				switch _, err := l.Queue(ev); {
				case err == nil:
					n++
				case !errors.Is(err, ErrBusy):
					t.Error(err)
					return
				}
			}
		})
	}
	queued := make(chan struct{})
	go func() { wg.Wait(); close(queued) }()
	for waiting := true; waiting; {
		if _, err := l.Append(context.Background(), number(1)); err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		select {
		case <-queued:
			waiting = false
		default:
		}
	}
	mustClose(t, l)
	if n := f.largest; n > maxGather+MaxPending+MaxLine {
		t.Errorf("%d bytes at once", n)
	}
}

// A stalledFile takes what is written, and its time to sync.
type stalledFile struct{ File }

func (stalledFile) Write(p []byte) (int, error) { return len(p), nil }
func (stalledFile) Sync() error                 { time.Sleep(2 * longestPause); return nil }

// A disk that was held up once doesn't have everybody wait as long again for others to come.
func TestStalledSync(t *testing.T) {
	w := &writer{file: stalledFile{}, out: []byte("x")}
	if err := w.sync(); err != nil || w.took != longestPause {
		t.Error(w.took, err)
	}
}
