//go:build linux || darwin

package files

import (
	"cmp"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"

	"github.com/moat-lang/moat/resource"
)

// An FS is the file system of one guest at a time: the [sys.FS] that wazero mounts. Its methods return what the package comment says.
// Close may be called from any goroutine, and the calls that follow fail with EBADF.
type FS struct {
	sys.UnimplementedFS
	dir   Dir
	opts  Options
	mount resource.Name
	dev   uint64 // the file system of the mount's directory

	// fstatat, but for tests of what can't be made everywhere: devices, and file systems that fold case.
	statAt func(dir int, base string, st *unix.Stat_t) error

	mu   sync.Mutex // guards what follows
	root int        // the descriptor of the mount's directory, -1 once closed
	open map[handle]struct{}
	own  handle // the one that wazero holds of the mount's directory, which counts for nothing
}

// A handle is what the guest has opened.
type handle interface {
	sys.File
	release() error // gives back what it holds of the host; safe to call twice
}

// Open opens a directory of the host for a guest. It fails if the directory can't be opened, if its path isn't what [Dir] wants, and if it
// is on a file system that holds no files but what the kernel says and does (/proc, /sys).
func Open(dir Dir, opts Options) (*FS, error) {
	opts, mount, err := check(dir, opts)
	if err != nil {
		return nil, err
	}
	at := cmp.Or(dir.At, dir.Path)
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return nil, err
	}
	if real != at {
		return nil, fmt.Errorf("%q leads through a symbolic link to %q, which is the path to name", at, real)
	}
	fd, err := openat(unix.AT_FDCWD, at, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", at, err)
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("stat %q: %w", at, err)
	}
	pseudo, err := isPseudo(fd)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("stat the file system of %q: %w", at, err)
	}
	if pseudo {
		unix.Close(fd)
		return nil, fmt.Errorf("%q shows the state of the kernel, and holds no files", at)
	}
	return &FS{dir: dir, opts: opts, mount: mount, dev: uint64(st.Dev), statAt: fstatat, root: fd, open: map[handle]struct{}{}}, nil
}

// Close gives back the directory and whatever the guest left open. Closing twice is no error.
func (f *FS) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root < 0 {
		return nil
	}
	err := unix.Close(f.root)
	f.root = -1
	for h := range f.open {
		if h != f.own {
			f.use(-1, 0, 0)
		}
		if e := h.release(); err == nil {
			err = e
		}
	}
	clear(f.open)
	f.own = nil
	return err
}

// name reads a guest's name.
func (f *FS) name(guest string) (name, sys.Errno) { return parseName(f.mount, guest) }

// ask returns EACCES unless every one of the actions on n is permitted. It stops at the first that isn't.
func (f *FS) ask(n name, actions ...string) sys.Errno {
	for _, action := range actions {
		if f.opts.Ask == nil || f.opts.Ask(action, n.on) != nil {
			return sys.EACCES
		}
	}
	return 0
}

// charge tells of host work before it is done.
func (f *FS) charge(bytes int64) sys.Errno {
	if f.opts.Charge != nil && f.opts.Charge(bytes) != nil {
		return sys.EIO
	}
	return 0
}

// spend counts bytes that are about to be written.
func (f *FS) spend(bytes int64) sys.Errno {
	if !f.use(0, 0, bytes) {
		return sys.EIO
	}
	return 0
}

// use counts against the bounds what is opened, held and written.
func (f *FS) use(open, names int, written int64) bool {
	return f.opts.Budget.add(open, names, written, &f.opts)
}

// full reports whether nothing more may be opened.
func (f *FS) full() bool {
	ok := f.use(1, 0, 0)
	if ok {
		f.use(-1, 0, 0)
	}
	return !ok
}

// keep enters a new handle among those that are open, or releases it.
func (f *FS) keep(h handle) (sys.File, sys.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	errno := sys.Errno(0)
	switch {
	case f.root < 0:
		errno = sys.EBADF
	case !f.use(1, 0, 0):
		errno = sys.EAGAIN
	default:
		f.open[h] = struct{}{}
		return h, 0
	}
	h.release() // nothing was written through it yet
	return nil, errno
}

// drop closes a handle.
func (f *FS) drop(h handle) sys.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.open[h]; !ok {
		return sys.EBADF
	}
	delete(f.open, h)
	if f.own == h {
		f.own = nil
	} else {
		f.use(-1, 0, 0)
	}
	return sys.UnwrapOSError(h.release())
}

// isOpen reports whether a handle is neither closed nor the file system is.
func (f *FS) isOpen(h handle) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.open[h]
	return ok
}
