package token

import "time"

// An Approval says that somebody approved one request. Whoever asks gives the request's digest and a nonce, and accepts
// each nonce once.
type Approval struct {
	Realm     string
	Approver  Key
	Nonce     ID     // of the ask
	Request   Digest // of all that was asked for
	Policy    Digest // of the policy that asked
	Trust     Digest // of the trust document that was in force
	Rule      string // id of the rule that needs the approval, 1 to MaxTextLen bytes
	NotBefore time.Time
	Expires   time.Time // exclusive
	Digest    Digest    // of what was signed; set by OpenApproval
}

const (
	approvalVersion = iota + 1
	approvalRealm
	approvalApprover
	approvalNonce
	approvalRequest
	approvalPolicy
	approvalTrust
	approvalRule
	approvalNotBefore
	approvalExpires
)

// SignApproval signs an approval. The approver is the signer, whose role is approver.
func SignApproval(by *Identity, a Approval) ([]byte, error) {
	if err := by.may(RoleApprover); err != nil {
		return nil, err
	}
	w := writer{}
	w.object(10)
	w.field(approvalVersion)
	w.number(formatVersion)
	w.field(approvalRealm)
	w.text(a.Realm)
	w.key(approvalApprover, by.key)
	w.id(approvalNonce, a.Nonce)
	w.sum(approvalRequest, a.Request)
	w.sum(approvalPolicy, a.Policy)
	w.sum(approvalTrust, a.Trust)
	w.field(approvalRule)
	w.text(a.Rule)
	w.seconds(approvalNotBefore, a.NotBefore)
	w.seconds(approvalExpires, a.Expires)
	return sealed(&approvalKind, by, w.b, func(raw []byte) error { _, err := readApproval(raw); return err })
}

// OpenApproval reads an approval, verifies its signature and holds it against the terms: realm, time, the trust document
// that it names, and revocation of it and its approver. Nonce, request, policy and rule are for the caller to compare.
func OpenApproval(raw []byte, terms Terms) (*Approval, error) {
	a, err := readApproval(raw)
	if err != nil {
		return nil, err
	}
	if err := terms.accept(a.Realm, window{a.NotBefore.Unix(), a.Expires.Unix()}, a.Approver, a.Nonce, a.Digest); err != nil {
		return nil, err
	}
	if a.Trust != terms.Trust.digest {
		return nil, refuse(BadTrust, "approved under the trust document %s, not %s", a.Trust, terms.Trust.digest)
	}
	return a, nil
}

func readApproval(raw []byte) (*Approval, error) {
	a := &Approval{}
	err := approvalKind.openOne(raw, nil, &a.Digest, func(r *reader) *Key {
		f := r.fields("the approval")
		f.readVersion()
		f.must(approvalRealm, "the realm")
		a.Realm = f.realm()
		f.must(approvalApprover, "the approver")
		a.Approver = r.key("the approver")
		f.must(approvalNonce, "the nonce")
		f.fixed(a.Nonce[:], "the nonce")
		f.must(approvalRequest, "the request")
		f.fixed(a.Request[:], "the request")
		f.must(approvalPolicy, "the policy")
		f.fixed(a.Policy[:], "the policy")
		f.must(approvalTrust, "the trust document")
		f.fixed(a.Trust[:], "the trust document")
		f.must(approvalRule, "the rule")
		a.Rule = f.text(MaxTextLen, "the rule")
		f.window(approvalNotBefore, approvalExpires, &a.NotBefore, &a.Expires)
		f.done()
		return &a.Approver
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}
