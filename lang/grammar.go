package lang

// This file holds the participle grammar; convert.go turns its trees into the syntax tree of ast.go. Nothing else in the
// package knows participle. The tags are the grammar; spec/grammar.ebnf is its text, kept equal by a test.
//
// A literal in a tag matches a token by its text, whatever its kind; Str tokens keep their quotes, so a string never
// passes for a word. Ident excludes the reserved words, which are Keyword.

import (
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

type gNode struct {
	Pos    lexer.Position
	EndPos lexer.Position
}

type gWord struct {
	gNode
	Ident   string `parser:"( @Ident"`
	Keyword string `parser:"| @Keyword"`
	Str     string `parser:"| @Str )"`
}

type gIdent struct {
	gNode
	Name string `parser:"@Ident"`
}

type gStr struct {
	gNode
	Lit string `parser:"@Str"`
}

type gName struct {
	gNode
	Ident string `parser:"( @Ident"`
	Str   string `parser:"| @Str )"`
}

type gFile struct {
	Header gHeader  `parser:"@@"`
	Decls  []*gDecl `parser:"@@*"`
}

type gHeader struct {
	Policy  gIdent  `parser:"'policy' @@"`
	Edition string  `parser:"'edition' @Int"`
	Imports []*gStr `parser:"( 'import' @@ )*"`
}

type gDecl struct {
	gNode
	Group      *gGroup      `parser:"( @@"`
	Principal  *gPrincipal  `parser:"| @@"`
	Words      *gWords      `parser:"| @@"`
	Tool       *gTool       `parser:"| @@"`
	Context    *gContext    `parser:"| @@"`
	Define     *gDefine     `parser:"| @@"`
	Rule       *gRule       `parser:"| @@"`
	Limit      *gLimit      `parser:"| @@"`
	Lifecycle  *gLifecycle  `parser:"| @@"`
	Delegation *gDelegation `parser:"| @@"`
	Sandbox    *gSandbox    `parser:"| @@"`
	Secret     *gSecret     `parser:"| @@"`
	Test       *gTest       `parser:"| @@ )"`
}

type gGroup struct {
	Name   gIdent    `parser:"'group' @@"`
	In     []*gIdent `parser:"( 'in' @@ ( ',' @@ )* )?"`
	Claims []*gStr   `parser:"( 'claims' @@ ( ',' @@ )* )?"`
}

type gPrincipal struct {
	Kind string    `parser:"@( 'agent' | 'person' )"`
	Name gIdent    `parser:"@@"`
	In   []*gIdent `parser:"( 'in' @@ ( ',' @@ )* )?"`
}

type gWords struct {
	Kind  string    `parser:"@( 'action' | 'origin' )"`
	Names []*gIdent `parser:"@@ ( ',' @@ )*"`
}

type gRef struct {
	gNode
	First gName  `parser:"@@"`
	Rest  *gWord `parser:"( '.' @@ )?"`
}

type gTool struct {
	Name    gRef       `parser:"'tool' @@"`
	Params  []*gParam  `parser:"'(' ( @@ ( ',' @@ )* )? ')'"`
	Result  *gType     `parser:"( '->' @@ )?"`
	Effects []*gEffect `parser:"@@*"`
	Pin     *gStr      `parser:"( 'pin' @@ )?"`
}

type gParam struct {
	gNode
	Name   gWord  `parser:"@@ ':'"`
	Type   gType  `parser:"@@"`
	Record string `parser:"@( 'redact' | 'digest' )?"`
}

type gEffect struct {
	gNode
	Action gIdent `parser:"'does' @@"`
	On     gPost  `parser:"'on' @@"`
	When   *gExpr `parser:"( 'when' @@ )?"`
}

type gType struct {
	gNode
	List     *gType   `parser:"( '[' @@ ']'"`
	Record   *gFields `parser:"| @@"`
	Enum     []*gStr  `parser:"| @@ ( '|' @@ )*"`
	Name     string   `parser:"| @( Ident | 'resource' ) )"`
	Optional bool     `parser:"@'?'?"`
}

type gFields struct {
	Open   bool      `parser:"@'{'"`
	Fields []*gField `parser:"@@* '}'"`
}

type gField struct {
	gNode
	Name gWord `parser:"@@ ':'"`
	Type gType `parser:"@@ ','?"`
}

type gContext struct {
	Fields []*gField `parser:"'context' '{' @@* '}'"`
}

type gDefine struct {
	Name gIdent `parser:"'define' @@"`
	Body gExpr  `parser:"'=' @@"`
}

type gNames struct {
	gNode
	Any   bool      `parser:"( @'any'"`
	Names []*gIdent `parser:"| @@ ( ',' @@ )* )"`
}

type gTarget struct {
	gNode
	Any    bool     `parser:"( @'any'"`
	Tool   *gToolAt `parser:"| 'tool' @@"`
	Agents *gNames  `parser:"| 'agent' @@"`
	Text   *gStr    `parser:"| @@ )"`
}

type gToolAt struct {
	Any bool  `parser:"( @'any'"`
	Ref *gRef `parser:"| @@ )"`
}

type gScope struct {
	gNode
	Subjects gNames     `parser:"@@ 'to'"`
	Actions  gNames     `parser:"@@ 'on'"`
	Targets  []*gTarget `parser:"@@ ( ',' @@ )*"`
}

type gRule struct {
	Effect  string     `parser:"@( 'permit' | 'forbid' )"`
	Label   *gName     `parser:"( @@ ':' )?"`
	Scope   gScope     `parser:"@@"`
	Clauses []*gClause `parser:"@@*"`
}

type gClause struct {
	gNode
	When    *gExpr  `parser:"( 'when' @@"`
	Unless  *gExpr  `parser:"| 'unless' @@"`
	Because *gStr   `parser:"| 'because' @@"`
	Notify  *gStr   `parser:"| 'notify' @@"`
	Needs   *gNeeds `parser:"| @@ )"`
}

type gNeeds struct {
	gNode
	N      string    `parser:"'needs' @Int?"`
	By     []*gIdent `parser:"'approval' 'by' @@ ( ',' @@ )*"`
	Within *gQuant   `parser:"( 'within' @@ )?"`
}

type gQuant struct {
	gNode
	Lit string `parser:"@Quant"`
}

type gNum struct {
	gNode
	Int     string `parser:"( @Int"`
	Decimal string `parser:"| @Decimal )"`
}

type gLimit struct {
	Label   *gName  `parser:"'limit' ( @@ ':' )?"`
	Scope   gScope  `parser:"@@"`
	When    *gExpr  `parser:"( 'when' @@ )?"`
	Count   bool    `parser:"( @'count'"`
	Sum     *gPost  `parser:"| 'sum' @@ )"`
	Max     gNum    `parser:"'<=' @@"`
	Per     *gQuant `parser:"'per' ( @@"`
	Session bool    `parser:"| @'session' )"`
	Burst   *gNum   `parser:"( 'burst' @@ )?"`
	Each    string  `parser:"( 'each' @( 'agent' | 'session' | 'root' ) )?"`
}

type gLifecycle struct {
	Name        gIdent         `parser:"'lifecycle' @@ ':'"`
	Subjects    gNames         `parser:"@@"`
	Start       gWord          `parser:"'{' 'start' @@"`
	Transitions []*gTransition `parser:"@@* '}'"`
}

type gTransition struct {
	gNode
	From  gWord  `parser:"@@ '->'"`
	To    gWord  `parser:"@@ ':'"`
	Event gEvent `parser:"@@"`
}

type gEvent struct {
	gNode
	Actions gNames     `parser:"@@ 'on'"`
	Targets []*gTarget `parser:"@@ ( ',' @@ )*"`
}

type gDelegation struct {
	Settings []*gSetting `parser:"'delegation' '{' @@* '}'"`
}

type gSandbox struct {
	Subjects gNames      `parser:"'sandbox' @@"`
	Settings []*gSetting `parser:"'{' @@* '}'"`
}

type gSetting struct {
	gNode
	Name gIdent  `parser:"@@"`
	Val  *gLit   `parser:"@@"`
	More []*gLit `parser:"( ',' @@ )*"`
}

type gSecret struct {
	Name     gIdent `parser:"'secret' @@"`
	For      gNames `parser:"'for' @@"`
	On       gStr   `parser:"'on' @@"`
	Header   gStr   `parser:"'as' 'header' @@"`
	Template gStr   `parser:"@@"`
}

type gTest struct {
	Name  gStr     `parser:"'test' @@"`
	Steps []*gStep `parser:"'{' @@* '}'"`
}

type gStep struct {
	gNode
	Given   *gRec   `parser:"( 'given' @@"`
	Wait    *gQuant `parser:"| 'wait' @@"`
	Approve *gIdent `parser:"| 'approve' 'by' @@"`
	Try     *gTry   `parser:"| @@ )"`
}

type gTry struct {
	Subject gName   `parser:"'try' @@"`
	Action  gIdent  `parser:"'to' @@"`
	Target  gTarget `parser:"'on' @@"`
	Args    *gRec   `parser:"@@?"`
	Expect  gExpect `parser:"'expect' @@"`
	By      *gName  `parser:"( 'by' @@ )?"`
}

type gExpect struct {
	gNode
	Outcome string `parser:"@( 'permit' | 'ask' | 'deny' )"`
}

type gExpr struct {
	gNode
	Xs []*gAnd `parser:"@@ ( 'or' @@ )*"`
}

type gAnd struct {
	gNode
	Xs []*gNot `parser:"@@ ( 'and' @@ )*"`
}

type gNot struct {
	gNode
	Not        *gNot        `parser:"( 'not' @@"`
	Has        *gPost       `parser:"| 'has' @@"`
	Quantified *gQuantified `parser:"| @@"`
	Once       *gOnce       `parser:"| @@"`
	Cmp        *gCmp        `parser:"| @@ )"`
}

type gQuantified struct {
	Kind string `parser:"@( 'any' | 'all' )"`
	Var  gIdent `parser:"@@ 'in'"`
	In   gSum   `parser:"@@"`
	Body gExpr  `parser:"'{' @@ '}'"`
}

type gOnce struct {
	Scope  string  `parser:"@( 'session' | 'agent' ) 'once'"`
	Event  gEvent  `parser:"'(' @@"`
	When   *gExpr  `parser:"( 'when' @@ )? ')'"`
	Within *gQuant `parser:"( 'within' @@ )?"`
}

type gCmp struct {
	gNode
	X        gSum       `parser:"@@"`
	Op       *gOp       `parser:"( @@"`
	Y        *gSum      `parser:"@@"`
	Like     *gStr      `parser:"| 'like' @@"`
	From     *gFrom     `parser:"| @@"`
	Attested *gAttested `parser:"| @@ )?"`
}

type gOp struct {
	gNode
	Op string `parser:"@( '==' | '!=' | '<=' | '<' | '>=' | '>' | 'in' )"`
}

type gFrom struct {
	Mode string   `parser:"'from' @( 'some' | 'no' )?"`
	List []*gOrig `parser:"( '[' @@ ( ',' @@ )* ']'"`
	One  *gOrig   `parser:"| @@ )"`
}

type gOrig struct {
	gNode
	Tool []*gWord `parser:"( 'tool' @@ ( '.' @@ )*"`
	Name string   `parser:"| @Ident )"`
}

type gAttested struct {
	Claim gStr   `parser:"'attested' @@"`
	By    gIdent `parser:"'by' @@"`
}

type gSum struct {
	gNode
	X    gCoal   `parser:"@@"`
	Rest []*gAdd `parser:"@@*"`
}

type gAdd struct {
	gNode
	Op string `parser:"@( '+' | '-' | '*' )"`
	X  gCoal  `parser:"@@"`
}

type gCoal struct {
	gNode
	X       gPost     `parser:"@@"`
	Default *gDefault `parser:"@@?"`
}

type gDefault struct {
	gNode
	X gPost `parser:"'??' @@"`
}

type gPost struct {
	gNode
	Prim gPrim      `parser:"@@"`
	Ops  []*gPostOp `parser:"@@*"`
}

type gPostOp struct {
	gNode
	Name *gWord `parser:"( '.' @@"`
	Int  string `parser:"| '[' ( @Int"`
	Str  string `parser:" | @Str ) ']' )"`
}

type gPrim struct {
	gNode
	Lit   *gLit  `parser:"( @@"`
	Neg   *gNum  `parser:"| '-' @@"`
	List  *gList `parser:"| @@"`
	Rec   *gRec  `parser:"| @@"`
	Paren *gExpr `parser:"| '(' @@ ')'"`
	Fact  string `parser:"| @( 'args' | 'context' | 'agent' | 'token' | 'resource' | 'session' | 'now' )"`
	Name  *gCall `parser:"| @@ )"`
}

type gCall struct {
	Name gIdent   `parser:"@@"`
	Call bool     `parser:"( @'('"`
	Args []*gExpr `parser:"( @@ ( ',' @@ )* )? ')' )?"`
}

type gList struct {
	Open  bool     `parser:"@'['"`
	Elems []*gExpr `parser:"( @@ ( ',' @@ )* )? ']'"`
}

type gRec struct {
	gNode
	Open   bool         `parser:"@'{'"`
	Fields []*gRecField `parser:"( @@ ( ',' @@ )* )? '}'"`
}

type gRecField struct {
	gNode
	Name  gWord `parser:"@@ ':'"`
	Value gExpr `parser:"@@"`
}

type gLit struct {
	gNode
	Bool    string `parser:"( @( 'true' | 'false' )"`
	Int     string `parser:"| @Int"`
	Decimal string `parser:"| @Decimal"`
	Quant   string `parser:"| @Quant"`
	Str     string `parser:"| @Str )"`
}

// ---- the parser ----

var symbols = map[string]lexer.TokenType{
	"EOF": lexer.TokenType(tokEOF), "Ident": lexer.TokenType(tokIdent), "Keyword": lexer.TokenType(tokKeyword), "Int": lexer.TokenType(tokInt),
	"Decimal": lexer.TokenType(tokDecimal), "Quant": lexer.TokenType(tokQuant), "Str": lexer.TokenType(tokStr), "Punct": lexer.TokenType(tokPunct),
}

// grammarLexer gives participle the names of our tokens; the tokens themselves come from lex.go.
type grammarLexer struct{}

func (grammarLexer) Symbols() map[string]lexer.TokenType { return symbols }
func (grammarLexer) Lex(string, io.Reader) (lexer.Lexer, error) {
	return nil, errors.New("lang: tokens come from lex.go")
}

// tokenStream hands out tokens of a source as participle wants them.
type tokenStream struct {
	src    *Source
	tokens []token
	at     int
}

func (t *tokenStream) Next() (lexer.Token, error) {
	if t.at >= len(t.tokens) {
		end := len(t.src.Text)
		if t.at > 0 {
			end = t.tokens[len(t.tokens)-1].end
		}
		return lexer.Token{Type: lexer.EOF, Pos: lexer.Position{Offset: end}}, nil
	}
	tok := t.tokens[t.at]
	t.at++
	return lexer.Token{Type: lexer.TokenType(tok.kind), Value: t.src.Text[tok.start:tok.end], Pos: lexer.Position{Offset: tok.start}}, nil
}

// grammar is built once, at the first parse; participle's own construction costs milliseconds. A file is parsed declaration by
// declaration, since participle keeps some kilobytes for each token until it has read the whole of what it was asked for.
type grammar struct {
	file   *participle.Parser[gFile]
	header *participle.Parser[gHeader]
	decl   *participle.Parser[gDecl]
}

func newGrammar() (*grammar, error) {
	file, err := participle.Build[gFile](participle.Lexer(grammarLexer{}), participle.UseLookahead(2))
	if err != nil {
		return nil, fmt.Errorf("lang: grammar: %w", err)
	}
	header, err := participle.ParserForProduction[gHeader](file)
	if err != nil {
		return nil, fmt.Errorf("lang: grammar: %w", err)
	}
	decl, err := participle.ParserForProduction[gDecl](file)
	if err != nil {
		return nil, fmt.Errorf("lang: grammar: %w", err)
	}
	return &grammar{file, header, decl}, nil
}

// A syntaxError is where participle stopped and why.
type syntaxError struct {
	offset  int
	message string
}

// A cursor walks over the tokens of a file.
type cursor struct {
	peeking *lexer.PeekingLexer
	from    int // the token at which peeking began
}

func (c *converter) cursorAt(i int) (*cursor, error) {
	peeking, err := lexer.Upgrade(&tokenStream{src: c.src, tokens: c.tokens[i:]})
	return &cursor{peeking, i}, err
}

// at is the index of the next token.
func (cur *cursor) at() int { return cur.from + cur.peeking.Cursor() }

// next parses one production at the cursor. With trailing, it leaves what follows it; else something that follows is an error.
func next[G any](p *participle.Parser[G], cur *cursor, trailing bool) (*G, *syntaxError) {
	tree, err := p.ParseFromLexer(cur.peeking, participle.AllowTrailing(trailing))
	if err == nil {
		return tree, nil
	}
	var perr participle.Error
	if errors.As(err, &perr) {
		return nil, &syntaxError{perr.Position().Offset, perr.Message()}
	}
	return nil, &syntaxError{0, err.Error()}
}

// whole says why a piece is not one declaration.
func (c *converter) whole(g *grammar, piece []token) *syntaxError {
	peeking, err := lexer.Upgrade(&tokenStream{src: c.src, tokens: piece})
	if err != nil {
		return nil
	}
	_, serr := next(g.decl, &cursor{peeking: peeking}, false)
	return serr
}
