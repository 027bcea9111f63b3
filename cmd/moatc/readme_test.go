package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README's first command prints what the README shows.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)    (go run ./cmd/moatc check [^\n]*)\n\n```\n(.*?)```").FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("the README shows no command")
	}
	t.Chdir("../..")
	var out bytes.Buffer
	for command := range strings.SplitSeq(m[1], " && ") {
		args := strings.Fields(strings.TrimPrefix(command, "go run ./cmd/moatc "))
		var stderr bytes.Buffer
		if code := doMain(args, strings.NewReader(""), &out, &stderr); code != 0 {
			t.Fatalf("%s: exit code %d: %s", command, code, stderr.String())
		}
	}
	if out.String() != m[2] {
		t.Errorf("the README shows\n%s\nthe command prints\n%s", m[2], out.String())
	}
}
