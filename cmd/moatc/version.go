package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

// A build says what this moatc was made of.
type build struct {
	Version  string `json:"version"`
	Edition  int    `json:"edition"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // there were changes beside the commit
}

func thisBuild() build {
	b := build{Version: "(devel)", Edition: lang.Edition, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of moatc and of the language",
		Long:  `Version prints the version of moatc, the edition of the language that it reads, and the version of Go that it was built with.`,
		Example: `  moatc version
  moatc version --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			if asJSON {
				return report.WriteJSON(cmd.OutOrStdout(), b, "")
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "moatc %s, edition %d, %s %s\n", b.Version, b.Edition, b.Go, b.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}
