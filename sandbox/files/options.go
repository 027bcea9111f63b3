package files

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/moat-lang/moat/resource"
)

// Bounds that no option changes.
const (
	// MaxDepth is the largest number of parts in the guest's name of a file.
	MaxDepth = 64
	// MaxPart is the length of the longest part of a name, in bytes.
	MaxPart = 255
	// CallCost is what a call charges that moves no content, in bytes.
	CallCost = 4096
	// SyncCost is what it charges to have a file written to the disk, in bytes.
	SyncCost = 1 << 20
	// CreateCost is what a new file or directory counts for as written, in bytes. It bounds how many there can be.
	CreateCost = 4096
)

// Bounds that hold where [Options] say nothing.
const (
	DefaultMaxOpen    = 64       // files and directories
	DefaultMaxWritten = 64 << 20 // bytes
	DefaultMaxEntries = 10_000   // names
)

// The actions that are asked about.
const (
	actRead   = "read"
	actList   = "list"
	actWrite  = "write"
	actCreate = "create"
	actDelete = "delete"
)

// A Dir is a directory of the host that a guest sees.
type Dir struct {
	Path  string // of the host: absolute, clean, through no symbolic link, and canonical as a file:// resource
	Write bool   // whether anything may be asked but read and list; if not, it is EROFS
	// At is where the directory is on this machine, for whoever tries on one what is for another: a path as Path is; empty: at Path. What is asked is about Path.
	At string
}

// An Ask is asked before anything is done with a name. The action is read, list, write, create or delete; nil permits it.
// It is called on the guest's goroutine, which waits for it.
type Ask func(action string, on resource.Name) error

// Options are what a guest may do and how much of it. The zero Options permit nothing.
type Options struct {
	// Ask decides. Nil refuses everything.
	Ask Ask
	// Charge is told of host work, in bytes, before it is done: what a read or a write asks to move, and a constant for any other
	// call. An error stops the call with EIO. Nil charges nothing.
	Charge func(bytes int64) error
	// Budget is what the directories of one guest share. The bounds below are then on all of them together. Nil: the directory has one of its own.
	Budget *Budget
	// MaxOpen is how many files and directories may be open at once, beside the mount's own; past it, EAGAIN. 0 means DefaultMaxOpen.
	MaxOpen int
	// MaxWritten is how much may be written in all, in bytes; past it, EIO. The holes of a file count, and so does a new name
	// (CreateCost). Nothing is given back for what is removed. 0 means DefaultMaxWritten.
	MaxWritten int64
	// MaxEntries is how many names of directories that are open may be held at once, each from when it is read first; past it, ERANGE. 0 means DefaultMaxEntries.
	MaxEntries int
}

// A Budget is how much of some bounds is used up. The zero Budget is none of them. It is used by one guest, in any number of directories.
type Budget struct {
	mu      sync.Mutex
	open    int   // handles
	names   int   // that handles of directories hold
	written int64 // bytes
}

// add counts what is used up, or given back, unless one of the bounds is then exceeded.
func (b *Budget) add(open, names int, written int64, most *Options) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if open > 0 && b.open+open > most.MaxOpen || names > 0 && b.names+names > most.MaxEntries || written > 0 && written > most.MaxWritten-b.written {
		return false
	}
	b.open, b.names, b.written = b.open+open, b.names+names, b.written+written
	return true
}

// ErrUnsupported says that this system isn't supported.
var ErrUnsupported = errors.New("sandboxed files need Linux or macOS")

// check returns the options with the bounds that they leave open, and the resource of the directory.
func check(dir Dir, opts Options) (Options, resource.Name, error) {
	if !filepath.IsAbs(dir.Path) || filepath.Clean(dir.Path) != dir.Path {
		return opts, resource.Name{}, fmt.Errorf("%q is not an absolute, clean path", dir.Path)
	}
	on, err := resource.File(dir.Path)
	if err != nil {
		return opts, resource.Name{}, err
	}
	if opts.MaxOpen < 0 || opts.MaxWritten < 0 || opts.MaxEntries < 0 {
		return opts, resource.Name{}, errors.New("a bound is negative")
	}
	if opts.Budget == nil {
		opts.Budget = new(Budget)
	}
	if opts.MaxOpen == 0 {
		opts.MaxOpen = DefaultMaxOpen
	}
	if opts.MaxWritten == 0 {
		opts.MaxWritten = DefaultMaxWritten
	}
	if opts.MaxEntries == 0 {
		opts.MaxEntries = DefaultMaxEntries
	}
	return opts, on, nil
}
