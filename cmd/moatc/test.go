package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

func newTest() *cobra.Command {
	var run string
	var coverage bool
	cmd := &cobra.Command{
		Use:   "test PATH…",
		Short: "Run the tests that stand in policies",
		Long: `Test runs the tests that stand in policies, and says of each failure what was expected, what was decided, and why.

A PATH is a .moat file, a directory whose .moat files are one policy, or a tree with such directories in it.

With --coverage it also says which rules no test asks, and which conditions no test makes true, or false. What a define says is
counted for each rule that uses it.

With --format json or junit the results of all paths go to standard output as one document.

Exit codes: 0 all tests passed, 1 a path can't be read or holds no policy, or --run matches no test, 3 a policy is invalid,
5 a test failed.`,
		Example: `  moatc test policies/quickstart
  moatc test --run mail policies
  moatc test --coverage policies/quickstart
  moatc test --format junit policies`,
		Args:              somePaths("a policy: a .moat file, a directory that holds some, or a tree of such directories"),
		ValidArgsFunction: completeFiles("moat"),
	}
	format := formatFlag(cmd, "text", "json", "junit")
	cmd.Flags().StringVar(&run, "run", "", "run only the tests whose names match this `regexp` (syntax of Go's regexp)")
	cmd.Flags().BoolVar(&coverage, "coverage", false, "say which rules and which outcomes of conditions no test reaches")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if coverage && run != "" {
			return usageError(cmd, "--coverage is about all tests of a policy; leave out --run")
		}
		wanted, err := regexp.Compile(run)
		if err != nil {
			return usageError(cmd, "--run: %s", err)
		}
		paths, diags := findPolicies(args)
		var suites []suite
		ran := 0
		for _, path := range paths {
			p, ds := lang.Load(path)
			s := suite{path: path}
			if p == nil {
				s.errors = ds.Errors()
				diags = append(diags, s.errors...)
			} else {
				s.name = p.Name
				if coverage {
					s.results, s.coverage = cover(p)
				} else {
					s.results = runTests(p, wanted)
				}
			}
			ran += len(s.results)
			suites = append(suites, s)
		}
		if err := printSuites(cmd.OutOrStdout(), format.value, suites); err != nil {
			return err
		}
		printDiagnostics(cmd, diags)
		code := exitDiagnostics(diags)
		for _, s := range suites {
			if s.failed() > 0 {
				code = gravest(code, exitFinding)
			}
		}
		if run != "" && ran == 0 && code == exitOK {
			return fmt.Errorf("no test has a name that matches %q", run)
		}
		return exit(code)
	}
	return cmd
}

// A suite is the tests of a policy and how they went.
type suite struct {
	path    string
	name    string
	results []eval.TestResult
	errors  lang.Diagnostics // why the policy couldn't be tested

	coverage *eval.Coverage // nil unless asked for
}

func cover(p *lang.Program) ([]eval.TestResult, *eval.Coverage) {
	results, coverage := eval.Cover(eval.New(p))
	return results, &coverage
}

// coverageText says for people what the tests of a suite reach.
func coverageText(s *suite) string {
	if s.coverage == nil {
		return ""
	}
	var b strings.Builder
	reached, all := s.coverage.Outcomes()
	fmt.Fprintf(&b, "cover %s  %d of %d rules asked, %d of %d outcomes reached\n", report.Escape(s.path), s.coverage.Asked(), len(s.coverage.Rules), reached, all)
	for _, g := range s.coverage.Gaps() {
		fmt.Fprintf(&b, "      %s: %s (%s)\n", report.Escape(g.Span.String()), report.Escape(g.String()), report.Escape(g.Rule.ID))
	}
	return b.String()
}

func (s *suite) failed() int {
	n := 0
	for _, r := range s.results {
		if len(r.Failures) > 0 {
			n++
		}
	}
	return n
}

func runTests(p *lang.Program, wanted *regexp.Regexp) []eval.TestResult {
	var out []eval.TestResult
	for _, r := range eval.RunTests(eval.New(p)) {
		if wanted.MatchString(r.Test.Name.Value) {
			out = append(out, r)
		}
	}
	return out
}

func printSuites(w io.Writer, format string, suites []suite) error {
	switch format {
	case "json":
		return testJSON(w, suites)
	case "junit":
		return testJUnit(w, suites)
	}
	return testText(w, suites)
}

// testText writes results for people: a line each test, and under a failed one what went wrong and why.
func testText(w io.Writer, suites []suite) error {
	var b strings.Builder
	passed, failed, invalid := 0, 0, 0
	for _, s := range suites {
		path := report.Escape(s.path)
		switch {
		case s.errors != nil:
			invalid++
			fmt.Fprintf(&b, "FAIL  %s  the policy can't be loaded\n", path)
		case len(s.results) == 0:
			fmt.Fprintf(&b, "?     %s  no tests\n", path)
		}
		for _, r := range s.results {
			verdict := "ok"
			if len(r.Failures) > 0 {
				verdict = "FAIL"
			}
			fmt.Fprintf(&b, "%-4s  %s  %s\n", verdict, path, report.Escape(r.Test.Name.Value))
			for _, f := range r.Failures {
				fmt.Fprintf(&b, "      %s: %s\n", report.Escape(f.Span.String()), report.Escape(f.Message))
				b.WriteString(indent(explanation(f.Explanation), "        "))
			}
		}
		b.WriteString(coverageText(&s))
		failed += s.failed()
		passed += len(s.results) - s.failed()
	}
	fmt.Fprintf(&b, "%d passed, %d failed", passed, failed)
	if invalid > 0 {
		fmt.Fprintf(&b, ", %s not loaded", plural(invalid, "policy", "policies"))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// explanation renders an explanation, nil for none, on lines fit to be shown.
func explanation(x *eval.Explanation) string {
	if x == nil {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(x.String()) {
		b.WriteString(report.Escape(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

// indent puts a prefix before every line.
func indent(text, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}
