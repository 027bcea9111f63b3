package bench_test

import (
	"fmt"
	"strconv"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
	stringadapter "github.com/casbin/casbin/v3/persist/string-adapter"

	"github.com/moat-lang/moat/internal/workload"
)

// casbinModel compares a number of the request, chosen by the rule, with bounds that the rule has.
const casbinModel = `
[request_definition]
r = sub, act, obj, facts

[policy_definition]
p = sub, act, obj, fact, min, max, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.act == p.act && (p.sub == "any" || r.sub == p.sub) && keyMatch(r.obj, p.obj) && within(r.facts, p.fact, p.min, p.max)
`

func casbinText(rules []workload.Rule) string {
	return lines(rules, func(r *workload.Rule) string {
		effect, agent := "allow", r.Agent
		if r.Forbid {
			effect = "deny"
		}
		if agent == "" {
			agent = "any"
		}
		return fmt.Sprintf("p, %s, %s, %s*, %d, %d, %d, %s", agent, r.Action, r.Below, r.When.Fact, r.When.Min, r.When.Max, effect)
	})
}

// within is what the matcher calls. The bounds are strings, as everything in a rule is to casbin.
func within(args ...any) (any, error) {
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(args[i+1].(string), 10, 64); err != nil {
			return false, err
		}
	}
	fact := args[0].([]int64)[n[0]]
	return n[1] <= fact && fact <= n[2], nil
}

func buildCasbin(text string, _ []workload.Rule) (engine, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, err
	}
	enforcer, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	enforcer.AddFunction("within", within)
	enforcer.SetAdapter(stringadapter.NewAdapter(text))
	if err := enforcer.LoadPolicy(); err != nil {
		return nil, err
	}
	return func(requests []workload.Request) (decider, error) {
		in, err := each(requests, func(q *workload.Request) ([]any, error) {
			return []any{q.Agent, q.Action, q.Resource, q.Facts[:]}, nil
		})
		return func(i int) (bool, error) { return enforcer.Enforce(in[i]...) }, err
	}, nil
}
