package token

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The parts of L01 that are the trust document's: an older one, another one with the same number, a name or a key that is
// bound twice.
func TestL01TrustDocuments(t *testing.T) {
	at := func(sequence int, change ...func(map[string]any)) *Trust {
		return trusting(t, append(change, func(m map[string]any) { m["sequence"] = sequence })...)
	}
	swapped := func(m map[string]any) {
		names := m["names"].(map[string]any)
		names["alice"], names["bob"] = names["bob"], names["alice"]
	}
	refused(t, at(6).Supersedes(at(7)), Rollback)
	refused(t, at(7, swapped).Supersedes(at(7)), Equivocation)
	refused(t, at(8, func(m map[string]any) { m["realm"] = "staging" }).Supersedes(at(7)), Realm)
	refused(t, (*Trust)(nil).Supersedes(at(7)), BadTrust)
	for _, next := range []*Trust{at(7), at(8), at(9, swapped)} {
		if err := next.Supersedes(at(7)); err != nil {
			t.Error(show(err))
		}
	}
	if a, b := at(7), at(7, swapped); a.Digest() == b.Digest() {
		t.Error("two documents, one digest")
	}
	// Layout and the order of members don't matter; the order of lists does, though it means nothing.
	text := trustText()
	spaced := bytes.ReplaceAll(text, []byte(","), []byte(" ,\n\t"))
	if again, err := ParseTrust(spaced); err != nil || again.Digest() != trusting(t).Digest() {
		t.Error("layout changes the digest", err)
	}
	trust := trusting(t)
	if k, ok := trust.Key("alice"); !ok || k != alice.Key() {
		t.Error(k, ok)
	}
	if name, ok := trust.Name(bob.Key()); !ok || name != "bob" {
		t.Error(name, ok)
	}
	if _, ok := trust.Name(mallory.Key()); ok {
		t.Error("mallory has a name")
	}
	if trust.Attests(attester.Key(), "Boss") || !trust.Attests(attester.Key(), "Staff") || trust.Attests(alice.Key(), "Staff") {
		t.Error("claims")
	}
}

func TestTrustIsReadStrictly(t *testing.T) {
	a, r := alice.Key().String(), rootKey.Key().String()
	for _, tt := range []struct{ doc, want string }{
		{`[]`, `at "": `},
		{`{`, "JSON"},
		{`{"version":1,"realm":"r","sequence":1,"realm":"s"}`, "twice"},
		{`{"version":2,"realm":"r","sequence":1}`, `at "/version": "2"`},
		{`{"version":1,"realm":"r"}`, `no "sequence"`},
		{`{"version":1,"sequence":1}`, `no "realm"`},
		{`{"realm":"r","sequence":1}`, `no "version"`},
		{`{"version":1,"realm":"r","sequence":0}`, `"/sequence"`},
		{`{"version":1,"realm":"r","sequence":1.0}`, `"/sequence"`},
		{`{"version":1,"realm":"r","sequence":9007199254740992}`, `"/sequence"`},
		{`{"version":1,"realm":"","sequence":1}`, `"/realm"`},
		{`{"version":1,"realm":"a b","sequence":1}`, `"/realm"`},
		{`{"version":1,"realm":"r","sequence":1,"rots":[]}`, `"/rots": there is no such member`},
		{`{"version":1,"realm":"r","sequence":1,"names":{"a":"` + a + `","b":"` + a + `"}}`, `"/names/b": the key already has the name "a"`},
		{`{"version":1,"realm":"r","sequence":1,"names":{"a":"` + a + `#x"}}`, `"/names/a"`},
		{`{"version":1,"realm":"r","sequence":1,"names":{"a b":"` + a + `"}}`, `"/names/a b"`},
		{`{"version":1,"realm":"r","sequence":1,"names":null}`, `"/names"`},
		{`{"version":1,"realm":"r","sequence":1,"revokers":["` + a + `","` + a + `"]}`, "twice"},
		{`{"version":1,"realm":"r","sequence":1,"revokers":["` + a + `"],"names":{"a":"` + a + `"}}`, "another role"},
		{`{"version":1,"realm":"r","sequence":1,"revokers":["` + a + `"],"issuers":[{"key":"` + a + `","claims":["c"]}]}`, "another role"},
		{`{"version":1,"realm":"r","sequence":1,"issuers":[{"key":"` + a + `","claims":[]}]}`, `"/issuers/0"`},
		{`{"version":1,"realm":"r","sequence":1,"issuers":[{"claims":["c"]}]}`, `"/issuers/0"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `"}]}`, `no "grants"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"grants":[]}]}`, `no "key"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[]},{"key":"` + r + `","grants":[]}]}`, "twice"},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"max_depth":17}]}`, `"/roots/0/max_depth"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"max_depth":0}]}`, `"/roots/0/max_depth"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"max_ttl":"0s"}]}`, `"/roots/0/max_ttl"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"max_ttl":3600}]}`, `"/roots/0/max_ttl"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"limits":{"fuel":-1}}]}`, `"/roots/0/limits/fuel"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[],"limits":{"feul":1}}]}`, `"/roots/0/limits/feul"`},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[{"actions":["*"],"resources":["any"]}]}]}`, "no action"},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[{"actions":["read"],"resources":[]}]}]}`, "at least one"},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[{"actions":["read"],"resources":["file:///a/../b"]}]}]}`, "dot segment"},
		{`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + r + `","grants":[{"actions":["read"],"resource":["any"]}]}]}`, "no such member"},
	} {
		trust, err := ParseTrust([]byte(tt.doc))
		if trust != nil || !errors.Is(err, BadTrust) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\ngot  %v\nwant %s", tt.doc, err, tt.want)
		}
	}
	if _, err := ParseTrust(bytes.Repeat([]byte(" "), MaxTrustSize+1)); !errors.Is(err, BadTrust) {
		t.Error(err)
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"1s": time.Second, "90s": 90 * time.Second, "10m": 10 * time.Minute, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "36500d": maxDuration,
		"": 0, "s": 0, "0s": 0, "1": 0, "-1s": 0, "1.5h": 0, "1h30m": 0, "1ms": 0, "1w": 0, "36501d": 0, "99999999999h": 0, "4294967296s": 0, " 1s": 0, "1 s": 0, "+1s": 0,
	} {
		if got, ok := ParseDuration(s); got != want || ok != (want > 0) {
			t.Errorf("%q: %s, %v", s, got, ok)
		}
	}
}

func FuzzTrust(f *testing.F) {
	f.Add(trustText())
	f.Add([]byte(`{"version":1,"realm":"r","sequence":1,"roots":[{"key":"` + rootKey.Key().String() + `","grants":[],"max_ttl":"1h","max_depth":3,"limits":{"fuel":1}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		trust, err := ParseTrust(text)
		if (trust == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil {
			if !errors.Is(err, BadTrust) || len(err.Error()) > 20_000 {
				t.Fatal(show(err))
			}
			return
		}
		if trust.Realm() == "" || trust.Sequence() == 0 || trust.Digest().IsZero() {
			t.Fatal(fmt.Sprint(trust))
		}
		for _, name := range trust.Names() {
			k, _ := trust.Key(name)
			if back, ok := trust.Name(k); !ok || back != name {
				t.Fatalf("%s has the key %s, which has the name %q", name, k, back)
			}
		}
	})
}
