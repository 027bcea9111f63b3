package replay

import (
	"fmt"
	"io"
	"strings"

	"github.com/moat-lang/moat/report"
)

// maxArgs bounds the arguments of a sample in text, in bytes.
const maxArgs = 200

// WriteText prints the report for people. What comes from the log is escaped.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(report.Escape(fmt.Sprintf(format, args...)) + "\n") }
	changes := fmt.Sprintf("%d change", r.Changed)
	switch r.Changed {
	case 0:
		changes = "none changes"
	case 1:
		changes = "1 changes"
	}
	line("%d of %d decisions replayed: %s", r.Replayed, r.Decisions, changes)
	for _, s := range r.Skipped {
		line("%d not replayed: %s", s.Count, s.Reason)
	}
	way := ""
	for _, g := range r.Groups {
		if next := fmt.Sprintf("%s -> %s", g.From, g.To); next != way {
			way = next
			var n uint64
			for _, other := range r.Groups {
				if other.From == g.From && other.To == g.To {
					n += other.Count
				}
			}
			b.WriteString("\n")
			line("%s: %d", way, n)
		}
		line("  %d  now by %s, before by %s", g.Count, g.Now, g.Was)
		for _, s := range g.Samples {
			args := s.Args
			if len(args) > maxArgs {
				args = strings.ToValidUTF8(args[:maxArgs], "") + "…"
			}
			line("     entry %d  %s", s.Index, strings.Join(strings.Fields(strings.Join([]string{s.Time, s.Agent, s.Action, s.Resource}, " ")), " ")+space(args))
			if s.Detail != "" {
				line("       %s", s.Detail)
			}
		}
		if more := g.Count - uint64(len(g.Samples)); more > 0 && len(g.Samples) > 0 {
			line("     and %d more", more)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func space(s string) string {
	if s == "" {
		return ""
	}
	return "  " + s
}
