//go:build linux || darwin

package files

import (
	"io"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"
)

// A dirHandle is a directory that the guest has opened. It holds nothing of the host but the name, which is looked up each time: what wazero
// opens in a directory it opens by the joined names too, and so both mean the same.
type dirHandle struct {
	sys.DirFile
	fs      *FS
	name    name
	entries []sys.Dirent // what is left to read
	held    int          // names that are counted
	started bool         // whether entries were read
}

// Dev is 0, which stands for unknown.
func (d *dirHandle) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino is made of the name.
func (d *dirHandle) Ino() (wasys.Inode, sys.Errno) { return inode(d.name.on), 0 }

// Stat tells of the directory that has the name now.
func (d *dirHandle) Stat() (wasys.Stat_t, sys.Errno) {
	if !d.fs.isOpen(d) {
		return wasys.Stat_t{}, sys.EBADF
	}
	if errno := d.fs.charge(CallCost); errno != 0 {
		return wasys.Stat_t{}, errno
	}
	st, k, errno := d.fs.look(d.name)
	if errno != 0 || k != directory {
		return wasys.Stat_t{}, sys.ENOENT
	}
	return guestStat(d.name.on, k, &st), 0
}

// Readdir returns the next n entries, or all if n ≤ 0, in the order of the bytes of their names. The names are read all at once, before the
// first is returned, and are held until the handle is closed or goes back; more than [Options].MaxEntries are ERANGE. Left out is what isn't served.
func (d *dirHandle) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if !d.fs.isOpen(d) {
		return nil, sys.EBADF
	}
	if errno := d.fs.charge(CallCost); errno != 0 {
		return nil, errno
	}
	if !d.started {
		if errno := d.readAll(); errno != 0 {
			return nil, errno
		}
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, 0
}

// readAll reads the entries.
func (d *dirHandle) readAll() sys.Errno {
	if d.name.isMount() { // of any other directory it was asked when it was opened
		if errno := d.fs.ask(d.name, actList); errno != 0 {
			return errno
		}
	}
	fd, errno := d.descriptor()
	if errno != 0 {
		return errno
	}
	defer unix.Close(fd)
	names, errno := d.fs.readNames(fd)
	if errno != 0 {
		return errno
	}
	if !d.fs.use(0, len(names), 0) {
		return sys.ERANGE
	}
	d.held = len(names)
	d.entries = d.entries[:0]
	for _, entry := range names {
		on, ok := d.name.child(entry)
		if !ok {
			continue
		}
		var st unix.Stat_t
		if d.fs.statAt(fd, entry, &st) != nil {
			continue // gone
		}
		switch admit(&st, d.fs.dev) {
		case regular:
			d.entries = append(d.entries, sys.Dirent{Name: entry, Ino: inode(on)})
		case directory:
			d.entries = append(d.entries, sys.Dirent{Name: entry, Ino: inode(on), Type: fs.ModeDir})
		}
	}
	d.started = true
	return 0
}

// descriptor opens the directory.
func (d *dirHandle) descriptor() (fd int, errno sys.Errno) {
	if d.name.isMount() {
		return d.fs.rootDir()
	}
	errno = d.fs.at(d.name, func(parent int, base string) (errno sys.Errno) {
		fd, errno = d.fs.openDir(parent, base)
		return errno
	})
	return fd, errno
}

// Seek goes back to the beginning, which is the only place there is to go to.
func (d *dirHandle) Seek(offset position, whence int) (position, sys.Errno) {
	switch {
	case !d.fs.isOpen(d):
		return 0, sys.EBADF
	case offset != 0 || whence != io.SeekStart:
		return 0, sys.EINVAL
	}
	d.forget()
	return 0, 0
}

// Sync does nothing: what is written to a directory is the host's to keep.
func (d *dirHandle) Sync() sys.Errno { return 0 }

// Datasync does nothing.
func (d *dirHandle) Datasync() sys.Errno { return 0 }

// Utimens is refused.
func (d *dirHandle) Utimens(int64, int64) sys.Errno { return d.fs.never() }

// Close closes the directory.
func (d *dirHandle) Close() sys.Errno { return d.fs.drop(d) }

// forget gives back the names.
func (d *dirHandle) forget() {
	d.fs.use(0, -d.held, 0)
	d.started, d.entries, d.held = false, nil, 0
}

func (d *dirHandle) release() error {
	d.forget()
	return nil
}
