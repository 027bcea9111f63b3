package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

// stdinName is what standard input is called in diagnostics.
const stdinName = "<stdin>"

func newFmt() *cobra.Command {
	f := &formatter{}
	cmd := &cobra.Command{
		Use:   "fmt PATH… | -",
		Short: "Write policies in the canonical layout",
		Long: `Fmt rewrites .moat files in the one canonical layout and prints the names of those that it changed.

A PATH is a file, or a directory whose .moat files are formatted, also those in directories below; hidden directories and
symbolic links met there are left alone. - formats standard input to standard output. A file with a syntax error is left as
it is; the others are formatted all the same.

Exit codes: 0 done, 1 a file can't be read or written, 3 a syntax error, 5 with --check or --diff: a file isn't formatted.`,
		Example: `  moatc fmt policies/quickstart
  moatc fmt --check policies
  moatc fmt --diff policies/quickstart/policy.moat`,
		Args:              somePaths("what to format: .moat files, directories, or - for standard input"),
		ValidArgsFunction: completeFiles("moat"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.check && f.diff {
				return usageError(cmd, "--check and --diff can't stand together; --diff exits like --check and shows more")
			}
			f.out = cmd.OutOrStdout()
			for _, arg := range args {
				if err := f.path(cmd, arg); err != nil {
					complain(cmd.ErrOrStderr(), err)
					f.code = gravest(f.code, exitUsage)
				}
			}
			printDiagnostics(cmd, f.diags)
			return exit(gravest(f.code, exitDiagnostics(f.diags)))
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "change nothing; print the names of files that aren't formatted")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "change nothing; print what would change as a unified diff")
	return cmd
}

// A formatter formats the files of one command line.
type formatter struct {
	check, diff bool
	out         io.Writer
	diags       lang.Diagnostics
	code        int // gravest so far, diagnostics aside
}

func (f *formatter) path(cmd *cobra.Command, path string) error {
	if path == "-" {
		text, err := readSource(cmd.InOrStdin())
		if err != nil {
			return ioError(stdinName, err)
		}
		return f.text(stdinName, text, func(formatted string) error {
			_, err := io.WriteString(f.out, formatted)
			return err
		})
	}
	info, err := os.Stat(path)
	if err != nil {
		return ioError(path, err)
	}
	if !info.IsDir() {
		return f.file(path)
	}
	found := false
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return ioError(p, err)
		case d.IsDir() && p != path && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasSuffix(p, lang.Ext):
			return nil
		}
		found = true
		return f.file(p)
	})
	if err == nil && !found {
		err = fmt.Errorf("%s holds no file with the extension %s", report.Escape(path), lang.Ext)
	}
	return err
}

func (f *formatter) file(path string) error {
	// A symbolic link stays one: what it leads to is formatted.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ioError(path, err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return ioError(path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", report.Escape(path))
	}
	in, err := os.Open(target)
	if err != nil {
		return ioError(path, err)
	}
	text, err := readSource(in)
	in.Close()
	if err != nil {
		return ioError(path, err)
	}
	return f.text(filepath.ToSlash(path), text, func(formatted string) error {
		if formatted == text {
			return nil
		}
		if err := replaceFile(target, formatted, info.Mode().Perm()); err != nil {
			return ioError(path, err)
		}
		_, err := fmt.Fprintln(f.out, report.Escape(path))
		return err
	})
}

// text formats one text, and saves it unless it is only to be looked at.
func (f *formatter) text(name, text string, save func(formatted string) error) error {
	formatted, ds := lang.Format(lang.NewSource(name, text))
	if ds.Err() != nil {
		f.diags = append(f.diags, ds...)
		return nil
	}
	if !f.check && !f.diff {
		return save(formatted)
	}
	if formatted == text {
		return nil
	}
	f.code = gravest(f.code, exitFinding)
	name = report.Escape(name)
	shown := []byte(name + "\n")
	if f.diff {
		shown = diff.Diff(name+".orig", []byte(text), name, []byte(formatted))
	}
	_, err := f.out.Write(shown)
	return err
}

// readSource reads a source text. Of one that is too large it reads just so much that the parser sees it is.
func readSource(r io.Reader) (string, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(r, lang.MaxFileSize+1))
	return b.String(), err
}

// replaceFile writes a file so that at every moment either the old or the new text stands there.
func replaceFile(path, text string, mode fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".moatc-fmt-*")
	if err != nil {
		var perr *fs.PathError
		if errors.As(err, &perr) {
			perr.Path = path // not that of a file that nobody asked for
		}
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	_, err = io.WriteString(tmp, text)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
