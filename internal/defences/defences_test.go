package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each text to take out stands once in its file, and what takes its place is Go; each test that must notice exists, and the attack's row of THREATS.md names
// it. Each row that isn't marked "not yet" has a defence to take out. That the tests fail then is for the program to show: it takes minutes.
func TestTable(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	rows := map[string]string{}
	for line := range strings.Lines(read("spec/THREATS.md")) {
		if cells := strings.Split(line, " | "); len(cells) == 4 && cells[0] != "| id" {
			id, _, _ := strings.Cut(strings.TrimPrefix(cells[0], "| "), ",")
			rows[id] += line
		}
	}
	ids := map[string]bool{}
	for _, d := range defences {
		if ids[d.id] {
			t.Errorf("%s stands twice", d.id)
		}
		ids[d.id] = true
		text := read(d.file)
		if n := strings.Count(text, d.find); n != 1 {
			t.Errorf("%s: %q stands %d times in %s, not once", d.id, d.find, n, d.file)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), d.file, strings.Replace(text, d.find, d.without, 1), 0); err != nil {
			t.Errorf("%s: %v", d.id, err)
		}
		attack, _, _ := strings.Cut(d.id, "/")
		row := rows[attack]
		if !strings.Contains(row, "]("+"../"+d.file+")") {
			t.Errorf("%s: the row of THREATS.md doesn't name %s", d.id, d.file)
		}
		top, sub, _ := strings.Cut(d.test, "/")
		if top == "TestScripts" {
			if read(filepath.Join(d.pkg, "testdata/script", sub+".txtar")); !strings.Contains(row, "`"+sub+".txtar`") {
				t.Errorf("%s: the row of THREATS.md doesn't name %s.txtar", d.id, sub)
			}
			continue
		}
		if !strings.Contains(row, "`"+d.pkg+"."+d.test+"`") {
			t.Errorf("%s: the row of THREATS.md doesn't name %s.%s", d.id, d.pkg, d.test)
		}
		found := false
		files, _ := filepath.Glob(filepath.Join(root, d.pkg, "*_test.go"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			found = found || err == nil && strings.Contains(string(data), "func "+top+"(") && (sub == "" || strings.Contains(string(data), `"`+sub+`"`))
		}
		if !found {
			t.Errorf("%s: there is no test %s in %s", d.id, d.test, d.pkg)
		}
	}
	for attack, row := range rows {
		taken := slices.ContainsFunc(defences, func(d defence) bool { return strings.HasPrefix(d.id, attack+"/") })
		if !taken && !strings.Contains(row, " | not yet: ") {
			t.Errorf("no defence of %s is taken out", attack)
		}
	}
}
