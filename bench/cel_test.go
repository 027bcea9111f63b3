package bench_test

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/moat-lang/moat/internal/workload"
)

// celText has an expression for each rule, a line each. What the index decides by, agent and action, is left out of them.
func celText(rules []workload.Rule) string {
	return lines(rules, func(r *workload.Rule) string {
		conds := append([]string{fmt.Sprintf("uri.startsWith(%q)", r.Below)}, r.When.Comparisons(workload.FactNames[r.When.Fact])...)
		return strings.Join(conds, " && ")
	})
}

// buildCEL puts the floor's index in front of CEL, which has none. Of what that finds, forbids come first, and the first expression that holds decides.
func buildCEL(text string, rules []workload.Rule) (engine, error) {
	env, err := cel.NewEnv(cel.Variable("uri", cel.StringType), cel.Variable("hour", cel.IntType), cel.Variable("depth", cel.IntType), cel.Variable("amount", cel.IntType))
	if err != nil {
		return nil, err
	}
	type entry struct {
		forbid  bool
		program cel.Program
	}
	var entries []entry
	for line := range strings.Lines(text) {
		ast, issues := env.Compile(line)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{rules[len(entries)].Forbid, program})
	}
	index := workload.NewIndex(rules, entries)
	return func(requests []workload.Request) (decider, error) {
		in, err := each(requests, properties)
		return func(i int) (bool, error) {
			found := [2][]entry{index.Shared(&requests[i]), index.Own(&requests[i])}
			for _, forbid := range [2]bool{true, false} {
				for _, entries := range found {
					for _, e := range entries {
						if e.forbid != forbid {
							continue
						}
						v, _, err := e.program.Eval(in[i])
						if err != nil {
							return false, err
						}
						if v.Value() == true {
							return !forbid, nil
						}
					}
				}
			}
			return false, nil
		}, err
	}, nil
}
