package lang

import "strings"

// This file says what to do about a syntax error. participle knows the token that didn't fit and, in the notation of the grammar,
// what it wanted first; people bring words and marks of other languages, and forget a word between two others. Every syntax
// error gets a hint: the best that is known of the mistake, and at least the form of the declaration.

// report turns participle's complaint about a piece into a diagnostic. Where the lexer has complained already it says nothing.
func (c *converter) report(err *syntaxError, piece []token) *Diagnostic {
	first, last := piece[0], piece[len(piece)-1]
	for _, d := range c.diags.list {
		if d.Severity == Error && d.Span.Src == c.src && d.Span.Start >= first.start && d.Span.Start <= last.end {
			return nil
		}
	}
	m := &mistake{c: c, piece: piece, at: len(piece)}
	for i, t := range piece {
		if t.start == err.offset {
			m.at = i
		}
	}
	m.want, m.words = wanted(err.message)
	if m.at == 0 && c.atMargin(first) && !isDeclWord[m.word(0)] && first.kind != tokPunct {
		return m.noDeclaration()
	}
	if m.at == len(piece) {
		d := c.diags.errorf(Span{c.src, last.start, last.end}, CodeSyntax, "the declaration ends too early, after `%s`", short(m.word(-1)))
		return d.hint("%s", m.hint())
	}
	at := piece[m.at]
	d := c.diags.errorf(Span{c.src, at.start, at.end}, CodeSyntax, "unexpected `%s`", short(m.word(0)))
	if m.at > 0 && strings.Contains(c.src.Text[piece[m.at-1].end:at.start], "\n") {
		d.label(Span{c.src, piece[m.at-1].start, piece[m.at-1].end}, "after this")
	}
	return d.hint("%s", m.hint())
}

// A mistake is the place of a syntax error in a piece of tokens that should be one declaration.
type mistake struct {
	c     *converter
	piece []token
	at    int      // the token that doesn't fit; the length of the piece at its end
	want  string   // what the grammar wants first, in words; "" if the declaration could end here, or participle doesn't say
	words []string // the words that begin what it wants
}

// word is the text of the token at a distance from the mistake, "" where there is none.
func (m *mistake) word(distance int) string {
	if i := m.at + distance; i >= 0 && i < len(m.piece) {
		return m.c.src.Text[m.piece[i].start:m.piece[i].end]
	}
	return ""
}

// kind is the kind of that token, tokEOF where there is none.
func (m *mistake) kind(distance int) tokenKind {
	if i := m.at + distance; i >= 0 && i < len(m.piece) {
		return m.piece[i].kind
	}
	return tokEOF
}

func (m *mistake) isName(distance int) bool {
	return m.kind(distance) == tokIdent || m.kind(distance) == tokKeyword
}

// noDeclaration reports a word in column 1 that begins no declaration.
func (m *mistake) noDeclaration() *Diagnostic {
	word := m.word(0)
	d := m.c.diags.errorf(Span{m.c.src, m.piece[0].start, m.piece[0].end}, CodeSyntax, "no declaration begins with `%s`", short(word))
	if h := declHabits[word]; h != "" {
		return d.hint("%s", h)
	}
	if n := nearest(word, declWords); n != "" {
		return d.hint("did you mean `%s`?", n)
	}
	return d.hint("a declaration begins with one of %s", strings.Join(declWords, ", "))
}

// hint says what to do.
func (m *mistake) hint() string {
	for _, h := range []string{m.habit(), m.mark(), m.unlabelled(), m.misspelt(), m.misplaced()} {
		if h != "" {
			return h
		}
	}
	decl := m.word(-m.at)
	switch clause := m.clause(); {
	case m.want != "" && clause == "":
		return "here comes " + m.want + ": " + forms[decl]
	case m.want != "":
		return "here comes " + m.want
	case clause == "when" || clause == "unless":
		return "a condition goes on with and, or, or a comparison; behind it come " + clauses
	case decl == "permit" || decl == "forbid":
		return "behind the targets come " + clauses
	}
	return "write: " + forms[decl]
}

// habit recognises words of other languages, here or just before.
func (m *mistake) habit() string {
	word, before := m.word(0), m.word(-1)
	switch {
	case m.kind(0) == tokIdent && wordHabits[word] != "":
		return wordHabits[word]
	case m.kind(-1) == tokIdent && wordHabits[before] != "" && m.word(-2) != ".":
		return wordHabits[before]
	case word == "not" && m.word(1) == "in":
		return "write `not x in list`"
	case word == "(" && m.kind(-1) == tokIdent && m.word(-2) == ".":
		if callHabits[before] != "" {
			return callHabits[before]
		}
		return "values have no methods: a function takes them, as in starts(x, \"a\")"
	}
	return ""
}

// mark recognises marks that mean something elsewhere.
func (m *mistake) mark() string {
	word, before, after := m.word(0), m.word(-1), m.word(1)
	if m.kind(0) != tokPunct {
		if before == "-" {
			return "only a number has a minus of its own: write 0 - " + short(word)
		}
		return ""
	}
	decl := m.word(-m.at)
	switch {
	case isCompareOp[word] && decl == "limit" && word != "<=":
		return "a limit says how much there may be: write `<=`"
	case word == "-" && before == "<=" && decl == "limit":
		return "a limit isn't negative; to permit nothing write a forbid"
	case isCompareOp[word]:
		return "comparisons don't chain: write a < b and b < c"
	case word == "*" && isNamesWord[before]:
		return "write `any`"
	case strings.Contains("+-*", word):
		return "what stands behind `on` of an effect, `has` or `sum` is a single value; put an operation in parentheses"
	case word == "=":
		return "equality is written `==`"
	case word == "." && (m.kind(-1) == tokInt || before == "."):
		return "there are no ranges: write x >= 1 and x <= 3"
	case word == "." && m.kind(1) == tokInt:
		return "a decimal has digits on both sides of the dot: 0." + short(after)
	case word == "?":
		return "a condition has no `? :`; write two rules, or use and, or and ??"
	case word == "{" && (decl == "permit" || decl == "forbid"):
		return "a rule has no braces; behind the targets come " + clauses
	case word == "{" && decl == "test":
		return "arguments and facts are written { name: value, other: value }"
	case word == "," && m.kind(-1) == tokInt && m.kind(1) == tokInt:
		return "digits are grouped as in 1_000"
	case word == "," && m.kind(1) == tokKeyword:
		return "a name is missing behind the comma, or the comma is one too many"
	}
	return ""
}

// unlabelled recognises a label without its colon.
func (m *mistake) unlabelled() string {
	decl := m.word(-m.at)
	if m.at == 2 && (decl == "permit" || decl == "forbid" || decl == "limit") && m.kind(0) == tokIdent && (m.word(1) == "to" || m.word(1) == ",") {
		return "behind a label stands a colon: " + decl + " " + short(m.word(-1)) + ": " + short(m.word(0))
	}
	return ""
}

// misspelt finds the word that was meant: one that could stand here if there are such, else any.
func (m *mistake) misspelt() string {
	word := m.word(0)
	if m.kind(0) != tokIdent {
		return ""
	}
	if n := nearest(word, m.words); n != "" && isIdentStart(n[0]) {
		return "did you mean `" + n + "`?"
	}
	if len(word) < 3 || len(m.words) > 0 {
		return ""
	}
	if n := nearest(word, Keywords()); n != "" && editDistance(strings.ToLower(word), n) <= max(1, len(word)/4) {
		return "did you mean `" + n + "`?"
	}
	return ""
}

// misplaced recognises a token of a kind that can't stand where it does.
func (m *mistake) misplaced() string {
	word, before := m.word(0), m.word(-1)
	decl := m.word(-m.at)
	switch {
	case decl == "tool" && (before == "(" || before == ",") && m.isName(0):
		return "a parameter is written NAME: TYPE"
	case m.want == "`}`" && m.isName(0) && (decl == "tool" || decl == "context"):
		return "a field is written NAME: TYPE"
	case m.kind(0) == tokIdent && (m.want == namesOf["GTarget"] || before == "," && m.targetBefore()):
		return "a target is written `tool " + short(word) + "`, `agent " + short(word) + "`, a pattern in quotes, or any"
	case m.kind(0) == tokStr && isNamesWord[before] && before != "on":
		return "names of agents, groups and actions stand without quotes"
	case (word == "agent" || word == "person" || word == "group") && isNamesWord[before] && m.isName(1):
		return "the name alone is enough: " + short(m.word(1))
	case m.kind(0) == tokKeyword && (m.want == "a name" || wantsName[before]):
		return "`" + word + "` is a reserved word; choose another name (a label or a tool's name may stand in quotes)"
	}
	return ""
}

// targetBefore reports whether the mistake stands among a rule's targets.
func (m *mistake) targetBefore() bool {
	for i := m.at - 1; i >= 0 && m.clause() == ""; i-- {
		switch m.word(i - m.at) {
		case "on":
			return true
		case "count", "sum", "{":
			return false
		}
	}
	return false
}

// clause is the word of the clause or condition that the mistake stands in, "" if it stands in the head of the declaration.
func (m *mistake) clause() string {
	for i := m.at - 1; i > 0; i-- {
		switch word := m.word(i - m.at); word {
		case "when", "unless", "because", "notify", "needs":
			return word
		}
	}
	return ""
}

// clauses are what may stand behind the targets of a rule.
const clauses = "when, unless, needs approval by, because, notify"

// forms show how each declaration is written.
var forms = map[string]string{
	"policy":     "policy NAME edition 1",
	"permit":     "permit WHO to ACTION on TARGET when CONDITION",
	"forbid":     "forbid WHO to ACTION on TARGET when CONDITION",
	"limit":      "limit WHO to ACTION on TARGET count <= 60 per 1h",
	"tool":       "tool NAME(parameter: type, other: type?) -> type",
	"group":      "group NAME in GROUP, …",
	"agent":      "agent NAME in GROUP, …",
	"person":     "person NAME in GROUP, …",
	"action":     "action NAME, …",
	"origin":     "origin NAME, …",
	"context":    "context { name: type other: type? }",
	"define":     "define NAME = EXPRESSION",
	"lifecycle":  "lifecycle NAME: WHO { start STATE STATE -> OTHER: ACTION on TARGET }",
	"delegation": "delegation { max_depth 4 max_ttl 1h }",
	"sandbox":    "sandbox AGENT { fuel 10_000 memory 64MiB timeout 5s read \"/srv\" }",
	"secret":     "secret NAME for AGENT on \"https://api.example.com/**\" as header \"Authorization\" \"Bearer {}\"",
	"test":       "test \"NAME\" { try WHO to ACTION on TARGET { argument: value } expect permit }",
}

// wordHabits are words of other languages, with the way each is written here.
var wordHabits = map[string]string{
	"if": "write `when`, behind the targets", "where": "write `when`", "provided": "write `when`", "matches": "write `like`", "match": "write `like`", "contains": "write `x in list`, or `text like \"*x*\"`",
	"is": "write `==`", "equals": "write `==`", "eq": "write `==`", "allow": "write `permit`", "grant": "write `permit`", "reject": "write `forbid`",
	"with": "write `when`", "except": "write `unless`", "using": "write `when`", "reason": "write `because`", "startswith": "write starts(x, prefix)", "exists": "write `has x`, or any x in list { … }",
	"forall": "write all x in list { … }", "every": "write all x in list { … }", "then": "a condition stands behind the rule: permit … when …", "else": "write a second rule",
	"between": "write x >= 1 and x <= 3", "returns": "write `->`", "requires": "write `needs approval by`", "of": "write `in`",
}

// declHabits are words that begin a declaration elsewhere.
var declHabits = map[string]string{
	"allow": "write `permit`", "deny": "write `forbid`", "ask": "write a permit that `needs approval by` somebody", "rule": "a rule begins with `permit` or `forbid`", "default": "what no rule permits is denied; there is nothing to declare", "package": "write `policy NAME edition 1`",
	"role": "write `group`", "user": "write `person`", "principal": "write `agent` or `person`", "entity": "write `agent`, `person` or `group`", "let": "write `define name = …`", "var": "write `define name = …`",
	"const": "write `define name = …`", "def": "write `define name = …`", "func": "there are no functions; name a condition with `define`", "function": "there are no functions; name a condition with `define`",
	"type": "a type stands where it is used: in a tool's parameters or the context", "enum": "an enum is written \"a\" | \"b\" where it is used", "import": "imports stand in the header, before all declarations",
	"resource": "a resource is named where a rule speaks of it: \"file:///data/**\"", "policy": "a file has one header, at its beginning", "include": "write `import \"file.moat\"` in the header", "version": "the header says it: `policy NAME edition 1`",
}

// wantsName are the words behind which a name stands.
var wantsName = makeSet("permit forbid limit group agent person action origin tool define lifecycle sandbox secret policy by try")

// isNamesWord are the words behind which names, or `any`, stand.
var isNamesWord = makeSet("permit forbid limit to on by in for try sandbox")

var isCompareOp = makeSet("== != < <= > >=")

// namesOf says in words what a production of the grammar stands for.
var namesOf = map[string]string{
	"GIdent": "a name", "GName": "a name", "GWord": "a name", "<ident>": "a name", "GNames": "names, or any", "GScope": "whom the rule is about", "GRef": "the tool's name",
	"GTarget": "a target (tool NAME, agent NAME, a pattern in quotes, or any)", "GToolAt": "the tool's name, or any",
	"GStr": "a string in double quotes", "<str>": "a string in double quotes", "GNum": "a number", "<int>": "an integer", "GQuant": "a duration, such as 10m", "<quant>": "a duration, such as 10m",
	"GExpr": "an expression", "GAnd": "an expression", "GNot": "an expression", "GCmp": "a value", "GSum": "a value", "GCoal": "a value", "GPost": "a value", "GPrim": "a value", "GLit": "a literal",
	"GType": "a type", "GExpect": "permit, ask or deny", "GOrig": "an origin (user, tool NAME.FIELD, or a declared one)", "GEvent": "an event (ACTION on TARGET)", "GRec": "a record, { name: value }",
}

// wanted reads what participle expected of a message: the first thing, in words, and the words of the language that can begin it.
func wanted(message string) (string, []string) {
	_, expected, ok := strings.Cut(message, "(expected ")
	if !ok {
		return "", nil
	}
	var parts, words []string
	for _, first := range firstOf(strings.TrimSuffix(expected, ")")) {
		word := strings.Trim(first, `"`)
		switch name := namesOf[strings.Trim(first, "?*+")]; {
		case word != first:
			parts = append(parts, "`"+word+"`")
			words = append(words, word)
		case name != "":
			parts = append(parts, name)
		default:
			return "", words
		}
	}
	return strings.Join(parts, " or "), words
}

// firstOf lists the alternatives for the first element of a sequence in participle's notation.
func firstOf(s string) []string {
	if !strings.HasPrefix(s, "(") {
		end := strings.IndexByte(s, ' ')
		if end < 0 {
			end = len(s)
		}
		return []string{s[:end]}
	}
	depth, begin := 0, 1
	var out []string
	quoted := false
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '"':
			quoted = !quoted
		case quoted:
		case ch == '(':
			depth++
		case ch == ')':
			if depth--; depth == 0 {
				return append(out, firstOf(s[begin:i])...)
			}
		case ch == '|' && depth == 1:
			out = append(out, firstOf(strings.TrimSpace(s[begin:i]))...)
			begin = i + 2
		}
	}
	return out
}
