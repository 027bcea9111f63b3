package mcp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// This file writes text of the language. Types and parameters stand on one line where that has room, else each parameter or
// field on its own. lang.Format has the last word on layout.

// columns is how wide a line gets before a tool takes several.
const columns = 120

// heading stands at the top of a file that is imported for the first time.
const heading = "// The tools of an MCP server, by `moatc import mcp`. Narrow the types and add what calls touch (`does`): importing again keeps that."

// Vocabulary returns a file that declares tools, in their order, with the header `policy NAME edition 1`. There is an error when name
// can't be a policy's, or the file would be larger than [lang.MaxFileSize].
func Vocabulary(name string, tools []Tool) (string, error) {
	if !isName(name) {
		return "", fmt.Errorf("%s can't name a policy: write a word of ASCII letters, digits, _ and - that isn't reserved", excerpt(name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "policy %s edition %d\n\n%s\n", name, lang.Edition, heading)
	for _, t := range tools {
		b.WriteString("\n" + t.text())
	}
	return format(b.String())
}

// format lays out a text that this package wrote.
func format(text string) (string, error) {
	out, diags := lang.Format(lang.NewSource("vocabulary.moat", text))
	if err := diags.Err(); err != nil {
		return "", fmt.Errorf("the vocabulary can't be written: %w", err)
	}
	return out, nil
}

// text is the declaration of a tool, with the notes above it.
func (t *Tool) text() string {
	items := make([]item, len(t.params))
	for i, p := range t.params {
		items[i] = item{above: comments(p.notes), text: p.text()}
	}
	head := "tool " + toolName(t.Name)
	if t.result == nil {
		head += list(items, len(head), false)
	} else {
		// A short result keeps its line; a long one breaks before the parameters do.
		const short = 40
		room := len(" -> ") + min(len(typeText(t.result)), short)
		head += list(items, len(head)+room, false) + " -> "
		head += broken(t.result, len(head)-1-strings.LastIndexByte(head, '\n'))
	}
	return strings.Join(append(comments(t.notes), head), "\n") + "\n  pin " + quote(t.Pin) + "\n"
}

func (p *parameter) text() string {
	name := word(p.name)
	return name + ": " + broken(p.typ, 2+len(name)+len(": "))
}

// An item is a parameter in a list, as text, with the comments that belong to it. What stands behind the last one has no text.
type item struct {
	above []string // on lines of their own
	text  string
	after string // on its last line
}

// list writes parameters in parentheses that begin at a column; lines says that each shall have its own line.
func list(items []item, column int, lines bool) string {
	var flat []string
	for _, it := range items {
		flat = append(flat, it.text)
		lines = lines || len(it.above) > 0 || it.after != "" || strings.Contains(it.text, "\n")
	}
	if s := "(" + strings.Join(flat, ", ") + ")"; !lines && column+len(s) <= columns {
		return s
	}
	var b strings.Builder
	b.WriteString("(\n")
	for i, it := range items {
		for _, c := range it.above {
			b.WriteString("  " + c + "\n")
		}
		if it.text == "" {
			continue
		}
		b.WriteString("  " + it.text)
		if rest := items[i+1:]; slices.ContainsFunc(rest, func(it item) bool { return it.text != "" }) {
			b.WriteString(",")
		}
		if it.after != "" {
			b.WriteString(" " + it.after)
		}
		b.WriteString("\n")
	}
	return b.String() + ")"
}

// comments are notes as comments. Notes are made of ASCII; whatever else gets there can't end the line.
func comments(notes []string) []string {
	var out []string
	for _, note := range notes {
		out = append(out, "// "+strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, note))
	}
	return out
}

// typeText writes a type on one line.
func typeText(t *lang.TypeExpr) string {
	var s string
	switch {
	case t.Name != nil:
		s = t.Name.Name
	case t.Elem != nil:
		s = "[" + typeText(t.Elem) + "]"
	case len(t.Enum) > 0:
		var each []string
		for _, e := range t.Enum {
			each = append(each, quote(e.Value))
		}
		s = strings.Join(each, " | ")
	case len(t.Fields) == 0:
		s = "{}"
	default:
		var each []string
		for _, f := range t.Fields {
			each = append(each, word(f.Name.Name)+": "+typeText(f.Type))
		}
		s = "{ " + strings.Join(each, ", ") + " }"
	}
	if t.Optional {
		s += "?"
	}
	return s
}

// broken writes a type that begins at a column, with the fields of records on lines of their own where one line hasn't room.
func broken(t *lang.TypeExpr, column int) string {
	if s := typeText(t); column+len(s) < columns {
		return s
	}
	var s string
	switch {
	case t.Elem != nil:
		s = "[" + broken(t.Elem, column+1) + "]"
	case len(t.Fields) > 0:
		var each []string
		for _, f := range t.Fields {
			name := word(f.Name.Name)
			each = append(each, name+": "+broken(f.Type, 4+len(name)+len(": ")))
		}
		s = "{\n" + strings.Join(each, ",\n") + "\n}"
	default:
		return typeText(t)
	}
	if t.Optional {
		s += "?"
	}
	return s
}

// isWord reports whether a name has the form of a word.
func isWord(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' && i < len(s)-1):
		default:
			return false
		}
	}
	return s != ""
}

// isName reports whether a name can stand without quotes where a reserved word can't.
func isName(s string) bool { return isWord(s) && !slices.Contains(lang.Keywords(), s) }

// word writes the name of a parameter or field, which may be a reserved word.
func word(s string) string {
	if isWord(s) {
		return s
	}
	return quote(s)
}

// toolName writes a tool's name: a name, or two words with a dot between, or a string.
func toolName(s string) string {
	first, rest, dotted := strings.Cut(s, ".")
	if isName(first) && (!dotted || isWord(rest)) {
		return s
	}
	return quote(s)
}

// quote writes a string literal in printable ASCII, so that it looks like what it is in every editor.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
