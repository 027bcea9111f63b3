// Moatc checks, formats, tests and asks policies written in Moat.
//
// Each command is thin over the packages: check and fmt over lang, test and eval over package eval, what they print over report. A
// command stands in the file of its name; [newRoot] lists them, exit.go says what their exit codes mean.
//
// What the command line guarantees:
//
//   - Results go to standard output, errors and warnings to standard error.
//   - Exit code 0 of eval means permit, and nothing else does. A result that couldn't be written is an error.
//   - Text from policies, requests and file names reaches no terminal in a form that acts on it (see [report.Escape]).
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/report"
)

func main() {
	os.Exit(doMain(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// doMain runs one command line, without the program's name, and returns the exit code.
func doMain(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "moatc: a defect of moatc: %s\n%s", report.Escape(fmt.Sprint(r)), debug.Stack())
			code = exitUsage
		}
	}()
	out := &output{w: stdout}
	root := newRoot()
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	addBuiltins(root, args)
	err := root.Execute()
	if out.err != nil {
		err = fmt.Errorf("the result can't be written: %w", out.err)
	}
	if err != nil {
		complain(stderr, err)
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "moatc",
		Short: "Check, format, test and ask policies for AI agents",
		Long: `Moatc checks, formats, tests and asks policies written in Moat, a policy language for AI agents.

A policy is a directory of .moat files, or one such file. Results go to standard output, errors and warnings to
standard error.

Exit codes:
  0  permit, or nothing to complain about (warnings alone are 0)
  1  the command line is wrong, or something can't be read or written
  2  deny
  3  a policy or an input is invalid
  4  ask: permitted once somebody has approved
  5  a finding: a test failed, a file isn't formatted, a log is broken, a replayed decision changes`,
		Example: `  moatc check policies/quickstart
  moatc test policies/quickstart
  moatc eval --explain --policy policies/quickstart policies/quickstart/requests/ask.json`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newCheck(), newFmt(), newTest(), newEval(), newRun(), newImport(), newDemo(), newVersion(),
		newIdentity(), newToken(), newAttest(), newApprove(), newRevoke(),
		newAudit(), newReplay())
	return root
}

// complain prints an error, whatever characters its parts have, a line each.
func complain(w io.Writer, err error) {
	text := err.Error()
	if text == "" {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			line = "moatc: " + line
		}
		fmt.Fprintln(w, report.Escape(line))
	}
}

// An output remembers that a write failed, so that no command has to look at every one.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// isTerminal reports whether w is a character device, as terminals are.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// wantsColor reports whether to colour what goes to w (https://no-color.org).
func wantsColor(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
