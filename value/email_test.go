package value

import (
	"strings"
	"testing"
)

func TestParseEmail(t *testing.T) {
	for in, domain := range map[string]string{
		"a@b.com":                          "b.com",
		"alice.smith+tag@mail.example.com": "mail.example.com",
		"Alice@example.com":                "example.com",
		"!#$%&'*+-/=?^_`{|}~@example.com":  "example.com",
		"root@localhost":                   "localhost",
		"a@xn--bcher-kva.example":          "xn--bcher-kva.example",
		strings.Repeat("a", 64) + "@b.com": "b.com",
	} {
		got, err := ParseEmail(in)
		if err != nil || string(got) != in || got.Domain() != domain {
			t.Errorf("ParseEmail(%q) = %q, %v, domain %q", in, got, err, got.Domain())
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"", 0, "no '@'"},
		{"a", 1, "no '@'"},
		{"a@b.com,c@d.com", 7, "',' would begin a second address; write one address"},
		{"a@b.com;c@d.com", 7, "second address"},
		{"a@b.com c@d.com", 7, "isn't part"},
		{"a@b.com\r\nBcc: x@y.com", 7, `a line break, '\r', could begin another header`},
		{"a@b.com\n", 7, "line break"},
		{"a@b.com\x00", 7, `'\x00'`},
		{"a@b.com\t", 7, `'\t'`},
		{"Bob <a@b.com>", 3, "the address alone"},
		{"<a@b.com>", 0, "the address alone"},
		{"mailto:a@b.com", 6, "the address alone"},
		{`"a b"@b.com`, 0, "quoted"},
		{"a(c)@b.com", 1, "comments"},
		{"a@[127.0.0.1]", 2, "in brackets"},
		{"a@127.0.0.1", 2, "IP address"},
		{"a@b@c.com", 3, "a second '@'"},
		{"@b.com", 0, "nothing stands before"},
		{"a@", 2, "nothing stands behind"},
		{"@", 0, "nothing stands before"},
		{".a@b.com", 0, "'.' stands between"},
		{"a.@b.com", 0, "'.' stands between"},
		{"a..b@b.com", 0, "'.' stands between"},
		{"a\\b@b.com", 1, "isn't part"},
		{"a@B.com", 2, `write "a@b.com"`},
		{"a@b.com.", 7, `write "a@b.com"`},
		{"a@b..com", 4, "empty label"},
		{"a@-b.com", 2, "hyphen"},
		{"a@b_c.com", 3, "letters, digits and hyphens"},
		{"a@b.com/x", 7, "letters, digits"},
		{"a@bücher.example", 3, "xn--"},
		{"é@b.com", 0, "isn't ASCII"},
		{"a\u202e@b.com", 1, `'\u202e' isn't ASCII`},
		{"a@b.com\xff", 7, `'\xff'`},
		{"a＠b.com", 1, `'\uff20'`},
		{strings.Repeat("a", 65) + "@b.com", 0, "65 bytes stand before"},
		{"a@" + strings.Repeat("b.", 125) + "com", -1, "255 bytes"},
		{strings.Repeat("a", 1<<20), -1, "1048576 bytes"},
	}
	for _, tt := range refused {
		got, err := ParseEmail(tt.in)
		wantError(t, "ParseEmail", tt.in, got, err, "email", tt.offset, tt.reason)
	}
	if _, err := ParseEmail("a@" + strings.Repeat("b.", 124) + "comm"); err != nil {
		t.Error(err)
	}
}
