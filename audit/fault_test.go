package audit

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"syscall"
)

var errDisk = errors.New("injected: input/output error")

// A faultFS is a file system on which things go wrong.
type faultFS struct {
	FS
	noSync bool // syncs do nothing, for speed

	mu      sync.Mutex
	largest int   // write, in bytes
	budget  int64 // bytes that segments can still take, when full is set; then ENOSPC
	full    bool
	short   bool             // the write that doesn't fit writes what fits and reports no error
	fails   map[string]error // "sync", "open", "rename", "syncdir", "write": fails for names that contain only
	only    string           // part of the names that fail
}

func (f *faultFS) fault(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Contains(name, f.only) {
		return f.fails[op]
	}
	return nil
}

func (f *faultFS) set(change func(f *faultFS)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faultFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if err := f.fault("open", name); err != nil {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f, name}, nil
}

func (f *faultFS) Rename(a, b string) error {
	if err := f.fault("rename", b); err != nil {
		return err
	}
	return f.FS.Rename(a, b)
}

func (f *faultFS) SyncDir(name string) error {
	if err := f.fault("syncdir", name); err != nil || f.noSync {
		return err
	}
	return f.FS.SyncDir(name)
}

type faultFile struct {
	File
	fs   *faultFS
	name string
}

func (f *faultFile) Write(p []byte) (int, error) {
	if err := f.fs.fault("write", f.name); err != nil {
		return 0, err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.largest = max(f.fs.largest, len(p))
	if !f.fs.full {
		return f.File.Write(p)
	}
	if int64(len(p)) <= f.fs.budget {
		f.fs.budget -= int64(len(p))
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:f.fs.budget])
	f.fs.budget = 0
	if err == nil && !f.fs.short {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *faultFile) Sync() error {
	if err := f.fs.fault("sync", f.name); err != nil || f.fs.noSync {
		return err
	}
	return f.File.Sync()
}
