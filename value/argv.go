package value

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of commands.
const (
	MaxCommand = 256 << 10 // bytes of a command as one string
	MaxWord    = 128 << 10 // bytes of one word; Linux takes no longer ones (MAX_ARG_STRLEN in linux/binfmts.h)
)

// CheckWord checks one word of a command that is given as a list: valid UTF-8 without control characters (so that it is
// one line everywhere), at most [MaxWord] bytes. It may be empty. A word is what the program sees: quotes, '$' or ';'
// in it are ordinary characters.
func CheckWord(s string) error {
	if len(s) > MaxWord {
		return refuse("argv", s, -1, fmt.Sprintf("a word of %d bytes, more than %d", len(s), MaxWord), "")
	}
	for i, r := range s {
		if reason := badCharacter(s[i:], r); reason != "" {
			return refuse("argv", s, i, reason, "")
		}
	}
	return nil
}

// badCharacter says what is wrong with r, the first character of rest, wherever in a command it stands; "" if nothing
// is.
func badCharacter(rest string, r rune) string {
	switch {
	case r == utf8.RuneError && strings.HasPrefix(rest, "\uFFFD"):
		return ""
	case r == utf8.RuneError:
		return char(rest) + " isn't UTF-8"
	case r == '\n' || r == '\r':
		return "a line break, " + char(rest) + ", ends a command"
	case isControl(r):
		return "a control character, " + char(rest)
	}
	return ""
}

// SplitArgv splits a command into words as a POSIX shell does (POSIX.1-2024, Shell Command Language, sections 2.2 and
// 2.3), if quoting is all that a shell would do with it. Spaces and tabs separate words; '…' quotes everything, "…"
// everything but $ ` " \, and \ quotes one character. Anything else that a shell acts on is an error: expansions,
// operators, redirections, patterns, comments, an assignment or reserved word before the command, a line break. So are
// an unterminated quote, control characters, invalid UTF-8, a text without words, more than [MaxCommand] bytes, and a
// word that [CheckWord] refuses. The words are never nil beside a nil error.
func SplitArgv(s string) ([]string, error) {
	if len(s) > MaxCommand {
		return nil, refuse("argv", s, -1, fmt.Sprintf("a command of %d bytes, more than %d", len(s), MaxCommand),
			"give a list of words")
	}
	sp := splitter{text: s}
	for sp.pos < len(s) {
		if err := sp.step(); err != nil {
			return nil, err
		}
	}
	if err := sp.endWord(); err != nil {
		return nil, err
	}
	if len(sp.words) == 0 {
		return nil, refuse("argv", s, -1, "no command", `write its name, as in "git status"`)
	}
	return sp.words, nil
}

// A splitter is the state of SplitArgv between two characters.
type splitter struct {
	text   string
	pos    int
	words  []string
	word   strings.Builder // the word so far
	start  int             // where it began
	inWord bool            // also true for a word that is still empty, as after ''
	quoted bool            // some of it was quoted
}

// step takes one character, or one quoted part, at pos.
func (sp *splitter) step() error {
	c := sp.text[sp.pos]
	if c == ' ' || c == '\t' {
		sp.pos++
		return sp.endWord()
	}
	r, size, err := sp.next()
	if err != nil {
		return err
	}
	if reason := sp.actsOn(r); reason != "" {
		return sp.fail(char(sp.text[sp.pos:])+" "+reason, "quote it, or give a list of words")
	}
	if !sp.inWord {
		sp.inWord, sp.quoted, sp.start = true, false, sp.pos
	}
	switch c {
	case '\'':
		return sp.singleQuotes()
	case '"':
		return sp.doubleQuotes()
	case '\\':
		return sp.backslash()
	}
	sp.word.WriteString(sp.text[sp.pos : sp.pos+size])
	sp.pos += size
	return nil
}

// next returns the character at pos if it may stand in a command at all.
func (sp *splitter) next() (rune, int, error) {
	rest := sp.text[sp.pos:]
	r, size := utf8.DecodeRuneInString(rest)
	if reason := badCharacter(rest, r); reason != "" {
		return 0, 0, sp.fail(reason, "")
	}
	return r, size, nil
}

// fail returns an error at pos.
func (sp *splitter) fail(reason, hint string) error {
	return refuse("argv", sp.text, sp.pos, reason, hint)
}

// actsOn says what a shell would do at the unquoted character r; "" if nothing.
func (sp *splitter) actsOn(r rune) string {
	switch r {
	case '$':
		return "begins an expansion"
	case '`':
		return "begins a command substitution"
	case ';', '&':
		return "would begin another command"
	case '|':
		return "would pipe into another command"
	case '<', '>':
		return "would redirect to or from a file"
	case '(', ')':
		return "would begin or end a subshell"
	case '*', '?', '[', ']':
		return "would match file names"
	case '{', '}':
		return "would expand or group"
	case '!':
		return "would negate a command or recall one"
	case '#':
		if !sp.inWord {
			return "would begin a comment"
		}
	case '~':
		// Behind = and : too: bash does it in any word that looks like an assignment.
		if !sp.inWord || strings.ContainsAny(sp.text[sp.pos-1:sp.pos], "=:") {
			return "would become a home directory"
		}
	case '=':
		if len(sp.words) == 0 && !sp.quoted && isVariable(sp.word.String()) {
			return "would set a variable for the command"
		}
	}
	if r >= utf8.RuneSelf && unicode.In(r, unicode.Z) {
		return "is a space to some shells and part of a word to others"
	}
	return ""
}

// isVariable reports whether s, before an '=', makes an assignment: a name, perhaps with the '+' of +=.
func isVariable(s string) bool {
	s = strings.TrimSuffix(s, "+")
	for i := range len(s) {
		if c := s[i]; c != '_' && !isLetter(c) && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return s != ""
}

// singleQuotes takes a part in '…'.
func (sp *splitter) singleQuotes() error {
	open := sp.pos
	sp.quoted = true
	for sp.pos++; sp.pos < len(sp.text); {
		_, size, err := sp.next()
		if err != nil {
			return err
		}
		if sp.text[sp.pos] == '\'' {
			sp.pos++
			return nil
		}
		sp.word.WriteString(sp.text[sp.pos : sp.pos+size])
		sp.pos += size
	}
	sp.pos = open
	return sp.fail("the quote isn't closed", `write an apostrophe as \'`)
}

// doubleQuotes takes a part in "…".
func (sp *splitter) doubleQuotes() error {
	open := sp.pos
	sp.quoted = true
	for sp.pos++; sp.pos < len(sp.text); {
		_, size, err := sp.next()
		if err != nil {
			return err
		}
		switch c := sp.text[sp.pos]; c {
		case '"':
			sp.pos++
			return nil
		case '$', '`':
			return sp.fail(sp.actsOnQuoted(c), `write \`+string(c)+`, or use single quotes`)
		case '\\':
			if sp.pos+1 < len(sp.text) && strings.IndexByte("$`\"\\", sp.text[sp.pos+1]) >= 0 {
				sp.pos++
			}
		}
		sp.word.WriteString(sp.text[sp.pos : sp.pos+size])
		sp.pos += size
	}
	sp.pos = open
	return sp.fail("the quote isn't closed", `write the mark as \"`)
}

// actsOnQuoted says what a shell would do at c in double quotes.
func (sp *splitter) actsOnQuoted(c byte) string {
	return fmt.Sprintf("%s %s, in double quotes too", char(string(c)), sp.actsOn(rune(c)))
}

// backslash takes \ and the character behind it.
func (sp *splitter) backslash() error {
	sp.quoted = true
	if sp.pos+1 == len(sp.text) {
		return sp.fail("nothing follows the backslash", `write a backslash as \\`)
	}
	sp.pos++
	_, size, err := sp.next()
	if err != nil {
		return err
	}
	sp.word.WriteString(sp.text[sp.pos : sp.pos+size])
	sp.pos += size
	return nil
}

// endWord ends the word that was begun, if one was.
func (sp *splitter) endWord() error {
	if !sp.inWord {
		return nil
	}
	word := sp.word.String()
	if len(word) > MaxWord {
		return refuse("argv", sp.text, sp.start, fmt.Sprintf("a word of %d bytes, more than %d", len(word), MaxWord), "")
	}
	if len(sp.words) == 0 && !sp.quoted && slices.Contains(reservedWords, word) {
		return refuse("argv", sp.text, sp.start, fmt.Sprintf("%q is a word of the shell's own language here", word),
			"quote it if it is a program")
	}
	sp.words = append(sp.words, word)
	sp.word.Reset()
	sp.inWord = false
	return nil
}

// reservedWords are those of POSIX.1-2024, section 2.4, and those that it lets shells add, as far as their characters
// are accepted unquoted; coproc is bash's.
var reservedWords = []string{
	"case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while",
	"coproc", "function", "namespace", "select", "time",
}
