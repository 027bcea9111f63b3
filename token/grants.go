package token

import (
	"slices"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// covers compares what a child grants with what its parent does, action by action: what the child's pattern matches must
// be matched by the union of all of the parent's patterns for that action. It takes its steps from budget.
func covers(parent, child []Grant, budget *int, scratch *[]*resource.Pattern) *Error {
	for i := range child {
		g := &child[i]
		for _, action := range g.Actions {
			if i < len(parent) && sameAction(&parent[i], action) && samePatterns(parent[i].Resources, g.Resources, budget) {
				continue
			}
			union := (*scratch)[:0]
			for j := range parent {
				if sameAction(&parent[j], action) {
					union = append(union, parent[j].Resources...)
				}
				*budget -= len(parent[j].Actions)
			}
			*scratch = union
			for _, p := range g.Resources {
				if err := within(action, p, union, budget); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// samePatterns reports whether the patterns are the very same; those of a child that are written as its parent's are
// shared when they are read.
func samePatterns(parent, child []*resource.Pattern, budget *int) bool {
	*budget -= len(child)
	return slices.Equal(parent, child)
}

func sameAction(g *Grant, action string) bool { return slices.Contains(g.Actions, action) }

// within refuses a pattern that the union doesn't cover.
func within(action string, p *resource.Pattern, union []*resource.Pattern, budget *int) *Error {
	if *budget <= 0 {
		return refuse(Budget, "the grants are too many or too intricate to compare within %d steps", MaxSteps)
	}
	if len(union) == 0 {
		return refuse(Grants, "the child would %s on %s, and no grant of its parent is for that action", action, p)
	}
	in := p.Within(union, *budget)
	*budget -= in.Steps + len(union)
	switch in.Verdict {
	case resource.Included:
		return nil
	case resource.Exceeds:
		err := refuse(Grants, "the child would reach %s, which no grant of its parent covers (%s on %s)", in.Witness, action, p)
		err.Witness = in.Witness.String()
		return err
	}
	return refuse(Budget, "whether %s is covered can't be told within %d steps", quote(p.String()), MaxSteps)
}

// reaches reports whether one of the grants is for the action on the resource.
func reaches(gs []Grant, action string, n resource.Name) bool {
	for i := range gs {
		g := &gs[i]
		if !sameAction(g, action) {
			continue
		}
		for _, p := range g.Resources {
			if p.Match(n) {
				return true
			}
		}
	}
	return false
}

// describe lists grants on one line.
func describe(gs []Grant) string {
	if len(gs) == 0 {
		return "nothing"
	}
	lines := make([]string, len(gs))
	for i, g := range gs {
		lines[i] = g.String()
	}
	return strings.Join(lines, "; ")
}
