package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

// writeJSON writes v on one line. Characters that report.Escape wouldn't show are written as \u escapes: values stay exact, and
// nothing acts on a terminal or a CI runner.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// escapeJSON takes a JSON text of one line; what it replaces can stand only inside a string there.
func escapeJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == '#' && i+1 < len(text) && text[i+1] == '#', r == 0x7f:
			out = fmt.Appendf(out, `\u%04x`, r)
		case r < utf8.RuneSelf || report.Escape(string(r)) == string(r):
			out = append(out, text[i:i+n]...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// A place is where a span begins. Line and column count from 1, columns in code points.
type place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func placeOf(s lang.Span) place {
	if s.IsZero() {
		return place{}
	}
	at := s.From()
	return place{s.Src.Name, at.Line, at.Col}
}
