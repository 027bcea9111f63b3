package report

import "github.com/moat-lang/moat/lang"

// A point is a place in a source. Line and Column count from 1, columns in code points; Offset counts bytes from 0.
type point struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

// A place is a span in numbers, from Start up to but not including End.
type place struct {
	File  string `json:"file"`
	Start point  `json:"start"`
	End   point  `json:"end"`
}

// placeOf returns the place of a span, or nil when it names none.
func placeOf(s lang.Span) *place {
	if s.IsZero() {
		return nil
	}
	start, end := bounds(s)
	return &place{s.Src.Name, pointAt(s.Src, start), pointAt(s.Src, end)}
}

func pointAt(src *lang.Source, offset int) point {
	p := src.Position(offset)
	return point{p.Line, p.Col, offset}
}

// bounds returns the offsets of a span, cut to its source.
func bounds(s lang.Span) (start, end int) {
	start = min(max(s.Start, 0), len(s.Src.Text))
	end = min(max(s.End, start), len(s.Src.Text))
	return start, end
}
