//go:build linux || darwin

package files

import (
	"errors"
	"io"
	"math"
	"os"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"
)

// A fileHandle is a regular file that the guest has opened. It keeps its own position, so that what a write adds can be counted before.
type fileHandle struct {
	fs                   *FS
	name                 name
	f                    *os.File
	read, write, appends bool
	pos                  int64
}

// A position is an offset in a file, in bytes. It has a name of its own because go vet wants a Seek(int64, int) to be io.Seeker's.
type position = int64

// Dev is 0, which stands for unknown.
func (h *fileHandle) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino is made of the name that the file was opened by.
func (h *fileHandle) Ino() (wasys.Inode, sys.Errno) { return inode(h.name.on), 0 }

// IsDir is false.
func (h *fileHandle) IsDir() (bool, sys.Errno) { return false, 0 }

// IsAppend reports whether all that is written goes to the end.
func (h *fileHandle) IsAppend() bool { return h.appends }

// SetAppend says whether all that is written is to go to the end.
func (h *fileHandle) SetAppend(enable bool) sys.Errno {
	if errno := h.fs.charge(CallCost); errno != 0 {
		return errno
	}
	return h.setAppend(enable)
}

func (h *fileHandle) setAppend(enable bool) sys.Errno {
	errno := h.control(func(fd int) error {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		flags &^= unix.O_APPEND
		if enable {
			flags |= unix.O_APPEND
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
		return err
	})
	if errno == 0 {
		h.appends = enable
	}
	return errno
}

// Stat tells of the open file.
func (h *fileHandle) Stat() (wasys.Stat_t, sys.Errno) {
	if errno := h.fs.charge(CallCost); errno != 0 {
		return wasys.Stat_t{}, errno
	}
	st, errno := h.stat()
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return guestStat(h.name.on, regular, &st), 0
}

// Read reads from the position on.
func (h *fileHandle) Read(buf []byte) (int, sys.Errno) {
	n, errno := h.Pread(buf, h.pos)
	h.pos += int64(n)
	return n, errno
}

// Pread reads from an offset on, and leaves the position.
func (h *fileHandle) Pread(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case !h.read:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	}
	if errno := h.fs.charge(int64(len(buf))); errno != 0 {
		return 0, errno
	}
	n, err := h.f.ReadAt(buf, off)
	return n, errnoOf(err)
}

// Write writes at the position, or at the end if the file was opened to append.
func (h *fileHandle) Write(buf []byte) (int, sys.Errno) {
	if !h.appends {
		n, errno := h.Pwrite(buf, h.pos)
		h.pos += int64(n)
		return n, errno
	}
	if errno := h.mayWrite(int64(len(buf)), int64(len(buf))); errno != 0 {
		return 0, errno
	}
	n, err := h.f.Write(buf)
	if st, errno := h.stat(); errno == 0 {
		h.pos = st.Size
	}
	return n, errnoOf(err)
}

// Pwrite writes at an offset, and leaves the position.
func (h *fileHandle) Pwrite(buf []byte, off int64) (int, sys.Errno) {
	if off < 0 || off > math.MaxInt64-int64(len(buf)) {
		return 0, sys.EINVAL
	}
	grows, errno := h.growth(off + int64(len(buf)))
	if errno != 0 {
		return 0, errno
	}
	if errno := h.mayWrite(int64(len(buf)), max(grows, int64(len(buf)))); errno != 0 {
		return 0, errno
	}
	n, err := h.f.WriteAt(buf, off)
	return n, errnoOf(err)
}

// Truncate sets the size, in bytes.
func (h *fileHandle) Truncate(size int64) sys.Errno {
	if size < 0 {
		return sys.EINVAL
	}
	grows, errno := h.growth(size)
	if errno != 0 {
		return errno
	}
	if errno := h.mayWrite(CallCost, grows); errno != 0 {
		return errno
	}
	return errnoOf(h.f.Truncate(size))
}

// growth returns by how much the file grows if it is to have a size, in bytes; 0 if it doesn't.
func (h *fileHandle) growth(size int64) (int64, sys.Errno) {
	st, errno := h.stat()
	return max(size-st.Size, 0), errno
}

// mayWrite charges for a write, and counts what it adds to the disk.
func (h *fileHandle) mayWrite(work, adds int64) sys.Errno {
	if !h.write {
		return sys.EBADF
	}
	if errno := h.fs.charge(work); errno != 0 {
		return errno
	}
	return h.fs.spend(adds)
}

// Seek sets the position, and returns it.
func (h *fileHandle) Seek(offset position, whence int) (position, sys.Errno) {
	var base int64
	st, errno := h.stat()
	switch {
	case errno != 0:
		return 0, errno
	case whence == io.SeekStart:
	case whence == io.SeekCurrent:
		base = h.pos
	case whence == io.SeekEnd:
		base = st.Size
	default:
		return 0, sys.EINVAL
	}
	if offset < -base || offset > math.MaxInt64-base {
		return 0, sys.EINVAL
	}
	h.pos = base + offset
	return h.pos, 0
}

// Readdir is for directories.
func (h *fileHandle) Readdir(int) ([]sys.Dirent, sys.Errno) { return nil, sys.EBADF }

// Sync has the file written to the disk.
func (h *fileHandle) Sync() sys.Errno {
	if errno := h.fs.charge(SyncCost); errno != 0 {
		return errno
	}
	return errnoOf(h.f.Sync())
}

// Datasync is Sync.
func (h *fileHandle) Datasync() sys.Errno { return h.Sync() }

// Utimens is refused.
func (h *fileHandle) Utimens(int64, int64) sys.Errno { return h.fs.never() }

// Close closes the file.
func (h *fileHandle) Close() sys.Errno { return h.fs.drop(h) }

func (h *fileHandle) release() error { return h.f.Close() }

func (h *fileHandle) stat() (st unix.Stat_t, errno sys.Errno) {
	errno = h.control(func(fd int) error { return fstat(fd, &st) })
	return st, errno
}

// control runs do with the file's descriptor, which stays open meanwhile.
func (h *fileHandle) control(do func(fd int) error) sys.Errno {
	conn, err := h.f.SyscallConn()
	if err != nil {
		return errnoOf(err)
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return errnoOf(err)
	}
	return errnoOf(inner)
}

// errnoOf returns the error of a call on an open file. The end of the file is none.
func errnoOf(err error) sys.Errno {
	if errors.Is(err, os.ErrClosed) {
		return sys.EBADF
	}
	return sys.UnwrapOSError(err)
}
