//go:build !linux

package audit

import "runtime"

// SyncDir does nothing on Windows, where directories can't be synced.
func (osFS) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return syncDir(name)
}
