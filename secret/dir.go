package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a store with one file for each secret, in the directory of that path, under the name of the secret. A file is read each time
// it is asked for, so that a new value counts at once.
//
// What others could have read or written is refused, as ssh does with its keys: the file has to be a regular file, and no link, with no
// permission for group and others; the directory must not be writable by them; and both have to belong to the effective user or to root. The directories
// above aren't looked at. On Windows modes tell nothing of this, and all are refused.
type Dir string

// Value reads the value of a secret; one line break at its end isn't part of it (see [FromFile]).
func (d Dir) Value(name string) (Value, error) { return d.value(name, os.Geteuid()) }

func (d Dir) value(name string, user int) (Value, error) {
	if err := CheckName(name); err != nil {
		return Value{}, err
	}
	dir, err := os.Stat(string(d))
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	if dir.Mode().Perm()&0o022 != 0 {
		return Value{}, fmt.Errorf("secret: %s is writable by others (mode %04o): chmod go-w", string(d), dir.Mode().Perm())
	}
	if err := owned(string(d), dir, user); err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	contents, err := readPrivate(filepath.Join(string(d), name), user)
	if errors.Is(err, fs.ErrNotExist) {
		return Value{}, ErrNotFound
	}
	if err != nil {
		return Value{}, fmt.Errorf("secret: %w", err)
	}
	v, err := FromFile(contents)
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// readPrivate reads a file of at most MaxLen bytes and a line break. It looks at it before opening, since a pipe would wait for a writer,
// and again at what was opened, which could be another one by then.
func readPrivate(path string, user int) ([]byte, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := private(path, before, user); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, opened) {
		return nil, fmt.Errorf("%s was replaced while it was opened", path)
	}
	if err := private(path, opened, user); err != nil {
		return nil, err
	}
	const most = MaxLen + len("\r\n")
	contents, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(contents) > most {
		err = fmt.Errorf("%s is longer than %d bytes", path, MaxLen)
	}
	return contents, err
}

func private(path string, info fs.FileInfo, user int) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others (mode %04o): chmod 600", path, info.Mode().Perm())
	}
	return owned(path, info, user)
}
