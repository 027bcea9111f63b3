package audit

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A memFS holds the files of a log in memory, for reading: verifying it thousands of times costs no system calls.
type memFS struct {
	FS
	files map[string][]byte
	dir   []fs.DirEntry
}

func readMem(t testing.TB, dir string) *memFS {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &memFS{files: map[string][]byte{}, dir: entries}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if m.files[filepath.Join(dir, e.Name())], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *memFS) ReadDir(string) ([]fs.DirEntry, error) { return m.dir, nil }

func (m *memFS) OpenFile(name string, _ int, _ fs.FileMode) (File, error) {
	data, ok := m.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return memFile{bytes.NewReader(data)}, nil
}

type memFile struct{ *bytes.Reader }

func (memFile) Write([]byte) (int, error) { return 0, fs.ErrPermission }
func (memFile) Close() error              { return nil }
func (memFile) Truncate(int64) error      { return fs.ErrPermission }
func (memFile) Sync() error               { return fs.ErrPermission }
func (f memFile) Size() (int64, error)    { return f.Reader.Size(), nil }
