package eval

import (
	"fmt"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// Coverage says what the tests of a policy reached: which rules were asked, which of them held, and which outcomes their conditions had.
type Coverage struct {
	Rules []RuleCoverage // by id
}

// RuleCoverage is what the tests reached of one rule.
type RuleCoverage struct {
	Rule    *lang.Rule
	Asked   int // requests, or effects of them, that the rule's scope covers
	Held    int // of those, how many satisfied all its conditions
	Failed  int // and how many did not
	Errors  int // and how many could not be evaluated
	Outcome []ConditionCoverage
}

// ConditionCoverage is what the tests reached of one condition: the smallest parts that `and`, `or` and `not` join, in the order of the
// source. A define's parts are counted for each rule that uses it.
type ConditionCoverage struct {
	Span               lang.Span
	True, False, Error int
}

// A Gap is something that no test reached.
type Gap struct {
	Rule *lang.Rule
	Span lang.Span // of the condition, or of the rule when it has none
	// Outcome is what never happened: "asked" for a rule without conditions, "true" or "false" for a condition.
	Outcome string
}

// String says what is missing, without the place.
func (g Gap) String() string {
	if g.Outcome == "asked" {
		return fmt.Sprintf("no test asks %s", g.Rule.ID)
	}
	return fmt.Sprintf("no test makes `%s` %s", strings.Join(strings.Fields(g.Span.Text()), " "), g.Outcome)
}

// Gaps lists what no test reached, by rule and then in the order of the source.
func (c Coverage) Gaps() []Gap {
	var out []Gap
	for _, r := range c.Rules {
		if r.Asked == 0 && len(r.Outcome) == 0 {
			out = append(out, Gap{r.Rule, r.Rule.Span, "asked"})
		}
		for _, o := range r.Outcome {
			if o.True == 0 {
				out = append(out, Gap{r.Rule, o.Span, "true"})
			}
			if o.False == 0 {
				out = append(out, Gap{r.Rule, o.Span, "false"})
			}
		}
	}
	return out
}

// Outcomes counts what tests can reach: of each condition that it is true and that it is false, of a rule without conditions that
// it is asked. reached is how many they did.
func (c Coverage) Outcomes() (reached, all int) {
	for _, r := range c.Rules {
		all += max(1, 2*len(r.Outcome))
	}
	return all - len(c.Gaps()), all
}

// Asked counts the rules that some request, or an effect of one, is about.
func (c Coverage) Asked() int {
	n := 0
	for _, r := range c.Rules {
		if r.Asked > 0 {
			n++
		}
	}
	return n
}

// Cover runs the tests of a policy, as [RunTests] does, and says what they reached.
func Cover(p *Program) ([]TestResult, Coverage) {
	c := newCollector(p.policy)
	results := runTests(p, c)
	return results, c.coverage
}

// A collector counts while tests run.
type collector struct {
	coverage Coverage
	parts    []map[lang.Expr]int // of each rule: the index of a condition in its Outcome
}

func newCollector(policy *lang.Program) *collector {
	c := &collector{}
	for _, r := range policy.Rules {
		rc, index := RuleCoverage{Rule: r}, map[lang.Expr]int{}
		for _, cond := range r.Conds {
			eachPart(cond.X, func(x lang.Expr) {
				if _, seen := index[x]; !seen {
					index[x] = len(rc.Outcome)
					rc.Outcome = append(rc.Outcome, ConditionCoverage{Span: x.ExprSpan()})
				}
			})
		}
		c.coverage.Rules, c.parts = append(c.coverage.Rules, rc), append(c.parts, index)
	}
	return c
}

// eachPart calls f for the parts of a condition that the logic joins.
func eachPart(x lang.Expr, f func(lang.Expr)) {
	switch y := x.(type) {
	case *lang.Not:
		eachPart(y.X, f)
	case *lang.Logic:
		for _, z := range y.Xs {
			eachPart(z, f)
		}
	case *lang.Var:
		if y.Define != nil {
			eachPart(y.Define.Body, f)
		} else {
			f(x)
		}
	default:
		f(x)
	}
}

// count asks every rule about a request and counts the outcomes. What is denied before any rule counts for none.
func (c *collector) count(prog *lang.Program, req Request, facts Facts) {
	e, early := prepare(prog, &req, &facts)
	if early != nil {
		return
	}
	facets, early := e.facets()
	if early != nil {
		return
	}
	e.calls = facets
	for at, f := range facets {
		e.facet, e.at = f, at
		for i, r := range prog.Rules {
			about := []string{req.Subject}
			if r.Effect == lang.Forbid {
				about = e.onChain()
			}
			for _, e.as = range about {
				if e.inScope(r.Scope.Subjects, r.Scope.Actions, r.Scope.Targets) {
					c.countRule(e, i, r)
				}
			}
		}
	}
}

func (c *collector) countRule(e *env, i int, r *lang.Rule) {
	rc := &c.coverage.Rules[i]
	e.permits = r.Effect == lang.Permit
	rc.Asked++
	all := truth{is: true}
	for _, cond := range r.Conds {
		all = and(all, e.cond(cond))
		eachPart(cond.X, func(x lang.Expr) {
			part := &rc.Outcome[c.parts[i][x]]
			switch t := e.truth(x); {
			case t.err != nil:
				part.Error++
			case t.is:
				part.True++
			default:
				part.False++
			}
		})
	}
	switch {
	case all.err != nil:
		rc.Errors++
	case all.is:
		rc.Held++
	default:
		rc.Failed++
	}
}
