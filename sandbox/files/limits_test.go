//go:build linux || darwin

package files_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/moat-lang/moat/sandbox/files"
)

// handle opens a file that a test needs.
func handle(t *testing.T, fsys *files.FS, path string, flag sys.Oflag) sys.File {
	t.Helper()
	f, errno := fsys.OpenFile(path, flag, 0)
	if errno != 0 {
		t.Fatalf("open %s: %v", path, errno)
	}
	return f
}

func TestMaxOpen(t *testing.T) {
	root := tree(t, map[string]string{"a": "a", "d/f": "f"})
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit, MaxOpen: 2})
	mount := handle(t, fsys, ".", sys.O_RDONLY) // wazero's own doesn't count
	a, d := handle(t, fsys, "a", sys.O_RDONLY), handle(t, fsys, "d", sys.O_RDONLY)
	for path, want := range map[string]sys.Errno{"a": sys.EAGAIN, "d": sys.EAGAIN, ".": sys.ENOENT} {
		if errno := opening(sys.O_RDONLY)(fsys, path); errno != want {
			t.Errorf("open one more, %s: %v, want %v", path, errno, want)
		}
	}
	if errno := opening(sys.O_RDWR|sys.O_CREAT|sys.O_TRUNC)(fsys, "a"); errno != sys.EAGAIN {
		t.Errorf("truncate: %v, want EAGAIN", errno)
	}
	if data, _ := os.ReadFile(filepath.Join(root, "a")); string(data) != "a" {
		t.Error("a file was truncated that couldn't be opened")
	}
	for range 2 { // closing twice frees one place
		d.Close()
	}
	b := handle(t, fsys, "a", sys.O_RDONLY)
	if errno := opening(sys.O_RDONLY)(fsys, "a"); errno != sys.EAGAIN {
		t.Errorf("open one more: %v, want EAGAIN", errno)
	}
	for _, h := range []sys.File{mount, a, b} {
		if errno := h.Close(); errno != 0 {
			t.Error(errno)
		}
		if errno := h.Close(); errno != sys.EBADF {
			t.Errorf("close again: %v, want EBADF", errno)
		}
	}
}

func TestMaxWritten(t *testing.T) {
	const free = 100
	for _, tt := range []struct {
		what string
		do   func(f sys.File) sys.Errno
		want int64 // how much of the bound it takes, of what is there for it
	}{
		{"write", func(f sys.File) sys.Errno { _, errno := f.Write(make([]byte, 60)); return errno }, 60},
		{"overwrite", func(f sys.File) sys.Errno { _, errno := f.Pwrite(make([]byte, 5), 0); return errno }, 5},
		{"write past the end", func(f sys.File) sys.Errno { _, errno := f.Pwrite(make([]byte, 1), 59); return errno }, 55},
		{"grow", func(f sys.File) sys.Errno { return f.Truncate(60) }, 55},
		{"shrink", func(f sys.File) sys.Errno { return f.Truncate(1) }, 0},
		{"too much", func(f sys.File) sys.Errno { _, errno := f.Write(make([]byte, free+1)); return errno }, -1},
		{"too far", func(f sys.File) sys.Errno { _, errno := f.Pwrite(make([]byte, 1), free+10); return errno }, -1},
		{"grow too much", func(f sys.File) sys.Errno { return f.Truncate(1 << 40) }, -1},
		{"grow most", func(f sys.File) sys.Errno { return f.Truncate(math.MaxInt64) }, -1},
		{"append", func(f sys.File) sys.Errno {
			if errno := f.SetAppend(true); errno != 0 {
				return errno
			}
			_, errno := f.Write(make([]byte, 7))
			return errno
		}, 7},
	} {
		t.Run(tt.what, func(t *testing.T) {
			root := tree(t, map[string]string{"f": "12345"})
			fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit, MaxWritten: free})
			f := handle(t, fsys, "f", sys.O_RDWR)
			errno := tt.do(f)
			if tt.want < 0 {
				if errno != sys.EIO {
					t.Errorf("%v, want EIO", errno)
				}
				if data, _ := os.ReadFile(filepath.Join(root, "f")); string(data) != "12345" {
					t.Errorf("the file is %q", data)
				}
				return
			}
			if errno != 0 {
				t.Fatal(errno)
			}
			left := free - tt.want
			if _, errno := f.Pwrite(make([]byte, left+1), 0); errno != sys.EIO {
				t.Errorf("one byte too many: %v, want EIO", errno)
			}
		})
	}
}

// A guest that makes empty files fills a disk too.
func TestMaxCreated(t *testing.T) {
	root := tree(t, nil)
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit, MaxWritten: 3*files.CreateCost + 1})
	made := 0
	for i := range 10 {
		if fsys.Mkdir(fmt.Sprint("d", i), 0) == 0 {
			made++
		}
		if opening(sys.O_WRONLY|sys.O_CREAT)(fsys, fmt.Sprint("f", i)) == 0 {
			made++
		}
	}
	if made != 3 {
		t.Errorf("made %d names, want 3", made)
	}
}

func TestMaxEntries(t *testing.T) {
	contents := map[string]string{}
	for i := range 600 {
		contents[fmt.Sprintf("big/%03d", i)] = ""
	}
	root := tree(t, contents)
	d := handle(t, open(t, files.Dir{Path: root}, files.Options{Ask: permit, MaxEntries: 600}), "big", sys.O_DIRECTORY)
	var names []string
	for {
		list, errno := d.Readdir(7)
		if errno != 0 {
			t.Fatal(errno)
		}
		for _, e := range list {
			names = append(names, e.Name)
			if e.Ino == 0 || e.Type != 0 {
				t.Errorf("entry %+v", e)
			}
		}
		if len(list) < 7 {
			break
		}
	}
	if len(names) != 600 || !slices.IsSorted(names) {
		t.Errorf("%d names, sorted %v", len(names), slices.IsSorted(names))
	}

	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: permit, MaxEntries: 599})
	if _, errno := handle(t, fsys, "big", sys.O_DIRECTORY).Readdir(1); errno != sys.ERANGE {
		t.Errorf("list too many: %v, want ERANGE", errno)
	}
	if errno := opening(sys.O_RDONLY)(fsys, "big/000"); errno != 0 {
		t.Errorf("open one of too many: %v", errno)
	}
}

// Names that no guest can say are left out, and nothing goes wrong.
func TestListOddNames(t *testing.T) {
	root := tree(t, map[string]string{"good": "", "a b": ""})
	for _, odd := range []string{"a\nb", "a\\b", "\xff", "e\u0301", "%2e%2e", "\u202e", "-\x1b[31m"} {
		if err := os.WriteFile(filepath.Join(root, odd), nil, 0o644); err != nil && runtime.GOOS == "linux" {
			t.Fatal(err)
		}
	}
	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: permit})
	if diff := cmp.Diff([]string{"a b", "good"}, entries(t, fsys, ".")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRewind(t *testing.T) {
	root := tree(t, map[string]string{"d/a": ""})
	d := handle(t, open(t, files.Dir{Path: root}, files.Options{Ask: permit}), "d", sys.O_DIRECTORY)
	d.Readdir(-1)
	must(t, os.WriteFile(filepath.Join(root, "d/b"), nil, 0o644))
	if list, errno := d.Readdir(-1); len(list) != 0 || errno != 0 {
		t.Errorf("at the end: %v, %v", list, errno)
	}
	if _, errno := d.Seek(1, io.SeekStart); errno != sys.EINVAL {
		t.Errorf("seek elsewhere: %v", errno)
	}
	if _, errno := d.Seek(0, io.SeekStart); errno != 0 {
		t.Error(errno)
	}
	if list, errno := d.Readdir(-1); len(list) != 2 || errno != 0 {
		t.Errorf("again: %v, %v", list, errno)
	}
	must(t, os.RemoveAll(filepath.Join(root, "d")))
	d.Seek(0, io.SeekStart)
	if _, errno := d.Readdir(-1); errno != sys.ENOENT {
		t.Errorf("of what is removed: %v, want ENOENT", errno)
	}
}

func TestCharge(t *testing.T) {
	root := tree(t, map[string]string{"f": "12345", "d/f": ""})
	var charged, left int64 = 0, math.MaxInt64
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit, Charge: func(bytes int64) error {
		if bytes > left {
			return errors.New("spent")
		}
		left -= bytes
		charged += bytes
		return nil
	}})
	f, d := handle(t, fsys, "f", sys.O_RDWR), handle(t, fsys, "d", sys.O_DIRECTORY)
	calls := []struct {
		what string
		do   func() sys.Errno
		want int64
	}{
		{"open", func() sys.Errno { return opening(sys.O_RDONLY)(fsys, "f") }, files.CallCost},
		{"create", func() sys.Errno { return opening(sys.O_RDWR|sys.O_CREAT)(fsys, "new") }, files.CallCost},
		{"stat", func() sys.Errno { _, errno := fsys.Stat("f"); return errno }, files.CallCost},
		{"fstat", func() sys.Errno { _, errno := f.Stat(); return errno }, files.CallCost},
		{"read", func() sys.Errno { _, errno := f.Read(make([]byte, 1000)); return errno }, 1000},
		{"pread", func() sys.Errno { _, errno := f.Pread(make([]byte, 1000), 2); return errno }, 1000},
		{"write", func() sys.Errno { _, errno := f.Write(make([]byte, 1000)); return errno }, 1000},
		{"pwrite", func() sys.Errno { _, errno := f.Pwrite(make([]byte, 1000), 0); return errno }, 1000},
		{"truncate", func() sys.Errno { return f.Truncate(5) }, files.CallCost},
		{"sync", f.Sync, files.SyncCost},
		{"datasync", f.Datasync, files.SyncCost},
		{"mkdir", func() sys.Errno { return fsys.Mkdir("made", 0) }, files.CallCost},
		{"rmdir", func() sys.Errno { return fsys.Rmdir("made") }, files.CallCost},
		{"rename", func() sys.Errno { return fsys.Rename("new", "newer") }, 2 * files.CallCost},
		{"unlink", func() sys.Errno { return fsys.Unlink("newer") }, files.CallCost},
	}
	for _, c := range calls {
		charged = 0
		if errno := c.do(); errno != 0 {
			t.Errorf("%s: %v", c.what, errno)
		}
		if charged != c.want {
			t.Errorf("%s charges %d, want %d", c.what, charged, c.want)
		}
	}
	charged = 0
	if _, errno := d.Readdir(-1); errno != 0 || charged <= files.CallCost {
		t.Errorf("list: %v, charges %d", errno, charged)
	}

	left = 10
	d.Seek(0, io.SeekStart)
	before := snapshot(t, root)
	for _, c := range calls {
		if errno := c.do(); errno != sys.EIO {
			t.Errorf("%s with nothing left: %v, want EIO", c.what, errno)
		}
	}
	if _, errno := d.Readdir(-1); errno != sys.EIO {
		t.Errorf("list with nothing left: %v", errno)
	}
	if diff := cmp.Diff(before, snapshot(t, root)); diff != "" {
		t.Errorf("not charged, and yet done (-before +after):\n%s", diff)
	}
}

// Close gives back every descriptor, whatever the guest left open, also while it goes on.
func TestConcurrentClose(t *testing.T) {
	count := func() int {
		list, err := os.ReadDir("/dev/fd")
		must(t, err)
		return len(list)
	}
	root := tree(t, map[string]string{"f": "12345", "d/f": "x"})
	before := count()
	for range 20 {
		fsys, err := files.Open(files.Dir{Path: root, Write: true}, files.Options{Ask: permit, MaxWritten: 1 << 30})
		must(t, err)
		left := handle(t, fsys, "f", sys.O_RDONLY)
		handle(t, fsys, "d", sys.O_RDONLY)
		started := make(chan struct{})
		var guest sync.WaitGroup
		guest.Go(func() {
			for i := range 500 {
				if i == 10 {
					close(started)
				}
				f, errno := fsys.OpenFile("d/f", sys.O_RDWR, 0)
				if errno != 0 {
					continue
				}
				f.Read(make([]byte, 10))
				f.Write([]byte("y"))
				f.Close()
				fsys.Stat("d")
			}
		})
		<-started
		must(t, fsys.Close())
		must(t, fsys.Close())
		if _, errno := left.Read(make([]byte, 1)); errno != sys.EBADF {
			t.Errorf("read after Close: %v, want EBADF", errno)
		}
		if errno := opening(sys.O_RDONLY)(fsys, "f"); errno != sys.EBADF {
			t.Errorf("open after Close: %v, want EBADF", errno)
		}
		if errno := opening(sys.O_RDONLY)(fsys, "."); errno != sys.ENOENT { // anything else makes wazero panic
			t.Errorf("open the mount after Close: %v, want ENOENT", errno)
		}
		guest.Wait()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

// Directories of one guest share what is bounded: what is open, written and held is one sum.
func TestSharedBudget(t *testing.T) {
	var a, b *files.FS
	budget := new(files.Budget)
	for _, f := range []**files.FS{&a, &b} {
		*f = open(t, files.Dir{Path: tree(t, map[string]string{"x": "x", "d/1": "", "d/2": "", "d/3": ""}), Write: true}, files.Options{Ask: permit, Budget: budget, MaxOpen: 3, MaxWritten: 2 * files.CreateCost, MaxEntries: 5})
	}
	one, first, second := handle(t, a, "x", sys.O_RDONLY), handle(t, a, "d", sys.O_DIRECTORY), handle(t, b, "d", sys.O_DIRECTORY)
	if _, errno := b.OpenFile("x", sys.O_RDONLY, 0); errno != sys.EAGAIN {
		t.Errorf("a fourth handle: %v", errno)
	}
	if names, errno := first.Readdir(-1); errno != 0 || len(names) != 3 {
		t.Errorf("%v %v", names, errno)
	}
	if _, errno := second.Readdir(-1); errno != sys.ERANGE {
		t.Errorf("six names held: %v", errno)
	}
	if errno := first.Close(); errno != 0 {
		t.Error(errno)
	}
	if names, errno := second.Readdir(-1); errno != 0 || len(names) != 3 {
		t.Errorf("after the first is closed: %v %v", names, errno)
	}
	if errno := one.Close(); errno != 0 {
		t.Error(errno)
	}
	for i, f := range []*files.FS{a, b, a} {
		errno := f.Mkdir("new"+string(rune('0'+i)), 0o700)
		if want := []sys.Errno{0, 0, sys.EIO}[i]; errno != want {
			t.Errorf("directory %d: %v", i, errno)
		}
	}
	// The mount's own handle, which wazero opens, counts for nothing, nor does closing it.
	for range 2 {
		own := handle(t, b, ".", sys.O_DIRECTORY)
		if errno := own.Close(); errno != 0 {
			t.Error(errno)
		}
	}
	handle(t, b, "x", sys.O_RDONLY)
	handle(t, b, "x", sys.O_RDONLY)
	if _, errno := a.OpenFile("x", sys.O_RDONLY, 0); errno != sys.EAGAIN {
		t.Errorf("a fourth handle after closing the mounts': %v", errno)
	}
	if err := b.Close(); err != nil { // gives back what was left open
		t.Error(err)
	}
	for range 3 {
		handle(t, a, "x", sys.O_RDONLY)
	}
}
