package pep

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/token"
)

// inForce is what decisions are made by: immutable, and replaced as a whole.
type inForce struct {
	program     *eval.Program
	digest      token.Digest
	maxDepth    int
	maxTTL      time.Duration
	trust       *token.Trust
	trustDigest token.Digest
	revoked     *token.Revocations
	previous    *inForce  // what was in force before; nil when it doesn't count any more
	until       time.Time // until when previous counts
}

// remembers tells whether decisions depend on what was permitted before.
func (in *inForce) remembers() bool {
	return in.program.Remembers() || in.previous != nil && in.previous.program.Remembers()
}

func newInForce(program *eval.Program, trust *token.Trust, revoked *token.Revocations) *inForce {
	in := &inForce{program: program, digest: program.Policy().Digest(), trust: trust, trustDigest: trust.Digest(), revoked: revoked}
	in.maxDepth, in.maxTTL = Delegation(program.Policy())
	return in
}

// terms are what tokens and statements are held against.
func (in *inForce) terms(now time.Time) token.Terms {
	return token.Terms{Trust: in.trust, Revoked: in.revoked, Now: now, MaxDepth: in.maxDepth, MaxTTL: in.maxTTL}
}

func (in *inForce) rollover(now time.Time) *inForce {
	if in.previous != nil && now.Before(in.until) {
		return in.previous
	}
	return nil
}

// policyNamed reports whether a policy is in force, or was before and still counts.
func (in *inForce) policyNamed(d token.Digest, now time.Time) bool {
	prev := in.rollover(now)
	return d == in.digest || prev != nil && d == prev.digest
}

func (in *inForce) trustNamed(d token.Digest, now time.Time) bool {
	prev := in.rollover(now)
	return d == in.trustDigest || prev != nil && d == prev.trustDigest
}

// A chainCache keeps the links of verified chains: the verifier gives the same chain for the same bytes.
type chainCache struct {
	mu    sync.RWMutex
	trust token.Digest
	links map[*token.Chain]*link
}

// maxLinks bounds a chainCache; when it is full it begins anew.
const maxLinks = 4096

func (cc *chainCache) get(chain *token.Chain, in *inForce) *link {
	cc.mu.RLock()
	l := cc.links[chain]
	same := cc.trust == in.trustDigest
	cc.mu.RUnlock()
	if l != nil && same {
		return l
	}
	l = newLink(chain, in)
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.trust != in.trustDigest || len(cc.links) >= maxLinks {
		cc.links, cc.trust = nil, in.trustDigest
	}
	if cc.links == nil {
		cc.links = map[*token.Chain]*link{}
	}
	cc.links[chain] = l
	return l
}

func loadProgram(s Source) (*eval.Program, error) {
	p, diags := s.load()
	if p == nil {
		return nil, diags.Errors()
	}
	return eval.New(p), nil
}

// Policy returns the policy in force.
func (p *PEP) Policy() *lang.Program { return p.inForce.Load().program.Policy() }

// Trust returns the trust document in force.
func (p *PEP) Trust() *token.Trust { return p.inForce.Load().trust }

// Reload reads the policy again. When it doesn't check, the error says why and the old one stays in force. The change is in the log before it counts. A
// policy that means the same changes nothing.
func (p *PEP) Reload() error {
	program, err := loadProgram(p.cfg.Policy)
	if err != nil {
		return err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	old := p.inForce.Load()
	next := newInForce(program, old.trust, old.revoked)
	if next.digest == old.digest {
		return nil
	}
	change := audit.Change{Old: old.digest, New: next.digest, By: orDefault(p.cfg.Program, "moat")}
	return p.replace(old, next, func(until time.Time) audit.Event {
		change.Until = until
		return &audit.PolicyChange{Change: change}
	})
}

// SetTrust puts a trust document in the place of the one in force. It must have a higher sequence number; the number is remembered, so
// that an older document is refused after a restart too.
func (p *PEP) SetTrust(text []byte) error {
	trust, err := token.ParseTrust(text)
	if err != nil {
		return err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	old := p.inForce.Load()
	if trust.Digest() == old.trustDigest {
		return nil
	}
	if err := trust.Supersedes(old.trust); err != nil {
		return err
	}
	if err := p.state.put(bucketMeta, keyTrust, text); err != nil {
		return fmt.Errorf("pep: the trust document can't be kept: %w", err)
	}
	change := audit.Change{Old: old.trustDigest, New: trust.Digest(), By: orDefault(p.cfg.Program, "moat")}
	return p.replace(old, newInForce(old.program, trust, old.revoked), func(until time.Time) audit.Event {
		change.Until = until
		return &audit.TrustChange{Change: change}
	})
}

// replace puts next in force once that is in the log. The caller holds p.changing.
func (p *PEP) replace(old, next *inForce, event func(until time.Time) audit.Event) error {
	now, ok := p.time.tell()
	if !ok {
		return errors.New("pep: the clock can't be believed; see AcknowledgeClock")
	}
	var until time.Time
	if p.cfg.Rollover > 0 {
		before := *old
		before.previous = nil
		until = now.Add(p.cfg.Rollover)
		next.previous, next.until = &before, until
	}
	_, err := p.append(event(until), now)
	if err != nil {
		return fmt.Errorf("pep: the change can't be written down, so it isn't made: %w", err)
	}
	p.inForce.Store(next)
	return nil
}

// Revoke takes a signed revocation list into use. When it returns nil, the list is durable and holds for every decision that begins from
// then on. It refuses what [token.Revocations.With] refuses: a key without standing, a lower sequence number, other content under a known one.
func (p *PEP) Revoke(signed []byte) error {
	list, err := token.OpenRevocations(signed)
	if err != nil {
		return err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	old := p.inForce.Load()
	revoked, err := old.revoked.With(old.trust, list)
	if err != nil {
		return err
	}
	if err := p.state.put(bucketRevoked, list.Signer[:], signed); err != nil {
		return fmt.Errorf("pep: the list can't be kept, so it isn't used: %w", err)
	}
	next := *old
	next.revoked = revoked
	// In force before it is in the log: should that fail, more is refused than was written down, not less.
	p.inForce.Store(&next)
	ev := &audit.Revocation{Issuer: list.Signer.String(), List: sha256.Sum256(signed), Sequence: list.Sequence, NextUpdate: list.NextUpdate}
	for _, k := range list.Keys {
		ev.Keys = append(ev.Keys, k.String())
	}
	for _, r := range list.Items {
		ev.Blocks = append(ev.Blocks, r.Issuer.String()+" "+r.ID.String())
	}
	for _, d := range list.Digests {
		ev.Digests = append(ev.Digests, d.String())
	}
	now, _ := p.time.tell()
	if _, err := p.append(ev, now); err != nil {
		return fmt.Errorf("pep: the list is in use, but that can't be written down: %w", err)
	}
	return nil
}
