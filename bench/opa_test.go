package bench_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/moat-lang/moat/internal/workload"
)

const regoHead = `package workload

default allow := false

allow if {
	permitted
	not forbidden
}

`

// regoText has a rule in Rego for each rule, with the equalities and the prefix in the forms that OPA's index knows.
func regoText(rules []workload.Rule) string {
	return regoHead + lines(rules, func(r *workload.Rule) string {
		head := "permitted"
		if r.Forbid {
			head = "forbidden"
		}
		var body []string
		if r.Agent != "" {
			body = append(body, fmt.Sprintf("input.agent == %q", r.Agent))
		}
		body = append(body, fmt.Sprintf("input.action == %q", r.Action), fmt.Sprintf("startswith(input.uri, %q)", r.Below))
		body = append(body, r.When.Comparisons("input."+workload.FactNames[r.When.Fact])...)
		return fmt.Sprintf("%s if {\n\t%s\n}\n", head, strings.Join(body, "\n\t"))
	})
}

func buildOPA(text string, _ []workload.Rule) (engine, error) {
	ctx := context.Background()
	query, err := rego.New(rego.Query("data.workload.allow"), rego.Module("workload.rego", text)).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	return func(requests []workload.Request) (decider, error) {
		in, err := each(requests, properties)
		return func(i int) (bool, error) {
			results, err := query.Eval(ctx, rego.EvalInput(in[i]))
			return err == nil && results.Allowed(), err
		}, err
	}, nil
}
