//go:build linux || darwin

package files

import (
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// change reads the name of something that is to be changed, and charges for the call.
func (f *FS) change(path string) (name, sys.Errno) {
	n, errno := f.name(path)
	switch {
	case errno != 0:
		return n, errno
	case !f.dir.Write:
		return n, sys.EROFS
	}
	return n, f.charge(CallCost)
}

// Mkdir makes a directory, of mode 0700 whatever perm says.
func (f *FS) Mkdir(path string, _ fs.FileMode) sys.Errno {
	n, errno := f.change(path)
	switch {
	case errno != 0:
		return errno
	case n.isMount():
		return sys.EEXIST
	}
	if errno := f.ask(n, actCreate); errno != 0 {
		return errno
	}
	return f.at(n, func(dir int, base string) sys.Errno {
		if errno := f.spend(CreateCost); errno != 0 {
			return errno
		}
		return sys.UnwrapOSError(retry(func() error { return unix.Mkdirat(dir, base, newDirMode) }))
	})
}

// Unlink removes a file. What isn't served, such as a link, stays.
func (f *FS) Unlink(path string) sys.Errno { return f.remove(path, regular, sys.EISDIR, 0) }

// Rmdir removes an empty directory.
func (f *FS) Rmdir(path string) sys.Errno {
	return f.remove(path, directory, sys.ENOTDIR, unix.AT_REMOVEDIR)
}

// remove removes what is of one kind; what is of the other is the error other.
func (f *FS) remove(path string, want kind, other sys.Errno, flags int) sys.Errno {
	n, errno := f.change(path)
	switch {
	case errno != 0:
		return errno
	case n.isMount():
		return sys.EPERM
	}
	if errno := f.ask(n, actDelete); errno != 0 {
		return errno
	}
	return f.at(n, func(dir int, base string) sys.Errno {
		_, k, errno := f.lookAt(dir, base)
		switch {
		case errno != 0:
			return errno
		case n.asDir && k != directory:
			return sys.ENOTDIR
		case k != want:
			return other
		}
		return sys.UnwrapOSError(retry(func() error { return unix.Unlinkat(dir, base, flags) }))
	})
}

// Rename moves a file to another name in the mount, in place of the file that has it. A directory is EPERM: nobody was asked about what is
// below it. To rename a file to its own name does nothing.
func (f *FS) Rename(from, to string) sys.Errno {
	src, errno := f.change(from)
	if errno != 0 {
		return errno
	}
	dst, errno := f.change(to)
	switch {
	case errno != 0:
		return errno
	case src.isMount() || dst.isMount():
		return sys.EPERM
	}
	if errno := f.ask(src, actRead, actDelete); errno != 0 {
		return errno
	}
	if errno := f.ask(dst, actCreate); errno != 0 {
		return errno
	}
	return f.at(src, func(srcDir int, srcBase string) sys.Errno {
		if errno := f.movable(srcDir, srcBase, src); errno != 0 {
			return errno
		}
		return f.at(dst, func(dstDir int, dstBase string) sys.Errno {
			return f.rename(srcDir, srcBase, dst, dstDir, dstBase)
		})
	})
}

// rename moves a file over what is at dst, if anything is and it may be replaced.
func (f *FS) rename(srcDir int, srcBase string, dst name, dstDir int, dstBase string) sys.Errno {
	switch errno := f.movable(dstDir, dstBase, dst); errno {
	case sys.ENOENT:
		if dst.asDir {
			return sys.ENOTDIR
		}
		err := renameNew(srcDir, srcBase, dstDir, dstBase)
		if err != unix.EINVAL && err != unix.ENOSYS && err != unix.ENOTSUP {
			return sys.UnwrapOSError(err)
		}
		// This file system can't promise to replace nothing (NFS), so that is asked about too.
	case 0:
	default:
		return errno
	}
	if errno := f.ask(dst, actWrite); errno != 0 {
		return errno
	}
	return sys.UnwrapOSError(unix.Renameat(srcDir, srcBase, dstDir, dstBase))
}

// movable returns zero if a file is there that a rename may move or replace.
func (f *FS) movable(dir int, base string, n name) sys.Errno {
	_, k, errno := f.lookAt(dir, base)
	switch {
	case errno != 0:
		return errno
	case k == directory:
		return sys.EPERM
	case n.asDir:
		return sys.ENOTDIR
	}
	return 0
}

// never is the answer to what no guest may do, whatever the policy says.
func (f *FS) never() sys.Errno {
	if !f.dir.Write {
		return sys.EROFS
	}
	return sys.EPERM
}

// Chmod is refused: what the guest makes keeps the mode that it got.
func (f *FS) Chmod(string, fs.FileMode) sys.Errno { return f.never() }

// Utimens is refused: the time of a file says when it was written.
func (f *FS) Utimens(string, int64, int64) sys.Errno { return f.never() }

// Link is refused: a file has one name.
func (f *FS) Link(string, string) sys.Errno { return f.never() }

// Symlink is refused.
func (f *FS) Symlink(string, string) sys.Errno { return f.never() }

// Readlink answers EINVAL, which means that the name is no link, as a guest sees none. The realpath of a C library depends on it.
func (f *FS) Readlink(string) (string, sys.Errno) { return "", sys.EINVAL }
