//go:build linux || darwin

package files_test

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"github.com/moat-lang/moat/sandbox/files"
)

func TestReadWriteSeek(t *testing.T) {
	root := tree(t, map[string]string{"f": "0123456789"})
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit})
	f := handle(t, fsys, "f", sys.O_RDWR)
	read := func(n int) string {
		buf := make([]byte, n)
		n, errno := f.Read(buf)
		if errno != 0 {
			t.Error(errno)
		}
		return string(buf[:n])
	}
	var got []string
	got = append(got, read(3), read(3), read(100), read(1))
	for _, s := range []struct {
		offset int64
		whence int
		pos    int64
		errno  sys.Errno
	}{
		{-2, io.SeekEnd, 8, 0}, {-3, io.SeekCurrent, 5, 0}, {2, io.SeekStart, 2, 0}, {-1, io.SeekStart, 0, sys.EINVAL},
		{-3, io.SeekCurrent, 0, sys.EINVAL}, {math.MaxInt64, io.SeekCurrent, 0, sys.EINVAL}, {math.MinInt64, io.SeekEnd, 0, sys.EINVAL}, {0, 3, 0, sys.EINVAL},
	} {
		if pos, errno := f.Seek(s.offset, s.whence); pos != s.pos || errno != s.errno {
			t.Errorf("Seek(%d, %d): %d, %v; want %d, %v", s.offset, s.whence, pos, errno, s.pos, s.errno)
		}
	}
	f.Write([]byte("ab"))
	got = append(got, read(2))
	f.Pwrite([]byte("Z"), 9)
	f.SetAppend(true)
	f.Write([]byte("end"))
	got = append(got, read(1))
	f.SetAppend(false)
	f.Seek(0, io.SeekStart)
	f.Write([]byte("A"))
	data, err := os.ReadFile(filepath.Join(root, "f"))
	must(t, err)
	got = append(got, string(data))
	if diff := cmp.Diff([]string{"012", "345", "6789", "", "45", "", "A1ab45678Zend"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, off := range []int64{-1, math.MinInt64} {
		if _, errno := f.Pread(make([]byte, 1), off); errno != sys.EINVAL {
			t.Errorf("Pread at %d: %v", off, errno)
		}
	}
	for _, off := range []int64{-1, math.MaxInt64} {
		if _, errno := f.Pwrite(make([]byte, 1), off); errno != sys.EINVAL {
			t.Errorf("Pwrite at %d: %v", off, errno)
		}
	}
	if errno := f.Truncate(-1); errno != sys.EINVAL {
		t.Errorf("Truncate(-1): %v", errno)
	}
}

// What was opened for one thing doesn't do the other.
func TestAccess(t *testing.T) {
	root := tree(t, map[string]string{"f": "secret"})
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit})
	r, w := handle(t, fsys, "f", sys.O_RDONLY|sys.O_APPEND), handle(t, fsys, "f", sys.O_WRONLY)
	buf := make([]byte, 6)
	for what, do := range map[string]func() (int, sys.Errno){
		"read":     func() (int, sys.Errno) { return w.Read(buf) },
		"pread":    func() (int, sys.Errno) { return w.Pread(buf, 0) },
		"write":    func() (int, sys.Errno) { return r.Write(buf) },
		"pwrite":   func() (int, sys.Errno) { return r.Pwrite(buf, 0) },
		"truncate": func() (int, sys.Errno) { return 0, r.Truncate(0) },
		"readdir":  func() (int, sys.Errno) { _, errno := r.Readdir(1); return 0, errno },
	} {
		if n, errno := do(); n != 0 || errno != sys.EBADF {
			t.Errorf("%s: %d, %v; want EBADF", what, n, errno)
		}
	}
	if errno := r.Utimens(0, 0); errno != sys.EPERM {
		t.Errorf("utimens: %v", errno)
	}
}

// A guest learns the kind, the size and one time.
func TestStat(t *testing.T) {
	root := tree(t, map[string]string{"f": "12345", "d/f": ""})
	when := time.Unix(1_700_000_000, 5)
	must(t, os.Chmod(filepath.Join(root, "f"), 0o777))
	for _, name := range []string{"f", "d"} {
		must(t, os.Chtimes(filepath.Join(root, name), time.Now(), when))
	}
	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: permit})
	inodes := map[wasys.Inode]string{}
	for name, want := range map[string]wasys.Stat_t{
		"f": {Mode: 0o600, Nlink: 1, Size: 5},
		"d": {Mode: os.ModeDir | 0o700, Nlink: 1},
	} {
		want.Atim, want.Mtim, want.Ctim = when.UnixNano(), when.UnixNano(), when.UnixNano()
		got, errno := fsys.Stat(name)
		if errno != 0 {
			t.Fatal(errno)
		}
		if other, ok := inodes[got.Ino]; ok || got.Ino == 0 {
			t.Errorf("%s has the inode %d, as has %q", name, got.Ino, other)
		}
		inodes[got.Ino] = name
		want.Ino = got.Ino
		h := handle(t, fsys, name, sys.O_RDONLY)
		fromHandle, errno := h.Stat()
		if errno != 0 {
			t.Fatal(errno)
		}
		if diff := cmp.Diff([]wasys.Stat_t{want, want}, []wasys.Stat_t{got, fromHandle}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if ino, _ := h.Ino(); ino != got.Ino {
			t.Errorf("%s has the inode %d, and opened %d", name, got.Ino, ino)
		}
		if dev, _ := h.Dev(); dev != 0 {
			t.Errorf("%s is on the device %d", name, dev)
		}
	}
}
