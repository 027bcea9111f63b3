package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/moat-lang/moat/report"
)

// A codeOutput is where code writes to. A file or a pipe gets what was written, byte for byte; on a terminal, all but line ends and tabs that would act on it is shown.
type codeOutput struct {
	to      io.Writer
	visibly bool
	rest    []byte // of a character that was written in part
	inLine  bool   // the last byte was no line end
}

func newCodeOutput(w io.Writer) *codeOutput {
	under := w
	if o, ok := w.(*output); ok {
		under = o.w
	}
	f, ok := under.(*os.File)
	return &codeOutput{to: w, visibly: ok && term.IsTerminal(int(f.Fd()))}
}

func (c *codeOutput) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.inLine = p[len(p)-1] != '\n'
	if !c.visibly {
		return c.to.Write(p)
	}
	text := append(c.rest, p...)
	whole := len(text)
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				whole = i
			}
			break
		}
	}
	c.rest = append([]byte(nil), text[whole:]...)
	if err := c.show(string(text[:whole])); err != nil {
		return 0, err
	}
	return len(p), nil
}

// show writes text so that it acts on no terminal.
func (c *codeOutput) show(text string) error {
	var out strings.Builder
	for part := range strings.SplitAfterSeq(text, "\n") {
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
	_, err := io.WriteString(c.to, out.String())
	return err
}

// flush writes what is left of a character that never became whole.
func (c *codeOutput) flush() error {
	rest := c.rest
	c.rest = nil
	if len(rest) == 0 {
		return nil
	}
	return c.show(string(rest))
}

// own returns where moatc itself writes to, at the beginning of a line.
func (c *codeOutput) own() io.Writer {
	_ = c.flush() // standard error that can't be written to has nobody to be told
	if c.inLine {
		c.inLine = false
		_, _ = io.WriteString(c.to, "\n")
	}
	return c.to
}
