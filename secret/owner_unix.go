//go:build unix

package secret

import (
	"fmt"
	"io/fs"
	"syscall"
)

// owned returns an error unless a file or directory belongs to the user or to root, as far as the system says whose it is. Whoever else it belongs to could
// change its mode, and then what it holds.
func owned(path string, info fs.FileInfo, user int) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: the system doesn't say whose it is", path)
	}
	if st.Uid != 0 && int(st.Uid) != user {
		return fmt.Errorf("%s belongs to user %d, who is neither root nor this process's, %d", path, st.Uid, user)
	}
	return nil
}
