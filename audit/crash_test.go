package audit

import (
	"bufio"
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("MOAT_AUDIT_CRASH_DIR"); dir != "" {
		crashChild(dir)
	}
	os.Exit(m.Run())
}

// crashChild appends from several goroutines until it is killed, and prints what was acknowledged.
func crashChild(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	key, err := ParseKey(os.Getenv("MOAT_AUDIT_CRASH_KEY"))
	if err != nil {
		fail(err)
	}
	l, err := Open(dir, Options{Key: key, SegmentBytes: 30_000, CheckpointRecords: 50})
	if err != nil {
		fail(err)
	}
	fmt.Println("open")
	var mu sync.Mutex
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				t, err := l.Append(context.Background(), &Alert{Monitor: name, Detail: Shown(strings.Repeat("x", i%500))})
				if err != nil {
					fail(err)
				}
				mu.Lock()
				os.Stdout.WriteString(fmt.Sprintf("%d %s\n", t.Index, name)) // one write, whole or not at all
				mu.Unlock()
			}
		}()
	}
	select {}
}

// A process that appends under load is killed again and again. After each time the log opens, everything that was acknowledged is in it, at its place, once,
// and the chain and the last checkpoint hold. MOAT_AUDIT_KILLS sets how often; 200 by default.
func TestCrashKilled(t *testing.T) {
	kills := 200
	if s := os.Getenv("MOAT_AUDIT_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := GenerateKey("example.com/log")
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ParseKey(secret)
	dir := filepath.Join(t.TempDir(), "log")
	acked := map[uint64]string{}
	r := rand.New(rand.NewSource(time.Now().UnixNano()))
	torn := 0
	for range kills {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "MOAT_AUDIT_CRASH_DIR="+dir, "MOAT_AUDIT_CRASH_KEY="+secret)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		if !in.Scan() || in.Text() != "open" {
			t.Fatalf("the log doesn't open after a crash: %q", in.Text())
		}
		timer := time.AfterFunc(time.Duration(r.Intn(25_000))*time.Microsecond, func() { cmd.Process.Kill() })
		for in.Scan() {
			index, name, _ := strings.Cut(in.Text(), " ")
			n, err := strconv.ParseUint(index, 10, 64)
			if err != nil || acked[n] != "" {
				t.Fatalf("acknowledged twice, or nonsense: %q", in.Text())
			}
			acked[n] = name
		}
		timer.Stop()
		cmd.Wait()
	}
	l := mustOpen(t, dir, Options{Key: key})
	mustAppend(t, l, number(1))
	signed, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	verifySigned(t, dir, key, signed)
	seen := map[string]bool{}
	found := 0
	for rec, err := range Read(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := rec.Event.(type) {
		case *Alert:
			if seen[ev.Monitor] {
				t.Fatalf("%s is there twice", ev.Monitor)
			}
			seen[ev.Monitor] = true
			if name := acked[rec.Index]; name != "" {
				if name != ev.Monitor {
					t.Fatalf("entry %d is %s, and was acknowledged as %s", rec.Index, ev.Monitor, name)
				}
				found++
			}
		case *Recovery:
			torn++
		}
	}
	if found != len(acked) || found < kills {
		t.Errorf("%d of %d acknowledged events are in the log", found, len(acked))
	}
	t.Logf("%d kills, %d acknowledged events, %d torn lines", kills, found, torn)
}

// verifySigned verifies a log against a checkpoint of it.
func verifySigned(t testing.TB, dir string, key *Key, signed []byte) Verification {
	t.Helper()
	public, err := ParsePublic(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenCheckpoint(signed, public, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Verify(dir, VerifyOptions{Against: []*Signed{s}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// copyDir copies a log.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// The last record is torn at every byte. What was acknowledged before is there, the rest is kept aside, and the log goes on.
func TestCrashTornAtEveryByte(t *testing.T) {
	dir, opts := t.TempDir(), Options{Key: testKey(t), FS: &faultFS{FS: OS(), noSync: true}}
	l := mustOpen(t, dir, opts)
	mustAppend(t, l, number(0), number(1))
	before := l.Size()
	mustAppend(t, l, number(2))
	// As a crash leaves it: without the checkpoint that Close signs.
	crashed := copyDir(t, dir)
	mustClose(t, l)
	file := filepath.Join(crashed, segmentName(0))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(whole), "\n"), '\n') + 1
	for cut := last; cut <= len(whole); cut++ {
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		dir := copyDir(t, crashed)
		l := mustOpen(t, dir, opts)
		rec := l.Recovered()
		if complete := cut == last || cut == len(whole); (rec == nil) != complete {
			t.Fatalf("cut at %d of %d: recovered %+v", cut-last, len(whole)-last, rec)
		}
		if rec != nil {
			kept, err := os.ReadFile(filepath.Join(dir, rec.File))
			if err != nil || string(kept) != string(whole[last:cut]) {
				t.Fatalf("cut at %d: kept %q (%v)", cut-last, kept, err)
			}
		}
		mustAppend(t, l, number(3))
		signed, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
		verifySigned(t, dir, opts.Key, signed)
		want := "[0 1 3]"
		if cut == len(whole) {
			want = "[0 1 2 3]"
		}
		if got := fmt.Sprint(numbers(t, dir)); got != want {
			t.Fatalf("cut at %d: the log holds %s, want %s", cut-last, got, want)
		}
		if before != 3 {
			t.Fatal("the test's log isn't as it thinks")
		}
	}
}

// A crash while a segment begins leaves it empty, or with a part of its first line.
func TestCrashBetweenSegments(t *testing.T) {
	for _, left := range []string{"", `{"event":{"fo`} {
		dir, opts := t.TempDir(), Options{Key: testKey(t)}
		l := mustOpen(t, dir, opts)
		mustAppend(t, l, number(0))
		mustClose(t, l)
		size := l.Size()
		if err := os.WriteFile(filepath.Join(dir, segmentName(size)), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		l = mustOpen(t, dir, opts)
		if (l.Recovered() != nil) != (left != "") {
			t.Errorf("%q: recovered %+v", left, l.Recovered())
		}
		mustAppend(t, l, number(1))
		mustClose(t, l)
		if got := fmt.Sprint(numbers(t, dir)); got != "[0 1]" {
			t.Errorf("%q: %s", left, got)
		}
		if _, err := Verify(dir, VerifyOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// The stored tree is lost, cut or corrupted: it is made again from the records, and they have to yield the checkpoint's root.
func TestCrashLosesTree(t *testing.T) {
	dir, opts := t.TempDir(), Options{Key: testKey(t), FS: &faultFS{FS: OS(), noSync: true}}
	l := mustOpen(t, dir, opts)
	for i := range 700 {
		if _, err := l.Queue(number(i)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	size := l.Size()
	nodes, err := os.ReadFile(filepath.Join(dir, nodesFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"lost": nil, "cut": nodes[:len(nodes)/2], "longer": append(nodes[:len(nodes):len(nodes)], nodes...), "corrupt": append(nodes[:len(nodes)-32:len(nodes)-32], make([]byte, 32)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyDir(t, dir)
			if err := os.WriteFile(filepath.Join(dir, nodesFile), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			l := mustOpen(t, dir, opts)
			mustClose(t, l)
			got, err := os.ReadFile(filepath.Join(dir, nodesFile))
			if err != nil || string(got) != string(nodes) {
				t.Errorf("the tree has %d bytes, and had %d (%v)", len(got), len(nodes), err)
			}
			l = mustOpen(t, dir, opts)
			mustAppend(t, l, number(1))
			mustClose(t, l)
			tree, err := OpenTree(dir, size+2)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			if v, err := Verify(dir, VerifyOptions{}); err != nil || v.Root != tree.Root() {
				t.Errorf("%v, %v", v, err)
			}
		})
	}
}
