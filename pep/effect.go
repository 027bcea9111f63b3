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
	in    *inForce
	facts eval.Facts
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
	if a.Outcome != eval.Permit || a.basis == nil {
		return nil, errNotPermitted
	}
	return a.basis.in.program.Effects(a.Request, a.basis.facts)
}

// Holds returns nil when a permit that has waited may still be acted on: its message isn't older than MaxAge, the policy and the trust document
// that it was decided by are in force or count as before them, and its token holds. Rules aren't asked again.
func (p *PEP) Holds(a Answer) error {
	if a.Outcome != eval.Permit || a.basis == nil {
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

// RecordEffect writes down how something ended that a decision permitted, and returns the index of the record once it is durable. The outcome is one
// word, "ok" or what went wrong; bytes were moved. The detail, which may be nil, is cut to MaxEffectDetail, and redacted where the policy doesn't let the log keep
// an argument of the request in full, since it might tell it.
func (p *PEP) RecordEffect(a Answer, outcome string, bytes int, detail error) (uint64, error) {
	if a.Outcome != eval.Permit || a.basis == nil {
		return 0, errNotPermitted
	}
	ev := &audit.Effect{Decision: a.Index, Agent: a.Request.Subject, Action: a.Request.Action, Resource: audit.Shown(a.Request.Resource.String()), Outcome: outcome, Bytes: uint64(max(bytes, 0))}
	if detail != nil && record.Shown(a.basis.in.program.Policy(), a.Request) {
		ev.Detail = shownDetail(detail)
	}
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
