//go:build linux || darwin

package files

import (
	"io/fs"
	"os"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// The modes of what the guest makes, whatever it asks for: nobody else's to read, and nothing to execute.
const (
	newFileMode = 0o600
	newDirMode  = 0o700
)

// openTries is how often a file may come and go while it is opened.
const openTries = 4

// A mode is how a file is to be opened.
type mode struct {
	read, write, appends bool
	create, excl, trunc  bool
	dir                  bool // what isn't a directory is ENOTDIR
}

func modeOf(flag sys.Oflag) mode {
	access := flag & (sys.O_RDWR | sys.O_WRONLY)
	return mode{
		read:    access != sys.O_WRONLY,
		write:   access == sys.O_WRONLY || access == sys.O_RDWR,
		appends: flag&sys.O_APPEND != 0,
		create:  flag&sys.O_CREAT != 0,
		excl:    flag&sys.O_EXCL != 0 && flag&sys.O_CREAT != 0,
		trunc:   flag&sys.O_TRUNC != 0,
		dir:     flag&sys.O_DIRECTORY != 0,
	}
}

// OpenFile opens a file or a directory, or makes a file. What it makes has mode 0600, whatever perm says. O_NOFOLLOW is always on, and the
// flags about synchronous writing are not heeded. O_TRUNC without writing is EINVAL.
func (f *FS) OpenFile(path string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	n, errno := f.name(path)
	if errno != 0 {
		return nil, errno
	}
	m := modeOf(flag)
	switch {
	case !f.dir.Write && (m.write || m.create || m.trunc):
		return nil, sys.EROFS
	case m.trunc && !m.write:
		return nil, sys.EINVAL
	case (n.isMount() || m.dir) && (m.write || m.create):
		return nil, sys.EISDIR
	case n.isMount():
		return f.openMount(n)
	case f.full(): // before the file is made or truncated
		return nil, sys.EAGAIN
	}
	if errno := f.charge(CallCost); errno != 0 {
		return nil, errno
	}
	if m.write || m.create {
		return f.openToChange(n, m)
	}
	return f.openToRead(n, m)
}

// openMount opens the mount's own directory. wazero does so for the guest the first time it names anything, and panics if that fails with
// anything but ENOENT; so the first such handle is neither asked about, charged nor counted, and a refusal of another (the same FS mounted twice) is ENOENT.
func (f *FS) openMount(n name) (sys.File, sys.Errno) {
	d := &dirHandle{fs: f, name: n}
	f.mu.Lock()
	if f.root < 0 {
		f.mu.Unlock()
		return nil, sys.ENOENT
	}
	if f.own == nil {
		f.own, f.open[d] = d, struct{}{}
		f.mu.Unlock()
		return d, 0
	}
	f.mu.Unlock()
	if f.charge(CallCost) != 0 {
		return nil, sys.ENOENT
	}
	h, errno := f.keep(d)
	if errno != 0 {
		return nil, sys.ENOENT
	}
	return h, 0
}

// openToRead opens what is there, as a file or as a directory.
func (f *FS) openToRead(n name, m mode) (sys.File, sys.Errno) {
	_, k, errno := f.look(n)
	if refused := f.ask(n, k.readAction()); refused != 0 {
		return nil, refused
	}
	switch {
	case errno != 0:
		return nil, errno
	case k == directory:
		return f.keep(&dirHandle{fs: f, name: n})
	case m.dir:
		return nil, sys.ENOTDIR
	}
	return f.openRegular(n, m)
}

// openToChange opens a file for writing, or makes it.
func (f *FS) openToChange(n name, m mode) (sys.File, sys.Errno) {
	var actions []string
	if m.read {
		actions = append(actions, actRead)
	}
	if m.write {
		actions = append(actions, actWrite)
	}
	if m.excl {
		actions = append(actions, actCreate)
	}
	if errno := f.ask(n, actions...); errno != 0 {
		return nil, errno
	}
	return f.openRegular(n, m)
}

// openRegular opens a regular file, whose actions are permitted but for that of making it if m.create says so.
func (f *FS) openRegular(n name, m mode) (sys.File, sys.Errno) {
	var opened *os.File
	mayCreate := m.excl
	errno := f.at(n, func(dir int, base string) (errno sys.Errno) {
		for range openTries {
			if !m.excl {
				opened, errno = f.openExisting(dir, base, m)
				if errno != sys.ENOENT || !m.create {
					return errno
				}
			}
			if n.asDir {
				return sys.EISDIR
			}
			if !mayCreate {
				if errno := f.ask(n, actCreate); errno != 0 {
					return errno
				}
				mayCreate = true
			}
			opened, errno = f.openNew(dir, base, m)
			if errno != sys.EEXIST || m.excl {
				return errno
			}
		}
		return sys.EAGAIN
	})
	if errno != 0 {
		return nil, errno
	}
	h := &fileHandle{fs: f, name: n, f: opened, read: m.read, write: m.write}
	if m.appends {
		if errno := h.setAppend(true); errno != 0 {
			h.release() // nothing was written through it yet
			return nil, errno
		}
	}
	return f.keep(h)
}

// openExisting opens a regular file that is there. It looks before it opens, as opening a device or a pipe does something to it, and again
// at what it has opened, as that may be another by now.
func (f *FS) openExisting(dir int, base string, m mode) (*os.File, sys.Errno) {
	_, k, errno := f.lookAt(dir, base)
	switch {
	case errno != 0:
		return nil, errno
	case k == directory:
		return nil, sys.EISDIR
	}
	fd, err := openat(dir, base, m.access(), 0)
	switch err {
	case nil:
	case unix.ELOOP, unix.ENXIO: // a link or a pipe, which wasn't there a moment ago
		return nil, sys.EPERM
	default:
		return nil, sys.UnwrapOSError(err)
	}
	file := newFile(fd)
	var st unix.Stat_t
	if err = fstat(fd, &st); err == nil {
		switch {
		case admit(&st, f.dev) != regular:
			err = unix.EPERM
		case m.write && st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0:
			err = unix.EPERM // it would run with rights that the guest hasn't
		case m.trunc:
			err = retry(func() error { return unix.Ftruncate(fd, 0) })
		}
	}
	if err != nil {
		file.Close()
		return nil, sys.UnwrapOSError(err)
	}
	return file, 0
}

// openNew makes a file and opens it. If anything has its name, that is EEXIST.
func (f *FS) openNew(dir int, base string, m mode) (*os.File, sys.Errno) {
	if errno := f.spend(CreateCost); errno != 0 {
		return nil, errno
	}
	fd, err := openat(dir, base, m.access()|unix.O_CREAT|unix.O_EXCL, newFileMode)
	if err != nil {
		return nil, sys.UnwrapOSError(err)
	}
	return newFile(fd), 0
}

// newFile makes a file of a descriptor, and takes back what keeps openat from waiting.
func newFile(fd int) *os.File {
	unix.SetNonblock(fd, false) // a regular file or a directory reads the same if this fails
	return os.NewFile(uintptr(fd), "")
}

// access is how the system is to open the file. It is never to truncate it: what was opened is looked at first.
func (m mode) access() int {
	switch {
	case m.read && m.write:
		return unix.O_RDWR
	case m.write:
		return unix.O_WRONLY
	}
	return unix.O_RDONLY
}
