//go:build !unix

package secret

import "io/fs"

// owned returns nil: what this system says of a file doesn't tell whose it is.
func owned(string, fs.FileInfo, int) error { return nil }
