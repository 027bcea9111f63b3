package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/moat-lang/moat/lang"
)

var (
	// The characters that GitHub's toolkit escapes in a workflow command (actions/toolkit, packages/core/src/command.ts).
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHub writes ds as workflow commands, a line each, that GitHub turns into annotations of the changed files:
//
//	::error file=shop.moat,line=3,col=8,endLine=3,endColumn=14,title=M0201::message
//
// Columns are those of the first and the last character; a span over several lines has none, since GitHub
// takes them on one line only. Labels and the hint follow the message on lines of their own.
// GitHub shows at most 10 errors and 10 warnings of a step.
func GitHub(w io.Writer, ds lang.Diagnostics) error {
	var b strings.Builder
	for _, d := range ds {
		var props []string
		add := func(key, value string) { props = append(props, key+"="+githubProperty.Replace(Escape(value))) }
		if p := placeOf(d.Span); p != nil {
			add("file", p.File)
			add("line", fmt.Sprint(p.Start.Line))
			if p.Start.Line == p.End.Line {
				add("col", fmt.Sprint(p.Start.Column))
			}
			add("endLine", fmt.Sprint(p.End.Line))
			if p.Start.Line == p.End.Line {
				add("endColumn", fmt.Sprint(max(p.Start.Column, p.End.Column-1)))
			}
		}
		add("title", string(d.Code))
		fmt.Fprintf(&b, "::%s %s::%s\n", d.Severity, strings.Join(props, ","), githubData.Replace(githubMessage(d)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func githubMessage(d *lang.Diagnostic) string {
	lines := []string{Escape(d.Message)}
	for _, l := range d.Labels {
		line := Escape(l.Text)
		if !l.Span.IsZero() {
			line = Escape(l.Span.String()) + ": " + line
		}
		lines = append(lines, line)
	}
	if d.Hint != "" {
		lines = append(lines, "help: "+Escape(d.Hint))
	}
	return strings.Join(lines, "\n")
}
