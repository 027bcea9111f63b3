package secret

import (
	"bytes"
	"slices"
	"testing"
)

// How escapes are read that can be taken for longer or shorter ones, and those that can't be read.
func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`\44word`: "$word", `\044word`: "$word", `\1012`: "A2", `\412`: "!2", `\4`: "\x04", `\0`: "\x00", `\200`: "", `\377`: "", `\8\9`: "",
		`\$\.\-\ \~`: "$.- ~", `\a\Z`: "", `\é`: "", `\`: "", "\\\r\n": "", "a\\\nb": "ab", `\\u0041`: `\u0041`, `\u{24}`: "$", `\u{000000000000000024}`: "$", `\u{24`: "", `\u{}`: "", `\u{80}`: "",
		"&#36word": "$word", "&#36;word": "$word", "&#x24;a": "$a", "&#x24 a": "$ a", "&#x24a": "", "&#36&#36": "$$", "&#00000000000000000000000000036": "$", "&#36": "$", "&#": "", "&#;": "", "&#x;": "", "&#xg": "",
		"&#128;": "", "&#18446744073709551652;": "", "&#x10000000000000024;": "", "&#-1;": "", "&#+36;": "", "&#3_6;": "\x03_6;",
		"&excl;": "!", "&VerticalLine;": "|", "&DiacriticalGrave;": "`", "&fjlig;ord": "fjord", "&hyphen;": "", "&excl": "", "&EXCL;": "", "&;": "", "&NewLine;a": "a", "&DiacriticalGraves;": "",
		"%24": "$", "%2": "", "%2g": "", "%80": "", "%0A": "", "a%0d%0Ab": "ab", "\x80": "", "a\x80%41": "a\x80A",
	} {
		got := unescape([]byte(text), nil)
		if changed := want != "" || slices.Contains([]string{"\\\r\n", "%0A"}, text); string(got) != want || changed != (got != nil) {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

// Where something stood is found again.
func TestOrigins(t *testing.T) {
	const text = "a&fjlig;%41\n\\u0042\r\nc\n"
	plain := unescape([]byte(text), nil)
	if string(plain) != "afjABc" {
		t.Fatalf("%q", plain)
	}
	for _, tt := range []struct{ places, want []string }{
		{[]string{"a", "c"}, []string{"a", "c"}},
		{[]string{"a", "fj", "A", "B"}, []string{"a", "&fjlig;", "%41", "\\u0042"}},
		{[]string{"af", "jA"}, []string{"a&fjlig;", "&fjlig;%41"}},
		{[]string{"f", "j", "Bc"}, []string{"&fjlig;", "&fjlig;", "\\u0042\r\nc"}},
		{[]string{"afjABc"}, []string{text[:len(text)-1]}},
		{[]string{"jAB"}, []string{"&fjlig;%41\n\\u0042"}},
	} {
		var places []span
		for _, part := range tt.places {
			i := bytes.Index(plain, []byte(part))
			places = append(places, span{uint32(i), uint32(i + len(part))})
		}
		var got []string
		for _, sp := range origins([]byte(text), places) {
			got = append(got, text[sp.start:sp.end])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q stand at %q, want %q", tt.places, got, tt.want)
		}
	}
}
