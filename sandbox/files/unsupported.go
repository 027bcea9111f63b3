//go:build !linux && !darwin

package files

import "github.com/tetratelabs/wazero/experimental/sys"

// An FS is the file system of one guest. There is none on this system.
type FS struct{ sys.UnimplementedFS }

// Open returns ErrUnsupported: this system has other ways to name a file than those that are closed here (Windows: short names, streams,
// device names, reparse points).
func Open(Dir, Options) (*FS, error) { return nil, ErrUnsupported }

// Close does nothing.
func (*FS) Close() error { return nil }
