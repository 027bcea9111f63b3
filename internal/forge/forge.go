// Package forge signs blocks of tokens that break the rules. Whoever holds a key can do that, whatever package token says to them: that such blocks are
// refused by those who verify is what demonstrations and tests show with it. It takes its CBOR from elsewhere, and of package token only the types.
package forge

import (
	"crypto/ed25519"

	"github.com/fxamacker/cbor/v2"

	"github.com/moat-lang/moat/token"
)

// Append appends a block to a token, signed with a key, whatever stands in both. The block's issuer is the key's owner unless it says another, and its parent
// the last block of the token unless it says another.
func Append(raw []byte, key ed25519.PrivateKey, b token.Block) ([]byte, error) {
	var blocks [][]byte
	if len(raw) > 0 {
		if err := cbor.Unmarshal(raw, &blocks); err != nil {
			return nil, err
		}
		_, parent, err := token.Claimed(raw)
		if err != nil {
			return nil, err
		}
		if b.Parent.IsZero() {
			b.Parent = parent
		}
	}
	if b.Issuer.IsZero() {
		b.Issuer = token.Key(key.Public().(ed25519.PublicKey))
	}
	block, err := sign(key, b)
	if err != nil {
		return nil, err
	}
	return encode(append(blocks, block))
}

// sign makes the COSE_Sign1 of a block (spec/TOKEN.md).
func sign(key ed25519.PrivateKey, b token.Block) ([]byte, error) {
	fields := map[int]any{1: 1, 2: b.Realm, 3: b.Issuer[:], 4: b.Audience[:], 5: b.ID[:], 7: b.NotBefore.Unix(), 8: b.Expires.Unix(), 9: b.Depth, 10: grants(b.Grants)}
	if !b.Parent.IsZero() {
		fields[6] = b.Parent[:]
	}
	payload, err := encode(fields)
	if err != nil {
		return nil, err
	}
	protected, err := encode(map[int]any{1: -19, 16: "application/moat-block+cbor"})
	if err != nil {
		return nil, err
	}
	signed, err := encode([]any{"Signature1", protected, []byte("moat/block/1"), payload})
	if err != nil {
		return nil, err
	}
	return encode(cbor.Tag{Number: 18, Content: []any{protected, map[int]any{}, payload, ed25519.Sign(key, signed)}})
}

func grants(list []token.Grant) []any {
	out := []any{}
	for _, g := range list {
		patterns := []string{}
		for _, p := range g.Resources {
			patterns = append(patterns, p.String())
		}
		out = append(out, []any{g.Actions, patterns})
	}
	return out
}

func encode(v any) ([]byte, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(v)
}
