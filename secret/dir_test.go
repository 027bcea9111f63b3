package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "0123456789\n", 0o600)
	write("read-only", "0123456789", 0o400)
	write("group", "0123456789", 0o640)
	write("world", "0123456789", 0o604)
	write("short", "0123", 0o600)
	write("lines", "0123456789\nabcdef\n", 0o600)
	write("large", strings.Repeat("x", 1<<20), 0o600)
	write("dot.name", "0123456789", 0o600)
	if err := os.Symlink("good", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"good": "", "read-only": "",
		"group": "open to others (mode 0640)", "world": "open to others (mode 0604)", "short": "less than 8", "lines": "a line break",
		"large": "longer than", "link": "not a regular file", "folder": "not a regular file", "pipe": "not a regular file", "missing": ErrNotFound.Error(),
		"dot.name": "not the name", "../good": "not the name", "./good": "not the name", "": "not the name", "folder/x": "not the name", "a\x00": "not the name",
	} {
		v, err := Dir(dir).Value(name)
		if want == "" {
			if err != nil || v.text() != "0123456789" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !v.IsZero() || strings.Contains(err.Error(), "01234") {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	if _, err := Dir(dir).Value("missing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(dir).Value("good"); err == nil || !strings.Contains(err.Error(), "writable by others") {
		t.Error(err)
	}
}

// A file and a directory that belong to somebody else aren't trusted, whatever their modes; those of root are.
func TestDirOwner(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api")
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	me := os.Geteuid()
	chown := func(path string, to int) {
		t.Helper()
		if err := os.Chown(path, to, -1); err != nil {
			t.Fatal(err)
		}
	}
	if me == 0 { // what is root's is trusted by everybody
		if _, err := Dir(dir).value("api", 4242); err != nil {
			t.Errorf("root's: %v", err)
		}
		me = 4242
		chown(path, me)
		if _, err := Dir(dir).Value("api"); err == nil || !strings.Contains(err.Error(), "api belongs to user 4242") {
			t.Errorf("root reads what is another's: %v", err)
		}
		chown(dir, me)
	}
	if v, err := Dir(dir).value("api", me); err != nil || v.text() != sample {
		t.Errorf("its owner: %v", err)
	}
	if v, err := Dir(dir).value("api", me+1); err == nil || !strings.Contains(err.Error(), filepath.Base(dir)+" belongs to user") || !v.IsZero() {
		t.Errorf("another's directory: %v", err)
	}
	if contents, err := readPrivate(path, me+1); err == nil || !strings.Contains(err.Error(), "api belongs to user") || contents != nil {
		t.Errorf("another's file: %v", err)
	}
	for uid, trusted := range map[uint32]bool{0: true, 7: true, 8: false, 1 << 31: false, 1<<32 - 1: false} {
		if err := owned("x", info{&syscall.Stat_t{Uid: uid}}, 7); (err == nil) != trusted {
			t.Errorf("of user %d: %v", uid, err)
		}
	}
	if owned("x", info{nil}, 7) == nil {
		t.Error("what is nobody's is trusted")
	}
}

// An info is about a file of which only whose it is counts.
type info struct{ sys any }

func (info) Name() string       { return "x" }
func (info) Size() int64        { return 0 }
func (info) Mode() fs.FileMode  { return 0o600 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (i info) Sys() any         { return i.sys }

func TestMap(t *testing.T) {
	m := Map{"a": mustNew(t, sample), "empty": {}}
	if v, err := m.Value("a"); err != nil || v.text() != sample {
		t.Error(err)
	}
	for _, name := range []string{"b", "empty"} {
		if _, err := m.Value(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "_", "openai", "Open_AI-2", strings.Repeat("a", MaxNameLen)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", "1a", "a-", "a.b", "a/b", "a b", "é", "..", strings.Repeat("a", MaxNameLen+1)} {
		if CheckName(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
