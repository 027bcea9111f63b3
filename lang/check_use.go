package lang

import (
	"strings"

	"github.com/moat-lang/moat/resource"
)

// This file finds what a policy declares or says to no effect: names that nothing uses, targets that name no tool, rules that
// can't hold. Each is a warning, since nothing is permitted by it; a policy all of whose rules are such is an error.

// unused warns of groups, actions and defines that nothing refers to; being a member of a group is no use of it. Other names have a
// use that no rule shows: a tool, agent or person that no rule is about is denied by name, and the host may give a fact or an
// origin only if it is declared. What came by import is a library, of which nobody uses everything.
func (c *checker) unused(imported map[*File]bool) {
	if c.incomplete {
		return
	}
	foreign := map[*Source]bool{}
	for f, is := range imported {
		foreign[f.Src] = is
	}
	warn := func(space, name, what string, used bool) {
		if at, declared := c.forms[space+" "+name]; declared && !used && !foreign[at.span.Src] {
			c.diags.warnf(at.span, WarnUnused, "nothing uses the %s `%s`", what, name)
		}
	}
	for _, name := range sortedKeys(c.prog.Groups) {
		used := c.used[name]
		for _, above := range c.prog.Ancestors(name) {
			used = used || c.used[above]
		}
		warn("principal", name, "group", used)
	}
	for _, name := range sortedKeys(c.prog.Actions) {
		warn("action", name, "action", c.used["action "+name])
	}
	for _, name := range sortedKeys(c.prog.Defines) {
		warn("define", name, "define", c.used["define "+name])
	}
}

// someTool warns of a pattern over tools that none of the policy's has.
func (c *checker) someTool(text Str, p *resource.Pattern) {
	if !strings.HasPrefix(text.Value, "tool://") || c.brokenTool {
		return
	}
	for name := range c.prog.Tools {
		if n, err := resource.Parse("tool://" + name); err == nil && p.Match(n) {
			return
		}
	}
	d := c.diags.warnf(text.Span, WarnNoTool, "no tool that is declared matches %s", quote(short(text.Value)))
	d.hint("a call of a tool that isn't declared is denied; declare it, or write `tool NAME`, which is checked")
	if n := nearest(strings.TrimPrefix(text.Value, "tool://"), sortedKeys(c.prog.Tools)); n != "" {
		d.hint("did you mean `tool %s`?", n)
		c.pointAt(d, "tool", n)
	}
}

// effective warns of rules that can't hold, and refuses a policy that has no other.
func (c *checker) effective(files []*File) {
	some := false
	for _, r := range c.prog.Rules {
		some = !c.never(r) || some
	}
	if some || c.diags.errors > 0 || len(files) == 0 {
		return
	}
	what := "the policy has no permit and no forbid"
	if len(c.prog.Rules) > 0 {
		what = "no rule of the policy can hold"
	}
	c.diags.errorf(files[0].Policy.Span, CodeNoRules, "%s", what).hint("a policy without rules denies everything; write at least one")
}

// never reports whether a rule is about nobody, or has a condition that is written out as false; it warns of one.
func (c *checker) never(r *Rule) bool {
	for _, cond := range r.Conds {
		if lit, ok := cond.X.(*Literal); ok && lit.Kind == LitBool && lit.Bool == cond.Unless {
			c.diags.warnf(lit.Span, WarnNeverHolds, "the rule never holds, for this condition doesn't")
			return true
		}
	}
	if r.Scope.Subjects.Any {
		return false
	}
	for _, id := range r.Scope.Subjects.Names {
		if c.prog.Groups[id.Name] == nil || c.hasMembers(id.Name) {
			return false // an agent, a person, or a name that isn't known, which is an error
		}
	}
	c.diags.warnf(r.Scope.Subjects.Span, WarnNeverHolds, "the rule is about nobody: no agent or person is in the group").
		hint("declare who is: agent NAME in %s", r.Scope.Subjects.Names[0].Name)
	return true
}

// hasMembers reports whether somebody is in a group, or may be by a claim.
func (c *checker) hasMembers(group string) bool {
	if len(c.members(group)) > 0 || c.incomplete {
		return true
	}
	for name, g := range c.prog.Groups {
		if len(g.Claims) > 0 && (name == group || contains(c.prog.Ancestors(name), group)) {
			return true
		}
	}
	return false
}
