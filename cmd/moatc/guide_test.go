package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var batchSummary = regexp.MustCompile(`(?m)^[0-9]+ lines: .* lines/s\n`)

// The guide to writing a policy shows what is so: its files are written as they come, and its commands print what stands below them,
// but for how long a batch took. A block is a file if its first line names one behind the language: ```moat my-agent/policy.moat.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	commands := 0
	for _, m := range regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if _, file, ok := strings.Cut(m[1], " "); ok {
			writeFile(t, file, m[2])
			continue
		}
		if m[1] != "console" {
			continue
		}
		for _, shown := range strings.Split(m[2], "$ ")[1:] {
			command, want, _ := strings.Cut(shown, "\n")
			args := strings.Fields(command)
			if args[0] != "moatc" {
				t.Fatalf("the guide runs %s", args[0])
			}
			commands++
			var stdout, stderr bytes.Buffer
			code := doMain(args[1:], strings.NewReader(""), &stdout, &stderr)
			got := stdout.String() + batchSummary.ReplaceAllString(stderr.String(), "")
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: exit code %d; shown (-), printed (+):\n%s", command, code, d)
			}
		}
	}
	if commands == 0 {
		t.Error("the guide shows no command")
	}
}
