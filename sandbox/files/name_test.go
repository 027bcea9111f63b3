package files

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/experimental/sys"

	"github.com/moat-lang/moat/resource"
)

func mountAt(t testing.TB, path string) resource.Name {
	t.Helper()
	mount, err := resource.File(path)
	if err != nil {
		t.Fatal(err)
	}
	return mount
}

func TestParseName(t *testing.T) {
	for _, tt := range []struct {
		guest string
		on    string // "" if it is refused
		asDir bool
		errno sys.Errno
	}{
		{".", "file:///srv/kb", true, 0},
		{"/", "file:///srv/kb", true, 0},
		{"./", "file:///srv/kb", true, 0},
		{"a", "file:///srv/kb/a", false, 0},
		{"a/", "file:///srv/kb/a", true, 0},
		{"a/.", "file:///srv/kb/a", true, 0},
		{"a//b", "file:///srv/kb/a/b", false, 0},
		{"./a", "file:///srv/kb/a", false, 0},
		{"/a", "file:///srv/kb/a", false, 0}, // below the mount, not the host's
		{"/etc/passwd", "file:///srv/kb/etc/passwd", false, 0},
		{"...", "file:///srv/kb/...", false, 0},
		{"a b", "file:///srv/kb/a b", false, 0},
		{"naïve.md", "file:///srv/kb/naïve.md", false, 0},
		{strings.Repeat("x", MaxPart), "file:///srv/kb/" + strings.Repeat("x", MaxPart), false, 0},
		{strings.Repeat("d/", MaxDepth-1) + "f", "file:///srv/kb/" + strings.Repeat("d/", MaxDepth-1) + "f", false, 0},

		{"", "", false, sys.EINVAL},
		{"..", "", false, sys.EINVAL},
		{"../kb/a", "", false, sys.EINVAL},
		{"a/../b", "", false, sys.EINVAL},
		{"a/..", "", false, sys.EINVAL},
		{"a\x00b", "", false, sys.EINVAL},
		{"a\x00", "", false, sys.EINVAL},
		{"a\nb", "", false, sys.EINVAL},
		{`a\b`, "", false, sys.EINVAL},
		{"a\xff", "", false, sys.EINVAL},
		{"e\u0301", "", false, sys.EINVAL}, // é in two characters
		{"a\u200bb", "", false, sys.EINVAL},
		{"a%2fb", "", false, sys.EINVAL},
		{strings.Repeat("x", MaxPart+1), "", false, sys.ENAMETOOLONG},
		{strings.Repeat("d/", MaxDepth) + "f", "", false, sys.ENAMETOOLONG},
		{strings.Repeat("/", resource.MaxNameLen) + "f", "", false, sys.ENAMETOOLONG},
	} {
		n, errno := parseName(mountAt(t, "/srv/kb"), tt.guest)
		if errno != tt.errno || n.on.String() != tt.on || errno == 0 && n.asDir != tt.asDir {
			t.Errorf("%.40q: %s, as a directory %v, %v; want %s, %v, %v", tt.guest, n.on, n.asDir, errno, tt.on, tt.asDir, tt.errno)
		}
	}
}

func TestNameBelowTheRoot(t *testing.T) {
	n, errno := parseName(mountAt(t, "/"), "etc/passwd")
	if errno != 0 || n.on.String() != "file:///etc/passwd" {
		t.Errorf("%s, %v", n.on, errno)
	}
}

// FuzzName checks what parseName promises: what it takes is below the mount, part by part, and says the same name again.
func FuzzName(f *testing.F) {
	for _, s := range []string{".", "a", "a/b/", "//a", "a/./b", "..", "a/../b", "a\x00", `a\..\b`, "e\u0301", "%2e%2e/a", "a/" + strings.Repeat("d/", 70)} {
		f.Add(s)
	}
	mount := mountAt(f, "/srv/kb")
	f.Fuzz(func(t *testing.T, guest string) {
		n, errno := parseName(mount, guest)
		if errno != 0 {
			if diff := cmp.Diff(0, len(n.parts)); diff != "" || !n.on.IsZero() {
				t.Errorf("%q is refused with %v and yet a name", guest, errno)
			}
			return
		}
		want := "/srv/kb"
		for _, p := range n.parts {
			if p == "" || p == "." || p == ".." || strings.ContainsAny(p, "/\\\x00") || len(p) > MaxPart {
				t.Errorf("%q has the part %q", guest, p)
			}
			want += "/" + p
		}
		if n.on.Path() != want || len(n.parts) > MaxDepth {
			t.Errorf("%q is %s, want %s", guest, n.on.Path(), want)
		}
		again, errno := parseName(mount, strings.Join(n.parts, "/")+"/.")
		if errno == 0 && again.on != n.on {
			t.Errorf("%q is %s, and again %s", guest, n.on, again.on)
		}
	})
}
