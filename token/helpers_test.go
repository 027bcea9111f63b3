package token

import (
	"crypto/sha512"
	"slices"

	"crypto/ed25519"
	"math/rand/v2"

	"filippo.io/edwards25519"
	"github.com/fxamacker/cbor/v2"

	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/moat-lang/moat/resource"
)

// now is when everything in the tests happens.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// who makes the identity with a number, always the same.
func who(role Role, n byte) *Identity {
	id, err := NewIdentity(role, bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		panic(err)
	}
	return id
}

var (
	rootKey    = who(RoleRoot, 1)
	otherRoot  = who(RoleRoot, 2)
	alice      = who(RoleAgent, 11) // the agents
	bob        = who(RoleAgent, 12)
	carol      = who(RoleAgent, 13)
	mallory    = who(RoleAgent, 66)
	revoker    = who(RoleRevocation, 21)
	attester   = who(RoleAttester, 31)
	approver   = who(RoleApprover, 41)
	enforcer   = who(RoleLog, 51)
	everything = []Grant{grant("read write execute connect use delegate", "file:///**", "https://**", "tool://**", "secret://**", "agent://**")}
)

// grant makes a grant of actions separated by spaces.
func grant(actions string, patterns ...string) Grant {
	var g Grant
	for _, a := range bytes.Fields([]byte(actions)) {
		g.Actions = append(g.Actions, string(a))
	}
	for _, p := range patterns {
		q, err := ParsePattern(p)
		if err != nil {
			panic(err)
		}
		g.Resources = append(g.Resources, q)
	}
	return g
}

func name(s string) resource.Name {
	n, err := resource.Parse(s)
	if err != nil {
		panic(err)
	}
	return n
}

// block makes a block for an audience, an hour long, that the changes are made to.
func block(audience *Identity, depth int, change ...func(*Block)) Block {
	b := Block{
		Realm: "test", Audience: audience.Key(), ID: ID{byte(depth + 1)}, Depth: depth,
		NotBefore: now.Add(-time.Minute), Expires: now.Add(time.Hour),
		Grants: []Grant{grant("read", "file:///srv/**")},
	}
	for _, c := range change {
		c(&b)
	}
	return b
}

func grants(gs ...Grant) func(*Block) { return func(b *Block) { b.Grants = gs } }

// trustText is a trust document with the usual keys, that the changes are made to.
func trustText(change ...func(map[string]any)) []byte {
	doc := map[string]any{
		"version": 1, "realm": "test", "sequence": 7,
		"roots": []any{map[string]any{"key": rootKey.Key().String(), "max_ttl": "24h", "max_depth": 16,
			"grants": []any{map[string]any{
				"actions":   []string{"read", "write", "execute", "connect", "use", "delegate"},
				"resources": []string{"file:///**", "https://**", "tool://**", "secret://**", "agent://**"}}}}},
		"names":   map[string]any{"alice": alice.Key().String(), "bob": bob.Key().String(), "carol": carol.Key().String(), "ann": approver.Key().String()},
		"issuers": []any{map[string]any{"key": attester.Key().String(), "claims": []string{"Staff"}}},
	}
	for _, c := range change {
		c(doc)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return text
}

func trusting(t testing.TB, change ...func(map[string]any)) *Trust {
	t.Helper()
	trust, err := ParseTrust(trustText(change...))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func terms(t testing.TB, change ...func(map[string]any)) Terms {
	return Terms{Trust: trusting(t, change...), Now: now}
}

// minted is the token of a root for an audience.
func minted(t testing.TB, b Block) []byte {
	t.Helper()
	raw, err := Mint(rootKey, b)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func attenuated(t testing.TB, parent []byte, by *Identity, b Block) []byte {
	t.Helper()
	raw, err := Attenuate(parent, by, b)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// refused fails unless err is of the reason.
func refused(t testing.TB, err error, want Reason) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, want) {
		t.Fatalf("want %s, got %T %v", want, err, show(err))
	}
}

func show(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: %s", e.Reason, e)
	}
	return fmt.Sprint(err)
}

func ed25519Sign(by *Identity, message []byte) []byte { return ed25519.Sign(by.private, message) }

func cborRaw(b []byte) cbor.RawMessage { return cbor.RawMessage(b) }

func newRandom(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 1)) }

// weakKeys are encodings of points of small order, and encodings that aren't canonical: all of the first, and some of the
// second.
func weakKeys(t testing.TB) (keys []Key) {
	// The torsion subgroup, from the point of order 8 that RFC 8032's curve has.
	generator, err := new(edwards25519.Point).SetBytes(smallOrder[3][:])
	if err != nil {
		t.Fatal(err)
	}
	p := edwards25519.NewIdentityPoint()
	for range 8 {
		k := Key(p.Bytes())
		keys = append(keys, k)
		k[31] ^= 0x80 // -0, where x is 0
		keys = append(keys, k)
		p.Add(p, generator)
	}
	if p.Equal(edwards25519.NewIdentityPoint()) != 1 {
		t.Fatal("the generator hasn't the order 8")
	}
	for y := 0xed; y <= 0xff; y++ { // p up to 2^255-1
		k := Key(bytes.Repeat([]byte{0xff}, 32))
		k[0], k[31] = byte(y), 0x7f
		keys = append(keys, k)
		k[31] = 0xff
		keys = append(keys, k)
	}
	return keys
}

// mustWith adds a list of a signer to what is known.
func mustWith(t testing.TB, rs *Revocations, trust *Trust, by *Identity, l RevocationList) *Revocations {
	t.Helper()
	next, err := rs.With(trust, opened(t, by, l))
	if err != nil {
		t.Fatal(show(err))
	}
	return next
}

// opened signs a list, with what is left out filled in, and opens it.
func opened(t testing.TB, by *Identity, l RevocationList) *RevocationList {
	t.Helper()
	if l.Realm == "" {
		l.Realm = "test"
	}
	if l.Issued.IsZero() {
		l.Issued, l.NextUpdate = now, now.Add(time.Hour)
	}
	raw, err := SignRevocations(by, l)
	if err != nil {
		t.Fatal(show(err))
	}
	out, err := OpenRevocations(raw)
	if err != nil {
		t.Fatal(show(err))
	}
	return out
}

// otherSignature signs with an r of its own (RFC 8032 section 5.1.6 would derive it): it holds as well as the usual one.
func otherSignature(t testing.TB, by *Identity, message []byte) []byte {
	t.Helper()
	return signAs(t, by.private.Seed(), by.key[:], message)
}

// signAs signs with the secret of a seed, and has the signature say that it is for another key, if that isn't the seed's.
func signAs(t testing.TB, seed, key, message []byte) []byte {
	t.Helper()
	scalar := func(b []byte, set func([]byte) (*edwards25519.Scalar, error)) *edwards25519.Scalar {
		s, err := set(b)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h := sha512.Sum512(seed)
	secret := scalar(h[:32], edwards25519.NewScalar().SetBytesWithClamping)
	r := scalar(bytes.Repeat([]byte{7}, 64), edwards25519.NewScalar().SetUniformBytes)
	sig := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	k := sha512.Sum512(slices.Concat(sig, key, message))
	challenge := scalar(k[:], edwards25519.NewScalar().SetUniformBytes)
	return append(sig, edwards25519.NewScalar().MultiplyAdd(challenge, secret, r).Bytes()...)
}

func cborUnmarshal(b []byte, v any) error { return cbor.Unmarshal(b, v) }
