package pep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/token"
)

// A decision is the way of one message through the stages.
type decision struct {
	pep      *PEP
	ctx      context.Context
	in       *inForce
	now      time.Time
	delivery *token.Delivery
	message  *token.Message

	chain    *link // the verified token; nil when it doesn't hold
	chainErr error
	request  eval.Request
	name     string // the sender's, or its did:key
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

// decide is what follows: the second stage and the third. It returns the facts that it has decided on. A panic, such as one of the host's adapter, is a
// deny like others: its message is used up, and so has to be written down.
func (c *decision) decide() (a Answer, facts eval.Facts) {
	defer func() {
		if r := recover(); r != nil {
			a, facts = Answer{Stage: StageRules, Code: eval.CodeInternal, Reason: c.pep.alarm(r, c.message), Decision: eval.Decision{Code: eval.CodeInternal, Detail: "a panic; see the alert before"}}, eval.Facts{}
		}
	}()
	m := c.message
	if !c.in.trustNamed(m.Trust, c.now) {
		return Answer{Stage: StageDigests, Code: CodeTrustMismatch, Reason: fmt.Errorf("pep: the trust document %s is not in force", m.Trust)}, eval.Facts{}
	}
	if !c.in.policyNamed(m.Policy, c.now) {
		return Answer{Stage: StageDigests, Code: CodePolicyMismatch, Reason: fmt.Errorf("pep: the policy %s is not in force", m.Policy)}, eval.Facts{}
	}
	args, err := parseArgs(m.Args)
	if err != nil {
		return Answer{Stage: StageRules, Code: eval.CodeInvalidArguments, Reason: err}, eval.Facts{}
	}
	if c.name == "" {
		c.name = c.senderText()
	}
	c.request = eval.Request{Subject: c.name, Action: m.Action, Resource: m.Resource, Args: args}
	if pr := c.in.program.Policy().Principals[c.name]; pr != nil {
		c.request.Kind = pr.Kind
	}
	if facts, err = c.facts(); err != nil {
		return Answer{Stage: StageRules, Code: CodeFacts, Reason: err}, eval.Facts{}
	}
	return c.settle(facts)
}

// settle has the rules decide, and changes what their answer changes: a permit uses up the approvals that it rests on, an ask waits.
func (c *decision) settle(facts eval.Facts) (Answer, eval.Facts) {
	v := c.judge(facts)
	if v.answer.Outcome == eval.Permit && len(v.nonces) > 0 {
		ok, err := c.pep.consume(v.nonces)
		if err != nil {
			return Answer{Stage: StageRules, Code: CodeNotRecorded, Reason: err}, v.facts
		}
		if !ok { // somebody else was faster
			c.delivery = &token.Delivery{Message: c.delivery.Message, Token: c.delivery.Token, Attestations: c.delivery.Attestations}
			v = c.judge(facts)
		}
	}
	if ask := v.answer.Ask; ask != nil {
		var ok bool
		var err error
		ask.Nonce, ask.Expires, ok, err = c.pep.newAsk(c.message.Sender, ask.Request, c.now)
		switch {
		case err != nil:
			return Answer{Stage: StageRules, Code: CodeNotRecorded, Reason: err}, v.facts
		case !ok:
			return Answer{Stage: StageRules, Code: CodeTooManyAsks, Reason: errors.New("pep: too many asks wait for approvals")}, v.facts
		}
	}
	return v.answer, v.facts
}

// A verdict is what the rules say.
type verdict struct {
	answer Answer
	facts  eval.Facts // that they have decided on
	nonces []token.ID // of the asks whose approvals a permit rests on, each once
}

// judge is the third stage. It changes nothing. A message that names what was in force before is decided by that as well.
func (c *decision) judge(facts eval.Facts) verdict {
	v, m, prev := c.rules(c.in, facts), c.message, c.in.previous
	if v.answer.Outcome == eval.Deny || prev == nil || m.Policy == c.in.digest && m.Trust == c.in.trustDigest {
		return v
	}
	then, before := *prev, *c
	then.revoked = c.in.revoked // what is revoked now counts under every policy
	before.in = &then
	if chain, err := c.pep.verifier.Verify(c.delivery.Token, before.in.terms(c.now)); err != nil {
		before.chain, before.chainErr = nil, err
	} else {
		before.chain = newLink(chain, before.in)
	}
	narrower := before.rules(before.in, facts)
	nonces := distinct(append(v.nonces, narrower.nonces...))
	if narrower.answer.Outcome < v.answer.Outcome {
		v = narrower
	}
	v.nonces = nonces
	return v
}

// facts asks the host, and puts in the place of what it can't know what was verified.
func (c *decision) facts() (eval.Facts, error) {
	var facts eval.Facts
	if ask := c.pep.cfg.Facts; ask != nil {
		call := Call{Sender: c.message.Sender, Request: c.request}
		if c.chain != nil {
			call.Chain = c.chain.chain
		}
		var err error
		if facts, err = ask(c.ctx, call); err != nil {
			return eval.Facts{}, err
		}
	}
	facts.Time, facts.Authority, facts.Attestations, facts.Approvals = c.now, nil, nil, nil
	return facts, nil
}

// rules is the third stage by one policy and trust document.
func (c *decision) rules(in *inForce, facts eval.Facts) verdict {
	if c.chain == nil {
		code := CodeToken
		var terr *token.Error
		if errors.As(c.chainErr, &terr) {
			code += eval.Code(terr.Reason)
		}
		return verdict{answer: Answer{Stage: StageRules, Code: code, Reason: c.chainErr}, facts: facts}
	}
	facts.Authority = c.chain.authority
	terms := in.terms(c.now)
	for _, raw := range c.delivery.Attestations {
		a, err := token.OpenAttestation(raw, terms)
		if err != nil {
			continue // a claim that doesn't hold is none
		}
		facts.Attestations = append(facts.Attestations, Attestation(a, in.trust))
	}
	var nonces []token.ID
	ask := token.Digest{}
	if len(c.delivery.Approvals) > 0 {
		ask = askDigest(in.trust.Realm(), c.message.Sender, eval.RequestDigest(c.request, facts))
		facts.Approvals, nonces = c.pep.approvals(in, c.delivery, terms, ask, c.message.Sender, eval.RequestDigest(c.request, facts))
	}
	d := in.program.Decide(c.request, facts)
	v := verdict{answer: Answer{Outcome: d.Outcome, Code: d.Code, Stage: StageRules, Decision: d}, facts: facts}
	if len(d.Used) > 0 {
		v.nonces = distinct(nonces)
	}
	if d.Outcome == eval.Ask {
		if ask.IsZero() {
			ask = askDigest(in.trust.Realm(), c.message.Sender, eval.RequestDigest(c.request, facts))
		}
		v.answer.Ask = &Ask{Request: ask, Policy: in.digest, Trust: in.trustDigest, Pending: d.Pending}
	}
	return v
}

// record gives the decision its place in the log.
func (c *decision) record(a Answer, facts eval.Facts) (Answer, audit.Ticket) {
	a.Message, a.Request = c.message, c.request
	if c.chain != nil {
		a.Chain = c.chain.chain
	}
	if a.Outcome == eval.Permit {
		a.basis = &basis{c.in, facts}
	}
	t, err := c.pep.queue(c.event(a, facts), c.now)
	if err != nil {
		// What can't be written as it is, such as a fact of the host that is no text, is written down without it: its number is used up.
		a = a.notRecorded(err)
		if t, err = c.pep.queue(c.event(a, eval.Facts{}), c.now); err != nil {
			return a, audit.Ticket{}
		}
	}
	a.Index = t.Index
	return a, t
}

// notRecorded is the deny in the place of an answer that can't be written down.
func (a Answer) notRecorded(err error) Answer {
	return Answer{Stage: a.Stage, Code: CodeNotRecorded, Message: a.Message, Request: a.Request, Reason: err}
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
		return c.chain.blocks[len(c.chain.blocks)-1].Audience
	}
	return c.message.Sender.String()
}

// event is the record of the decision.
func (c *decision) event(a Answer, facts eval.Facts) *audit.Decision {
	m, in := c.message, c.in
	facts.Time = c.now // also where no facts were asked for: it says until when the sender is remembered
	d := record.Decision(in.program, c.request, facts, a.Decision)
	d.Outcome, d.Code, d.Stage = audit.Outcome(a.Outcome.String()), string(a.Code), uint64(a.Stage)
	d.Sender, d.Recipient, d.Realm, d.Sequence = c.senderText(), c.pep.keyText, m.Realm, m.Sequence
	d.Policy, d.Trust = in.digest, in.trustDigest
	d.Token.Digest = m.Token
	if c.chain != nil {
		d.Token.Blocks = c.chain.blocks
	}
	if c.request.Resource.IsZero() { // refused before it was read
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
