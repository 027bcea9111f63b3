package lang

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateSpec = flag.Bool("update-spec", false, "rewrite the files of spec/ that are made from the code")

const grammarHead = `(* The grammar of Moat, edition 1: made from the parser, and kept equal to it by a test.

   ( ) groups, * is zero or more, + one or more, ? zero or one, | alternatives, "…" the text itself.
   A keyword is a reserved word; an ident is any other word: a letter or _, then letters, digits, _ and -.
   int: digits, with _ between them. decimal: int "." int. quant: an int and a unit, for a duration (ms s m h d w, such as 1h30m)
   or a size (B KiB MiB GiB TiB). str: "…" with the escapes \" \\ \n \r \t \u{…}. A comment runs from // to the end of its line. *)

`

// ebnf renders the grammar as participle has it, in plainer names.
func ebnf(t *testing.T) string {
	g, err := newGrammar()
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`\bG([A-Z])`).ReplaceAllString(g.file.String(), "$1")
	text = regexp.MustCompile(`<(ident|keyword|int|decimal|quant|str)>`).ReplaceAllString(text, "$1")
	var b strings.Builder
	b.WriteString(grammarHead)
	for line := range strings.Lines(text) {
		name, rule, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), " ."), " = ")
		if strings.HasPrefix(rule, "(") && strings.HasSuffix(rule, ")") && balanced(rule[1:len(rule)-1]) {
			rule = rule[1 : len(rule)-1]
		}
		b.WriteString(name + strings.Repeat(" ", max(0, 10-len(name))) + " = " + rule + " ;\n")
	}
	return b.String()
}

func balanced(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"': // a literal may be a bracket
			i += 1 + strings.IndexByte(s[i+1:], '"')
		case s[i] == '(':
			depth++
		case s[i] == ')':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

func TestGrammarIsTheSpecification(t *testing.T) {
	const file = "../spec/grammar.ebnf"
	got := ebnf(t)
	if *updateSpec {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("spec/grammar.ebnf isn't the parser's grammar (go test ./lang -run Grammar -update-spec writes it):\n%s", diff)
	}
}

// Every keyword stands in the grammar, and every word of the grammar is a keyword, but for the words that only a place makes special.
func TestKeywordsAreTheGrammars(t *testing.T) {
	inGrammar := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z]+)"`).FindAllStringSubmatch(strings.TrimPrefix(ebnf(t), grammarHead), -1) {
		inGrammar[m[1]] = true
	}
	for _, k := range Keywords() {
		if !inGrammar[k] {
			t.Errorf("%q is reserved, and no rule of the grammar has it", k)
		}
	}
	for w := range inGrammar {
		if !keywords[w] && w != "root" {
			t.Errorf("%q stands in the grammar and isn't reserved", w)
		}
	}
}
