package spec_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

var updateSpec = flag.Bool("update-spec", false, "write the diagnostics of the examples into ERRORS.md")

// generated are the examples that are too large to stand in ERRORS.md, which describes each.
var generated = map[lang.Code]func() string{
	lang.CodeTooLarge: func() string {
		const line = "// and so on, until the file is too large\n"
		return head + "permit clerk to read on any\n" + strings.Repeat(line, lang.MaxFileSize/len(line)+1)
	},
	lang.CodeTooLong: func() string {
		return "policy p edition 1\n\nagent " + strings.Repeat("a", lang.MaxNameLen+1) + "\n\nforbid any to read on any\n"
	},
	lang.CodeTooManyErrors: func() string {
		var b strings.Builder
		b.WriteString(head)
		for i := range lang.MaxErrors + 50 {
			fmt.Fprintf(&b, "permit agent%d to read on any\n", i)
		}
		return b.String()
	},
}

const head = "policy p edition 1\n\nagent clerk\n\n"

// headings are the headings of ERRORS.md; those of the second level are codes.
var headings = regexp.MustCompile(`(?m)^(##?) (.+)$`)

// ERRORS.md has a section for every code, in order, and the example of each yields the diagnostic that stands below it.
func TestErrors(t *testing.T) {
	text, err := os.ReadFile("ERRORS.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	var sections []string
	updated, last := "", 0
	all := headings.FindAllStringSubmatchIndex(doc, -1)
	for i, m := range all {
		if doc[m[2]:m[3]] != "##" {
			continue
		}
		end := len(doc)
		if i+1 < len(all) {
			end = all[i+1][0]
		}
		code := doc[m[4]:m[5]]
		sections = append(sections, code)
		section := doc[m[1]:end]
		t.Run(code, func(t *testing.T) { section = checkSection(t, lang.Code(code), section) })
		updated, last = updated+doc[last:m[1]]+section, end
	}
	updated += doc[last:]
	if diff := cmp.Diff(declaredCodes(t), sections); diff != "" {
		t.Errorf("the sections are not the codes of lang/codes.go, in order (-code +section):\n%s", diff)
	}
	if updated == doc {
		return
	}
	if !*updateSpec {
		t.Fatal("ERRORS.md shows other diagnostics than there are: go test ./spec -update-spec")
	}
	if err := os.WriteFile("ERRORS.md", []byte(updated), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkSection runs the example of a section and returns the section with its true diagnostic.
func checkSection(t *testing.T, code lang.Code, section string) string {
	blocks := fences.FindAllStringSubmatchIndex(section, -1)
	shown := blocks[max(0, len(blocks)-1):] // the block of the diagnostic
	if len(shown) == 0 || section[shown[0][2]:shown[0][3]] != "text" {
		t.Error("the last block isn't of the kind text")
		return section
	}
	m := shown[0]
	if prose := fences.Split(section, -1); strings.TrimSpace(prose[0]) == "" || strings.TrimSpace(prose[len(prose)-1]) == "" {
		t.Error("there is no prose before or behind the blocks")
	}
	var prog *lang.Program
	var diags lang.Diagnostics
	if generate := generated[code]; generate != nil {
		if len(blocks) != 1 {
			t.Error("the example is generated, and there is a block for it")
		}
		prog, diags = lang.Compile(map[string]string{"policy.moat": generate()})
	} else {
		if len(blocks) != 2 {
			t.Errorf("%d blocks, want the example and its diagnostic", len(blocks))
			return section
		}
		prog, diags = compileBlock(t, code, section[blocks[0][2]:blocks[0][3]], section[blocks[0][4]:blocks[0][5]])
	}
	isWarning := strings.HasPrefix(string(code), "M09")
	if isWarning != (prog != nil) {
		t.Errorf("there is a program: %v; there must be one exactly for the codes of warnings", prog != nil)
	}
	order := append(diags.Errors(), diags.Warnings()...)
	if code == lang.CodeTooManyErrors {
		slices.Reverse(order) // it alone stands behind the errors that it is about
	}
	if len(order) == 0 || order[0].Code != code {
		t.Errorf("want %s first, got\n%v", code, diags)
		return section
	}
	want := rendered(t, order[0])
	if diff := cmp.Diff(want, section[m[4]:m[5]]); diff != "" && !*updateSpec {
		t.Errorf("another diagnostic (-is +stands here):\n%s", diff)
	}
	return section[:m[4]] + want + section[m[5]:]
}

// compileBlock compiles an example, and checks that what can be parsed of it is in the formatter's style.
func compileBlock(t *testing.T, code lang.Code, info, body string) (*lang.Program, lang.Diagnostics) {
	t.Helper()
	kind, rest, _ := strings.Cut(info, " ")
	named, dir, _ := strings.Cut(rest, " ")
	if named != string(code) {
		t.Errorf("the example is marked %q", info)
	}
	sources := fstest.MapFS{}
	switch kind {
	case "moat":
		sources["policy.moat"] = &fstest.MapFile{Data: []byte(body)}
	case "files":
		for _, f := range txtar.Parse([]byte(body)).Files {
			sources[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	default:
		t.Errorf("an example of an unknown kind, %q", info)
	}
	for name, f := range sources {
		src := lang.NewSource(name, string(f.Data))
		if _, diags := lang.Parse(src); diags.Err() != nil {
			continue
		}
		if formatted, _ := lang.Format(src); formatted != src.Text {
			t.Errorf("%s isn't in the formatter's style; it writes\n%s", name, formatted)
		}
	}
	if dir == "" {
		dir = "."
	}
	return lang.LoadFS(sources, dir)
}

// rendered is a diagnostic as moatc prints it, without the line that counts.
func rendered(t *testing.T, d *lang.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, lang.Diagnostics{d}, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	return text[:strings.LastIndex(text, "\n\n")+1]
}

// declaredCodes are the values of the constants of type Code in lang/codes.go, sorted.
func declaredCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../lang/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		typ, _ := spec.Type.(*ast.Ident)
		lit, _ := spec.Values[0].(*ast.BasicLit)
		if typ == nil || typ.Name != "Code" || lit == nil {
			t.Errorf("the constant %s isn't a Code with a literal", spec.Names[0])
			return true
		}
		code, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Error(err)
		}
		codes = append(codes, code)
		return true
	})
	slices.Sort(codes)
	return codes
}
