package lang

import (
	"fmt"
	"strings"
	"sync"
)

// sharedGrammar builds the parser on first use and keeps it; it is immutable and safe for concurrent use.
var sharedGrammar = sync.OnceValues(newGrammar)

// Parse reads one source without looking at names, types or imports. The file is nil when the source isn't
// even lexically sound; otherwise it holds every declaration that could be read, also beside errors.
func Parse(src *Source) (*File, Diagnostics) {
	var diags diagnostics
	f := parse(src, &diags)
	return f, diags.sorted()
}

func parse(src *Source, diags *diagnostics) *File {
	g, err := sharedGrammar()
	if err != nil {
		diags.errorf(Span{src, 0, 0}, CodeSyntax, "%s", err)
		return nil
	}
	before := diags.errors
	l := lex(src, diags)
	if diags.errors > before && len(l.tokens) == 0 {
		return nil
	}
	c := &converter{src: src, tokens: l.tokens, diags: diags}
	if !checkDepth(c) {
		return nil
	}
	f, serr := g.parseFile(c)
	if serr != nil {
		f = parsePieces(g, c)
	}
	f.tokens, f.comments = l.tokens, l.comments
	return f
}

// checkDepth bounds the nesting that the recursive parser will meet.
func checkDepth(c *converter) bool {
	depth, nots := 0, 0
	for _, t := range c.tokens {
		switch word := c.src.Text[t.start:t.end]; word {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth = max(0, depth-1)
		case "not":
			nots++
		default:
			nots = 0
		}
		if depth+nots > MaxDepth {
			c.diags.errorf(Span{c.src, t.start, t.end}, CodeTooDeep, "nested more than %d deep", MaxDepth).hint("name a part with `define`")
			return false
		}
	}
	return true
}

// declWords begin a declaration.
var declWords = []string{"group", "agent", "person", "action", "origin", "tool", "context", "define", "permit", "forbid", "limit", "lifecycle",
	"delegation", "sandbox", "secret", "test"}

var isDeclWord = makeSet(strings.Join(declWords, " "))

// parsePieces reads a file that has a syntax error: it cuts the tokens where a word that can begin a declaration stands in
// column 1 and parses each piece alone, so that one mistake hides no other.
func parsePieces(g *grammar, c *converter) *File {
	f := &File{Src: c.src}
	var cuts []int
	for i, t := range c.tokens {
		word := c.src.Text[t.start:t.end]
		atMargin := t.start == 0 || c.src.Text[t.start-1] == '\n'
		if atMargin && (t.kind == tokIdent || isDeclWord[word]) {
			cuts = append(cuts, i)
		}
	}
	cuts = append(cuts, len(c.tokens))
	c.header(g, f, c.tokens[:cuts[0]])
	for i := 0; i+1 < len(cuts); i++ {
		piece := c.tokens[cuts[i]:cuts[i+1]]
		d, err := g.parseDecl(c, piece)
		if err == nil {
			f.Decls = append(f.Decls, d)
			continue
		}
		c.report(err, piece)
		f.broken = append(f.broken, brokenName(c, piece))
	}
	return f
}

// header reads what stands before the first declaration.
func (c *converter) header(g *grammar, f *File, tokens []token) {
	whole := *c
	whole.tokens = tokens
	h, err := g.parseFile(&whole)
	if err == nil {
		f.Policy, f.Edition, f.Imports = h.Policy, h.Edition, h.Imports
		return
	}
	f.Edition = Edition // its mistake is reported here
	if len(tokens) == 0 {
		c.diags.errorf(Span{c.src, 0, min(1, len(c.src.Text))}, CodeSyntax, "the file doesn't begin with `policy NAME edition %d`", Edition).
			hint("write that line first")
		return
	}
	c.report(err, tokens)
}

// brokenName guesses the name that a declaration with a syntax error would have declared, so that its uses aren't reported as well.
func brokenName(c *converter, piece []token) string {
	if len(piece) < 2 {
		return ""
	}
	name := c.src.Text[piece[1].start:piece[1].end]
	if len(piece) > 3 && c.src.Text[piece[2].start:piece[2].end] == "." {
		name += "." + c.src.Text[piece[3].start:piece[3].end]
	}
	return name
}

// report turns participle's complaint about a piece into a diagnostic. A piece with a lexical error has been reported already.
func (c *converter) report(err *syntaxError, piece []token) {
	first, last := piece[0], piece[len(piece)-1]
	for _, d := range c.diags.list {
		if d.Severity == Error && d.Span.Src == c.src && d.Span.Start >= first.start && d.Span.Start <= last.end {
			return
		}
	}
	at := token{start: last.end, end: last.end}
	var before string
	for i, t := range piece {
		if t.start == err.offset {
			at = t
			if i > 0 {
				before = c.src.Text[piece[i-1].start:piece[i-1].end]
			}
		}
	}
	word := c.src.Text[at.start:at.end]
	span := Span{c.src, at.start, at.end}
	expected := ""
	if i := strings.Index(err.message, "(expected "); i >= 0 {
		expected = prettyExpected(strings.TrimSuffix(err.message[i+len("(expected "):], ")"))
	}
	var d *Diagnostic
	switch {
	case at == first && at.kind == tokIdent:
		d = c.diags.errorf(span, CodeSyntax, "no declaration begins with `%s`", short(word))
		if n := nearest(word, declWords); n != "" {
			d.hint("did you mean `%s`?", n)
		} else {
			d.hint("a declaration begins with one of %s", strings.Join(declWords, ", "))
		}
		return
	case word == "":
		span = Span{c.src, last.start, last.end}
		d = c.diags.errorf(span, CodeSyntax, "the declaration ends too early, after `%s`", short(c.src.Text[last.start:last.end]))
	case at.kind == tokKeyword:
		d = c.diags.errorf(span, CodeSyntax, "unexpected `%s`", short(word))
	default:
		d = c.diags.errorf(span, CodeSyntax, "unexpected `%s`", short(word))
	}
	switch {
	case word == "=" && (before != "" || at.kind == tokPunct):
		d.hint("equality is written `==`")
	case at.kind == tokIdent && nearest(word, Keywords()) != "":
		d.hint("did you mean `%s`?", nearest(word, Keywords()))
	case at.kind == tokKeyword && strings.Contains(expected, "a name"):
		d.hint("`%s` is a reserved word; choose another name", word)
	case expected != "":
		d.hint("here stands %s", expected)
	}
}

// prettyExpected renders participle's notation of what it expected, as far as it is short enough to help.
func prettyExpected(s string) string {
	if len(s) > 60 {
		return ""
	}
	for from, to := range map[string]string{"<ident>": "a name", "<int>": "an integer", "<str>": "a string", "<quant>": "a duration or size", "<decimal>": "a decimal", "<keyword>": "a word"} {
		s = strings.ReplaceAll(s, from, to)
	}
	for i := 0; strings.Contains(s, `"`); i++ {
		s = strings.Replace(s, `"`, "`", 1)
	}
	if strings.ContainsAny(s, "@G") || strings.Contains(s, "  ") {
		return ""
	}
	return s
}

// Edition is the edition of the language that this package reads.
const Edition = 1

// checkEdition refuses editions that this compiler doesn't know.
func checkEdition(f *File, diags *diagnostics) {
	if f.Edition != Edition {
		span := f.Policy.Span
		span.End = len(f.Src.Text)
		line, _, _ := strings.Cut(span.Text(), "\n")
		span.End = span.Start + len(line)
		diags.errorf(span, CodeEdition, "edition %d is not known", f.Edition).hint("%s", fmt.Sprintf("this compiler reads edition %d", Edition))
	}
}
