package eval

import (
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// A Program is a policy ready to decide. It is immutable and safe for concurrent use. The nil Program denies everything.
type Program struct {
	policy  *lang.Program
	rules   []compiledRule
	index   *ruleIndex
	effects map[string][]compiledEffect // by tool
	past    *past
	caveats caveatCache
	// plainDelegation tells that whether somebody may delegate depends on names alone.
	plainDelegation bool
}

// A compiledRule is a rule with its conditions as one function; nil for none.
type compiledRule struct {
	rule      *lang.Rule
	cond      truthFn
	asksAgent bool // whether a condition depends on who the principal is
}

type compiledEffect struct {
	effect *lang.Effect
	when   truthFn
	on     valueFn
}

// Load compiles the policy in a directory, or in one file; see [lang.Load]. An error is a [lang.Diagnostics] with every mistake found.
func Load(path string) (*Program, error) {
	p, diags := lang.Load(path)
	if p == nil {
		return nil, diags.Errors()
	}
	return New(p), nil
}

// LoadFS compiles the policy in a directory of a file system, such as an [embed.FS]; see [lang.LoadFS].
func LoadFS(fsys fs.FS, dir string) (*Program, error) {
	p, diags := lang.LoadFS(fsys, dir)
	if p == nil {
		return nil, diags.Errors()
	}
	return New(p), nil
}

// New compiles a checked policy. Of none it makes the nil Program, which denies everything.
func New(policy *lang.Program) *Program {
	if policy == nil {
		return nil
	}
	p := &Program{policy: policy, effects: map[string][]compiledEffect{}, plainDelegation: delegationIsPlain(policy)}
	var scopes []lang.Scope
	c := &compiler{prog: policy, groups: map[string]map[string]bool{}}
	for _, r := range policy.Rules {
		p.rules = append(p.rules, compiledRule{rule: r, cond: c.conds(r.Conds), asksAgent: asksAgent(r.Conds)})
		scopes = append(scopes, r.Scope)
	}
	p.index = newRuleIndex(policy, scopes)
	for name, t := range policy.Tools {
		for _, e := range t.Effects {
			on, _ := c.value(e.On)
			ce := compiledEffect{effect: e, on: on}
			if e.When != nil {
				ce.when = c.truth(e.When)
			}
			p.effects[name] = append(p.effects[name], ce)
		}
	}
	p.past = c.past()
	return p
}

// Policy returns the checked policy that the program was made of: its rules, its digest, its warnings.
func (p *Program) Policy() *lang.Program { return p.policy }

// Remembers tells whether decisions depend on the past: then the host keeps a [History], and what a permit changes has to be remembered.
func (p *Program) Remembers() bool { return p != nil && p.past.looks }

// Decide answers a request. It remembers nothing: where the facts have a history, what a permit changes in it is in the decision, and it is the host that
// applies that, in one step with the decision; [History.Decide] does. It never panics: a defect of the evaluator is a denial with the code "internal".
func (p *Program) Decide(req Request, facts Facts) Decision {
	if h := facts.History; h != nil && p.Remembers() {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	return p.decideLocked(&req, &facts)
}

// decideLocked decides with the history, if there is one, locked.
func (p *Program) decideLocked(req *Request, facts *Facts) (d Decision) {
	if p == nil {
		return Decision{Code: CodeInternal, Detail: "there is no policy"}
	}
	defer func() {
		if r := recover(); r != nil {
			d = panicDecision(r)
		}
	}()
	e := envs.Get().(*env)
	d = p.decide(e, req, facts)
	clear(e.fields)
	*e = env{fields: e.fields[:0]} // nothing of the request is held on to
	envs.Put(e)
	return d
}

// envs are the environments of decisions to be. One that a panic has left behind is not among them.
var envs = sync.Pool{New: func() any { return new(env) }}

func (p *Program) decide(e *env, req *Request, facts *Facts) Decision {
	early := e.prepare(p.policy, req, facts)
	if early != nil {
		return *early
	}
	e.caveats = &p.caveats
	var facets []facet
	if e.tool != nil && len(p.effects[e.tool.Name.Name]) > 0 {
		if facets, early = p.facets(e); early != nil {
			return *early
		}
	}
	if a := facts.Authority; a != nil && !p.knows(a).permitted {
		if early = delegated(a, func(from string, to resource.Name) Outcome {
			v := p.consult(e.delegation(from, to))
			return v.decision().Outcome
		}); early != nil {
			return *early
		}
		p.rememberDelegated(a)
	}
	if len(facets) <= 1 {
		v := p.consult(e)
		return p.remember(e, e.bounded(v.decision()))
	}
	e.calls = facets
	decisions := make([]Decision, 0, len(facets))
	for i, f := range facets {
		e.facet, e.at = f, i
		v := p.consult(e)
		decisions = append(decisions, e.bounded(v.decision()))
	}
	return p.remember(e, worst(decisions))
}

// facets lists what the request does: its own action, then the effects of the tool that it calls.
func (p *Program) facets(e *env) ([]facet, *Decision) {
	out := []facet{e.facet}
	for _, c := range p.effects[e.tool.Name.Name] {
		if c.when != nil {
			t := c.when(e)
			if t.err != nil {
				return nil, denied(CodeInvalidEffect, "whether %s does %s: %s", e.tool.Name.Name, c.effect.Action.Name, t.err.message)
			}
			if !t.is {
				continue
			}
		}
		on, err := c.on(e)
		if err != nil {
			return nil, denied(CodeInvalidEffect, "what %s does %s on: %s", e.tool.Name.Name, c.effect.Action.Name, err.message)
		}
		resources, cerr := effectResources(on)
		if cerr != nil {
			return nil, denied(CodeInvalidEffect, "what %s does %s on: %s", e.tool.Name.Name, c.effect.Action.Name, cerr)
		}
		for _, r := range resources {
			if out = append(out, facet{c.effect.Action.Name, r}); len(out) > MaxFacets {
				return nil, denied(CodeTooLarge, "the call touches more than %d resources", MaxFacets)
			}
		}
	}
	return out, nil
}

// consult asks the rules that the index finds. All forbids are asked, since all that hold are reported; permits only when no forbid spoke, since
// then they don't matter.
func (p *Program) consult(e *env) verdict {
	var v verdict
	e.permits = false
	var buf [32]int32
	found := p.index.find(e, p.index.under(e, e.req.Subject), buf[:0])
	forbids := found
	var buf2 [32]int32
	if len(e.onChain()) > 1 {
		forbids = p.index.find(e, p.chainNames(e), buf2[:0])
	}
	for _, i := range forbids {
		c := &p.rules[i]
		if c.rule.Effect != lang.Forbid {
			continue
		}
		if t := c.forbids(e); t.err != nil {
			v.forbidErrors = append(v.forbidErrors, t.err.of(c.rule.ID))
		} else if t.is {
			v.forbids = append(v.forbids, c.rule)
		}
	}
	if len(v.forbids) > 0 || len(v.forbidErrors) > 0 {
		return v
	}
	e.permits = true
	for _, i := range found {
		c := &p.rules[i]
		if c.rule.Effect != lang.Permit {
			continue
		}
		t := c.holds(e)
		switch {
		case t.err != nil:
			v.permitErrors = append(v.permitErrors, t.err.of(c.rule.ID))
		case !t.is:
			v.failed = true
		case c.rule.Approval == nil:
			v.permits, v.plain = append(v.permits, c.rule), true
		default:
			if used, have := e.approvals(c.rule); have >= int(c.rule.Approval.N) {
				v.permitted(c.rule, used)
			} else {
				v.pending = append(v.pending, pendingOf(c.rule, have))
			}
		}
	}
	return v
}

// forbids evaluates the conditions of a forbid for everybody on the chain whom it is about. Where they don't ask who it is, once is enough.
func (c *compiledRule) forbids(e *env) truth {
	chain := e.onChain()
	if len(chain) == 1 || !c.asksAgent {
		return c.holds(e)
	}
	defer func(as string) { e.as = as }(e.as)
	var t truth
	for _, e.as = range chain {
		if e.matchesSubject(c.rule.Scope.Subjects) {
			t = or(t, c.holds(e))
		}
	}
	return t
}

func (c *compiledRule) holds(e *env) truth {
	if c.cond == nil {
		return truth{is: true}
	}
	return c.cond(e)
}

// An Evaluator decides by a program that can be swapped at any time. It is safe for concurrent use. The zero Evaluator denies everything.
type Evaluator struct {
	program atomic.Pointer[Program]
}

// NewEvaluator returns an evaluator that decides by p.
func NewEvaluator(p *Program) *Evaluator {
	e := &Evaluator{}
	e.program.Store(p)
	return e
}

// Swap makes p the program of every decision that begins from now on, and returns the one before.
func (e *Evaluator) Swap(p *Program) *Program { return e.program.Swap(p) }

// Program returns the current program.
func (e *Evaluator) Program() *Program { return e.program.Load() }

// Decide answers a request by the current program. A program that [Program.Remembers] is asked by [History.Decide].
func (e *Evaluator) Decide(req Request, facts Facts) Decision {
	return e.program.Load().Decide(req, facts)
}
