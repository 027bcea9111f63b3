//go:build linux || darwin

package files

import (
	"slices"
	"strings"
	"unicode"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// spelled reports whether what the system found under a name in a directory is stored in that spelling. Where a file system folds case, a
// file would have other names than the one that a policy speaks of.
func (f *FS) spelled(dir int, base string, found *unix.Stat_t) bool {
	other := swapCase(base)
	if other == base {
		return true
	}
	var st unix.Stat_t
	switch err := f.statAt(dir, other, &st); {
	case err == unix.ENOENT:
		return true
	case err == nil && (st.Ino != found.Ino || st.Dev != found.Dev):
		return true // two files, so the system tells them apart
	}
	// Neither a directory nor a file that is served has two names, so case is folded here, or it can't be told.
	names, errno := f.readNames(dir)
	return errno == 0 && slices.Contains(names, base)
}

// swapCase returns s with its capital letters small and its small ones capital.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// readNames returns the names in a directory in the order of their bytes. If there are more than MaxEntries, that is ERANGE.
func (f *FS) readNames(dir int) ([]string, sys.Errno) {
	// A descriptor of its own, as reading moves its position.
	fd, err := openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, sys.UnwrapOSError(err)
	}
	d := newFile(fd)
	defer d.Close()
	var names []string
	for err == nil {
		if errno := f.charge(listBatch * entryCost); errno != 0 {
			return nil, errno
		}
		var batch []string
		batch, err = d.Readdirnames(listBatch)
		names = append(names, batch...)
		if len(names) > f.opts.MaxEntries {
			return nil, sys.ERANGE
		}
	}
	slices.Sort(names)
	return names, sys.UnwrapOSError(err)
}

// How a directory is read: names at a time, and what each charges, in bytes.
const (
	listBatch = 256
	entryCost = 64
)
