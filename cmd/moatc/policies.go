package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

// findPolicies lists the policies that the arguments of a command mean, each once. A path that means none is listed as it is, so
// that loading it says why; a tree that can't be searched is a diagnostic.
func findPolicies(args []string) ([]string, lang.Diagnostics) {
	var paths []string
	var diags lang.Diagnostics
	seen := map[string]bool{}
	for _, arg := range args {
		found, err := lang.Find(arg)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			diags = append(diags, &lang.Diagnostic{Code: lang.CodeReadFile, Message: ioError(arg, err).Error()})
		case len(found) == 0:
			found = []string{arg}
		}
		for _, p := range found {
			if clean := filepath.Clean(p); !seen[clean] {
				seen[clean] = true
				paths = append(paths, p)
			}
		}
	}
	return paths, diags
}

// printDiagnostics prints diagnostics for people on standard error.
func printDiagnostics(cmd *cobra.Command, ds lang.Diagnostics) {
	w := cmd.ErrOrStderr()
	// An error of standard error can't be told to anybody.
	_ = report.Text(w, ds, report.TextOptions{Color: wantsColor(w)})
}
