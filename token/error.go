package token

import (
	"fmt"
	"strings"
)

// An Error says why something was refused. Its Reason can be asked for with [errors.Is]:
//
//	errors.Is(err, token.Expired)
type Error struct {
	Reason  Reason
	Block   int    // the block that is to blame, counted from the root's, 0; -1 when it is none
	Detail  string // what was seen, in words; holds no unescaped input
	Witness string // Grants: a resource that the block would reach and its parent would not; or ""
}

// Error returns one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Block >= 0 {
		fmt.Fprintf(&b, "block %d: ", e.Block)
	}
	b.WriteString(e.Detail)
	return b.String()
}

// Is reports whether target is the Reason of e.
func (e *Error) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// refuse makes an Error that is about no block.
func refuse(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Block: -1, Detail: fmt.Sprintf(format, args...)}
}

// at says which block an Error is about.
func (e *Error) at(block int) *Error {
	e.Block = block
	return e
}

// A Reason says which rule was broken. Its text is stable.
type Reason string

// Error returns what the reason means.
func (r Reason) Error() string {
	for _, row := range Reasons {
		if row.Reason == r {
			return row.Meaning
		}
	}
	return string(r)
}

// The reasons. Reasons says what they mean.
const (
	Size         Reason = "size"
	Text         Reason = "text"
	Encoding     Reason = "encoding"
	Envelope     Reason = "envelope"
	Algorithm    Reason = "algorithm"
	Type         Reason = "type"
	Version      Reason = "version"
	Field        Reason = "field"
	BadKey       Reason = "key"
	BadTrust     Reason = "trust"
	Root         Reason = "root"
	Realm        Reason = "realm"
	NotYetValid  Reason = "not_yet_valid"
	Expired      Reason = "expired"
	Window       Reason = "window"
	Lifetime     Reason = "lifetime"
	Revoked      Reason = "revoked"
	Stale        Reason = "stale"
	Issuer       Reason = "issuer"
	Parent       Reason = "parent"
	Depth        Reason = "depth"
	Signature    Reason = "signature"
	Grants       Reason = "grants"
	Budget       Reason = "budget"
	TooMuch      Reason = "limits"
	NotHolder    Reason = "holder"
	Claim        Reason = "claim"
	Standing     Reason = "standing"
	Rollback     Reason = "rollback"
	Equivocation Reason = "equivocation"
	WrongRole    Reason = "role"
	BadKeyFile   Reason = "key_file"
	Passphrase   Reason = "passphrase"
)

// Reasons lists every reason and what it means, in the order in which verifying comes to them.
var Reasons = [...]struct {
	Reason  Reason
	Meaning string
}{
	{BadTrust, "the trust document is missing, malformed, or not the one that was meant"},
	{Size, "more bytes, blocks or entries than allowed"},
	{Text, "not the text form of a token: moat1_ and base64url without padding"},
	{Encoding, "not deterministic CBOR, or not of the shape that the CDDL gives"},
	{Envelope, "not a COSE_Sign1 with the one allowed form"},
	{Algorithm, "signed with another algorithm than Ed25519"},
	{Type, "signed as another type of object"},
	{Version, "of a version that is not known"},
	{BadKey, "not a key that may be used: small order, not canonical, or no point of the curve"},
	{Field, "a field holds what it may not"},
	{Root, "the root's issuer isn't trusted, or may not grant this"},
	{Realm, "made for another realm"},
	{Issuer, "not signed by the audience of the parent"},
	{Parent, "made for another parent"},
	{Depth, "more blocks than an ancestor or the policy allows"},
	{Window, "valid outside its parent's time"},
	{Lifetime, "valid for longer than allowed"},
	{NotYetValid, "not valid yet"},
	{Expired, "not valid any more"},
	{Stale, "a revocation list is missing, or past its next update"},
	{Revoked, "revoked"},
	{Signature, "the signature doesn't hold"},
	{Grants, "reaches more than its parent"},
	{Budget, "it would take too long to see whether it reaches more than its parent"},
	{TooMuch, "has a higher limit than its parent"},
	{NotHolder, "used by somebody else than its audience"},
	{Claim, "a claim by a key that isn't trusted for it"},
	{Standing, "a revocation list by a key that may not revoke"},
	{Rollback, "older than what is known already"},
	{Equivocation, "another content under a sequence number that is known already"},
	{WrongRole, "a key of another role"},
	{BadKeyFile, "not a key file"},
	{Passphrase, "the passphrase is missing or wrong"},
}
