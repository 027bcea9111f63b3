//go:build linux || darwin

package files

import (
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"

	"github.com/moat-lang/moat/resource"
)

// Stat tells the kind, the size and the time of modification of a file or a directory, and nothing else of the host's.
func (f *FS) Stat(path string) (wasys.Stat_t, sys.Errno) {
	n, errno := f.name(path)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	if errno := f.charge(CallCost); errno != 0 {
		return wasys.Stat_t{}, errno
	}
	st, k, errno := f.look(n)
	// Asked before the guest is told of anything, also of there being nothing.
	if refused := f.ask(n, k.readAction()); refused != 0 {
		return wasys.Stat_t{}, refused
	}
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return guestStat(n.on, k, &st), 0
}

// Lstat is Stat, as there are no links.
func (f *FS) Lstat(path string) (wasys.Stat_t, sys.Errno) { return f.Stat(path) }

// guestStat is what the guest is told of a file.
func guestStat(on resource.Name, k kind, st *unix.Stat_t) wasys.Stat_t {
	mtim := st.Mtim.Nano()
	out := wasys.Stat_t{Ino: inode(on), Mode: guestMode(k), Nlink: 1, Atim: mtim, Mtim: mtim, Ctim: mtim}
	if k == regular {
		out.Size = st.Size
	}
	return out
}

// guestMode is the mode that the guest is told. Permission is the policy's to say, not a mode's.
func guestMode(k kind) fs.FileMode {
	if k == directory {
		return fs.ModeDir | newDirMode
	}
	return newFileMode
}
