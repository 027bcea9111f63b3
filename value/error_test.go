package value

import (
	"errors"
	"strings"
	"testing"
)

// wantError fails unless a function refused its input with an *Error as described, and returned a zero value.
func wantError[T comparable](t *testing.T, function, in string, got T, err error, typ string, offset int, reason string) {
	t.Helper()
	var zero T
	if got != zero {
		t.Errorf("%s(%.60q) = %v beside an error", function, in, got)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s(%.60q) = %v, %v, want an *Error", function, in, got, err)
		return
	}
	if e.Type != typ || e.Offset != offset || !strings.Contains(e.Error(), reason) {
		t.Errorf("%s(%.60q): error at %d: %v\nwant a %s error at %d with %q", function, in, e.Offset, e, typ, offset, reason)
	}
	if len(e.Error()) > 800 {
		t.Errorf("%s(%.60q): a message of %d bytes", function, in, len(e.Error()))
	}
	for _, r := range e.Saw {
		if r < ' ' || r > '~' {
			t.Errorf("%s(%.60q): saw %q isn't printable ASCII", function, in, e.Saw)
		}
	}
}

func TestError(t *testing.T) {
	long := strings.Repeat("a", 100) + "é" + strings.Repeat("b", 100)
	tests := []struct {
		err  *Error
		want string
	}{
		{refuse("email", "a\nb", 1, "why", ""), `email "a\nb", byte 1: why`},
		{refuse("email", "a", -1, "why", "write b"), `email "a": why; write b`},
		{refuse("url", "\x1b[31m\u202e\xff", 0, "why", ""), `url "\x1b[31m\u202e\xff", byte 0: why`},
		{refuse("url", long, 0, "why", ""), `url "` + strings.Repeat("a", 40) + `"..., byte 0: why`},
		{refuse("url", long, -1, "why", ""), `url "` + strings.Repeat("a", 40) + `"...: why`},
		{refuse("url", long, 141, "why", ""), `url ..."` + `\u00e9` + strings.Repeat("b", 79) + `"..., byte 141: why`},
		{refuse("url", long, 61, "why", ""), `url ..."` + strings.Repeat("a", 79) + `"..., byte 61: why`},
		{refuse("url", long, len(long), "why", ""), `url ..."` + strings.Repeat("b", 40) + `", byte 202: why`},
		{refuse("url", strings.Repeat("\x80", 200), 150, "why", ""), `byte 150: why`},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); !strings.HasSuffix(got, tt.want) {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
