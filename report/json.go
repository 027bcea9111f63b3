package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/moat-lang/moat/lang"
)

type jsonReport struct {
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
	Errors      int              `json:"errors"`
	Warnings    int              `json:"warnings"`
}

type jsonDiagnostic struct {
	Code     lang.Code `json:"code"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Hint     string    `json:"hint,omitempty"`
	*place
	Labels []jsonLabel `json:"labels"`
}

type jsonLabel struct {
	Text string `json:"text"`
	*place
}

// JSON writes ds as one object:
//
//	{"diagnostics": [{"code", "severity", "message", "hint", "file", "start", "end", "labels"}], "errors": 1, "warnings": 0}
//
// severity is "error" or "warning". start and end are {"line", "column", "offset"}: line and column count from 1,
// columns in code points; offset counts bytes from 0; end is exclusive. file, start and end are absent together
// where there is no place, hint where there is none. A label is {"text", "file", "start", "end"}.
// Bytes that aren't UTF-8 become U+FFFD.
func JSON(w io.Writer, ds lang.Diagnostics) error {
	r := jsonReport{
		Diagnostics: make([]jsonDiagnostic, 0, len(ds)),
		Errors:      len(ds.Errors()),
		Warnings:    len(ds.Warnings()),
	}
	for _, d := range ds {
		j := jsonDiagnostic{
			Code: d.Code, Severity: d.Severity.String(), Message: d.Message, Hint: d.Hint,
			place: placeOf(d.Span), Labels: make([]jsonLabel, 0, len(d.Labels)),
		}
		for _, l := range d.Labels {
			j.Labels = append(j.Labels, jsonLabel{l.Text, placeOf(l.Span)})
		}
		r.Diagnostics = append(r.Diagnostics, j)
	}
	return WriteJSON(w, r, "  ")
}

// WriteJSON writes v as JSON and a line end, on one line when indent is empty. Every character that [Escape] would not show is written as a
// \u escape: values stay exact, and nothing acts on a terminal or a CI runner.
func WriteJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// escapeJSON takes a JSON text; what it replaces can stand only inside a string there.
func escapeJSON(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' || visible(r) && !runnerCommand(s[i:]):
			out = append(out, s[i:i+n]...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return string(out)
}
