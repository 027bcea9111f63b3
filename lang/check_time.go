package lang

import (
	"time"

	"github.com/moat-lang/moat/resource"
)

// This file checks what depends on what was permitted before: limits, lifecycles and `once`.

func (c *checker) event(e *Event) {
	c.actions(e.Actions)
	c.targets(e.Targets)
	c.delegating(e.Actions)
}

// delegating warns of what would be counted and isn't: acts of delegation stand in a token, made when nobody was asked.
func (c *checker) delegating(actions Names) {
	for _, id := range actions.Names {
		if id.Name == "delegate" {
			c.diags.warnf(id.Span, WarnDelegating, "acts of delegation in a token's chain aren't counted or remembered, only requests to delegate").
				hint("bound them with `delegation { max_depth … }`, and say who may delegate to whom with permits")
		}
	}
}

func (c *checker) once(x *Once, sc *scope) {
	c.event(&x.Event)
	c.noOnce(x, sc)
	if x.When != nil && sc.once == nil {
		c.condition(x.When, &scope{args: c.argsOf(x.Event.Actions, x.Event.Targets), cost: sc.cost, effect: sc.effect, does: sc.does, once: x})
	}
	c.durationLit(x.Within, "within")
}

// noOnce refuses a once whose answer would have to be known while it is being made.
func (c *checker) noOnce(x *Once, sc *scope) {
	var d *Diagnostic
	var around Span
	switch {
	case sc.once != nil: // whenever something is permitted, the condition is evaluated for what it may ask later; one in another would multiply that
		around = sc.once.Span
		d = c.diags.errorf(x.Span, CodeOnce, "a `once` inside the condition of another").hint("ask for the two beside each other, with `and`; for their order write a lifecycle")
	case sc.does != nil: // a call is reviewed by what it does, and that would be another thing each time
		around = sc.does.Span
		d = c.diags.errorf(x.Span, CodeOnce, "what a tool does can't depend on what happened before").hint("declare the effect without it, and write a rule: forbid … to … on … when session once (…)")
	default:
		return
	}
	if x.Span.Src != around.Src || x.Span.Start < around.Start || x.Span.End > around.End { // it came through a define
		d.label(around, "used here")
	}
}

func (c *checker) limit(l *Limit) {
	c.scopeNames(&l.Scope)
	c.delegating(l.Scope.Actions)
	cost := 0
	sc := &scope{args: c.argsOf(l.Scope.Actions, l.Scope.Targets), cost: &cost, present: map[string]bool{}}
	if l.When != nil {
		c.condition(l.When, sc)
		sc = sc.knowing(askedFor(l.When, false))
	}
	defer func() { c.bound(cost, l.Span) }()
	if l.Sum != nil {
		t := c.expr(l.Sum, sc, Type{})
		if t.Kind != Invalid && c.present(l.Sum, t) && !isNumber(t) {
			c.diags.errorf(l.Sum.ExprSpan(), CodeType, "a sum is of numbers; this is %s", article(t))
		}
	} else {
		c.wholeNumber(l.Max, "count")
		c.pace(l)
	}
	switch {
	case l.Burst == nil:
	case l.Sum != nil:
		c.diags.errorf(l.Burst.Span, CodeInvalidValue, "a sum has no burst; only a count has one").hint("delete it")
	case l.PerSession:
		c.diags.errorf(l.Burst.Span, CodeInvalidValue, "a count per session has no burst, for nothing refills within a session").hint("delete it")
	default:
		c.wholeNumber(l.Burst, "burst")
	}
	c.durationLit(l.Per, "per")
	if l.Per != nil && l.Per.Dur > MaxPerDays*24*time.Hour {
		c.diags.errorf(l.Per.Span, CodeInvalidValue, "`per` takes at most %d days", MaxPerDays).hint("for what is never permitted again, use `per session`, or `agent once` in a forbid")
	}
}

// pace checks that the times of a count can be told: no more than one a nanosecond, and a burst that comes back while timestamps last.
func (c *checker) pace(l *Limit) {
	burst := l.Max
	if l.Burst != nil {
		burst = l.Burst
	}
	switch {
	case l.Per == nil || l.Max.Int < 1 || l.Per.Dur <= 0 || burst.Int > MaxCount: // no count, or an error already
	case int64(l.Per.Dur) < l.Max.Int:
		c.diags.errorf(l.Max.Span, CodeInvalidValue, "a count is at most one a nanosecond")
	case burst.Int > maxRefill/(int64(l.Per.Dur)/l.Max.Int):
		c.diags.errorf(burst.Span, CodeInvalidValue, "it would take more than a hundred years until all of this is there again").hint("write a smaller number, or a shorter `per`")
	}
}

// maxRefill is a hundred years, in nanoseconds.
const maxRefill = int64(100 * 365 * 24 * time.Hour)

// wholeNumber checks a count or a burst.
func (c *checker) wholeNumber(l *Literal, what string) {
	switch {
	case l.Kind != LitInt:
		c.diags.errorf(l.Span, CodeType, "a %s is a whole number", what)
	case l.Int < 1:
		c.diags.errorf(l.Span, CodeInvalidValue, "with a %s of %d this limit permits nothing", what, l.Int).hint("write at least 1; to permit nothing write a forbid")
	case l.Int > MaxCount:
		c.diags.errorf(l.Span, CodeInvalidValue, "a %s is at most 1_000_000_000", what)
	}
}

func (c *checker) lifecycle(l *Lifecycle) {
	c.principals(l.Subjects)
	next := map[string][]string{}
	for _, t := range l.Transitions {
		next[t.From.Name] = append(next[t.From.Name], t.To.Name)
	}
	reachable := map[string]bool{}
	for queue := []string{l.Start.Name}; len(queue) > 0; queue = queue[1:] {
		if state := queue[0]; !reachable[state] {
			reachable[state] = true
			queue = append(queue, next[state]...)
		}
	}
	for i := range l.Transitions {
		t := &l.Transitions[i]
		c.event(&t.Event)
		if !reachable[t.From.Name] {
			d := c.diags.errorf(t.From.Span, CodeLifecycle, "the state `%s` is never reached", short(t.From.Name)).label(l.Start.Span, "it starts here")
			if n := nearest(t.From.Name, sortedKeys(reachable)); n != "" {
				d.hint("did you mean `%s`?", n)
			}
		}
	}
	if len(l.Transitions) == 0 {
		c.diags.errorf(l.Span, CodeLifecycle, "the lifecycle `%s` has no transition", l.Name.Name).hint("write: from -> to: action on target")
	}
	c.overlaps(l)
}

// overlaps refuses two transitions that an event would have take to two states. What both patterns of such a pair match and no search finds
// (see [resource.Pattern.Common]) is left to the evaluator, which denies where two next states fit.
func (c *checker) overlaps(l *Lifecycle) {
	if c.compared > MaxCompared { // which is an error already
		return
	}
	from := map[string][]*Transition{}
	for i := range l.Transitions {
		t := &l.Transitions[i]
		for _, other := range from[t.From.Name] {
			if c.compared++; c.compared > MaxCompared {
				c.diags.errorf(l.Name.Span, CodeCost, "comparing the transitions of the policy's lifecycles takes more than %d steps", MaxCompared).
					hint("let fewer transitions lead from one state")
				return
			}
			if other.To.Name == t.To.Name {
				continue
			}
			if action, target, ok := c.common(&other.Event, &t.Event); ok {
				c.diags.errorf(t.Span, CodeLifecycle, "%s on %s leads from `%s` both to `%s` and to `%s`", action, target, short(t.From.Name), short(other.To.Name), short(t.To.Name)).
					label(other.Span, "the other transition").hint("from each state an event leads to one: narrow one of the two, or let both lead to the same state")
				break
			}
		}
		from[t.From.Name] = append(from[t.From.Name], t)
	}
}

// common returns an action and a resource that two events have in common, as they stand in a message.
func (c *checker) common(a, b *Event) (action, target string, ok bool) {
	if action, ok = c.commonAction(a.Actions, b.Actions); !ok {
		return "", "", false
	}
	for i := range a.Targets {
		for j := range b.Targets {
			x, y := &a.Targets[i], &b.Targets[j]
			if x.Kind == TargetAny && y.Kind == TargetAny {
				return action, "any resource", true
			}
			for _, p := range patternsOf(x) {
				for _, q := range patternsOf(y) {
					if c.compared++; c.compared > MaxCompared {
						return "", "", false
					}
					n, steps := p.Common(q, MaxCompared-c.compared)
					if c.compared += steps; !n.IsZero() {
						return action, quote(short(n.String())), true
					}
				}
			}
		}
	}
	return "", "", false
}

// commonAction returns the first action of two lists that is in both.
func (c *checker) commonAction(a, b Names) (string, bool) {
	switch {
	case a.Any && b.Any:
		return "any action", true
	case a.Any:
		a = b
	case b.Any:
		b = a
	}
	for _, id := range a.Names {
		for _, other := range b.Names {
			if c.compared++; id.Name == other.Name {
				return "`" + id.Name + "`", true
			}
		}
	}
	return "", false
}

// patternsOf are the patterns that a target stands for.
func patternsOf(t *Target) []*resource.Pattern {
	if t.Kind == TargetAny {
		return []*resource.Pattern{resource.Any()}
	}
	return t.Patterns
}
