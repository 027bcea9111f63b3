package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/internal/demo"
	"github.com/moat-lang/moat/report"
)

func newDemo() *cobra.Command { return demoCommand(demo.Run) }

// demoCommand is the command for a story.
func demoCommand(run func(ctx context.Context, dir string, each func(demo.Step) error) error) *cobra.Command {
	var asJSON bool
	var keep string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch four agents work, attack and be stopped",
		Long: `Demo plays a story on the real thing: a coordinator hands work to a tester and a deployer, and then somebody reaches too far, forges
a token, replays a message, steals a token, changes a message, plants an image, uses an approval twice, and edits the log. The policy is
policies/multi-agent; keys, signatures, decisions and the log are made while you watch, in a temporary directory.

Of each step it shows what is tried, what was asked for, how it was answered at which stage and by which rule, and why that is so. With
--json each step is an object on a line of its own. With --keep the keys, tokens, messages and logs stay in a new directory.

Exit codes: 0 every step went as the story says, 5 one didn't, 1 a file can't be written.`,
		Example: `  moatc demo
  moatc demo --json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object for each step")
	cmd.Flags().StringVar(&keep, "keep", "", "leave what was made in this `directory`, which must be empty or not exist")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, done, err := demoDir(keep)
		if err != nil {
			return err
		}
		defer done()
		out := cmd.OutOrStdout()
		show := func(s demo.Step) error { return report.WriteJSON(out, s, "") }
		if !asJSON {
			p := &demoPrinter{w: out, color: wantsColor(out)}
			p.line("", "Four agents release software under the policy policies/multi-agent. Keys, tokens, messages and log\nare real, and new; [#7] is a record of the log.")
			show = p.step
		}
		steps, astray := 0, []string(nil)
		err = run(cmd.Context(), dir, func(s demo.Step) error {
			if steps++; !s.AsTold {
				astray = append(astray, fmt.Sprintf("step %d, %s, ends with %s and should with %s", s.Number, s.ID, strings.TrimSpace(s.Answer+" "+s.Code), s.Expected))
			}
			return show(s)
		})
		switch {
		case err != nil:
			return err
		case len(astray) > 0:
			return &exitError{exitFinding, strings.Join(astray, "\n")}
		case asJSON:
			return nil
		}
		fmt.Fprintf(out, "\n%d steps, each as it should be.\n", steps)
		if keep != "" {
			in := report.Escape(keep)
			fmt.Fprintf(out, `Go on with
  moatc token inspect --trust %[1]s/trust.json %[1]s/tokens/tester.token
  moatc token inspect %[1]s/tokens/forged.token
  moatc token verify --trust %[1]s/trust.json --revocations %[1]s/revocations.txt %[1]s/tokens/tester.token
  moatc audit query --outcome deny %[1]s/pep/log
  moatc audit verify --key %[1]s/keys/log.pub --against %[1]s/checkpoint %[1]s/pep/log
`, in)
		}
		return nil
	}
	return cmd
}

// demoDir is the directory to play in, and what to do with it at the end.
func demoDir(keep string) (dir string, done func(), err error) {
	if keep == "" {
		if dir, err = os.MkdirTemp("", "moatc-demo-"); err != nil {
			return "", nil, err
		}
		return dir, func() { os.RemoveAll(dir) }, nil
	}
	entries, err := os.ReadDir(keep)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(keep, 0o700)
	case err == nil && len(entries) > 0:
		err = errors.New("the directory isn't empty")
	}
	if err != nil {
		return "", nil, ioError(keep, err)
	}
	return keep, func() {}, nil
}

// A demoPrinter prints steps for people.
type demoPrinter struct {
	w     io.Writer
	color bool
	err   error
}

const demoWidth = 110

// demoColors are those of answers (ECMA-48 SGR): what passes is green, what doesn't is red.
var demoColors = map[string]string{"permit": "1;32", "sound": "1;32", "ask": "1;33", "deny": "1;31", "broken": "1;31"}

func (p *demoPrinter) step(s demo.Step) error {
	p.line("", "")
	p.line(fmt.Sprintf("%2d  ", s.Number), p.paint("1", s.Title))
	for _, line := range s.Shows {
		p.wrap("      ", line)
	}
	p.wrap("    > ", s.Request)
	p.wrap("    ", demoAnswer(s, p.paint(demoColors[s.Answer], strings.ToUpper(s.Answer))))
	if !s.AsTold {
		p.wrap("    ", p.paint("1;31", "the story says: "+s.Expected))
	}
	p.wrap("    ", s.Lesson)
	return p.err
}

// paint colours a text that is already escaped, or ours.
func (p *demoPrinter) paint(color, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (p *demoPrinter) line(indent, text string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(indent+text, " "))
	}
}

// wrap prints a text in lines of at most demoWidth characters, where its words allow.
func (p *demoPrinter) wrap(indent, text string) {
	line, width := indent, utf8.RuneCountInString(indent)
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if i > 0 && width+1+n > demoWidth {
			p.line("", line)
			line, width = strings.Repeat(" ", utf8.RuneCountInString(indent)), utf8.RuneCountInString(indent)
		} else if i > 0 {
			line, width = line+" ", width+1
		}
		line, width = line+word, width+n
	}
	p.line("", line)
}

// demoAnswer says how a step was answered: the answer is given in colour.
func demoAnswer(s demo.Step, answer string) string {
	text := answer
	if s.Code != "" && s.Code != s.Answer {
		text += " " + s.Code
	}
	if n := demo.StageNumber(s.Stage); n > 0 {
		text += fmt.Sprintf(", stage %d (%s)", n, s.Stage)
	}
	for i, r := range s.Rules {
		text += []string{", by ", " and "}[min(i, 1)] + r.ID
		if r.Because != "" {
			text += ": " + r.Because
		}
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	if s.Reply != "" {
		text += "; " + s.Ended + ": " + s.Reply
	}
	if s.Record > 0 {
		text += fmt.Sprintf(" [#%d]", s.Record)
	}
	return text
}
