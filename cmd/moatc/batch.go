package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/strictjson"
)

// maxLine bounds a line of a batch, in bytes, its end excluded. It is what a request may have.
const maxLine = strictjson.DefaultBytes

var errLongLine = fmt.Errorf("the line has more than %d bytes", maxLine)

// runBatch answers every line of a file, in order, in JSON or text. It holds one line at a time.
func runBatch(cmd *cobra.Command, a *asker, name string) error {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return ioError(name, err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewReaderSize(in, 64<<10)
	out := bufio.NewWriter(cmd.OutOrStdout())
	stats := batchStats{start: time.Now()}
	progress := newProgress(cmd.ErrOrStderr())
	var waiting []answer // for their records to become durable: many of them at once
	var unrecorded error
	answerAll := func() error {
		for i := range waiting {
			an := &waiting[i]
			an.settle()
			unrecorded = cmp.Or(unrecorded, an.unrecorded)
			stats.add(*an)
			an.line = stats.lines
			var err error
			if a.text {
				_, err = out.WriteString(an.text())
			} else {
				err = report.WriteJSON(out, an.response(), "")
			}
			if err != nil {
				return err
			}
		}
		waiting = waiting[:0]
		progress.show(stats.lines)
		return nil
	}
	for {
		line, err := readLine(lines)
		if err == io.EOF {
			break
		}
		switch {
		case errors.Is(err, errLongLine):
			an := answer{program: a.program, invalid: err, decision: eval.Decision{Code: eval.CodeInvalidRequest}}
			a.record(&an, []byte(err.Error())) // of the line itself nothing was kept
			waiting = append(waiting, an)
		case err != nil:
			return errors.Join(answerAll(), out.Flush(), ioError(name, err))
		default:
			waiting = append(waiting, a.ask(line))
		}
		idle := lines.Buffered() == 0 // whoever feeds the lines may be waiting for the answers
		if idle || a.log == nil || len(waiting) >= 1024 {
			if err := answerAll(); err != nil {
				return err
			}
		}
		if idle {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	if err := answerAll(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	progress.clear()
	fmt.Fprintln(cmd.ErrOrStderr(), stats)
	switch {
	case unrecorded != nil:
		return unrecorded
	case stats.invalid > 0:
		return exit(exitInvalid)
	}
	return nil
}

// readLine returns the next line without its end, or io.EOF. Of a line that is too long it reads past the end and returns errLongLine.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if n := len(part); n > 0 && part[n-1] == '\n' {
			part = part[:n-1]
		}
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && (long || len(line) > 0): // the last line needs no end
		case err != nil:
			return nil, err
		}
		if long {
			return nil, errLongLine
		}
		return line, nil
	}
}

// batchStats counts the answers of a batch.
type batchStats struct {
	start                             time.Time
	lines, permit, ask, deny, invalid int
}

func (s *batchStats) add(a answer) {
	s.lines++
	switch {
	case a.invalid != nil:
		s.invalid++
	case a.decision.Outcome == eval.Permit:
		s.permit++
	case a.decision.Outcome == eval.Ask:
		s.ask++
	default:
		s.deny++
	}
}

func (s batchStats) String() string {
	took := time.Since(s.start)
	rate := float64(s.lines) / max(took.Seconds(), 1e-6)
	return fmt.Sprintf("%s: %d permit, %d ask, %d deny, %d invalid; %.3f s, %.0f lines/s", plural(s.lines, "line"), s.permit, s.ask, s.deny, s.invalid, took.Seconds(), rate)
}

// progress shows on a terminal how far a long batch has come, once a second from the third on.
type progress struct {
	w     io.Writer // nil: show nothing
	next  time.Time
	shown bool
}

func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		w = nil
	}
	return &progress{w: w, next: time.Now().Add(2 * time.Second)}
}

func (p *progress) show(lines int) {
	if p.w == nil || lines%256 != 0 || time.Now().Before(p.next) {
		return
	}
	fmt.Fprintf(p.w, "\r%d lines", lines)
	p.next, p.shown = time.Now().Add(time.Second), true
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
