//go:build linux || darwin

package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"

	"github.com/moat-lang/moat/resource"
)

func TestS03Admit(t *testing.T) {
	const here, elsewhere = 7, 8
	for _, tt := range []struct {
		what string
		st   unix.Stat_t
		dev  uint64
		want kind
	}{
		{"a file", unix.Stat_t{Dev: here, Mode: unix.S_IFREG | 0o644, Nlink: 1}, here, regular},
		{"a directory", unix.Stat_t{Dev: here, Mode: unix.S_IFDIR | 0o755, Nlink: 5}, here, directory},
		{"a hard link", unix.Stat_t{Dev: here, Mode: unix.S_IFREG | 0o644, Nlink: 2}, here, foreign},
		{"a file that is removed", unix.Stat_t{Dev: here, Mode: unix.S_IFREG | 0o644, Nlink: 0}, here, foreign},
		{"a file of another mount", unix.Stat_t{Dev: elsewhere, Mode: unix.S_IFREG | 0o644, Nlink: 1}, here, foreign},
		{"a mount", unix.Stat_t{Dev: elsewhere, Mode: unix.S_IFDIR | 0o755, Nlink: 5}, here, foreign},
		{"a symbolic link", unix.Stat_t{Dev: here, Mode: unix.S_IFLNK | 0o777, Nlink: 1}, here, foreign},
		{"a pipe", unix.Stat_t{Dev: here, Mode: unix.S_IFIFO | 0o644, Nlink: 1}, here, foreign},
		{"a socket", unix.Stat_t{Dev: here, Mode: unix.S_IFSOCK | 0o644, Nlink: 1}, here, foreign},
		{"a character device", unix.Stat_t{Dev: here, Mode: unix.S_IFCHR | 0o644, Nlink: 1}, here, foreign},
		{"a block device", unix.Stat_t{Dev: here, Mode: unix.S_IFBLK | 0o644, Nlink: 1}, here, foreign},
		{"nothing", unix.Stat_t{Dev: here}, here, foreign},
	} {
		if got := admit(&tt.st, tt.dev); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.what, got, tt.want)
		}
	}
}

// openHere opens a new directory with some empty files, everything permitted.
func openHere(t *testing.T, names ...string) (*FS, string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(Dir{Path: root, Write: true}, Options{Ask: func(string, resource.Name) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, root
}

// A device is refused by what is told of it before it is opened: the file here would open.
func TestS03InjectedDevice(t *testing.T) {
	f, _ := openHere(t, "tape")
	f.statAt = func(dir int, base string, st *unix.Stat_t) error {
		err := fstatat(dir, base, st)
		st.Mode = unix.S_IFCHR | 0o666
		return err
	}
	for _, flag := range []sys.Oflag{sys.O_RDONLY, sys.O_RDWR, sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC} {
		if _, errno := f.OpenFile("tape", flag, 0); errno != sys.EPERM {
			t.Errorf("open: %v, want EPERM", errno)
		}
	}
	if errno := f.Unlink("tape"); errno != sys.EPERM {
		t.Errorf("unlink: %v, want EPERM", errno)
	}
}

// A mount inside of the directory is another file system.
func TestS03InjectedMount(t *testing.T) {
	f, _ := openHere(t, "sub/f")
	f.dev++ // so that everything is elsewhere
	for _, name := range []string{"sub", "sub/f"} {
		if _, errno := f.Stat(name); errno == 0 {
			t.Errorf("stat %s: not refused", name)
		}
	}
}

// Nothing is made in a mount inside of the directory: there is nothing to look at in it, so the way to it has to be looked at.
func TestS03InjectedMountOnTheWay(t *testing.T) {
	f, root := openHere(t, "sub/deeper/f")
	f.dev++ // so that everything is elsewhere
	for _, dir := range []string{"sub/", "sub/deeper/"} {
		if errno := f.Mkdir(dir+"dir", 0o700); errno != sys.ENOTDIR {
			t.Errorf("mkdir %sdir: %v, want ENOTDIR", dir, errno)
		}
		for _, flag := range []sys.Oflag{sys.O_WRONLY | sys.O_CREAT, sys.O_WRONLY | sys.O_CREAT | sys.O_EXCL} {
			if _, errno := f.OpenFile(dir+"file", flag, 0o600); errno != sys.ENOTDIR {
				t.Errorf("create %sfile, flags %#x: %v, want ENOTDIR", dir, flag, errno)
			}
		}
		for _, name := range []string{"dir", "file"} {
			if _, err := os.Lstat(filepath.Join(root, dir, name)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s%s was made: %v", dir, name, err)
			}
		}
	}
}

// Something else takes a file's place just after the guest's call has looked at it. TestS03RenameRace seldom gets in between.
func TestS03SwappedAfterTheLook(t *testing.T) {
	for what, put := range map[string]func(outside, path string) error{
		"a link":      os.Symlink,
		"a hard link": os.Link,
		"a pipe":      func(_, path string) error { return unix.Mkfifo(path, 0o666) },
		"a directory": func(_, path string) error { return os.Mkdir(path, 0o777) },
		"a setuid one": func(_, path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o644), os.Chmod(path, 0o755|fs.ModeSetuid))
		},
	} {
		for _, flag := range []sys.Oflag{sys.O_RDONLY, sys.O_WRONLY, sys.O_RDWR | sys.O_TRUNC, sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC} {
			if what == "a setuid one" && flag == sys.O_RDONLY {
				continue // may be read
			}
			f, root := openHere(t, "file")
			outside := filepath.Join(t.TempDir(), "outside")
			if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
				t.Fatal(err)
			}
			f.statAt = func(dir int, base string, st *unix.Stat_t) error {
				err := fstatat(dir, base, st)
				if base == "file" && err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
					if err := errors.Join(os.Remove(filepath.Join(root, "file")), put(outside, filepath.Join(root, "file"))); err != nil {
						t.Error(err)
					}
				}
				return err
			}
			done := make(chan sys.Errno, 1)
			go func() {
				_, errno := f.openRegular(name{parts: []string{"file"}, on: f.mount}, modeOf(flag))
				done <- errno
			}()
			select {
			case errno := <-done:
				if errno == 0 {
					t.Errorf("%s, flags %#x: opened", what, flag)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s, flags %#x: hangs", what, flag)
			}
			if data, err := os.ReadFile(outside); err != nil || string(data) != "secret" {
				t.Errorf("%s, flags %#x: outside is %q, %v", what, flag, data, err)
			}
		}
	}
}

// Where a file system folds case, a file has as many names as its letters have cases. A rule is about one.
func TestS03FoldedCase(t *testing.T) {
	f, root := openHere(t, "secret.md", "Mixed.md", "2024", "twin", "TWIN")
	f.statAt = func(dir int, base string, st *unix.Stat_t) error {
		// as such a file system does, but for the twins, which only one that tells them apart can have
		if strings.EqualFold(base, "twin") {
			return fstatat(dir, base, st)
		}
		list, err := os.ReadDir(root)
		if err != nil {
			return err
		}
		for _, e := range list {
			if strings.EqualFold(e.Name(), base) {
				base = e.Name()
			}
		}
		return fstatat(dir, base, st)
	}
	want := map[string]sys.Errno{
		"secret.md": 0, "Mixed.md": 0, "2024": 0, "twin": 0, "TWIN": 0,
		"SECRET.md": sys.EPERM, "Secret.MD": sys.EPERM, "mixed.md": sys.EPERM, "Twin": sys.ENOENT, "none": sys.ENOENT,
	}
	got := map[string]sys.Errno{}
	for name := range want {
		_, got[name] = f.Stat(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stat (-want +got):\n%s", diff)
	}
	if _, errno := f.OpenFile("SECRET.md", sys.O_RDWR|sys.O_CREAT, 0); errno != sys.EPERM {
		t.Errorf("create: %v, want EPERM", errno)
	}
	f.opts.MaxEntries = 2 // too many names to tell
	if _, errno := f.Stat("secret.md"); errno != sys.EPERM {
		t.Errorf("stat where it can't be told: %v, want EPERM", errno)
	}
}
