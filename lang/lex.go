package lang

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moat-lang/moat/value"
)

// tokenKind is the class of a token. The values are what the grammar calls Ident, Keyword, and so on.
type tokenKind int

const (
	tokEOF tokenKind = -(iota + 1) // participle's own value for the end of input
	tokIdent
	tokKeyword
	tokInt
	tokDecimal
	tokQuant
	tokStr
	tokPunct
)

// A token is a word, literal or mark of the source.
type token struct {
	kind       tokenKind
	start, end int
}

// A comment runs from // to the end of its line.
type comment struct {
	start, end int
	ownLine    bool // nothing but space stands before it on its line
}

// keywords are the reserved words: a name can't be one, but after a dot, before a colon in a
// record or a parameter list, and in quotes as part of a tool's name any word will do.
var keywords = makeSet(`policy edition import group agent person action origin tool context define permit forbid
limit lifecycle delegation sandbox secret test to on in claims does when unless because notify needs approval by within pin
redact digest any all and or not has like from some no attested session once args token resource now true false
count sum per burst each start given wait approve try expect ask deny for as header`)

func makeSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Keywords returns the reserved words of the language, sorted.
func Keywords() []string { return sortedKeys(keywords) }

// scanner cuts a source into tokens and comments. It goes on after an error, so that one run finds them all.
type scanner struct {
	src      *Source
	pos      int
	tokens   []token
	comments []comment
	diags    *diagnostics
}

// lex cuts src into tokens. A byte that no token can hold is reported and passed over.
func lex(src *Source, diags *diagnostics) *scanner {
	l := &scanner{src: src, diags: diags}
	if len(src.Text) > MaxFileSize {
		l.errorf(0, 0, CodeTooLarge, "the file has more than %d bytes", MaxFileSize).
			hint("split the policy into several files; a directory is one policy")
		return l
	}
	if !l.checkBytes() {
		return l
	}
	for l.skipSpace(); l.pos < len(src.Text); l.skipSpace() {
		l.next()
	}
	return l
}

func (l *scanner) span(start, end int) Span { return Span{l.src, start, end} }

func (l *scanner) errorf(start, end int, code Code, format string, args ...any) *Diagnostic {
	return l.diags.errorf(l.span(start, end), code, format, args...)
}

// checkBytes refuses what may not stand anywhere in a source, strings and comments included: text that a
// person can't see, or sees otherwise than a machine does.
func (l *scanner) checkBytes() bool {
	text, ok := l.src.Text, true
	bad := func(i, n int, code Code, format string, args ...any) *Diagnostic {
		ok = false
		return l.errorf(i, i+n, code, format, args...)
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			bad(i, 1, CodeInvalidText, "byte 0x%02X is not valid UTF-8", c).hint("save the file as UTF-8")
			return false // the rest would be noise
		case r == '\r':
			if i+1 >= len(text) || text[i+1] != '\n' {
				bad(i, 1, CodeInvalidText, "a carriage return without a line feed").hint(`end lines with LF or CRLF; write "\r" inside a string`)
			}
		case r == '\uFEFF':
			d := bad(i, n, CodeInvalidText, "a byte order mark (U+FEFF)")
			if i == 0 {
				d.hint("save the file as UTF-8 without a byte order mark")
			} else {
				d.hint("delete it; it can't be seen")
			}
		case r < ' ' || r >= 0x7f && r < 0xa0:
			bad(i, n, CodeInvalidText, "control character U+%04X", r).hint(`delete it, or write it as "\u{%x}" inside a string`, r)
		case unicode.Is(unicode.Bidi_Control, r):
			bad(i, n, CodeInvalidText, "bidirectional control character U+%04X makes text look other than it is", r).
				hint(`delete it, or write it as "\u{%x}" inside a string`, r)
		case invisible(r):
			bad(i, n, CodeInvalidText, "invisible character U+%04X", r).hint(`delete it, or write it as "\u{%x}" inside a string`, r)
		}
		i += n
	}
	return ok
}

// invisible reports characters that have no picture of their own: formats, fillers, odd spaces, variation
// selectors, private and unassigned ones.
func invisible(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return true
	case r == '\u00A0' || r == '\u3000' || r >= '\u2000' && r <= '\u200A' || r == '\u202F' || r == '\u205F' || r == '\u1680' || r == '\u2800' || r == '\U0001D159': // blank letters and spaces
		return true
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs)
}

func (l *scanner) skipSpace() {
	text := l.src.Text
	for l.pos < len(text) {
		switch c := text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			l.pos++
		case strings.HasPrefix(text[l.pos:], "//"):
			start := l.pos
			if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
				l.pos += i
			} else {
				l.pos = len(text)
			}
			end := start + len(strings.TrimRight(text[start:l.pos], " \t\r"))
			lineStart := strings.LastIndexByte(text[:start], '\n') + 1
			l.comments = append(l.comments, comment{start, end, strings.TrimLeft(text[lineStart:start], " \t") == ""})
		default:
			return
		}
	}
}

var puncts = []string{"->", "==", "!=", "<=", ">=", "??", "<", ">", "=", "+", "-", "*", "?", "|", ":", ",", ".", "(", ")", "[", "]", "{", "}"}

// habits are marks of other languages, with the way each is written here.
var habits = map[string]string{
	"&&": "write `and`", "||": "write `or`", "!": "write `not`", ";": "nothing ends a declaration; delete it",
	"'": "strings stand in double quotes", "`": "strings stand in double quotes", "#": "a comment begins with //", "/*": "a comment begins with // and ends with its line",
	":=": "write `define name = …`", "&": "write `and`", "@": "there are no annotations; `because \"…\"` explains a rule", "===": "write `==`",
	"/": "there is no division; multiply the other side", "%": "there is no remainder", "$": "there are no variables to expand; names stand as they are",
	"=>": "a quantifier's condition stands in braces: any x in list { … }",
}

func (l *scanner) next() {
	text, start := l.src.Text, l.pos
	c := text[start]
	switch {
	case isIdentStart(c):
		for l.pos < len(text) && isIdentPart(text[l.pos]) {
			if text[l.pos] == '-' && l.pos+1 < len(text) && text[l.pos+1] == '>' {
				break // an arrow
			}
			l.pos++
		}
		l.word(start)
	case isDigit(c):
		l.number(start)
	case c == '"':
		l.str(start)
	default:
		l.punct(start)
	}
}

func isIdentStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '-' }
func isDigit(c byte) bool     { return c >= '0' && c <= '9' }

func (l *scanner) emit(kind tokenKind, start int) {
	l.tokens = append(l.tokens, token{kind, start, l.pos})
}

func (l *scanner) word(start int) {
	word := l.src.Text[start:l.pos]
	if r, n := utf8.DecodeRuneInString(l.src.Text[l.pos:]); n > 1 && unicode.In(r, unicode.L, unicode.M, unicode.N) {
		l.foreign(start)
		return
	}
	if len(word) > MaxNameLen {
		l.errorf(start, start+MaxNameLen, CodeTooLong, "a name of %d bytes; at most %d are allowed", len(word), MaxNameLen)
	}
	if strings.HasSuffix(word, "-") {
		l.errorf(start, l.pos, CodeInvalidToken, "a name can't end in a hyphen: %q", short(word)).hint("put spaces around a minus")
	}
	if keywords[word] {
		l.emit(tokKeyword, start)
	} else {
		l.emit(tokIdent, start)
	}
}

// foreign passes over a word with letters that are not ASCII and reports it once.
func (l *scanner) foreign(start int) {
	text := l.src.Text
	scripts, seen := map[string]bool{}, ""
	for l.pos = start; l.pos < len(text); {
		r, n := utf8.DecodeRuneInString(text[l.pos:])
		if !(r < utf8.RuneSelf && isIdentPart(byte(r)) || r >= utf8.RuneSelf && unicode.In(r, unicode.L, unicode.M, unicode.N)) {
			break
		}
		if r >= utf8.RuneSelf && seen == "" {
			seen = fmt.Sprintf("%q (U+%04X)", r, r)
		}
		if s := script(r); s != "" {
			scripts[s] = true
		}
		l.pos += n
	}
	what := "a name is written in ASCII letters, digits, `_` and `-`"
	if len(scripts) > 1 {
		what = "a name that mixes scripts (" + strings.Join(sortedKeys(scripts), " and ") + ")"
	}
	l.errorf(start, l.pos, CodeForeignName, "%s: %s holds %s", what, short(text[start:l.pos]), seen).
		hint("retype the name in ASCII; letters that look alike in two scripts hide which name is meant")
	l.emit(tokIdent, start)
}

func script(r rune) string {
	for _, name := range []string{"Latin", "Cyrillic", "Greek", "Han", "Arabic", "Hebrew", "Armenian", "Cherokee"} {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	if unicode.IsLetter(r) {
		return "another script"
	}
	return ""
}

func (l *scanner) number(start int) {
	text := l.src.Text
	digits := func() {
		for l.pos < len(text) && (isDigit(text[l.pos]) || text[l.pos] == '_') {
			l.pos++
		}
	}
	digits()
	kind := tokInt
	if l.pos+1 < len(text) && text[l.pos] == '.' && isDigit(text[l.pos+1]) {
		kind = tokDecimal
		l.pos++
		digits()
	} else if l.pos < len(text) && isIdentStart(text[l.pos]) {
		kind = tokQuant
		for l.pos < len(text) && (isIdentStart(text[l.pos]) || isDigit(text[l.pos])) {
			l.pos++
		}
	}
	lit := text[start:l.pos]
	l.emit(kind, start)
	if err := checkNumber(kind, lit); err != nil {
		l.errorf(start, l.pos, CodeInvalidNumber, "%s", err)
	}
}

func checkNumber(kind tokenKind, lit string) error {
	switch kind {
	case tokInt:
		_, err := parseInt(lit)
		return err
	case tokDecimal:
		_, err := parseDecimal(lit)
		return err
	}
	if _, err := value.ParseDuration(lit); err == nil {
		return nil
	}
	if _, err := value.ParseSize(lit); err == nil {
		return nil
	}
	return fmt.Errorf("%q is neither a duration (500ms, 10s, 5m, 1h30m, 7d, 2w) nor a size (512B, 64KiB, 64MiB, 1GiB)", short(lit))
}

// plainDigits takes the underscores out of a number and refuses misplaced ones.
func plainDigits(lit string) (string, error) {
	if strings.HasSuffix(lit, "_") || strings.Contains(lit, "__") || strings.Contains(lit, "_.") {
		return "", fmt.Errorf("an underscore stands between digits: %s", short(lit))
	}
	return strings.ReplaceAll(lit, "_", ""), nil
}

func parseInt(lit string) (int64, error) {
	s, err := plainDigits(lit)
	if err != nil {
		return 0, err
	}
	if len(s) > 1 && s[0] == '0' {
		if len(s) == 3 { // 1,000
			return 0, fmt.Errorf("a number doesn't begin with 0; digits are grouped as in 1_000: %s", short(lit))
		}
		return 0, fmt.Errorf("a number doesn't begin with 0: write %s", short(strings.TrimLeft(s[:len(s)-1], "0")+s[len(s)-1:]))
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s doesn't fit a 64-bit integer", short(lit))
	}
	return n, nil
}

func parseDecimal(lit string) (value.Decimal, error) {
	s, err := plainDigits(lit)
	if err != nil {
		return value.Decimal{}, err
	}
	return value.ParseDecimal(s)
}

func (l *scanner) str(start int) {
	text := l.src.Text
	for l.pos = start + 1; l.pos < len(text); l.pos++ {
		switch text[l.pos] {
		case '"':
			l.pos++
			l.emit(tokStr, start)
			if l.pos-start > MaxStringLen {
				l.errorf(start, start+20, CodeTooLong, "a string of %d bytes; at most %d are allowed", l.pos-start, MaxStringLen)
			} else if _, at, err := unquote(text[start:l.pos]); err != nil {
				l.errorf(start+at, min(start+at+2, l.pos), CodeInvalidString, "%s", err)
			}
			return
		case '\\':
			if l.pos+1 < len(text) && text[l.pos+1] != '\n' && text[l.pos+1] != '\r' {
				l.pos++
			}
		case '\n':
			l.unterminated(start)
			return
		}
	}
	l.unterminated(start)
}

func (l *scanner) unterminated(start int) {
	end := start + len(strings.TrimRight(l.src.Text[start:l.pos], " \t\r"))
	l.errorf(start, end, CodeInvalidString, "the string has no closing quote").hint(`end it with "; a line break inside is written \n`)
	l.emit(tokStr, start)
}

// unquote decodes a string literal. On an error it returns the offset of the bad escape.
func unquote(lit string) (s string, at int, err error) {
	if len(lit) < 2 || lit[0] != '"' || lit[len(lit)-1] != '"' {
		return "", 0, fmt.Errorf("not a string literal")
	}
	body := lit[1 : len(lit)-1]
	if !strings.Contains(body, `\`) {
		return body, 0, nil
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			continue
		}
		at = i + 1
		i++
		if i == len(body) {
			return "", at, fmt.Errorf("a backslash at the end of the string")
		}
		switch body[i] {
		case '"', '\\':
			b.WriteByte(body[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'u':
			end := strings.IndexByte(body[i:], '}')
			if i+1 >= len(body) || body[i+1] != '{' || end < 0 || end < 3 || end > 8 {
				return "", at, fmt.Errorf(`a code point is written \u{…} with 1 to 6 hexadecimal digits`)
			}
			n, perr := strconv.ParseUint(body[i+2:i+end], 16, 32)
			if perr != nil || !utf8.ValidRune(rune(n)) {
				return "", at, fmt.Errorf(`\u{%s} is not a Unicode code point`, short(body[i+2:i+end]))
			}
			b.WriteRune(rune(n))
			i += end
		default:
			return "", at, fmt.Errorf(`unknown escape \%s; there are \" \\ \n \r \t and \u{…}`, short(string([]rune(body[i:])[:1])))
		}
	}
	return b.String(), 0, nil
}

func (l *scanner) punct(start int) {
	rest := l.src.Text[start:]
	for _, h := range []string{"===", "&&", "||", "/*", ":=", "=>"} {
		if strings.HasPrefix(rest, h) {
			l.pos += len(h)
			l.errorf(start, l.pos, CodeInvalidToken, "`%s` is not of this language", h).hint("%s", habits[h])
			return
		}
	}
	for _, p := range puncts {
		if strings.HasPrefix(rest, p) {
			l.pos += len(p)
			l.emit(tokPunct, start)
			return
		}
	}
	if rest[0] == '\'' || rest[0] == '`' { // a string of another language is one mistake, not many
		line, _, _ := strings.Cut(rest, "\n")
		if i := strings.IndexByte(line[1:], rest[0]); i >= 0 {
			l.pos += i + 2
			l.errorf(start, l.pos, CodeInvalidToken, "a string in %c quotes", rest[0]).hint("%s", habits[rest[:1]])
			l.emit(tokStr, start)
			return
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	if n > 1 && unicode.In(r, unicode.L, unicode.N) {
		l.foreign(start)
		return
	}
	l.pos += n
	d := l.errorf(start, l.pos, CodeInvalidToken, "%q is not of this language", r)
	if h := habits[string(r)]; h != "" {
		d.hint("%s", h)
	} else if r == '“' || r == '”' || r == '„' || r == '‘' || r == '’' {
		d.hint(`use the straight quote "`)
	}
}

// short quotes no more than 40 bytes of a text for a message.
func short(s string) string {
	if len(s) <= 40 {
		return s
	}
	cut := 37
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
