//go:build linux || darwin

package files_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/files"
)

// buildGuest compiles testdata/guest to WebAssembly.
func buildGuest(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-o", out, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v\n%s", err, msg)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// TestGuest runs a guest made by the Go toolchain on wazero: what its os package does works where it may, and is refused where not.
func TestGuest(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	ctx := t.Context()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	guest, err := rt.CompileModule(ctx, buildGuest(t))
	if err != nil {
		t.Fatal(err)
	}

	// run has the guest make the calls, and returns what it printed.
	run := func(t *testing.T, fsys *files.FS, calls ...string) []string {
		t.Helper()
		var out bytes.Buffer
		config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{"guest"}, calls...)...).WithStdout(&out).WithStderr(&out).
			WithFSConfig(wazero.NewFSConfig().(sysfs.FSConfig).WithSysFSMount(fsys, "/kb"))
		m, err := rt.InstantiateModule(ctx, guest, config)
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		m.Close(ctx)
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}

	t.Run("all permitted", func(t *testing.T) {
		root := tree(t, map[string]string{"faq.md": "hello", "sub/deep/x": "deep"})
		fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: permit})
		got := run(t, fsys,
			"read /kb/faq.md", "stat /kb/faq.md", "stat /kb/sub", "stat /kb", "list /kb", "list /kb/sub", "read /kb/none", "stat /kb/none",
			"write /kb/new.txt one", "append /kb/new.txt two", "read /kb/new.txt", "patch /kb/new.txt O!", "write /kb/new.txt three", "read /kb/new.txt",
			"mkdir /kb/a/b/c", "write /kb/a/b/c/f x", "rename /kb/a/b/c/f /kb/a/g", "read /kb/a/g", "remove /kb/a/b/c", "walk /kb",
			"removeall /kb/sub", "list /kb", "inroot /kb/a g", "inroot /kb faq.md", "symlink faq.md /kb/link")
		want := []string{
			"read /kb/faq.md: hello", "stat /kb/faq.md: ---------- 5", "stat /kb/sub: d--------- 0", "stat /kb: d--------- 0",
			"list /kb: - faq.md, d sub/", "list /kb/sub: d deep/", "read /kb/none: absent", "stat /kb/none: absent",
			"write /kb/new.txt one: ", "append /kb/new.txt two: ", "read /kb/new.txt: onetwo", "patch /kb/new.txt O!: onetwO!",
			"write /kb/new.txt three: ", "read /kb/new.txt: three",
			"mkdir /kb/a/b/c: ", "write /kb/a/b/c/f x: ", "rename /kb/a/b/c/f /kb/a/g: ", "read /kb/a/g: x", "remove /kb/a/b/c: ",
			"walk /kb: ., a, a/b, a/g, faq.md, new.txt, sub, sub/deep, sub/deep/x",
			"removeall /kb/sub: ", "list /kb: d a/, - faq.md, - new.txt", "inroot /kb/a g: x", "inroot /kb faq.md: hello",
			"symlink faq.md /kb/link: denied",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what the guest got (-want +got):\n%s", diff)
		}
	})

	t.Run("some refused", func(t *testing.T) {
		root := tree(t, map[string]string{"open/a": "a", "shut/b": "b"})
		fsys := open(t, files.Dir{Path: root, Write: true}, files.Options{Ask: func(action string, on resource.Name) error {
			if strings.HasPrefix(on.Path(), root+"/open") && !slices.Contains([]string{"delete", "create"}, action) {
				return nil
			}
			return errors.New("no")
		}})
		calls := []string{
			"read /kb/shut/b", "read /kb/shut/none", "stat /kb/shut/b", "stat /kb/shut/none", "stat /kb/shut", "list /kb/shut", "list /kb",
			"write /kb/shut/b x", "write /kb/shut/none x", "write /kb/open/none x", "remove /kb/open/a", "mkdir /kb/open/d", "rename /kb/open/a /kb/open/c",
			"symlink a /kb/open/l", "read /kb/none",
		}
		var want []string
		for _, call := range calls {
			want = append(want, call+": denied")
		}
		calls = append(calls, "read /kb/open/a", "list /kb/open", "write /kb/open/a x", "read /kb/open/a")
		want = append(want, "read /kb/open/a: a", "list /kb/open: - a", "write /kb/open/a x: ", "read /kb/open/a: x")
		if diff := cmp.Diff(want, run(t, fsys, calls...)); diff != "" {
			t.Errorf("what the guest got (-want +got):\n%s", diff)
		}
	})

	// wazero opens the mount for the guest and panics if it can't, so this must not come to that.
	t.Run("nothing permitted and nothing left", func(t *testing.T) {
		root := tree(t, map[string]string{"a": "a"})
		calls := []string{"list /kb", "read /kb/a", "stat /kb"}
		for _, tt := range []struct {
			opts files.Options
			want []string
		}{
			{files.Options{}, []string{"denied", "denied", "denied"}},
			{files.Options{Ask: permit, Charge: func(int64) error { return errors.New("spent") }}, []string{"absent", "I/O error", "I/O error"}},
		} {
			for i, line := range run(t, open(t, files.Dir{Path: root}, tt.opts), calls...) {
				if !strings.HasPrefix(line, calls[i]+": ") || !strings.HasSuffix(line, tt.want[i]) {
					t.Errorf("got %q, want %s", line, tt.want[i])
				}
			}
		}
	})

	t.Run("a second guest on the same files", func(t *testing.T) {
		fsys := open(t, files.Dir{Path: tree(t, map[string]string{"a": "a"})}, files.Options{Ask: permit, MaxOpen: 1})
		for range 3 {
			if got := run(t, fsys, "read /kb/a"); got[0] != "read /kb/a: a" {
				t.Errorf("got %q", got)
			}
		}
	})
}
