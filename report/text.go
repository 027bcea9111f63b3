package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// TextOptions says how Text looks. The zero value is fit for a file.
type TextOptions struct {
	Color bool // with ANSI colours
	Width int  // columns that a line of source may take, gutter included; 0 means 120, and at least 40 are taken
}

// Text writes ds for people, as rustc and Elm do, and a line that counts them; nothing when ds is empty:
//
//	error[M0201]: no agent is called refundr
//	 --> shop.moat:3:8
//	  |
//	3 | permit refundr on tool("refund")
//	  |        ^^^^^^^
//	 ::: agents.moat:1:7
//	  |
//	1 | agent refunder
//	  |       -------- this one is
//	  |
//	  = help: write refunder
//
// Of a span over several lines the first and the last are shown. A line of source that is too wide is cut
// around the span; messages never are.
func Text(w io.Writer, ds lang.Diagnostics, opts TextOptions) error {
	out := bufio.NewWriter(w) // keeps the first error for Flush
	for _, d := range ds {
		t := newText(out, d, opts)
		t.header()
		for _, f := range t.files {
			t.file(f)
		}
		t.notes()
		out.WriteByte('\n')
	}
	if len(ds) > 0 {
		out.WriteString(summary(ds) + "\n")
	}
	return out.Flush()
}

func summary(ds lang.Diagnostics) string {
	var parts []string
	count := func(n int, what string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+what)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, what))
		}
	}
	count(len(ds.Errors()), "error")
	count(len(ds.Warnings()), "warning")
	return strings.Join(parts, ", ")
}

const (
	styleError   = "\x1b[1;31m" // bold red
	styleWarning = "\x1b[1;33m" // bold yellow
	styleGutter  = "\x1b[1;34m" // bold blue
	styleMessage = "\x1b[1m"
	styleReset   = "\x1b[0m"
)

// text writes one diagnostic.
type text struct {
	out    *bufio.Writer
	d      *lang.Diagnostic
	color  bool
	accent string // style of the severity
	files  []*fileMarks
	gutter int // columns of the widest line number
	width  int // columns for source, right of the gutter
}

// fileMarks are the places of a diagnostic in one file.
type fileMarks struct {
	first lang.Span // the one its heading names
	marks []mark
}

// A mark is a stretch of a line that is underlined.
type mark struct {
	line       int // from 1
	start, end int // bytes from the start of the line; they may lie past its end
	primary    bool
	text       string
}

func newText(out *bufio.Writer, d *lang.Diagnostic, opts TextOptions) *text {
	t := &text{out: out, d: d, color: opts.Color, accent: styleError, gutter: 1}
	if d.Severity == lang.Warning {
		t.accent = styleWarning
	}
	t.add(d.Span, true, "")
	for _, l := range d.Labels {
		t.add(l.Span, false, l.Text)
	}
	for _, f := range t.files {
		slices.SortStableFunc(f.marks, func(a, b mark) int {
			return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.start, b.start))
		})
		t.gutter = max(t.gutter, len(fmt.Sprint(f.marks[len(f.marks)-1].line)))
	}
	t.width = max(cmp.Or(opts.Width, 120), 40) - t.gutter - len(" | ")
	return t
}

func (t *text) add(s lang.Span, primary bool, label string) {
	if s.IsZero() {
		return
	}
	i := slices.IndexFunc(t.files, func(f *fileMarks) bool { return f.first.Src == s.Src })
	if i < 0 {
		i = len(t.files)
		t.files = append(t.files, &fileMarks{first: s})
	}
	t.files[i].marks = append(t.files[i].marks, marksOf(s, primary, label)...)
}

// marksOf returns the underlines of a span: one, or those of its first and its last line.
func marksOf(s lang.Span, primary bool, label string) []mark {
	src := s.Src
	start, end := bounds(s)
	for end > start && (src.Text[end-1] == '\n' || src.Text[end-1] == '\r') {
		end-- // a line end at the end of the span is not worth a line
	}
	lineStart := func(offset int) int { return strings.LastIndexByte(src.Text[:offset], '\n') + 1 }
	first, last := src.Position(start).Line, src.Position(end).Line
	m := mark{first, start - lineStart(start), end - lineStart(start), primary, label}
	if first == last {
		return []mark{m}
	}
	m.end, m.text = len(src.Line(first)), ""
	line := src.Line(last)
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	to := end - lineStart(end)
	return []mark{m, {last, min(indent, to), to, primary, label}}
}

func (t *text) style(style, s string) string {
	if !t.color {
		return s
	}
	return style + s + styleReset
}

func (t *text) header() {
	kind := fmt.Sprintf("%s[%s]", t.d.Severity, Escape(string(t.d.Code)))
	fmt.Fprintf(t.out, "%s%s\n", t.style(t.accent, kind), t.style(styleMessage, ": "+Escape(t.d.Message)))
}

// row writes a line under or over the source: the gutter without a number, then s.
func (t *text) row(s string) {
	if s != "" {
		s = " " + s
	}
	fmt.Fprintf(t.out, "%*s %s%s\n", t.gutter, "", t.style(styleGutter, "|"), s)
}

func (t *text) file(f *fileMarks) {
	arrow := "-->"
	if f.first.Src != t.d.Span.Src {
		arrow = ":::"
	}
	fmt.Fprintf(t.out, "%*s%s %s\n", t.gutter, "", t.style(styleGutter, arrow), Escape(f.first.String()))
	if f.first.Src.Text == "" {
		return // a file that is empty or couldn't be read has nothing to show
	}
	t.row("")
	var shown excerpt
	line := 0
	for _, m := range f.marks {
		if m.line != line || !shown.holds(m.start, m.end) {
			if line != 0 && m.line > line+1 {
				fmt.Fprintln(t.out, t.style(styleGutter, "..."))
			}
			line = m.line
			shown = cut(f.first.Src.Line(line), m.start, m.end, t.width)
			number := t.style(styleGutter, fmt.Sprintf("%*d |", t.gutter, line))
			fmt.Fprintln(t.out, strings.TrimRight(number+" "+shown.text(), " "))
		}
		t.underline(m, shown)
	}
}

func (t *text) underline(m mark, e excerpt) {
	from, n := e.columns(m.start, m.end)
	style, char := styleGutter, "-"
	if m.primary {
		style, char = t.accent, "^"
	}
	s := strings.Repeat(char, n)
	if m.text != "" {
		s += " " + Escape(m.text)
	}
	t.row(strings.Repeat(" ", from) + t.style(style, s))
}

// notes writes what belongs to no place: such labels, and the hint.
func (t *text) notes() {
	first := true
	note := func(kind, s string) {
		if first && len(t.files) > 0 {
			t.row("")
		}
		first = false
		fmt.Fprintf(t.out, "%*s %s %s %s\n", t.gutter, "", t.style(styleGutter, "="), t.style(styleMessage, kind+":"), Escape(s))
	}
	for _, l := range t.d.Labels {
		if l.Span.IsZero() {
			note("note", l.Text)
		}
	}
	if t.d.Hint != "" {
		note("help", t.d.Hint)
	}
}
