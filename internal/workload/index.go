package workload

import "strings"

// An Index finds what was filed for rules: by agent and action, and for rules about any agent by action and the first part of the resource.
// It is what one would write by hand in Go for this workload alone.
type Index[T any] struct {
	own, shared map[key][]T
}

type key struct{ of, action string }

// NewIndex files entries[i] for rules[i], in that order.
func NewIndex[T any](rules []Rule, entries []T) *Index[T] {
	ix := &Index[T]{own: map[key][]T{}, shared: map[key][]T{}}
	for i := range rules {
		r := &rules[i]
		m, k := ix.own, key{r.Agent, r.Action}
		if r.Agent == "" {
			m, k = ix.shared, key{head(r.Below), r.Action}
		}
		m[k] = append(m[k], entries[i])
	}
	return ix
}

// Own are the rules that name the request's agent and action.
func (ix *Index[T]) Own(q *Request) []T { return ix.own[key{q.Agent, q.Action}] }

// Shared are the rules for any agent that are about the action and about something under the same service or host.
func (ix *Index[T]) Shared(q *Request) []T { return ix.shared[key{head(q.Resource), q.Action}] }

// head is a resource's scheme and first part: svc://svc7, https://api7.example.com, file:// of any file.
func head(resource string) string {
	rest := strings.Index(resource, "://") + len("://")
	if i := strings.IndexByte(resource[rest:], '/'); i >= 0 {
		return resource[:rest+i]
	}
	return resource
}

// A Floor decides by an Index alone: no engine can be expected to be faster.
type Floor struct{ ix *Index[Rule] }

// NewFloor makes the floor for rules.
func NewFloor(rules []Rule) Floor { return Floor{NewIndex(rules, rules)} }

// Decide answers a request. It doesn't allocate.
func (f Floor) Decide(q *Request) bool {
	allowed := false
	for _, rules := range [2][]Rule{f.ix.Shared(q), f.ix.Own(q)} {
		for i := range rules {
			if r := &rules[i]; r.appliesTo(q) {
				if r.Forbid {
					return false
				}
				allowed = true
			}
		}
	}
	return allowed
}
