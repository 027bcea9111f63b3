//go:build linux || darwin

package files

import (
	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// This file finds what is at a name. It goes down from the mount part by part, each opened in the directory before it and never through
// a link, so that no rename on the way can lead elsewhere. A path with more than one part is never given to the system. os.Root is made
// the same way but follows the links that stay inside of it, and opens a pipe where it looks for a directory.

// A kind is what is at a name.
type kind uint8

const (
	absent    kind = iota
	foreign        // what isn't served: a link, a pipe, a file with two names
	regular        // a file
	directory      // a directory
)

// readAction is the action that learns what is there.
func (k kind) readAction() string {
	if k == directory {
		return actList
	}
	return actRead
}

// admit returns what kind of thing the system describes, on a mount whose device is dev. It is the one place that says what is served.
func admit(st *unix.Stat_t, dev uint64) kind {
	if uint64(st.Dev) != dev {
		return foreign
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return directory
	case unix.S_IFREG:
		if st.Nlink == 1 {
			return regular
		}
	}
	return foreign
}

// rootDir returns a descriptor of the mount's directory that is the caller's to close. It is another one than the file system's own, which
// may be closed meanwhile and its number used for something else.
func (f *FS) rootDir() (int, sys.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root < 0 {
		return -1, sys.EBADF
	}
	fd, err := unix.FcntlInt(uintptr(f.root), unix.F_DUPFD_CLOEXEC, 0)
	return fd, sys.UnwrapOSError(err)
}

// at runs do with the directory that holds n, open, and the last part of n. The name must not be the mount.
func (f *FS) at(n name, do func(dir int, base string) sys.Errno) sys.Errno {
	dir, errno := f.rootDir()
	if errno != 0 {
		return errno
	}
	defer func() { unix.Close(dir) }()
	for _, part := range n.parts[:len(n.parts)-1] {
		next, errno := f.openDir(dir, part)
		if errno != 0 {
			return errno
		}
		unix.Close(dir)
		dir = next
	}
	return do(dir, n.base())
}

// openDir opens a directory in a directory. What isn't one that is served is ENOTDIR.
func (f *FS) openDir(dir int, part string) (int, sys.Errno) {
	fd, err := openat(dir, part, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		if err == unix.ELOOP { // what some systems say of a link
			err = unix.ENOTDIR
		}
		return -1, sys.UnwrapOSError(err)
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		unix.Close(fd)
		return -1, sys.UnwrapOSError(err)
	}
	if admit(&st, f.dev) != directory || !f.spelled(dir, part, &st) {
		unix.Close(fd)
		return -1, sys.ENOTDIR
	}
	return fd, 0
}

// lookAt tells what is at a name in a directory. The error says why it can't be used, and is zero for a file and a directory.
func (f *FS) lookAt(dir int, base string) (unix.Stat_t, kind, sys.Errno) {
	var st unix.Stat_t
	if err := f.statAt(dir, base, &st); err != nil {
		return st, absent, sys.UnwrapOSError(err)
	}
	k := admit(&st, f.dev)
	if k == foreign || !f.spelled(dir, base, &st) {
		return st, foreign, sys.EPERM
	}
	return st, k, 0
}

// look tells what is at a name.
func (f *FS) look(n name) (st unix.Stat_t, k kind, errno sys.Errno) {
	if n.isMount() {
		dir, errno := f.rootDir()
		if errno != 0 {
			return st, absent, errno
		}
		defer unix.Close(dir)
		return st, directory, sys.UnwrapOSError(fstat(dir, &st))
	}
	errno = f.at(n, func(dir int, base string) (errno sys.Errno) {
		st, k, errno = f.lookAt(dir, base)
		return errno
	})
	if errno == 0 && n.asDir && k != directory {
		return st, k, sys.ENOTDIR
	}
	return st, k, errno
}

// openat opens without following a link, without waiting for whoever is at the other end of a pipe, and without making a terminal ours.
func openat(dir int, base string, flags int, mode uint32) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(dir, base, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

func fstat(fd int, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstat(fd, st) })
}

func fstatat(dir int, base string, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstatat(dir, base, st, unix.AT_SYMLINK_NOFOLLOW) })
}

// retry calls again what a signal has interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
