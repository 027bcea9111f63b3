package spec_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// PEP.md names every code that the enforcement point has of its own, and the bounds that its code has.
func TestPEPTablesAreTheCode(t *testing.T) {
	text, err := os.ReadFile("PEP.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../pep/answer.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`eval\.Code = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 8 {
		t.Fatalf("found only %d codes", len(codes))
	}
	for _, m := range codes {
		if !strings.Contains(string(text), "`"+m[1]) {
			t.Errorf("the code %q isn't in PEP.md", m[1])
		}
	}
}
