package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The hooks of .pre-commit-hooks.yaml, run as pre-commit would.
func TestPreCommitHooks(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hooks := yamlRecords(string(text))
	var ids []string
	for _, h := range hooks {
		ids = append(ids, h["id"])
	}
	if d := cmp.Diff([]string{"moat-fmt", "moat-check", "moat-test"}, ids); d != "" {
		t.Fatal(d)
	}
	tests := []struct {
		name  string
		text  string
		codes map[string]int
		moved bool // moat-fmt changes the file, of which pre-commit makes a failure
	}{
		{"good", "policy p edition 1\n\nagent a\n\nforbid a to any on any\n", map[string]int{}, false},
		{"untidy", "policy p edition 1\nagent a\nforbid a to any on any\n", map[string]int{}, true},
		{"mistaken", "policy p edition 1\n\nagent a\n\nforbid b to any on any\n", map[string]int{"moat-check": exitInvalid, "moat-test": exitInvalid}, false},
		{
			"failing",
			"policy p edition 1\n\nagent a\n\nforbid a to any on any\n\ntest \"t\" {\n  try a to read on \"file:///a\" expect permit\n}\n",
			map[string]int{"moat-test": exitFinding}, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(copyPolicies(t))
			const file = "policies/p/p.moat"
			writeFile(t, file, tt.text)
			for _, h := range hooks {
				if h["language"] != "golang" || !regexp.MustCompile(h["files"]).MatchString(file) {
					t.Errorf("%s isn't run for %s by a program of this module", h["id"], file)
				}
				args := strings.Fields(h["entry"])
				if args[0] != "moatc" {
					t.Fatalf("%s runs %s", h["id"], args[0])
				}
				args = append(args[1:], yamlList(h["args"])...)
				if h["pass_filenames"] != "false" {
					args = append(args, file)
				}
				var stdout, stderr bytes.Buffer
				if code := doMain(args, strings.NewReader(""), &stdout, &stderr); code != tt.codes[h["id"]] {
					t.Errorf("%s: exit code %d, want %d\n%s%s", h["id"], code, tt.codes[h["id"]], &stdout, &stderr)
				}
			}
			after, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if moved := string(after) != tt.text; moved != tt.moved {
				t.Errorf("moat-fmt changed the file: %t, want %t", moved, tt.moved)
			}
		})
	}
}

// The scripts of action.yml, run as a runner would.
func TestAction(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the action runs in bash, which isn't here")
	}
	if testing.Short() {
		t.Skip("it builds moatc")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	scripts := yamlScripts(string(text))
	if len(scripts) != 4 {
		t.Fatalf("the action has %d steps", len(scripts))
	}
	t.Chdir(copyPolicies(t))
	writeFile(t, "broken/p.moat", "policy p edition 1\n\nagent a\n\nforbid b to any on any\n")
	writeFile(t, "failing/p.moat", "policy p edition 1\n\nagent a\n\nforbid a to any on any\n\ntest \"t\" {\n  try a to read on \"file:///a\" expect permit\n}\n")
	writeFile(t, "untidy/p.moat", "policy p edition 1\nagent a\nforbid a to any on any\n")
	temp := t.TempDir()
	run := func(script, paths string) (string, int) {
		cmd := exec.Command(bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_ACTION_PATH="+root, "VERSION=", "PATHS="+paths)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run(scripts[0], ""); code != 0 {
		t.Fatalf("building: exit code %d\n%s", code, out)
	}
	tests := []struct {
		paths string
		codes [3]int // of check, test and fmt
		says  string
	}{
		{"policies", [3]int{}, ""},
		{"policies/quickstart  policies/coding-agent", [3]int{}, ""},
		{"policies broken", [3]int{exitInvalid, exitInvalid, exitOK}, "::error file=broken/p.moat,line=5"},
		{"failing", [3]int{exitOK, exitFinding, exitOK}, "0 passed, 1 failed"},
		{"untidy", [3]int{exitOK, exitOK, exitFinding}, "untidy/p.moat"},
		{"no-such-folder", [3]int{exitUsage, exitUsage, exitUsage}, "no-such-folder"},
		{"*", [3]int{exitUsage, exitUsage, exitUsage}, "*"},
		{"--help", [3]int{exitUsage, exitUsage, exitUsage}, "--help"},
		{"$(touch owned);touch owned", [3]int{exitUsage, exitUsage, exitUsage}, ""},
	}
	for _, tt := range tests {
		var all strings.Builder
		for i, want := range tt.codes {
			out, code := run(scripts[i+1], tt.paths)
			if code != want {
				t.Errorf("%q: step %d: exit code %d, want %d\n%s", tt.paths, i+1, code, want, out)
			}
			all.WriteString(out)
		}
		if !strings.Contains(all.String(), tt.says) {
			t.Errorf("%q: nothing says %q:\n%s", tt.paths, tt.says, &all)
		}
	}
	if _, err := os.Stat("owned"); err == nil {
		t.Error("an input was run as a command")
	}
}

// yamlRecords reads a list of flat records, as much of YAML as .pre-commit-hooks.yaml uses.
func yamlRecords(text string) []map[string]string {
	var records []map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "- ") {
			records = append(records, map[string]string{})
		}
		if key, value, ok := strings.Cut(line[2:], ": "); ok && len(records) > 0 {
			records[len(records)-1][key] = value
		}
	}
	return records
}

// yamlList reads a list like [a, b].
func yamlList(text string) []string {
	return strings.FieldsFunc(strings.Trim(text, "[]"), func(r rune) bool { return r == ',' || r == ' ' })
}

// yamlScripts takes the blocks behind `run: |` out of an action.
func yamlScripts(text string) []string {
	var scripts []string
	const key = "      run: |\n"
	for _, block := range strings.Split(text, key)[1:] {
		var script strings.Builder
		for line := range strings.Lines(block) {
			body, ok := strings.CutPrefix(line, strings.Repeat(" ", 8))
			if !ok {
				break
			}
			script.WriteString(body)
		}
		scripts = append(scripts, script.String())
	}
	return scripts
}

// copyPolicies makes a directory with the repository's policies in it.
func copyPolicies(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "policies"), os.DirFS("../../policies")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
