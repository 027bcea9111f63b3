package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// attacks are the ids of which THREATS.md has at least one row each. An id is never given to another attack.
var attacks = strings.Fields(`
T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11 T12 T13 T14 T15 T16 T17 T18 T19 T20
R01 R02 R03 R04 R05 R06 R07
P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 P13 P14 P15 P16
A01 A02 A03 A04 A05 A06 A07
S01 S02 S03 S04 S05 S06 S07 S08 S09 L01
G01 G02 G03 G04 G05 G06 G07 G08 G09 G10
I01 I02 I03`)

var (
	threatID   = regexp.MustCompile(`^([TRPASLGI][0-9]{2})(, [a-z ]+)?$`)
	threatCode = regexp.MustCompile("`([^`]+)`")
	threatTest = regexp.MustCompile(`^([a-z]+(?:/[a-z]+)*)\.((?:Test|Fuzz|Example)\w*)(?:/(\w+))?$`)
	threatLink = regexp.MustCompile(`\]\(([^)]+)\)`)
)

// THREATS.md has a row for every attack; each names tests that exist, or says that it isn't defended yet and names none. The files that it names exist.
func TestThreats(t *testing.T) {
	text, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	rows := 0
	for line := range strings.Lines(string(text)) {
		for _, m := range threatLink.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("there is no file %s", m[1])
			}
		}
		cells := strings.Split(strings.Trim(line, "|\n"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 3 || strings.Contains(line, "| shown by |") {
			continue
		}
		shown := strings.TrimSpace(cells[len(cells)-1])
		first := strings.TrimSpace(cells[0])
		if len(cells) == 5 { // a class of attacks, with what remains at the end
			shown = cells[3]
		}
		rows++
		tests := testsIn(t, shown)
		later := strings.HasPrefix(shown, "not yet:")
		if later == (len(tests) > 0) {
			t.Errorf("%s: it names %d tests, and says %.40q", first, len(tests), shown)
		}
		if len(cells) != 4 {
			continue
		}
		m := threatID.FindStringSubmatch(first)
		if m == nil || !slices.Contains(attacks, m[1]) {
			t.Errorf("%q is no id of an attack", first)
			continue
		}
		if seen[first] {
			t.Errorf("%s has two rows", first)
		}
		seen[first], seen[m[1]] = true, true
	}
	for _, id := range attacks {
		if !seen[id] {
			t.Errorf("there is no row for %s", id)
		}
	}
	if rows < len(attacks)+10 {
		t.Errorf("only %d rows are found: the test reads the document wrongly", rows)
	}
}

// testsIn returns the tests that a cell names. It complains of those that there aren't.
func testsIn(t *testing.T, cell string) (tests []string) {
	t.Helper()
	for _, m := range threatCode.FindAllStringSubmatch(cell, -1) {
		name := m[1]
		switch test := threatTest.FindStringSubmatch(name); {
		case test != nil:
			if !hasTest(t, filepath.Join("..", test[1]), test[2], test[3]) {
				t.Errorf("there is no test %s", name)
			}
		case strings.HasSuffix(name, ".txtar"):
			if _, err := os.Stat(filepath.Join("../cmd/moatc/testdata/script", name)); err != nil {
				t.Errorf("there is no script %s", name)
			}
		case strings.HasSuffix(name, "/tests.moat"):
			if _, err := os.Stat(filepath.Join("..", name)); err != nil {
				t.Errorf("there is no test of a policy %s", name)
			}
		default:
			continue
		}
		tests = append(tests, name)
	}
	return tests
}

// hasTest reports whether a package has a test, and in it, unless sub is empty, a subtest of that name.
func hasTest(t *testing.T, dir, name, sub string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == name {
				return sub == "" || saysString(fn, sub)
			}
		}
	}
	return false
}

// saysString reports whether a string literal of a function is s.
func saysString(fn *ast.FuncDecl, s string) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Value == strconv.Quote(s) {
			found = true
		}
		return !found
	})
	return found
}
