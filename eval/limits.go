package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/value"
)

// Limits. Which of them a request is about, and what it claims of each, is found out twice, here and in reference.go; whether there is room is found out here alone.

// A limit is a budget in numbers.
type limit struct {
	decl     *lang.Limit
	of       [16]byte
	isSum    bool
	max      value.Decimal
	count    int64         // max of a count
	burst    int64         // of a count
	per      time.Duration // 0: the session
	interval int64         // of a count: after how many nanoseconds one is there again
}

func newLimit(l *lang.Limit) limit {
	out := limit{decl: l, of: cellOf(l.Content()), isSum: l.Sum != nil, max: number(l.Max)}
	if l.Per != nil {
		out.per = l.Per.Dur
	}
	if !out.isSum {
		out.count, out.burst = l.Max.Int, l.Max.Int
		if l.Burst != nil {
			out.burst = l.Burst.Int
		}
		if out.count > 0 {
			out.interval = (int64(out.per) + out.count - 1) / out.count
		}
	}
	return out
}

func number(l *lang.Literal) value.Decimal {
	if l.Kind == lang.LitInt {
		return value.DecimalFromInt(l.Int)
	}
	return l.Decimal
}

// A claim is what a request takes of a budget.
type claim struct {
	limit *limit
	cell  Cell
	n     int64         // how many times it counts
	sum   value.Decimal // what it adds
	// private tells that the sum is made of an argument that the policy lets no log keep as it is.
	private bool
}

// claims finds the limits that the request is about, and what it claims of each.
func (p *Program) claims(r *reckoning) {
	e := r.env
	if len(p.past.limits) == 0 {
		return
	}
	var buf [16]int32
	var own []int32 // the limits in which the request itself counts
	names := p.past.limiters.underAll(e, e.onChain())
	for i, f := range e.calls {
		e.facet, e.at = f, i
		for _, j := range p.past.limiters.find(e, names, buf[:0]) {
			if i > 0 && p.past.limits[j].decl.Scope.Actions.Any && slices.Contains(own, j) {
				continue // A call counts once, by itself, unless the limit names the effect's action.
			}
			if p.past.limits[j].claimFacet(r) && i == 0 && len(e.calls) > 1 {
				own = append(own, j)
			}
		}
	}
}

// claimFacet adds what the facet claims of a limit, and reports whether it claims anything: for each agent of the chain that the limit is about, and for the
// first holder where that is for all that comes of its authority.
func (cl *compiledLimit) claimFacet(r *reckoning) bool {
	e, l := r.env, cl.decl
	together, holder := truth{}, e.holders()[0]
	for _, agent := range e.bound(l.Scope.Subjects) {
		e.as = agent
		if !e.matchesSubject(l.Scope.Subjects) {
			continue
		}
		t := truth{is: true}
		if cl.cond != nil {
			t = cl.cond(e)
		}
		if together = or(together, t); l.Each != "session" && (l.Each == "agent" || agent != holder) {
			cl.claimOne(r, agent, t)
		}
	}
	if l.Each != "agent" {
		cl.claimOne(r, holder, together)
	}
	return together.is || together.err != nil
}

func (cl *compiledLimit) claimOne(r *reckoning, agent string, t truth) {
	l := cl.decl
	switch {
	case t.err != nil:
		r.errors = append(r.errors, t.err.of(l.ID))
		return
	case !t.is:
		return
	}
	var v val
	if cl.sum != nil {
		var err *condError
		r.env.as = r.env.req.Subject
		if v, err = cl.sum(r.env); err != nil {
			r.errors = append(r.errors, err.of(l.ID))
			return
		}
	}
	if c, ok := r.cell(&cl.limit, agent); ok {
		r.claim(&cl.limit, c, v)
	}
}

// cell is where a limit is counted for an agent. It reports false when that can't be told.
func (r *reckoning) cell(num *limit, agent string) (Cell, bool) {
	c, l := Cell{Of: num.of, Agent: agent}, num.decl
	if l.Each == "session" {
		c.Agent = ""
	}
	if l.PerSession || l.Each == "session" {
		if c.Session = r.env.facts.Session; c.Session == "" {
			r.fail(l.ID, l.Span, CodeRuleError, noSession)
			return c, false
		}
	}
	return c, true
}

// claim adds what a facet claims of a limit: 1, or the value of its sum.
func (r *reckoning) claim(num *limit, c Cell, sum val) {
	l := num.decl
	var d value.Decimal
	if num.isSum {
		if d = sum.decimal(); d.Sign() < 0 {
			r.fail(l.ID, l.Sum.ExprSpan(), CodeRuleError, "what is summed up is negative")
			return
		}
	}
	i, known := r.claimed[claimed{num, c}]
	if !known {
		if r.claims = append(r.claims, claim{num, c, 1, d, num.isSum && r.env.isRedacted(l.Sum)}); len(r.env.calls) > 1 { // else there is nothing to be added
			if r.claimed == nil {
				r.claimed = map[claimed]int{}
			}
			r.claimed[claimed{num, c}] = len(r.claims) - 1
		}
		return
	}
	k := &r.claims[i]
	k.n++
	total, err := k.sum.Add(d)
	if err != nil {
		r.fail(l.ID, l.Sum.ExprSpan(), CodeRuleError, "the sum of what the call does is too large a number")
		return
	}
	k.sum = total
}

type claimed struct {
	limit *limit
	cell  Cell
}

// take sees whether there is room for the claims.
func (r *reckoning) take() {
	h, now := r.env.facts.History, r.env.facts.Time
	for i := range r.claims {
		c := &r.claims[i]
		l := c.limit.decl
		if h.isZero() {
			r.fail(l.ID, l.Span, CodeNoHistory, noHistory)
			continue
		}
		if c.limit.per != 0 && !r.env.timed() {
			r.fail(l.ID, l.Span, CodeRuleError, noTime)
			continue
		}
		change, err := h.take(c, now)
		switch {
		case err != nil:
			r.fail(l.ID, l.Span, CodeLimit, "%s", err)
		default:
			r.changes = append(r.changes, change)
		}
	}
}

// take returns what a claim makes of its cell or, when it doesn't fit, why.
func (h *History) take(c *claim, now time.Time) (Change, error) {
	l := c.limit
	m, known := h.cells[c.cell]
	if l.per == 0 {
		return l.add(c, m, 0, now)
	}
	if l.isSum {
		return l.add(c, m, int64(l.per+windowParts-1)/windowParts, now)
	}
	// The generic cell rate algorithm (ITU-T I.371): the cell holds when the whole burst will be there again.
	at := now.UnixNano()
	if c.n > l.burst {
		return Change{}, fmt.Errorf("the request counts %d times, and at most %d are allowed at once", c.n, l.burst)
	}
	begin := at
	if known {
		begin = max(at, m.at)
	}
	next, latest := addCapped(begin, mulCapped(c.n, l.interval)), addCapped(at, mulCapped(l.burst, l.interval))
	if next == math.MaxInt64 {
		return Change{}, errors.New("there is room again after the end of time")
	}
	if next > latest {
		return Change{}, fmt.Errorf("%d in %s are used up; there is room again in %s", l.count, value.FormatDuration(l.per), wait(next-latest))
	}
	return Change{Cell: c.cell, Kind: ChangeCount, Time: time.Unix(0, next).UTC()}, nil
}

// add claims of a budget that adds up: all that is in the window, or in the session.
func (l *limit) add(c *claim, m mark, length int64, now time.Time) (Change, error) {
	at := int64(0)
	if length > 0 {
		at = now.UnixNano()
		at -= ((at % length) + length) % length
		if n := len(m.parts); n > 0 && m.part == length {
			at = max(at, m.parts[n-1].begin) // a clock that goes back refills nothing
		}
	}
	claimed := c.sum
	if !l.isSum {
		claimed = value.DecimalFromInt(c.n)
	}
	var used, here value.Decimal
	var err error
	private, mine := c.private, c.private // what is used in all, and what in this part
	for _, p := range m.parts {
		if m.part != length || length > 0 && !counts(p.begin, length, max(at, now.UnixNano())) {
			continue
		}
		if private = private || p.private; p.begin == at {
			here, mine = p.total, mine || p.private
		}
		if used, err = used.Add(p.total); err != nil {
			return Change{}, l.short(private, "%s", err)
		}
	}
	total, err := used.Add(claimed)
	if err == nil && total.Cmp(l.max) <= 0 {
		here, err = here.Add(claimed)
	}
	switch {
	case err != nil:
		return Change{}, l.short(private, "%s", err)
	case total.Cmp(l.max) > 0:
		return Change{}, l.short(private, "%s of %s are used %s, and the request takes %s", used, l.max, l.window(), claimed)
	}
	return Change{Cell: c.cell, Kind: ChangeSum, Time: time.Unix(0, at).UTC(), Part: time.Duration(length), Total: here, Private: mine}, nil
}

// short says that there isn't enough left, and how much there is unless that is private.
func (l *limit) short(private bool, format string, args ...any) error {
	if private {
		return fmt.Errorf("there isn't enough left %s", l.window())
	}
	return fmt.Errorf(format, args...)
}

func (l *limit) window() string {
	if l.per == 0 {
		return "in the session"
	}
	return "in " + value.FormatDuration(l.per)
}

// wait renders how long it takes until there is room, no shorter than it is.
func wait(ns int64) string {
	d := time.Duration(ns)
	unit := time.Second
	if d < time.Second {
		unit = time.Millisecond
	}
	if up := d.Truncate(unit); up < d {
		d = up + unit
	}
	return value.FormatDuration(d)
}

func addCapped(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// mulCapped multiplies what isn't negative.
func mulCapped(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/2/b { // half, so that adding a time to it doesn't reach the end
		return math.MaxInt64 / 2
	}
	return a * b
}
