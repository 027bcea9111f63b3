package eval

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// An env is what the conditions of rules see while a request is decided.
type env struct {
	prog    *lang.Program
	req     *Request
	facts   *Facts
	tool    *lang.Tool // the tool that is called, or nil
	args    val        // a record; absent when no tool is called
	context val        // a record of the fields that the host gave
	as      string     // the principal that the rules are asked about: the requester, or another one on the chain
	facet   facet
	calls   []facet // all facets of a call that has several, the call itself first
	only    [1]facet
	at      int // which of them facet is
	seen    map[onceAs]*besides
	permits bool // it is the condition of a permit
	// The reference's: what is evaluated counts when it is false, or that can't be told; it can't be told.
	neg, opaque bool
	// The request, its facts and what its resource means are kept here, so that they take one piece of memory with the rest.
	ownReq    Request
	ownFacts  Facts
	ownParsed parsed
	caveats   *caveatCache // nil: caveats are read each time, and walked
	vars      []binding    // quantifiers' variables, outermost first
	fields    []val        // room for those of arguments and context
	steps     int          // that caveats have taken, in all facets
}

// A binding is a quantifier's variable and its value.
type binding struct {
	name string
	val  val
}

// bind returns the environment inside a quantifier.
func (e *env) bind(name string, v val) *env {
	in := *e
	in.vars = append(in.vars[:len(in.vars):len(in.vars)], binding{name, v})
	return &in
}

func (e *env) lookup(name string) val {
	for i := len(e.vars) - 1; i >= 0; i-- {
		if e.vars[i].name == name {
			return e.vars[i].val
		}
	}
	return val{}
}

// A condError is why a condition has no truth.
type condError struct {
	code    Code
	span    lang.Span
	message string
}

func condErrorf(span lang.Span, format string, args ...any) *condError {
	return &condError{CodeRuleError, span, fmt.Sprintf(format, args...)}
}

func (e *condError) of(rule string) RuleError { return RuleError{rule, e.span, e.code, e.message} }

// Truth values of strong Kleene logic. A truth with an error is neither true nor false.
type truth struct {
	is  bool
	err *condError
}

// prepare checks a request against the vocabulary of the policy, before any rule is asked.
func prepare(prog *lang.Program, req *Request, facts *Facts) (*env, *Decision) {
	e := new(env)
	return e, e.prepare(prog, req, facts)
}

func (e *env) prepare(prog *lang.Program, req *Request, facts *Facts) *Decision {
	e.prog, e.ownReq, e.ownFacts, e.as, e.facet.action = prog, *req, *facts, req.Subject, req.Action
	e.req, e.facts = &e.ownReq, &e.ownFacts
	if req.Subject == "" || req.Action == "" || req.Resource.IsZero() {
		return denied(CodeInvalidRequest, "a request has a subject, an action and a resource")
	}
	if !utf8.ValidString(req.Subject) || !utf8.ValidString(facts.Session) {
		return denied(CodeInvalidRequest, "the subject or the session is not valid UTF-8")
	}
	if len(req.Subject) > lang.MaxNameLen {
		return denied(CodeInvalidRequest, "the subject's name has %d bytes; at most %d are allowed", len(req.Subject), lang.MaxNameLen)
	}
	if len(facts.Session) > lang.MaxNameLen {
		return denied(CodeInvalidRequest, "the session's name has %d bytes; at most %d are allowed", len(facts.Session), lang.MaxNameLen)
	}
	if a := facts.Authority; a != nil && len(a.Agents) > 0 && a.Agents[len(a.Agents)-1] != req.Subject {
		return denied(CodeInvalidRequest, "the token is %q's, not %q's", short(a.Agents[len(a.Agents)-1]), short(req.Subject))
	}
	if p := prog.Principals[req.Subject]; p != nil && req.Kind != p.Kind && !(req.Kind == "" && p.Kind == lang.Agent) {
		return denied(CodeInvalidRequest, "%q is declared as %s, and the request says %s", short(req.Subject), p.Kind, req.Kind)
	}
	if !prog.Actions[req.Action] {
		return denied(CodeUnknownAction, "the policy declares no action %q", short(req.Action))
	}
	e.ownParsed.name = req.Resource
	e.facet.resource = val{kind: lang.Resource, s: req.Resource.String(), parsed: &e.ownParsed, origins: unknownOrigin}
	if d := e.call(); d != nil {
		return d
	}
	if d := e.convertContext(); d != nil {
		return d
	}
	return e.checkOrigins()
}

// checkOrigins refuses labels that the policy doesn't know and places that there aren't: a slip of the host's would turn rules about origins off.
func (e *env) checkOrigins() *Decision {
	if len(e.facts.Origins) == 0 && len(e.facts.ValueOrigins) == 0 {
		return nil
	}
	for _, ptr := range slices.Sorted(maps.Keys(e.facts.Origins)) { // sorted, so that the same one is reported each time
		if !hasPointer(e.req.Args, ptr) {
			return denied(CodeInvalidContext, "origins: %q is no JSON pointer to a value among the arguments", short(ptr))
		}
		if d := e.checkLabels(e.facts.Origins[ptr]); d != nil {
			return d
		}
	}
	for _, text := range slices.Sorted(maps.Keys(e.facts.ValueOrigins)) {
		if d := e.checkLabels(e.facts.ValueOrigins[text]); d != nil {
			return d
		}
	}
	return nil
}

func (e *env) checkLabels(labels []string) *Decision {
	for _, label := range labels {
		tool, isTool := strings.CutPrefix(label, "tool ")
		known := e.prog.Origins[label]
		for isTool && !known {
			known = e.prog.Tools[tool] != nil
			i := strings.LastIndexByte(tool, '.')
			if i < 0 {
				break
			}
			tool = tool[:i]
		}
		if !known {
			return denied(CodeInvalidContext, "origins: the policy declares no origin %q", short(label))
		}
	}
	return nil
}

// hasPointer reports whether a JSON pointer (RFC 6901) leads to a value.
func hasPointer(v strictjson.Value, ptr string) bool {
	if ptr == "" {
		return true
	}
	rest, ok := strings.CutPrefix(ptr, "/")
	if !ok {
		return false
	}
	for step := range strings.SplitSeq(rest, "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if v.Kind == strictjson.Array {
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v.Items) || strconv.Itoa(i) != step {
				return false
			}
			v = v.Items[i]
		} else if v, ok = v.Get(step); !ok {
			return false
		}
	}
	return true
}

var noArgs = strictjson.Value{Kind: strictjson.Object}

// call looks up the tool of a call and converts its arguments.
func (e *env) call() *Decision {
	hasArgs := len(e.req.Args.Members) > 0
	if e.req.Args.Kind != strictjson.Null && e.req.Args.Kind != strictjson.Object {
		return denied(CodeInvalidArguments, "the arguments must be an object, not %s", e.req.Args.Kind)
	}
	if e.req.Resource.Scheme() == "tool" {
		name := e.req.Resource.Path()
		tool := e.prog.Tools[name]
		if tool == nil {
			return denied(CodeUnknownTool, "the policy declares no tool %q", short(name))
		}
		if d := e.facts.Definition; d != "" && tool.Pin != nil && d != tool.Pin.Value {
			return denied(CodeDefinitionChanged, "the definition of %s has the digest %s; the policy pins %s", name, cut(d), tool.Pin.Value)
		}
		if e.req.Action == "execute" {
			e.tool = tool
		}
	}
	if e.tool == nil {
		if hasArgs {
			return denied(CodeInvalidArguments, "only `execute` on a tool takes arguments")
		}
		return nil
	}
	c := &converter{origins: e.facts.Origins, valueOrigins: e.facts.ValueOrigins, unlabelled: unknownOrigin, room: e.fields[:0]}
	defer func() { e.fields = c.room }()
	args := &e.req.Args
	if args.Kind == strictjson.Null {
		args = &noArgs
	}
	if err := c.convertRecord(&e.args, args, &e.tool.Args); err != nil {
		return denied(CodeInvalidArguments, "arguments of %s: %s", e.tool.Name.Name, err)
	}
	return nil
}

func (e *env) convertContext() *Decision {
	v := &e.facts.Context
	e.context = val{kind: lang.RecordKind}
	if v.Kind == strictjson.Null {
		return nil
	}
	if v.Kind != strictjson.Object {
		return denied(CodeInvalidContext, "the context must be an object, not %s", v.Kind)
	}
	// A fact that is missing is an error only where a condition asks for it.
	c := &converter{unlabelled: unknownOrigin, partial: true, room: e.fields}
	defer func() { e.fields = c.room }()
	if err := c.convertRecord(&e.context, v, &e.prog.Context); err != nil {
		return denied(CodeInvalidContext, "context: %s", err)
	}
	return nil
}

// fact is the value of a root of facts by itself.
func (e *env) fact(x *lang.Fact) (val, *condError) {
	switch x.Root {
	case lang.RootNow:
		if e.facts.Time.IsZero() {
			return val{}, condErrorf(x.Span, "the host gave no time")
		}
		if y := e.facts.Time.UTC().Year(); y < value.MinYear || y > value.MaxYear {
			return val{}, condErrorf(x.Span, "the host's time is in the year %d", y)
		}
		return val{kind: lang.Timestamp, n: e.facts.Time.UnixNano(), origins: unknownOrigin}, nil
	case lang.RootResource:
		return e.facet.resource, nil
	}
	return val{kind: lang.Principals, s: e.as, origins: unknownOrigin}, nil
}

// factField is the value of a field of a root of facts. Absent means that it is optional and not there.
func (e *env) factField(root lang.FactRoot, name string, span lang.Span) (val, *condError) {
	text := func(s string) (val, *condError) {
		return val{kind: lang.String, s: s, origins: unknownOrigin}, nil
	}
	switch root {
	case lang.RootArgs:
		return e.args.field(name), nil
	case lang.RootContext:
		v := e.context.field(name)
		if t, ok := e.prog.Context.Field(name); v.absent() && (!ok || !t.Optional) {
			return val{}, condErrorf(span, "the host gave no context.%s", name)
		}
		return v, nil
	case lang.RootAgent:
		return text(e.as)
	case lang.RootToken:
		return e.token(name, span)
	case lang.RootSession:
		if e.facts.Session == "" {
			return val{}, condErrorf(span, "the host gave no session")
		}
		return text(e.facts.Session)
	case lang.RootResource:
		n := e.facet.resource.name()
		switch name {
		case "scheme":
			return text(n.Scheme())
		case "path":
			return text(n.Path())
		case "host":
			if n.IsWeb() {
				return text(n.Host())
			}
		case "query":
			if q, ok := n.Query(); ok {
				return text(q)
			}
		}
		return val{}, nil
	}
	return val{}, condErrorf(span, "there is no %s.%s", root, name)
}

// token is the value of a field of the token.
func (e *env) token(name string, span lang.Span) (val, *condError) {
	a := e.facts.Authority
	if a == nil {
		return val{}, condErrorf(span, "the request has no token")
	}
	v := val{kind: lang.Timestamp, origins: unknownOrigin}
	switch name {
	case "depth":
		v.kind, v.n = lang.Int, int64(a.Depth)
	case "issued":
		v.n = a.Issued.UnixNano()
	case "expires":
		v.n = a.Expires.UnixNano()
	default:
		return val{}, condErrorf(span, "there is no token.%s", name)
	}
	return v, nil
}

// subjects are the names under which a rule may speak of the requester: its own, if the policy declares it, and its groups.
func subjects(prog *lang.Program, subject string) []string {
	if prog.Principals[subject] == nil {
		return nil
	}
	return append([]string{subject}, prog.Ancestors(subject)...)
}

// effectResources turns the value of a `does … on` into resources.
func effectResources(v val) ([]val, error) {
	if v.name().Scheme() == "tool" {
		return nil, errors.New("an effect is not the call of another tool, whose arguments would be unknown")
	}
	switch v.kind {
	default:
		return nil, errors.New("it isn't a resource")
	case lang.Resource, lang.URL:
		return []val{{kind: lang.Resource, s: v.s, parsed: v.parsed, origins: v.origins}}, nil
	case lang.String, lang.Enum:
		r, err := parseText(lang.Resource, v.s)
		if err != nil {
			return nil, err
		}
		r.origins = v.origins
		return effectResources(r)
	case lang.ListKind:
	}
	var out []val
	for _, item := range v.items {
		rs, err := effectResources(item)
		if err != nil {
			return nil, err
		}
		if out = append(out, rs...); len(out) > MaxFacets {
			return out, nil
		}
	}
	return out, nil
}

// approvals counts the approvals of a rule for this request: distinct approvers with standing, none of them on the requester's chain, young enough.
func (e *env) approvals(r *lang.Rule) (used []Approval, have int) {
	if len(e.facts.Approvals) == 0 {
		return nil, 0
	}
	digest := RequestDigest(*e.req, *e.facts)
	by := map[string]bool{}
	for _, a := range e.facts.Approvals {
		if a.Rule != r.ID || a.Request != digest || a.Policy != e.prog.Digest() || slices.Contains(e.onChain(), a.By) || by[a.By] {
			continue
		}
		standing := false
		for _, id := range r.Approval.By {
			standing = standing || e.prog.Principals[a.By] != nil && (id.Name == a.By || e.prog.IsIn(a.By, id.Name))
		}
		if a.At.After(e.facts.Time) { // nobody approves in the future, and without a time nobody can tell
			continue
		}
		if w := r.Approval.Within; w != nil && e.facts.Time.Sub(a.At) > w.Dur {
			continue
		}
		if standing && have < int(r.Approval.N) {
			by[a.By] = true
			have++
			used = append(used, a)
		}
	}
	return used, have
}

func pendingOf(r *lang.Rule, have int) Pending {
	p := Pending{Rule: r, Need: int(r.Approval.N), Have: have}
	for _, id := range r.Approval.By {
		p.By = append(p.By, id.Name)
	}
	if r.Approval.Within != nil {
		p.Within = r.Approval.Within.Dur
	}
	return p
}

// panicDecision is the denial after a panic, which is always a defect of this package.
func panicDecision(p any) Decision {
	return Decision{Code: CodeInternal, Detail: strings.ToValidUTF8(fmt.Sprint(p), "?")}
}
