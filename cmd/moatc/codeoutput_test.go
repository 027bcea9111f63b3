package main

import (
	"strings"
	"testing"
)

// What code writes acts on no terminal, and is all there.
func TestVisibly(t *testing.T) {
	var out strings.Builder
	text := "a\tb\n\x1b[2J\u202ec\r\nlast"
	n, err := visibly{&out}.Write([]byte(text))
	if want := "a\tb\n⟨U+001B⟩[2J⟨U+202E⟩c⟨U+000D⟩\nlast"; n != len(text) || err != nil || out.String() != want {
		t.Errorf("%d %v %q", n, err, out.String())
	}
}
