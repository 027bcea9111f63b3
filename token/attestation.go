package token

import "time"

// An Attestation is somebody's claim about a key, or about a value such as a commit's hash. It counts only where the trust
// document lists its issuer for the claim.
type Attestation struct {
	Realm     string
	Issuer    Key
	ID        ID
	Claim     string // 1 to MaxTextLen bytes
	Subject   Key    // what it is about: a key,
	Value     string // or, when the subject is zero, a value of 1 to MaxTextLen bytes
	NotBefore time.Time
	Expires   time.Time // exclusive
	Digest    Digest    // of what was signed; set by OpenAttestation
}

const (
	attestationVersion = iota + 1
	attestationRealm
	attestationIssuer
	attestationID
	attestationClaim
	attestationSubject
	attestationValue
	attestationNotBefore
	attestationExpires
)

// SignAttestation signs a claim. The issuer is the signer, whose role is attester.
func SignAttestation(by *Identity, a Attestation) ([]byte, error) {
	if err := by.may(RoleAttester); err != nil {
		return nil, err
	}
	if a.Subject.IsZero() == (a.Value == "") {
		return nil, refuse(Field, "an attestation is about a key or about a value")
	}
	w := writer{}
	w.object(8)
	w.field(attestationVersion)
	w.number(formatVersion)
	w.field(attestationRealm)
	w.text(a.Realm)
	w.key(attestationIssuer, by.key)
	w.id(attestationID, a.ID)
	w.field(attestationClaim)
	w.text(a.Claim)
	if a.Value == "" {
		w.key(attestationSubject, a.Subject)
	} else {
		w.field(attestationValue)
		w.text(a.Value)
	}
	w.seconds(attestationNotBefore, a.NotBefore)
	w.seconds(attestationExpires, a.Expires)
	return sealed(&attestationKind, by, w.b, func(raw []byte) error { _, err := readAttestation(raw); return err })
}

// OpenAttestation reads an attestation, verifies its signature and holds it against the terms: realm, time, revocation of
// it, its issuer and its subject, and whether its issuer is trusted for the claim.
func OpenAttestation(raw []byte, terms Terms) (*Attestation, error) {
	a, err := readAttestation(raw)
	if err != nil {
		return nil, err
	}
	if err := terms.accept(a.Realm, window{a.NotBefore.Unix(), a.Expires.Unix()}, a.Issuer, a.ID, a.Digest, a.Subject); err != nil {
		return nil, err
	}
	if !terms.Trust.Attests(a.Issuer, a.Claim) {
		return nil, refuse(Claim, "%s isn't trusted for the claim %s", a.Issuer, quote(a.Claim))
	}
	return a, nil
}

func readAttestation(raw []byte) (*Attestation, error) {
	a := &Attestation{}
	err := attestationKind.openOne(raw, nil, &a.Digest, func(r *reader) *Key {
		f := r.fields("the attestation")
		f.readVersion()
		f.must(attestationRealm, "the realm")
		a.Realm = f.realm()
		f.must(attestationIssuer, "the issuer")
		a.Issuer = r.key("the issuer")
		f.must(attestationID, "the id")
		f.fixed(a.ID[:], "the id")
		f.must(attestationClaim, "the claim")
		a.Claim = f.text(MaxTextLen, "the claim")
		if f.has(attestationSubject) {
			a.Subject = r.key("the subject")
		} else {
			f.must(attestationValue, "the value")
			a.Value = f.text(MaxTextLen, "the value")
		}
		f.window(attestationNotBefore, attestationExpires, &a.NotBefore, &a.Expires)
		f.done()
		return &a.Issuer
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}
