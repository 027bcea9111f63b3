package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"sync"
	"sync/atomic"

	"filippo.io/edwards25519"
)

// A knownKey is a key with the point of the curve that it stands for, which crypto/ed25519 works out again for each signature: a sixteenth of the time
// that one takes. Roots are such, and who sends a message, since they make more signatures than one; and for those that make several, multiples of the point
// are worked out as well, with which a signature takes less than half of the time.
type knownKey struct {
	key       Key
	minus     edwards25519.Point // the point, negated
	held      atomic.Uint32      // signatures, before there are multiples
	multiples atomic.Pointer[multiples]
}

// manySignatures is how many signatures of a key hold before multiples of its point are worked out, which takes as long as one or two of them.
const manySignatures = 4

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
	m := s.multiples.Load()
	if m != nil {
		m.combine(&R, &h, &S)
	} else {
		R.VarTimeDoubleScalarBaseMult(&h, &s.minus, &S)
	}
	if !bytes.Equal(R.Bytes(), signature[:32]) {
		return false
	}
	if m == nil && s.held.Add(1) == manySignatures {
		s.multiples.Store(newMultiples(&s.minus))
	}
	return true
}

// multiples are a point times j+1 times 2^16i at [i][j]: 20 KiB, with which the point times a scalar takes 12 doublings instead of 252.
type multiples [16][8]edwards25519.Point

func newMultiples(p *edwards25519.Point) *multiples {
	m, first := new(multiples), *p
	for i := range m {
		tabulate(m[i][:], &first)
	}
	return m
}

// baseMultiples are the same of the base point, which is the same for all keys, so that more of them pay: 320 KiB.
var baseMultiples = sync.OnceValue(func() *[16][128]edwards25519.Point {
	m, first := new([16][128]edwards25519.Point), *edwards25519.NewGeneratorPoint()
	for i := range m {
		tabulate(m[i][:], &first)
	}
	return m
})

// tabulate fills a row with a point's multiples, and then multiplies the point by 2^16.
func tabulate(row []edwards25519.Point, p *edwards25519.Point) {
	row[0] = *p
	for j := 1; j < len(row); j++ {
		row[j].Add(&row[j-1], p)
	}
	for range 16 {
		p.Add(p, p)
	}
}

// combine sets v to a times the point plus b times the base point. The time it takes depends on the scalars, which are no secrets: they come from what was signed.
func (m *multiples) combine(v *edwards25519.Point, a, b *edwards25519.Scalar) {
	base := baseMultiples()
	as, bs := digits(a, 4), digits(b, 8)
	v.Set(edwards25519.NewIdentityPoint())
	for d := 3; d >= 0; d-- { // of four digits in a row, the last ones of all rows are added first
		if d < 3 {
			for range 4 {
				v.Add(v, v)
			}
		}
		for i := range m {
			addMultiple(v, m[i][:], as[4*i+d])
			if d%2 == 0 {
				addMultiple(v, base[i][:], bs[2*i+d/2])
			}
		}
	}
}

// addMultiple adds a row's point times n.
func addMultiple(v *edwards25519.Point, row []edwards25519.Point, n int16) {
	switch {
	case n > 0:
		v.Add(v, &row[n-1])
	case n < 0:
		v.Subtract(v, &row[-n-1])
	}
}

// digits writes a scalar as a sum of digits[i] times 2^(i*bits), bits being 4 or 8, each digit from -2^(bits-1) to 2^(bits-1)-1. Since the scalar is less than 2^253,
// nothing is carried out of the last one.
func digits(scalar *edwards25519.Scalar, bits int) (out [64]int16) {
	carry, n := int16(0), 0
	for _, b := range scalar.Bytes() {
		for shift := 0; shift < 8; shift += bits {
			digit := int16(b>>shift)&(1<<bits-1) + carry
			carry = (digit + 1<<(bits-1)) >> bits
			out[n] = digit - carry<<bits
			n++
		}
	}
	return out
}

// senderKeys remembers the keys under which messages have verified, in two generations as a Verifier does tokens. The zero senderKeys is empty; nil remembers
// nothing.
type senderKeys struct {
	mu         sync.RWMutex
	young, old map[Key]*knownKey
}

// maxSenderKeys bounds each generation: 20 KiB a key, so 20 MiB in all.
const maxSenderKeys = 512

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
