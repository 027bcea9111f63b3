package token

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// benchGrants are the eight grants of block i of a chain, two of them with a glob in mid-path. Each block narrows three of
// the eight, one of these a glob's.
func benchGrants(i int) []Grant {
	deeper := func(s string, n int) string {
		for k := range n {
			s += fmt.Sprintf("/d%d", k)
		}
		return s + "/**"
	}
	return []Grant{
		grant("read", deeper("file:///srv/kb", i)),
		grant("read list", "file:///srv/*/public/**"),
		grant("read", deeper("file:///home/*/notes", i)),
		grant("write", "file:///srv/out/**"),
		grant("connect", deeper("https://api.example.com/v1", i)),
		grant("connect", "https://*.example.org/**"),
		grant("execute", "tool://search"),
		grant("use", "secret://openai"),
	}
}

// benchChain makes a token of n blocks.
func benchChain(b *testing.B, n int) ([]byte, Terms) {
	trust := trusting(b, func(m map[string]any) {
		m["revokers"] = []string{revoker.Key().String()}
		m["roots"].([]any)[0].(map[string]any)["grants"] = []any{map[string]any{
			"actions":   []string{"read", "list", "write", "execute", "connect", "use"},
			"resources": []string{"file:///**", "https://**", "tool://**", "secret://**"}}}
	})
	var rs *Revocations
	list := RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: now.Add(time.Hour)}
	for i := range 100 {
		list.Keys = append(list.Keys, Key{byte(i), 1})
		list.Items = append(list.Items, Ref{Key{byte(i), 1}, ID{1}})
		list.Digests = append(list.Digests, Digest{byte(i), 1})
	}
	signed, err := SignRevocations(revoker, list)
	if err != nil {
		b.Fatal(err)
	}
	l, err := OpenRevocations(signed)
	if err != nil {
		b.Fatal(err)
	}
	if rs, err = rs.With(trust, l); err != nil {
		b.Fatal(err)
	}
	holder := func(i int) *Identity { return who(RoleAgent, byte(100+i)) }
	raw, err := Mint(rootKey, block(holder(0), MaxBlocks-1, grants(benchGrants(0)...)))
	for i := 1; i < n && err == nil; i++ {
		raw, err = Attenuate(raw, holder(i-1), block(holder(i), MaxBlocks-1-i, grants(benchGrants(i)...)))
	}
	if err != nil {
		b.Fatal(show(err))
	}
	return raw, Terms{Trust: trust, Revoked: rs, Now: now}
}

func BenchmarkSign(b *testing.B) {
	blk := block(alice, 3, grants(benchGrants(0)...))
	payload := blk.encode()
	b.Run("raw", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ed25519.Sign(rootKey.private, payload)
		}
	})
	b.Run("block", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := blockKind.seal(rootKey, blk.encode()); err != nil {
				b.Fatal(err)
			}
		}
	})
	// Mint also reads what it signed as a verifier does, signature and all.
	b.Run("mint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Mint(rootKey, blk); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerifyChain(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8, 16} {
		raw, terms := benchChain(b, n)
		// In turn with the bare signatures over the same bytes, so that both have the same machine. The figures are medians;
		// ns/op is that of both.
		b.Run(fmt.Sprintf("depth=%d/cold", n), func(b *testing.B) {
			envelopes, keys := benchEnvelopes(b, raw)
			v := new(Verifier)
			var bare, cold, ratio []float64
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				for i := range envelopes {
					if !ed25519.Verify(keys[i][:], envelopes[i].signed, envelopes[i].signature[:]) {
						b.Fatal("refused")
					}
				}
				middle := time.Now()
				if _, err := v.Verify(raw, terms); err != nil {
					b.Fatal(err)
				}
				end := time.Now()
				bare = append(bare, float64(middle.Sub(start)))
				cold = append(cold, float64(end.Sub(middle)))
				ratio = append(ratio, cold[len(cold)-1]/bare[len(bare)-1])
			}
			median := func(s []float64) float64 { slices.Sort(s); return s[len(s)/2] }
			b.ReportMetric(median(bare), "bare-ns")
			b.ReportMetric(median(cold), "cold-ns")
			b.ReportMetric(median(ratio), "cold/bare")
			b.ReportMetric(float64(len(raw)), "token-B")
		})
		b.Run(fmt.Sprintf("depth=%d/warm", n), func(b *testing.B) {
			v := NewVerifier(Options{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(raw, terms); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode reads the payload of a block, patterns aside, and beside it another library does: decoding, encoding again
// and comparing, which is what being strict takes with it.
func BenchmarkDecode(b *testing.B) {
	blk := block(alice, 3, grants(benchGrants(0)...))
	blk.Issuer = rootKey.Key()
	payload := string(blk.encode())
	b.Run("moat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := reader{s: payload}
			var out Block
			f := r.fields("the block")
			out.head(&f)
			s := newSlab(8)
			if out.body(&f, &s, &blk); r.err != nil {
				b.Fatal(r.err)
			}
		}
	})
	b.Run("fxamacker", func(b *testing.B) {
		mode, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
			ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
		if err != nil {
			b.Fatal(err)
		}
		type grant struct {
			_         struct{} `cbor:",toarray"`
			Actions   []string
			Resources []string
		}
		type fxBlock struct {
			Version   uint64            `cbor:"1,keyasint"`
			Realm     string            `cbor:"2,keyasint"`
			Issuer    []byte            `cbor:"3,keyasint"`
			Audience  []byte            `cbor:"4,keyasint"`
			ID        []byte            `cbor:"5,keyasint"`
			Parent    []byte            `cbor:"6,keyasint,omitempty"`
			NotBefore uint64            `cbor:"7,keyasint"`
			Expires   uint64            `cbor:"8,keyasint"`
			Depth     uint64            `cbor:"9,keyasint"`
			Grants    []grant           `cbor:"10,keyasint"`
			Denials   []grant           `cbor:"11,keyasint,omitempty"`
			Limits    map[string]uint64 `cbor:"12,keyasint,omitempty"`
			Caveats   [][]byte          `cbor:"13,keyasint,omitempty"`
		}
		raw := []byte(payload)
		b.ReportAllocs()
		for b.Loop() {
			var out fxBlock
			if err := mode.Unmarshal(raw, &out); err != nil {
				b.Fatal(err)
			}
			again, err := coreDeterministic.Marshal(&out)
			if err != nil || !bytes.Equal(again, raw) {
				b.Fatal("other bytes", err)
			}
		}
	})
}

func benchEnvelopes(b *testing.B, raw []byte) (envelopes []envelope, keys []Key) {
	r := reader{s: string(raw)}
	for range r.count(majorArray, MaxBlocks, "the token") {
		e, err := blockKind.parse(r.bytes(MaxTokenSize, "a block"), nil)
		if err != nil {
			b.Fatal(err)
		}
		var blk Block
		p := reader{s: e.payload}
		f := p.fields("the block")
		blk.head(&f)
		envelopes, keys = append(envelopes, e), append(keys, blk.Issuer)
	}
	return envelopes, keys
}

func BenchmarkAllows(b *testing.B) {
	for _, n := range []int{1, 16} {
		raw, terms := benchChain(b, n)
		c, err := NewVerifier(Options{}).Verify(raw, terms)
		if err != nil {
			b.Fatal(err)
		}
		deep := "file:///srv/kb"
		for k := range n {
			deep += fmt.Sprintf("/d%d", k)
		}
		for what, call := range map[string][2]string{
			"file": {"read", deep + "/a.txt"}, "glob": {"list", "file:///srv/team/public/a/b.txt"},
			"tool": {"execute", "tool://search"}, "refused": {"read", "file:///etc/passwd"},
		} {
			target := name(call[1])
			want := c.Allows(call[0], target)
			if want == (what == "refused") {
				b.Fatalf("%s: %v", what, want)
			}
			b.Run(fmt.Sprintf("depth=%d/%s", n, what), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if c.Allows(call[0], target) != want {
						b.Fatal("changed its mind")
					}
				}
			})
		}
	}
}

// BenchmarkKnownKey is a signature under a key whose point is known, and its multiples, beside crypto/ed25519.
func BenchmarkKnownKey(b *testing.B) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	message := make([]byte, 400)
	signature := [64]byte(ed25519.Sign(private, message))
	s, _ := newKnownKey(Key(private.Public().(ed25519.PublicKey)))
	b.Run("ed25519", func(b *testing.B) {
		for b.Loop() {
			ed25519.Verify(s.key[:], message, signature[:])
		}
	})
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			s.held.Store(manySignatures)
			s.verify(message, &signature)
		}
	})
	b.Run("multiples", func(b *testing.B) {
		s.multiples.Store(newMultiples(&s.minus))
		for b.Loop() {
			s.verify(message, &signature)
		}
	})
}
