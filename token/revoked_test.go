package token

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"
)

// A key is revoked when a revoker says so, and when it can't be told.
func TestRevokedKey(t *testing.T) {
	id := func(role Role) *Identity {
		id, err := NewIdentity(role, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	revoker, root, agent, other := id(RoleRevocation), id(RoleRoot), id(RoleAgent).Key(), id(RoleAgent).Key()
	trust, err := ParseTrust([]byte(fmt.Sprintf(`{"version": 1, "realm": "test", "sequence": 1, "roots": [{"key": %q, "grants": []}], "revokers": [%q]}`, root.Key(), revoker.Key())))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	terms := Terms{Trust: trust, Now: now}
	if !terms.RevokedKey(agent) || !(Terms{Now: now}).RevokedKey(agent) {
		t.Error("it isn't known what is revoked, and the key counts")
	}
	for i, by := range []*Identity{revoker, root} {
		raw, err := SignRevocations(by, RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: now.Add(time.Minute), Keys: []Key{[]Key{agent, other}[i]}})
		if err != nil {
			t.Fatal(err)
		}
		l, err := OpenRevocations(raw)
		if err != nil {
			t.Fatal(err)
		}
		if terms.Revoked, err = terms.Revoked.With(trust, l); err != nil {
			t.Fatal(err)
		}
	}
	if !terms.RevokedKey(agent) || terms.RevokedKey(other) {
		t.Error("what a revoker revokes isn't, or what another revokes is, for every use")
	}
	terms.Now = now.Add(time.Minute)
	if !terms.RevokedKey(other) {
		t.Error("the list is past its next update, and the key counts")
	}
}
