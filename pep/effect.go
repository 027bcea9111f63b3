package pep

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/token"
)

// A basis is what a permit was decided by, for whoever acts on it later.
type basis struct {
	pep          *PEP
	call         uint64 // in whose course it was decided; 0: it came by itself
	in           *inForce
	facts        eval.Facts
	token        []byte
	attestations [][]byte // that came with the message
}

// MaxEffectDetail bounds the detail of an effect in the log, in bytes.
const MaxEffectDetail = 1 << 10

var errNotPermitted = errors.New("pep: the answer is no permit of a PEP")

// Terms are what statements and tokens are held against at this moment. When the clock can't be believed there are none, and nothing holds.
func (p *PEP) Terms() token.Terms {
	now, ok := p.time.tell()
	if !ok {
		return token.Terms{}
	}
	return p.inForce.Load().terms(now)
}

// Effects lists what a permitted call does beside itself: what the decision was about, by the policy and the facts that it was made by.
func (a Answer) Effects() ([]eval.Effect, error) {
	if !a.permits() {
		return nil, errNotPermitted
	}
	return a.basis.in.program.Effects(a.Request, a.basis.facts)
}

// Holds returns nil when a permit that has waited may still be acted on: its message isn't older than MaxAge, the policy and the trust document
// that it was decided by are in force or count as before them, and its token holds. Rules aren't asked again.
func (p *PEP) Holds(a Answer) error {
	if !a.permits() {
		return errNotPermitted
	}
	now, ok := p.time.tell()
	in := p.inForce.Load()
	switch {
	case !ok:
		return errors.New("pep: the wall clock has jumped ahead of the monotonic one; see AcknowledgeClock")
	case now.Sub(a.Message.Time) > MaxAge:
		return fmt.Errorf("pep: the message is more than %s old: %w", MaxAge, token.Expired)
	case !in.policyNamed(a.basis.in.digest, now):
		return fmt.Errorf("pep: the policy %s is no longer in force", token.Digest(a.basis.in.digest))
	case !in.trustNamed(a.basis.in.trustDigest, now):
		return fmt.Errorf("pep: the trust document %s is no longer in force", a.basis.in.trustDigest)
	}
	_, err := p.verifier.Verify(a.Chain.Token(), in.terms(now))
	return err
}

// Refuse counts a message that was turned away before it came here, such as one that is too large, and answers as Decide does to whoever
// isn't authenticated.
func (p *PEP) Refuse(reason error) Answer {
	if p == nil || p.log == nil {
		return Answer{Code: CodeClosed}
	}
	return p.nobody(reason)
}

// An Ending is how something ended that was permitted.
type Ending struct {
	Outcome string // one word: "ok", or what went wrong
	Status  int    // of HTTP, where there is one
	Bytes   int64  // that were moved
	Detail  error  // nil, or more about it, of which the log keeps MaxEffectDetail
}

// RecordEffect writes down how something ended that a decision permitted, and returns the index of the record once it is durable. The detail is redacted
// where the policy doesn't let the log keep an argument of the request in full, since it might tell it.
func (p *PEP) RecordEffect(a Answer, e Ending) (uint64, error) {
	if !p.permitted(&a) {
		return 0, errNotPermitted
	}
	ev := &audit.Effect{Decision: a.Index, Agent: a.Request.Subject, Action: a.Request.Action, Resource: audit.Shown(a.Request.Resource.String()),
		Outcome: e.Outcome, Status: uint64(max(e.Status, 0)), Bytes: uint64(max(e.Bytes, 0)), Detail: a.detail(e.Detail)}
	return p.recordEnd(ev)
}

// permits reports whether an answer is a PEP's permit.
func (a *Answer) permits() bool { return a.Outcome == eval.Permit && a.basis != nil }

// detail is what the log may show of an error.
func (a *Answer) detail(err error) audit.Field {
	if err == nil || !record.Shown(a.basis.in.program.Policy(), a.Request) {
		return audit.Field{}
	}
	return shownDetail(err)
}

func (p *PEP) recordEnd(ev audit.Event) (uint64, error) {
	now, _ := p.time.tell()
	t, err := p.append(ev, now)
	if err != nil {
		return 0, fmt.Errorf("pep: how it ended can't be written down: %w", err)
	}
	return t.Index, nil
}

func shownDetail(err error) audit.Field {
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > MaxEffectDetail {
		text = strings.ToValidUTF8(text[:MaxEffectDetail], "")
	}
	return audit.Shown(text)
}
