// Package spec_test runs the code blocks of the specification.
package spec_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
)

// fences are the code blocks of a document: the info string and the text of each.
var fences = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// A block is checked as its info string says; see the head of LANGUAGE.md.
func TestBlocks(t *testing.T) {
	text, err := os.ReadFile("LANGUAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, m := range fences.FindAllStringSubmatchIndex(string(text), -1) {
		info, body := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
		line := 1 + strings.Count(string(text[:m[0]]), "\n")
		kind, arg, _ := strings.Cut(strings.TrimPrefix(info, "moat"), " ")
		if !strings.HasPrefix(info, "moat") || kind != "" {
			continue
		}
		what, code, _ := strings.Cut(arg, " ")
		count[what]++
		switch what {
		case "", "test":
			checkPolicy(t, line, body, what == "test")
		case "fragment":
			if _, diags := lang.Parse(lang.NewSource("p.moat", "policy p edition 1\n"+body)); diags.Err() != nil {
				t.Errorf("LANGUAGE.md:%d: the fragment doesn't parse: %v", line, diags)
			}
		case "error":
			_, diags := lang.Compile(map[string]string{"p.moat": body})
			if errs := append(diags.Errors(), diags.Warnings()...); len(errs) == 0 || string(errs[0].Code) != code {
				t.Errorf("LANGUAGE.md:%d: want %s first, got %v", line, code, diags)
			}
		default:
			t.Errorf("LANGUAGE.md:%d: a block of an unknown kind, %q", line, info)
		}
	}
	for _, what := range []string{"", "test", "fragment", "error"} {
		if count[what] == 0 {
			t.Errorf("there is no block of the kind %q: the test reads the document wrongly", what)
		}
	}
}

// The example of section 1, without what has no run time yet, passes its own test in full.
func TestExampleRuns(t *testing.T) {
	text, err := os.ReadFile("LANGUAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	example := fences.FindStringSubmatch(string(text)[strings.Index(string(text), "## 1 "):])[2]
	for _, cut := range []string{`(?m)^limit .*\n( .*\n)*`, `(?m)^forbid exfiltration.*\n( .*\n)*`} {
		shorter := regexp.MustCompile(cut).ReplaceAllString(example, "")
		if shorter == example {
			t.Fatalf("the example has no %q", cut)
		}
		example = shorter
	}
	p, diags := lang.Compile(map[string]string{"p.moat": example})
	if p == nil {
		t.Fatalf("%v", diags)
	}
	results := eval.RunTests(eval.New(p))
	if len(results) != 1 || results[0].Tries != 3 {
		t.Fatalf("%d tests", len(results))
	}
	for _, f := range results[0].Failures {
		t.Errorf("%s: %s\n%s", f.Span, f.Message, f.Explanation)
	}
}

func checkPolicy(t *testing.T, line int, body string, runTests bool) {
	t.Helper()
	p, diags := lang.Compile(map[string]string{"p.moat": body})
	if p == nil {
		t.Errorf("LANGUAGE.md:%d: the policy doesn't check: %v", line, diags)
		return
	}
	if formatted, _ := lang.Format(lang.NewSource("p.moat", body)); formatted != body {
		t.Errorf("LANGUAGE.md:%d: the policy isn't in the formatter's style; it writes\n%s", line, formatted)
	}
	if !runTests {
		return
	}
	results := eval.RunTests(eval.New(p))
	if len(results) == 0 {
		t.Errorf("LANGUAGE.md:%d: the policy has no tests", line)
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("LANGUAGE.md:%d: test %q: %s: %s", line, r.Test.Name.Value, f.Span, f.Message)
		}
	}
}

// The document states the bounds that the code has, the reserved words and the codes of decisions.
func TestTablesAreTheCode(t *testing.T) {
	text, err := os.ReadFile("LANGUAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range lang.Keywords() {
		if !regexp.MustCompile(`\b` + word + `\b`).Match(text) {
			t.Errorf("the reserved word %q isn't in the document", word)
		}
	}
	for _, name := range lang.BuiltinFunctions() {
		if !strings.Contains(string(text), "`"+name+"(") {
			t.Errorf("the function %q isn't in the document", name)
		}
	}
	for _, action := range lang.BuiltinActions() {
		if !strings.Contains(string(text), action) {
			t.Errorf("the action %q isn't in the document", action)
		}
	}
	source, err := os.ReadFile("../eval/decision.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 10 {
		t.Fatalf("found only %d codes", len(codes))
	}
	for _, m := range codes {
		if !strings.Contains(string(text), "`"+m[1]+"`") {
			t.Errorf("the decision code %q isn't in the document", m[1])
		}
	}
}
