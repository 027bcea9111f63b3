package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// This file is a minter that keeps no rule: it signs whatever it is told to. It shares no code with the package but the
// types, and takes its CBOR from elsewhere, so that it is also a second opinion on what the format is.

var coreDeterministic = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

func encoded(v any) []byte {
	b, err := coreDeterministic.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// payloadOf is the payload of a block, with changes.
func payloadOf(b Block, change ...func(map[int]any)) []byte {
	lists := func(gs []Grant) any {
		out := []any{}
		for _, g := range gs {
			texts := []string{}
			for _, p := range g.Resources {
				texts = append(texts, p.String())
			}
			out = append(out, []any{g.Actions, texts})
		}
		return out
	}
	m := map[int]any{1: 1, 2: b.Realm, 3: b.Issuer[:], 4: b.Audience[:], 5: b.ID[:], 7: b.NotBefore.Unix(), 8: b.Expires.Unix(),
		9: b.Depth, 10: lists(b.Grants)}
	if !b.Parent.IsZero() {
		m[6] = b.Parent[:]
	}
	if len(b.Denials) > 0 {
		m[11] = lists(b.Denials)
	}
	if limits := map[string]uint64{}; !b.Limits.IsZero() {
		for _, l := range AllLimits() {
			if v, ok := b.Limits.Get(l); ok {
				limits[l.String()] = v
			}
		}
		m[12] = limits
	}
	if len(b.Caveats) > 0 {
		list := [][]byte{}
		for _, c := range b.Caveats {
			list = append(list, []byte(c))
		}
		m[13] = list
	}
	for _, c := range change {
		c(m)
	}
	return encoded(m)
}

// toBeSigned is the Sig_structure for a payload.
func toBeSigned(kind string, payload []byte) []byte {
	protected := encoded(map[int]any{1: -19, 16: "application/moat-" + kind + "+cbor"})
	return encoded([]any{"Signature1", protected, []byte("moat/" + kind + "/1"), payload})
}

// enveloped is the COSE_Sign1 of a payload, with changes to its four parts.
func enveloped(kind string, by *Identity, payload []byte, change ...func(parts []any)) []byte {
	protected := encoded(map[int]any{1: -19, 16: "application/moat-" + kind + "+cbor"})
	parts := []any{protected, map[int]any{}, payload, ed25519.Sign(by.private, toBeSigned(kind, payload))}
	for _, c := range change {
		c(parts)
	}
	return encoded(cbor.Tag{Number: 18, Content: parts})
}

// blocksOf takes a token apart.
func blocksOf(token []byte) (blocks [][]byte) {
	if len(token) == 0 {
		return nil
	}
	if err := cbor.Unmarshal(token, &blocks); err != nil {
		panic(err)
	}
	return blocks
}

func joined(blocks ...[]byte) []byte { return encoded(blocks) }

// payloadIn is the payload of a COSE_Sign1.
func payloadIn(envelope []byte) []byte {
	var tag struct {
		_         struct{} `cbor:",toarray"`
		Protected []byte
		Header    map[int]any
		Payload   []byte
		Signature []byte
	}
	if err := cbor.Unmarshal(envelope[1:], &tag); err != nil {
		panic(err)
	}
	return tag.Payload
}

// forged appends a block to a token, with parent and issuer set as they should be, and then changed.
func forged(token []byte, by *Identity, b Block, change ...func(map[int]any)) []byte {
	blocks := blocksOf(token)
	b.Issuer = by.Key()
	if n := len(blocks); n > 0 {
		b.Parent = sha256.Sum256(toBeSigned("block", payloadIn(blocks[n-1])))
	}
	return joined(append(blocks, enveloped("block", by, payloadOf(b, change...)))...)
}

// forgedRaw appends a block with any payload.
func forgedRaw(token []byte, by *Identity, payload []byte) []byte {
	return joined(append(blocksOf(token), enveloped("block", by, payload))...)
}

// The minter makes the same bytes from the same blocks, so what it does differently in the attacks is what is refused.
func TestForgeryAgreesWithMint(t *testing.T) {
	full := func(b *Block) {
		b.Denials = []Grant{grant("read", "file:///srv/secret/**")}
		b.Limits = Limits{}.With(Fuel, 1_000_000).With(Timeout, 0).With(Memory, 70_000)
		b.Caveats = []string{"one", "two"}
	}
	b := block(alice, 3, full)
	if got, want := forged(nil, rootKey, b), minted(t, b); string(got) != string(want) {
		t.Errorf("the root's block\n%x\n%x", got, want)
	}
	child := block(bob, 2, full)
	if got, want := forged(minted(t, b), alice, child), attenuated(t, minted(t, b), alice, child); string(got) != string(want) {
		t.Errorf("the child\n%x\n%x", got, want)
	}
}
