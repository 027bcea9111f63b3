//go:build linux || darwin

package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/files"
)

// An asker records what it is asked, as `action name`, and refuses what refuse lists.
type asker struct {
	root   string
	refuse string // words of the same form, `*` for any action or name, with commas between
	asked  []string
}

func (a *asker) ask(action string, on resource.Name) error {
	name := strings.TrimPrefix(strings.TrimPrefix(on.Path(), a.root), "/")
	if name == "" {
		name = "."
	}
	a.asked = append(a.asked, action+" "+name)
	for word := range strings.SplitSeq(a.refuse, ",") {
		act, n, _ := strings.Cut(word, " ")
		if (act == "*" || act == action) && (n == "*" || n == name) {
			return errors.New("refused")
		}
	}
	return nil
}

func TestAsked(t *testing.T) {
	stat := func(path string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { _, errno := f.Stat(path); return errno }
	}
	open := func(path string, flag sys.Oflag) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { return opening(flag)(f, path) }
	}
	rename := func(from, to string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { return f.Rename(from, to) }
	}
	mkdir := func(path string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { return f.Mkdir(path, 0) }
	}
	unlink := func(path string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { return f.Unlink(path) }
	}
	rmdir := func(path string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno { return f.Rmdir(path) }
	}
	readdir := func(path string) func(*files.FS) sys.Errno {
		return func(f *files.FS) sys.Errno {
			d, errno := f.OpenFile(path, sys.O_DIRECTORY, 0)
			if errno != 0 {
				return errno
			}
			defer d.Close()
			if _, errno = d.Stat(); errno != 0 {
				return errno
			}
			_, errno = d.Readdir(-1)
			return errno
		}
	}
	const rw = sys.O_RDWR
	for _, tt := range []struct {
		what   string
		do     func(*files.FS) sys.Errno
		refuse string
		asked  string // with commas between
		want   sys.Errno
	}{
		{"stat a file", stat("file"), "", "read file", 0},
		{"stat a directory", stat("dir"), "", "list dir", 0},
		{"stat the mount", stat("."), "", "list .", 0},
		{"stat nothing", stat("none"), "", "read none", sys.ENOENT},
		{"stat nothing, refused", stat("none"), "* *", "read none", sys.EACCES},
		{"stat nothing in nothing, refused", stat("none/none"), "* *", "read none/none", sys.EACCES},
		{"stat below a file, refused", stat("file/x"), "* *", "read file/x", sys.EACCES},
		{"stat a link, refused", stat("link"), "* *", "read link", sys.EACCES},
		{"stat a link", stat("link"), "", "read link", sys.EPERM},
		{"stat a file as a directory", stat("file/"), "", "read file", sys.ENOTDIR},

		{"open to read", open("file", sys.O_RDONLY), "", "read file", 0},
		{"open to read, refused", open("file", sys.O_RDONLY), "read *", "read file", sys.EACCES},
		{"open a directory", open("dir", sys.O_RDONLY), "", "list dir", 0},
		{"open a directory, refused", open("dir", sys.O_DIRECTORY), "list *", "list dir", sys.EACCES},
		{"open a file as a directory", open("file", sys.O_DIRECTORY), "", "read file", sys.ENOTDIR},
		{"open a file with a slash", open("file/", sys.O_RDONLY), "", "read file", sys.ENOTDIR},
		{"open nothing", open("none", sys.O_RDONLY), "", "read none", sys.ENOENT},
		{"open nothing, refused", open("none", sys.O_RDONLY), "* *", "read none", sys.EACCES},
		{"open the mount", open(".", sys.O_DIRECTORY), "* *", "", 0},
		{"open below", open("dir/f", sys.O_RDONLY), "list *", "read dir/f", 0},
		{"read a directory", readdir("dir"), "", "list dir", 0},
		{"read the mount", readdir("."), "", "list .", 0},
		{"read the mount, refused", readdir("."), "* *", "list .", sys.EACCES},

		{"open to write", open("file", sys.O_WRONLY), "", "write file", 0},
		{"open to write, refused", open("file", sys.O_WRONLY), "write *", "write file", sys.EACCES},
		{"open to read and write", open("file", rw), "", "read file,write file", 0},
		{"open to read and write, may not read", open("file", rw), "read *", "read file", sys.EACCES},
		{"open to read and write, may not write", open("file", rw), "write *", "read file,write file", sys.EACCES},
		{"truncate", open("file", sys.O_WRONLY|sys.O_TRUNC), "", "write file", 0},
		{"append", open("file", sys.O_WRONLY|sys.O_APPEND), "", "write file", 0},
		{"open a directory to write", open("dir", sys.O_WRONLY), "", "write dir", sys.EISDIR},
		{"open a directory to write, refused", open("dir", sys.O_WRONLY), "* *", "write dir", sys.EACCES},
		{"open nothing to write", open("none", sys.O_WRONLY), "", "write none", sys.ENOENT},
		{"open nothing to write, refused", open("none", sys.O_WRONLY), "* *", "write none", sys.EACCES},
		{"truncate to read", open("file", sys.O_TRUNC), "", "", sys.EINVAL},
		{"open the mount to write", open(".", rw), "", "", sys.EISDIR},

		{"create", open("new", sys.O_WRONLY|sys.O_CREAT), "", "write new,create new", 0},
		{"create, may not create", open("new", sys.O_WRONLY|sys.O_CREAT), "create *", "write new,create new", sys.EACCES},
		{"create, may not write", open("new", sys.O_WRONLY|sys.O_CREAT), "write *", "write new", sys.EACCES},
		{"create to read", open("new", sys.O_RDONLY|sys.O_CREAT), "", "read new,create new", 0},
		{"create what is there", open("file", sys.O_WRONLY|sys.O_CREAT), "", "write file", 0},
		{"create only", open("new", sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL), "", "write new,create new", 0},
		{"create only what is there", open("file", sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL), "", "write file,create file", sys.EEXIST},
		{"create only what is there, refused", open("file", sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL), "create *", "write file,create file", sys.EACCES},
		{"create in nothing", open("none/new", sys.O_WRONLY|sys.O_CREAT), "", "write none/new", sys.ENOENT},
		{"create in a file", open("file/new", sys.O_WRONLY|sys.O_CREAT), "", "write file/new", sys.ENOTDIR},
		{"create a directory so", open("new/", sys.O_WRONLY|sys.O_CREAT), "", "write new", sys.EISDIR},

		{"mkdir", mkdir("new"), "", "create new", 0},
		{"mkdir with a slash", mkdir("new/"), "", "create new", 0},
		{"mkdir, refused", mkdir("new"), "* *", "create new", sys.EACCES},
		{"mkdir what is there", mkdir("dir"), "", "create dir", sys.EEXIST},
		{"mkdir what is there, refused", mkdir("dir"), "* *", "create dir", sys.EACCES},
		{"mkdir a link", mkdir("link"), "", "create link", sys.EEXIST},
		{"mkdir the mount", mkdir("."), "", "", sys.EEXIST},

		{"unlink", unlink("file"), "", "delete file", 0},
		{"unlink, refused", unlink("file"), "delete *", "delete file", sys.EACCES},
		{"unlink nothing", unlink("none"), "", "delete none", sys.ENOENT},
		{"unlink nothing, refused", unlink("none"), "* *", "delete none", sys.EACCES},
		{"unlink a directory", unlink("empty"), "", "delete empty", sys.EISDIR},
		{"unlink a file as a directory", unlink("file/"), "", "delete file", sys.ENOTDIR},
		{"unlink a link", unlink("link"), "", "delete link", sys.EPERM},
		{"unlink the mount", unlink("."), "", "", sys.EPERM},
		{"rmdir", rmdir("empty"), "", "delete empty", 0},
		{"rmdir, refused", rmdir("empty"), "delete *", "delete empty", sys.EACCES},
		{"rmdir a file", rmdir("file"), "", "delete file", sys.ENOTDIR},
		{"rmdir what isn't empty", rmdir("dir"), "", "delete dir", sys.ENOTEMPTY},
		{"rmdir the mount", rmdir("."), "", "", sys.EPERM},

		{"rename", rename("file", "new"), "", "read file,delete file,create new", 0},
		{"rename to another directory", rename("file", "dir/new"), "", "read file,delete file,create dir/new", 0},
		{"rename over a file", rename("file", "dir/f"), "", "read file,delete file,create dir/f,write dir/f", 0},
		{"rename over a file, may not write it", rename("file", "dir/f"), "write *", "read file,delete file,create dir/f,write dir/f", sys.EACCES},
		{"rename, may not delete", rename("file", "new"), "delete *", "read file,delete file", sys.EACCES},
		{"rename, may not create", rename("file", "new"), "create *", "read file,delete file,create new", sys.EACCES},
		{"rename what may not be read", rename("file", "new"), "read file", "read file", sys.EACCES},
		{"rename nothing", rename("none", "new"), "", "read none,delete none,create new", sys.ENOENT},
		{"rename nothing, refused", rename("none", "new"), "* *", "read none", sys.EACCES},
		{"rename to itself", rename("file", "file"), "", "read file,delete file,create file,write file", 0},
		{"rename over a directory", rename("file", "empty"), "", "read file,delete file,create empty", sys.EPERM},
		{"rename over a link", rename("file", "link"), "", "read file,delete file,create link", sys.EPERM},
		{"rename a link", rename("link", "new"), "", "read link,delete link,create new", sys.EPERM},
		{"rename a directory", rename("dir", "new"), "", "read dir,delete dir,create new", sys.EPERM},
		{"rename a directory into itself", rename("dir", "dir/x"), "", "read dir,delete dir,create dir/x", sys.EPERM},
		{"rename as a directory", rename("file", "new/"), "", "read file,delete file,create new", sys.ENOTDIR},
		{"rename the mount", rename(".", "new"), "", "", sys.EPERM},
		{"rename to the mount", rename("file", "."), "", "", sys.EPERM},
	} {
		t.Run(tt.what, func(t *testing.T) {
			root := tree(t, map[string]string{"file": "content", "dir/f": "f"})
			must(t, os.Mkdir(filepath.Join(root, "empty"), 0o755))
			must(t, os.Symlink("file", filepath.Join(root, "link")))
			a := &asker{root: root, refuse: tt.refuse}
			fsys, err := files.Open(files.Dir{Path: root, Write: true}, files.Options{Ask: a.ask})
			must(t, err)
			defer fsys.Close()
			before := snapshot(t, root)
			if errno := tt.do(fsys); errno != tt.want {
				t.Errorf("%v, want %v", errno, tt.want)
			}
			if diff := cmp.Diff(tt.asked, strings.Join(a.asked, ",")); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if tt.want != 0 {
				if diff := cmp.Diff(before, snapshot(t, root)); diff != "" {
					t.Errorf("refused, and yet changed (-before +after):\n%s", diff)
				}
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	root, _ := yard(t)
	a := &asker{root: root}
	fsys := open(t, files.Dir{Path: root}, files.Options{Ask: a.ask})
	for _, at := range attempts {
		switch at.name {
		case "read", "list", "follow not", "stat", "lstat", "readlink":
			continue
		}
		for _, name := range []string{"in.txt", "sub", "none"} {
			if errno := at.try(fsys, name); errno != sys.EROFS {
				t.Errorf("%s %s: %v, want EROFS", at.name, name, errno)
			}
		}
	}
	if len(a.asked) != 0 {
		t.Errorf("asked %q", a.asked)
	}
}

// The zero Options permit nothing, but that wazero opens the mount.
func TestNothingPermitted(t *testing.T) {
	root, _ := yard(t)
	fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{})
	for _, at := range attempts {
		for _, name := range []string{"in.txt", "sub", "none"} {
			errno := at.try(fsys, name)
			want := sys.EACCES
			switch at.name {
			case "chmod", "utimens", "link from", "link to", "symlink":
				want = sys.EPERM
			case "readlink":
				want = sys.EINVAL
			}
			if errno != want {
				t.Errorf("%s %s: %v, want %v", at.name, name, errno, want)
			}
		}
	}
}
