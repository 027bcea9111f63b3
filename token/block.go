package token

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moat-lang/moat/resource"
)

// A Block is one link of a token's chain. Its issuer gives its audience what the grants say, within its time.
type Block struct {
	Realm     string // of the deployment that it is for: 1 to MaxRealmLen visible ASCII characters
	Issuer    Key    // who signed it: a root, or the audience of the parent
	Audience  Key    // who may use it, and narrow it further
	ID        ID     // the issuer's name for it, by which it can be revoked
	Parent    Digest // of the parent; zero in the root's block
	NotBefore time.Time
	Expires   time.Time // exclusive; later than NotBefore. Times are whole seconds.
	Depth     int       // how many blocks may follow, 0 to MaxBlocks-1
	Grants    []Grant   // none: nothing is granted
	Denials   []Grant   // what isn't allowed in spite of all grants, here and below
	Limits    Limits
	Caveats   []string // conditions, opaque here; each has 1 to MaxCaveatSize bytes. All hold here and below.
	Digest    Digest   // of what was signed; set when the block is read
}

// A Grant allows each of its actions on each resource that one of its patterns matches. In a denial it forbids them.
type Grant struct {
	Actions   []string // identifiers of the language, no wildcards: 1 to MaxActions
	Resources []*resource.Pattern
}

// anyResource is how the pattern that matches every resource is written.
const anyResource = "any"

// ParsePattern parses a pattern as blocks and trust documents have them: [resource.ParsePattern], or "any".
func ParsePattern(s string) (*resource.Pattern, error) {
	if s == anyResource {
		return resource.Any(), nil
	}
	return resource.ParsePattern(s)
}

// Fields of a block. The head, up to the depth, is all that is read before the signature has been verified.
const (
	blockVersion = iota + 1
	blockRealm
	blockIssuer
	blockAudience
	blockID
	blockParent
	blockNotBefore
	blockExpires
	blockDepth
	blockGrants
	blockDenials
	blockLimits
	blockCaveats
)

// formatVersion is the version of all that is signed.
const formatVersion = 1

// readVersion reads the first field of every payload.
func (f *fields) readVersion() {
	f.must(blockVersion, "the version")
	if v := f.head(majorUint, "the version"); f.err == nil && v != formatVersion {
		f.fail(Version, "version %d is not known, only %d", v, formatVersion)
	}
}

// realm reads a realm.
func (r *reader) realm() string {
	s := r.text(MaxRealmLen, "the realm")
	if r.err == nil && !isRealm(s) {
		r.fail(Field, "the realm %s has other than visible ASCII characters", quote(s))
	}
	return s
}

func isRealm(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= MaxRealmLen
}

// isAction reports whether s is an identifier of the language.
func isAction(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '-')) {
			return false
		}
	}
	return s != "" && len(s) <= MaxActionLen
}

// seconds reads a time in whole seconds since 1970.
func (r *reader) seconds(what string) time.Time {
	return time.Unix(int64(r.number(uint64(maxTime), what)), 0).UTC()
}

// head reads the fields up to the depth. The rest is read from the same fields by body.
func (b *Block) head(f *fields) {
	f.readVersion()
	f.must(blockRealm, "the realm")
	b.Realm = f.realm()
	f.must(blockIssuer, "the issuer")
	b.Issuer = f.reader.key("the issuer")
	f.must(blockAudience, "the audience")
	b.Audience = f.reader.key("the audience")
	f.must(blockID, "the id")
	f.fixed(b.ID[:], "the id")
	if f.has(blockParent) {
		f.fixed(b.Parent[:], "the parent")
	}
	f.must(blockNotBefore, "not_before")
	b.NotBefore = f.seconds("not_before")
	f.must(blockExpires, "expires")
	b.Expires = f.seconds("expires")
	f.must(blockDepth, "the depth")
	b.Depth = int(f.number(MaxBlocks-1, "the depth"))
}

// body reads the fields behind the depth. What it shares with the parent, it takes from there.
func (b *Block) body(f *fields, s *slab, parent *Block) {
	f.must(blockGrants, "the grants")
	b.Grants = s.grants(f.reader, parent.Grants)
	if f.has(blockDenials) {
		b.Denials = s.some(f.reader, parent.Denials)
	}
	if f.has(blockLimits) {
		b.Limits = f.limits()
	}
	if f.has(blockCaveats) {
		n := f.count(majorArray, MaxCaveats, "the caveats")
		if f.err == nil && n == 0 {
			f.fail(Encoding, "the caveats are empty: leave them out")
		}
		for ; n > 0 && f.err == nil; n-- {
			c := f.bytes(MaxCaveatSize, "a caveat")
			if c == "" {
				f.fail(Encoding, "a caveat is empty")
			}
			b.Caveats = append(b.Caveats, c)
		}
	}
	f.done()
}

// A slab holds the parts of many grants, so that they take few allocations. What has been cut from it stays.
type slab struct {
	list     []Grant
	actions  []string
	patterns []*resource.Pattern
}

// newSlab makes a slab with room for about so many patterns.
func newSlab(patterns int) slab {
	return slab{make([]Grant, 0, patterns), make([]string, 0, patterns+patterns/4), make([]*resource.Pattern, 0, patterns)}
}

// some reads grants of which there is at least one.
func (s *slab) some(r *reader, parent []Grant) []Grant {
	gs := s.grants(r, parent)
	if r.err == nil && len(gs) == 0 {
		r.fail(Encoding, "the denials are empty: leave them out")
	}
	return gs
}

// grants reads a list of grants. Patterns that stand at the same place of the parent's are taken from there.
func (s *slab) grants(r *reader, parent []Grant) []Grant {
	n := r.count(majorArray, MaxGrants, "the grants")
	start := len(s.list)
	for i := 0; i < n && r.err == nil; i++ {
		var like []*resource.Pattern
		if i < len(parent) {
			like = parent[i].Resources
		}
		if two := r.count(majorArray, 2, "a grant"); r.err == nil && two != 2 {
			r.fail(Encoding, "a grant is an array of actions and an array of patterns, not %d items", two)
		}
		g := Grant{Actions: s.readActions(r), Resources: s.readPatterns(r, like)}
		s.list = append(s.list, g)
	}
	return cut(s.list, start)
}

func (s *slab) readActions(r *reader) []string {
	n, start := r.count(majorArray, MaxActions, "the actions"), len(s.actions)
	if r.err == nil && n == 0 {
		r.fail(Encoding, "a grant has no actions")
	}
	for ; n > 0 && r.err == nil; n-- {
		a := r.text(MaxActionLen, "an action")
		if r.err == nil && !isAction(a) {
			r.fail(Field, "the action %s is no identifier", quote(a))
		}
		s.actions = append(s.actions, a)
	}
	return cut(s.actions, start)
}

func (s *slab) readPatterns(r *reader, like []*resource.Pattern) []*resource.Pattern {
	n, start := r.count(majorArray, MaxResources, "the patterns"), len(s.patterns)
	if r.err == nil && n == 0 {
		r.fail(Encoding, "a grant has no patterns")
	}
	for i := 0; i < n && r.err == nil; i++ {
		text := r.text(resource.MaxPatternLen, "a pattern")
		if r.err != nil {
			break
		}
		if i < len(like) && like[i].String() == text {
			s.patterns = append(s.patterns, like[i])
			continue
		}
		p, err := ParsePattern(text)
		if err != nil && strings.ContainsAny(text, "{}") || err == nil && !p.Plain() {
			r.fail(Field, "the pattern %s has braces: write each alternative as a pattern of its own", quote(text))
			break
		}
		if err != nil {
			r.fail(Field, "a pattern is refused: %s", err)
			break
		}
		s.patterns = append(s.patterns, p)
	}
	return cut(s.patterns, start)
}

// cut returns what has been appended since start, without room to append.
func cut[T any](s []T, start int) []T { return s[start:len(s):len(s)] }

// encode returns the payload of a block, which check has let pass.
func (b *Block) encode() []byte {
	n := 9
	for _, present := range []bool{!b.Parent.IsZero(), len(b.Denials) > 0, !b.Limits.IsZero(), len(b.Caveats) > 0} {
		if present {
			n++
		}
	}
	var w writer
	w.object(n)
	w.field(blockVersion)
	w.number(formatVersion)
	w.field(blockRealm)
	w.text(b.Realm)
	w.key(blockIssuer, b.Issuer)
	w.key(blockAudience, b.Audience)
	w.id(blockID, b.ID)
	if !b.Parent.IsZero() {
		w.sum(blockParent, b.Parent)
	}
	w.field(blockNotBefore)
	w.number(uint64(b.NotBefore.Unix()))
	w.field(blockExpires)
	w.number(uint64(b.Expires.Unix()))
	w.field(blockDepth)
	w.number(uint64(b.Depth))
	w.field(blockGrants)
	w.grants(b.Grants)
	if len(b.Denials) > 0 {
		w.field(blockDenials)
		w.grants(b.Denials)
	}
	if !b.Limits.IsZero() {
		w.field(blockLimits)
		w.limits(b.Limits)
	}
	if len(b.Caveats) > 0 {
		w.field(blockCaveats)
		w.array(len(b.Caveats))
		for _, c := range b.Caveats {
			w.bytes([]byte(c))
		}
	}
	return w.b
}

func (w *writer) grants(gs []Grant) {
	w.array(len(gs))
	for _, g := range gs {
		w.array(2)
		w.array(len(g.Actions))
		for _, a := range g.Actions {
			w.text(a)
		}
		w.array(len(g.Resources))
		for _, p := range g.Resources {
			w.text(p.String())
		}
	}
}

// expand returns grants in which every pattern is one alternative, and which share nothing with gs.
func expand(gs []Grant) ([]Grant, error) {
	var out []Grant
	for _, g := range gs {
		e := Grant{Actions: slices.Clone(g.Actions)}
		for _, p := range g.Resources {
			if p == nil {
				return nil, refuse(Field, "a pattern is nil")
			}
			for _, text := range p.Alternatives() {
				q, err := ParsePattern(text)
				if err != nil {
					return nil, refuse(Field, "a pattern is refused: %s", err)
				}
				e.Resources = append(e.Resources, q)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// clone returns a copy that shares nothing that can be changed.
func (b *Block) clone() Block {
	c := *b
	copyGrants := func(gs []Grant) []Grant {
		out := slices.Clone(gs)
		for i := range out {
			out[i].Actions = slices.Clone(out[i].Actions)
			out[i].Resources = slices.Clone(out[i].Resources)
		}
		return out
	}
	c.Grants, c.Denials, c.Caveats = copyGrants(b.Grants), copyGrants(b.Denials), slices.Clone(b.Caveats)
	return c
}

// String describes the grant on one line, as in "read, list on file:///srv/kb/**".
func (g Grant) String() string {
	texts := make([]string, len(g.Resources))
	for i, p := range g.Resources {
		texts[i] = p.String()
	}
	return fmt.Sprintf("%s on %s", strings.Join(g.Actions, ", "), strings.Join(texts, ", "))
}
