package token

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// strictly decodes CBOR as strictly as fxamacker/cbor can be told to, and encodes it again.
func strictly(t *testing.T, data []byte) []byte {
	t.Helper()
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		UTF8: cbor.UTF8RejectInvalid, MaxNestedLevels: 16, MaxArrayElements: 131072,
	}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := mode.Unmarshal(data, &v); err != nil {
		t.Fatalf("%x: %v", data, err)
	}
	return encoded(v)
}

// What the reader accepts as the payload of a block is what its fields encode to, and another library agrees that it is
// deterministic CBOR.
func FuzzBlock(f *testing.F) {
	full := block(alice, 3, func(b *Block) {
		b.Issuer = rootKey.Key()
		b.Denials = []Grant{grant("read write", "file:///srv/secret/**", "any")}
		b.Limits = Limits{}.With(Fuel, 1_000_000).With(Memory, 70_000).With(Timeout, 0)
		b.Caveats = []string{"one", strings.Repeat("x", 300)}
	})
	f.Add(full.encode())
	plain := block(alice, 0, grants())
	plain.Issuer = rootKey.Key()
	f.Add(plain.encode())
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw, err := blockKind.seal(rootKey, payload)
		if err != nil {
			return
		}
		blocks, err := Inspect(joined(raw))
		if (blocks == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil {
			if _, ok := err.(*Error); !ok || len(err.Error()) > 20_000 {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if got := blocks[0].encode(); !bytes.Equal(got, payload) {
			t.Fatalf("read  %x\nwrote %x", payload, got)
		}
		if got := strictly(t, payload); !bytes.Equal(got, payload) {
			t.Fatalf("read  %x\nfxamacker writes %x", payload, got)
		}
	})
}

// The same for all other signed objects. The first byte says which.
func FuzzStatements(f *testing.F) {
	h := now.Add(time.Hour)
	seed := func(kind byte, raw []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, payloadIn(raw))
	}
	raw, err := SignMessage(alice, Message{Realm: "test", Recipient: enforcer.Key(), Sequence: 1, Time: now, Action: "read", Resource: name("file:///a"), Args: []byte("{}")})
	seed(0, raw, err)
	raw, err = SignAttestation(attester, Attestation{Realm: "test", ID: ID{1}, Claim: "Staff", Value: "v", NotBefore: now, Expires: h})
	seed(1, raw, err)
	raw, err = SignAttestation(attester, Attestation{Realm: "test", ID: ID{1}, Claim: "Staff", Subject: alice.Key(), NotBefore: now, Expires: h})
	seed(1, raw, err)
	raw, err = SignApproval(approver, Approval{Realm: "test", Rule: "r", NotBefore: now, Expires: h})
	seed(2, raw, err)
	raw, err = SignRevocations(revoker, RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: h, Keys: []Key{alice.Key(), bob.Key()},
		Items: []Ref{{alice.Key(), ID{1}}}, Digests: []Digest{{1}}})
	seed(3, raw, err)
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		var again []byte
		read := func(k *kindOf) {
			raw, err := k.kind.seal(k.by, payload)
			if err != nil {
				return
			}
			again, err = k.again(raw)
			if err != nil {
				if _, ok := err.(*Error); !ok || len(err.Error()) > 20_000 {
					t.Fatalf("%T %v", err, err)
				}
				return
			}
			if !bytes.Equal(payloadIn(again), payload) {
				t.Fatalf("read  %x\nwrote %x", payload, payloadIn(again))
			}
			if got := strictly(t, payload); !bytes.Equal(got, payload) {
				t.Fatalf("read  %x\nfxamacker writes %x", payload, got)
			}
		}
		read(&kindsOf[int(kind)%len(kindsOf)])
	})
}

// A kindOf opens a signed object and signs what it read again.
type kindOf struct {
	kind  *kind
	by    *Identity
	again func(raw []byte) ([]byte, error)
}

var kindsOf = []kindOf{
	{&messageKind, alice, func(raw []byte) ([]byte, error) {
		m, err := OpenMessage(raw)
		if err != nil {
			return nil, err
		}
		if again, err := SignMessage(alice, *m); err == nil {
			return again, nil
		}
		return raw, nil // the arguments are no JSON object, which the reader leaves to the enforcement point
	}},
	{&attestationKind, attester, func(raw []byte) ([]byte, error) {
		a, err := readAttestation(raw)
		if err != nil {
			return nil, err
		}
		return SignAttestation(attester, *a)
	}},
	{&approvalKind, approver, func(raw []byte) ([]byte, error) {
		a, err := readApproval(raw)
		if err != nil {
			return nil, err
		}
		return SignApproval(approver, *a)
	}},
	{&revocationKind, revoker, func(raw []byte) ([]byte, error) {
		l, err := OpenRevocations(raw)
		if err != nil {
			return nil, err
		}
		return SignRevocations(revoker, *l)
	}},
}

// Whole tokens and deliveries, of which nothing is signed for the fuzzer.
func FuzzToken(f *testing.F) {
	token, err := Mint(rootKey, block(alice, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	d := Delivery{Message: []byte{1}, Token: token, Attestations: [][]byte{{2}}, Approvals: [][]byte{{3}, {}}}
	packed, err := d.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte(FormatText(token)))
	trust, err := ParseTrust(trustText())
	if err != nil {
		f.Fatal(err)
	}
	v := NewVerifier(Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := v.Verify(raw, Terms{Trust: trust, Now: now}); (c == nil) == (err == nil) {
			t.Fatal("neither or both")
		} else if c != nil && !bytes.Equal(c.Token(), raw) {
			t.Fatal("another token")
		}
		if d, err := ParseDelivery(raw); err == nil {
			if again, err := d.Encode(); err != nil || !bytes.Equal(again, raw) {
				t.Fatal("another delivery", err)
			}
		}
		if bytes, err := ParseText(string(raw)); err == nil && FormatText(bytes) != string(raw) {
			t.Fatal("another spelling")
		}
		if k, err := ParseKey(string(raw)); err == nil && k.String() != string(raw) {
			t.Fatal("another spelling of a key")
		}
		if id, err := ParseKeyFile(raw, nil); err == nil {
			if text, err := id.KeyFile(); err != nil || !bytes.Equal(bytes.TrimSuffix(text, []byte("\n")), bytes.TrimSuffix(raw, []byte("\n"))) {
				t.Fatalf("another key file: %q, %q", text, raw)
			}
		}
	})
}

// What is decoded takes no more memory than was said, however it is made to.
func TestMemoryIsBounded(t *testing.T) {
	tiny := func(n int, p func(i int) string) []Grant {
		var gs []Grant
		for n > 0 {
			g := Grant{Actions: []string{"a"}}
			for ; n > 0 && len(g.Resources) < MaxResources; n-- {
				g.Resources = append(g.Resources, grant("a", p(n)).Resources...)
			}
			gs = append(gs, g)
		}
		return gs
	}
	two := func(i int) string { return "x://" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) }
	segments := func(int) string { return "x:/" + strings.Repeat("/a", 250) }
	for what, payload := range map[string][]byte{
		"tiny patterns":  payloadOf(withIssuer(block(alice, 1, grants(tiny(4000, two)...)))),
		"tiny segments":  payloadOf(withIssuer(block(alice, 1, grants(tiny(120, segments)...)))),
		"lone wildcards": payloadOf(withIssuer(block(alice, 1, grants(tiny(4000, func(int) string { return "x://*" })...)))),
		"caveats":        payloadOf(withIssuer(block(alice, 1, func(b *Block) { b.Caveats = slices.Repeat([]string{"c"}, MaxCaveats) }))),
		"great counts":   append(payloadOf(withIssuer(block(alice, 1)))[:1], 0x01, 0x01, 0x02, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
	} {
		token := joined(enveloped("block", rootKey, payload))
		with := terms(t)
		least := uint64(1 << 62)
		for range 3 { // the smallest of three: something else may run
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			new(Verifier).Verify(token, with)
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if most := uint64(MaxExpansion*len(token) + 8<<10); least > most {
			t.Errorf("%s: %d bytes for %d, %d for each, more than %d", what, least, len(token), least/uint64(len(token)), most)
		} else {
			t.Logf("%s: %d bytes for %d, %d for each", what, least, len(token), least/uint64(len(token)))
		}
	}
}

func withIssuer(b Block) Block {
	b.Issuer = rootKey.Key()
	return b
}

// Every head of CBOR that isn't the shortest is refused, and each shortest one is read as what it says.
func TestHeads(t *testing.T) {
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		for major := range byte(6) {
			shortest := appendHead(nil, major, n)
			r := reader{s: string(shortest)}
			if got := r.head(major, "it"); got != n || r.err != nil || r.at != len(shortest) {
				t.Errorf("%x: %d, %v", shortest, got, r.err)
			}
			for size := range 4 {
				long := make([]byte, 8)
				binary.BigEndian.PutUint64(long, n)
				if 8<<size < 64 && n>>(8<<size) > 0 {
					continue
				}
				long = append([]byte{major<<5 | byte(24+size)}, long[8-1<<size:]...)
				r := reader{s: string(long)}
				if r.head(major, "it"); (r.err == nil) != bytes.Equal(long, shortest) {
					t.Errorf("%x, where %x is shortest: %v", long, shortest, r.err)
				}
			}
			for cut := range len(shortest) {
				r := reader{s: string(shortest[:cut])}
				if r.head(major, "it"); r.err == nil {
					t.Errorf("%x is accepted", shortest[:cut])
				}
			}
		}
	}
}
