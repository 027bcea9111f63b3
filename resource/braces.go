package resource

import "strings"

// braces is a parsed pattern text: literal stretches and groups of alternatives, in order. It stands for count
// texts, numbered from 0.
type braces struct {
	src   string
	items []braceItem
	count int
}

// A braceItem is the stretch src[at:end], or a group when it has choices.
type braceItem struct {
	at, end int
	choices []braces
	count   int
}

// parseBraces parses the groups in s and counts what they stand for, without expanding anything.
func parseBraces(s string) (braces, *fault) {
	p := braceParser{src: s}
	x, f := p.sequence(0)
	if f == nil && p.at < len(s) {
		f = bad(p.at, `"}" without "{"`)
	}
	return x, f
}

type braceParser struct {
	src string
	at  int
}

// sequence parses up to the end of the text, a "}" or, inside a group, a ",".
func (p *braceParser) sequence(depth int) (braces, *fault) {
	stop := "{}"
	if depth > 0 {
		stop = "{},"
	}
	x := braces{src: p.src, count: 1}
	for p.at < len(p.src) {
		if n := strings.IndexAny(p.src[p.at:], stop); n != 0 {
			if n < 0 {
				n = len(p.src) - p.at
			}
			x.items = append(x.items, braceItem{at: p.at, end: p.at + n, count: 1})
			p.at += n
			continue
		}
		if p.src[p.at] != '{' {
			break
		}
		open := p.at
		item, f := p.group(depth + 1)
		if f != nil {
			return x, f
		}
		x.items = append(x.items, item)
		if x.count *= item.count; x.count > MaxAlternatives {
			return x, bad(open, "more than %d alternatives", MaxAlternatives)
		}
	}
	return x, nil
}

func (p *braceParser) group(depth int) (braceItem, *fault) {
	open := p.at
	g := braceItem{at: open}
	if depth > MaxNesting {
		return g, bad(open, "braces nest more than %d deep", MaxNesting)
	}
	for {
		p.at++ // the "{" or the ","
		choice, f := p.sequence(depth)
		if f != nil {
			return g, f
		}
		g.choices = append(g.choices, choice)
		g.count += choice.count
		if p.at == len(p.src) {
			return g, bad(open, `"{" without "}"`)
		}
		if p.src[p.at] == '}' {
			break
		}
	}
	p.at++
	if p.at == open+2 {
		return g, bad(open, "no alternatives between the braces")
	}
	return g, nil
}

// expand returns the text with the number i, for 0 <= i < count.
func (x *braces) expand(i int) string {
	var b strings.Builder
	x.stretches(i, func(at, end int) bool {
		b.WriteString(x.src[at:end])
		return true
	})
	return b.String()
}

// source returns the byte of src that the byte `off` of the text with the number i comes from.
func (x *braces) source(i, off int) int {
	last := 0
	x.stretches(i, func(at, end int) bool {
		if off < end-at {
			last = at + off
			return false
		}
		off -= end - at
		last = end
		return true
	})
	return last
}

// stretches yields, in order, the stretches of src that make up the text with the number i. It reports whether all
// were asked for.
func (x *braces) stretches(i int, yield func(at, end int) bool) bool {
	for _, item := range x.items {
		n := i % item.count
		i /= item.count
		if item.choices == nil {
			if !yield(item.at, item.end) {
				return false
			}
			continue
		}
		for c := range item.choices {
			choice := &item.choices[c]
			if n < choice.count {
				if !choice.stretches(n, yield) {
					return false
				}
				break
			}
			n -= choice.count
		}
	}
	return true
}
