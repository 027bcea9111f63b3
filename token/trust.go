package token

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moat-lang/moat/strictjson"
)

// A Trust is a trust document: whose signatures count, and for what. It is immutable; make one with [ParseTrust]. People
// write it as JSON:
//
//	{
//	  "version": 1,
//	  "realm": "prod",
//	  "sequence": 7,
//	  "roots": [{"key": "did:key:z6Mk…", "grants": [{"actions": ["read"], "resources": ["file:///srv/**"]}],
//	             "max_ttl": "24h", "max_depth": 4, "limits": {"fuel": 1000000}}],
//	  "names": {"coordinator": "did:key:z6Mk…"},
//	  "issuers": [{"key": "did:key:z6Mk…", "claims": ["Staff"]}],
//	  "revokers": ["did:key:z6Mk…"]
//	}
//
// roots, names, issuers and revokers may be left out, and so may max_ttl (no bound), max_depth (MaxBlocks) and limits.
type Trust struct {
	realm    string
	sequence uint64
	digest   Digest
	roots    map[Key]*trustRoot
	names    map[string]Key
	keys     map[Key]string // the names' keys
	issuers  map[Key][]string
	revokers []Key
}

// A trustRoot is what a root may grant.
type trustRoot struct {
	key      *knownKey
	grants   []Grant
	maxTTL   time.Duration // 0: no bound
	maxDepth int
	limits   Limits
}

// Bounds on a trust document.
const (
	// MaxTrusted is the largest number of roots, names, issuers, revokers, and of claims of one issuer.
	MaxTrusted = 4096
)

// ParseTrust reads a trust document, strictly: members that aren't known are refused. The error is an [*Error] of the
// reason BadTrust that names the place (RFC 6901).
func ParseTrust(text []byte) (*Trust, error) {
	v, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxTrustSize})
	if err != nil {
		return nil, refuse(BadTrust, "the trust document: %s", err)
	}
	t := &Trust{roots: map[Key]*trustRoot{}, names: map[string]Key{}, keys: map[Key]string{}, issuers: map[Key][]string{}}
	d := document{}
	d.trust(v, t)
	if d.err != nil {
		return nil, d.err
	}
	canonical, err := v.Canonical()
	if err != nil {
		return nil, refuse(BadTrust, "the trust document: %s", err)
	}
	t.digest = sha256.Sum256(canonical)
	return t, nil
}

// Realm returns the deployment that the document is for.
func (t *Trust) Realm() string { return t.realm }

// Sequence returns the number of the document; the next one has a higher one.
func (t *Trust) Sequence() uint64 { return t.sequence }

// Digest returns the SHA-256 of the document's canonical form (RFC 8785).
func (t *Trust) Digest() Digest { return t.digest }

// Key returns the key that has a name.
func (t *Trust) Key(name string) (Key, bool) {
	k, ok := t.names[name]
	return k, ok
}

// Name returns the name of a key. Each key has at most one, and each name one key.
func (t *Trust) Name(k Key) (string, bool) {
	name, ok := t.keys[k]
	return name, ok
}

// Names returns the names, sorted.
func (t *Trust) Names() []string { return sortedKeys(t.names) }

// IsRoot reports whether tokens may begin with k.
func (t *Trust) IsRoot(k Key) bool { return t.roots[k] != nil }

// Attests reports whether an attestation of the claim counts when k signed it.
func (t *Trust) Attests(k Key, claim string) bool { return slices.Contains(t.issuers[k], claim) }

// IsRevoker reports whether k may revoke anything.
func (t *Trust) IsRevoker(k Key) bool { return slices.Contains(t.revokers, k) }

// Supersedes refuses t as the successor of old unless it has the same realm and a higher sequence. The very same document
// is accepted.
func (t *Trust) Supersedes(old *Trust) error {
	switch {
	case t == nil || old == nil:
		return refuse(BadTrust, "there is no trust document")
	case t.realm != old.realm:
		return refuse(Realm, "the trust document is for the realm %s, and that of before for %s", quote(t.realm), quote(old.realm))
	case t.digest == old.digest:
		return nil
	case t.sequence == old.sequence:
		return refuse(Equivocation, "the trust document has the sequence %d of that of before, and another content", t.sequence)
	case t.sequence < old.sequence:
		return refuse(Rollback, "the trust document has the sequence %d, and %d is known", t.sequence, old.sequence)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// A document reads JSON and keeps the first error.
type document struct {
	err *Error
}

func (d *document) fail(at, format string, args ...any) {
	if d.err == nil {
		d.err = refuse(BadTrust, format, args...)
		d.err.Detail = "the trust document, at " + strconv.QuoteToASCII(at) + ": " + d.err.Detail
	}
}

// members calls read for each member of an object.
func (d *document) members(v strictjson.Value, at string, read func(name, at string, v strictjson.Value)) {
	if v.Kind != strictjson.Object {
		d.fail(at, "%s where an object should stand", v.Kind)
		return
	}
	if len(v.Members) > MaxTrusted {
		d.fail(at, "%d members, more than %d", len(v.Members), MaxTrusted)
	}
	for _, m := range v.Members {
		if d.err != nil {
			return
		}
		read(m.Name, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(m.Name), m.Value)
	}
}

// items calls read for each item of an array.
func (d *document) items(v strictjson.Value, at string, max int, read func(at string, v strictjson.Value)) {
	if v.Kind != strictjson.Array {
		d.fail(at, "%s where an array should stand", v.Kind)
		return
	}
	if len(v.Items) > max {
		d.fail(at, "%d items, more than %d", len(v.Items), max)
	}
	for i, item := range v.Items {
		if d.err != nil {
			return
		}
		read(at+"/"+strconv.Itoa(i), item)
	}
}

func (d *document) text(v strictjson.Value, at string) string {
	if v.Kind != strictjson.String {
		d.fail(at, "%s where a string should stand", v.Kind)
		return ""
	}
	if v.Text == "" || len(v.Text) > MaxTextLen {
		d.fail(at, "a text of %d bytes, not of 1 to %d", len(v.Text), MaxTextLen)
	}
	return v.Text
}

func (d *document) number(v strictjson.Value, at string, min, max uint64) uint64 {
	n, err := strconv.ParseUint(v.Text, 10, 64)
	if v.Kind != strictjson.Number || err != nil || n < min || n > max {
		d.fail(at, "%s where a whole number from %d to %d should stand", quote(v.Text), min, max)
		return 0
	}
	return n
}

func (d *document) key(v strictjson.Value, at string) Key {
	s := d.text(v, at)
	if d.err != nil {
		return Key{}
	}
	k, err := ParseKey(s)
	if err != nil {
		d.fail(at, "%s", err)
	}
	return k
}

func (d *document) trust(v strictjson.Value, t *Trust) {
	d.members(v, "", func(name, at string, v strictjson.Value) {
		switch name {
		case "version":
			d.number(v, at, formatVersion, formatVersion)
		case "realm":
			if t.realm = d.text(v, at); d.err == nil && !isRealm(t.realm) {
				d.fail(at, "a realm is 1 to %d visible ASCII characters", MaxRealmLen)
			}
		case "sequence":
			t.sequence = d.number(v, at, 1, MaxNumber)
		case "roots":
			d.items(v, at, MaxTrusted, func(at string, v strictjson.Value) { d.root(v, at, t) })
		case "names":
			d.members(v, at, func(name, at string, v strictjson.Value) { d.name(name, v, at, t) })
		case "issuers":
			d.items(v, at, MaxTrusted, func(at string, v strictjson.Value) { d.issuer(v, at, t) })
		case "revokers":
			d.items(v, at, MaxTrusted, func(at string, v strictjson.Value) {
				k := d.key(v, at)
				if t.IsRevoker(k) {
					d.fail(at, "the key stands twice")
				}
				t.revokers = append(t.revokers, k)
			})
		default:
			d.fail(at, "there is no such member; there are version, realm, sequence, roots, names, issuers, revokers")
		}
	})
	for _, name := range []string{"version", "realm", "sequence"} {
		if _, ok := v.Get(name); !ok {
			d.fail("", "there is no %q", name)
		}
	}
	for _, k := range t.revokers {
		if t.roots[k] != nil || t.keys[k] != "" || t.issuers[k] != nil {
			d.fail("/revokers", "the key %s also has another role; a revocation key is for nothing else", k)
		}
	}
}

func (d *document) root(v strictjson.Value, at string, t *Trust) {
	var key Key
	root := &trustRoot{maxDepth: MaxBlocks}
	d.members(v, at, func(name, at string, v strictjson.Value) {
		switch name {
		case "key":
			key = d.key(v, at)
		case "grants":
			d.items(v, at, MaxGrants, func(at string, v strictjson.Value) { root.grants = append(root.grants, d.grant(v, at)) })
		case "max_ttl":
			root.maxTTL = d.duration(v, at)
		case "max_depth":
			root.maxDepth = int(d.number(v, at, 1, MaxBlocks))
		case "limits":
			d.members(v, at, func(name, at string, v strictjson.Value) {
				l, ok := ParseLimit(name)
				if !ok {
					d.fail(at, "there is no such limit; there are fuel, memory, timeout")
				}
				root.limits = root.limits.With(l, d.number(v, at, 0, MaxNumber))
			})
		default:
			d.fail(at, "there is no such member; there are key, grants, max_ttl, max_depth, limits")
		}
	})
	if d.err != nil {
		return
	}
	for _, name := range []string{"key", "grants"} {
		if _, ok := v.Get(name); !ok {
			d.fail(at, "there is no %q", name)
		}
	}
	if t.roots[key] != nil {
		d.fail(at, "the key stands twice")
	}
	root.key, _ = newKnownKey(key) // reading it has seen that it is a point
	t.roots[key] = root
}

func (d *document) grant(v strictjson.Value, at string) (g Grant) {
	d.members(v, at, func(name, at string, v strictjson.Value) {
		switch name {
		case "actions":
			d.items(v, at, MaxActions, func(at string, v strictjson.Value) {
				a := d.text(v, at)
				if d.err == nil && !isAction(a) {
					d.fail(at, "%s is no action", quote(a))
				}
				g.Actions = append(g.Actions, a)
			})
		case "resources":
			d.items(v, at, MaxResources, func(at string, v strictjson.Value) {
				p, err := ParsePattern(d.text(v, at))
				if err != nil {
					d.fail(at, "%s", err)
					return
				}
				g.Resources = append(g.Resources, p)
			})
		default:
			d.fail(at, "there is no such member; there are actions, resources")
		}
	})
	if d.err == nil && (len(g.Actions) == 0 || len(g.Resources) == 0) {
		d.fail(at, "a grant has at least one action and one resource")
	}
	return g
}

func (d *document) name(name string, v strictjson.Value, at string, t *Trust) {
	if !isAction(name) {
		d.fail(at, "a name is an identifier of the language")
	}
	k := d.key(v, at)
	if other, ok := t.keys[k]; ok {
		d.fail(at, "the key already has the name %s", quote(other))
	}
	t.names[name], t.keys[k] = k, name
}

func (d *document) issuer(v strictjson.Value, at string, t *Trust) {
	var key Key
	var claims []string
	d.members(v, at, func(name, at string, v strictjson.Value) {
		switch name {
		case "key":
			key = d.key(v, at)
		case "claims":
			d.items(v, at, MaxTrusted, func(at string, v strictjson.Value) { claims = append(claims, d.text(v, at)) })
		default:
			d.fail(at, "there is no such member; there are key, claims")
		}
	})
	if d.err == nil && (key.IsZero() || len(claims) == 0) {
		d.fail(at, "an issuer has a key and at least one claim")
	}
	if t.issuers[key] != nil {
		d.fail(at, "the key stands twice")
	}
	t.issuers[key] = claims
}

// duration reads a whole number of seconds, minutes, hours or days, as in 90s, 10m, 24h, 7d.
func (d *document) duration(v strictjson.Value, at string) time.Duration {
	s := d.text(v, at)
	dur, ok := ParseDuration(s)
	if d.err == nil && !ok {
		d.fail(at, "%s is not a duration such as 90s, 10m, 24h or 7d", quote(s))
	}
	return dur
}

// ParseDuration parses a positive whole number of seconds, minutes, hours or days, as in 90s, 10m, 24h, 7d.
func ParseDuration(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil || n == 0 || unit == 0 || n > uint64(maxDuration/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// maxDuration is a hundred years.
const maxDuration = 100 * 365 * 24 * time.Hour
