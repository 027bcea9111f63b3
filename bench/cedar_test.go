package bench_test

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/moat-lang/moat/internal/workload"
)

func cedarText(rules []workload.Rule) string {
	return lines(rules, func(r *workload.Rule) string {
		effect, principal := "permit", "principal"
		if r.Forbid {
			effect = "forbid"
		}
		if r.Agent != "" {
			principal += fmt.Sprintf(" == Agent::%q", r.Agent)
		}
		conds := append([]string{fmt.Sprintf("context.uri like %q", r.Below+"*")}, r.When.Comparisons("context."+workload.FactNames[r.When.Fact])...)
		return fmt.Sprintf("%s (%s, action == Action::%q, resource) when { %s };", effect, principal, r.Action, strings.Join(conds, " && "))
	})
}

func buildCedar(text string, _ []workload.Rule) (engine, error) {
	policies, err := cedar.NewPolicySetFromBytes("workload.cedar", []byte(text))
	if err != nil {
		return nil, err
	}
	noEntities := cedar.EntityMap{}
	return func(requests []workload.Request) (decider, error) {
		in, err := each(requests, func(q *workload.Request) (cedar.Request, error) {
			context := cedar.RecordMap{"uri": cedar.String(q.Resource)}
			for f := workload.Hour; f <= workload.Amount; f++ {
				context[cedar.String(workload.FactNames[f])] = cedar.Long(q.Facts[f])
			}
			return cedar.Request{
				Principal: cedar.NewEntityUID("Agent", cedar.String(q.Agent)),
				Action:    cedar.NewEntityUID("Action", cedar.String(q.Action)),
				Resource:  cedar.NewEntityUID("Resource", cedar.String(q.Resource)),
				Context:   cedar.NewRecord(context),
			}, nil
		})
		return func(i int) (bool, error) {
			decision, diag := cedar.Authorize(policies, noEntities, in[i])
			if len(diag.Errors) > 0 {
				return false, fmt.Errorf("%v", diag.Errors)
			}
			return decision == cedar.Allow, nil
		}, err
	}, nil
}
