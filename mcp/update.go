package mcp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// This file brings the text of a vocabulary up to date by edits of its bytes, so that what isn't edited stays as people wrote it.

// A ChangeKind says what became of a tool.
type ChangeKind string

// The kinds of changes.
const (
	New     ChangeKind = "new"     // it is declared now
	Changed ChangeKind = "changed" // its definition isn't the one that was pinned
	Removed ChangeKind = "removed" // the server has it no more; its declaration is gone
	Foreign ChangeKind = "foreign" // the server doesn't have it, and it has no pin: not imported, so it stays. No change.
)

// A Change is what [Update] did about a tool.
type Change struct {
	Tool string
	Kind ChangeKind
	// Details of a change, in Moat where that says it: "+ head: int?", "- depth", "mode: string → int", "path stays path (the schema
	// says string)".
	Details []string
}

// Update returns the text of src with the tools that it declares brought up to date, and what that changed, in the order of src, new
// tools last. Of declarations
//
//   - whose pin is that of the list, every byte stays;
//   - of tools that changed, parameters are added, removed and given the schema's types, but for types that are narrower than the
//     schema's, which stay; effects, comments, redact and digest stay; so does a result that the schema doesn't describe;
//   - of pinned tools that aren't in the list, nothing stays, nor of the comments directly above;
//   - of tools without a pin that aren't in the list, everything stays.
//
// What isn't a tool's stays. The result is in the canonical layout if src was. The error is a [lang.Diagnostics] when src has
// syntax errors.
func Update(src *lang.Source, tools []Tool) (string, []Change, error) {
	file, diags := lang.Parse(src)
	if err := diags.Err(); err != nil {
		return "", nil, err
	}
	u := &updater{src: src.Text}
	fresh := map[string]*Tool{}
	for i := range tools {
		fresh[tools[i].Name] = &tools[i]
	}
	declared, last := map[string]bool{}, len(src.Text)
	for _, decl := range file.Decls {
		floor := u.floor
		u.floor = u.below(decl.DeclSpan().End)
		d, ok := decl.(*lang.Tool)
		if !ok {
			continue
		}
		t, again := fresh[d.Name.Name], declared[d.Name.Name]
		declared[d.Name.Name] = true
		last = u.floor
		var change *Change
		switch {
		case t == nil && d.Pin == nil:
			change = &Change{Tool: d.Name.Name, Kind: Foreign, Details: []string{"not in the list; it has no pin and stays"}}
		case t == nil:
			change = &Change{Tool: d.Name.Name, Kind: Removed}
			u.replace(u.above(d.Span.Start, floor), last, "")
		case d.Pin == nil || d.Pin.Value != t.Pin:
			change = u.update(d, t, floor)
		}
		if change != nil && !again {
			u.changes = append(u.changes, *change)
		}
	}
	var added strings.Builder
	for i := range tools {
		if t := &tools[i]; !declared[t.Name] {
			added.WriteString("\n" + t.text())
			u.changes = append(u.changes, Change{Tool: t.Name, Kind: New})
		}
	}
	if added.Len() > 0 {
		text := added.String()
		if last > 0 && src.Text[last-1] != '\n' {
			text = "\n" + text
		}
		if !strings.HasPrefix(src.Text[last:], "\n") && last < len(src.Text) {
			text += "\n"
		}
		u.replace(last, last, text)
	}
	if len(u.edits) == 0 {
		return src.Text, u.changes, nil
	}
	text := u.apply()
	if before, _ := lang.Format(src); before == src.Text {
		formatted, err := format(text)
		return formatted, u.changes, err
	}
	if _, diags := lang.Parse(lang.NewSource(src.Name, text)); diags.Err() != nil {
		return "", nil, fmt.Errorf("the vocabulary can't be written: %w", diags.Err())
	}
	return text, u.changes, nil
}

// An updater collects edits of one text.
type updater struct {
	src     string
	edits   []edit
	changes []Change
	kept    []string // types of the current tool that are a person's
	floor   int      // where what belongs to the declarations so far ends
}

// An edit puts text in the place of src[start:end].
type edit struct {
	start, end int
	text       string
}

func (u *updater) replace(start, end int, text string) {
	u.edits = append(u.edits, edit{start, end, text})
}

// apply makes the edits, which don't overlap. Lines are ended as they are in the source.
func (u *updater) apply() string {
	slices.SortStableFunc(u.edits, func(a, b edit) int { return a.start - b.start })
	crlf := strings.Contains(u.src, "\r\n")
	var b strings.Builder
	at := 0
	for _, e := range u.edits {
		if crlf {
			e.text = strings.ReplaceAll(strings.ReplaceAll(e.text, "\r\n", "\n"), "\n", "\r\n")
		}
		b.WriteString(u.src[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(u.src[at:])
	return b.String()
}

// lineStart returns where the line of an offset begins.
func (u *updater) lineStart(offset int) int { return strings.LastIndexByte(u.src[:offset], '\n') + 1 }

// lineEnd returns where the line after that of an offset begins, or the end of the text.
func (u *updater) lineEnd(offset int) int {
	if i := strings.IndexByte(u.src[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(u.src)
}

// isComment reports whether nothing but a comment stands on a line, or on the rest of one.
func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") }

// above returns where the comments begin that stand directly above a declaration, not before floor; the start of its line where there are
// none; its own start where it doesn't begin its line.
func (u *updater) above(start, floor int) int {
	line := u.lineStart(start)
	if strings.TrimSpace(u.src[line:start]) != "" {
		return start
	}
	for line > floor {
		before := u.lineStart(line - 1)
		if !isComment(u.src[before:line]) {
			break
		}
		line = before
	}
	return line
}

// below returns where what belongs to a declaration ends: behind a comment on its last line, and behind comments directly below that
// are indented; the declaration's own end where something else stands on that line.
func (u *updater) below(end int) int {
	next := u.lineEnd(end)
	if rest := u.src[end:next]; strings.TrimSpace(rest) != "" && !isComment(rest) {
		return end
	}
	for next < len(u.src) && (u.src[next] == ' ' || u.src[next] == '\t') {
		after := u.lineEnd(next)
		if !isComment(u.src[next:after]) {
			break
		}
		next = after
	}
	return next
}

// update edits the declaration of a tool whose definition isn't the pinned one.
func (u *updater) update(d *lang.Tool, t *Tool, floor int) *Change {
	c := &Change{Tool: t.Name, Kind: Changed}
	u.kept = nil
	end := u.parameters(d, t, c)
	notes := slices.DeleteFunc(slices.Clone(t.notes), func(s string) bool { return s != openNote })
	if u.result(d, t, end, c) {
		notes = t.notes
	}
	u.notesAbove(d, floor, comments(notes))
	switch {
	case d.Pin == nil:
		u.replace(d.Span.End, d.Span.End, "\n  pin "+quote(t.Pin))
		c.detail("+ pin")
	default:
		u.replace(d.Pin.Span.Start, d.Pin.Span.End, quote(t.Pin))
		if len(c.Details) == 0 {
			c.detail("its definition, but nothing that a type says")
		}
	}
	u.effects(d, t, c)
	c.Details = append(c.Details, u.kept...)
	return c
}

// notesAbove puts the notes of a tool in the place of those above its declaration.
func (u *updater) notesAbove(d *lang.Tool, floor int, notes []string) {
	line := u.lineStart(d.Span.Start)
	if line < floor {
		return // it shares a line with the declaration before
	}
	for at := u.above(d.Span.Start, floor); at < line; at = u.lineEnd(at) {
		if isNote(u.src[at:u.lineEnd(at)]) {
			u.replace(at, u.lineEnd(at), "")
		}
	}
	if len(notes) > 0 {
		u.replace(line, line, strings.Join(notes, "\n")+"\n")
	}
}

// isNote reports whether a comment is one that this package writes.
func isNote(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "// json: ") || line == "// "+openNote
}

// result edits the result's type; end is where the list of parameters ends. It reports whether the file has the type of the schema.
func (u *updater) result(d *lang.Tool, t *Tool, end int, c *Change) bool {
	switch {
	case t.result == nil:
		if d.Result != nil {
			u.keep("-> %s stays (there is no outputSchema)", typeText(d.Result))
		}
		return false
	case d.Result == nil:
		u.replace(end, end, " -> "+broken(t.result, end-u.lineStart(end)+len(" -> ")))
		c.detail("+ -> %s", typeText(t.result))
		return true
	}
	merged := merge(d.Result, t.result)
	if !equal(merged, d.Result) {
		span := d.Result.Span
		u.replace(span.Start, span.End, broken(merged, span.Start-u.lineStart(span.Start)))
		c.detail("-> %s → %s", typeText(d.Result), typeText(merged))
	}
	if !equal(merged, t.result) {
		u.keep("-> %s stays (the schema says %s)", typeText(merged), typeText(t.result))
	}
	return mentionsJSON(merged)
}

// detail adds to what a change says.
func (c *Change) detail(form string, texts ...string) {
	c.Details = append(c.Details, say(form, texts))
}

// keep adds to what a change says of types that stay.
func (u *updater) keep(form string, texts ...string) { u.kept = append(u.kept, say(form, texts)) }

// say puts texts into a form. A type may be long.
func say(form string, texts []string) string {
	args := make([]any, len(texts))
	for i, s := range texts {
		args[i] = cut(s, 200)
	}
	return fmt.Sprintf(form, args...)
}

// effects says which effects speak of parameters that are gone. They stay: the policy shall not check without them.
func (u *updater) effects(d *lang.Tool, t *Tool, c *Change) {
	var gone []string
	look := func(x lang.Expr) {
		s, ok := x.(*lang.Select)
		if !ok {
			return
		}
		fact, ok := s.X.(*lang.Fact)
		isParam := slices.ContainsFunc(t.params, func(p parameter) bool { return p.name == s.Name.Name })
		if ok && fact.Root == lang.RootArgs && !isParam && !slices.Contains(gone, s.Name.Name) {
			gone = append(gone, s.Name.Name)
		}
	}
	for _, e := range d.Effects {
		lang.Walk(e.On, look)
		lang.Walk(e.When, look)
	}
	for _, name := range gone {
		c.detail("a `does` still speaks of %s, which is gone: change it by hand", word(name))
	}
}
