package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/mcp"
	"github.com/moat-lang/moat/report"
)

func newImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make declarations of what others describe",
		Long: `Import makes declarations in Moat of what is described elsewhere: tools, of the answer of an MCP server to tools/list.

See moatc import mcp --help.`,
		Example: `  moatc import mcp policies/filesystem-mcp/tools.json`,
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newImportMCP())
	return cmd
}

func newImportMCP() *cobra.Command {
	i := &importer{}
	cmd := &cobra.Command{
		Use:   "mcp TOOLS.json | -",
		Short: "Declare the tools of an MCP server, pinned to their definitions",
		Long: `Import mcp reads the answer of an MCP server to tools/list and writes a file that declares its tools: the types of
parameters and results, and as pin the SHA-256 of each whole definition, so that a definition that changes later is refused.

TOOLS.json (- for standard input) holds {"tools": [...]}, the JSON-RPC response around it, or the list alone, complete. What
a schema says and the language can't becomes json, under a comment that says why. spec/MCP.md has the table.

Without --out the file goes to standard output. With --out FILE it is written there; a FILE that exists is brought up to date:

  - a tool whose definition is the pinned one stays as it is, to the byte;
  - one that changed gets the new pin, parameters and types; its effects (does), comments, redact and digest stay, and so does
    a type that is narrower than the schema's, such as path for string;
  - one that the server no longer has is deleted, so that rules about it fail moatc check; one without a pin stays.

What changed goes to standard error. Look at it before you commit: to import a definition is to accept it.

Exit codes: 0 done, or with --check nothing to do; 1 a file can't be read or written; 3 the list, or FILE, is invalid; 5 with
--check: FILE would change.`,
		Example: `  moatc import mcp policies/filesystem-mcp/tools.json
  moatc import mcp --policy-name filesystem --out vocabulary.moat policies/filesystem-mcp/tools.json
  moatc import mcp --check --out policies/filesystem-mcp/vocabulary.moat policies/filesystem-mcp/tools.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(cmd, "name one answer to tools/list: a JSON file, or - for standard input")
			}
			return nil
		},
		ValidArgsFunction: completeFiles("json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case i.check && i.out == "":
				return usageError(cmd, "--check compares with a file: --out FILE")
			case i.out != "" && !strings.HasSuffix(i.out, lang.Ext):
				return usageError(cmd, "the name of a policy file ends in %s: %s", lang.Ext, i.out)
			}
			return i.run(cmd, args[0])
		},
	}
	cmd.Flags().StringVar(&i.policy, "policy-name", "tools", "the `name` behind policy in a new file")
	cmd.Flags().StringVar(&i.out, "out", "", "the `file` to write or bring up to date")
	cmd.Flags().BoolVar(&i.check, "check", false, "write nothing; exit 5 if the file would change")
	return cmd
}

// An importer is one import of a list of tools.
type importer struct {
	policy, out string
	check       bool
}

func (i *importer) run(cmd *cobra.Command, name string) error {
	data, err := readAnswer(cmd.InOrStdin(), name)
	if err != nil {
		return ioError(name, err)
	}
	tools, err := mcp.Parse(data)
	if err != nil {
		return invalid(name, err)
	}
	stderr := cmd.ErrOrStderr()
	if i.out == "" {
		text, err := i.vocabulary(cmd, tools)
		if err != nil {
			return err
		}
		printHints(stderr, tools)
		_, err = io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	old, mode, err := readVocabulary(i.out)
	var text string
	var changes []mcp.Change
	switch {
	case errors.Is(err, fs.ErrNotExist):
		mode = 0o644
		for _, t := range tools {
			changes = append(changes, mcp.Change{Tool: t.Name, Kind: mcp.New})
		}
		if text, err = i.vocabulary(cmd, tools); err != nil {
			return err
		}
	case err != nil:
		return ioError(i.out, err)
	default:
		src := lang.NewSource(filepath.ToSlash(i.out), old)
		if err := i.sameName(cmd, src); err != nil {
			return err
		}
		if text, changes, err = mcp.Update(src, tools); err != nil {
			var ds lang.Diagnostics
			if errors.As(err, &ds) {
				printDiagnostics(cmd, ds)
				return exit(exitInvalid)
			}
			return invalid(i.out, err)
		}
	}
	if text != old && !i.check {
		target := i.out
		if resolved, err := filepath.EvalSymlinks(target); err == nil {
			target = resolved // a symbolic link stays one
		}
		if err := replaceFile(target, text, mode); err != nil {
			return ioError(i.out, err)
		}
	}
	printChanges(stderr, tools, changes)
	if text != old && i.check {
		return exit(exitFinding)
	}
	return nil
}

// vocabulary is the text of a new file.
func (i *importer) vocabulary(cmd *cobra.Command, tools []mcp.Tool) (string, error) {
	text, err := mcp.Vocabulary(i.policy, tools)
	var ds lang.Diagnostics
	switch {
	case errors.As(err, &ds): // too large
		return "", &exitError{exitInvalid, err.Error()}
	case err != nil: // the name
		return "", usageError(cmd, "%s", err)
	}
	return text, nil
}

// sameName refuses to give a file that exists another policy's name.
func (i *importer) sameName(cmd *cobra.Command, src *lang.Source) error {
	if !cmd.Flags().Changed("policy-name") {
		return nil
	}
	if f, _ := lang.Parse(src); f != nil && f.Policy.Name != "" && f.Policy.Name != i.policy {
		return usageError(cmd, "%s is of the policy %s; --policy-name is for new files", i.out, f.Policy.Name)
	}
	return nil
}

// invalid ends a command because of what a file holds.
func invalid(name string, err error) error {
	return &exitError{exitInvalid, report.Escape(name) + ": " + err.Error()}
}

// readAnswer reads a file, or standard input for -. Of one that is too large it reads just so much that the parser sees it is.
func readAnswer(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, mcp.MaxInput+1))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mcp.MaxInput+1))
}

// readVocabulary reads the file that is to be brought up to date, and its mode.
func readVocabulary(name string) (string, fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, errors.New("not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	text, err := readSource(f)
	return text, info.Mode().Perm(), err
}

// printChanges prints a line for every tool that changed, and how many of each there are.
func printChanges(w io.Writer, tools []mcp.Tool, changes []mcp.Change) {
	count := map[mcp.ChangeKind]int{}
	isNew := map[string]bool{}
	for _, c := range changes {
		count[c.Kind]++
		isNew[c.Tool] = c.Kind == mcp.New
		line := fmt.Sprintf("%-8s %s", c.Kind, c.Tool)
		if len(c.Details) > 0 {
			line += ": " + strings.Join(c.Details, "; ")
		}
		fmt.Fprintln(w, report.Escape(line))
	}
	same := len(tools) - count[mcp.New] - count[mcp.Changed]
	fmt.Fprintf(w, "%s: %d new, %d changed, %d removed, %d as pinned\n",
		plural(len(tools), "tool"), count[mcp.New], count[mcp.Changed], count[mcp.Removed], same)
	var fresh []mcp.Tool
	for _, t := range tools {
		if isNew[t.Name] {
			fresh = append(fresh, t)
		}
	}
	printHints(w, fresh)
}

// printHints lists parameters that a person may want to narrow, by the type that their names suggest.
func printHints(w io.Writer, tools []mcp.Tool) {
	byType := map[string][]string{}
	var types []string
	for _, h := range mcp.Hints(tools) {
		if byType[h.Type] == nil {
			types = append(types, h.Type)
		}
		byType[h.Type] = append(byType[h.Type], h.Tool+"."+h.Param)
	}
	if len(types) == 0 {
		return
	}
	fmt.Fprintln(w, "hint: strings to the server. Where they are what they are called, write the narrower type; importing again keeps it")
	for _, t := range types {
		fmt.Fprintf(w, "  %-5s  %s\n", t, report.Escape(strings.Join(byType[t], ", ")))
	}
}
