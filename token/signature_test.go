package token

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"math/rand/v2"
	"testing"

	"filippo.io/edwards25519"
)

// agrees holds verify against crypto/ed25519, and returns what both say.
func agrees(t *testing.T, key, message, signature []byte) bool {
	t.Helper()
	want := ed25519.Verify(key, message, signature)
	s, ok := newKnownKey(Key(key))
	for range 2 { // the second time with multiples of the key's point
		if got := ok && s.verify(message, (*[ed25519.SignatureSize]byte)(signature)); got != want {
			t.Errorf("%v, and crypto/ed25519 says %v: key %x, message %x, signature %x, multiples %v", got, want, key, message, signature, s.multiples.Load() != nil)
		}
		if ok {
			s.multiples.Store(newMultiples(&s.minus))
		}
	}
	return want
}

func TestKnownKeyAgreesWithEd25519(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	random := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(r.Uint32())
		}
		return out
	}
	accepted := 0
	for range 200 {
		private := ed25519.NewKeyFromSeed(random(32))
		key, message := []byte(private.Public().(ed25519.PublicKey)), random(r.IntN(300))
		signature := ed25519.Sign(private, message)
		if !agrees(t, key, message, signature) {
			t.Fatal("a good signature is refused")
		}
		for range 8 {
			k, m, s := bytes.Clone(key), bytes.Clone(message), bytes.Clone(signature)
			switch where := r.IntN(4); {
			case where == 0:
				k[r.IntN(32)] ^= 1 << r.IntN(8)
			case where == 1 && len(m) > 0:
				m[r.IntN(len(m))] ^= 1 << r.IntN(8)
			default:
				s[r.IntN(64)] ^= 1 << r.IntN(8)
			}
			if agrees(t, k, m, s) {
				t.Errorf("a changed signature is taken: %x %x %x", k, m, s)
			}
		}
		// S, and S with the order of the group added once and more, which is another spelling of it.
		S := new(big.Int).SetBytes(reversed(signature[32:]))
		for S.Add(S, order).BitLen() <= 256 {
			s := append(bytes.Clone(signature[:32]), reversed(S.FillBytes(make([]byte, 32)))...)
			if agrees(t, key, message, s) {
				t.Errorf("S is taken in another spelling: %x", s)
			}
		}
		// Keys and R of small order, and spellings that aren't canonical: what holds under them is odd, but must be the same.
		for i := range smallOrder {
			for _, sign := range []byte{0, 0x80} {
				odd := smallOrder[i]
				odd[31] |= sign
				s := append(bytes.Clone(odd[:]), make([]byte, 32)...)
				for _, k := range [][]byte{key, odd[:]} {
					if agrees(t, k, message, s) {
						accepted++
					}
				}
				agrees(t, odd[:], message, signature)
			}
		}
		huge := bytes.Repeat([]byte{0xff}, 32)
		huge[0], huge[31] = 0xed+byte(r.IntN(19)), 0x7f|byte(r.Uint32())&0x80
		agrees(t, huge, message, signature)
		agrees(t, key, message, append(huge, signature[32:]...))
	}
	if accepted == 0 {
		t.Error("no odd signature holds under a key of small order: these cases show nothing")
	}
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[len(b)-1-i] = b[i]
	}
	return out
}

// A point with a part of small order: crypto/ed25519 verifies without the cofactor, and so must this.
func TestKnownKeyMixedOrder(t *testing.T) {
	seed := bytes.Repeat([]byte{3}, 32)
	private := ed25519.NewKeyFromSeed(seed)
	a, _ := new(edwards25519.Point).SetBytes(private.Public().(ed25519.PublicKey))
	torsion, err := new(edwards25519.Point).SetBytes(smallOrder[3][:])
	if err != nil {
		t.Fatal(err)
	}
	mixed := new(edwards25519.Point).Add(a, torsion).Bytes()
	holds := 0
	for i := range 64 {
		// Signed for the mixed key: [S]B = R + [h]A holds but for the torsion times h, which vanishes for one h in eight.
		message := []byte{byte(i)}
		if agrees(t, mixed, message, signAs(t, seed, mixed, message)) {
			holds++
		}
	}
	if holds == 0 || holds == 64 {
		t.Errorf("%d of 64 hold", holds)
	}
}

func TestKnownKeysAreBounded(t *testing.T) {
	var c senderKeys
	message := []byte("m")
	for i := range 3*maxSenderKeys + 5 {
		seed := make([]byte, 32)
		seed[0], seed[1] = byte(i), byte(i>>8)
		private := ed25519.NewKeyFromSeed(seed)
		k := Key(private.Public().(ed25519.PublicKey))
		signature := [64]byte(ed25519.Sign(private, message))
		for range 2 { // the second time under a remembered key
			if !c.verify(&k, message, &signature) {
				t.Fatal("refused")
			}
		}
		if signature[0] ^= 1; c.verify(&k, message, &signature) {
			t.Fatal("taken under a remembered key")
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxSenderKeys {
		t.Errorf("%d keys are remembered", n)
	}
	// A key that made nothing is not remembered.
	stranger, n := Key{9}, len(c.young)
	if c.verify(&stranger, message, new([64]byte)) || len(c.young) != n {
		t.Error("remembered without a signature")
	}
}

// Multiples of a point give what the library's own multiplication gives, for the scalars whose digits carry as well.
func TestMultiples(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	scalar := func(b []byte) *edwards25519.Scalar {
		s, err := new(edwards25519.Scalar).SetUniformBytes(append(b, make([]byte, 64-len(b))...)) // taken modulo the order
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var scalars []*edwards25519.Scalar
	for _, b := range []byte{0, 1, 0x07, 0x08, 0x70, 0x78, 0x7f, 0x80, 0x87, 0x88, 0xf8, 0xff} {
		for _, n := range []int{1, 2, 31} {
			scalars = append(scalars, scalar(bytes.Repeat([]byte{b}, n)))
		}
		scalars = append(scalars, scalar(append(bytes.Repeat([]byte{b}, 31), 0x0f)))
	}
	one := scalar([]byte{1})
	scalars = append(scalars, new(edwards25519.Scalar).Negate(one)) // the largest
	for range 20 {
		b := make([]byte, 64)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		scalars = append(scalars, scalar(b))
	}
	points := []*edwards25519.Point{edwards25519.NewIdentityPoint(), edwards25519.NewGeneratorPoint()}
	for i := range smallOrder {
		if p, err := new(edwards25519.Point).SetBytes(smallOrder[i][:]); err == nil {
			points = append(points, p, new(edwards25519.Point).Add(p, points[1]))
		}
	}
	points = append(points, new(edwards25519.Point).ScalarBaseMult(scalars[len(scalars)-1]))
	for _, p := range points {
		m := newMultiples(p)
		for i, a := range scalars {
			b := scalars[(i*7+3)%len(scalars)]
			var got, want edwards25519.Point
			if m.combine(&got, a, b); got.Equal(want.VarTimeDoubleScalarBaseMult(a, p, b)) != 1 {
				t.Fatalf("%x times %x, and the base point times %x", p.Bytes(), a.Bytes(), b.Bytes())
			}
		}
	}
}

func TestMultiplesComeWithUse(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	s, _ := newKnownKey(Key(private.Public().(ed25519.PublicKey)))
	message := []byte("m")
	good := [64]byte(ed25519.Sign(private, message))
	for i := range 2 * manySignatures {
		if there := s.multiples.Load() != nil; there != (i >= manySignatures) {
			t.Fatalf("after %d signatures: %v", i, there)
		}
		bad := good
		bad[i]++
		if s.verify(message, &bad) || !s.verify(message, &good) {
			t.Fatal(i)
		}
	}
}
