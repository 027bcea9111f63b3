package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
)

// A stateful is a limit, a lifecycle or a once, with what it keeps between requests.
type stateful struct {
	name, what string
	span       lang.Span
}

// printState prints what a policy keeps between requests.
func printState(w io.Writer, p *lang.Program) {
	all, width := stateOf(p), 0
	if len(all) == 0 {
		fmt.Fprintf(w, "    state: none; no rule keeps any between requests\n")
		return
	}
	for i := range all {
		all[i].name = report.Escape(all[i].name)
		width = max(width, len([]rune(all[i].name)))
	}
	for _, k := range all {
		fmt.Fprintf(w, "    state: %-*s  %s  (%s)\n", width, k.name, k.what, report.Escape(k.span.String()))
	}
	fmt.Fprintf(w, "    state: at most %d of these are kept in all; past them what would need another is denied\n", eval.MaxCells)
}

// stateOf lists what a policy keeps: of each limit, of each lifecycle, and of each event that is asked for, whatever the number of places that ask.
func stateOf(p *lang.Program) []stateful {
	var all []stateful
	for _, l := range p.Limits {
		what := "one time"
		switch {
		case l.PerSession:
			what = "one number"
		case l.Sum != nil:
			what = fmt.Sprintf("at most %d partial sums", eval.MaxParts)
		}
		switch l.Each {
		case "root":
			what += " for each agent and root"
		default:
			what += " for each " + l.Each
		}
		if l.PerSession && l.Each != "session" {
			what += ", in each session"
		}
		all = append(all, stateful{l.ID, what, l.Span})
	}
	for _, l := range p.Lifecycles {
		all = append(all, stateful{"lifecycle " + l.Name.Name, "one state for each agent", l.Span})
	}
	type question struct {
		scope   string
		content [32]byte
	}
	asked := map[question]bool{}
	for _, x := range p.Onces() {
		q := question{x.Scope, x.Content()}
		if !asked[q] {
			asked[q] = true
			all = append(all, stateful{onceText(x.Once), "two times for each " + x.Scope, x.Span})
		}
	}
	return all
}

// onceText is the text of a once without its `within`, on one line and not much of it.
func onceText(x *lang.Once) string {
	const most = 60
	whole := x.Span.Text()
	if x.Within != nil {
		whole = strings.TrimSuffix(strings.TrimSpace(whole[:x.Within.Span.Start-x.Span.Start]), "within")
	}
	text := []rune(strings.Join(strings.Fields(whole), " "))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}
