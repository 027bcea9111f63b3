package report

import (
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", `permit "x" ~`, `permit "x" ~`},
		{"letters of other scripts", "café 世界 שלום", "café 世界 שלום"},
		{"escape sequence", "\x1b[2J", "⟨U+001B⟩[2J"},
		{"C1 control sequence", "\u009b2J", "⟨U+009B⟩2J"},
		{"line ends and tab", "a\r\nb\tc", "a⟨U+000D⟩⟨U+000A⟩b⟨U+0009⟩c"},
		{"delete and NUL", "\x7f\x00", "⟨U+007F⟩⟨U+0000⟩"},
		{"bidi override", "a\u202eb", "a⟨U+202E⟩b"},
		{"bidi isolate", "\u2066", "⟨U+2066⟩"},
		{"zero width", "a\u200b\u200d\ufeffb", "a⟨U+200B⟩⟨U+200D⟩⟨U+FEFF⟩b"},
		{"line separator", "\u2028", "⟨U+2028⟩"},
		{"odd spaces", "\u00a0\u2003\u3000", "⟨U+00A0⟩⟨U+2003⟩⟨U+3000⟩"},
		{"blank letters and symbols", "\u3164\u2800", "⟨U+3164⟩⟨U+2800⟩"},
		{"variation selector", "a\ufe0f", "a⟨U+FE0F⟩"},
		{"tag", "\U000e0041", "⟨U+E0041⟩"},
		{"private and unassigned", "\ue000\u0378\U0010ffff", "⟨U+E000⟩⟨U+0378⟩⟨U+10FFFF⟩"},
		{"bytes that aren't UTF-8", "a\xff\xc3", "a⟨0xFF⟩⟨0xC3⟩"},
		{"the replacement character itself", "\ufffd", "\ufffd"},
		{"mark on a letter", "e\u0301", "e\u0301"},
		{"mark on nothing", "\u0301e", "⟨U+0301⟩e"},
		{"mark on an escape", "\n\u0301", "⟨U+000A⟩⟨U+0301⟩"},
		{"tower of marks", "e" + strings.Repeat("\u0301", 6), "e" + strings.Repeat("\u0301", 4) + "⟨U+0301⟩⟨U+0301⟩"},
		{"command of a CI runner", "x ##[add-mask]y", "x ⟨U+0023⟩#[add-mask]y"},
		{"command after a number sign", "###[group]", "#⟨U+0023⟩#[group]"},
		{"command with a name before the bracket", "##vso[task.setvariable]", "⟨U+0023⟩#vso[task.setvariable]"},
		{"heading", "## a [b]", "## a [b]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Escape(tt.in)
			if got != tt.want {
				t.Errorf("Escape(%+q) = %+q, want %+q", tt.in, got, tt.want)
			}
			if again := Escape(got); again != got {
				t.Errorf("escaped twice: %+q", again)
			}
		})
	}
}
