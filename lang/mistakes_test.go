package lang

import (
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shipped reads the policies that the project ships, each as its sources by name.
func shipped(t *testing.T) map[string]map[string]string {
	t.Helper()
	dirs, err := Find("../policies")
	if err != nil || len(dirs) < 3 {
		t.Fatal(dirs, err)
	}
	out := map[string]map[string]string{}
	for _, dir := range dirs {
		out[dir] = map[string]string{}
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != Ext {
				return err
			}
			data, err := os.ReadFile(name)
			rel, _ := filepath.Rel(dir, name)
			out[dir][filepath.ToSlash(rel)] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if p, diags := Compile(out[dir]); p == nil {
			t.Fatal(diags)
		}
	}
	return out
}

// edit changes one token of a text: it deletes it, swaps it with the next, or misspells it. It returns the new text and the lines that it touched.
func edit(rng *rand.Rand, text string) (string, int, int, string) {
	src := NewSource("x", text)
	var diags diagnostics
	tokens := lex(src, &diags).tokens
	i := rng.Intn(len(tokens) - 1)
	a, b := tokens[i], tokens[i+1]
	line := src.Position(a.start).Line
	word := text[a.start:a.end]
	switch kind := rng.Intn(3); {
	case kind == 0:
		return text[:a.start] + text[a.end:], line, line, "delete " + word
	case kind == 1:
		return text[:a.start] + text[b.start:b.end] + text[a.end:b.start] + word + text[b.end:], line, src.Position(b.start).Line, "swap " + word + " and " + text[b.start:b.end]
	}
	letters := strings.IndexFunc(word, func(r rune) bool { return r >= 'a' && r <= 'z' })
	if letters < 0 || len(word) < 3 {
		return text[:a.start] + text[a.end:], line, line, "delete " + word
	}
	at := letters + rng.Intn(len(word)-letters)
	return text[:a.start] + word[:at] + "x" + word[min(at+1, len(word)):] + text[a.end:], line, line, "misspell " + word
}

// A slip of the finger is reported where it happened, once, with a hint: of 500 for each of two seeds, the first diagnostic touches the
// edited line in at least 90 of 100. With the labels of a diagnostic, which show the other of two names, it is nearly always.
func TestOneTokenEdits(t *testing.T) {
	policies := shipped(t)
	dirs := sortedKeys(policies)
	for seed := range int64(2) {
		rng := rand.New(rand.NewSource(seed))
		rejected, touched, shown := 0, 0, 0
		var missed []string
		for range 500 {
			files := policies[dirs[rng.Intn(len(dirs))]]
			names := sortedKeys(files)
			name := names[rng.Intn(len(names))]
			changed := map[string]string{}
			for n, text := range files {
				changed[n] = text
			}
			text, from, to, what := edit(rng, files[name])
			changed[name] = text
			_, diags := Compile(changed)
			errs := diags.Errors()
			if len(errs) == 0 {
				continue
			}
			for _, d := range errs {
				if d.Code == CodeSyntax && d.Hint == "" {
					t.Errorf("seed %d, %s: no hint: %v", seed, what, d)
				}
			}
			touches := func(s Span) bool {
				return !s.IsZero() && s.Src.Name == name && s.From().Line <= to && s.Src.Position(s.End).Line >= from
			}
			rejected++
			switch d := errs[0]; {
			case touches(d.Span):
				touched++
			case len(d.Labels) == 1 && touches(d.Labels[0].Span):
				shown++
			default:
				missed = append(missed, what+": "+d.Error())
			}
		}
		t.Logf("seed %d: %d of 500 edits are rejected; the first diagnostic is on the edited line in %d, a label of it in %d more", seed, rejected, touched, shown)
		if touched*100 < rejected*90 {
			t.Errorf("seed %d: of %d rejected edits only %d are reported on their line:\n%s", seed, rejected, touched, strings.Join(missed, "\n"))
		}
	}
}

// Each mistake of a file with twenty is reported in one run, at its line and nowhere else, and the hint is the one that the comment
// on the line names. `Manager` is like no name there is, so for that one "declare" will do.
func TestTwentyMistakes(t *testing.T) {
	data, err := os.ReadFile("testdata/mistakes/twenty.moat")
	if err != nil {
		t.Fatal(err)
	}
	src := NewSource("twenty.moat", string(data))
	_, diags := Compile(map[string]string{"twenty.moat": string(data)})
	byLine := map[int][]*Diagnostic{}
	for _, d := range diags.Errors() {
		line := d.Span.From().Line
		byLine[line] = append(byLine[line], d)
	}
	mistakes, suggestions := 0, 0
	for line := 1; line <= strings.Count(string(data), "\n"); line++ {
		_, want, isMistake := strings.Cut(src.Line(line), " // ")
		if !isMistake {
			if len(byLine[line]) > 0 {
				t.Errorf("line %d has no mistake: %v", line, byLine[line][0])
			}
			continue
		}
		mistakes++
		if len(byLine[line]) != 1 {
			t.Errorf("line %d (%s): %d diagnostics %v", line, want, len(byLine[line]), byLine[line])
			continue
		}
		if d := byLine[line][0]; strings.Contains(d.Hint+" "+d.Message, want) {
			suggestions++
		} else {
			t.Logf("line %d: the hint %q (%s) doesn't say %q", line, d.Hint, d.Message, want)
		}
	}
	t.Logf("%d mistakes, %d with the right suggestion", mistakes, suggestions)
	if mistakes < 20 || suggestions < mistakes-1 {
		t.Errorf("%d mistakes, %d with the right suggestion", mistakes, suggestions)
	}
}

// Mistakes that people bring from elsewhere are met with how it is written here.
func TestHabitsFromElsewhere(t *testing.T) {
	for name, tt := range map[string]struct{ src, hint string }{
		"Cedar: &&":                 {`permit bot to read on any when true && true`, "write `and`"},
		"Cedar: principal":          {`permit bot to read on any when principal == "x"`, "write `agent`"},
		"Cedar: ip()":               {`permit bot to execute on tool pay when args.from.isInRange("10.0.0.0/8")`, ""},
		"Cedar: .contains()":        {`permit bot to execute on tool mail.send when contains(args.to, "a@example.com")`, "x in list"},
		"Rego: :=":                  {`define x := true`, "write `define name = …`"},
		"Rego: default":             {"default allow = false", "what no rule permits is denied"},
		"Rego: input":               {`permit bot to read on any when input == "x"`, "write `args`"},
		"Rego: startswith":          {`permit bot to execute on tool search when startswith(args.query, "x")`, "write starts(x, prefix)"},
		"Rego: package":             {"package p", "write `policy NAME edition 1`"},
		"YAML: # comment":           {"# a comment", "a comment begins with //"},
		"YAML: list of rules":       {"- permit", ""},
		"Python: single quotes":     {`permit bot to execute on tool search when args.query == 'x'`, "double quotes"},
		"Python: None":              {`permit bot to execute on tool search when args.max == None`, "there is no null"},
		"Python: True":              {`permit bot to read on any when True`, "write `true`"},
		"Python: len":               {`permit bot to execute on tool mail.send when len(args.to) < 3`, "write size(x)"},
		"Python: not in":            {`permit bot to execute on tool search when args.query not in ["x"]`, "write `not x in list`"},
		"JavaScript: ===":           {`permit bot to read on any when agent.name === "x"`, "write `==`"},
		"JavaScript: !":             {`permit bot to read on any when !true`, "write `not`"},
		"SQL: =":                    {`permit bot to read on any when agent.name = "x"`, "`==`"},
		"regex: matches":            {`permit bot to read on any when agent.name matches "x.*"`, "write `like`"},
		"JavaScript: null":          {`permit bot to execute on tool search when args.query != null`, "there is no null"},
		"anything: if":              {`permit bot to read on any if true`, "write `when`"},
		"anything: deny":            {`deny bot to read on any`, "write `forbid`"},
		"anything: a block comment": {"/* x */", "a comment begins with //"},
	} {
		_, diags := Compile(map[string]string{"p.moat": vocabulary + tt.src + "\npermit bot to read on any\n"})
		errs := diags.Errors()
		if len(errs) == 0 {
			t.Errorf("%s: it is accepted", name)
			continue
		}
		found := false
		for _, d := range errs {
			found = found || strings.Contains(d.Hint, tt.hint)
		}
		if !found {
			t.Errorf("%s: no hint says %q: %v", name, tt.hint, diags)
		}
	}
}
