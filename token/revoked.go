package token

import "slices"

// RevokedKey reports whether a key counts as revoked whatever it is used for: a revoker of the trust document has revoked it, or what is
// known of revocation is missing or past its next update, so that it can't be told.
func (t Terms) RevokedKey(k Key) bool {
	if t.Trust == nil || t.Revoked.current(t.Trust, t.Now.Unix()) != nil {
		return true
	}
	return t.Revoked != nil && slices.ContainsFunc(t.Revoked.keys[k], t.Trust.IsRevoker)
}
