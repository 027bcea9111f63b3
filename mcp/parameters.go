package mcp

import (
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// This file edits the list of parameters in a declaration. The list is written anew when a parameter comes, goes or gets another
// type, from the bytes of the parameters that stay and the comments around them.

// parameters edits the list, and returns the offset behind its closing parenthesis.
func (u *updater) parameters(d *lang.Tool, t *Tool, c *Change) int {
	open := u.skip(d.Name.Span.End) // the parenthesis
	olds, tail, end := u.items(d, open+1)
	var items []item
	differs := false
	for _, p := range t.params {
		i := slices.IndexFunc(d.Params, func(old lang.Param) bool { return old.Name.Name == p.name })
		if i < 0 {
			items = append(items, item{above: comments(p.notes), text: p.text()})
			c.detail("+ %s: %s", word(p.name), typeText(p.typ))
			differs = true
			continue
		}
		old, it := d.Params[i], olds[i]
		merged := merge(old.Type, p.typ)
		if !equal(merged, old.Type) {
			differs = true
			span := old.Type.Span
			it.text = u.src[old.Span.Start:span.Start] + broken(merged, 2+span.Start-old.Span.Start) + u.src[span.End:old.Span.End]
			it.above = slices.DeleteFunc(it.above, isNote)
			if mentionsJSON(merged) {
				it.above = append(it.above, comments(p.notes)...)
			}
			c.detail("%s: %s → %s", word(p.name), typeText(old.Type), typeText(merged))
		}
		if !equal(merged, p.typ) {
			u.keep("%s stays %s (the schema says %s)", word(p.name), typeText(merged), typeText(p.typ))
		}
		items = append(items, it)
	}
	for _, old := range d.Params {
		if !slices.ContainsFunc(t.params, func(p parameter) bool { return p.name == old.Name.Name }) {
			c.detail("- %s: %s", word(old.Name.Name), typeText(old.Type))
			differs = true
		}
	}
	if differs {
		if len(tail) > 0 {
			items = append(items, item{above: tail})
		}
		lines := strings.Contains(u.src[open:end], "\n") && len(items) > 0
		u.replace(open, end, list(items, open-u.lineStart(open), lines))
	}
	return end
}

// items cuts a list of parameters that begins at an offset into its parameters with their comments, and the comments behind the last
// one. It returns the offset behind the closing parenthesis too.
func (u *updater) items(d *lang.Tool, at int) (items []item, tail []string, end int) {
	items = make([]item, len(d.Params))
	for i := 0; ; i++ {
		next := u.skip(at) // a comma, a parameter or the parenthesis
		if next < len(u.src) && u.src[next] == ',' {
			next = u.skip(next + 1)
		}
		own := u.src[at:next]
		if i > 0 {
			var rest string
			rest, own, _ = strings.Cut(own, "\n")
			if j := strings.Index(rest, "//"); j >= 0 {
				items[i-1].after = strings.TrimSpace(rest[j:])
			}
		}
		var above []string
		for line := range strings.Lines(own) {
			if j := strings.Index(line, "//"); j >= 0 {
				above = append(above, strings.TrimSpace(line[j:]))
			}
		}
		if i == len(d.Params) {
			return items, above, next + 1
		}
		span := d.Params[i].Span
		items[i].above, items[i].text = above, u.src[span.Start:span.End]
		at = span.End
	}
}

// skip returns the offset of the first token at or behind an offset.
func (u *updater) skip(at int) int {
	for at < len(u.src) {
		switch {
		case strings.ContainsRune(" \t\r\n", rune(u.src[at])):
			at++
		case strings.HasPrefix(u.src[at:], "//"):
			at = u.lineEnd(at)
		default:
			return at
		}
	}
	return at
}
