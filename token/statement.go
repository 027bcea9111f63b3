package token

import (
	"time"
)

// Terms are what a token or a statement is held against each time that it is used.
type Terms struct {
	Trust   *Trust       // nil refuses everything
	Revoked *Revocations // nil: no list is known
	Now     time.Time
	// MaxDepth and MaxTTL are max_depth and max_ttl of the policy's `delegation`: how many blocks a token may have, and for
	// how long each may be valid. Zero stands for a policy that doesn't say: MaxBlocks, and no bound.
	MaxDepth int
	MaxTTL   time.Duration
}

// A window is when something is valid: from the first time, until before the second.
type window struct{ from, until int64 }

func (w window) at(now int64) *Error {
	switch {
	case now < w.from:
		return refuse(NotYetValid, "valid from %s", utc(w.from))
	case now >= w.until:
		return refuse(Expired, "expired at %s", utc(w.until))
	}
	return nil
}

func utc(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// seconds writes a time as whole seconds since 1970.
func (w *writer) seconds(key int, t time.Time) {
	w.field(key)
	w.number(uint64(t.Unix()))
}

// window reads two fields with times.
func (f *fields) window(from, until int, notBefore, expires *time.Time) {
	f.must(from, "not_before")
	*notBefore = f.seconds("not_before")
	f.must(until, "expires")
	*expires = f.seconds("expires")
	if f.err == nil && !expires.After(*notBefore) {
		f.fail(Field, "it expires before it is valid")
	}
}

// sealed signs a payload and reads it again, so that nothing is signed that a verifier refuses.
func sealed(k *kind, by *Identity, payload []byte, open func([]byte) error) ([]byte, error) {
	raw, err := k.seal(by, payload)
	if err != nil {
		return nil, err
	}
	if err := open(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// accept holds a verified statement against the terms.
func (terms *Terms) accept(realm string, w window, signer Key, id ID, digest Digest, about ...Key) *Error {
	if terms.Trust == nil {
		return refuse(BadTrust, "there is no trust document")
	}
	if realm != terms.Trust.realm {
		return refuse(Realm, "made for the realm %s, not %s", quote(realm), quote(terms.Trust.realm))
	}
	now := terms.Now.Unix()
	if err := w.at(now); err != nil {
		return err
	}
	return terms.Revoked.statement(terms.Trust, now, signer, id, digest, about...)
}
