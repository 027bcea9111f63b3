package workload

import (
	"fmt"
	"strings"
)

// Moat renders rules as a policy, in the formatter's own style.
func Moat(rules []Rule) string {
	var b strings.Builder
	b.WriteString("policy workload edition 1\n\naction call, fetch\n\ncontext {\n")
	for _, fact := range FactNames[Hour:] {
		fmt.Fprintf(&b, "  %s: int\n", fact)
	}
	b.WriteString("}\n")
	declared := map[string]bool{"": true}
	for i := range rules {
		r := &rules[i]
		if !declared[r.Agent] {
			declared[r.Agent] = true
			fmt.Fprintf(&b, "\nagent %s\n", r.Agent)
		}
		effect, agent := "permit", r.Agent
		if r.Forbid {
			effect = "forbid"
		}
		if agent == "" {
			agent = "any"
		}
		fmt.Fprintf(&b, "\n%s %s to %s on %q\n", effect, agent, r.Action, r.Below+"**")
		if when := r.When.Comparisons("context." + FactNames[r.When.Fact]); when != nil {
			fmt.Fprintf(&b, "  when %s\n", strings.Join(when, " and "))
		}
	}
	return b.String()
}
