package bench_test

import (
	"strings"

	"github.com/moat-lang/moat/internal/workload"
)

// A peer is a policy engine on the workload.
type peer struct {
	name string
	// most is the largest number of rules that it is measured at; 0 for any.
	most int
	// text renders rules as its users would write them.
	text func([]workload.Rule) string
	// build makes an engine of the text. Only what lets a host put an index of its own in front looks at rules.
	build func(text string, rules []workload.Rule) (engine, error)
}

// An engine turns requests into its own form, by what stands in each request alone, and returns what decides the i-th of them.
// Only the decider is timed.
type engine func([]workload.Request) (decider, error)

type decider func(i int) (bool, error)

var peers = []peer{
	{name: "floor", text: noText, build: buildFloor},
	{name: "moat", text: workload.Moat, build: buildMoat},
	{name: "cedar", text: cedarText, build: buildCedar},
	{name: "opa", text: regoText, build: buildOPA},
	{name: "cel-indexed", text: celText, build: buildCEL},
	{name: "casbin", most: 1000, text: casbinText, build: buildCasbin},
}

func noText([]workload.Rule) string { return "" }

// each makes something of every element.
func each[T, U any](ts []T, f func(*T) (U, error)) ([]U, error) {
	us := make([]U, len(ts))
	for i := range ts {
		var err error
		if us[i], err = f(&ts[i]); err != nil {
			return nil, err
		}
	}
	return us, nil
}

// lines renders rules a line each.
func lines(rules []workload.Rule, line func(*workload.Rule) string) string {
	var b strings.Builder
	for i := range rules {
		b.WriteString(line(&rules[i]) + "\n")
	}
	return b.String()
}

// properties is a request as a map, the form in which several engines take their input.
func properties(q *workload.Request) (map[string]any, error) {
	m := map[string]any{"agent": q.Agent, "action": q.Action, "uri": q.Resource}
	for f := workload.Hour; f <= workload.Amount; f++ {
		m[workload.FactNames[f]] = q.Facts[f]
	}
	return m, nil
}
