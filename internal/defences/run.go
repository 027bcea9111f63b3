package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// How a removal ends.
const (
	noticed   = "noticed"
	unnoticed = "UNNOTICED"
	unbuilt   = "NOT BUILT" // which shows nothing
	absent    = "NO TEST"
)

type result struct {
	defence
	end    string
	took   time.Duration
	output string
}

// testTimeout bounds one test: without its defence one may run for ever.
const testTimeout = 2 * time.Minute

// takeOut takes defences out of a copy of the tree, one at a time.
func takeOut(chosen []defence, progress io.Writer) ([]result, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "moat-defences-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := copyTree(dir, root); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-interrupted():
			cancel()
		case <-ctx.Done():
		}
	}()
	for _, d := range chosen {
		if _, err := d.taken(dir); err != nil {
			return nil, err
		}
	}
	if err := baseline(ctx, dir, chosen, progress); err != nil {
		return nil, err
	}
	var out []result
	for i, d := range chosen {
		r, err := d.takeOut(ctx, dir)
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.id, err)
		}
		fmt.Fprintf(progress, "%d/%d %s: %s, %.1fs\n", i+1, len(chosen), d.id, r.end, r.took.Seconds())
		if r.end != noticed {
			fmt.Fprint(progress, r.output)
		}
		out = append(out, r)
	}
	return out, nil
}

// baseline sees to it that the tests pass while everything is in its place: a test that fails anyway notices nothing.
func baseline(ctx context.Context, dir string, chosen []defence, progress io.Writer) error {
	type group struct{ pkg, above string } // go test -run matches level by level
	tests := map[group][]string{}
	var groups []group
	for _, d := range chosen {
		above, name := "", d.test
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			above, name = name[:i], name[i+1:]
		}
		g := group{d.pkg, above}
		if tests[g] == nil {
			groups = append(groups, g)
		}
		if name = pattern(name); !slices.Contains(tests[g], name) {
			tests[g] = append(tests[g], name)
		}
	}
	for _, g := range groups {
		begin := time.Now()
		run := strings.Join(tests[g], "|")
		if g.above != "" {
			run = pattern(g.above) + "/" + run
		}
		end, output := goTest(ctx, dir, g.pkg, run)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if end != unnoticed {
			return fmt.Errorf("with nothing taken out, tests of %s don't pass (%s):\n%s", g.pkg, end, output)
		}
		fmt.Fprintf(progress, "%s passes with nothing taken out, %.1fs\n", g.pkg, time.Since(begin).Seconds())
	}
	return nil
}

// taken returns the text of the file without the defence.
func (d *defence) taken(dir string) ([]byte, error) {
	whole, err := os.ReadFile(filepath.Join(dir, d.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(whole, []byte(d.find)); n != 1 {
		return nil, fmt.Errorf("%s: %q stands %d times in %s, not once", d.id, d.find, n, d.file)
	}
	return bytes.Replace(whole, []byte(d.find), []byte(d.without), 1), nil
}

// takeOut runs the test without the defence, and puts it back.
func (d *defence) takeOut(ctx context.Context, dir string) (result, error) {
	name := filepath.Join(dir, d.file)
	whole, err := os.ReadFile(name)
	if err != nil {
		return result{}, err
	}
	without, err := d.taken(dir)
	if err != nil {
		return result{}, err
	}
	if err := os.WriteFile(name, without, 0o600); err != nil {
		return result{}, err
	}
	begin := time.Now()
	end, output := goTest(ctx, dir, d.pkg, pattern(d.test))
	return result{*d, end, time.Since(begin), output}, os.WriteFile(name, whole, 0o600)
}

// pattern is what go test -run takes for one test, or one subtest.
func pattern(test string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// goTest runs tests in a copy of the tree. The paths are trimmed, so that what was built for one copy serves the next.
func goTest(ctx context.Context, dir, pkg, pattern string) (end, output string) {
	cmd := exec.CommandContext(ctx, "go", "test", "-trimpath", "-vet=off", "-count=1", "-short", "-timeout", testTimeout.String(), "-run", pattern, "./"+pkg)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	output = string(text)
	var exit *exec.ExitError
	switch {
	case strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
		return unbuilt, output
	case strings.Contains(output, "[no tests to run]"):
		return absent, output
	case err == nil:
		return unnoticed, output
	case errors.As(err, &exit) && (strings.Contains(output, "FAIL") || strings.Contains(output, "panic:")):
		return noticed, output
	}
	return unbuilt, output + fmt.Sprintln(err)
}

// moduleRoot is the directory of go.mod, here or above.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run it inside the module")
		}
	}
}

// copyTree copies all regular files but those of hidden directories and of the nested module.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir() && rel != "." && (strings.HasPrefix(e.Name(), ".") || rel == "bench"):
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
}
