package token

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMintAttenuateVerify(t *testing.T) {
	root := minted(t, block(alice, 3, grants(grant("read write", "file:///srv/**"), grant("execute", "tool://search"))))
	raw := attenuated(t, root, alice, block(bob, 1, grants(grant("read", "file:///srv/kb/**")), func(b *Block) {
		b.Denials = []Grant{grant("read", "file:///srv/kb/secret/**")}
		b.Limits = Limits{}.With(Fuel, 1000)
		b.Caveats = []string{"opaque"}
		b.Expires = now.Add(time.Minute)
	}))
	v := NewVerifier(Options{})
	for range 2 {
		c, err := v.Verify(raw, terms(t))
		if err != nil {
			t.Fatal(show(err))
		}
		if c.Len() != 2 || c.Root() != rootKey.Key() || !c.HeldBy(bob.Key()) || c.HeldBy(alice.Key()) || !c.Has(alice.Key()) || c.Has(carol.Key()) {
			t.Errorf("the keys are wrong: %v", c)
		}
		if !bytes.Equal(c.Token(), raw) {
			t.Error("other bytes")
		}
		if fuel, ok := c.Limits().Get(Fuel); fuel != 1000 || !ok {
			t.Error("fuel", fuel, ok)
		}
		for call, want := range map[string]bool{
			"read file:///srv/kb/a": true, "read file:///srv/kb/secret/a": false, "read file:///srv/a": false,
			"write file:///srv/kb/a": false, "execute tool://search": false,
		} {
			action, n, _ := strings.Cut(call, " ")
			if got := c.Allows(action, name(n)); got != want || (c.Why(action, name(n)) == nil) != want {
				t.Errorf("%s: %v, %v", call, got, c.Why(action, name(n)))
			}
		}
	}
	if text := FormatText(raw); !strings.HasPrefix(text, "moat1_") {
		t.Error(text)
	} else if back, err := ParseText(text); err != nil || !bytes.Equal(back, raw) {
		t.Error(err)
	}
}

func TestMessages(t *testing.T) {
	m := Message{Realm: "test", Recipient: enforcer.Key(), Sequence: 9, Time: now, Token: Digest{1}, Policy: Digest{2}, Trust: Digest{3},
		Action: "execute", Resource: name("tool://search"), Args: []byte(`{"q":"x"}`)}
	raw, err := SignMessage(alice, m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenMessage(raw)
	if err != nil {
		t.Fatal(err)
	}
	for what, v := range map[string]*Verifier{"zero": new(Verifier), "nil": nil, "none": NewVerifier(Options{CacheBytes: -1}), "some": NewVerifier(Options{})} {
		if same, err := v.OpenMessage(raw); err != nil || fmt.Sprint(*same) != fmt.Sprint(*got) {
			t.Error(what, show(err))
		}
		if v != nil && (len(v.senders.young) > 0) != (what == "some") {
			t.Error(what, "remembers", len(v.senders.young))
		}
	}
	m.Sender = alice.Key()
	if diff := cmp.Diff(fmt.Sprint(m), fmt.Sprint(*got)); diff != "" {
		t.Error(diff)
	}
	d := Delivery{Message: raw, Token: []byte{1}, Approvals: [][]byte{{2}}}
	packed, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseDelivery(packed)
	if diff := cmp.Diff(&d, back); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestStatements(t *testing.T) {
	raw, err := SignAttestation(attester, Attestation{Realm: "test", ID: ID{1}, Claim: "Staff", Subject: alice.Key(), NotBefore: now, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenAttestation(raw, terms(t))
	if err != nil || a.Subject != alice.Key() || a.Issuer != attester.Key() {
		t.Fatal(a, show(err))
	}
	_, err = OpenAttestation(raw, terms(t, func(m map[string]any) { delete(m, "issuers") }))
	refused(t, err, Claim)

	trust := trusting(t)
	raw, err = SignApproval(approver, Approval{Realm: "test", Nonce: ID{1}, Request: Digest{1}, Policy: Digest{2}, Trust: trust.Digest(), Rule: "big",
		NotBefore: now, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if ap, err := OpenApproval(raw, terms(t)); err != nil || ap.Approver != approver.Key() || ap.Rule != "big" {
		t.Fatal(ap, show(err))
	}
	_, err = OpenApproval(raw, terms(t, func(m map[string]any) { m["sequence"] = 8 }))
	refused(t, err, BadTrust)
}

func TestKeyFiles(t *testing.T) {
	id, err := NewIdentity(RoleAgent, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := id.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := id.encrypt("correct horse", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{plain, sealed} {
		back, err := ParseKeyFile(text, func() (string, error) { return "correct horse", nil })
		if err != nil || back.Key() != id.Key() || back.Role() != RoleAgent {
			t.Fatalf("%v %v\n%s", back, err, text)
		}
		if info, err := ReadKeyFileInfo(text); err != nil || info.Key != id.Key() || info.Encrypted != bytes.Equal(text, sealed) {
			t.Fatal(info, err)
		}
	}
	_, err = ParseKeyFile(sealed, func() (string, error) { return "wrong", nil })
	refused(t, err, Passphrase)
	_, err = ParseKeyFile(sealed, nil)
	refused(t, err, Passphrase)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if s := fmt.Sprintf(verb, id); s != "agent "+id.Key().String() {
			t.Errorf("%s prints %q", verb, s)
		}
	}
}

func TestRevocations(t *testing.T) {
	trust := trusting(t, func(m map[string]any) { m["revokers"] = []string{revoker.Key().String()} })
	raw := minted(t, block(alice, 0))
	v := NewVerifier(Options{})
	verify := func(rs *Revocations) error {
		_, err := v.Verify(raw, Terms{Trust: trust, Now: now, Revoked: rs})
		return err
	}
	refused(t, verify(nil), Stale)
	list := func(sequence uint64, keys ...Key) *RevocationList {
		signed, err := SignRevocations(revoker, RevocationList{Realm: "test", Sequence: sequence, Issued: now, NextUpdate: now.Add(time.Hour), Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		l, err := OpenRevocations(signed)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	var rs *Revocations
	rs, err := rs.With(trust, list(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(rs); err != nil {
		t.Fatal(show(err))
	}
	rs, err = rs.With(trust, list(2, alice.Key()))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, verify(rs), Revoked)
	_, err = rs.With(trust, list(1))
	refused(t, err, Rollback)
	_, err = rs.With(trust, list(2))
	refused(t, err, Equivocation)
}

func TestRootScope(t *testing.T) {
	raw, err := Mint(otherRoot, block(alice, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = new(Verifier).Verify(raw, terms(t))
	refused(t, err, Root)
	_, err = new(Verifier).Verify(minted(t, block(alice, 0, grants(grant("shred", "file:///srv/**")))), terms(t))
	refused(t, err, Root)
	_, err = Attenuate(minted(t, block(alice, 1)), mallory, block(bob, 0))
	refused(t, err, Issuer)
	if _, err := new(Verifier).Verify(minted(t, block(alice, 0, grants(everything...))), terms(t)); err != nil {
		t.Error(show(err))
	}
}
