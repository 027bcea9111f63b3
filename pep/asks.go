package pep

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/token"
)

// A pendingAsk waits for approvals. It is gone once they have been used, so that none counts twice.
type pendingAsk struct {
	sender  token.Key
	request token.Digest
	expires time.Time
}

const askSize = len(token.Key{}) + len(token.Digest{}) + 8

func (a *pendingAsk) encode() []byte {
	out := append(append(make([]byte, 0, askSize), a.sender[:]...), a.request[:]...)
	return binary.BigEndian.AppendUint64(out, uint64(a.expires.Unix()))
}

func decodeAsk(v []byte) (*pendingAsk, bool) {
	if len(v) != askSize {
		return nil, false
	}
	n := len(token.Key{})
	return &pendingAsk{token.Key(v[:n]), token.Digest(v[n : n+32]), time.Unix(int64(binary.BigEndian.Uint64(v[n+32:])), 0)}, true
}

// askDigest identifies what is asked for: the request with its facts, by [eval.RequestDigest], who sends it, and where. An approval is bound to it.
func askDigest(realm string, sender token.Key, request [32]byte) token.Digest {
	h := sha256.New()
	h.Write([]byte("moat/ask/1\x00"))
	h.Write([]byte(realm))
	h.Write([]byte{0})
	h.Write(sender[:])
	h.Write(request[:])
	return token.Digest(h.Sum(nil))
}

// approvals are those of the delivery that count for a request: verified, by somebody with a name, for an ask that waits and was for just this request, under
// the policy and the trust document in force. The others are left out: a request with an approval that doesn't count is one without.
func (p *PEP) approvals(in *inForce, d *token.Delivery, terms token.Terms, ask token.Digest, call token.Key, request [32]byte) (out []eval.Approval, nonces []token.ID) {
	for _, raw := range d.Approvals {
		a, err := token.OpenApproval(raw, terms)
		if err != nil || a.Request != ask || a.Policy != in.digest || a.Trust != in.trustDigest {
			continue
		}
		by, named := in.trust.Name(a.Approver)
		p.mu.Lock()
		pending := p.asks[a.Nonce]
		p.mu.Unlock()
		if !named || pending == nil || pending.request != ask || pending.sender != call || !terms.Now.Before(pending.expires) {
			continue
		}
		out = append(out, eval.Approval{Rule: a.Rule, By: by, At: a.NotBefore, Request: request, Policy: in.digest})
		nonces = append(nonces, a.Nonce)
	}
	return out, nonces
}

// consume takes asks out, so that their approvals are used up. It reports false when one was taken already. What it returns is durable.
func (p *PEP) consume(nonces []token.ID) (bool, error) {
	p.mu.Lock()
	for _, n := range nonces {
		if p.asks[n] == nil {
			p.mu.Unlock()
			return false, nil
		}
	}
	for _, n := range nonces {
		delete(p.asks, n)
	}
	p.mu.Unlock()
	return true, p.state.deleteAsks(nonces)
}

// newAsk remembers an ask, or finds the one that waits for the same. It reports false when too many wait.
func (p *PEP) newAsk(sender token.Key, request token.Digest, now time.Time) (nonce token.ID, expires time.Time, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := 0 // of this sender
	for n, a := range p.asks {
		switch {
		case a.sender != sender || !now.Before(a.expires):
		case a.request == request:
			return n, a.expires, true, nil
		default:
			waiting++
		}
	}
	if waiting >= MaxAsks || len(p.asks) >= MaxAllAsks {
		return token.ID{}, time.Time{}, false, nil
	}
	if nonce, err = token.NewID(rand.Reader); err != nil {
		return token.ID{}, time.Time{}, false, err
	}
	a := &pendingAsk{sender: sender, request: request, expires: now.Add(AskTTL).Truncate(time.Second)}
	// Written while the lock is held: asks are as rare as people are, and whoever asks the same at once must get the same nonce.
	if err := p.state.put(bucketAsks, nonce[:], a.encode()); err != nil {
		return token.ID{}, time.Time{}, false, err
	}
	p.asks[nonce] = a
	return nonce, a.expires, true, nil
}
