package lang

import (
	"slices"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// define checks the body of a define that no rule may use: without arguments nothing is known of them, so a body that
// speaks of args is only checked where it is used.
func (c *checker) define(d *Define) {
	if mentionsArgs(d.Body, c.prog.Defines, map[string]bool{}) {
		return
	}
	c.defining[d] = true
	defer delete(c.defining, d)
	cost := 0
	c.expr(d.Body, &scope{cost: &cost, present: map[string]bool{}}, Type{})
	if cost > MaxCost {
		c.diags.errorf(d.Span, CodeCost, "the define takes more than %d steps", MaxCost).hint("defines that use defines multiply")
	}
}

// mentionsArgs reports whether an expression speaks of arguments, through defines too.
func mentionsArgs(x Expr, defines map[string]*Define, seen map[string]bool) bool {
	found := false
	Walk(x, func(y Expr) {
		switch y := y.(type) {
		case *Fact:
			found = found || y.Root == RootArgs
		case *Var:
			if d := defines[y.Name]; d != nil && !seen[y.Name] {
				seen[y.Name] = true
				found = found || mentionsArgs(d.Body, defines, seen)
			}
		}
	})
	return found
}

// Walk calls f for an expression and every expression below it, in the order of the source. It doesn't enter defines.
func Walk(x Expr, f func(Expr)) {
	if x == nil {
		return
	}
	f(x)
	switch x := x.(type) {
	case *Select:
		Walk(x.X, f)
	case *Index:
		Walk(x.X, f)
	case *Call:
		for _, a := range x.Args {
			Walk(a, f)
		}
	case *List:
		for _, e := range x.Elems {
			Walk(e, f)
		}
	case *Record:
		for _, rf := range x.Fields {
			Walk(rf.Value, f)
		}
	case *Negate:
		Walk(x.X, f)
	case *Not:
		Walk(x.X, f)
	case *Logic:
		for _, y := range x.Xs {
			Walk(y, f)
		}
	case *Binary:
		Walk(x.X, f)
		Walk(x.Y, f)
	case *Like:
		Walk(x.X, f)
	case *From:
		Walk(x.X, f)
	case *Attested:
		Walk(x.X, f)
	case *Has:
		Walk(x.X, f)
	case *Quantified:
		Walk(x.In, f)
		Walk(x.Body, f)
	case *Once:
		Walk(x.When, f)
	}
}

// toolEffects checks what a tool does beside running.
func (c *checker) toolEffects(t *Tool) {
	args := mergeParams([]*Tool{t}, false)
	for _, e := range t.Effects {
		c.action(e.Action)
		cost := 0
		sc := &scope{args: args, cost: &cost, present: map[string]bool{}, does: e}
		if e.When != nil {
			c.condition(e.When, sc)
			sc = sc.knowing(askedFor(e.When, false))
		}
		on := c.expr(e.On, sc, of(Resource))
		c.bound(cost, e.Span)
		if on.Kind == Invalid || !c.present(e.On, on) {
			continue
		}
		k := on.Kind
		if k == ListKind {
			k = elemOf(on).Kind
		}
		switch k {
		case Resource, URL, String:
		case Path:
			c.diags.errorf(e.On.ExprSpan(), CodeType, "an effect is on a resource; this is %s", article(on)).hint("write file(%s)", short(e.On.ExprSpan().Text()))
		default:
			c.diags.errorf(e.On.ExprSpan(), CodeType, "an effect is on a resource, a url, or a list of them; this is %s", article(on)).
				hint("a path becomes one with file(…)")
		}
	}
}

// argsOf merges the arguments of the tools that a rule is about. Only a call has them: a rule about other actions too, or about other
// resources, may meet a request without.
func (c *checker) argsOf(actions Names, targets []Target) *mergedArgs {
	var tools []*Tool
	seen := map[string]bool{}
	partial, all := actions.Any, false
	for _, id := range actions.Names {
		partial = partial || id.Name != "execute"
	}
	for _, t := range targets {
		switch t.Kind {
		case TargetTool:
			if d := c.prog.Tools[t.Tool.Name]; d != nil && !seen[t.Tool.Name] {
				seen[t.Tool.Name] = true
				tools = append(tools, d)
			}
		case TargetTools:
			all = true
		default:
			all, partial = true, true
		}
	}
	if all {
		tools = nil
		for _, name := range sortedKeys(c.prog.Tools) {
			tools = append(tools, c.prog.Tools[name])
		}
	}
	a := mergeParams(tools, partial)
	if len(tools) == 0 {
		a.none = "the policy declares no tool that has it"
	}
	return a
}

// scopeNames resolves the subjects, actions and targets of a rule or limit.
func (c *checker) scopeNames(s *Scope) {
	c.principals(s.Subjects)
	c.actions(s.Actions)
	c.targets(s.Targets)
}

func (c *checker) rule(r *Rule) {
	c.scopeNames(&r.Scope)
	if r.Effect == Permit && r.Scope.Subjects.Any {
		c.diags.errorf(r.Scope.Subjects.Span, CodePermitAny, "a permit names whom it permits; `any` would include agents that nobody knows").
			hint("name agents or a group: permit Staff to …")
	}
	sc := &scope{args: c.argsOf(r.Scope.Actions, r.Scope.Targets), cost: &r.Cost, present: map[string]bool{}, effect: r.Effect}
	r.Cost = 0
	var facts []string
	for _, cond := range r.Conds {
		facts = append(facts, askedFor(cond.X, cond.Unless)...)
	}
	for _, cond := range r.Conds {
		c.condition(cond.X, sc.knowing(facts))
		c.evaded(cond.X, cond.Unless == (r.Effect == Forbid))
	}
	c.bound(r.Cost, r.Span)
	if r.Approval != nil {
		c.approval(r)
	}
}

// evaded warns of a condition that lets less through when a claim is presented, or soon after an event: whoever would be stopped by it leaves the claim out, or
// waits. helps tells that the request is better off when x is true.
func (c *checker) evaded(x Expr, helps bool) {
	switch x := x.(type) {
	case *Once:
		if !helps && x.Within != nil {
			c.diags.warnf(x.Span, WarnOnceWithin, "waiting longer than `within` evades this").hint("delete the `within`")
		}
	case *Attested:
		if !helps {
			c.diags.warnf(x.Span, WarnClaimAgainst, "an agent evades this by not presenting the claim").hint("ask for a claim that speaks for the agent: forbid … unless … attested …")
		}
	case *Not:
		c.evaded(x.X, !helps)
	case *Logic:
		for _, y := range x.Xs {
			c.evaded(y, helps)
		}
	case *Quantified:
		c.evaded(x.Body, helps)
	case *Var:
		if u := (defineUse{x.Define, helps}); x.Define != nil && !c.seenDefines[u] { // each once, however often it is used
			c.seenDefines[u] = true
			c.evaded(x.Define.Body, helps)
		}
	}
}

// A defineUse is a define where a request is better, or worse, off when it is true.
type defineUse struct {
	define *Define
	helps  bool
}

// bound refuses conditions that take too many steps.
func (c *checker) bound(cost int, span Span) {
	c.cost += cost
	switch {
	case cost > MaxCost:
		c.diags.errorf(span, CodeCost, "the conditions take more than %d steps", MaxCost).hint("defines that use defines multiply; use fewer, or split the rule")
	case c.cost > MaxTotalCost && c.cost-cost <= MaxTotalCost:
		c.diags.errorf(span, CodeCost, "the conditions of the policy take more than %d steps together", MaxTotalCost).hint("defines count wherever they are used; use fewer")
	}
}

func (c *checker) approval(r *Rule) {
	a := r.Approval
	if r.Effect == Forbid {
		c.diags.errorf(a.Span, CodeApproval, "a forbid can't be approved").hint("write a permit that needs approval")
		return
	}
	if a.N < 1 || a.N > 16 {
		c.diags.errorf(a.Span, CodeApproval, "%d approvals; it takes 1 to 16", a.N)
		return
	}
	members := map[string]bool{}
	open := false
	for _, id := range a.By {
		if !c.principalOrGroup(id) {
			open = true
			continue
		}
		if g := c.prog.Groups[id.Name]; g != nil && len(g.Claims) > 0 {
			open = true // a claim may bring members that the policy doesn't name
		}
		for _, m := range c.members(id.Name) {
			members[m] = true
		}
	}
	able := len(members)
	for _, id := range r.Scope.Subjects.Names { // nobody approves their own request
		for _, requester := range c.members(id.Name) {
			if members[requester] {
				able = min(able, len(members)-1)
			}
		}
	}
	if !open && int64(able) < a.N {
		c.diags.errorf(a.Span, CodeApproval, "%s needed, and %d can be given by others than the requester", plural(int(a.N), "approval is", "approvals are"), able).
			hint("declare persons in that group: person NAME in %s", groupOf(c, a.By))
	}
	c.durationLit(a.Within, "within")
}

// groupOf is the first group among names, or a word for one.
func groupOf(c *checker, names []Ident) string {
	for _, id := range names {
		if c.prog.Groups[id.Name] != nil {
			return id.Name
		}
	}
	return "GROUP, and name the group here"
}

// durationLit checks that a literal is a positive duration.
func (c *checker) durationLit(l *Literal, what string) {
	if l == nil {
		return
	}
	if l.Kind != LitDuration {
		c.diags.errorf(l.Span, CodeType, "`%s` takes a duration; this is a size", what).hint("write 10m, 1h, 7d")
	} else if l.Dur <= 0 {
		c.diags.errorf(l.Span, CodeInvalidValue, "`%s` takes more than no time", what)
	}
}

// besideRules checks what stands beside the rules: limits, lifecycles, delegation, sandboxes, secrets.
func (c *checker) besideRules() {
	for _, l := range c.prog.Limits {
		c.limit(l)
	}
	for _, l := range c.prog.Lifecycles {
		c.lifecycle(l)
	}
	if d := c.prog.Delegation; d != nil {
		c.settings(d.Settings, delegationSettings)
	}
	for _, s := range c.prog.Sandboxes {
		c.principals(s.Subjects)
		c.settings(s.Settings, sandboxSettings)
	}
	for _, s := range c.prog.Secrets {
		c.secret(s)
	}
}

// A settingRule says what a setting takes.
type settingRule struct {
	kind LiteralKind
	many bool
	max  int64 // of integers; 0: no bound
	form string
}

var delegationSettings = map[string]settingRule{
	"max_depth": {kind: LitInt, max: 16, form: "an integer from 1 to 16"},
	"max_ttl":   {kind: LitDuration, form: "a duration"},
}

var sandboxSettings = map[string]settingRule{
	"fuel":    {kind: LitInt, form: "an integer"},
	"memory":  {kind: LitSize, form: "a size, such as 64MiB"},
	"timeout": {kind: LitDuration, form: "a duration"},
	"read":    {kind: LitString, many: true, form: "paths in quotes"},
	"write":   {kind: LitString, many: true, form: "paths in quotes"},
	"connect": {kind: LitString, many: true, form: "URL patterns in quotes"},
}

func (c *checker) settings(settings []Setting, rules map[string]settingRule) {
	seen := map[string]Span{}
	for _, s := range settings {
		rule, ok := rules[s.Name.Name]
		if !ok {
			d := c.diags.errorf(s.Name.Span, CodeSetting, "there is no setting `%s` here", short(s.Name.Name))
			if n := nearest(s.Name.Name, sortedKeys(rules)); n != "" {
				d.hint("did you mean `%s`?", n)
			} else {
				d.hint("there are %s", strings.Join(sortedKeys(rules), ", "))
			}
			continue
		}
		c.unique(seen, s.Name, "setting")
		if len(s.Values) > 1 && !rule.many {
			c.diags.errorf(s.Span, CodeSetting, "`%s` takes one value", s.Name.Name)
		}
		for _, v := range s.Values {
			switch {
			case v.Kind != rule.kind:
				c.diags.errorf(v.Span, CodeSetting, "`%s` takes %s", s.Name.Name, rule.form)
			case v.Kind == LitInt && (v.Int < 1 || rule.max > 0 && v.Int > rule.max), v.Kind == LitDuration && v.Dur <= 0, v.Kind == LitSize && v.Int <= 0:
				c.diags.errorf(v.Span, CodeSetting, "`%s` takes %s, and not nothing", s.Name.Name, rule.form)
			case v.Kind == LitString && s.Name.Name == "connect":
				if _, err := ConnectPattern(v.Str); err != nil {
					c.patternError(v.Span, CodeInvalidPattern, err)
				} else if !strings.HasPrefix(v.Str, "https://") && !strings.HasPrefix(v.Str, "http://") {
					c.diags.errorf(v.Span, CodeInvalidPattern, "%s is no pattern of URLs that code could connect to", quote(short(v.Str))).hint("write https:// and a host")
				}
			case v.Kind == LitString:
				if _, err := resource.File(v.Str); err != nil {
					c.patternError(v.Span, CodeNotCanonical, err)
				}
			}
		}
	}
}

// ConnectPattern reads what `connect` of a sandbox says. Where no slash is written behind the host it is about all that the host has: code connects to hosts.
func ConnectPattern(text string) (*resource.Pattern, error) {
	p, err := resource.ParsePattern(text)
	if _, host, ok := strings.Cut(text, "://"); err == nil && ok && host != "**" && !strings.Contains(host, "/") {
		return resource.ParsePattern(text + "/**")
	}
	return p, err
}

// Bounds on secrets, in bytes.
const (
	maxHeader   = 256
	maxTemplate = 1024
)

// hopHeaders are headers that say how a message is read or where it goes, or concern one connection (RFC 9110 section 7.6.1, RFC 9112). Package secret refuses the same.
var hopHeaders = []string{"accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"}

func (c *checker) secret(s *Secret) {
	c.principals(s.For)
	c.target(&s.On)
	for _, p := range s.On.Patterns {
		if slices.ContainsFunc(p.Alternatives(), func(a string) bool { return !strings.HasPrefix(a, "https://") }) {
			c.diags.errorf(s.On.Span, CodeInvalidPattern, "the value of a secret is sent by https alone, and not in the clear").hint("write https:// and a host")
			break
		}
	}
	if h := s.Header.Value; h == "" || len(h) > maxHeader || strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		c.diags.errorf(s.Header.Span, CodeInvalidValue, "%s is not the name of an HTTP header", quote(short(h))).hint("letters, digits and hyphens: \"Authorization\"")
	} else if slices.Contains(hopHeaders, strings.ToLower(h)) {
		c.diags.errorf(s.Header.Span, CodeInvalidValue, "no secret goes into %s: it says how or where a request travels", quote(h)).hint("name another header, such as \"Authorization\"")
	}
	switch t := s.Template.Value; {
	case strings.Count(t, "{}") != 1 || len(t) > maxTemplate:
		c.diags.errorf(s.Template.Span, CodeInvalidValue, "the template must hold {} once, for the value, and at most %d bytes", maxTemplate).hint(`write "Bearer {}"`)
	case strings.ContainsFunc(t, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || strings.TrimSpace(t) != t:
		c.diags.errorf(s.Template.Span, CodeInvalidValue, "the template has a control character, or a space first or last").hint(`write "Bearer {}"`)
	}
}

// test checks the names in a test. The arguments of a try are not typed: a test may well show that a wrong one is denied.
func (c *checker) test(t *Test) {
	rules := map[string]bool{}
	for _, r := range c.prog.Rules {
		rules[r.ID] = true
	}
	for _, l := range c.prog.Limits {
		rules[l.ID] = true
	}
	for _, l := range c.prog.Lifecycles {
		rules[l.Name.Name] = true
	}
	for _, s := range t.Steps {
		switch s := s.(type) {
		case *Given:
			c.given(s)
		case *Wait:
			c.durationLit(s.For, "wait")
		case *Approve:
			if c.prog.Groups[s.By.Name] != nil {
				c.diags.errorf(s.By.Span, CodeWrongKindName, "`%s` is a group; an approval is given by one person", s.By.Name)
			} else if c.prog.Principals[s.By.Name] == nil {
				c.unknown(s.By, "person", sortedKeys(c.prog.Principals))
			}
		case *Try:
			if c.prog.Groups[s.Subject.Name] != nil {
				c.diags.errorf(s.Subject.Span, CodeWrongKindName, "`%s` is a group; a request is made by one agent or person", s.Subject.Name)
			} else if quoted := strings.HasPrefix(s.Subject.Span.Text(), `"`); !quoted && c.prog.Principals[s.Subject.Name] == nil {
				c.unknown(s.Subject, "agent or person", sortedKeys(c.prog.Principals))
			}
			c.action(s.Action)
			if s.Target.Kind != TargetPattern { // in quotes stands one resource; one that isn't canonical is denied, and a test may show it
				c.target(&s.Target)
			}
			if s.Target.Kind == TargetAgents && len(s.Target.Agents.Names) == 1 && c.prog.Groups[s.Target.Agents.Names[0].Name] != nil {
				c.diags.errorf(s.Target.Span, CodeWrongKindName, "`%s` is a group; a try is on one agent or person", s.Target.Agents.Names[0].Name)
			}
			if s.Target.Kind == TargetAny || s.Target.Kind == TargetTools || s.Target.Kind == TargetAgents && (s.Target.Agents.Any || len(s.Target.Agents.Names) != 1) {
				c.diags.errorf(s.Target.Span, CodeNeedsConstants, "a try is on one resource").hint("name the tool, the agent or the resource")
			}
			if s.Args != nil {
				c.constant(s.Args, true)
			}
			if s.By != nil && !rules[s.By.Name] && !c.isBroken(s.By.Name) {
				c.unknown(*s.By, "rule", sortedKeys(rules))
			}
		}
	}
}

func (c *checker) given(g *Given) {
	seen := map[string]Span{}
	for _, f := range g.Facts.Fields {
		c.unique(seen, f.Name, "fact")
		c.constant(f.Value, false)
		switch f.Name.Name {
		case "time", "session":
			continue
		case "token":
			c.givenRecord(f.Value, "the token", map[string]string{"depth": "an integer", "issued": "a timestamp", "expires": "a timestamp", "through": "a list of names"})
			continue
		case "attestations":
			if list, ok := f.Value.(*List); ok {
				for _, e := range list.Elems {
					c.givenRecord(e, "an attestation", map[string]string{"claim": "a string", "by": "a string", "about": "a string"})
				}
				continue
			}
			c.diags.errorf(f.Value.ExprSpan(), CodeType, "the attestations are a list").hint(`write: attestations: [{ claim: "reviewed", by: "alice", about: "4f2a" }]`)
			continue
		}
		if _, ok := c.prog.Context.Field(f.Name.Name); !ok {
			names := []string{"time", "session", "token", "attestations"}
			for _, cf := range c.prog.Context.Fields {
				names = append(names, cf.Name)
			}
			c.noField(f.Name, "the context", names)
		}
	}
}

// givenRecord checks what a test says of a token or an attestation: the fields, and the form of each.
func (c *checker) givenRecord(x Expr, what string, forms map[string]string) {
	r, ok := x.(*Record)
	if !ok {
		c.diags.errorf(x.ExprSpan(), CodeType, "%s is a record", what).hint("it has the fields %s", strings.Join(sortedKeys(forms), ", "))
		return
	}
	for _, f := range r.Fields {
		form, known := forms[f.Name.Name]
		if !known {
			c.noField(f.Name, what, sortedKeys(forms))
			continue
		}
		lit, isLit := f.Value.(*Literal)
		call, isCall := f.Value.(*Call)
		list, isList := f.Value.(*List)
		fits := map[string]bool{
			"an integer":      isLit && lit.Kind == LitInt && lit.Int >= 1,
			"a string":        isLit && lit.Kind == LitString,
			"a timestamp":     isCall && call.Func.Name == "timestamp",
			"a list of names": isList,
		}
		if isList {
			for _, e := range list.Elems {
				name, ok := e.(*Literal)
				fits[form] = fits[form] && ok && name.Kind == LitString
			}
		}
		if !fits[form] {
			c.diags.errorf(f.Value.ExprSpan(), CodeType, "`%s` of %s is %s", f.Name.Name, what, form)
		}
	}
}

// constant refuses what isn't a value by itself. With labels, `from` names where a value came from.
func (c *checker) constant(x Expr, labels bool) {
	switch x := x.(type) {
	case *Literal:
	case *Negate:
		c.constant(x.X, false)
	case *List:
		for _, e := range x.Elems {
			c.constant(e, labels)
		}
	case *Record:
		seen := map[string]Span{}
		for _, f := range x.Fields {
			c.unique(seen, f.Name, "field")
			c.constant(f.Value, labels)
		}
	case *From:
		if !labels || x.Mode != FromAll {
			c.diags.errorf(x.Span, CodeNeedsConstants, "here `from` can't stand").hint("in the arguments of a try, write: to: \"c@example.com\" from user")
			return
		}
		for _, o := range x.Origins {
			c.origin(o)
		}
		c.constant(x.X, labels)
	case *Call:
		if b := builtins[x.Func.Name]; b != nil && len(x.Args) == 1 && contains([]string{"date", "timestamp", "duration", "ip", "cidr"}, x.Func.Name) {
			cost := 0
			c.call(x, &scope{cost: &cost, present: map[string]bool{}})
			return
		}
		c.diags.errorf(x.Span, CodeNeedsConstants, "only constants can stand here")
	default:
		c.diags.errorf(x.ExprSpan(), CodeNeedsConstants, "only constants can stand here").hint("write the value itself; text stands in quotes")
	}
}
