//go:build linux || darwin

package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/files"
)

// permit is an Ask that permits everything.
func permit(string, resource.Name) error { return nil }

// tree makes files in a new directory, and returns its path.
func tree(t testing.TB, contents map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range contents {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// open opens a directory until the test ends.
func open(t testing.TB, dir files.Dir, opts files.Options) *files.FS {
	t.Helper()
	fsys, err := files.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fsys.Close(); err != nil {
			t.Error(err)
		}
	})
	return fsys
}

// entries lists a directory: the names, those of directories with a slash.
func entries(t testing.TB, fsys *files.FS, path string) []string {
	t.Helper()
	d, errno := fsys.OpenFile(path, sys.O_DIRECTORY, 0)
	if errno != 0 {
		t.Fatalf("open %s: %v", path, errno)
	}
	defer d.Close()
	list, errno := d.Readdir(-1)
	if errno != 0 {
		t.Fatalf("list %s: %v", path, errno)
	}
	names := []string{}
	for _, e := range list {
		if e.IsDir() {
			e.Name += "/"
		}
		names = append(names, e.Name)
	}
	return names
}
