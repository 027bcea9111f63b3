package token

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

//go:generate go test -run TestVectors -update-spec

var updateSpec = flag.Bool("update-spec", false, "write spec/vectors/token from what the generator makes")

const vectorDir = "../spec/vectors/token"

// A vectorFile is a file of spec/vectors/token. spec/TOKEN.md says how to read it.
type vectorFile struct {
	About string            `json:"about"`
	Trust map[string]string `json:"trust,omitempty"` // documents by name
	Cases []vector          `json:"cases"`
}

type vector struct {
	Title       string            `json:"title"`
	Kind        string            `json:"kind"`  // token, message, attestation, approval, revocation, delivery, did, text, trust
	Input       string            `json:"input"` // text form; of did and text as it is; of delivery in hexadecimal
	Trust       string            `json:"trust,omitempty"`
	At          string            `json:"at,omitempty"`
	Revocations []string          `json:"revocations,omitempty"`
	MaxDepth    int               `json:"max_depth,omitempty"`
	MaxTTL      string            `json:"max_ttl,omitempty"`
	Error       string            `json:"error,omitempty"`
	Block       *int              `json:"block,omitempty"`
	Witness     string            `json:"witness,omitempty"`
	Digest      string            `json:"digest,omitempty"`
	Audience    string            `json:"audience,omitempty"`
	Limits      map[string]uint64 `json:"limits,omitempty"`
	Allows      []string          `json:"allows,omitempty"`
	Refuses     []string          `json:"refuses,omitempty"`
}

// run holds a vector against the package: it returns the vector with what came out.
func (v vector) run(t *testing.T, trusts map[string]string) vector {
	t.Helper()
	out := v
	out.Error, out.Block, out.Witness, out.Digest, out.Audience, out.Limits = "", nil, "", "", "", nil
	var with Terms
	fail := func(err error) vector {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %T %v", v.Title, err, err)
		}
		out.Error, out.Witness = string(e.Reason), e.Witness
		if e.Block >= 0 {
			out.Block = &e.Block
		}
		return out
	}
	if v.Trust != "" {
		trust, err := ParseTrust([]byte(trusts[v.Trust]))
		if err != nil {
			t.Fatal(v.Title, show(err))
		}
		with.Trust = trust
	}
	if v.At != "" {
		at, err := time.Parse(time.RFC3339, v.At)
		if err != nil {
			t.Fatal(v.Title, err)
		}
		with.Now = at
	}
	with.MaxDepth = v.MaxDepth
	with.MaxTTL, _ = ParseDuration(v.MaxTTL)
	for _, text := range v.Revocations {
		raw, err := ParseText(text)
		if err != nil {
			t.Fatal(v.Title, show(err))
		}
		l, err := OpenRevocations(raw)
		if err == nil {
			with.Revoked, err = with.Revoked.With(with.Trust, l)
		}
		if err != nil {
			return fail(err)
		}
	}
	var raw []byte
	var err error
	switch v.Kind {
	case "did", "trust", "text":
	case "delivery":
		raw, err = hex.DecodeString(v.Input)
	default:
		raw, err = ParseText(v.Input)
	}
	if err != nil {
		t.Fatal(v.Title, show(err))
	}
	var digest Digest
	switch v.Kind {
	case "token":
		c, err := NewVerifier(Options{}).Verify(raw, with)
		if err != nil {
			return fail(err)
		}
		digest, out.Audience, out.Limits = c.Digest(), c.Audience().String(), map[string]uint64{}
		for _, l := range AllLimits() {
			if n, ok := c.Limits().Get(l); ok {
				out.Limits[l.String()] = n
			}
		}
		for i, calls := range [][]string{v.Refuses, v.Allows} {
			for _, call := range calls {
				action, text, _ := strings.Cut(call, " ")
				if c.Allows(action, name(text)) != (i == 1) {
					t.Errorf("%s: %s: %v", v.Title, call, i == 0)
				}
			}
		}
	case "message":
		if _, err := OpenMessage(raw); err != nil {
			return fail(err)
		}
		e, _ := messageKind.parse(string(raw), nil)
		digest = e.digest()
	case "attestation":
		a, err := OpenAttestation(raw, with)
		if err != nil {
			return fail(err)
		}
		digest = a.Digest
	case "approval":
		a, err := OpenApproval(raw, with)
		if err != nil {
			return fail(err)
		}
		digest = a.Digest
	case "revocation":
		l, err := OpenRevocations(raw)
		if err != nil {
			return fail(err)
		}
		digest = l.digest
	case "delivery":
		if _, err := ParseDelivery(raw); err != nil {
			return fail(err)
		}
	case "did":
		if _, err := ParseKey(v.Input); err != nil {
			return fail(err)
		}
	case "text":
		if _, err := ParseText(v.Input); err != nil {
			return fail(err)
		}
	case "trust":
		trust, err := ParseTrust([]byte(v.Input))
		if err != nil {
			return fail(err)
		}
		digest = trust.Digest()
	default:
		t.Fatalf("%s: the kind %q", v.Title, v.Kind)
	}
	if !digest.IsZero() {
		out.Digest = digest.String()
	}
	if len(out.Limits) == 0 {
		out.Limits = nil
	}
	return out
}

// The generator makes the vectors that are there, to the byte; each gives what it says; and there are enough of them.
func TestVectors(t *testing.T) {
	made := generate(t)
	total, invalid, reasons := 0, 0, map[string]bool{}
	for file, f := range made {
		for i, v := range f.Cases {
			want := v.Error
			v = v.run(t, f.Trust)
			if v.Error != want {
				t.Errorf("%s: %s: the error is %q, want %q", file, v.Title, v.Error, want)
			}
			f.Cases[i] = v
		}
		text, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, '\n')
		path := filepath.Join(vectorDir, file)
		if *updateSpec {
			if err := os.MkdirAll(vectorDir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		there, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(there, text) {
			t.Errorf("%s isn't what the generator makes (go generate ./token writes it)\n%s", path, cmp.Diff(string(there), string(text)))
		}
		// What is read back from the file gives the same.
		var back vectorFile
		if err := json.Unmarshal(there, &back); err != nil {
			t.Fatal(err)
		}
		for _, v := range back.Cases {
			if diff := cmp.Diff(v, v.run(t, back.Trust)); diff != "" {
				t.Errorf("%s: %s: %s", file, v.Title, diff)
			}
			if total++; v.Error != "" {
				invalid++
				reasons[v.Error] = true
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.json"))
	if err != nil || len(files) != len(made) {
		t.Errorf("%d files, and %d are made: %v", len(files), len(made), err)
	}
	if total < 80 || invalid < 60 {
		t.Errorf("%d vectors, %d of them invalid", total, invalid)
	}
	// These take more than one object, or a private key, to come about, or a clock.
	others := []Reason{NotHolder, Rollback, Equivocation, WrongRole, BadKeyFile, Passphrase}
	for _, row := range Reasons {
		if !reasons[string(row.Reason)] && !slices.Contains(others, row.Reason) {
			t.Errorf("no vector for %s", row.Reason)
		}
	}
	t.Logf("%d vectors, %d of them invalid, with %d reasons", total, invalid, len(reasons))
}

// generate makes all vectors. Nothing in it is random: keys come from fixed seeds, and Ed25519 is deterministic.
func generate(t *testing.T) map[string]*vectorFile {
	usual := string(trustText())
	scoped := string(trustText(func(m map[string]any) {
		m["roots"] = []any{map[string]any{"key": rootKey.Key().String(), "max_ttl": "2h", "max_depth": 2, "limits": map[string]any{"fuel": 50},
			"grants": []any{map[string]any{"actions": []string{"read"}, "resources": []string{"file:///srv/**"}}}}}
	}))
	watched := string(trustText(func(m map[string]any) { m["revokers"] = []string{revoker.Key().String()} }))
	trusts := map[string]string{"usual": usual, "scoped": scoped, "watched": watched}
	files := map[string]*vectorFile{
		"chains.json": {About: "Chains that are accepted, with what they give.", Trust: trusts},
		"narrow.json": {About: "Blocks that are wider than their parent, and roots that grant more than they may.", Trust: trusts},
		"forged.json": {About: "Wrong keys, links, times, realms and signatures.", Trust: trusts},
		"cbor.json":   {About: "Payloads and tokens that are not deterministic CBOR, or not of the right shape.", Trust: trusts},
		"cose.json":   {About: "Envelopes other than the one form.", Trust: trusts},
		"revoked.json": {About: "Revocation lists and what they do. They are taken in order; an error may be that of a list.",
			Trust: trusts},
		"statements.json": {About: "Messages, attestations, approvals and deliveries.", Trust: trusts},
		"texts.json":      {About: "Keys, text forms and trust documents."},
	}
	add := func(file string, v vector) { files[file].Cases = append(files[file].Cases, v) }
	at := now.Format(time.RFC3339)
	token := func(file, title string, want Reason, raw []byte, change ...func(*vector)) {
		v := vector{Title: title, Kind: "token", Input: FormatText(raw), Trust: "usual", At: at, Error: string(want)}
		for _, c := range change {
			c(&v)
		}
		add(file, v)
	}
	under := func(trust string) func(*vector) { return func(v *vector) { v.Trust = trust } }
	allows := func(yes string, no ...string) func(*vector) {
		return func(v *vector) { v.Allows, v.Refuses = strings.Split(yes, ", "), no }
	}
	parent := minted(t, block(alice, 3, grants(grant("read write", "file:///srv/kb/**"), grant("connect", "https://*.example.com/**"))))
	child := func(change ...func(*Block)) []byte { return forged(parent, alice, block(bob, 1, change...)) }
	kb := grants(grant("read", "file:///srv/kb/**"))

	// Accepted.
	token("chains.json", "a root's block", "", parent, allows("read file:///srv/kb/a, write file:///srv/kb, connect https://a.example.com/", "read file:///srv/a", "execute tool://x"))
	token("chains.json", "a child", "", child(kb), allows("read file:///srv/kb/a", "write file:///srv/kb/a"))
	token("chains.json", "a pattern that two grants of the parent cover together", "", forged(minted(t, block(alice, 1, grants(grant("read", "file:///s"), grant("read", "file:///s/*"), grant("read", "file:///s/*/*/**")))),
		alice, block(bob, 0, grants(grant("read", "file:///s/**")))), allows("read file:///s/a/b"))
	token("chains.json", "a glob in mid-path", "", forged(minted(t, block(alice, 1, grants(grant("read", "file:///srv/*/public/**")))),
		alice, block(bob, 0, grants(grant("read", "file:///srv/team-*/public/a*")))), allows("read file:///srv/team-1/public/ab", "read file:///srv/x/public/ab"))
	token("chains.json", "no grants", "", child(grants()), func(v *vector) { v.Refuses = []string{"read file:///srv/kb/a"} })
	token("chains.json", "any", "", child(kb, func(b *Block) { b.Denials = []Grant{grant("read", "any")} }), func(v *vector) { v.Refuses = []string{"read file:///srv/kb/a"} })
	token("chains.json", "an ancestor's denial", "", forged(minted(t, block(alice, 1, func(b *Block) { b.Denials = []Grant{grant("read", "file:///srv/s/**")} })), alice, block(bob, 0)),
		allows("read file:///srv/a", "read file:///srv/s/a"))
	limited := minted(t, block(alice, 1, func(b *Block) { b.Limits = Limits{}.With(Fuel, 100).With(Memory, 1<<20).With(Timeout, 5000) }))
	token("chains.json", "limits that are inherited", "", forged(limited, alice, block(bob, 0)))
	token("chains.json", "limits that are lowered, one to zero", "", forged(limited, alice, block(bob, 0, func(b *Block) { b.Limits = Limits{}.With(Fuel, 0).With(Memory, 9) })))
	token("chains.json", "the trust document's limit for its root", "", minted(t, block(alice, 1)), under("scoped"))
	token("chains.json", "caveats", "", forged(minted(t, block(alice, 1, func(b *Block) { b.Caveats = []string{"one", "two"} })), alice, block(bob, 0, func(b *Block) { b.Caveats = []string{"three"} })))
	long, holders := minted(t, block(alice, 15)), []*Identity{alice, bob}
	for i := 1; i < MaxBlocks; i++ {
		long = attenuated(t, long, holders[(i+1)%2], block(holders[i%2], 15-i))
	}
	token("chains.json", "sixteen blocks", "", long)
	token("chains.json", "the first second", "", parent, func(v *vector) { v.At = now.Add(-time.Minute).Format(time.RFC3339) })
	token("chains.json", "the last second", "", parent, func(v *vector) { v.At = now.Add(time.Hour - time.Second).Format(time.RFC3339) })
	token("chains.json", "two blocks where the policy allows two", "", child(kb), func(v *vector) { v.MaxDepth, v.MaxTTL = 2, "61m" })

	// Too wide.
	for _, w := range []struct{ action, pattern string }{
		{"read", "file:///etc/passwd"}, {"read", "file:///srv/**"}, {"read", "file:///srv/kbx/**"}, {"read", "file:///srv/**/kb/x"}, {"write", "file:///srv/kb*/x"},
		{"read", "any"}, {"connect", "file:///srv/kb/x"}, {"connect", "https://example.com/"}, {"connect", "https://a.b.example.com/"}, {"connect", "https://a.example.com:8443/"},
		{"connect", "http://a.example.com/"}, {"connect", "https://a.example.com.evil.org/"}, {"execute", "tool://x"},
	} {
		token("narrow.json", w.action+" on "+w.pattern, Grants, child(grants(grant(w.action, w.pattern))))
	}
	token("narrow.json", "a limit that is higher", TooMuch, forged(limited, alice, block(bob, 0, func(b *Block) { b.Limits = Limits{}.With(Timeout, 5001) })))
	for _, c := range []struct {
		title  string
		change func(*Block)
	}{
		{"resource", grants(grant("read", "file:///etc/passwd"))},
		{"action", grants(grant("write", "file:///srv/a"))},
		{"time", func(b *Block) { b.Expires = b.Expires.Add(2 * time.Hour) }},
		{"depth", func(b *Block) { b.Depth = 2 }},
		{"limit", func(b *Block) { b.Limits = b.Limits.With(Fuel, 51) }},
	} {
		token("narrow.json", "a root beyond its scope: "+c.title, Root, minted(t, block(alice, 1, c.change)), under("scoped"))
	}
	many := func(text string) (gs []Grant) {
		for i := range 40 {
			g := Grant{}
			for a := range MaxActions {
				g.Actions = append(g.Actions, "a"+string(rune('a'+a%26))+string(rune('a'+a/26)))
			}
			for p := range 20 {
				g.Resources = append(g.Resources, grant("a", "x://"+string(rune('a'+i%26))+string(rune('a'+i/26))+"/"+string(rune('a'+p))+text).Resources...)
			}
			gs = append(gs, g)
		}
		return gs
	}
	token("narrow.json", "too much to compare", Budget, forged(forged(nil, rootKey, block(alice, 1, grants(many("/*")...))), alice, block(bob, 0, grants(many("/q")...))),
		func(v *vector) { v.Trust = "many" })
	files["narrow.json"].Trust = map[string]string{"usual": usual, "scoped": scoped, "many": string(trustText(func(m map[string]any) {
		m["roots"].([]any)[0].(map[string]any)["grants"] = []any{map[string]any{"actions": many("")[0].Actions, "resources": []string{"x://**"}}}
	}))}

	// Forged.
	h := func(d time.Duration) func(*Block) { return func(b *Block) { b.Expires = b.Expires.Add(d) } }
	token("forged.json", "a root that isn't trusted", Root, forged(nil, otherRoot, block(alice, 1)))
	token("forged.json", "issued by somebody who isn't the parent's audience", Issuer, forged(parent, mallory, block(bob, 1, kb)))
	token("forged.json", "issued by the root again", Issuer, forged(parent, rootKey, block(bob, 1, kb)))
	lie := func(m map[int]any) { k := alice.Key(); m[3] = k[:] }
	token("forged.json", "signed by another key than the issuer's", Signature, forged(parent, mallory, block(bob, 1, kb), lie))
	swapped := blocksOf(minted(t, block(alice, 3, grants(everything...))))[0]
	token("forged.json", "another parent with the same id", Parent, joined(swapped, blocksOf(child(kb))[1]))
	token("forged.json", "a first block that names a parent", Parent, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { m[6] = bytes.Repeat([]byte{1}, 32) }))
	token("forged.json", "a second block that names none", Parent, forged(parent, alice, block(bob, 1, kb), func(m map[int]any) { delete(m, 6) }))
	token("forged.json", "a child without its parent", Root, joined(blocksOf(child(kb))[1]))
	token("forged.json", "another realm", Realm, minted(t, block(alice, 1, func(b *Block) { b.Realm = "staging" })))
	token("forged.json", "a child for another realm", Realm, child(kb, func(b *Block) { b.Realm = "staging" }))
	token("forged.json", "a child that outlives its parent", Window, child(kb, h(time.Second)))
	token("forged.json", "a child that begins before its parent", Window, child(kb, func(b *Block) { b.NotBefore = b.NotBefore.Add(-time.Second) }))
	token("forged.json", "an empty window", Window, child(kb, func(b *Block) { b.Expires = b.NotBefore }))
	token("forged.json", "expired", Expired, child(kb), func(v *vector) { v.At = now.Add(time.Hour).Format(time.RFC3339) })
	token("forged.json", "not valid yet", NotYetValid, child(kb), func(v *vector) { v.At = now.Add(-time.Minute - time.Second).Format(time.RFC3339) })
	token("forged.json", "valid for longer than the policy allows", Lifetime, child(kb), func(v *vector) { v.MaxTTL = "1h" })
	token("forged.json", "more blocks than the policy allows", Depth, child(kb), func(v *vector) { v.MaxDepth = 1 })
	token("forged.json", "as deep as its parent", Depth, forged(parent, alice, block(bob, 3, kb)))
	token("forged.json", "a child where none may follow", Depth, forged(minted(t, block(alice, 0)), alice, block(bob, 0)))
	token("forged.json", "a depth of 2^64-1", Field, forged(parent, alice, block(bob, 1, kb), func(m map[int]any) { m[9] = uint64(math.MaxUint64) }))
	token("forged.json", "a signature with one bit changed", Signature, flipped(child(kb), -1))
	token("forged.json", "a payload with one bit changed", Realm, bytes.Replace(child(kb), []byte("test"), []byte("tess"), 2))
	for i, k := range weakKeys(t)[:12] {
		token("forged.json", "an audience of small order, "+hex.EncodeToString(k[:4])+"…"+hex.EncodeToString(k[31:]), BadKey,
			forged(parent, alice, block(bob, 1, kb), func(m map[int]any) { m[4] = weakKeys(t)[i][:] }))
	}
	seventeen := blocksOf(long)
	token("forged.json", "seventeen blocks", Size, joined(append(seventeen, seventeen[0])...))
	for _, p := range []string{"file:///srv/kb/../etc", "file:///srv/kb/", "file:///srv/{a,b}", "FILE:///srv/kb/a", "/srv/kb"} {
		token("forged.json", "a pattern written "+p, Field, forged(parent, alice, block(bob, 1), func(m map[int]any) { m[10] = []any{[]any{[]string{"read"}, []string{p}}} }))
	}
	token("forged.json", "an action that is a wildcard", Field, forged(parent, alice, block(bob, 1), func(m map[int]any) { m[10] = []any{[]any{[]string{"*"}, []string{"file:///srv/kb"}}} }))

	// CBOR.
	b := block(alice, 1, func(b *Block) { b.Limits = Limits{}.With(Fuel, 5).With(Memory, 6) })
	b.Issuer = rootKey.Key()
	good := payloadOf(b)
	for _, c := range []struct {
		title, old, new string
		want            Reason
	}{
		{"an integer in two bytes", "0101 02", "011801 02", Encoding},
		{"a key in two bytes", "0264 74657374", "180264 74657374", Encoding},
		{"a length in two bytes", "0264 74657374", "027804 74657374", Encoding},
		{"keys out of order", "0101 0264 74657374", "0264 74657374 0101", Encoding},
		{"a key twice", "aa 0101", "ab 0101 0101", Encoding},
		{"limits out of order", "a2 646675656c 05 666d656d6f7279 06", "a2 666d656d6f7279 06 646675656c 05", Encoding},
		{"a float", "0101 02", "01f93c00 02", Encoding},
		{"a tag", "0101 02", "01c101 02", Encoding},
		{"null", "0ca2 646675656c 05 666d656d6f7279 06", "0cf6", Encoding},
		{"an indefinite map", "aa 0101", "bf 0101", Encoding},
		{"an indefinite text", "0264 74657374", "027f64 74657374 ff", Encoding},
		{"invalid UTF-8", "0264 74657374", "0264 746573ff", Encoding},
		{"bytes for text", "0264", "0244", Encoding},
		{"an unknown limit", "646675656c 05", "646675656d 05", Encoding},
		{"an unknown version", "0101 02", "0102 02", Version},
	} {
		token("cbor.json", c.title, c.want, forgedRaw(nil, rootKey, splice(t, good, c.old, c.new)))
	}
	token("cbor.json", "a byte behind the payload", Encoding, forgedRaw(nil, rootKey, append(slices.Clone(good), 0)))
	token("cbor.json", "an unknown field", Encoding, forgedRaw(nil, rootKey, append(append([]byte{good[0] + 1}, good[1:]...), 14, 1)))
	token("cbor.json", "empty limits", Encoding, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { m[12] = map[string]any{} }))
	token("cbor.json", "empty denials", Encoding, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { m[11] = []any{} }))
	token("cbor.json", "no grants field", Encoding, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { delete(m, 10) }))
	token("cbor.json", "no blocks", Encoding, []byte{0x80})
	token("cbor.json", "a byte behind the token", Encoding, append(slices.Clone(parent), 0))
	token("cbor.json", "a long head of the token", Encoding, append([]byte{0x98, 1}, parent[1:]...))
	token("cbor.json", "an indefinite token", Encoding, slices.Concat([]byte{0x9f}, parent[1:], []byte{0xff}))

	// COSE.
	payload := payloadIn(blocksOf(parent)[0])
	header := func(m map[int]any) func([]any) { return func(p []any) { p[0] = encoded(m) } }
	const typ = "application/moat-block+cbor"
	for _, c := range []struct {
		title  string
		want   Reason
		change func([]any)
	}{
		{"an unprotected header", Envelope, func(p []any) { p[1] = map[int]any{4: []byte("kid")} }},
		{"the algorithm EdDSA, -8", Algorithm, header(map[int]any{1: -8, 16: typ})},
		{"the algorithm ES256, -7", Algorithm, header(map[int]any{1: -7, 16: typ})},
		{"no type", Envelope, header(map[int]any{1: -19})},
		{"another type", Type, header(map[int]any{1: -19, 16: "application/cwt"})},
		{"a message's type", Type, header(map[int]any{1: -19, 16: "application/moat-message+cbor"})},
		{"more in the protected header", Envelope, header(map[int]any{1: -19, 16: typ, 17: 1})},
		{"a detached payload", Envelope, func(p []any) { p[2] = nil }},
		{"a signature of 63 bytes", Envelope, func(p []any) { p[3] = p[3].([]byte)[:63] }},
		{"a signature over the payload alone", Signature, func(p []any) { p[3] = ed25519Sign(rootKey, payload) }},
		{"a signature for another type", Signature, func(p []any) { p[3] = ed25519Sign(rootKey, toBeSigned("message", payload)) }},
	} {
		token("cose.json", c.title, c.want, joined(enveloped("block", rootKey, payload, c.change)))
	}
	envelope := blocksOf(parent)[0]
	token("cose.json", "untagged", Envelope, joined(envelope[1:]))
	token("cose.json", "a byte behind it", Envelope, joined(append(slices.Clone(envelope), 0)))
	token("cose.json", "a payload whose length takes five bytes", Envelope, joined(longPayload(envelope, payload)))

	// Revocation.
	list := func(by *Identity, l RevocationList) string {
		if l.Realm, l.Issued = "test", now; l.NextUpdate.IsZero() {
			l.NextUpdate = now.Add(time.Hour)
		}
		raw, err := SignRevocations(by, l)
		if err != nil {
			t.Fatal(show(err))
		}
		return FormatText(raw)
	}
	three := forged(child(kb), bob, block(carol, 0, kb))
	lists := func(texts ...string) func(*vector) { return func(v *vector) { v.Revocations = texts } }
	token("revoked.json", "no list where there is a revoker", Stale, three, under("watched"))
	token("revoked.json", "an empty list", "", three, under("watched"), lists(list(revoker, RevocationList{Sequence: 1})))
	short := list(revoker, RevocationList{Sequence: 1, NextUpdate: now.Add(time.Minute)})
	token("revoked.json", "a list past its next update", Stale, three, under("watched"), lists(short), func(v *vector) { v.At = now.Add(time.Minute).Format(time.RFC3339) })
	token("revoked.json", "an issuer's list past its next update", Stale, three, lists(list(bob, RevocationList{Sequence: 1, NextUpdate: now.Add(time.Minute)})),
		func(v *vector) { v.At = now.Add(time.Minute).Format(time.RFC3339) })
	for _, c := range []struct {
		title string
		want  Reason
		by    *Identity
		list  RevocationList
	}{
		{"the leaf's audience", Revoked, revoker, RevocationList{Keys: []Key{carol.Key()}}},
		{"an issuer in the middle", Revoked, revoker, RevocationList{Keys: []Key{alice.Key()}}},
		{"the root", Revoked, revoker, RevocationList{Keys: []Key{rootKey.Key()}}},
		{"a block by its id", Revoked, revoker, RevocationList{Items: []Ref{{alice.Key(), ID{2}}}}},
		{"another issuer's block with that id", "", revoker, RevocationList{Items: []Ref{{mallory.Key(), ID{2}}}}},
		{"a descendant's key, by an issuer", Revoked, alice, RevocationList{Keys: []Key{carol.Key()}}},
		{"a descendant's key, by the root", Revoked, rootKey, RevocationList{Keys: []Key{carol.Key()}}},
		{"an ancestor's key, by an issuer", "", bob, RevocationList{Keys: []Key{rootKey.Key(), alice.Key()}}},
		{"a key, by somebody who issued nothing on the chain", "", carol, RevocationList{Keys: []Key{alice.Key(), bob.Key()}}},
		{"by a key that the trust document doesn't know", Standing, mallory, RevocationList{Keys: []Key{carol.Key()}}},
	} {
		c.list.Sequence = 2
		texts := []string{list(revoker, RevocationList{Sequence: 1}), list(c.by, c.list)}
		token("revoked.json", c.title, c.want, three, under("watched"), lists(texts...))
	}
	token("revoked.json", "signed again", Revoked, joined(enveloped("block", rootKey, payload, func(p []any) { p[3] = otherSignature(t, rootKey, toBeSigned("block", payload)) })),
		under("watched"), lists(list(revoker, RevocationList{Sequence: 1, Digests: []Digest{verified(t, parent, terms(t)).Digest()}})))
	token("revoked.json", "an older list after a newer one", Rollback, three, under("watched"), lists(list(revoker, RevocationList{Sequence: 2}), list(revoker, RevocationList{Sequence: 1})))
	token("revoked.json", "two lists with one sequence", Equivocation, three, under("watched"), lists(list(revoker, RevocationList{Sequence: 2}), list(revoker, RevocationList{Sequence: 2, Keys: []Key{bob.Key()}})))

	// Statements.
	statement := func(title, kind string, want Reason, raw []byte, err error, change ...func(*vector)) {
		if err != nil {
			t.Fatal(title, show(err))
		}
		v := vector{Title: title, Kind: kind, Input: FormatText(raw), Error: string(want)}
		if kind == "attestation" || kind == "approval" {
			v.Trust, v.At = "usual", at
		}
		for _, c := range change {
			c(&v)
		}
		add("statements.json", v)
	}
	digest := trusting(t).Digest()
	m := Message{Realm: "test", Recipient: enforcer.Key(), Sequence: 7, Time: now, Token: Digest{1}, Policy: Digest{2}, Trust: digest, Action: "execute",
		Resource: name("tool://search"), Args: []byte(`{"q":"moat"}`)}
	raw, err := SignMessage(alice, m)
	statement("a message", "message", "", raw, err)
	statement("a message with one bit changed", "message", Signature, flipped(raw, -1), nil)
	statement("a message as an attestation", "attestation", Type, raw, nil)
	climbing := func(m map[int]any) { m[11] = "file:///a/../b" }
	statement("a message about what is no resource", "message", Field, enveloped("message", alice, changedPayload(payloadIn(raw), climbing)), nil)
	statement("a message without a sequence", "message", Encoding, enveloped("message", alice, changedPayload(payloadIn(raw), func(m map[int]any) { delete(m, 5) })), nil)
	statement("a message with the sequence 0", "message", Field, enveloped("message", alice, changedPayload(payloadIn(raw), func(m map[int]any) { m[5] = 0 })), nil)
	hour := now.Add(time.Hour)
	a := Attestation{Realm: "test", ID: ID{1}, Claim: "Staff", Subject: alice.Key(), NotBefore: now, Expires: hour}
	raw, err = SignAttestation(attester, a)
	statement("an attestation about a key", "attestation", "", raw, err)
	statement("an attestation, expired", "attestation", Expired, raw, nil, func(v *vector) { v.At = hour.Format(time.RFC3339) })
	statement("an attestation about nothing", "attestation", Encoding, enveloped("attestation", attester, changedPayload(payloadIn(raw), func(m map[int]any) { delete(m, 6) })), nil)
	statement("an attestation about a key and a value", "attestation", Encoding, enveloped("attestation", attester, changedPayload(payloadIn(raw), func(m map[int]any) { m[7] = "v" })), nil)
	statement("an attestation by a key that isn't trusted for the claim", "attestation", Claim, enveloped("attestation", attester, changedPayload(payloadIn(raw), func(m map[int]any) { m[5] = "Boss" })), nil)
	a.Subject, a.Value = Key{}, "8f14e45f"
	raw, err = SignAttestation(attester, a)
	statement("an attestation about a value", "attestation", "", raw, err)
	ap := Approval{Realm: "test", Nonce: ID{1}, Request: Digest{1}, Policy: Digest{2}, Trust: digest, Rule: "big", NotBefore: now, Expires: hour}
	raw, err = SignApproval(approver, ap)
	statement("an approval", "approval", "", raw, err)
	statement("an approval for another realm", "approval", Realm, enveloped("approval", approver, changedPayload(payloadIn(raw), func(m map[int]any) { m[2] = "staging" })), nil)
	statement("an approval under another trust document", "approval", BadTrust, enveloped("approval", approver, changedPayload(payloadIn(raw), func(m map[int]any) { m[7] = make([]byte, 32) })), nil)
	raw, err = SignRevocations(revoker, RevocationList{Realm: "test", Sequence: 3, Issued: now, NextUpdate: hour, Keys: []Key{alice.Key(), bob.Key()}, Items: []Ref{{alice.Key(), ID{1}}}, Digests: []Digest{{1}}})
	statement("a revocation list", "revocation", "", raw, err)
	statement("a revocation list out of order", "revocation", Encoding, enveloped("revocation", revoker, changedPayload(payloadIn(raw), func(m map[int]any) {
		keys := m[7].([]any)
		slices.Reverse(keys)
	})), nil)
	d := Delivery{Message: []byte{1}, Token: parent, Attestations: [][]byte{{2}}, Approvals: [][]byte{{3}}}
	packed, err := d.Encode()
	if err != nil {
		t.Fatal(show(err))
	}
	add("statements.json", vector{Title: "a delivery", Kind: "delivery", Input: hex.EncodeToString(packed)})
	add("statements.json", vector{Title: "a delivery of three", Kind: "delivery", Input: "83410141024103", Error: string(Encoding)})
	add("statements.json", vector{Title: "a delivery with seventeen approvals", Kind: "delivery", Input: "8440408091" + strings.Repeat("40", 17), Error: string(Size)})

	// Texts.
	did := alice.Key().String()
	k := alice.Key()
	for _, c := range []struct {
		title, kind, input string
		want               Reason
	}{
		{"a key", "did", did, ""},
		{"a fragment", "did", did + "#" + did[8:], BadKey},
		{"base16", "did", "did:key:fed01" + hex.EncodeToString(k[:]), BadKey},
		{"X25519", "did", didPrefix + base58(append([]byte{0xec, 0x01}, k[:]...)), BadKey},
		{"a leading zero", "did", "did:key:z1" + did[9:], BadKey},
		{"the identity", "did", Key{1}.String(), BadKey},
		{"no point of the curve", "did", Key{2}.String(), BadKey},
		{"upper case", "did", strings.ToUpper(did[:8]) + did[8:], BadKey},
		{"a text", "text", "moat1_AAEC", ""},
		{"padding", "text", "moat1_AAE=", Text},
		{"bits left over", "text", "moat1_AAB", Text},
		{"base64, not base64url", "text", "moat1_++++", Text},
		{"a line end", "text", "moat1_AA\nEC", Text},
		{"another prefix", "text", "moat2_AAEC", Text},
		{"the usual document", "trust", usual, ""},
		{"an unknown member", "trust", `{"version":1,"realm":"r","sequence":1,"root":[]}`, BadTrust},
		{"a member twice", "trust", `{"version":1,"realm":"r","sequence":1,"sequence":2}`, BadTrust},
		{"two names for a key", "trust", `{"version":1,"realm":"r","sequence":1,"names":{"a":"` + did + `","b":"` + did + `"}}`, BadTrust},
		{"a revoker with a name", "trust", `{"version":1,"realm":"r","sequence":1,"names":{"a":"` + did + `"},"revokers":["` + did + `"]}`, BadTrust},
		{"a sequence beyond a double", "trust", `{"version":1,"realm":"r","sequence":9007199254740993}`, BadTrust},
	} {
		add("texts.json", vector{Title: c.title, Kind: c.kind, Input: c.input, Error: string(c.want)})
	}
	return files
}

// flipped changes the lowest bit of a byte; -1 is the last.
func flipped(raw []byte, at int) []byte {
	out := bytes.Clone(raw)
	out[(at+len(out))%len(out)] ^= 1
	return out
}

// changedPayload decodes a payload, changes it, and encodes it again.
func changedPayload(payload []byte, change func(map[int]any)) []byte {
	m := map[int]any{}
	if err := cborUnmarshal(payload, &m); err != nil {
		panic(err)
	}
	change(m)
	return encoded(m)
}
