package lang

import (
	"slices"
	"strings"
)

// This file lays out source text. It works on tokens and comments, so that it can neither lose a comment nor change a token:
// all it decides is the white space between them. The rules it keeps:
//
//   - declarations, imports and the header begin in column 1; clauses stand below, indented by 2; the items of a block too;
//   - at most one blank line in a row is kept; there is one after the header and around every declaration of several lines,
//     above the comment that belongs to the declaration; none after an opening bracket, before a closing one, or among clauses;
//   - inside brackets and conditions, and after a comma, the author's line breaks stay; elsewhere lines are joined; none is wrapped;
//   - a comment stays behind the same token: on that token's line if it was there, else on a line of its own.
//
// No rule looks at how wide or deep the source was indented, except for one comment: what stands directly below a declaration
// and deeper than the next one, such as a clause commented out, is indented like a clause.

// Format returns the text of src in canonical layout. Formatting what Format returned changes nothing, and its syntax tree
// differs from that of src only in spans. The text is "" when there are diagnostics: the syntax errors of src, or that the
// result would be larger than MaxFileSize.
func Format(src *Source) (string, Diagnostics) {
	file, diags := Parse(src)
	if errs := diags.Errors(); len(errs) > 0 {
		return "", errs
	}
	l := &layout{src: src, tokens: file.tokens, comments: file.comments, marks: make([]mark, len(file.tokens)+1)}
	l.markFile(file)
	l.markBreaks()
	l.write()
	if l.out.Len() > MaxFileSize {
		var ds diagnostics
		ds.errorf(Span{src, 0, 0}, CodeTooLarge, "formatted, the file would have more than the %d bytes that are allowed", MaxFileSize).
			hint("split the policy into several files; a directory is one policy")
		return "", ds.sorted()
	}
	return l.out.String(), nil
}

// A role says what a token begins.
type role uint8

const (
	roleNone   role = iota
	roleClause      // a line of its own below a declaration
	roleItem        // a line of its own in a block
	roleHeader      // policy or an import
	roleDecl        // a declaration
	roleEOF         // the end of the file, which stands after the last token
)

// outer reports whether what the token begins stands in column 1.
func (r role) outer() bool { return r >= roleHeader }

// A mark is what the layout knows of a token.
type mark struct {
	role    role
	breaks  bool // a new line begins before it
	loose   bool // outside brackets: a line break of the author's before it stays
	bracket bracket
	lines   bool // of a header or declaration: it takes several lines
	clauses bool // of a declaration: it has clauses on lines of their own
}

// A bracket says how the lines behind an opening bracket are indented.
type bracket uint8

const (
	bracketFlat   bracket = iota // every line alike
	bracketList                  // elements behind commas; a line that continues an element is deeper
	bracketRecord                // fields, each a word and a colon
	bracketBlock                 // the items of a declaration
)

// layout is the state of formatting one file.
type layout struct {
	src      *Source
	tokens   []token
	comments []comment // those not written yet
	marks    []mark    // of each token, and of the end of the file

	out    strings.Builder
	decl   int     // the token that begins the header or declaration being written
	frames []frame // that declaration, then the open brackets
	indent int     // of the line being written
}

// A frame is an open bracket, or at the bottom the declaration.
type frame struct {
	kind bracket
	line int // indent of the line that the bracket stands on
	elem int // indent of the line that the current element began on
}

// word returns the text of a token, "" outside the file.
func (l *layout) word(i int) string {
	if i < 0 || i >= len(l.tokens) {
		return ""
	}
	return l.src.Text[l.tokens[i].start:l.tokens[i].end]
}

// at returns the index of the first token that begins at or after an offset.
func (l *layout) at(offset int) int {
	i, _ := slices.BinarySearchFunc(l.tokens, offset, func(t token, offset int) int { return t.start - offset })
	return i
}

// between returns the source between a token and the one before it: white space and comments.
func (l *layout) between(i int) string {
	start, end := 0, len(l.src.Text)
	if i > 0 {
		start = l.tokens[i-1].end
	}
	if i < len(l.tokens) {
		end = l.tokens[i].start
	}
	return l.src.Text[start:end]
}

// keywordBefore returns the index of the keyword that introduces an expression. The span of an expression leaves out
// parentheses around it.
func (l *layout) keywordBefore(x Expr) int {
	i := l.at(x.ExprSpan().Start) - 1
	for l.word(i) == "(" {
		i--
	}
	return i
}

// ---- what the tree tells ----

func (l *layout) markFile(file *File) {
	l.marks[0].role = roleHeader
	l.marks[len(l.tokens)].role = roleEOF
	for _, s := range file.Imports {
		l.marks[l.at(s.Span.Start)-1].role = roleHeader
	}
	for _, d := range file.Decls {
		l.marks[l.at(d.DeclSpan().Start)].role = roleDecl
		l.markDecl(d)
	}
}

func (l *layout) markDecl(d Decl) {
	end := l.at(d.DeclSpan().End)
	clause := func(i int) { l.marks[i].role = roleClause }
	text := func(s Str) { clause(l.at(s.Span.Start) - 1) } // a keyword and a string
	switch d := d.(type) {
	case *Tool:
		for _, e := range d.Effects {
			clause(l.at(e.Span.Start))
			if e.When != nil {
				when := l.keywordBefore(e.When)
				l.marks[when].loose = true
				l.loosen(when+2, l.at(e.Span.End))
			}
		}
		if d.Pin != nil {
			text(*d.Pin)
		}
	case *Define:
		l.loosen(l.at(d.Name.Span.Start)+3, end)
	case *Rule:
		for _, c := range d.Conds {
			when := l.at(c.Span.Start)
			clause(when)
			l.loosen(when+2, l.at(c.Span.End))
		}
		if d.Because != nil {
			text(*d.Because)
		}
		for _, s := range d.Notify {
			text(s)
		}
		if d.Approval != nil {
			clause(l.at(d.Approval.Span.Start))
		}
	case *Limit:
		limit := l.at(d.Max.Span.Start)
		measure, per := limit-2, limit+1
		if d.Sum != nil {
			measure = l.keywordBefore(d.Sum)
		}
		parts := []int{measure, per}
		if d.When != nil {
			when := l.keywordBefore(d.When)
			parts = append(parts, when)
			l.loosen(when+2, measure)
		}
		for _, i := range parts {
			if strings.Contains(l.between(i), "\n") {
				clause(i)
			}
		}
	case *Context:
		markBlock(l, d.Span, d.Fields, func(f FieldExpr) Span { return f.Span })
	case *Lifecycle:
		markBlock(l, d.Span, d.Transitions, func(t Transition) Span { return t.Span })
		l.marks[l.at(d.Start.Span.Start)-1].role = roleItem
		l.marks[end-1].role = roleItem
	case *Delegation:
		markBlock(l, d.Span, d.Settings, func(s Setting) Span { return s.Span })
	case *Sandbox:
		markBlock(l, d.Span, d.Settings, func(s Setting) Span { return s.Span })
	case *Test:
		markBlock(l, d.Span, d.Steps, Step.StepSpan)
		for _, s := range d.Steps {
			if t, ok := s.(*Try); ok {
				l.marks[l.at(t.Expect.Span.Start)-1].loose = true
			}
		}
	}
}

// loosen keeps the author's line breaks before the tokens of a condition.
func (l *layout) loosen(from, to int) {
	for i := from; i < to; i++ {
		l.marks[i].loose = true
	}
}

// markBlock marks the braces and the items of a declaration that is a block.
func markBlock[T any](l *layout, decl Span, items []T, span func(T) Span) {
	i := l.at(decl.Start)
	for l.word(i) != "{" {
		i++
	}
	l.marks[i].bracket = bracketBlock
	for _, item := range items {
		l.marks[l.at(span(item).Start)].role = roleItem
	}
	if len(items) > 0 {
		l.marks[l.at(decl.End)-1].role = roleItem
	}
}

// ---- what the tokens tell ----

// operandWords are the keywords that are expressions by themselves.
var operandWords = makeSet("true false args context agent token resource session now")

// operand reports whether a token can end an operand. Where one ends, a minus is binary and a bracket calls or selects.
func (l *layout) operand(i int) bool {
	switch word := l.word(i); l.tokens[i].kind {
	case tokKeyword:
		return operandWords[word] || l.word(i-1) == "."
	case tokPunct:
		return word == ")" || word == "]" || word == "}"
	}
	return true
}

// space reports whether a space stands between a token and the one before it when both are on a line.
func (l *layout) space(i int) bool {
	prev := l.word(i - 1)
	switch prev {
	case "(", "[", ".":
		return false
	case "-":
		if !l.operand(i - 2) {
			return false
		}
	}
	switch l.word(i) {
	case ",", ":", ".", ")", "]", "?":
		return false
	case "(", "[":
		return !l.operand(i - 1)
	case "}":
		return prev != "{"
	}
	return true
}

func opens(word string) bool  { return word == "(" || word == "[" || word == "{" }
func closes(word string) bool { return word == ")" || word == "]" || word == "}" }

// markBreaks decides where lines begin, and the kind of every bracket.
func (l *layout) markBreaks() {
	var open []int // opening brackets
	decl := 0
	for i := range l.tokens {
		m, word, outer := &l.marks[i], l.word(i), -1
		if len(open) > 0 {
			outer = open[len(open)-1]
		}
		m.breaks = l.breaks(i, outer)
		switch {
		case m.role.outer():
			decl = i
		case m.breaks:
			l.marks[decl].lines = true
			l.marks[decl].clauses = l.marks[decl].clauses || m.role == roleClause
		}
		switch {
		case opens(word):
			open = append(open, i)
			if word == "{" && m.bracket == bracketFlat && l.word(i+2) == ":" {
				m.bracket = bracketRecord
			}
		case closes(word):
			open = open[:len(open)-1]
		case word == "," && outer >= 0 && l.marks[outer].bracket == bracketFlat:
			l.marks[outer].bracket = bracketList
		}
	}
}

// breaks reports whether a line begins with token i, which stands in the bracket that token outer opens (-1: none).
func (l *layout) breaks(i, outer int) bool {
	gap, prev, word := l.between(i), l.word(i-1), l.word(i)
	switch {
	case i == 0:
		return false
	case l.marks[i].role != roleNone || strings.Contains(gap, "//"):
		return true
	case !strings.Contains(gap, "\n"):
		return false
	case outer < 0 || l.marks[outer].bracket == bracketBlock:
		return prev == "," || prev == "|" || word == "|" || l.marks[i].loose && l.space(i)
	case outer == i-1:
		return !closes(word) // empty brackets hold no line break
	}
	return closes(word) || l.space(i)
}

// ---- writing ----

func (l *layout) write() {
	for i := range l.tokens {
		l.gap(i)
		word, m := l.word(i), l.marks[i]
		l.out.WriteString(word)
		switch {
		case m.role.outer():
			l.decl, l.frames = i, append(l.frames[:0], frame{kind: bracketBlock})
			if m.clauses {
				l.frames[0].elem = 2 // so that what continues the first line is deeper than the clauses
			}
		case closes(word):
			l.frames = l.frames[:len(l.frames)-1]
		case l.beginsElement(i):
			l.top().elem = l.indent
		}
		if opens(word) {
			l.frames = append(l.frames, frame{m.bracket, l.indent, l.indent})
		}
	}
	l.gap(len(l.tokens))
	l.out.WriteByte('\n')
}

func (l *layout) top() *frame { return &l.frames[len(l.frames)-1] }

// beginsElement reports whether token i begins an element of the innermost bracket or block.
func (l *layout) beginsElement(i int) bool {
	switch l.top().kind {
	case bracketBlock:
		return l.marks[i].role != roleNone
	case bracketRecord:
		return l.word(i+1) == ":"
	}
	return opens(l.word(i-1)) || l.word(i-1) == ","
}

// indentOf returns the indent of a line that begins with token i, and of the comment lines above it.
func (l *layout) indentOf(i int) (line, comments int) {
	if l.marks[i].role.outer() {
		return 0, 0
	}
	top := l.top()
	inside := top.line + 2
	switch {
	case closes(l.word(i)):
		return top.line, inside
	case top.kind == bracketFlat || l.beginsElement(i):
		return inside, inside
	}
	return top.elem + 2, top.elem + 2
}

// A layoutLine is one that begins between two tokens: a comment's, or the last, that of the second token.
type layoutLine struct {
	text   string
	indent int
	blank  bool // an empty line goes before it
}

// gap writes what stands between token i and the one before it.
func (l *layout) gap(i int) {
	var comments []comment
	for len(l.comments) > 0 && (i == len(l.tokens) || l.comments[0].start < l.tokens[i].start) {
		comments, l.comments = append(comments, l.comments[0]), l.comments[1:]
	}
	end := 0
	if i > 0 {
		end = l.tokens[i-1].end
	}
	if len(comments) > 0 && !comments[0].ownLine {
		l.out.WriteString(" " + l.src.Text[comments[0].start:comments[0].end])
		end, comments = comments[0].end, comments[1:]
	}
	if i > 0 && i < len(l.tokens) && !l.marks[i].breaks {
		if l.space(i) {
			l.out.WriteByte(' ')
		}
		return
	}

	own, above := l.indentOf(i)
	var lines []layoutLine
	for _, c := range comments {
		lines = append(lines, layoutLine{l.src.Text[c.start:c.end], above, l.blank(end, c.start)})
		end = c.end
	}
	if i < len(l.tokens) {
		lines = append(lines, layoutLine{"", own, l.blank(end, l.tokens[i].start)})
	}
	l.placeBlanks(lines, i, l.tail(comments, lines, i))
	for _, next := range lines {
		if l.out.Len() > MaxFileSize {
			return // Format refuses what is there already
		}
		if l.out.Len() > 0 {
			l.out.WriteByte('\n')
		}
		if next.blank {
			l.out.WriteByte('\n')
		}
		l.out.WriteString(strings.Repeat(" ", next.indent))
		l.out.WriteString(next.text)
		l.indent = next.indent
	}
}

// blank reports whether the author left an empty line between two offsets with nothing but white space between them.
func (l *layout) blank(from, to int) bool { return strings.Count(l.src.Text[from:to], "\n") > 1 }

// column returns how far an offset is from the start of its line.
func (l *layout) column(offset int) int {
	return offset - strings.LastIndexByte(l.src.Text[:offset], '\n') - 1
}

// tail indents and counts the comments before token i that belong to the declaration above: those directly below it and
// deeper than what comes next. The closing brace of a block ends it for comments too.
func (l *layout) tail(comments []comment, lines []layoutLine, i int) int {
	if !l.marks[i].role.outer() || l.marks[l.decl].role != roleDecl || l.word(i-1) == "}" && l.marks[i-1].role == roleItem {
		return 0
	}
	n, next := 0, 0
	if i < len(l.tokens) {
		next = l.column(l.tokens[i].start)
	}
	for n < len(comments) && !lines[n].blank && l.column(comments[n].start) > next {
		lines[n].indent = 2
		n++
	}
	return n
}

// placeBlanks decides which lines before token i have an empty line above them; the first tail lines belong to the
// declaration before.
func (l *layout) placeBlanks(lines []layoutLine, i, tail int) {
	prev, next, last := l.marks[l.decl], l.marks[i], len(lines)-1
	switch {
	case len(lines) == tail:
	case i == 0:
		lines[0].blank = false
	case !next.role.outer():
		for j := range lines {
			clauses, first, end := len(l.frames) == 1, j == 0 && opens(l.word(i-1)), j == last && closes(l.word(i))
			lines[j].blank = lines[j].blank && !clauses && !first && !end
		}
	case prev.lines || next.lines || tail > 0 || prev.role == roleHeader && next.role != roleHeader:
		for last > tail && !lines[last].blank {
			last--
		}
		lines[last].blank = true
	}
}
