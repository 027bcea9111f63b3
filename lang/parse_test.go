package lang

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// I01: text that a person reads otherwise than the compiler is refused wherever it stands.
func TestI01HiddenText(t *testing.T) {
	for name, r := range map[string]string{
		"bidi override": "\u202e", "bidi isolate": "\u2066", "bidi mark": "\u200f", "zero width space": "\u200b", "zero width joiner": "\u200d", "soft hyphen": "\u00ad",
		"word joiner": "\u2060", "tag": "\U000E0041", "variation selector": "\ufe0f", "Hangul filler": "\u3164", "line separator": "\u2028", "no-break space": "\u00a0",
		"private use": "\ue000", "BOM inside": "\ufeff", "NUL": "\x00", "ESC": "\x1b", "DEL": "\x7f", "C1": "\u0085", "lone CR": "\rx", "braille blank": "\u2800",
	} {
		for place, src := range map[string]string{
			"comment": minimal + "// x" + r + "y\n", "string": minimal + "forbid any to read on any because \"x" + r + "y\"\n", "between": minimal + "forbid any " + r + " to read on any\n",
		} {
			_, diags := Compile(map[string]string{"p.moat": src})
			if len(diags.Errors()) == 0 || diags.Errors()[0].Code != CodeInvalidText {
				t.Errorf("%s in a %s: want %s, got %v", name, place, CodeInvalidText, diags)
			}
		}
	}
	for name, src := range map[string]string{"Cyrillic": "agent а", "mixed": "agent bоt", "Greek": "group Α", "full width": "agent ａ", "digits": "agent a٣"} {
		_, diags := Compile(map[string]string{"p.moat": minimal + src + "\n"})
		if errs := diags.Errors(); len(errs) != 1 || errs[0].Code != CodeForeignName {
			t.Errorf("%s: want one %s, got %v", name, CodeForeignName, diags)
		}
	}
	// Text for people may be in any language.
	if p, diags := Compile(map[string]string{"p.moat": minimal + "// Прüfung 検査\nforbid any to write on any because \"нельзя, 禁止\"\n"}); p == nil {
		t.Error(diags)
	}
}

// I02: hostile sizes are refused at once, in memory that is a small multiple of the input.
func TestI02HostileSizes(t *testing.T) {
	head := minimal + "define x = "
	for name, tt := range map[string]struct {
		src  string
		code Code
	}{
		"5 MB file":          {minimal + strings.Repeat("// 0123456789\n", 5<<20/14), CodeTooLarge},
		"parentheses":        {head + strings.Repeat("(", 10000) + "true" + strings.Repeat(")", 10000), CodeTooDeep},
		"open brackets":      {head + strings.Repeat("[", 10000), CodeTooDeep},
		"braces":             {head + strings.Repeat("{a:", 10000), CodeTooDeep},
		"nots":               {head + strings.Repeat("not ", 10000) + "true", CodeTooDeep},
		"1 MB identifier":    {minimal + "agent " + strings.Repeat("a", 1<<20), CodeTooLong},
		"1 MB string":        {minimal + "forbid any to read on any because \"" + strings.Repeat("a", 1<<20) + "\"", CodeTooLong},
		"1 MB number":        {head + strings.Repeat("9", 1<<20), CodeInvalidNumber},
		"chain of additions": {head + "1" + strings.Repeat(" + 1", 10000), CodeTooDeep},
		"chain of fields":    {head + "context" + strings.Repeat(".a", 10000), CodeTooDeep},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, diags := Compile(map[string]string{"p.moat": tt.src})
		runtime.ReadMemStats(&after)
		if errs := diags.Errors(); len(errs) == 0 || errs[0].Code != tt.code {
			t.Errorf("%s: want %s, got %.300v", name, tt.code, diags)
		}
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(len(tt.src))*40+8<<20; used > limit {
			t.Errorf("%s: %d bytes were allocated for %d bytes of source", name, used, len(tt.src))
		}
	}
}

// I03: bytes that tools treat differently are either an error or mean nothing.
func TestI03Bytes(t *testing.T) {
	lf, _ := Compile(map[string]string{"p.moat": minimal})
	crlf, diags := Compile(map[string]string{"p.moat": strings.ReplaceAll(minimal, "\n", "\r\n")})
	if crlf == nil || crlf.Digest() != lf.Digest() {
		t.Errorf("CRLF changes the meaning: %v", diags)
	}
	for name, src := range map[string]string{"invalid UTF-8": "\xff", "overlong": "\xc0\xaf", "surrogate": "\xed\xa0\x80", "BOM": "\ufeff", "NUL": "\x00"} {
		for _, text := range []string{src + minimal, minimal + "// " + src + "\n"} {
			if _, diags := Compile(map[string]string{"p.moat": text}); len(diags.Errors()) != 1 || diags.Errors()[0].Code != CodeInvalidText {
				t.Errorf("%s: want one %s, got %v", name, CodeInvalidText, diags)
			}
			if out, diags := Format(NewSource("p.moat", text)); out != "" || len(diags.Errors()) == 0 {
				t.Errorf("%s: the formatter takes it", name)
			}
		}
	}
}

// FuzzCompile: no input makes the compiler panic, and every diagnostic has a code, a message and a place in the source.
func FuzzCompile(f *testing.F) {
	f.Add(minimal)
	f.Add(vocabulary + "permit bot to execute on tool pay when args.amount <= 1.50 and args.to from [user, crm]")
	files, err := filepath.Glob("testdata/format/*.moat")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, diags := Compile(map[string]string{"p.moat": src})
		if (p == nil) != (diags.Err() != nil) {
			t.Fatalf("program %v, diagnostics %v", p != nil, diags)
		}
		for _, d := range diags {
			if d.Code == "" || d.Message == "" {
				t.Fatalf("an empty diagnostic: %+v", d)
			}
			if s := d.Span; !s.IsZero() && (s.Start < 0 || s.End > len(src) || s.Start > s.End) {
				t.Fatalf("a span outside of the source: %+v", d)
			}
		}
	})
}
