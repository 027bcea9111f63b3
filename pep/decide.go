package pep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/token"
)

// A decision is the way of one message through the stages. It is large, as are a request, facts and an answer, and passed by reference, so that
// the stacks of many callers stay small.
type decision struct {
	pep      *PEP
	ctx      context.Context
	in       *inForce
	now      time.Time
	delivery *token.Delivery
	message  *token.Message

	chain    *link // the verified token; nil when it doesn't hold
	chainErr error
	name     string // the sender's, or its did:key
	call     uint64 // the index of the decision in whose course this is asked for; 0: it comes by itself
	code     bool   // it is code that asks, inside of a sandbox

	ordered bool       // no other decision that depends on the history goes on
	answer  Answer     // with the request that it is about
	facts   eval.Facts // by which it was decided
	verdict verdict
	event   audit.Decision // the record
}

// decisions are those to be: a decision's memory is used again.
var decisions = sync.Pool{New: func() any { return new(decision) }}

// release gives back the memory of a decision, holding on to nothing of it but room for the record's arguments.
func (c *decision) release() {
	args := c.event.Args
	clear(args)
	*c = decision{}
	c.event.Args = args[:0]
	decisions.Put(c)
}

// A verdict is what the rules say: an answer to be, and what it rests on.
type verdict struct {
	outcome  eval.Outcome
	code     eval.Code
	decision eval.Decision
	reason   error // why the token doesn't hold, when it doesn't
	pending  *Ask
	facts    eval.Facts // with the authority, attestations and approvals that were counted
	nonces   []token.ID // of the asks whose approvals a permit rests on, each once
}

// run is what follows on the first stage: the answer, and its place in the log.
func (c *decision) run() audit.Ticket {
	defer func() {
		if c.ordered {
			c.pep.order.Unlock()
		}
	}()
	c.decide()
	return c.record()
}

// authenticate is the first stage. Its errors are for the operator alone. When it returns nil, the message's sequence number is used up.
func (c *decision) authenticate() error {
	m, p := c.message, c.pep
	switch age := c.now.Sub(m.Time); {
	case m.Realm != c.in.trust.Realm():
		return &token.Error{Reason: token.Realm, Block: -1, Detail: "the message is for another realm"}
	case m.Recipient != p.cfg.Key:
		return fmt.Errorf("pep: the message is for %s", m.Recipient)
	case age > MaxAge || age < -MaxAge:
		return fmt.Errorf("pep: the message is %s old; at most %s are allowed, either way", age.Round(time.Second), MaxAge)
	}
	audience, digest, err := token.Key{}, token.Digest{}, error(nil)
	if chain, verr := p.verifier.Verify(c.delivery.Token, c.in.terms(c.now)); verr != nil {
		c.chainErr = verr
		if audience, digest, err = token.Claimed(c.delivery.Token); err != nil {
			return err
		}
	} else {
		c.chain = p.chains.get(chain, c.in)
		audience, digest = chain.Audience(), chain.Digest()
	}
	switch {
	case audience != m.Sender:
		return &token.Error{Reason: token.NotHolder, Block: -1, Detail: "the sender is not the audience of the token"}
	case digest != m.Token:
		return errors.New("pep: the message names another token than came with it")
	}
	named := false
	c.name, named = c.in.trust.Name(m.Sender)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.senders[m.Sender]
	if s == nil {
		// Keys cost nothing. Only one that somebody trusted vouches for, by name or by a token that holds, gets a place in memory and log.
		if !named && c.chain == nil {
			return c.chainErr
		}
		if !named && len(p.senders) >= MaxSenders { // whoever may delegate can make keys; that shuts out nobody who has a name
			return errors.New("pep: too many senders")
		}
		s = &sender{}
		p.senders[m.Sender] = s
	}
	if s.window.used(m.Sequence) {
		return fmt.Errorf("pep: the sequence number %d of %s has been used", m.Sequence, m.Sender)
	}
	s.window.use(m.Sequence)
	s.last, s.dirty = c.now, true
	return nil
}

// decide is what follows: the second stage and the third. A panic, such as one of the host's adapter, is a deny like others: its message is used up, and so has
// to be written down.
func (c *decision) decide() {
	defer func() {
		if r := recover(); r != nil {
			c.facts = eval.Facts{}
			c.refuse(StageRules, eval.CodeInternal, c.pep.alarm(r, c.message))
			c.answer.Decision = eval.Decision{Code: eval.CodeInternal, Detail: "a panic; see the alert before"}
		}
	}()
	m := c.message
	if c.call == 0 && !c.in.trustNamed(m.Trust, c.now) {
		c.refuse(StageDigests, CodeTrustMismatch, fmt.Errorf("pep: the trust document %s is not in force", m.Trust))
		return
	}
	if c.call == 0 && !c.in.policyNamed(m.Policy, c.now) {
		c.refuse(StageDigests, CodePolicyMismatch, fmt.Errorf("pep: the policy %s is not in force", m.Policy))
		return
	}
	args, err := parseArgs(m.Args)
	if err != nil {
		c.refuse(StageRules, eval.CodeInvalidArguments, err)
		return
	}
	if c.name == "" {
		c.name = c.senderText()
	}
	c.answer.Request = eval.Request{Subject: c.name, Action: m.Action, Resource: m.Resource, Args: args}
	if pr := c.in.program.Policy().Principals[c.name]; pr != nil {
		c.answer.Request.Kind = pr.Kind
	}
	if c.code && c.chain != nil {
		if s, ok := c.sandbox(); !ok || !s.Allows(m.Action, m.Resource) {
			c.refuse(StageRules, eval.CodeOutsideSandbox, errors.New("pep: the code may not use this, whatever is permitted"))
			return
		}
	}
	if err := c.askHost(); err != nil {
		c.refuse(StageRules, CodeFacts, err)
		return
	}
	c.settle()
}

// refuse makes the answer a deny that the rules have no part in.
func (c *decision) refuse(stage Stage, code eval.Code, reason error) {
	a := &c.answer
	a.Outcome, a.Stage, a.Code, a.Reason, a.Decision, a.Ask = eval.Deny, stage, code, reason, eval.Decision{}, nil
}

// settle has the rules decide, and changes what their answer changes: a permit uses up the approvals that it rests on, an ask waits.
func (c *decision) settle() {
	v := &c.verdict
	if c.chain != nil && c.in.remembers() {
		if err := c.enter(); err != nil {
			c.refuse(StageRules, CodeClock, err)
			return
		}
	}
	c.judge(v)
	c.forbidAsk(v)
	if v.outcome == eval.Permit && len(v.nonces) > 0 {
		ok, err := c.pep.consume(v.nonces)
		if err != nil {
			c.facts = v.facts
			c.refuse(StageRules, CodeNotRecorded, err)
			return
		}
		if !ok { // somebody else was faster
			c.delivery = &token.Delivery{Message: c.delivery.Message, Token: c.delivery.Token, Attestations: c.delivery.Attestations}
			c.judge(v)
		}
	}
	c.facts = v.facts
	a := &c.answer
	a.Stage, a.Outcome, a.Code, a.Decision, a.Ask, a.Reason = StageRules, v.outcome, v.code, v.decision, v.pending, v.reason
	if a.Ask == nil {
		return
	}
	var ok bool
	var err error
	a.Ask.Nonce, a.Ask.Expires, ok, err = c.pep.newAsk(c.message.Sender, a.Ask.Request, c.now)
	switch {
	case err != nil:
		c.refuse(StageRules, CodeNotRecorded, err)
	case !ok:
		c.refuse(StageRules, CodeTooManyAsks, errors.New("pep: too many asks wait for approvals"))
	}
}

// enter begins the step of a decision that depends on the history: until it has its place in the log, no other such decision goes on. The step's time is that of its
// beginning, not of the message's arrival: whoever waited for the host's facts finds no room in a window that is over, nor does a token hold that has expired meanwhile.
func (c *decision) enter() error {
	c.pep.order.Lock()
	c.ordered = true
	now, ok := c.pep.time.tell()
	if !ok {
		return errClock
	}
	before := c.now
	c.now, c.facts.Time = now, now
	if now.Unix() == before.Unix() { // tokens and lists end with a second
		return nil
	}
	if _, err := c.pep.verifier.Verify(c.delivery.Token, c.in.terms(now)); err != nil {
		c.chain, c.chainErr = nil, err
	}
	return nil
}

// judge is the third stage. It changes nothing. A message that names what was in force before is decided by that as well.
func (c *decision) judge(v *verdict) {
	c.rules(v)
	if before := c.before(); v.outcome != eval.Deny && before != nil {
		c.judgeBefore(v, before)
	}
}

// before is what was in force before, where that counts for the message; nil where it doesn't.
func (c *decision) before() *inForce {
	switch m := c.message; {
	case m.Policy == c.in.digest && m.Trust == c.in.trustDigest:
		return nil
	case c.call != 0: // which may go on for longer than that counts
		return c.in.rollover(c.now)
	}
	return c.in.previous
}

// under returns the decision as it is made by what was in force before.
func (c *decision) under(previous *inForce) decision {
	then, before := *previous, *c
	then.revoked = c.in.revoked // what is revoked now counts under every policy
	before.in = &then
	if chain, err := c.pep.verifier.Verify(c.delivery.Token, before.in.terms(c.now)); err != nil {
		before.chain, before.chainErr = nil, err
	} else {
		before.chain = newLink(chain, before.in)
	}
	return before
}

// judgeBefore narrows a verdict to what the policy and the trust document before say.
func (c *decision) judgeBefore(v *verdict, previous *inForce) {
	before := c.under(previous)
	var narrower verdict
	before.rules(&narrower)
	nonces := distinct(append(v.nonces, narrower.nonces...))
	switch {
	case narrower.outcome < v.outcome:
		*v = narrower
	case v.outcome == eval.Permit:
		changes, ok := eval.JoinChanges(v.decision.Changes, narrower.decision.Changes)
		if v.decision.Changes = changes; !ok {
			*v = verdict{code: eval.CodeOutOfOrder, facts: v.facts, decision: eval.Decision{Code: eval.CodeOutOfOrder, Detail: "the policy in force and the one before would lead a lifecycle to different states"}}
		}
	}
	v.nonces = nonces
}

// askHost has the host tell its facts, and puts in the place of what it can't know what was verified.
func (c *decision) askHost() error {
	if ask := c.pep.cfg.Facts; ask != nil {
		call := Call{Sender: c.message.Sender, Request: c.answer.Request}
		if c.chain != nil {
			call.Chain = c.chain.chain
		}
		facts, err := ask(c.ctx, call)
		if err != nil {
			return err
		}
		c.facts = facts
	}
	c.facts.Time, c.facts.Authority, c.facts.Attestations, c.facts.Approvals = c.now, nil, nil, nil
	return nil
}

// rules is the third stage by one policy and trust document.
func (c *decision) rules(v *verdict) {
	*v = verdict{}
	v.facts = c.facts
	if c.chain == nil {
		v.code, v.reason = CodeToken, c.chainErr
		var terr *token.Error
		if errors.As(c.chainErr, &terr) {
			v.code += eval.Code(terr.Reason)
		}
		return
	}
	v.facts.Authority = c.chain.authority
	if len(c.delivery.Attestations) > 0 || len(c.delivery.Approvals) > 0 {
		c.statements(v)
	}
	v.facts.History = c.pep.history
	v.decision = c.in.program.Decide(c.answer.Request, v.facts)
	v.outcome, v.code = v.decision.Outcome, v.decision.Code
	if len(v.decision.Used) == 0 {
		v.nonces = nil
	}
	if v.outcome == eval.Ask {
		v.pending = &Ask{Request: c.askDigest(v), Policy: c.in.digest, Trust: c.in.trustDigest, Pending: v.decision.Pending}
	}
}

// statements counts what others have signed.
func (c *decision) statements(v *verdict) {
	terms := c.in.terms(c.now)
	for _, raw := range c.delivery.Attestations {
		a, err := token.OpenAttestation(raw, terms)
		if err != nil {
			continue // a claim that doesn't hold is none
		}
		v.facts.Attestations = append(v.facts.Attestations, Attestation(a, c.in.trust))
	}
	if len(c.delivery.Approvals) > 0 {
		v.facts.Approvals, v.nonces = c.pep.approvals(c.in, c.delivery, terms, c.askDigest(v), c.message.Sender, eval.RequestDigest(c.answer.Request, v.facts))
		v.nonces = distinct(v.nonces)
	}
}

// askDigest identifies what an ask would be for.
func (c *decision) askDigest(v *verdict) token.Digest {
	return askDigest(c.in.trust.Realm(), c.message.Sender, eval.RequestDigest(c.answer.Request, v.facts))
}

// record gives the decision its place in the log. Without a ticket the answer counts at once.
func (c *decision) record() audit.Ticket {
	a := &c.answer
	a.Message = c.message
	if c.chain != nil {
		a.Chain = c.chain.chain
	}
	if a.Outcome == eval.Permit {
		a.basis = &basis{c.pep, c.call, c.in, c.facts, c.delivery.Token, c.delivery.Attestations}
	}
	var changes []eval.Change
	if a.Outcome == eval.Permit {
		changes = a.Decision.Changes
	}
	t, err := c.pep.queue(c.writeDown(), c.now, changes)
	if err != nil {
		// What can't be written as it is, such as a fact of the host that is no text, is written down without it: its number is used up.
		a.notRecorded(err)
		c.facts = eval.Facts{}
		if t, err = c.pep.queue(c.writeDown(), c.now, nil); err != nil {
			return audit.Ticket{}
		}
	}
	a.Index = t.Index
	return t
}

// notRecorded makes an answer that can't be written down a deny.
func (a *Answer) notRecorded(err error) {
	a.Outcome, a.Code, a.Reason, a.Decision, a.Ask, a.Chain, a.Index, a.basis = eval.Deny, CodeNotRecorded, err, eval.Decision{}, nil, nil, 0, nil
}

func distinct(ids []token.ID) []token.ID {
	var out []token.ID
	seen := map[token.ID]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// senderText is the sender as the log writes it.
func (c *decision) senderText() string {
	if c.chain != nil {
		return c.chain.token.Blocks[len(c.chain.token.Blocks)-1].Audience
	}
	return c.message.Sender.String()
}

// writeDown makes the record of the decision, with what it changes in the history.
func (c *decision) writeDown() *audit.Decision {
	a, m, in, d := &c.answer, c.message, c.in, &c.event
	c.facts.Time = c.now // also where no facts were asked for: it says until when the sender is remembered
	record.Fill(d, in.program, &a.Request, &c.facts, &a.Decision)
	d.Outcome, d.Code, d.Stage = audit.Outcome(a.Outcome.String()), string(a.Code), uint64(a.Stage)
	d.Sender, d.Recipient, d.Realm, d.Sequence = c.senderText(), c.pep.keyText, m.Realm, m.Sequence
	d.Policy, d.Trust, d.Call = in.digest, in.trustDigest, c.call
	switch {
	case c.chain == nil:
		d.Token.Digest = m.Token
	case c.facts.Authority == nil || c.facts.Authority == c.chain.authority:
		d.Token = c.chain.token
	default: // decided by what was in force before
		d.Token.Digest, d.Token.Blocks = m.Token, c.chain.token.Blocks
	}
	if a.Request.Resource.IsZero() { // refused before it was read
		d.Agent, d.Action, d.Resource = c.name, m.Action, m.Resource.String()
		if d.Agent == "" {
			d.Agent = d.Sender
		}
	}
	// Of arguments that couldn't be read nobody can say which the log may show, and the reason may quote them.
	if a.Reason != nil && d.Detail.Text == "" && a.Code != eval.CodeInvalidArguments {
		d.Detail = audit.Shown(a.Reason.Error())
	}
	return d
}
