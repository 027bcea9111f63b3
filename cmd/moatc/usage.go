package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moat-lang/moat/report"
)

// usageError says what is wrong with the command line, and where it is written how it should be.
func usageError(cmd *cobra.Command, format string, args ...any) error {
	return fmt.Errorf("%s\nsee `%s --help`", fmt.Sprintf(format, args...), cmd.CommandPath())
}

// knownCommand refuses arguments of a command that has only subcommands: they are misspelled.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(cmd, "there is no command %q%s", args[0], didYouMean(cmd.SuggestionsFor(args[0]), ""))
}

// addBuiltins adds cobra's own commands, help and completion, and makes them refuse what isn't a command.
func addBuiltins(root *cobra.Command, args []string) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				topic, rest, err := root.Find(args)
				if err != nil {
					return err
				}
				return knownCommand(topic, rest)
			}
		case "completion":
			cmd.Args = knownCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// flagError adds the nearest name to the complaint about an unknown flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError(cmd, "%s", err)
	}
	// Cobra has the search for the nearest name, but only for commands.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return usageError(cmd, "%s%s", err, didYouMean(flags.SuggestionsFor(unknown.GetSpecifiedName()), "--"))
}

func didYouMean(names []string, prefix string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}

// somePaths refuses a command line without arguments, and says what they would be.
func somePaths(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError(cmd, "name %s", what)
		}
		return nil
	}
}

// A choice is a flag whose value is one of a few words, the first by default.
type choice struct {
	value string
	among []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.among, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.among, s) {
		return fmt.Errorf("it is one of %s", strings.Join(c.among, ", "))
	}
	c.value = s
	return nil
}

// formatFlag adds --format to a command, also to what the shell completes.
func formatFlag(cmd *cobra.Command, among ...string) *choice {
	c := &choice{value: among[0], among: among}
	cmd.Flags().Var(c, "format", "how to print the result")
	if err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(among, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag exists
	}
	return c
}

// completeFiles completes arguments with directories and with files of these extensions.
func completeFiles(exts ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return exts, cobra.ShellCompDirectiveFilterFileExt
	}
}

// ioError is an error of the file system about a path, or about the path that it names itself, fit to be shown.
func ioError(path string, err error) error {
	var perr *fs.PathError
	if errors.As(err, &perr) {
		path, err = perr.Path, perr.Err
	}
	return fmt.Errorf("%s: %w", report.Escape(path), err)
}
