package token

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Role says what a key is for. A key signs nothing that isn't of its role, so that taking one doesn't give the others.
type Role string

// The roles.
const (
	RoleRoot       Role = "root"       // mints tokens
	RoleAgent      Role = "agent"      // holds tokens, narrows them, signs messages
	RoleAttester   Role = "attester"   // signs attestations
	RoleApprover   Role = "approver"   // signs approvals
	RoleRevocation Role = "revocation" // signs revocation lists
	RolePolicy     Role = "policy"     // signs policies
	RoleLog        Role = "log"        // signs checkpoints of the log
)

// Roles lists the roles.
func Roles() []Role {
	return []Role{RoleRoot, RoleAgent, RoleAttester, RoleApprover, RoleRevocation, RolePolicy, RoleLog}
}

// An Identity is a private key with its role. The zero Identity signs nothing. However it is printed, only its public
// part shows.
type Identity struct {
	role    Role
	key     Key
	private ed25519.PrivateKey
}

// NewIdentity makes an identity from 32 bytes of random, which is usually [crypto/rand.Reader].
func NewIdentity(role Role, random io.Reader) (*Identity, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("no randomness for a key: %w", err)
	}
	return identityFromSeed(role, seed[:])
}

func identityFromSeed(role Role, seed []byte) (*Identity, error) {
	if !slices.Contains(Roles(), role) {
		return nil, refuse(WrongRole, "there is no role %s", quote(string(role)))
	}
	private := ed25519.NewKeyFromSeed(seed)
	return &Identity{role, Key(private[ed25519.SeedSize:]), private}, nil
}

// Key returns the public key.
func (id *Identity) Key() Key { return id.key }

// Role returns what the key is for.
func (id *Identity) Role() Role { return id.role }

// Private returns the private key, for what other packages sign with the roles policy and log. It refuses all others.
func (id *Identity) Private() (ed25519.PrivateKey, error) {
	if err := id.may(RolePolicy, RoleLog); err != nil {
		return nil, err
	}
	return slices.Clone(id.private), nil
}

// Format prints the role and the public key, whatever the verb.
func (id *Identity) Format(s fmt.State, _ rune) {
	if id == nil || id.private == nil {
		io.WriteString(s, "no identity")
		return
	}
	fmt.Fprintf(s, "%s %s", id.role, id.key)
}

// may refuses to sign unless the identity has one of the roles.
func (id *Identity) may(roles ...Role) error {
	if id == nil || id.private == nil {
		return refuse(WrongRole, "there is no key to sign with")
	}
	if slices.Contains(roles, id.role) {
		return nil
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return refuse(WrongRole, "a key of the role %s can't sign this; it takes one of the role %s", id.role, strings.Join(names, " or "))
}

// NewID makes an id from 16 bytes of random, which is usually [crypto/rand.Reader].
func NewID(random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return ID{}, fmt.Errorf("no randomness for an id: %w", err)
	}
	return id, nil
}
