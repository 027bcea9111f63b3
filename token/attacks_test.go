package token

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/resource"
)

// Each test is an attack that must be refused. T01 and so on are the ids under which they are kept.

// verifyRefused fails unless a fresh verifier refuses the token for the reason. It returns the error.
func verifyRefused(t *testing.T, token []byte, with Terms, want Reason) *Error {
	t.Helper()
	_, err := NewVerifier(Options{}).Verify(token, with)
	refused(t, err, want)
	return err.(*Error)
}

func verified(t *testing.T, token []byte, with Terms) *Chain {
	t.Helper()
	c, err := NewVerifier(Options{}).Verify(token, with)
	if err != nil {
		t.Fatal(show(err))
	}
	return c
}

func TestT01EveryFlippedByte(t *testing.T) {
	parent := minted(t, block(alice, 1, func(b *Block) { b.Caveats = []string{"c"}; b.Limits = b.Limits.With(Fuel, 300) }))
	token := attenuated(t, parent, alice, block(bob, 0))
	with := terms(t)
	warm := NewVerifier(Options{})
	if _, err := warm.Verify(token, with); err != nil {
		t.Fatal(show(err))
	}
	for i := range token {
		for bit := range 9 {
			changed := bytes.Clone(token)
			changed[i] ^= byte(1 << bit)
			if bit == 8 {
				changed[i] ^= 0xff
			}
			c, err := warm.Verify(changed, with)
			var e *Error
			if c != nil || !errors.As(err, &e) {
				t.Fatalf("byte %d, %02x for %02x: accepted", i, changed[i], token[i])
			}
		}
	}
	for i := range token {
		if _, err := warm.Verify(token[:i], with); err == nil {
			t.Fatalf("accepted when cut to %d bytes", i)
		}
	}
	if _, err := warm.Verify(append(bytes.Clone(token), 0), with); err == nil {
		t.Fatal("accepted with a byte more")
	}
}

func TestT02WiderChild(t *testing.T) {
	parent := minted(t, block(alice, 3, grants(grant("read", "file:///srv/kb/**"), grant("write", "file:///tmp/**"))))
	for _, tt := range []struct {
		grant   Grant
		witness string
	}{
		{grant("read", "file:///etc/passwd"), "file:///etc/passwd"},
		{grant("read", "file:///srv/**"), "file:///srv"},
		{grant("read", "file:///tmp/x"), "file:///tmp/x"},
		{grant("write", "file:///srv/kb/x"), "file:///srv/kb/x"},
		{grant("read", "any"), ""},
		{grant("execute", "file:///srv/kb/x"), ""},
		{grant("read execute", "file:///srv/kb/x"), ""},
	} {
		token := forged(parent, alice, block(bob, 0, grants(tt.grant)))
		err := verifyRefused(t, token, terms(t), Grants)
		if err.Block != 1 || tt.witness != "" && err.Witness != tt.witness {
			t.Errorf("%s: block %d, witness %q, %v", tt.grant, err.Block, err.Witness, err)
		}
		if _, err := Attenuate(parent, alice, block(bob, 0, grants(tt.grant))); !errors.Is(err, Grants) {
			t.Errorf("%s: Attenuate says %v", tt.grant, show(err))
		}
	}
	err := verifyRefused(t, forged(parent, alice, block(bob, 0, grants(grant("read", "file:///etc/passwd")))), terms(t), Grants)
	if want := "block 1: the child would reach file:///etc/passwd, which no grant of its parent covers (read on file:///etc/passwd)"; err.Error() != want {
		t.Errorf("the message is %q", err.Error())
	}
}

func TestT03OtherIssuerOrParent(t *testing.T) {
	parent := minted(t, block(alice, 1))
	for _, by := range []*Identity{mallory, rootKey, carol} {
		verifyRefused(t, forged(parent, by, block(bob, 0)), terms(t), Issuer)
	}
	// The issuer says that it is the audience, but somebody else signs.
	lie := func(m map[int]any) { k := alice.Key(); m[3] = k[:] }
	verifyRefused(t, forged(parent, mallory, block(bob, 0), lie), terms(t), Signature)
	// Another parent with the same id and audience, which grants more.
	child := blocksOf(attenuated(t, parent, alice, block(bob, 0)))[1]
	wider := minted(t, block(alice, 1, grants(everything...)))
	verifyRefused(t, joined(blocksOf(wider)[0], child), terms(t), Parent)
	// A child without a parent, a root's block that names one, and a block in front of its parent.
	verifyRefused(t, joined(child), terms(t), Root)
	verifyRefused(t, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { m[6] = make([]byte, 31) }), terms(t), Encoding)
	verifyRefused(t, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { m[6] = bytes.Repeat([]byte{1}, 32) }), terms(t), Parent)
	verifyRefused(t, forged(parent, alice, block(bob, 0), func(m map[int]any) { delete(m, 6) }), terms(t), Parent)
	verifyRefused(t, joined(child, blocksOf(parent)[0]), terms(t), Root)
	verifyRefused(t, joined(blocksOf(parent)[0], blocksOf(parent)[0]), terms(t), Issuer)
}

func TestT04LastBlockDropped(t *testing.T) {
	token := attenuated(t, minted(t, block(alice, 1)), alice, block(bob, 0, grants(grant("read", "file:///srv/kb/**"))))
	c := verified(t, joined(blocksOf(token)[:1]...), terms(t)) // it is a token: alice's
	if c.HeldBy(bob.Key()) || c.HeldBy(Key{}) || !c.HeldBy(alice.Key()) {
		t.Error("bob holds alice's token")
	}
	// Whoever has only handed it on doesn't hold it either.
	if c := verified(t, token, terms(t)); c.HeldBy(alice.Key()) || c.HeldBy(rootKey.Key()) || !c.HeldBy(bob.Key()) {
		t.Error("the issuer of a block holds the token")
	}
	if (&Chain{}).HeldBy(Key{}) {
		t.Error("the zero key holds the zero chain")
	}
}

func TestT05Windows(t *testing.T) {
	parent := minted(t, block(alice, 2))
	for what, change := range map[string]func(*Block){
		"outlives":      func(b *Block) { b.Expires = b.Expires.Add(time.Second) },
		"begins before": func(b *Block) { b.NotBefore = b.NotBefore.Add(-time.Second) },
		"empty":         func(b *Block) { b.Expires = b.NotBefore },
		"backwards":     func(b *Block) { b.Expires, b.NotBefore = b.NotBefore, b.Expires },
	} {
		t.Run(what, func(t *testing.T) {
			verifyRefused(t, forged(parent, alice, block(bob, 0, change)), terms(t), Window)
			_, err := Attenuate(parent, alice, block(bob, 0, change))
			refused(t, err, Window)
		})
	}
	// An ancestor has expired, and the leaf says that it is live.
	short := minted(t, block(alice, 2, func(b *Block) { b.Expires = now.Add(time.Minute) }))
	verifyRefused(t, forged(short, alice, block(bob, 0)), Terms{Trust: trusting(t), Now: now.Add(2 * time.Minute)}, Window)

	token := attenuated(t, short, alice, block(bob, 0, func(b *Block) { b.Expires = now.Add(time.Minute) }))
	for at, want := range map[time.Duration]Reason{-61 * time.Second: NotYetValid, time.Minute: Expired} {
		if err := verifyRefused(t, token, Terms{Trust: trusting(t), Now: now.Add(at)}, want); err.Block != 0 {
			t.Errorf("block %d", err.Block)
		}
	}
	for _, at := range []time.Duration{-time.Minute, 0, time.Minute - time.Nanosecond} {
		verified(t, token, Terms{Trust: trusting(t), Now: now.Add(at)})
	}
	verifyRefused(t, token, Terms{Trust: trusting(t)}, NotYetValid) // without a clock
	verifyRefused(t, token, Terms{Trust: trusting(t), Now: now, MaxTTL: 119 * time.Second}, Lifetime)
	verified(t, token, Terms{Trust: trusting(t), Now: now, MaxTTL: 120 * time.Second})
	for _, huge := range []any{uint64(math.MaxUint64), int64(253402300800)} {
		verifyRefused(t, forged(parent, alice, block(bob, 0), func(m map[int]any) { m[8] = huge }), terms(t), Field)
	}
}

func TestT06Depth(t *testing.T) {
	parent := minted(t, block(alice, 2))
	verifyRefused(t, forged(parent, alice, block(bob, 2)), terms(t), Depth)
	verifyRefused(t, forged(parent, alice, block(bob, 15)), terms(t), Depth)
	verifyRefused(t, forged(minted(t, block(alice, 0)), alice, block(bob, 0)), terms(t), Depth)
	child := attenuated(t, parent, alice, block(bob, 0)) // gives away less than it might
	verifyRefused(t, forged(child, bob, block(carol, 0)), terms(t), Depth)
	verifyRefused(t, forged(forged(child, bob, block(carol, 1)), carol, block(bob, 0)), terms(t), Depth)
	for _, wrapped := range []any{uint64(math.MaxUint64), uint64(1 << 32), 256, 16, -1} {
		want := Field
		if wrapped == -1 {
			want = Encoding
		}
		verifyRefused(t, forged(parent, alice, block(bob, 0), func(m map[int]any) { m[9] = wrapped }), terms(t), want)
	}
	verifyRefused(t, child, Terms{Trust: trusting(t), Now: now, MaxDepth: 1}, Depth)
	verified(t, child, Terms{Trust: trusting(t), Now: now, MaxDepth: 2})
}

func TestT07UnionOfGrants(t *testing.T) {
	halves := grants(grant("read", "file:///srv/{a,b}/**"), grant("read", "file:///srv/c*/**"))
	parent := minted(t, block(alice, 1, halves))
	spanning := block(bob, 0, grants(grant("read", "file:///srv/{b,c1}/x/**")))
	verified(t, attenuated(t, parent, alice, spanning), terms(t))

	// Neither grant of the parent covers it alone: files of one segment whose name begins with a, and all others.
	split := minted(t, block(alice, 1, grants(grant("read", "file:///s/*"), grant("read", "file:///s/*/**/z"), grant("read", "file:///s"),
		grant("read", "file:///s/**/y"))))
	for pattern, witness := range map[string]string{
		"file:///s/*/z":    "",
		"file:///s/**/y":   "",
		"file:///s/*/*/z":  "",
		"file:///s/q/**/z": "",
		"file:///s/q/**/x": "file:///s/q/x",
		"file:///s/*/w":    "*",
	} {
		token := forged(split, alice, block(bob, 0, grants(grant("read", pattern))))
		if witness == "" {
			verified(t, token, terms(t))
			continue
		}
		err := verifyRefused(t, token, terms(t), Grants)
		if witness != "*" && err.Witness != witness {
			t.Errorf("%s: witness %q", pattern, err.Witness)
		}
	}
	// A union that lacks a single resource.
	text := "file:///s/{"
	for c := 'a'; c <= 'y'; c++ {
		text += string(c) + ","
	}
	almost := minted(t, block(alice, 1, grants(grant("read", strings.TrimSuffix(text, ",")+"}"))))
	err := verifyRefused(t, forged(almost, alice, block(bob, 0, grants(grant("read", "file:///s/a", "file:///s/z")))), terms(t), Grants)
	if err.Witness != "file:///s/z" {
		t.Errorf("witness %q", err.Witness)
	}
}

func TestT08DenialsAndCaveatsStay(t *testing.T) {
	parent := minted(t, block(alice, 2, func(b *Block) {
		b.Denials = []Grant{grant("read", "file:///srv/secret/**")}
		b.Caveats = []string{"now < 5"}
	}))
	token := forged(attenuated(t, parent, alice, block(bob, 1)), bob, block(carol, 0))
	c := verified(t, token, terms(t))
	if c.Allows("read", name("file:///srv/secret/x")) || !c.Allows("read", name("file:///srv/x")) {
		t.Error("the denial is gone, or denies too much")
	}
	var e *Error
	if err := c.Why("read", name("file:///srv/secret/x")); !errors.As(err, &e) || e.Block != 0 {
		t.Error(err)
	}
	var caveats []string
	for i, text := range c.Caveats() {
		caveats = append(caveats, fmt.Sprint(i, text))
	}
	if !slices.Equal(caveats, []string{"0now < 5"}) && !slices.Equal(caveats, []string{"0 now < 5"}) {
		t.Errorf("caveats %q", caveats)
	}
}

func TestT09AbsentEmptyZero(t *testing.T) {
	parent := minted(t, block(alice, 1, func(b *Block) { b.Limits = Limits{}.With(Fuel, 100) }))
	child := func(change func(map[int]any)) []byte { return forged(parent, alice, block(bob, 0), change) }
	for what, tt := range map[string]struct {
		change func(map[int]any)
		want   Reason
	}{
		"null limits":   {func(m map[int]any) { m[12] = nil }, Encoding},
		"null limit":    {func(m map[int]any) { m[12] = map[string]any{"fuel": nil} }, Encoding},
		"no limits":     {func(m map[int]any) { m[12] = map[string]any{} }, Encoding},
		"unknown limit": {func(m map[int]any) { m[12] = map[string]any{"fuell": 1} }, Encoding},
		"higher":        {func(m map[int]any) { m[12] = map[string]any{"fuel": 101} }, TooMuch},
		"wrapped":       {func(m map[int]any) { m[12] = map[string]any{"fuel": uint64(math.MaxUint64)} }, Field},
		"negative":      {func(m map[int]any) { m[12] = map[string]any{"fuel": -1} }, Encoding},
		"null grants":   {func(m map[int]any) { m[10] = nil }, Encoding},
		"no grants":     {func(m map[int]any) { delete(m, 10) }, Encoding},
		"no actions":    {func(m map[int]any) { m[10] = []any{[]any{[]string{}, []string{"file:///srv/a"}}} }, Encoding},
		"no resources":  {func(m map[int]any) { m[10] = []any{[]any{[]string{"read"}, []string{}}} }, Encoding},
		"all actions":   {func(m map[int]any) { m[10] = []any{[]any{[]string{"*"}, []string{"file:///srv/a"}}} }, Field},
		"empty denials": {func(m map[int]any) { m[11] = []any{} }, Encoding},
		"empty caveats": {func(m map[int]any) { m[13] = []any{} }, Encoding},
		"empty caveat":  {func(m map[int]any) { m[13] = [][]byte{{}} }, Encoding},
		"null caveat":   {func(m map[int]any) { m[13] = []any{nil} }, Encoding},
	} {
		t.Run(what, func(t *testing.T) { verifyRefused(t, child(tt.change), terms(t), tt.want) })
	}
	for want, limits := range map[uint64]map[string]any{100: nil, 0: {"fuel": 0}, 99: {"fuel": 99}} {
		c := verified(t, child(func(m map[int]any) {
			if limits != nil {
				m[12] = limits
			}
		}), terms(t))
		if got, ok := c.Limits().Get(Fuel); got != want || !ok {
			t.Errorf("%v: fuel %d, %v", limits, got, ok)
		}
	}
	// A list of hosts that is empty allows none.
	c := verified(t, child(func(m map[int]any) { m[10] = []any{} }), terms(t))
	if c.Allows("read", name("file:///srv/a")) {
		t.Error("no grants allow something")
	}
}

func TestT10PathsThatClimb(t *testing.T) {
	parent := minted(t, block(alice, 1, grants(grant("read", "file:///srv/kb/**"))))
	for pattern, want := range map[string]Reason{
		"file:///srv/kb/../etc": Field, "file:///srv/kb/./x": Field, "file:///srv//kb/x": Field, "file:///srv/kb/": Field,
		"file:///srv/kbx": Grants, "file:///srv/kbx/**": Grants, "file:///srv/kb*/x": Grants, "file:///srv/**/kb/x": Grants,
		"file:///srv/kb/{a,b}": Field, "FILE:///srv/kb/x": Field, "file:///srv/kb/%2e%2e": Field,
	} {
		token := forged(parent, alice, block(bob, 0), func(m map[int]any) { m[10] = []any{[]any{[]string{"read"}, []string{pattern}}} })
		t.Run(pattern, func(t *testing.T) { verifyRefused(t, token, terms(t), want) })
	}
}

func TestT11RootBeyondItsScope(t *testing.T) {
	scoped := func(m map[string]any) {
		m["roots"] = []any{map[string]any{"key": rootKey.Key().String(), "max_ttl": "2h", "max_depth": 2, "limits": map[string]any{"fuel": 50},
			"grants": []any{map[string]any{"actions": []string{"read"}, "resources": []string{"file:///srv/**"}}}}}
	}
	with := terms(t, scoped)
	c := verified(t, minted(t, block(alice, 1)), with)
	if fuel, ok := c.Limits().Get(Fuel); fuel != 50 || !ok {
		t.Errorf("fuel %d, %v", fuel, ok)
	}
	for what, change := range map[string]func(*Block){
		"resource": grants(grant("read", "file:///etc/passwd")),
		"action":   grants(grant("write", "file:///srv/a")),
		"ttl":      func(b *Block) { b.Expires = b.NotBefore.Add(2*time.Hour + time.Second) },
		"depth":    func(b *Block) { b.Depth = 2 },
		"limit":    func(b *Block) { b.Limits = b.Limits.With(Fuel, 51) },
	} {
		t.Run(what, func(t *testing.T) {
			err := verifyRefused(t, minted(t, block(alice, 1, change)), with, Root)
			if strings.Contains(err.Error(), "child") || strings.Contains(err.Error(), "parent") || err.Block != 0 {
				t.Error(err)
			}
			if what == "resource" && err.Witness != "file:///etc/passwd" {
				t.Error(err.Witness)
			}
		})
	}
	verifyRefused(t, minted(t, block(alice, 1)), terms(t, func(m map[string]any) { delete(m, "roots") }), Root)
	if _, err := new(Verifier).Verify(minted(t, block(alice, 1)), Terms{Now: now}); !errors.Is(err, BadTrust) {
		t.Error("without a trust document:", show(err))
	}
}

func TestT12OtherRealm(t *testing.T) {
	other := func(b *Block) { b.Realm = "staging" }
	verifyRefused(t, minted(t, block(alice, 1, other)), terms(t), Realm)
	verifyRefused(t, forged(minted(t, block(alice, 1)), alice, block(bob, 0, other)), terms(t), Realm)
	_, err := Attenuate(minted(t, block(alice, 1)), alice, block(bob, 0, other))
	refused(t, err, Realm)
	for _, realm := range []string{"", "te st", "tést", "test\x00", strings.Repeat("r", MaxRealmLen+1)} {
		_, err := Mint(rootKey, block(alice, 1, func(b *Block) { b.Realm = realm }))
		if !errors.Is(err, Field) && !errors.Is(err, Size) && !errors.Is(err, Encoding) {
			t.Errorf("the realm %q: %v", realm, show(err))
		}
	}
}

// splice replaces one stretch of a payload, once.
func splice(t *testing.T, b []byte, old, new string) []byte {
	t.Helper()
	o, err1 := hex.DecodeString(strings.ReplaceAll(old, " ", ""))
	n, err2 := hex.DecodeString(strings.ReplaceAll(new, " ", ""))
	if err1 != nil || err2 != nil || bytes.Count(b, o) == 0 {
		t.Fatalf("%s isn't in %x", old, b)
	}
	return bytes.Replace(b, o, n, 1)
}

func TestT13LaxCBOR(t *testing.T) {
	b := block(alice, 1, func(b *Block) { b.Limits = Limits{}.With(Fuel, 5).With(Memory, 6) })
	b.Issuer = rootKey.Key()
	good := payloadOf(b)
	verified(t, forgedRaw(nil, rootKey, good), terms(t))
	for what, tt := range map[string]struct {
		old, new string
		want     Reason
	}{
		"version in two bytes":     {"0101 02", "011801 02", Encoding},
		"version in nine bytes":    {"0101 02", "011b0000000000000001 02", Encoding},
		"key in two bytes":         {"0264 74657374", "180264 74657374", Encoding},
		"length in two bytes":      {"0264 74657374", "027804 74657374", Encoding},
		"keys out of order":        {"0101 0264 74657374", "0264 74657374 0101", Encoding},
		"key twice":                {"aa 0101", "ab 0101 0101", Encoding},
		"limits out of order":      {"a2 646675656c 05 666d656d6f7279 06", "a2 666d656d6f7279 06 646675656c 05", Encoding},
		"limit twice":              {"a2 646675656c 05", "a3 646675656c 05 646675656c 05", Encoding},
		"float":                    {"0101 02", "01f93c00 02", Encoding},
		"double":                   {"0101 02", "01fb3ff0000000000000 02", Encoding},
		"tag":                      {"0101 02", "01c101 02", Encoding},
		"null":                     {"0101 02", "01f6 02", Encoding},
		"undefined":                {"0101 02", "01f7 02", Encoding},
		"true":                     {"0101 02", "01f5 02", Encoding},
		"bignum":                   {"0101 02", "01c24101 02", Encoding},
		"negative":                 {"0101 02", "0120 02", Encoding},
		"indefinite map":           {"aa 0101", "bf 0101", Encoding},
		"indefinite text":          {"0264 74657374", "027f64 74657374 ff", Encoding},
		"indefinite array":         {"0a81 82", "0a9f 82", Encoding},
		"reserved length":          {"0101 02", "011c 02", Encoding},
		"invalid UTF-8":            {"0264 74657374", "0264 746573ff", Encoding},
		"text for bytes":           {"0550", "0570", Encoding},
		"bytes for text":           {"0264", "0244", Encoding},
		"unknown key":              {"aa 0101", "ab 0001 0101", Encoding},
		"unknown key at the end":   {"", "", Encoding},
		"unknown version":          {"0101 02", "0102 02", Version},
		"version zero":             {"0101 02", "0100 02", Version},
		"trailing byte":            {"", "", Encoding},
		"cut":                      {"", "", Encoding},
		"short id":                 {"0550", "054f", Encoding},
		"array of 2^32":            {"0a81 82", "0a9b0000000100000000 82", Size},
		"text that is cut":         {"0264 74657374", "027a7fffffff 74657374", Encoding},
		"three items in a grant":   {"0a81 82", "0a81 83", Size},
		"a grant that is no array": {"0a81 82 81", "0a81 01 81", Encoding},
	} {
		t.Run(what, func(t *testing.T) {
			payload := slices.Clone(good)
			switch what {
			case "trailing byte":
				payload = append(payload, 0)
			case "cut":
				payload = payload[:len(payload)-1]
			case "unknown key at the end":
				payload[0]++
				payload = append(payload, 14, 1)
			default:
				payload = splice(t, payload, tt.old, tt.new)
			}
			verifyRefused(t, forgedRaw(nil, rootKey, payload), terms(t), tt.want)
		})
	}
	token := forgedRaw(nil, rootKey, good)
	for what, raw := range map[string][]byte{
		"empty": {}, "no blocks": {0x80}, "null": {0xf6}, "map": {0xa0}, "indefinite": append([]byte{0x9f}, append(token[1:], 0xff)...),
		"long head": append([]byte{0x98, 0x01}, token[1:]...), "trailing": append(slices.Clone(token), 0), "tagged": append([]byte{0xd9, 0xd9, 0xf7}, token...),
		"long block": append([]byte{0x81, 0x5a, 0, 0}, token[2:]...),
	} {
		t.Run("token/"+what, func(t *testing.T) { verifyRefused(t, raw, terms(t), Encoding) })
	}
}

func TestT14LaxCOSE(t *testing.T) {
	b := block(alice, 1)
	b.Issuer = rootKey.Key()
	payload := payloadOf(b)
	good := enveloped("block", rootKey, payload)
	verified(t, joined(good), terms(t))
	header := func(m map[int]any) func([]any) { return func(p []any) { p[0] = encoded(m) } }
	const typ = "application/moat-block+cbor"
	changed := map[string]struct {
		raw  []byte
		want Reason
	}{
		"unprotected entry":      {enveloped("block", rootKey, payload, func(p []any) { p[1] = map[int]any{4: []byte("kid")} }), Envelope},
		"algorithm unprotected":  {enveloped("block", rootKey, payload, func(p []any) { p[1] = map[int]any{1: -19} }), Envelope},
		"EdDSA, -8":              {enveloped("block", rootKey, payload, header(map[int]any{1: -8, 16: typ})), Algorithm},
		"ES256":                  {enveloped("block", rootKey, payload, header(map[int]any{1: -7, 16: typ})), Algorithm},
		"no algorithm":           {enveloped("block", rootKey, payload, header(map[int]any{16: typ})), Envelope},
		"no type":                {enveloped("block", rootKey, payload, header(map[int]any{1: -19})), Envelope},
		"other type":             {enveloped("block", rootKey, payload, header(map[int]any{1: -19, 16: "application/cwt"})), Type},
		"critical header":        {enveloped("block", rootKey, payload, header(map[int]any{1: -19, 2: []int{16}, 16: typ})), Envelope},
		"more in the header":     {enveloped("block", rootKey, payload, header(map[int]any{1: -19, 16: typ, 17: 1})), Envelope},
		"empty protected":        {enveloped("block", rootKey, payload, func(p []any) { p[0] = []byte{} }), Envelope},
		"detached":               {enveloped("block", rootKey, payload, func(p []any) { p[2] = nil }), Envelope},
		"long signature":         {enveloped("block", rootKey, payload, func(p []any) { p[3] = append(p[3].([]byte), 0) }), Envelope},
		"short signature":        {enveloped("block", rootKey, payload, func(p []any) { p[3] = p[3].([]byte)[:63] }), Envelope},
		"untagged":               {good[1:], Envelope},
		"COSE_Sign":              {append([]byte{0xd8, 98}, good[1:]...), Envelope},
		"CWT tag before":         {append([]byte{0xd8, 61}, good...), Envelope},
		"array of five":          {append(append([]byte{0xd2, 0x85}, good[2:]...), 0), Envelope},
		"byte string too long":   {splice(t, good, hex.EncodeToString(good[:4]), "d2 84 59 00"+hex.EncodeToString(good[3:4])), Envelope},
		"payload length in five": {longPayload(good, payload), Envelope},
		"trailing":               {append(slices.Clone(good), 0), Envelope},
		"empty":                  {[]byte{}, Envelope},
	}
	for what, tt := range changed {
		t.Run(what, func(t *testing.T) { verifyRefused(t, joined(tt.raw), terms(t), tt.want) })
	}
}

// longPayload writes the length of the payload with more bytes than it takes.
func longPayload(envelope, payload []byte) []byte {
	at := bytes.Index(envelope, payload)
	head := []byte{0x5a, 0, 0, byte(len(payload) >> 8), byte(len(payload))}
	start := at - len(appendHead(nil, majorBytes, uint64(len(payload))))
	return slices.Concat(envelope[:start], head, envelope[at:])
}

func TestT15WeakKeysAndSignatures(t *testing.T) {
	parent := minted(t, block(alice, 1))
	for _, k := range weakKeys(t) {
		verifyRefused(t, forged(parent, alice, block(bob, 0), func(m map[int]any) { m[4] = k[:] }), terms(t), BadKey)
		verifyRefused(t, forged(parent, alice, block(bob, 0), func(m map[int]any) { m[3] = k[:] }), terms(t), BadKey)
		verifyRefused(t, forged(nil, rootKey, block(bob, 0), func(m map[int]any) { m[3] = k[:] }), terms(t), BadKey)
		if _, err := ParseKey(k.String()); !errors.Is(err, BadKey) {
			t.Errorf("%x: %v", k, err)
		}
		if _, err := ParseTrust(trustText(func(m map[string]any) { m["names"] = map[string]any{"eve": k.String()} })); !errors.Is(err, BadTrust) {
			t.Errorf("%x: %v", k, err)
		}
		if _, err := Mint(rootKey, Block{Realm: "test", ID: ID{1}, Audience: k, NotBefore: now, Expires: now.Add(time.Hour)}); !errors.Is(err, BadKey) {
			t.Errorf("%x: %v", k, err)
		}
	}
	// S + L is the same scalar: RFC 8032 section 5.1.7 has the verifier refuse it.
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	raw := bytes.Clone(parent)
	s := raw[len(raw)-32:]
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order)
	sum.FillBytes(s)
	slices.Reverse(s)
	verifyRefused(t, raw, terms(t), Signature)
}

func TestT16Spellings(t *testing.T) {
	did := alice.Key().String()
	good, err := ParseKey(did)
	if err != nil || good != alice.Key() || good.String() != did || !strings.HasPrefix(did, "did:key:z6Mk") {
		t.Fatal(did, err)
	}
	k := alice.Key()
	x25519 := didPrefix + base58(append([]byte{0xec, 0x01}, k[:]...))
	for _, s := range []string{
		"", "did:key:", "did:key:z", strings.TrimPrefix(did, "did:key:"), "DID:KEY:" + did[8:], did + "#" + did[8:], did + "?a", did + " ", " " + did, did + "\n",
		"did:key:f" + "ed01" + hex.EncodeToString(k[:]), "did:key:Z" + did[9:], "did:key:m7QE" + did[12:], x25519, did[:len(did)-1], did + "1", "did:key:z1" + did[9:],
		strings.Replace(did, "z6Mk", "z6Ml", 1), did[:20] + "0" + did[21:], did[:20] + "l" + did[21:], "did:web:" + did[8:], did[:9] + strings.Repeat("z", 200),
		didPrefix + base58(append([]byte{0xed, 0x01}, k[:31]...)), didPrefix + base58(append([]byte{0xed, 0x01, 0}, k[:]...)),
	} {
		if k, err := ParseKey(s); !errors.Is(err, BadKey) || !k.IsZero() {
			t.Errorf("%q: %v, %v", s, k, err)
		}
	}
	token := minted(t, block(alice, 1))
	text := FormatText(token)
	if len(textPrefix+textEncoding.EncodeToString(append(token, 1)))%4 == 0 {
		t.Log("no bits are left over")
	}
	for _, s := range []string{
		"", "moat1_=", "moat2_" + text[6:], "MOAT1_" + text[6:], text[6:], text + "=", text + "==", text + "\n", "\n" + text, text[:40] + "\n" + text[40:],
		text[:40] + "\r\n" + text[40:], text + " ", strings.Replace(text, "_", "/", 2), text[:len(text)-1] + "+", "moat1_AB", "moat1_AAB", "moat1_A", text[:40] + "é" + text[42:],
	} {
		raw, err := ParseText(s)
		if s == text || err == nil {
			t.Errorf("%q is accepted as %x", s, raw)
		}
		if s != "" && !errors.Is(err, Text) {
			t.Errorf("%q: %v", s, show(err))
		}
	}
	if _, err := ParseText(textPrefix + strings.Repeat("A", 2_000_000)); !errors.Is(err, Size) {
		t.Error(show(err))
	}
}

func TestT17OneTypeForAnother(t *testing.T) {
	with := terms(t)
	at := func(raw []byte, err error) []byte {
		if err != nil {
			t.Fatal(show(err))
		}
		return raw
	}
	h := now.Add(time.Hour)
	signed := map[string][]byte{
		"block":       blocksOf(minted(t, block(alice, 1)))[0],
		"message":     at(SignMessage(alice, Message{Realm: "test", Recipient: enforcer.Key(), Sequence: 1, Time: now, Action: "read", Resource: name("file:///a")})),
		"attestation": at(SignAttestation(attester, Attestation{Realm: "test", ID: ID{1}, Claim: "Staff", Value: "v", NotBefore: now, Expires: h})),
		"approval":    at(SignApproval(approver, Approval{Realm: "test", Rule: "r", NotBefore: now, Expires: h, Trust: with.Trust.Digest()})),
		"revocation":  at(SignRevocations(revoker, RevocationList{Realm: "test", Sequence: 1, Issued: now, NextUpdate: h})),
		// A signed note of a log is text, and its signature one over text.
		"checkpoint": []byte("log.example\n7\nAAAA\n\n— log.example AAAA\n"),
	}
	open := map[string]func([]byte) error{
		"block":       func(b []byte) error { _, err := new(Verifier).Verify(joined(b), with); return err },
		"message":     func(b []byte) error { _, err := OpenMessage(b); return err },
		"attestation": func(b []byte) error { _, err := OpenAttestation(b, with); return err },
		"approval":    func(b []byte) error { _, err := OpenApproval(b, with); return err },
		"revocation":  func(b []byte) error { _, err := OpenRevocations(b); return err },
	}
	for as, f := range open {
		for is, raw := range signed {
			err := f(raw)
			switch {
			case as == is:
				if err != nil {
					t.Errorf("%s: %v", is, show(err))
				}
			case is == "checkpoint":
				refused(t, err, Envelope)
			default:
				refused(t, err, Type)
			}
		}
		// The payload and the signature of one type, in the envelope of another.
		for is, raw := range signed {
			if is == as || is == "checkpoint" {
				continue
			}
			payload := payloadIn(raw)
			moved := enveloped(as, alice, payload, func(p []any) { p[3] = raw[len(raw)-64:] })
			if err := f(moved); err == nil {
				t.Errorf("a %s is accepted as a %s", is, as)
			}
		}
	}
	// The payload is a block's, and the signature one of the same key under another type.
	b := block(alice, 1)
	b.Issuer = rootKey.Key()
	other := enveloped("message", rootKey, payloadOf(b))
	moved := enveloped("block", rootKey, payloadOf(b), func(p []any) { p[3] = other[len(other)-64:] })
	refused(t, open["block"](moved), Signature)
	// A raw signature over the payload alone counts for nothing.
	bare := enveloped("block", rootKey, payloadOf(b), func(p []any) { p[3] = ed25519Sign(rootKey, payloadOf(b)) })
	refused(t, open["block"](bare), Signature)
}

func TestT18LargeAndDeep(t *testing.T) {
	verifyRefused(t, make([]byte, MaxTokenSize+1), terms(t), Size)
	verifyRefused(t, bytes.Repeat([]byte{0x81}, MaxTokenSize), terms(t), Encoding)
	var many [][]byte
	for range MaxBlocks + 1 {
		many = append(many, blocksOf(minted(t, block(alice, 1)))...)
	}
	verifyRefused(t, joined(many...), terms(t), Size)
	long := minted(t, block(alice, 15))
	holders := []*Identity{alice, bob}
	for i := 1; i < MaxBlocks; i++ {
		long = attenuated(t, long, holders[(i+1)%2], block(holders[i%2], 15-i))
	}
	verified(t, long, terms(t))
	_, err := Attenuate(long, bob, block(carol, 0))
	refused(t, err, Size)

	nested := append(bytes.Repeat([]byte{0x81}, 60_000), 0x01)
	verifyRefused(t, forged(nil, rootKey, block(alice, 1), func(m map[int]any) { delete(m, 10); m[10] = cborRaw(nested) }), terms(t), Encoding)

	// Patterns that are hard to compare: many, with many wildcards, none the same.
	hard := func(n int, tail string) []Grant {
		var gs []Grant
		for i := range n {
			gs = append(gs, grant("read", fmt.Sprintf("file:///srv/**/a*b%d*c*/**/*x*%s", i, tail)))
		}
		return gs
	}
	parent := minted(t, block(alice, 1, grants(hard(MaxGrants, "y*")...)))
	_, err = NewVerifier(Options{}).Verify(forged(parent, alice, block(bob, 0, grants(hard(MaxGrants, "z*")...))), terms(t))
	if !errors.Is(err, Grants) && !errors.Is(err, Budget) {
		t.Error(show(err))
	}
	// Everything in a block that is allowed, for each of many actions: past the budget it is refused.
	wide := func(last string) []Grant {
		var gs []Grant
		for i := range 40 {
			g := Grant{}
			for a := range MaxActions {
				g.Actions = append(g.Actions, fmt.Sprintf("a%d", a))
			}
			for p := range 40 {
				g.Resources = append(g.Resources, grant("a", fmt.Sprintf("x://p%d/%d%s", i, p, last)).Resources...)
			}
			gs = append(gs, g)
		}
		return gs
	}
	everywhere := terms(t, func(m map[string]any) {
		actions := []string{}
		for a := range MaxActions {
			actions = append(actions, fmt.Sprintf("a%d", a))
		}
		m["roots"].([]any)[0].(map[string]any)["grants"] = []any{map[string]any{"actions": actions, "resources": []string{"x://**"}}}
	})
	parent = forged(nil, rootKey, block(alice, 1, grants(wide("/*")...)))
	verifyRefused(t, forged(parent, alice, block(bob, 0, grants(wide("/q")...))), everywhere, Budget)
}

func TestT19WarmCache(t *testing.T) {
	with := terms(t)
	parent := minted(t, block(alice, 2))
	token := attenuated(t, parent, alice, block(bob, 1))
	v := NewVerifier(Options{})
	warm := func() {
		if _, err := v.Verify(token, with); err != nil {
			t.Fatal(show(err))
		}
	}
	warm()
	warm()
	later := with
	later.Now = now.Add(time.Hour)
	_, err := v.Verify(token, later)
	refused(t, err, Expired)
	earlier := with
	earlier.Now = now.Add(-time.Hour)
	_, err = v.Verify(token, earlier)
	refused(t, err, NotYetValid)
	for _, terms := range []Terms{{Trust: with.Trust, Now: now, MaxDepth: 1}, {Trust: with.Trust, Now: now, MaxTTL: time.Minute}} {
		_, err = v.Verify(token, terms)
		refused(t, err, map[bool]Reason{true: Depth, false: Lifetime}[terms.MaxDepth == 1])
	}
	revoked := with
	revoked.Revoked = mustWith(t, nil, with.Trust, rootKey, RevocationList{Sequence: 1, Keys: []Key{bob.Key()}})
	_, err = v.Verify(token, revoked)
	refused(t, err, Revoked)
	other := Terms{Trust: trusting(t, func(m map[string]any) { delete(m, "roots") }), Now: now}
	_, err = v.Verify(token, other)
	refused(t, err, Root)
	otherRealm := Terms{Trust: trusting(t, func(m map[string]any) { m["realm"] = "staging" }), Now: now}
	_, err = v.Verify(token, otherRealm)
	refused(t, err, Realm)
	// A child of a known parent, forged in each way.
	_, err = v.Verify(joined(blocksOf(token)[0], enveloped("block", mallory, payloadIn(blocksOf(token)[1]))), with)
	refused(t, err, Signature)
	_, err = v.Verify(forged(parent, alice, block(bob, 1, grants(grant("read", "file:///etc/passwd")))), with)
	refused(t, err, Grants)
	_, err = v.Verify(forged(token, bob, block(carol, 1)), with)
	refused(t, err, Depth)
	swapped := minted(t, block(alice, 2, func(b *Block) { b.ID = ID{99} }))
	_, err = v.Verify(joined(blocksOf(swapped)[0], blocksOf(token)[1]), with)
	refused(t, err, Parent)
	_, err = v.Verify(joined(enveloped("block", mallory, payloadIn(blocksOf(parent)[0])), blocksOf(token)[1]), with)
	refused(t, err, Signature)
	// Nothing of what was refused is remembered.
	_, err = v.Verify(forged(parent, alice, block(bob, 1, grants(grant("read", "file:///etc/passwd")))), with)
	refused(t, err, Grants)
	// The ancestor of a verified token is one too, and is held by somebody else.
	c, err := v.Verify(parent, with)
	if err != nil || c.Len() != 1 || !c.HeldBy(alice.Key()) || c.HeldBy(bob.Key()) || !bytes.Equal(c.Token(), parent) {
		t.Error(c, show(err))
	}
	warm()
}

func TestG08OneVerbMoreAHop(t *testing.T) {
	verbs := []string{"read", "write", "execute", "connect"}
	holders := []*Identity{alice, bob, carol, mallory}
	token := minted(t, block(alice, 10))
	for i := range verbs[1:] {
		gs := grants(grant("read "+strings.Join(verbs[1:i+2], " "), "file:///srv/**"))
		wider := forged(token, holders[i], block(holders[i+1], 9-i, gs))
		if err := verifyRefused(t, wider, terms(t), Grants); err.Block != i+1 || !strings.Contains(err.Error(), "write") {
			t.Error(err)
		}
		// Further hops don't hide it.
		verifyRefused(t, forged(wider, holders[i+1], block(carol, 0)), terms(t), Grants)
		token = attenuated(t, token, holders[i], block(holders[i+1], 9-i))
	}
}

// What a chain allows is what each of its blocks allows.
func TestEffectiveAuthorityIsTheIntersection(t *testing.T) {
	calls := []string{"read file:///srv", "read file:///srv/a", "read file:///srv/a/b", "write file:///srv/a", "write file:///srv/a/x", "read file:///srv/x/a"}
	for seed := range 200 {
		r := newRandom(seed)
		patterns := []string{"file:///srv/**", "file:///srv/a/**", "file:///srv/*", "file:///srv/a", "file:///srv/**/a", "file:///srv/{a,x}/*"}
		token := minted(t, block(alice, 15, grants(grant("read write", patterns[r.IntN(2)], patterns[r.IntN(6)]))))
		holders := []*Identity{alice, bob}
		for i := 1; i < 5; i++ {
			child := block(holders[i%2], 15-i, grants(grant([]string{"read", "write", "read write"}[r.IntN(3)], patterns[r.IntN(6)])))
			if r.IntN(3) == 0 {
				child.Denials = []Grant{grant("read", patterns[2+r.IntN(4)])}
			}
			if next, err := Attenuate(token, holders[(i+1)%2], child); err == nil {
				token = next
			} else {
				refused(t, err, Grants)
				token = attenuated(t, token, holders[(i+1)%2], block(holders[i%2], 15-i, grants()))
			}
		}
		c := verified(t, token, terms(t))
		for _, call := range calls {
			action, text, _ := strings.Cut(call, " ")
			n := name(text)
			want := true
			for i := range c.Len() {
				b := c.Block(i)
				want = want && slices.ContainsFunc(b.Grants, grantsCall(action, n)) && !slices.ContainsFunc(b.Denials, grantsCall(action, n))
			}
			if got := c.Allows(action, n); got != want || (c.Why(action, n) == nil) != want {
				t.Fatalf("seed %d, %s: %v, want %v", seed, call, got, want)
			}
		}
	}
}

func grantsCall(action string, n resource.Name) func(Grant) bool {
	return func(g Grant) bool {
		return slices.Contains(g.Actions, action) && slices.ContainsFunc(g.Resources, func(p *resource.Pattern) bool { return p.Match(n) })
	}
}
