package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"sync"

	"filippo.io/edwards25519"
)

// A knownKey is a key with the point of the curve that it stands for, which crypto/ed25519 works out again for each signature: a sixteenth of the time
// that one takes. Roots are such, and who sends a message, since they make more signatures than one.
type knownKey struct {
	key   Key
	minus edwards25519.Point // the point, negated
}

func newKnownKey(k Key) (*knownKey, bool) {
	point, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil {
		return nil, false
	}
	s := &knownKey{key: k}
	s.minus.Negate(point)
	return s, true
}

// verify does what ed25519.Verify does, and accepts just the same (RFC 8032 section 5.1.7, without the cofactor): with the signature (R, S) and the hash h of R,
// key and message, it holds when [S]B - [h]A is encoded as R.
func (s *knownKey) verify(message []byte, signature *[ed25519.SignatureSize]byte) bool {
	hash := sha512.New()
	hash.Write(signature[:32])
	hash.Write(s.key[:])
	hash.Write(message)
	var sum [sha512.Size]byte
	var h, S edwards25519.Scalar
	if _, err := h.SetUniformBytes(hash.Sum(sum[:0])); err != nil {
		return false
	}
	if _, err := S.SetCanonicalBytes(signature[32:]); err != nil {
		return false
	}
	var R edwards25519.Point
	return bytes.Equal(R.VarTimeDoubleScalarBaseMult(&h, &s.minus, &S).Bytes(), signature[:32])
}

// senderKeys remembers the keys under which messages have verified, in two generations as a Verifier does tokens. The zero senderKeys is empty; nil remembers
// nothing.
type senderKeys struct {
	mu         sync.RWMutex
	young, old map[Key]*knownKey
}

// maxSenderKeys bounds each generation: some 200 bytes a key.
const maxSenderKeys = 1024

// verify reports whether a key made a signature, and remembers one that did.
func (c *senderKeys) verify(k *Key, message []byte, signature *[ed25519.SignatureSize]byte) bool {
	if c == nil {
		return ed25519.Verify(k[:], message, signature[:])
	}
	c.mu.RLock()
	s := c.young[*k]
	known := s != nil
	if !known {
		s = c.old[*k]
	}
	c.mu.RUnlock()
	if s == nil {
		var ok bool
		if s, ok = newKnownKey(*k); !ok {
			return false
		}
	}
	if !s.verify(message, signature) {
		return false
	}
	if !known {
		c.add(s)
	}
	return true
}

func (c *senderKeys) add(s *knownKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxSenderKeys {
		c.young, c.old = map[Key]*knownKey{}, c.young
	}
	c.young[s.key] = s
}
