package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

func newCheck() *cobra.Command {
	var cost bool
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Find every mistake in policies",
		Long: `Check reads policies and reports every mistake and every doubt that it finds.

A PATH is a .moat file, a directory whose .moat files are one policy, or a tree with such directories in it. Of a policy
without mistakes check prints the name, the number of rules and the digest, and the permits that came by import.

With --format json, sarif or github the diagnostics of all paths go to standard output as one document.

Exit codes: 0 no mistake (warnings are none), 1 a path can't be read or holds no policy, 3 a policy is invalid.`,
		Example: `  moatc check policies/quickstart
  moatc check --cost policies/coding-agent
  moatc check --format sarif policies`,
		Args:              somePaths("a policy: a .moat file, a directory that holds some, or a tree of such directories"),
		ValidArgsFunction: completeFiles("moat"),
	}
	format := formatFlag(cmd, "text", "json", "sarif", "github")
	cmd.Flags().BoolVar(&cost, "cost", false, "print how many steps each rule may take and what state the policy keeps (with --format text)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cost && format.value != "text" {
			return usageError(cmd, "--cost prints text; it doesn't go with --format %s", format.value)
		}
		out := cmd.OutOrStdout()
		paths, diags := findPolicies(args)
		for _, path := range paths {
			p, ds := lang.Load(path)
			diags = append(diags, ds...)
			if p != nil && format.value == "text" {
				printChecked(out, path, p, cost)
			}
		}
		var err error
		switch format.value {
		case "text":
			printDiagnostics(cmd, diags)
		case "json":
			err = report.JSON(out, diags)
		case "sarif":
			err = report.SARIF(out, diags, thisBuild().Version)
		case "github":
			err = report.GitHub(out, diags)
		}
		if err != nil {
			return err
		}
		return exit(exitDiagnostics(diags))
	}
	return cmd
}

// printChecked prints what a policy without mistakes is.
func printChecked(w io.Writer, path string, p *lang.Program, cost bool) {
	fmt.Fprintf(w, "ok  %s  policy %s  %s  %s\n", report.Escape(path), p.Name, plural(len(p.Rules), "rule"), p.DigestString())
	for _, r := range p.Rules {
		if r.Effect == lang.Permit && p.Imported[r.ID] {
			fmt.Fprintf(w, "    permit by import: %s (%s)\n", report.Escape(r.ID), report.Escape(r.Span.String()))
		}
	}
	if cost {
		printCost(w, p)
	}
}

// printCost prints the bounds that hold for every request.
func printCost(w io.Writer, p *lang.Program) {
	most, width := 0, 0
	for _, r := range p.Rules {
		most, width = max(most, r.Cost), max(width, len(r.ID))
	}
	for _, r := range p.Rules {
		fmt.Fprintf(w, "    %-*s  %s  (%s)\n", width, report.Escape(r.ID), plural(r.Cost, "step"), report.Escape(r.Span.String()))
	}
	fmt.Fprintf(w, "    at most %s a rule where lists have one element; over n elements a quantifier takes its body n times, nested ones multiply\n", plural(most, "step"))
	printState(w, p)
}

// plural renders a number of things; the plural is the singular and an s unless it is given.
func plural(n int, forms ...string) string {
	one, many := forms[0], forms[0]+"s"
	if len(forms) > 1 {
		many = forms[1]
	}
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
