package eval

import (
	"cmp"
	"slices"
	"time"

	"github.com/moat-lang/moat/lang"
)

// An event is what a `once` asks for. Those that ask for the same share it.
type event struct {
	of             [16]byte
	asks           lang.Asked // of those the one whose rule comes first
	agent, session bool       // asked for of an agent, of a session
	when           truthFn
}

// onceWhen compiles the condition of a once, which sees no variables but its own; nil for none.
func (c *compiler) onceWhen(x *lang.Once) truthFn {
	if x.When == nil {
		return nil
	}
	inner := &compiler{prog: c.prog, groups: c.groups, names: c.names, base: len(c.names), meter: c.meter}
	return inner.truth(x.When)
}

// once compiles the question whether an event has happened before, or happens in the same call beside the facet that asks.
func (c *compiler) once(x *lang.Once) truthFn {
	of, when, neg := cellOf(x.Content()), c.onceWhen(x), c.neg
	return func(e *env) truth {
		return e.once(x, of, neg, func(in *env) truth {
			if when == nil {
				return truth{is: true}
			}
			return when(in)
		})
	}
}

// once answers whether an event has happened before, or happens in the same call beside the facet that asks. neg tells that what asks holds if it hasn't.
func (e *env) once(x *lang.Once, of [16]byte, neg bool, when func(*env) truth) truth {
	h := e.facts.History
	if h.isZero() {
		return truth{err: &condError{CodeNoHistory, x.Span, noHistory}}
	}
	c := Cell{Of: of, Agent: e.as}
	if holders := e.holders(); !slices.Contains(holders, e.as) { // the trusted root, which has no past but that of whom it gave the authority to
		c.Agent = holders[0]
	}
	if x.Scope == "session" {
		if c = (Cell{Of: of, Session: e.facts.Session}); c.Session == "" {
			return truth{err: condErrorf(x.Span, noSession)}
		}
	}
	within := time.Duration(0)
	if x.Within != nil {
		if within = x.Within.Dur; !e.timed() {
			return truth{err: condErrorf(x.Span, noTime)}
		}
	}
	is, maybe := h.happened(c, within, e.facts.Time)
	if is {
		return truth{is: true}
	}
	t := e.beside(x, when)
	switch {
	case t.is && (neg || e.permits):
		// What may only be after it can't be with it, and what may only be before it neither. A forbid or a limit that is about what comes after is about both.
		return truth{err: condErrorf(x.Span, "it happens in the same call, neither before nor after")}
	case maybe && !t.is:
		return truth{err: condErrorf(x.Span, "whether it has happened couldn't be told when it might have")}
	}
	return t
}

// beside answers whether another facet of the same call is the event. What the facets are is found out once for all of them.
func (e *env) beside(x *lang.Once, when func(*env) truth) truth {
	if len(e.calls) <= 1 {
		return truth{}
	}
	key := onceAs{x, e.as}
	s := e.seen[key]
	if s == nil {
		asked, at := e.facet, e.at
		s = &besides{are: make([]truth, len(e.calls))}
		for i, f := range e.calls {
			if e.facet, e.at = f, i; e.matchesAction(x.Event.Actions) && e.matchesTarget(x.Event.Targets) {
				s.are[i] = when(e)
				s.count(s.are[i], 1)
			}
		}
		e.facet, e.at = asked, at
		if e.seen == nil {
			e.seen = map[onceAs]*besides{}
		}
		e.seen[key] = s
	}
	others := *s
	others.count(s.are[e.at], -1) // a facet doesn't see itself
	switch {
	case others.holds > 0:
		return truth{is: true}
	case others.errs > 0:
		return truth{err: condErrorf(x.Span, "whether it happens in the same call can't be told")}
	}
	return truth{}
}

// besides says of each facet of a call whether it is an event.
type besides struct {
	are         []truth
	holds, errs int
}

func (s *besides) count(t truth, n int) {
	if t.err != nil {
		s.errs += n
	} else if t.is {
		s.holds += n
	}
}

type onceAs struct {
	x  *lang.Once
	as string
}

// sees remembers the events that the request's facets are, of each holder and of the session.
func (p *Program) sees(r *reckoning) {
	e := r.env
	if len(p.past.events) == 0 || e.facts.History.isZero() {
		return
	}
	holders := e.holders()
	found := map[int32][]truth{} // by event: of each holder
	var buf [16]int32
	for i, f := range e.calls {
		e.facet, e.at = f, i
		for _, j := range p.past.happenings.find(e, onlyAnyone, buf[:0]) {
			ts := found[j]
			if ts == nil {
				ts = make([]truth, len(holders))
				found[j] = ts
			}
			for k := range holders {
				t := truth{is: true}
				if when := p.past.events[j].when; when != nil {
					e.as = holders[k]
					t = when(e)
				}
				ts[k] = or(ts[k], t)
			}
		}
	}
	for j, ts := range found {
		ev, together := &p.past.events[j], truth{}
		for k, t := range ts {
			if together = or(together, t); ev.agent {
				r.saw(Cell{Of: ev.of, Agent: holders[k]}, t, ev.asks)
			}
		}
		if ev.session {
			r.saw(Cell{Of: ev.of, Session: e.facts.Session}, together, ev.asks)
		}
	}
}

// saw remembers an event, if its condition holds.
func (r *reckoning) saw(c Cell, t truth, asks lang.Asked) {
	kind := ChangeOnce
	if t.err != nil {
		kind = ChangeMaybe
	} else if !t.is {
		return
	}
	switch {
	case c.Agent == "" && c.Session == "":
		r.unseen(asks, noSession)
	case !r.env.timed():
		r.unseen(asks, noTime)
	default:
		r.changes = append(r.changes, Change{Cell: c, Kind: kind, Time: r.env.facts.Time.UTC().Round(0)})
	}
}

// unseen says that an event can't be remembered, by the first that asks for it.
func (r *reckoning) unseen(asks lang.Asked, why string) {
	if e := r.unkept; e == nil || cmp.Or(cmp.Compare(asks.Rule, e.Rule), cmp.Compare(asks.Span.Start, e.Span.Start)) < 0 {
		r.unkept = &RuleError{asks.Rule, asks.Span, CodeRuleError, "it asks for what this is, later, and " + why}
	}
}
