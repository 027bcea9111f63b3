package secret

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
