package eval

import (
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

func lifecycleCells(prog *lang.Program) [][16]byte {
	var out [][16]byte
	for _, lc := range prog.Lifecycles {
		out = append(out, cellOf(lc.Content()))
	}
	return out
}

// step moves the lifecycles that the request's facets are events of: each facet needs a transition from the state that is, all to the same one.
func (r *reckoning) step(cells [][16]byte) {
	e, h := r.env, r.env.facts.History
	for i, lc := range e.prog.Lifecycles {
		for _, e.as = range e.bound(lc.Subjects) {
			if !e.matchesSubject(lc.Subjects) {
				continue
			}
			c := Cell{Of: cells[i], Agent: e.as}
			state := lc.Start.Name
			if !h.isZero() {
				state = h.state(c, state)
			}
			var next []string
			for _, f := range e.calls {
				e.facet = f
				mentioned, to := e.transition(lc, state)
				switch {
				case !mentioned:
				case h.isZero():
					r.fail(lc.Name.Name, lc.Name.Span, CodeNoHistory, noHistory)
				case len(to) == 0:
					r.fail(lc.Name.Name, lc.Name.Span, CodeOutOfOrder, "%s on %s isn't possible in the state %s%s", f.action, short(f.resource.s), oneLine(state), possible(lc, state))
				default:
					next = append(next, to...)
				}
			}
			slices.Sort(next)
			switch next = slices.Compact(next); {
			case len(next) > 1:
				r.fail(lc.Name.Name, lc.Name.Span, CodeOutOfOrder, "the request would lead from the state %s to more than one", oneLine(state))
			case len(next) == 1 && next[0] != state:
				r.changes = append(r.changes, Change{Cell: c, Kind: ChangeState, State: next[0]})
			}
		}
	}
}

// transition says whether a lifecycle mentions the facet, and to which states that leads from a state.
func (e *env) transition(lc *lang.Lifecycle, state string) (mentioned bool, to []string) {
	for i := range lc.Transitions {
		t := &lc.Transitions[i]
		if !e.matchesAction(t.Event.Actions) || !e.matchesTarget(t.Event.Targets) {
			continue
		}
		if mentioned = true; t.From.Name == state {
			to = append(to, t.To.Name)
		}
	}
	return mentioned, to
}

// possible says what may happen in a state.
func possible(lc *lang.Lifecycle, state string) string {
	var out []string
	for i := range lc.Transitions {
		if t := &lc.Transitions[i]; t.From.Name == state {
			out = append(out, short(oneLine(strings.Join(strings.Fields(t.Event.Span.Text()), " "))))
		}
	}
	if len(out) == 0 {
		return ", in which nothing is that the lifecycle mentions"
	}
	return ", in which may follow: " + strings.Join(out, "; ")
}
