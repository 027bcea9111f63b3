//go:build linux || darwin

package files_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/files"
)

// secret is what stands in the files that no guest may reach.
const secret = "TOP SECRET"

// attempts are all the ways to use a name.
var attempts = []struct {
	name string
	try  func(fsys *files.FS, path string) sys.Errno
}{
	{"read", opening(sys.O_RDONLY)},
	{"list", opening(sys.O_DIRECTORY)},
	{"follow not", opening(sys.O_NOFOLLOW)},
	{"write", opening(sys.O_WRONLY)},
	{"append", opening(sys.O_WRONLY | sys.O_APPEND)},
	{"truncate", opening(sys.O_RDWR | sys.O_TRUNC)},
	{"create", opening(sys.O_RDWR | sys.O_CREAT)},
	{"create and truncate", opening(sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC)},
	{"create only", opening(sys.O_RDWR | sys.O_CREAT | sys.O_EXCL)},
	{"stat", func(fsys *files.FS, path string) sys.Errno { _, errno := fsys.Stat(path); return errno }},
	{"lstat", func(fsys *files.FS, path string) sys.Errno { _, errno := fsys.Lstat(path); return errno }},
	{"mkdir", func(fsys *files.FS, path string) sys.Errno { return fsys.Mkdir(path, 0o777) }},
	{"unlink", func(fsys *files.FS, path string) sys.Errno { return fsys.Unlink(path) }},
	{"rmdir", func(fsys *files.FS, path string) sys.Errno { return fsys.Rmdir(path) }},
	{"rename from", func(fsys *files.FS, path string) sys.Errno { return fsys.Rename(path, "moved") }},
	{"rename to", func(fsys *files.FS, path string) sys.Errno { return fsys.Rename("in.txt", path) }},
	{"chmod", func(fsys *files.FS, path string) sys.Errno { return fsys.Chmod(path, 0o6777) }},
	{"utimens", func(fsys *files.FS, path string) sys.Errno { return fsys.Utimens(path, 0, 0) }},
	{"link from", func(fsys *files.FS, path string) sys.Errno { return fsys.Link(path, "linked") }},
	{"link to", func(fsys *files.FS, path string) sys.Errno { return fsys.Link("in.txt", path) }},
	{"symlink", func(fsys *files.FS, path string) sys.Errno { return fsys.Symlink("in.txt", path) }},
	{"readlink", func(fsys *files.FS, path string) sys.Errno { _, errno := fsys.Readlink(path); return errno }},
}

func opening(flag sys.Oflag) func(*files.FS, string) sys.Errno {
	return func(fsys *files.FS, path string) sys.Errno {
		f, errno := fsys.OpenFile(path, flag, 0o777)
		if errno == 0 {
			f.Close()
		}
		return errno
	}
}

// refuseAll makes every attempt on every name. Each must be refused soon, and leave the directory above the mount as it was.
func refuseAll(t *testing.T, root string, names ...string) {
	t.Helper()
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit})
	before := snapshot(t, filepath.Dir(root))
	for _, name := range names {
		for _, a := range attempts {
			var errno sys.Errno
			soon(t, a.name+" "+name, func() { errno = a.try(fsys, name) })
			if errno == 0 {
				t.Errorf("%s %q: not refused", a.name, name)
			}
			if errno == sys.EAGAIN || errno == sys.EBADF {
				t.Errorf("%s %q: %v", a.name, name, errno)
			}
		}
	}
	if diff := cmp.Diff(before, snapshot(t, filepath.Dir(root))); diff != "" {
		t.Errorf("something was changed (-before +after):\n%s", diff)
	}
}

// soon fails the test unless do returns within seconds.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

// snapshot describes everything below a directory.
func snapshot(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch info.Mode().Type() {
		case 0:
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			content = string(data)
		case fs.ModeSymlink:
			if content, err = os.Readlink(p); err != nil {
				return err
			}
		}
		all = append(all, fmt.Sprintf("%s %s %q", info.Mode(), p, content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// yard is a mount with a neighbour: the files root/in.txt and root/sub/f, and outside/secret.
func yard(t *testing.T) (root, outside string) {
	t.Helper()
	above := tree(t, map[string]string{"root/in.txt": "in", "root/sub/f": "f", "outside/secret": secret})
	return filepath.Join(above, "root"), filepath.Join(above, "outside")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestS03SymbolicLinks(t *testing.T) {
	root, outside := yard(t)
	for link, to := range map[string]string{
		"relative":    "../outside/secret",
		"absolute":    outside + "/secret",
		"chain":       "chain2",
		"chain2":      "absolute",
		"inside":      "in.txt",
		"insideAbs":   root + "/in.txt",
		"dangling":    "nothing",
		"danglingOut": "../outside/new",
		"loop":        "loop",
		"dot":         ".",
		"dotdot":      "..",
		"outdir":      "../outside",
		"indir":       "sub",
		"slash":       "/",
		"fd":          "/proc/self/fd/0",
		"sub/up":      "../in.txt",
	} {
		must(t, os.Symlink(to, filepath.Join(root, link)))
	}
	refuseAll(t, root, "relative", "absolute", "chain", "inside", "insideAbs", "dangling", "danglingOut", "loop", "dot", "dotdot", "outdir", "indir",
		"slash", "fd", "sub/up", "relative/", "outdir/", "indir/", "outdir/.", "outdir/secret", "outdir/new", "indir/f", "indir/new", "dot/in.txt", "dot/dot/sub/f",
		"dotdot/outside/secret", "dotdot/root/in.txt", "slash/etc/passwd", "loop/x", "dangling/x", "sub/up/x", "indir//f", "./indir/./f")

	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: permit})
	if diff := cmp.Diff([]string{"in.txt", "sub/"}, entries(t, fsys, ".")); diff != "" {
		t.Errorf("the listing has links (-want +got):\n%s", diff)
	}
}

// A link inside of the mount leads to a file that may not be read by its own name, and through a directory of another name.
func TestS03LinkEvadesForbid(t *testing.T) {
	root := tree(t, map[string]string{"secret/x": secret, "open/y": "y"})
	must(t, os.Symlink("secret", filepath.Join(root, "alias")))
	must(t, os.Symlink("../secret/x", filepath.Join(root, "open/x")))
	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: func(_ string, on resource.Name) error {
		if strings.HasPrefix(on.Path(), root+"/secret") {
			return errors.New("forbidden")
		}
		return nil
	}})
	for name, want := range map[string]sys.Errno{"secret/x": sys.EACCES, "open/x": sys.EPERM, "alias/x": sys.ENOTDIR, "open/y": 0, "open/../secret/x": sys.EINVAL} {
		if errno := opening(sys.O_RDONLY)(fsys, name); errno != want {
			t.Errorf("open %s: %v, want %v", name, errno, want)
		}
	}
}

func TestS03LinkInPath(t *testing.T) {
	root, _ := yard(t)
	link := filepath.Join(filepath.Dir(root), "link")
	must(t, os.Symlink("root", link))
	for _, p := range []string{link, link + "/sub", root + "/", root + "/../root", "root", "", root + "/in.txt", root + "/none"} {
		if fsys, err := files.Open(files.Dir{Path: p}, files.Options{Ask: permit}); err == nil {
			fsys.Close()
			t.Errorf("Open(%q): no error", p)
		}
	}
}

func TestS03HardLinks(t *testing.T) {
	root, outside := yard(t)
	must(t, os.Link(filepath.Join(outside, "secret"), filepath.Join(root, "hard")))
	must(t, os.Link(filepath.Join(root, "sub/f"), filepath.Join(root, "sub/g"))) // also one inside: the other name is the one to ask about
	refuseAll(t, root, "hard", "sub/f", "sub/g")
}

func TestS03PipesAndSockets(t *testing.T) {
	root, _ := yard(t)
	must(t, unix.Mkfifo(filepath.Join(root, "pipe"), 0o666))
	must(t, unix.Mkfifo(filepath.Join(root, "written"), 0o666))
	writer, err := os.OpenFile(filepath.Join(root, "written"), os.O_RDWR, 0)
	must(t, err)
	defer writer.Close()
	_, err = writer.WriteString(secret)
	must(t, err)
	t.Chdir(root) // the address of a socket is short
	l, err := net.Listen("unix", "socket")
	must(t, err)
	defer l.Close()
	refuseAll(t, root, "pipe", "written", "socket", "pipe/", "pipe/x", "written/x", "socket/x")
}

func TestS03Devices(t *testing.T) {
	root, _ := yard(t)
	if err := unix.Mknod(filepath.Join(root, "zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err != nil {
		t.Skipf("mknod: %v; TestS03Admit has an injected stat", err)
	}
	refuseAll(t, root, "zero", "zero/", "zero/x")
}

func TestS03Proc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	for _, p := range []string{"/proc", "/proc/self", fmt.Sprintf("/proc/%d", os.Getpid()), fmt.Sprintf("/proc/%d/fd", os.Getpid()), "/proc/sys", "/sys", "/sys/kernel"} {
		if fsys, err := files.Open(files.Dir{Path: p}, files.Options{Ask: permit}); err == nil {
			fsys.Close()
			t.Errorf("Open(%q): no error", p)
		}
	}
	fsys := open(t, files.Dir{Path: "/"}, files.Options{Ask: permit})
	for _, name := range []string{"proc", "proc/self/environ", "proc/version", "proc/1/root/etc/passwd", "sys/kernel", "dev/null", "dev/zero"} {
		for _, flag := range []sys.Oflag{sys.O_RDONLY, sys.O_DIRECTORY} {
			if errno := opening(flag)(fsys, name); errno == 0 {
				t.Errorf("open /%s: not refused", name)
			}
		}
		if _, errno := fsys.Stat(name); errno == 0 {
			t.Errorf("stat /%s: not refused", name)
		}
	}
	for _, e := range entries(t, fsys, ".") {
		if e == "proc/" || e == "sys/" {
			t.Errorf("the listing of / has %s", e)
		}
	}
}

// While a guest opens files, another process of the host swaps what is at their names.
func TestS03RenameRace(t *testing.T) {
	root, outside := yard(t)
	in := func(name string) string { return filepath.Join(root, name) }
	must(t, os.WriteFile(filepath.Join(outside, "f"), []byte(secret), 0o644))
	must(t, os.Symlink(outside, in("dirlink")))
	must(t, os.Symlink(filepath.Join(outside, "f"), in("filelink")))
	must(t, os.WriteFile(in("file"), []byte("in"), 0o644))
	must(t, unix.Mkfifo(in("pipe"), 0o666))
	must(t, os.Link(filepath.Join(outside, "f"), in("hard")))

	// swap gives a name to one thing after the other.
	swap := func(name string, others ...string) {
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		for _, other := range others {
			must(os.Rename(in(name), in(name+".away")))
			must(os.Rename(in(other), in(name)))
			must(os.Rename(in(name), in(other)))
			must(os.Rename(in(name+".away"), in(name)))
		}
	}
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				swap("sub", "dirlink", "pipe")
				swap("file", "filelink", "pipe", "hard")
			}
		}
	})

	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit, MaxWritten: 1 << 40})
	buf := make([]byte, 64)
	opened := map[string]int{}
	soon(t, "the race", func() {
		deadline := time.Now().Add(2 * time.Second)
		for i := 0; time.Now().Before(deadline); i++ {
			name := []string{"sub/f", "file"}[i%2]
			flag := []sys.Oflag{sys.O_RDONLY, sys.O_RDWR, sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC}[i/2%3]
			f, errno := fsys.OpenFile(name, flag, 0)
			if errno == 0 {
				n, _ := f.Read(buf)
				if string(buf[:n]) == secret {
					t.Errorf("%s: read what is outside", name)
				}
				if flag != sys.O_RDONLY {
					f.Write([]byte("w"))
				}
				f.Close()
				opened[name]++
			}
			fsys.Mkdir("sub/d", 0)
			fsys.Rmdir("sub/d")
			fsys.Unlink("sub/g")
			fsys.Rename("in.txt", "sub/g")
			fsys.Rename("sub/g", "in.txt")
			if d, errno := fsys.OpenFile("sub", sys.O_DIRECTORY, 0); errno == 0 {
				list, _ := d.Readdir(-1)
				for _, e := range list {
					if e.Name == "secret" {
						t.Error("listed what is outside")
					}
				}
				d.Close()
			}
		}
	})
	close(stop)
	swapping.Wait()
	if opened["sub/f"] == 0 || opened["file"] == 0 {
		t.Errorf("opened %v: the test never won the race", opened)
	}
	for _, f := range []string{"secret", "f"} {
		data, err := os.ReadFile(filepath.Join(outside, f))
		if err != nil || string(data) != secret {
			t.Errorf("outside/%s is %q, %v", f, data, err)
		}
	}
	list, err := os.ReadDir(outside)
	if err != nil || len(list) != 2 {
		t.Errorf("outside has %v, %v", list, err)
	}
}

// What a guest writes must not run, nor run as somebody else.
func TestS03Modes(t *testing.T) {
	root := tree(t, map[string]string{"suid": "#!", "sgid": "#!", "exec": "#!"})
	for name, bits := range map[string]fs.FileMode{"suid": fs.ModeSetuid, "sgid": fs.ModeSetgid, "exec": 0} {
		must(t, os.Chmod(filepath.Join(root, name), bits|0o755))
	}
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit})
	for name, want := range map[string]sys.Errno{"suid": sys.EPERM, "sgid": sys.EPERM, "exec": 0} {
		if errno := opening(sys.O_RDWR|sys.O_TRUNC)(fsys, name); errno != want {
			t.Errorf("write %s: %v, want %v", name, errno, want)
		}
	}
	if errno := opening(sys.O_RDWR|sys.O_CREAT)(fsys, "new"); errno != 0 {
		t.Fatal(errno)
	}
	if errno := fsys.Mkdir("dir", 0o7777); errno != 0 {
		t.Fatal(errno)
	}
	for name, want := range map[string]fs.FileMode{"new": 0o600, "dir": fs.ModeDir | 0o700} {
		info, err := os.Stat(filepath.Join(root, name))
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}
