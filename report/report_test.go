package report

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/moat-lang/moat/lang"
)

// at returns the span of the first text in src that equals s.
func at(t testing.TB, src *lang.Source, s string) lang.Span {
	t.Helper()
	i := strings.Index(src.Text, s)
	if i < 0 {
		t.Fatalf("%q is not in %s", s, src.Name)
	}
	return lang.Span{Src: src, Start: i, End: i + len(s)}
}

// hostile is text that an attacker would like to see printed.
const hostile = "a\x1b[31mb\r\nc\td\u202ee\u200bf\x7fg\u0085h\xffi\u0301\u2028##[set-output name=x]%,::[l](https://evil.example){0}"

// hostileDiagnostics holds hostile text in every field.
func hostileDiagnostics() lang.Diagnostics {
	src := lang.NewSource(hostile, "permit "+hostile+" on any\n"+hostile)
	other := lang.NewSource("::error::"+hostile, hostile)
	return lang.Diagnostics{
		{
			Code: hostile, Span: lang.Span{Src: src, Start: 7, End: 7 + len(hostile)}, Message: hostile, Hint: hostile,
			Labels: []lang.Label{
				{Span: lang.Span{Src: src, Start: 9, End: 12}, Text: hostile},
				{Span: lang.Span{Src: other, Start: 0, End: len(hostile)}, Text: hostile},
				{Text: hostile},
			},
		},
		{Code: "M0002", Severity: lang.Warning, Message: hostile},
		{Code: "M0002", Span: lang.Span{Src: other, Start: -5, End: 1 << 30}, Message: hostile},
		{Code: "M0002", Span: lang.Span{Src: other, Start: 1 << 30, End: 3}, Message: hostile},
	}
}

// formats are the renderings, by name.
var formats = map[string]func(io.Writer, lang.Diagnostics) error{
	"text":   func(w io.Writer, ds lang.Diagnostics) error { return Text(w, ds, TextOptions{}) },
	"json":   JSON,
	"sarif":  func(w io.Writer, ds lang.Diagnostics) error { return SARIF(w, ds, hostile) },
	"github": GitHub,
}

// checkSafe reports characters of an output that Escape would not let through.
func checkSafe(t *testing.T, format, out string) {
	t.Helper()
	for _, line := range strings.Split(out, "\n") {
		if got := Escape(line); got != line {
			t.Errorf("%s lets through\n%+q\nwhich should read\n%+q", format, line, got)
		}
		if i := strings.IndexAny(line, "\x1b\r\t\x7f\u0085\u200b\u202e\u2028"); i >= 0 { // whatever Escape says
			t.Errorf("%s lets through %+q", format, line[i:])
		}
	}
}

func TestHostileText(t *testing.T) {
	for name, render := range formats {
		var b strings.Builder
		if err := render(&b, hostileDiagnostics()); err != nil {
			t.Fatal(err)
		}
		checkSafe(t, name, b.String())
	}
}

func TestColorsAreTheOnlyEscapes(t *testing.T) {
	var plain, colored strings.Builder
	if err := errors.Join(
		Text(&plain, hostileDiagnostics(), TextOptions{}),
		Text(&colored, hostileDiagnostics(), TextOptions{Color: true}),
	); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colored.String(), styleError) {
		t.Error("there is no colour")
	}
	got := strings.NewReplacer(styleError, "", styleWarning, "", styleGutter, "", styleMessage, "", styleReset, "").Replace(colored.String())
	if got != plain.String() {
		t.Errorf("without its colours the text is\n%q\nbut should be\n%q", got, plain.String())
	}
}

func TestWriterErrorIsReturned(t *testing.T) {
	for name, render := range formats {
		r, w := io.Pipe()
		r.Close()
		if err := render(w, hostileDiagnostics()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s returned %v", name, err)
		}
	}
}

func FuzzFormats(f *testing.F) {
	f.Add(hostile, hostile, 3, 20, 80)
	f.Add("a\tb\n世界\n", "x", 0, 8, 40)
	f.Add(strings.Repeat("界\u0301", 200), "x", 300, 310, 0)
	f.Fuzz(func(t *testing.T, source, message string, start, end, width int) {
		src := lang.NewSource("a.moat", source)
		ds := lang.Diagnostics{{
			Code: "M0001", Span: lang.Span{Src: src, Start: start, End: end}, Message: message, Hint: message,
			Labels: []lang.Label{{Span: lang.Span{Src: src, Start: end, End: start}, Text: message}},
		}}
		for name, render := range formats {
			var b strings.Builder
			if err := render(&b, ds); err != nil {
				t.Fatal(err)
			}
			checkSafe(t, name, b.String())
		}

		width = max(width%500, 40)
		var b strings.Builder
		if err := Text(&b, ds, TextOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			number, _, ok := strings.Cut(line, " |")
			if !ok || strings.Trim(number, "0123456789 ") != "" || strings.Trim(number, " ") == "" {
				continue
			}
			n := 0
			for _, c := range cells(line) {
				n += c.width
			}
			if n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
	})
}
