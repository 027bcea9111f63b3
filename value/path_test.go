package value

import (
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for _, in := range []string{"/", "/srv/kb", "/srv/kb/a b.txt", "/root/.ssh", "/é", "/..."} {
		if got, err := ParsePath(in); err != nil || string(got) != in {
			t.Errorf("ParsePath(%q) = %q, %v", in, got, err)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "absolute"}, {"srv", 0, "absolute"}, {"./srv", 0, "absolute"}, {"~/x", 0, "absolute"}, {"file:///srv", 0, "absolute"},
		{`C:\x`, 0, "absolute"}, {"/srv/", 4, `write "/srv"`}, {"/srv//kb", 5, `write "/srv/kb"`},
		{"/srv/../etc", 5, `path "/srv/../etc", byte 5`}, {"/srv/./kb", 5, `path "/srv/./kb", byte 5`}, {"/srv\x00", 4, "byte 4"},
		{"/srv\n", 4, "byte 4"}, {"/a\u202eb", 2, "byte 2"},
	}
	for _, tt := range refused {
		got, err := ParsePath(tt.in)
		wantError(t, "ParsePath", tt.in, got, err, "path", tt.offset, tt.reason)
	}
}

func TestParseURL(t *testing.T) {
	for _, in := range []string{"https://example.com/", "http://example.com:8080/a/b?c=d", "wss://example.com/x", "https://[::1]/"} {
		if got, err := ParseURL(in); err != nil || got.String() != in {
			t.Errorf("ParseURL(%q) = %q, %v", in, got, err)
		}
	}
	refused := []struct{ in, reason string }{
		{"", "url"}, {"example.com", "url"}, {"https://example.com", `write "https://example.com/"`},
		{"HTTPS://Example.com:443/", `write "https://example.com/"`}, {"https://a@example.com/", "userinfo"},
		{"file:///etc/passwd", "write http, https, ws or wss"}, {"tool://x", "write http, https, ws or wss"},
		{"javascript:alert(1)", "url"}, {"https://example.com/#x", "#"}, {"https://127.1/", "number"},
		{"https://example.com/" + strings.Repeat("a", 5000), "4096"},
	}
	for _, tt := range refused {
		got, err := ParseURL(tt.in)
		if err == nil || !got.IsZero() {
			t.Errorf("ParseURL(%.40q) = %v, %v", tt.in, got, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("ParseURL(%.40q): %v, want %q in it", tt.in, err, tt.reason)
		}
	}
}
