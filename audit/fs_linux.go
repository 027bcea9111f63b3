package audit

import (
	"os"

	"golang.org/x/sys/unix"
)

// Sync makes the bytes and the length durable, which is less than fsync does.
func (f osFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

func (osFS) SyncDir(name string) error { return syncDir(name) }
