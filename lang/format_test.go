package lang

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moat-lang/moat/value"
)

var updateFormat = flag.Bool("update-format", false, "write the golden files of TestFormat")

func TestFormat(t *testing.T) {
	for _, in := range formatInputs(t) {
		t.Run(filepath.Base(in), func(t *testing.T) {
			src := formatSource(t, in)
			got, diags := Format(src)
			if diags != nil {
				t.Fatal(diags)
			}
			golden := strings.TrimSuffix(in, ".in.moat") + ".golden.moat"
			if *updateFormat {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(formatSource(t, golden).Text, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			checkFormat(t, src)
		})
	}
}

// TestFormatLayouts formats the golden files with other white space between the tokens.
func TestFormatLayouts(t *testing.T) {
	for _, in := range formatInputs(t) {
		golden := formatSource(t, strings.TrimSuffix(in, ".in.moat")+".golden.moat")
		for seed := range uint64(50) {
			src := NewSource(fmt.Sprintf("%s, seed %d", golden.Name, seed), scramble(t, golden, rand.New(rand.NewPCG(seed, 0))))
			checkFormat(t, src)
			if t.Failed() {
				t.Fatalf("the source was:\n%s", src.Text)
			}
		}
	}
}

func TestFormatErrors(t *testing.T) {
	deep := "policy p edition 1 define d = " + strings.Repeat("(\n", MaxDepth) + "a" + strings.Repeat(")", MaxDepth)
	for _, tt := range []struct {
		name, text string
		want       Code // "": no error
	}{
		{"empty", "", CodeSyntax},
		{"syntax", "policy p edition 1\npermit a\n", CodeSyntax},
		{"lexical", "policy p edition 1\ngroup A;\n", CodeInvalidToken},
		{"string", "policy p edition 1\nimport \"\\q\"\n", CodeInvalidString},
		{"deep", deep, ""},
		{"grows too large", strings.Replace(deep, "a)", strings.Repeat("//\n", MaxFileSize/8)+"a)", 1), CodeTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, diags := Format(NewSource("x.moat", tt.text))
			switch {
			case tt.want == "" && diags != nil:
				t.Error(diags)
			case tt.want != "" && (got != "" || len(diags) == 0 || diags[0].Code != tt.want):
				t.Errorf("got %.40q and %v, want %s", got, diags, tt.want)
			}
		})
	}
}

func FuzzFormat(f *testing.F) {
	files, err := filepath.Glob("testdata/format/*.moat")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		f.Add(formatSource(f, name).Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		src := NewSource("fuzz.moat", text)
		if _, diags := Format(src); diags == nil {
			checkFormat(t, src)
		}
	})
}

func formatInputs(t *testing.T) []string {
	files, err := filepath.Glob("testdata/format/*.in.moat")
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	return files
}

func formatSource(t testing.TB, name string) *Source {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return NewSource(name, string(text))
}

// checkFormat checks what Format guarantees for a source without errors.
func checkFormat(t *testing.T, src *Source) {
	t.Helper()
	text, diags := Format(src)
	if diags != nil {
		t.Fatalf("%s: %v", src.Name, diags)
	}
	out := NewSource(src.Name, text)
	again, diags := Format(out)
	if diags != nil {
		t.Fatalf("%s: the result has errors: %v\n%s", src.Name, diags, text)
	}
	if diff := cmp.Diff(text, again); diff != "" {
		t.Errorf("%s: formatting twice makes a difference (-once +twice)\n%s", src.Name, diff)
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimRight(line, " \t\r") != line {
			t.Errorf("%s: line %d ends in white space: %q", src.Name, i+1, line)
		}
	}
	if strings.Contains(text, "\n\n\n") || strings.HasSuffix(text, "\n\n") || !strings.HasSuffix(text, "\n") {
		t.Errorf("%s: empty lines in a row, or not one line end at the end:\n%s", src.Name, text)
	}
	before, _ := Parse(src)
	after, _ := Parse(out)
	if diff := cmp.Diff(formatPieces(before), formatPieces(after), cmpopts.IgnoreUnexported(piece{})); diff != "" {
		t.Errorf("%s: tokens or comments differ (-before +after)\n%s", src.Name, diff)
	}
	if diff := cmp.Diff(before, after, cmpopts.IgnoreTypes(Span{}, &Source{}), cmpopts.IgnoreUnexported(File{}), cmpopts.EquateComparable(value.Decimal{})); diff != "" {
		t.Errorf("%s: the syntax tree differs (-before +after)\n%s", src.Name, diff)
	}
}

// A piece is a token or a comment.
type piece struct {
	Text             string
	Comment, OwnLine bool
	start, end       int
}

// formatPieces returns the tokens and comments of a file in the order of the source.
func formatPieces(f *File) []piece {
	var out []piece
	comments := f.comments
	for i := 0; i <= len(f.tokens); i++ {
		for len(comments) > 0 && (i == len(f.tokens) || comments[0].start < f.tokens[i].start) {
			c := comments[0]
			out, comments = append(out, piece{f.Src.Text[c.start:c.end], true, c.ownLine, c.start, c.end}), comments[1:]
		}
		if i < len(f.tokens) {
			tok := f.tokens[i]
			out = append(out, piece{f.Src.Text[tok.start:tok.end], false, false, tok.start, tok.end})
		}
	}
	return out
}

// scramble puts random white space between the tokens and comments of a source, and some comments more. It keeps comments
// on lines of their own or behind their token, and words apart.
func scramble(t *testing.T, src *Source, rnd *rand.Rand) string {
	f, diags := Parse(src)
	if diags != nil {
		t.Fatal(diags)
	}
	blanks := []string{" ", "  ", "\t"}
	ends := []string{"\n", "\r\n", "\n\n", "\n \n\n"}
	pick := func(of []string) string { return of[rnd.IntN(len(of))] }
	breaks := rnd.IntN(10)       // in ten gaps
	comments := rnd.IntN(2) * 20 // one in so many gaps; 0: none
	var list []piece
	for _, p := range formatPieces(f) {
		if comments > 0 && rnd.IntN(comments) == 0 {
			own := len(list) == 0 || list[len(list)-1].Comment || rnd.IntN(2) == 0
			list = append(list, piece{Text: "// more", Comment: true, OwnLine: own})
			p.OwnLine = p.Comment
		}
		list = append(list, p)
	}
	var b strings.Builder
	for i := range list {
		p, first, afterComment := list[i], i == 0, i > 0 && list[i-1].Comment
		switch {
		case first && rnd.IntN(2) == 0:
		case p.Comment && p.OwnLine || afterComment || !p.Comment && rnd.IntN(10) < breaks:
			b.WriteString(pick(ends))
			if rnd.IntN(2) == 0 {
				b.WriteString(strings.Repeat(pick(blanks), rnd.IntN(6)))
			}
		case first || list[i-1].end == p.start && rnd.IntN(3) > 0:
		default:
			b.WriteString(pick(blanks))
		}
		b.WriteString(p.Text)
		if p.Comment {
			b.WriteString(pick([]string{"", " ", "\t "}))
		}
	}
	return b.String() + pick([]string{"", " ", "\n", "\r\n\n"})
}
