package eval

import (
	"slices"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// A ruleIndex finds the rules whose scope covers a facet. Rules are filed under each subject and action that they name; a
// request looks under its own name, its groups and any. What it finds there is narrowed by the resource's name. So the cost
// depends on how many groups the requester is in, not on how many rules there are.
type ruleIndex struct {
	buckets map[bucketKey]*bucket
	// subjects are the names under which to look for each declared principal, any included.
	subjects map[string][]string
	named    map[string]bool // the names that have buckets
}

// anyone and anyAction file the rules for any subject and any action; no declared name is empty.
const (
	anyone    = ""
	anyAction = ""
)

type bucketKey struct{ subject, action string }

type bucket struct {
	everywhere []int32 // rules on any resource
	few        []patternOf
	many       *resource.Index // in place of few, when there are more than fewPatterns
}

type patternOf struct {
	pattern *resource.Pattern
	rule    int32
}

// fewPatterns is how many patterns are looked at one by one; a trie costs more memory than it saves time.
const fewPatterns = 8

func newRuleIndex(prog *lang.Program, scopes []lang.Scope) *ruleIndex {
	ix := &ruleIndex{buckets: map[bucketKey]*bucket{}, subjects: map[string][]string{}, named: map[string]bool{}}
	for name := range prog.Principals {
		ix.subjects[name] = append(subjects(prog, name), anyone)
	}
	for i, s := range scopes {
		for _, subject := range nameList(s.Subjects, anyone) {
			for _, action := range nameList(s.Actions, anyAction) {
				ix.named[subject] = true
				key := bucketKey{subject, action}
				b := ix.buckets[key]
				if b == nil {
					b = &bucket{}
					ix.buckets[key] = b
				}
				b.add(s.Targets, int32(i))
			}
		}
	}
	for _, b := range ix.buckets {
		b.freeze()
	}
	return ix
}

func nameList(n lang.Names, any string) []string {
	if n.Any {
		return []string{any}
	}
	var out []string
	for _, id := range n.Names {
		out = append(out, id.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *bucket) add(targets []lang.Target, rule int32) {
	for _, t := range targets {
		if t.Kind == lang.TargetAny {
			b.everywhere = append(b.everywhere, rule)
			return
		}
	}
	for _, t := range targets {
		for _, p := range t.Patterns {
			b.few = append(b.few, patternOf{p, rule})
		}
	}
}

func (b *bucket) freeze() {
	if len(b.few) <= fewPatterns {
		return
	}
	var builder resource.IndexBuilder
	for _, p := range b.few {
		builder.Add(p.pattern, p.rule)
	}
	b.few, b.many = nil, builder.Build()
}

var onlyAnyone = []string{anyone}

// under are the names under which to look for the rules about a principal.
func (ix *ruleIndex) under(e *env, subject string) []string {
	if names, declared := ix.subjects[subject]; declared {
		return names
	}
	if len(e.facts.Attestations) > 0 {
		return append(e.names(subject), anyone)
	}
	return onlyAnyone
}

// underAll are the names under which to look for the rules about any of several principals: those that have rules.
func (ix *ruleIndex) underAll(e *env, subjects []string) []string {
	var out []string
	for _, s := range subjects {
		for _, name := range ix.under(e, s) {
			if ix.named[name] && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// find adds the rules about any of names whose scope covers the facet. The result is in ascending order and has each once.
func (ix *ruleIndex) find(e *env, names []string, dst []int32) []int32 {
	name := e.facet.resource.name()
	for _, subject := range names {
		for _, action := range [2]string{e.facet.action, anyAction} {
			b := ix.buckets[bucketKey{subject, action}]
			if b == nil {
				continue
			}
			dst = append(dst, b.everywhere...)
			for _, p := range b.few {
				if p.pattern.Match(name) {
					dst = append(dst, p.rule)
				}
			}
			if b.many != nil {
				dst = b.many.Match(name, dst)
			}
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}
