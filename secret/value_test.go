package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = "sk-hidden-0123456789"

func mustNew(t testing.TB, text string) Value {
	t.Helper()
	v, err := New(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// However a value is printed, also as a part of something else, it isn't shown.
func TestValueIsNotShown(t *testing.T) {
	v := mustNew(t, sample)
	type inner struct {
		v Value
		p *Value
	}
	type open struct{ V Value }
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%p"} {
		for _, x := range []any{v, &v, inner{v, &v}, open{v}, []Value{v}, map[string]Value{"a": v}, errors.Join(fmt.Errorf("%v", v))} {
			all = append(all, fmt.Sprintf(verb, x))
		}
	}
	j, err := json.Marshal(map[string]any{"a": v, "b": open{v}, "c": inner{v, &v}})
	if err != nil {
		t.Error(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "w", open{v}, "h", inner{v, &v})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "w", open{v}, "h", inner{v, &v})
	s := NewScrubber(v)
	for _, text := range append(all, string(j), log.String()) {
		if strings.Contains(text, "hidden") || s.String(text) != text {
			t.Errorf("%q shows the value", text)
		}
	}
	if got := fmt.Sprint(v, Value{}); got != `secret "redacted" secret "redacted"` {
		t.Errorf("it prints as %s", got)
	}
}

func TestNew(t *testing.T) {
	for name, tt := range map[string]struct{ text, err string }{
		"shortest":       {"12345678", ""},
		"longest":        {random(MaxLen), ""},
		"spaces inside":  {"pass word 1", ""},
		"empty":          {"", "a value of 0 bytes"},
		"short":          {"1234567", "a value of 7 bytes, less than 8"},
		"long":           {random(MaxLen + 1), "more than 8192"},
		"CR":             {"hidden12\rX: y", "a line break in the value, at byte 8"},
		"LF":             {"hidden12\nX: y", "a line break in the value, at byte 8"},
		"NUL":            {"hidden12\x00", "a control character in the value, at byte 8"},
		"tab":            {"hidden12\tx", "a control character"},
		"DEL":            {"hidden12\x7f", "a control character"},
		"not ASCII":      {"hidden12é", "isn't ASCII, at byte 8"},
		"space first":    {" hidden12", "a space before"},
		"space last":     {"hidden12 ", "a space before"},
		"repeats little": {strings.Repeat("A", 257), ""},
		"repeats itself": {strings.Repeat("hidden", 100), "stand in it more than once"},
	} {
		v, err := New(tt.text)
		if tt.err == "" {
			if err != nil || v.IsZero() || v.text() != tt.text {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hidden") || !v.IsZero() {
			t.Errorf("%s: %v, want %q", name, err, tt.err)
		}
	}
}

func TestFromFile(t *testing.T) {
	for _, tt := range []struct{ contents, want string }{
		{"12345678", "12345678"},
		{"12345678\n", "12345678"},
		{"12345678\r\n", "12345678"},
		{"12345678\n\n", ""},
		{"12345678\r", ""},
		{"12345678 \n", ""},
		{"\n12345678", ""},
		{"1234567\n", ""},
	} {
		v, err := FromFile([]byte(tt.contents))
		if v.text() != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %v", tt.contents, err)
		}
	}
}

func TestLongestRepeat(t *testing.T) {
	got := map[string]int{}
	for _, s := range []string{"", "a", "ab", "aa", "aaaa", "abcabcab", "abcxabcyabc", "xabab"} {
		got[s] = longestRepeat(s)
	}
	want := map[string]int{"": 0, "a": 0, "ab": 0, "aa": 1, "aaaa": 3, "abcabcab": 5, "abcxabcyabc": 3, "xabab": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// random returns n letters that don't repeat.
func random(n int) string {
	var b strings.Builder
	state := uint32(1)
	for range n {
		state = state*1664525 + 1013904223
		b.WriteByte('a' + byte(state>>24)%26)
	}
	return b.String()
}
