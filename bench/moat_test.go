package bench_test

import (
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/internal/workload"
	"github.com/moat-lang/moat/lang"
)

func buildMoat(text string, _ []workload.Rule) (engine, error) {
	policy, diags := lang.Compile(map[string]string{"workload.moat": text})
	if policy == nil {
		return nil, diags.Err()
	}
	program := eval.New(policy)
	type evaluation struct {
		req   eval.Request
		facts eval.Facts
	}
	return func(requests []workload.Request) (decider, error) {
		in, err := each(requests, func(q *workload.Request) (e evaluation, err error) {
			e.req, e.facts, err = eval.ParseEvaluation(q.JSON())
			return e, err
		})
		return func(i int) (bool, error) {
			return program.Decide(in[i].req, in[i].facts).Outcome == eval.Permit, nil
		}, err
	}, nil
}
