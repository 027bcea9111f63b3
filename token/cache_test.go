package token

import (
	"crypto/ed25519"
	"fmt"
	"sync"
	"testing"
	"time"
)

// entries counts what a verifier remembers.
func (v *Verifier) entries() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.young) + len(v.old)
}

func TestCacheKnowsPrefixesAndIsBounded(t *testing.T) {
	with := terms(t)
	v := NewVerifier(Options{CacheBytes: 20_000})
	token := attenuated(t, attenuated(t, minted(t, block(alice, 3)), alice, block(bob, 2)), bob, block(carol, 1))
	first, err := v.Verify(token, with)
	if err != nil {
		t.Fatal(show(err))
	}
	if n := v.entries(); n != 3 {
		t.Errorf("%d entries for three blocks", n)
	}
	again, err := v.Verify(token, with)
	if err != nil || again != first {
		t.Error("the chain isn't remembered:", show(err))
	}
	// A sibling shares what it can.
	sibling := attenuated(t, joined(blocksOf(token)[:2]...), bob, block(alice, 0))
	c, err := v.Verify(sibling, with)
	if err != nil || &c.blocks[0].Grants[0] != &first.blocks[0].Grants[0] {
		t.Error("the ancestor was read again:", show(err))
	}
	for i := range 200 {
		if _, err := v.Verify(minted(t, block(alice, 0, func(b *Block) { b.ID = ID{9, byte(i)} })), with); err != nil {
			t.Fatal(show(err))
		}
		if n := v.entries(); n > 20_000/overhead {
			t.Fatalf("%d entries", n)
		}
		if _, err := v.Verify(token, with); err != nil { // what is used stays
			t.Fatal(show(err))
		}
	}
	if c, err := v.Verify(token, with); err != nil || c != first {
		t.Error("what is used all the time was forgotten:", show(err))
	}
	// Under another trust document it is another entry, and both stay.
	other := with
	other.Trust = trusting(t, func(m map[string]any) { m["sequence"] = 8 })
	a, err1 := v.Verify(token, other)
	b, err2 := v.Verify(token, other)
	if err1 != nil || err2 != nil || a != b || a == first {
		t.Error("the trust document of an entry:", show(err1), show(err2))
	}
	for what, v := range map[string]*Verifier{"zero": new(Verifier), "nil": nil, "none": NewVerifier(Options{CacheBytes: -1}), "small": NewVerifier(Options{CacheBytes: 1})} {
		if _, err := v.Verify(token, with); err != nil {
			t.Error(what, show(err))
		}
		if v != nil && v.entries() > 0 {
			t.Error(what, "remembers")
		}
	}
}

// The hash only finds an entry; the bytes decide.
func TestCacheCollisionsDontMatter(t *testing.T) {
	with := terms(t)
	v := NewVerifier(Options{})
	token := minted(t, block(alice, 1))
	c, err := v.Verify(token, with)
	if err != nil {
		t.Fatal(show(err))
	}
	forgery := forged(nil, mallory, block(mallory, 1, grants(everything...)))
	for key := range v.young {
		delete(v.young, key)
	}
	keys := make([]uint64, 1)
	v.slots(keys, string(forgery), 1, []int{len(forgery)}, with.Trust)
	v.young[keys[0]] = c
	_, err = v.Verify(forgery, with)
	refused(t, err, Root)
	// The same blocks behind another head.
	_, err = v.Verify(append([]byte{0x82}, token[1:]...), with)
	refused(t, err, Encoding)
}

func TestVerifierConcurrent(t *testing.T) {
	with := terms(t)
	v := NewVerifier(Options{CacheBytes: 8000})
	var tokens [][]byte
	for i := range 8 {
		parent := minted(t, block(alice, 1, func(b *Block) { b.ID = ID{byte(i + 1)} }))
		tokens = append(tokens, parent, attenuated(t, parent, alice, block(bob, 0)), forged(parent, alice, block(bob, 0, grants(everything...))))
	}
	var wg sync.WaitGroup
	rs := mustWith(t, nil, with.Trust, rootKey, RevocationList{Sequence: 1, Keys: []Key{bob.Key()}})
	for worker := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 60 {
				n := (i*7 + worker) % len(tokens)
				with := with
				if worker == 3 {
					with.Revoked = rs
				}
				c, err := v.Verify(tokens[n], with)
				want := n%3 == 0 || n%3 == 1 && worker != 3
				if (err == nil) != want || c != nil && (!c.Allows("read", name("file:///srv/a")) || c.Allows("read", name("file:///etc/a"))) {
					t.Errorf("token %d: %v", n, show(err))
				}
			}
		}()
	}
	wg.Wait()
}

// The table of small orders is exactly the y coordinates of the eight points, and what it is there for is real.
func TestSmallOrderTable(t *testing.T) {
	ys := map[Key]bool{}
	for _, k := range weakKeys(t)[:16] {
		k[31] &= 0x7f
		ys[k] = true
	}
	for _, k := range smallOrder {
		if !ys[k] {
			t.Errorf("%x is no y coordinate of a point of small order", k)
		}
	}
	if len(ys) != len(smallOrder) {
		t.Errorf("%d coordinates, and the table has %d", len(ys), len(smallOrder))
	}
	identity := Key{1}
	signature := make([]byte, ed25519.SignatureSize)
	signature[0] = 1 // R is the identity, S is 0
	if !ed25519.Verify(identity[:], []byte("anything"), signature) {
		t.Error("crypto/ed25519 refuses the identity now; the rule can be simpler")
	}
	for i := range 200 {
		if k := who(RoleAgent, byte(i)).Key(); !k.ok() || k.onCurve() != nil {
			t.Errorf("%s is refused", k)
		}
	}
	off := Key{2} // y = 2 is on no point
	if !off.ok() || off.onCurve() == nil {
		t.Error("a point off the curve")
	}
}

func ExampleVerifier_Verify() {
	// What a root grants to alice, she hands on to bob in part.
	root, alice, bob := who(RoleRoot, 1), who(RoleAgent, 11), who(RoleAgent, 12)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first, err := Mint(root, Block{Realm: "test", Audience: alice.Key(), ID: ID{1}, NotBefore: now, Expires: now.Add(time.Hour), Depth: 1,
		Grants: []Grant{grant("read", "file:///srv/**")}})
	if err != nil {
		fmt.Println(err)
	}
	child := Block{Audience: bob.Key(), ID: ID{2}, NotBefore: now, Expires: now.Add(time.Hour),
		Grants: []Grant{grant("read", "file:///srv/kb/**", "file:///etc/passwd")}}
	_, err = Attenuate(first, alice, child)
	fmt.Println(err)
	child.Grants = []Grant{grant("read", "file:///srv/kb/**")}
	token, err := Attenuate(first, alice, child)
	if err != nil {
		fmt.Println(err)
	}

	trust, err := ParseTrust([]byte(`{"version": 1, "realm": "test", "sequence": 1, "roots": [{"key": "` + root.Key().String() + `",
		"grants": [{"actions": ["read"], "resources": ["file:///**"]}]}]}`))
	if err != nil {
		fmt.Println(err)
	}
	chain, err := NewVerifier(Options{}).Verify(token, Terms{Trust: trust, Now: now})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(chain.Len(), chain.HeldBy(bob.Key()), chain.Allows("read", name("file:///srv/kb/a")), chain.Allows("read", name("file:///srv/a")))
	// Output:
	// block 1: the child would reach file:///etc/passwd, which no grant of its parent covers (read on file:///etc/passwd)
	// 2 true true false
}
