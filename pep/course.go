package pep

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// This file is about what happens in the course of a permitted call: code that it runs asks for more.

// CodeNotPermitted: what was asked in the course of a call that this PEP didn't permit.
const CodeNotPermitted eval.Code = "call_not_permitted"

// DecideEffect decides what a call does that shows only while it is carried out. It is a request of the same agent, on the authority of the same token, with no arguments
// and no approvals; the host is asked for its facts anew. The rules, the token and the history count as they are now: a call isn't stopped by a reload, but what
// it does from then on is decided by the policy and the trust document in force and, while they count for the call's message, by those before as well. What waits for
// an approval is a deny. The answer is recorded like any other, with the index of the call's decision.
func (p *PEP) DecideEffect(ctx context.Context, of *Answer, action string, on resource.Name) Answer {
	return p.inCourse(ctx, of, false, action, on)
}

// DecideCode decides what code asks for that runs for a permitted call, such as a file that it opens: as DecideEffect does, and what isn't inside of the sandbox, as it is
// now, is a deny.
func (p *PEP) DecideCode(ctx context.Context, of *Answer, action string, on resource.Name) Answer {
	return p.inCourse(ctx, of, true, action, on)
}

func (p *PEP) inCourse(ctx context.Context, of *Answer, code bool, action string, on resource.Name) Answer {
	if p == nil || p.log == nil {
		return Answer{Code: CodeClosed}
	}
	if !p.permitted(of) {
		return Answer{Code: CodeNotPermitted, Reason: errNotPermitted}
	}
	var a Answer
	if t := p.decideInCourse(ctx, of, code, action, on, &a); t != (audit.Ticket{}) {
		if err := t.Wait(context.Background()); err != nil {
			a.notRecorded(err)
		}
	}
	return a
}

// permitted reports whether an answer is a permit of this PEP.
func (p *PEP) permitted(of *Answer) bool {
	return p != nil && p.log != nil && of != nil && of.permits() && of.basis.pep == p
}

func (p *PEP) decideInCourse(ctx context.Context, of *Answer, code bool, action string, on resource.Name, a *Answer) (ticket audit.Ticket) {
	defer func() {
		if r := recover(); r != nil {
			*a, ticket = Answer{Code: eval.CodeInternal, Reason: p.alarm(r, nil)}, audit.Ticket{}
		}
	}()
	now, open := p.open(a)
	if !open {
		return audit.Ticket{}
	}
	c := p.course(of, now)
	c.ctx, c.code = ctx, code
	// What is decided is what the sender would have had to ask for, had it known.
	asked := *of.Message
	asked.Action, asked.Resource, asked.Args = action, on, nil
	c.message = &asked
	ticket = c.run()
	*a = c.answer
	a.Message = of.Message
	c.release()
	return ticket
}

// course begins a decision in the course of a call.
func (p *PEP) course(of *Answer, now time.Time) *decision {
	c := decisions.Get().(*decision)
	c.pep, c.in, c.now, c.message, c.call = p, p.inForce.Load(), now, of.Message, cmp.Or(of.basis.call, of.Index)
	c.delivery = &token.Delivery{Token: of.basis.token, Attestations: of.basis.attestations}
	if chain, err := p.verifier.Verify(c.delivery.Token, c.in.terms(now)); err != nil {
		c.chainErr = err
	} else {
		c.chain = p.chains.get(chain, c.in)
	}
	if c.name, _ = c.in.trust.Name(of.Message.Sender); c.name == "" {
		c.name = c.senderText()
	}
	return c
}

// Sandbox returns what code may use at most that runs for a permitted call, as it is now: the `sandbox` declarations of the policy in force, and of the one before where that
// counts for the call, met with the limits of the token. It reports false where no declaration is about the agent, the token doesn't hold any more, or the permit
// isn't one of this PEP's: then no code runs.
func (p *PEP) Sandbox(of *Answer) (eval.Sandbox, bool) {
	if !p.permitted(of) {
		return eval.Sandbox{}, false
	}
	now, ok := p.time.tell()
	if !ok {
		return eval.Sandbox{}, false
	}
	c := p.course(of, now)
	defer c.release()
	return c.sandbox()
}

func (c *decision) sandbox() (eval.Sandbox, bool) {
	out, ok := c.declared()
	if previous := c.before(); ok && previous != nil {
		before := c.under(previous)
		var then eval.Sandbox
		then, ok = before.declared()
		out = out.Meet(then)
	}
	if !ok {
		return eval.Sandbox{}, false
	}
	return Limited(out, c.chain.chain.Limits()), true
}

// declared is what one policy and trust document say of the sandbox.
func (c *decision) declared() (eval.Sandbox, bool) {
	if c.chain == nil {
		return eval.Sandbox{}, false
	}
	return c.in.program.Sandbox(c.name, c.signedFacts())
}

// signedFacts are what the token and the attestations say.
func (c *decision) signedFacts() eval.Facts {
	v := verdict{facts: eval.Facts{Authority: c.chain.authority}}
	c.statements(&v)
	return v.facts
}

// Limited returns a sandbox met with the limits of a token.
func Limited(s eval.Sandbox, limits token.Limits) eval.Sandbox {
	if n, ok := limits.Get(token.Fuel); ok {
		s.Fuel = min(s.Fuel, n)
	}
	if n, ok := limits.Get(token.Memory); ok {
		s.Memory = min(s.Memory, n)
	}
	if n, ok := limits.Get(token.Timeout); ok && n <= uint64(s.Timeout/time.Millisecond) { // what is beyond a millisecond is cut off too
		s.Timeout = time.Duration(n) * time.Millisecond
	}
	return s
}

// Secrets returns the secrets that the policy in force binds for the agent of a permitted call whose token holds.
func (p *PEP) Secrets(of *Answer) []*lang.Secret {
	if !p.permitted(of) {
		return nil
	}
	now, ok := p.time.tell()
	if !ok {
		return nil
	}
	c := p.course(of, now)
	defer c.release()
	if c.chain == nil {
		return nil
	}
	return c.in.program.Secrets(c.name, c.signedFacts())
}

// RecordRun writes down a run of code for a permitted call, and returns the index of the record once it is durable. The decision and the agent are the call's; the
// detail is redacted as in RecordEffect.
func (p *PEP) RecordRun(of *Answer, run audit.SandboxCall, detail error) (uint64, error) {
	if !p.permitted(of) {
		return 0, errNotPermitted
	}
	run.Decision, run.Agent, run.Detail = of.Index, of.Request.Subject, of.detail(detail)
	return p.recordEnd(&run)
}

// RecordSecret writes down that a secret was put into a request, or why not, and returns the index of the record once it is durable. The permit is that of the
// use of the secret; where is where it went.
func (p *PEP) RecordSecret(use *Answer, name string, where resource.Name, outcome string) (uint64, error) {
	if !p.permitted(use) {
		return 0, errNotPermitted
	}
	return p.recordEnd(&audit.SecretUse{Decision: use.Index, Agent: use.Request.Subject, Name: name, Resource: audit.Shown(where.String()), Outcome: outcome})
}

// forbidAsk makes an answer that waits for an approval a deny: in the course of a call nobody waits.
func (c *decision) forbidAsk(v *verdict) {
	if c.call != 0 && v.outcome == eval.Ask {
		v.outcome, v.pending = eval.Deny, nil
		v.decision.Outcome = eval.Deny
		v.reason = errors.New("pep: it waits for an approval, and in the course of a call none can come")
	}
}
