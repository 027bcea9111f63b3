package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/moat-lang/moat/report"
)

// codeOutput is where code writes to. A file or a pipe gets what was written, byte for byte; on a terminal, all but line ends and tabs that would act on it is shown.
func codeOutput(w io.Writer) io.Writer {
	under := w
	if o, ok := w.(*output); ok {
		under = o.w
	}
	if f, ok := under.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return visibly{w}
	}
	return w
}

// visibly writes text that acts on no terminal.
type visibly struct{ to io.Writer }

func (v visibly) Write(p []byte) (int, error) {
	var out strings.Builder
	for part := range strings.SplitAfterSeq(string(p), "\n") {
		line, end := strings.CutSuffix(part, "\n")
		for i, cell := range strings.Split(line, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(report.Escape(cell))
		}
		if end {
			out.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(v.to, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
