package main

import "github.com/moat-lang/moat/lang"

// A place is where a span begins. Line and column count from 1, columns in code points.
type place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func placeOf(s lang.Span) place {
	if s.IsZero() {
		return place{}
	}
	at := s.From()
	return place{s.Src.Name, at.Line, at.Col}
}
