package lang

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// A Source is one file of a policy.
type Source struct {
	Name  string // slash-separated path as shown to people
	Text  string
	lines []int // offsets of line starts
}

// NewSource returns a source with the given name and text.
func NewSource(name, text string) *Source {
	s := &Source{Name: name, Text: text, lines: []int{0}}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// Position is a place in a source as people count: line and column start at 1, the column counts code points.
type Position struct {
	Line, Col int
}

// Position returns the line and column of a byte offset.
func (s *Source) Position(offset int) Position {
	offset = min(max(offset, 0), len(s.Text))
	line := sort.SearchInts(s.lines, offset+1) - 1
	return Position{Line: line + 1, Col: utf8.RuneCountInString(s.Text[s.lines[line]:offset]) + 1}
}

// Line returns the text of a line, counted from 1, without its line end.
func (s *Source) Line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	end := len(s.Text)
	if n < len(s.lines) {
		end = s.lines[n] - 1
	}
	return strings.TrimSuffix(s.Text[s.lines[n-1]:end], "\r")
}

// A Span is a range of bytes in a source, from Start up to but not including End. The zero Span is no place.
type Span struct {
	Src        *Source
	Start, End int
}

// IsZero reports whether the span names no place.
func (s Span) IsZero() bool { return s.Src == nil }

// Text returns the spanned text.
func (s Span) Text() string {
	if s.Src == nil {
		return ""
	}
	return s.Src.Text[s.Start:s.End]
}

// From returns the position of the span's first byte.
func (s Span) From() Position { return s.Src.Position(s.Start) }

// String renders the span as file:line:col, the form that editors and terminals make clickable.
func (s Span) String() string {
	if s.Src == nil {
		return "-"
	}
	p := s.From()
	return fmt.Sprintf("%s:%d:%d", s.Src.Name, p.Line, p.Col)
}

// to returns the span from the start of s to the end of t.
func (s Span) to(t Span) Span { return Span{s.Src, s.Start, t.End} }

// less orders spans by file name, then by offset.
func (s Span) less(t Span) bool {
	if s.Src != t.Src && s.Src != nil && t.Src != nil && s.Src.Name != t.Src.Name {
		return s.Src.Name < t.Src.Name
	}
	if s.Start != t.Start {
		return s.Start < t.Start
	}
	return s.End < t.End
}
