package eval

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/moat-lang/moat/lang"
)

// A caveat is a condition that a block of a token adds to every use of it. It travels as a small policy in canonical layout, which
// states the edition and the names and types that the condition uses, and nothing else:
//
//	policy caveat edition 1
//
//	agent holder
//
//	tool call(amount: decimal)
//
//	permit holder to execute on tool call
//	  when args.amount <= 100.00
//
// `call` stands for whatever tool is called. A request whose tool or context doesn't have just these types fails the caveat. There are
// no groups, defines, history, approvals or attestations in it: what it means depends on no policy.

// MaxCaveat bounds a caveat, in bytes, MaxCaveats how many of them a token may have in all, and MaxCaveatText their bytes together. MaxCaveatSteps bounds
// what evaluating them may take for one request: a step is an expression, an element of a list, or 64 bytes of a text. Past a bound the request is denied. Whoever holds a
// token can add caveats to it, and so decides what they cost here.
const (
	MaxCaveat      = 4096
	MaxCaveats     = 64
	MaxCaveatText  = 16 << 10
	MaxCaveatSteps = 1 << 18
)

type caveat struct {
	rule    *lang.Rule
	cond    truthFn
	args    []lang.Field
	context []lang.Field
}

// NewCaveat writes a condition as a caveat, with the types that the policy gives to the names in it. tool is the tool whose arguments
// it speaks of; empty when it speaks of none. An error says what is wrong with the condition.
func NewCaveat(p *Program, tool, condition string) ([]byte, error) {
	var args []lang.Field
	if tool != "" {
		t := p.policy.Tools[tool]
		if t == nil {
			return nil, fmt.Errorf("the policy declares no tool %q", short(tool))
		}
		args = t.Args.Fields
	}
	// Written with every name first, to learn which the condition uses.
	all, err := readCaveat(caveatText(args, p.policy.Context.Fields, condition))
	if err != nil {
		return nil, err
	}
	used := map[lang.FactRoot]map[string]bool{lang.RootArgs: {}, lang.RootContext: {}}
	for _, c := range all.rule.Conds {
		lang.Walk(c.X, func(x lang.Expr) {
			if s, ok := x.(*lang.Select); ok {
				if f, ok := s.X.(*lang.Fact); ok && used[f.Root] != nil {
					used[f.Root][s.Name.Name] = true
				}
			}
			if s, ok := x.(*lang.Index); ok {
				if f, ok := s.X.(*lang.Fact); ok && used[f.Root] != nil {
					used[f.Root][s.Key.Str] = true
				}
			}
		})
	}
	keep := func(fields []lang.Field, root lang.FactRoot) []lang.Field {
		return slices.DeleteFunc(slices.Clone(fields), func(f lang.Field) bool { return !used[root][f.Name] })
	}
	text := caveatText(keep(args, lang.RootArgs), keep(p.policy.Context.Fields, lang.RootContext), condition)
	formatted, diags := lang.Format(lang.NewSource("caveat", text))
	if err := diags.Err(); err != nil {
		return nil, err
	}
	if _, err := newCaveat([]byte(formatted)); err != nil {
		return nil, err
	}
	return []byte(formatted), nil
}

func caveatText(args, context []lang.Field, condition string) string {
	var b strings.Builder
	b.WriteString("policy caveat edition 1\n\nagent holder\n\ntool call(")
	for i, f := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(fieldText(f))
	}
	b.WriteString(")\n\n")
	if len(context) > 0 {
		b.WriteString("context {\n")
		for _, f := range context {
			b.WriteString("  " + fieldText(f) + "\n")
		}
		b.WriteString("}\n\n")
	}
	b.WriteString("permit holder to execute on tool call\n  when " + condition + "\n")
	return b.String()
}

func fieldText(f lang.Field) string {
	name := f.Name
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		name = strconv.Quote(name)
	}
	return name + ": " + f.Type.String()
}

// newCaveat reads a caveat in its one layout.
func newCaveat(text []byte) (*caveat, error) {
	if len(text) > MaxCaveat {
		return nil, fmt.Errorf("%d bytes; at most %d are allowed", len(text), MaxCaveat)
	}
	src := lang.NewSource("caveat", string(text))
	if formatted, diags := lang.Format(src); diags.Err() == nil && formatted != string(text) {
		return nil, errors.New("it isn't in canonical layout")
	}
	if f, _ := lang.Parse(src); f != nil && f.HasComments() {
		return nil, errors.New("it has a comment")
	}
	return readCaveat(string(text))
}

// readCaveat reads a caveat and sees to it that it holds one condition and nothing beside.
func readCaveat(text string) (*caveat, error) {
	p, diags := lang.Compile(map[string]string{"caveat": text})
	if p == nil {
		return nil, diags.Errors()[0]
	}
	tool := p.Tools["call"]
	plain := len(p.Rules) == 1 && len(p.Tools) == 1 && tool != nil && len(tool.Effects) == 0 && tool.Pin == nil && tool.Result == nil &&
		len(p.Principals) == 1 && p.Principals["holder"] != nil && len(p.Groups)+len(p.Defines)+len(p.Limits)+len(p.Lifecycles)+len(p.Sandboxes)+len(p.Secrets)+len(p.Tests) == 0 &&
		p.Delegation == nil && maps.Equal(p.Actions, builtinActions()) && p.Name == "caveat"
	if !plain {
		return nil, errors.New("it declares more than an agent `holder`, a tool `call`, a context and one permit")
	}
	r := p.Rules[0]
	if r.Effect != lang.Permit || r.Label != nil || r.Approval != nil || r.Because != nil || len(r.Notify) > 0 || len(r.Conds) == 0 ||
		len(r.Scope.Targets) != 1 || r.Scope.Targets[0].Kind != lang.TargetTool || r.Scope.Actions.Any || len(r.Scope.Actions.Names) != 1 || r.Scope.Actions.Names[0].Name != "execute" {
		return nil, errors.New("its permit is not `permit holder to execute on tool call` with conditions")
	}
	for _, cond := range r.Conds {
		var wrong error
		lang.Walk(cond.X, func(x lang.Expr) {
			switch x := x.(type) {
			case *lang.Once, *lang.Attested:
				wrong = errors.New("a caveat asks neither what happened before nor what others attested")
			case *lang.Fact:
				if x.Root == lang.RootAgent || x.Root == lang.RootSession {
					wrong = fmt.Errorf("a caveat can't speak of %s", x.Root)
				}
			}
		})
		if wrong != nil {
			return nil, wrong
		}
	}
	c := &compiler{prog: p, groups: map[string]map[string]bool{}, meter: true}
	return &caveat{rule: r, cond: c.conds(r.Conds), args: tool.Args.Fields, context: p.Context.Fields}, nil
}

func builtinActions() map[string]bool {
	m := map[string]bool{}
	for _, a := range lang.BuiltinActions() {
		m[a] = true
	}
	return m
}

// caveat evaluates a caveat of the token and says why it doesn't hold; empty when it does.
func (e *env) caveat(text []byte) string {
	c, err := e.caveats.get(text)
	if err != nil {
		return "a caveat of the token can't be read: " + err.Error()
	}
	if len(c.args) > 0 && e.tool == nil {
		return "a caveat of the token is about arguments, and the request is no call"
	}
	for _, f := range c.args {
		if t, ok := e.tool.Args.Field(f.Name); !ok || !t.Equal(f.Type) {
			return fmt.Sprintf("a caveat of the token is about `args.%s: %s`, which %s doesn't take", f.Name, f.Type, e.tool.Name.Name)
		}
	}
	for _, f := range c.context {
		if t, ok := e.prog.Context.Field(f.Name); !ok || !t.Equal(f.Type) {
			return fmt.Sprintf("a caveat of the token is about `context.%s: %s`, which the policy doesn't declare", f.Name, f.Type)
		}
	}
	t := c.cond(e)
	if e.steps > MaxCaveatSteps {
		return fmt.Sprintf("the caveats of the token take more than %d steps", MaxCaveatSteps)
	}
	if e.caveats == nil { // the reference, which walks what was written
		t = truth{is: true}
		for _, cond := range c.rule.Conds {
			t = and(t, e.cond(cond))
		}
	}
	switch {
	case t.err != nil:
		return "a caveat of the token can't be evaluated: " + t.err.message
	case !t.is:
		return "a caveat of the token doesn't hold: " + short(strings.Join(strings.Fields(c.rule.Conds[0].X.ExprSpan().Text()), " "))
	}
	return ""
}

// A caveatCache keeps compiled caveats. It is safe for concurrent use; a nil one keeps none.
type caveatCache struct {
	mu    sync.RWMutex
	known map[string]*caveat
}

// maxCachedCaveats bounds a caveatCache; when it is full it begins anew.
const maxCachedCaveats = 1024

func (cc *caveatCache) get(text []byte) (*caveat, error) {
	if cc == nil {
		return newCaveat(text)
	}
	cc.mu.RLock()
	c := cc.known[string(text)]
	cc.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	c, err := newCaveat(text)
	if err != nil {
		return nil, err
	}
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.known == nil || len(cc.known) >= maxCachedCaveats {
		cc.known = map[string]*caveat{}
	}
	cc.known[string(text)] = c
	return c, nil
}
