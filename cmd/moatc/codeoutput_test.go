package main

import (
	"io"
	"strings"
	"testing"
)

// What code writes acts on no terminal, and is all there, however it is cut; what moatc says has a line of its own.
func TestCodeOutput(t *testing.T) {
	text := "a\tb\n\x1b[2J\u202ec\r\nché\xff last\xc3"
	const want = "a\tb\n⟨U+001B⟩[2J⟨U+202E⟩c⟨U+000D⟩\nché⟨0xFF⟩ last⟨0xC3⟩\nmoatc: ok\n"
	for _, size := range []int{1, 2, 3, 100} {
		var out strings.Builder
		c := &codeOutput{to: &out, visibly: true}
		for rest := text; rest != ""; {
			n, err := c.Write([]byte(rest[:min(size, len(rest))]))
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		io.WriteString(c.own(), "moatc: ok\n")
		if out.String() != want {
			t.Errorf("by %d bytes: %q", size, out.String())
		}
	}
	var out strings.Builder
	c := newCodeOutput(&out)
	io.WriteString(c, "\x1b[31mred\n")
	io.WriteString(c.own(), "moatc: ok\n")
	if out.String() != "\x1b[31mred\nmoatc: ok\n" {
		t.Errorf("no terminal: %q", out.String())
	}
}
