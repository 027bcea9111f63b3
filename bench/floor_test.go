package bench_test

import "github.com/moat-lang/moat/internal/workload"

// buildFloor is no engine: a few lines of Go that know the workload.
func buildFloor(_ string, rules []workload.Rule) (engine, error) {
	floor := workload.NewFloor(rules)
	return func(requests []workload.Request) (decider, error) {
		return func(i int) (bool, error) { return floor.Decide(&requests[i]), nil }, nil
	}, nil
}
