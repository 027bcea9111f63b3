package token

import (
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
