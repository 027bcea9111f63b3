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
	f, err := c.file(g)
	if err != nil {
		diags.errorf(Span{src, 0, 0}, CodeSyntax, "%s", err)
		return nil
	}
	f.tokens, f.comments = l.tokens, l.comments
	return f
}

// checkDepth bounds the nesting that the recursive parser will meet.
func checkDepth(c *converter) bool {
	depth, nots := 0, 0
	var chains, elements [MaxDepth + 2]int // operators in a row, and elements, by depth
	for _, t := range c.tokens {
		word := c.src.Text[t.start:t.end]
		switch word {
		case "(", "[", "{":
			depth++
			chains[min(depth, MaxDepth)], elements[min(depth, MaxDepth)] = 0, 0
		case ")", "]", "}":
			depth = max(0, depth-1)
		case "not":
			nots++
		case "+", "-", "*", ".":
			if chains[depth]++; chains[depth] > MaxDepth {
				c.diags.errorf(Span{c.src, t.start, t.end}, CodeTooDeep, "a chain of more than %d operators", MaxDepth)
				return false
			}
		case ",", "and", "or":
			chains[depth] = 0
			if elements[depth]++; elements[depth] >= MaxElements {
				c.diags.errorf(Span{c.src, t.start, t.end}, CodeTooDeep, "more than %d elements or operands", MaxElements).hint("split the list, or name a part with `define`")
				return false
			}
		case "=", "==", "!=", "<", "<=", ">", ">=":
			chains[depth] = 0
		default:
			if t.kind == tokKeyword {
				chains[depth] = 0
				if depth == 0 && (isDeclWord[word] || word == "when" || word == "unless") {
					elements[0] = 0
				}
			}
		}
		if word != "not" {
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

// file reads the header and then one declaration after the other. Where one has a syntax error, it goes on where the next word that
// can begin a declaration stands in column 1, so that one mistake hides no other.
func (c *converter) file(g *grammar) (*File, error) {
	f := &File{Src: c.src}
	cur, err := c.cursorAt(0)
	if err != nil {
		return nil, err
	}
	if h, serr := next(g.header, cur, true); serr == nil {
		f.Policy, f.Edition, f.Imports = c.ident(&h.Policy), c.int(h.Edition), c.strs(h.Imports)
	} else {
		f.Edition = Edition // its mistake is reported here
		end := c.nextCut(0)
		c.badHeader(serr, c.tokens[:end])
		if cur, err = c.cursorAt(end); err != nil {
			return nil, err
		}
	}
	for cur.at() < len(c.tokens) && c.diags.errors <= MaxErrors {
		start := cur.at()
		d, serr := next(g.decl, cur, true)
		if serr == nil && c.endsAt(cur.at()) {
			f.Decls = append(f.Decls, c.decl(d))
			continue
		}
		end := c.nextCut(start + 1)
		piece := c.tokens[start:end]
		// The declaration as a whole draws a better complaint than what could be read of it.
		if again := c.whole(g, piece); again != nil {
			serr = again
		} else if serr == nil {
			serr = &syntaxError{offset: c.tokens[cur.at()].start}
		}
		c.report(serr, piece)
		f.broken = append(f.broken, c.broken(piece))
		if cur, err = c.cursorAt(end); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// endsAt reports whether a declaration may end before token i. Where participle gives up an optional part of a production after a few
// tokens, it leaves parts of that part in the tree; what follows such a tree never begins a declaration.
func (c *converter) endsAt(i int) bool {
	if i == len(c.tokens) {
		return true
	}
	t := c.tokens[i]
	word := c.src.Text[t.start:t.end]
	return isDeclWord[word] || (t.kind == tokIdent || isStrayWord[word]) && c.atMargin(t)
}

// nextCut finds the first token from i on at which a declaration may begin after a mistake.
func (c *converter) nextCut(i int) int {
	for ; i < len(c.tokens); i++ {
		t := c.tokens[i]
		if !c.atMargin(t) {
			continue
		}
		word := c.src.Text[t.start:t.end]
		if t.kind == tokIdent || isDeclWord[word] || isStrayWord[word] {
			if i == 0 || c.canEnd(i-1) || t.kind == tokKeyword && !isOperandWord[word] {
				return i
			}
		}
	}
	return i
}

// atMargin reports whether a token stands in column 1.
func (c *converter) atMargin(t token) bool { return t.start == 0 || c.src.Text[t.start-1] == '\n' }

// isOperandWord are the words that begin a declaration, and also a target or a fact.
var isOperandWord = makeSet("tool agent context")

// isStrayWord are reserved words that begin a line only by mistake: those of the header, and outcomes taken for declarations.
var isStrayWord = makeSet("policy import deny ask")

// canEnd reports whether a declaration can end with a token; after any other, a name in column 1 goes on with the declaration.
func (c *converter) canEnd(i int) bool {
	t := c.tokens[i]
	if i > 0 && c.src.Text[c.tokens[i-1].start:c.tokens[i-1].end] == "." {
		return true // any word is a field
	}
	switch word := c.src.Text[t.start:t.end]; {
	case t.kind == tokPunct:
		return word == "}" || word == ")" || word == "]" || word == "?"
	case t.kind == tokKeyword:
		return !continues[word]
	}
	return true
}

// continues are the words that want something after them.
var continues = makeSet("to on in when unless by and or not as for from does because notify has like within")

// badHeader reports what is wrong before the first declaration.
func (c *converter) badHeader(err *syntaxError, tokens []token) {
	if len(tokens) == 0 {
		c.diags.errorf(Span{c.src, 0, min(1, len(c.src.Text))}, CodeSyntax, "the file doesn't begin with `policy NAME edition %d`", Edition).
			hint("write that line first")
		return
	}
	if d := c.report(err, tokens); d != nil {
		d.hint("a file begins with `policy NAME edition %d`, then its imports", Edition)
	}
}

// A brokenDecl is what a declaration with a syntax error would have declared, as far as one can guess.
type brokenDecl struct{ kind, name string }

// broken guesses what a piece would have declared, so that uses of it aren't reported as well.
func (c *converter) broken(piece []token) brokenDecl {
	word := func(i int) string {
		if i >= len(piece) {
			return ""
		}
		return c.src.Text[piece[i].start:piece[i].end]
	}
	d := brokenDecl{kind: word(0), name: word(1)}
	if !isDeclWord[d.kind] {
		d.kind = nearest(d.kind, declWords)
	}
	switch d.kind {
	case "group", "agent", "person", "action", "origin", "define", "context":
	case "tool":
		if word(2) == "." {
			d.name += "." + word(3)
		}
	case "permit", "forbid", "limit":
		if word(2) != ":" {
			d.name = ""
		}
	default:
		d.name = ""
	}
	return d
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
