package report

import "strings"

// tabStop is the distance of tab stops, counted from the start of the line or of what is shown of it.
const tabStop = 4

// An excerpt is what is shown of a line of source.
type excerpt struct {
	cells       []cell
	offset      int  // of the first cell in the line, in bytes
	left, right bool // something was cut off on this side
}

// cut returns the part of a line that fits into width columns, around the bytes from start to end; of a
// stretch wider than that, its beginning. The work depends on width, not on the length of the line.
func cut(line string, start, end, width int) excerpt {
	start, end = min(start, len(line)), min(end, len(line))
	// A column takes at most a character and its marks: nothing further away than this can be shown.
	reach := width * (1 + maxMarks) * 4
	lo, hi := max(0, start-reach), min(len(line), min(end, start+reach)+reach)
	all := sourceCells(line[lo:hi])
	total, i, j := 0, 0, 0 // the stretch is all[i:j]
	for k, at := 0, lo; k < len(all); k++ {
		if at += all[k].size; at <= start {
			i = k + 1
		}
		if at-all[k].size < end {
			j = k + 1
		}
		total += all[k].width
	}
	if lo == 0 && hi == len(line) && total <= width {
		return excerpt{cells: all}
	}

	a, b, used := i, i, 0
	take := func(k, room int) bool {
		if k < 0 || k >= len(all) || used+all[k].width > room {
			return false
		}
		used += all[k].width
		return true
	}
	room := width - 2 // an ellipsis on either side
	for b < j && take(b, room) {
		b++
	}
	for half := (used + room) / 2; take(a-1, half); {
		a--
	}
	for take(b, room) {
		b++
	}
	for take(a-1, room) {
		a--
	}
	e := excerpt{cells: all[a:b], offset: lo, left: lo > 0 || a > 0, right: hi < len(line) || b < len(all)}
	for _, c := range all[:a] {
		e.offset += c.size
	}
	return e
}

// sourceCells are the cells of a line of source: tabs are spaces up to the next stop.
func sourceCells(s string) []cell {
	all := cells(s)
	at, column := 0, 0
	for i := range all {
		if s[at] == '\t' {
			n := tabStop - column%tabStop
			all[i].text, all[i].width = strings.Repeat(" ", n), n
		}
		at += all[i].size
		column += all[i].width
	}
	return all
}

// holds reports whether the bytes of the line from start to end are all shown.
func (e excerpt) holds(start, end int) bool {
	limit := e.offset
	for _, c := range e.cells {
		limit += c.size
	}
	return (!e.left || start >= e.offset) && (!e.right || start < limit && end <= limit)
}

func (e excerpt) text() string {
	var b strings.Builder
	if e.left {
		b.WriteString("…")
	}
	for _, c := range e.cells {
		b.WriteString(c.text)
	}
	if e.right {
		b.WriteString("…")
	}
	return b.String()
}

// columns returns where the bytes of the line from start to end are in the excerpt: the first column, from 0,
// and the number of columns, at least 1.
func (e excerpt) columns(start, end int) (from, n int) {
	at, column := e.offset, 0
	if e.left {
		column = 1
	}
	from, to := column, column
	for _, c := range e.cells {
		begin := at
		at += c.size
		column += c.width
		if at <= start {
			from = column
		}
		if begin < end {
			to = column
		}
	}
	return from, max(1, to-from)
}
