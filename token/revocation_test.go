package token

import (
	"errors"
	"testing"
	"time"
)

// revoking is a trust document with a revoker, who has published an empty list.
func revoking(t *testing.T) (*Trust, *Revocations) {
	trust := trusting(t, func(m map[string]any) { m["revokers"] = []string{revoker.Key().String()} })
	return trust, mustWith(t, nil, trust, revoker, RevocationList{Sequence: 1})
}

func TestR01RevokedKeys(t *testing.T) {
	trust, none := revoking(t)
	token := attenuated(t, attenuated(t, minted(t, block(alice, 3)), alice, block(bob, 2)), bob, block(carol, 1))
	h := now.Add(time.Hour)
	attestation, err := SignAttestation(attester, Attestation{Realm: "test", ID: ID{5}, Claim: "Staff", Subject: carol.Key(), NotBefore: now, Expires: h})
	if err != nil {
		t.Fatal(err)
	}
	approval, err := SignApproval(approver, Approval{Realm: "test", Nonce: ID{6}, Rule: "r", Trust: trust.Digest(), NotBefore: now, Expires: h})
	if err != nil {
		t.Fatal(err)
	}
	use := map[string]func(Terms) error{
		"token":       func(with Terms) error { _, err := NewVerifier(Options{}).Verify(token, with); return err },
		"attestation": func(with Terms) error { _, err := OpenAttestation(attestation, with); return err },
		"approval":    func(with Terms) error { _, err := OpenApproval(approval, with); return err },
	}
	digestOf := func(what string) Digest {
		switch what {
		case "attestation":
			a, err := OpenAttestation(attestation, Terms{Trust: trust, Revoked: none, Now: now})
			if err != nil {
				t.Fatal(show(err))
			}
			return a.Digest
		case "approval":
			a, err := OpenApproval(approval, Terms{Trust: trust, Revoked: none, Now: now})
			if err != nil {
				t.Fatal(show(err))
			}
			return a.Digest
		}
		return verified(t, token, Terms{Trust: trust, Revoked: none, Now: now}).Digest()
	}
	for what, f := range use {
		if err := f(Terms{Trust: trust, Revoked: none, Now: now}); err != nil {
			t.Fatal(what, show(err))
		}
	}
	for _, tt := range []struct {
		what string
		list RevocationList
	}{
		{"token", RevocationList{Keys: []Key{carol.Key()}}},   // the leaf's audience
		{"token", RevocationList{Keys: []Key{bob.Key()}}},     // an issuer in the middle
		{"token", RevocationList{Keys: []Key{rootKey.Key()}}}, // the root
		{"token", RevocationList{Items: []Ref{{alice.Key(), ID{3}}}}},
		{"token", RevocationList{Items: []Ref{{rootKey.Key(), ID{4}}}}},
		{"token", RevocationList{Digests: []Digest{digestOf("token")}}},
		{"attestation", RevocationList{Keys: []Key{attester.Key()}}},
		{"attestation", RevocationList{Keys: []Key{carol.Key()}}}, // the subject
		{"attestation", RevocationList{Items: []Ref{{attester.Key(), ID{5}}}}},
		{"attestation", RevocationList{Digests: []Digest{digestOf("attestation")}}},
		{"approval", RevocationList{Keys: []Key{approver.Key()}}},
		{"approval", RevocationList{Items: []Ref{{approver.Key(), ID{6}}}}},
		{"approval", RevocationList{Digests: []Digest{digestOf("approval")}}},
	} {
		tt.list.Sequence = 2
		with := Terms{Trust: trust, Revoked: mustWith(t, none, trust, revoker, tt.list), Now: now}
		refused(t, use[tt.what](with), Revoked)
		// Lifting it takes a list without the entry.
		with.Revoked = mustWith(t, with.Revoked, trust, revoker, RevocationList{Sequence: 3})
		if err := use[tt.what](with); err != nil {
			t.Errorf("%+v, lifted: %v", tt, show(err))
		}
	}
	// An entry for another issuer's block with the same id isn't meant.
	with := Terms{Trust: trust, Now: now,
		Revoked: mustWith(t, none, trust, revoker, RevocationList{Sequence: 2, Items: []Ref{{mallory.Key(), ID{3}}}, Keys: []Key{mallory.Key()}})}
	if err := use["token"](with); err != nil {
		t.Error(show(err))
	}
}

func TestR02SignedAgain(t *testing.T) {
	trust, rs := revoking(t)
	first := minted(t, block(alice, 1))
	rs = mustWith(t, rs, trust, revoker, RevocationList{Sequence: 2, Digests: []Digest{verified(t, first, terms(t)).Digest()}})
	with := Terms{Trust: trust, Revoked: rs, Now: now}
	verifyRefused(t, first, with, Revoked)
	// Ed25519 signatures are deterministic, but nobody has to make them so: another r gives another signature that holds.
	payload := payloadIn(blocksOf(first)[0])
	again := joined(enveloped("block", rootKey, payload, func(p []any) { p[3] = otherSignature(t, rootKey, toBeSigned("block", payload)) }))
	if string(again) == string(first) {
		t.Fatal("the same signature")
	}
	verified(t, again, terms(t))
	verifyRefused(t, again, with, Revoked)
	// Another payload under the same id is caught by the id.
	rs = mustWith(t, rs, trust, revoker, RevocationList{Sequence: 3, Items: []Ref{{rootKey.Key(), ID{2}}}})
	verifyRefused(t, minted(t, block(alice, 1, grants())), Terms{Trust: trust, Revoked: rs, Now: now}, Revoked)
}

func TestR03OldAndOtherLists(t *testing.T) {
	trust, rs := revoking(t)
	rs = mustWith(t, rs, trust, revoker, RevocationList{Sequence: 5, Keys: []Key{alice.Key()}})
	_, err := rs.With(trust, opened(t, revoker, RevocationList{Sequence: 4}))
	refused(t, err, Rollback)
	_, err = rs.With(trust, opened(t, revoker, RevocationList{Sequence: 5}))
	refused(t, err, Equivocation)
	same, err := rs.With(trust, opened(t, revoker, RevocationList{Sequence: 5, Keys: []Key{alice.Key()}}))
	if err != nil || same != rs {
		t.Error("the same list again:", err)
	}
	if marks := rs.Marks(); len(marks) != 1 || marks[0].Sequence != 5 || marks[0].Signer != revoker.Key() || marks[0].Digest.IsZero() {
		t.Errorf("%v", marks)
	}
	token := minted(t, block(bob, 1))
	with := Terms{Trust: trust, Revoked: rs, Now: now}
	verified(t, token, with)
	// No list at all, where the trust document names a revoker.
	verifyRefused(t, token, Terms{Trust: trust, Now: now}, Stale)
	verifyRefused(t, token, Terms{Trust: trust, Revoked: &Revocations{}, Now: now}, Stale)
	// Past its next update, even where nothing is on it that matters.
	short := opened(t, revoker, RevocationList{Realm: "test", Sequence: 6, Issued: now, NextUpdate: now.Add(time.Minute)})
	rs, err = rs.With(trust, short)
	if err != nil {
		t.Fatal(err)
	}
	warm := NewVerifier(Options{})
	for at, want := range map[time.Duration]bool{0: true, time.Minute - 1: true, time.Minute: false} {
		_, err := warm.Verify(token, Terms{Trust: trust, Revoked: rs, Now: now.Add(at)})
		if want != (err == nil) || !want && !errors.Is(err, Stale) {
			t.Errorf("at %s: %v", at, show(err))
		}
	}
	// Two revokers: the list of one isn't enough.
	two := trusting(t, func(m map[string]any) {
		m["revokers"] = []string{revoker.Key().String(), who(RoleRevocation, 22).Key().String()}
	})
	verifyRefused(t, token, Terms{Trust: two, Revoked: mustWith(t, nil, two, revoker, RevocationList{Sequence: 1}), Now: now}, Stale)
	// Another realm's.
	_, err = rs.With(trust, opened(t, revoker, RevocationList{Realm: "staging", Sequence: 9}))
	refused(t, err, Realm)
	other := trusting(t, func(m map[string]any) { m["realm"] = "staging" })
	_, err = NewVerifier(Options{}).Verify(minted(t, block(bob, 1, func(b *Block) { b.Realm = "staging" })), Terms{Trust: other, Revoked: rs, Now: now})
	refused(t, err, Realm)
	// One that was never opened.
	_, err = rs.With(trust, &RevocationList{Realm: "test", Signer: revoker.Key(), Sequence: 10})
	refused(t, err, BadTrust)
}

func TestR04Standing(t *testing.T) {
	trust := trusting(t)
	_, err := (*Revocations)(nil).With(trust, opened(t, mallory, RevocationList{Sequence: 1, Keys: []Key{alice.Key()}}))
	refused(t, err, Standing)
	for _, by := range []*Identity{attester, approver} {
		_, err := SignRevocations(by, RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: now.Add(time.Hour)})
		refused(t, err, WrongRole)
	}
	// alice → bob → carol, and beside it alice → carol without bob.
	parent := minted(t, block(alice, 3))
	through := attenuated(t, attenuated(t, parent, alice, block(bob, 2)), bob, block(carol, 1))
	beside := attenuated(t, parent, alice, block(carol, 1))
	everybody := RevocationList{Sequence: 1, Keys: []Key{alice.Key(), carol.Key(), rootKey.Key()}, Items: []Ref{{rootKey.Key(), ID{4}}, {alice.Key(), ID{3}}}}
	for _, tt := range []struct {
		by                      *Identity
		list                    RevocationList
		parent, through, beside bool
	}{
		{bob, everybody, false, true, false}, // carol, below bob; not alice, above
		{bob, RevocationList{Sequence: 1, Keys: []Key{alice.Key(), rootKey.Key()}, Items: everybody.Items}, false, false, false},
		{alice, RevocationList{Sequence: 1, Keys: []Key{carol.Key()}}, false, true, true},
		{alice, RevocationList{Sequence: 1, Items: []Ref{{alice.Key(), ID{3}}}}, false, true, false},
		{alice, RevocationList{Sequence: 1, Items: []Ref{{bob.Key(), ID{2}}}}, false, true, false},
		{rootKey, RevocationList{Sequence: 1, Keys: []Key{carol.Key()}}, false, true, true},
		{rootKey, RevocationList{Sequence: 1, Items: []Ref{{rootKey.Key(), ID{4}}}}, true, true, true},
		{carol, RevocationList{Sequence: 1, Keys: []Key{alice.Key(), bob.Key(), carol.Key()}}, false, false, false}, // has issued nothing
		{bob, RevocationList{Sequence: 1, Keys: []Key{bob.Key()}}, false, true, false},                              // gives itself up
	} {
		rs := mustWith(t, nil, trust, tt.by, tt.list)
		for what, x := range map[string]struct {
			token []byte
			want  bool
		}{"parent": {parent, tt.parent}, "through": {through, tt.through}, "beside": {beside, tt.beside}} {
			_, err := NewVerifier(Options{}).Verify(x.token, Terms{Trust: trust, Revoked: rs, Now: now})
			if got := errors.Is(err, Revoked); got != x.want || err != nil && !got {
				t.Errorf("by %v, %+v: %s: %v", tt.by, tt.list, what, show(err))
			}
		}
	}
	// An issuer's list past its next update denies the chains that it is on, and no others.
	rs := mustWith(t, nil, trust, bob, RevocationList{Sequence: 1, Issued: now.Add(-2 * time.Hour), NextUpdate: now.Add(-time.Hour)})
	verifyRefused(t, through, Terms{Trust: trust, Revoked: rs, Now: now}, Stale)
	verified(t, beside, Terms{Trust: trust, Revoked: rs, Now: now})
}
