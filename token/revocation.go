package token

import (
	"bytes"
	"maps"
	"slices"
	"time"
)

// A RevocationList says what its signer revokes. The keys under `revokers` of the trust document revoke anything. Any
// other signer revokes only what descends from a block that it issued, and its own statements.
type RevocationList struct {
	Realm      string
	Signer     Key
	Sequence   uint64    // from 1; each list of a signer has a higher one than the last
	Issued     time.Time // whole seconds
	NextUpdate time.Time // when the next list is due; from then on this one denies
	Keys       []Key     // whatever they are on a chain or on a statement
	Items      []Ref     // blocks and statements, by issuer and id
	Digests    []Digest  // blocks and statements, by what was signed

	digest Digest // of this list, once it is signed
}

// A Ref names a block or a statement by its issuer and the id that the issuer gave it. For an approval these are the
// approver and the nonce.
type Ref struct {
	Issuer Key
	ID     ID
}

const (
	revocationVersion = iota + 1
	revocationRealm
	revocationSigner
	revocationSequence
	revocationIssued
	revocationNextUpdate
	revocationKeys
	revocationItems
	revocationDigests
)

func compareKeys(a, b Key) int       { return bytes.Compare(a[:], b[:]) }
func compareDigests(a, b Digest) int { return bytes.Compare(a[:], b[:]) }
func compareRefs(a, b Ref) int {
	if c := compareKeys(a.Issuer, b.Issuer); c != 0 {
		return c
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// SignRevocations signs a list. The order of the entries doesn't matter, nor whether one stands twice. Signer must be the
// signer's key; it may be a revocation key, a root or an agent.
func SignRevocations(by *Identity, l RevocationList) ([]byte, error) {
	if err := by.may(RoleRevocation, RoleRoot, RoleAgent); err != nil {
		return nil, err
	}
	l.Signer = by.key
	sorted := func(n int) error {
		if n > MaxRevoked {
			return refuse(Size, "%d entries of a kind, more than %d", n, MaxRevoked)
		}
		return nil
	}
	l.Keys = slices.Compact(slices.SortedFunc(slices.Values(l.Keys), compareKeys))
	l.Items = slices.Compact(slices.SortedFunc(slices.Values(l.Items), compareRefs))
	l.Digests = slices.Compact(slices.SortedFunc(slices.Values(l.Digests), compareDigests))
	if err := sorted(max(len(l.Keys), len(l.Items), len(l.Digests))); err != nil {
		return nil, err
	}
	w := writer{}
	w.object(9)
	w.field(revocationVersion)
	w.number(formatVersion)
	w.field(revocationRealm)
	w.text(l.Realm)
	w.key(revocationSigner, l.Signer)
	w.field(revocationSequence)
	w.number(l.Sequence)
	w.seconds(revocationIssued, l.Issued)
	w.seconds(revocationNextUpdate, l.NextUpdate)
	w.field(revocationKeys)
	w.array(len(l.Keys))
	for _, k := range l.Keys {
		w.bytes(k[:])
	}
	w.field(revocationItems)
	w.array(len(l.Items))
	for _, ref := range l.Items {
		w.array(2)
		w.bytes(ref.Issuer[:])
		w.bytes(ref.ID[:])
	}
	w.field(revocationDigests)
	w.array(len(l.Digests))
	for _, d := range l.Digests {
		w.bytes(d[:])
	}
	return sealed(&revocationKind, by, w.b, func(raw []byte) error { _, err := OpenRevocations(raw); return err })
}

// OpenRevocations reads a list and verifies its signature. Whether the signer may revoke is for [Revocations.With].
func OpenRevocations(raw []byte) (*RevocationList, error) {
	l := &RevocationList{}
	err := revocationKind.openOne(raw, nil, &l.digest, func(r *reader) *Key {
		f := r.fields("the revocation list")
		f.readVersion()
		f.must(revocationRealm, "the realm")
		l.Realm = f.realm()
		f.must(revocationSigner, "the signer")
		l.Signer = r.key("the signer")
		f.must(revocationSequence, "the sequence")
		l.Sequence = f.number(MaxNumber, "the sequence")
		f.must(revocationIssued, "issued")
		l.Issued = f.seconds("issued")
		f.must(revocationNextUpdate, "next_update")
		l.NextUpdate = f.seconds("next_update")
		if r.err == nil && (l.Sequence == 0 || !l.NextUpdate.After(l.Issued)) {
			f.fail(Field, "the sequence is 0, or the next update isn't after the issue")
		}
		f.must(revocationKeys, "the keys")
		l.Keys = ascending(r, compareKeys, func() (k Key) { r.fixed(k[:], "a key"); return k })
		f.must(revocationItems, "the items")
		l.Items = ascending(r, compareRefs, func() (ref Ref) {
			if n := r.count(majorArray, 2, "an item"); r.err == nil && n != 2 {
				r.fail(Encoding, "an item is an issuer and an id, not %d values", n)
			}
			r.fixed(ref.Issuer[:], "an issuer")
			r.fixed(ref.ID[:], "an id")
			return ref
		})
		f.must(revocationDigests, "the digests")
		l.Digests = ascending(r, compareDigests, func() (d Digest) { r.fixed(d[:], "a digest"); return d })
		f.done()
		return &l.Signer
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ascending reads an array whose items ascend.
func ascending[T any](r *reader, compare func(a, b T) int, item func() T) []T {
	n := r.count(majorArray, MaxRevoked, "a list")
	var out []T
	for i := 0; i < n && r.err == nil; i++ {
		x := item()
		if r.err == nil && i > 0 && compare(out[i-1], x) >= 0 {
			r.fail(Encoding, "the entries don't ascend, or one stands twice")
		}
		out = append(out, x)
	}
	return out
}

// Revocations is all that is known to be revoked: the latest list of each signer. It is immutable and safe for
// concurrent use; With makes the next one. Nil has no lists.
type Revocations struct {
	realm   string
	lists   map[Key]*RevocationList
	keys    map[Key][]Key // to those who revoke it
	items   map[Ref][]Key
	digests map[Digest][]Key
}

// With returns what is known once l, which came from OpenRevocations, is too. It refuses a list of another realm, one by a
// key that the trust document knows neither as a revoker nor as a root nor by name, one with a lower sequence than is known
// of its signer, and one with the same sequence and another content. Keep the list where it survives before you use the
// result: a list that is forgotten revokes nothing.
func (rs *Revocations) With(t *Trust, l *RevocationList) (*Revocations, error) {
	if err := l.isFor(t); err != nil {
		return nil, err
	}
	if _, named := t.keys[l.Signer]; !named && !t.IsRevoker(l.Signer) && !t.IsRoot(l.Signer) {
		return nil, refuse(Standing, "%s may not revoke: the trust document has it neither as a revoker nor as a root nor by name", l.Signer)
	}
	return rs.WithKept(t, l)
}

// isFor refuses a list that wasn't opened, or is of another realm.
func (l *RevocationList) isFor(t *Trust) error {
	if t == nil || l == nil || l.digest.IsZero() {
		return refuse(BadTrust, "there is no trust document, or no list that was opened")
	}
	if l.Realm != t.realm {
		return refuse(Realm, "the revocation list is for the realm %s, not %s", quote(l.Realm), quote(t.realm))
	}
	return nil
}

// WithKept is With for a list that was taken before and has been kept: whether its signer may revoke under this trust document isn't asked. What it revokes counts
// as far as its signer's standing goes, and older lists of it stay refused.
func (rs *Revocations) WithKept(t *Trust, l *RevocationList) (*Revocations, error) {
	if err := l.isFor(t); err != nil {
		return nil, err
	}
	next := &Revocations{realm: t.realm, lists: map[Key]*RevocationList{}, keys: map[Key][]Key{}, items: map[Ref][]Key{},
		digests: map[Digest][]Key{}}
	if rs != nil && rs.lists != nil {
		if rs.realm != t.realm {
			return nil, refuse(Realm, "the lists that are known are for the realm %s, not %s", quote(rs.realm), quote(t.realm))
		}
		if old := rs.lists[l.Signer]; old != nil {
			switch {
			case old.digest == l.digest:
				return rs, nil
			case l.Sequence < old.Sequence:
				return nil, refuse(Rollback, "the revocation list has the sequence %d, and %d is known", l.Sequence, old.Sequence)
			case l.Sequence == old.Sequence:
				return nil, refuse(Equivocation, "the revocation list has the sequence %d, which is known with another content", l.Sequence)
			}
		}
		maps.Copy(next.lists, rs.lists)
	}
	next.lists[l.Signer] = l
	for signer, list := range next.lists {
		for _, k := range list.Keys {
			next.keys[k] = append(next.keys[k], signer)
		}
		for _, ref := range list.Items {
			next.items[ref] = append(next.items[ref], signer)
		}
		for _, d := range list.Digests {
			next.digests[d] = append(next.digests[d], signer)
		}
	}
	return next, nil
}

// A Mark is the highest sequence that is known of a signer, and the digest of the list that has it. Marks belong where they
// outlive the lists, such as in checkpoints of the log.
type Mark struct {
	Signer   Key
	Sequence uint64
	Digest   Digest
}

// Marks returns the mark of each signer, sorted by key.
func (rs *Revocations) Marks() []Mark {
	if rs == nil {
		return nil
	}
	var marks []Mark
	for _, l := range rs.lists {
		marks = append(marks, Mark{l.Signer, l.Sequence, l.digest})
	}
	slices.SortFunc(marks, func(a, b Mark) int { return compareKeys(a.Signer, b.Signer) })
	return marks
}

// current refuses unless there is a list of each revoker, none past its next update.
func (rs *Revocations) current(t *Trust, now int64) *Error {
	if rs != nil && rs.lists != nil && rs.realm != t.realm {
		return refuse(Realm, "the revocation lists are for the realm %s, not %s", quote(rs.realm), quote(t.realm))
	}
	for i := range t.revokers {
		var l *RevocationList
		if rs != nil {
			l = rs.lists[t.revokers[i]]
		}
		if l == nil {
			return refuse(Stale, "there is no revocation list of %s", t.revokers[i])
		}
		if err := l.current(now); err != nil {
			return err
		}
	}
	return nil
}

func (l *RevocationList) current(now int64) *Error {
	if l != nil && now >= l.NextUpdate.Unix() {
		return refuse(Stale, "the revocation list of %s was due for an update at %s", l.Signer, l.NextUpdate.Format(time.RFC3339))
	}
	return nil
}

// chain refuses a chain of which something is revoked.
func (rs *Revocations) chain(t *Trust, links []Block, now int64) *Error {
	if err := rs.current(t, now); err != nil {
		return err
	}
	if rs == nil {
		return nil
	}
	for i := range links {
		b := &links[i]
		if len(rs.lists) > len(t.revokers) {
			if err := rs.lists[b.Issuer].current(now); err != nil {
				return err.at(i)
			}
		}
		if len(rs.keys) > 0 {
			if by := rs.keys[b.Issuer]; by != nil && standing(t, links[:i+1], by) {
				return refuse(Revoked, "the issuer %s is revoked", b.Issuer).at(i)
			}
			if by := rs.keys[b.Audience]; by != nil && standing(t, links[:i+1], by) {
				return refuse(Revoked, "the audience %s is revoked", b.Audience).at(i)
			}
		}
		if len(rs.items) > 0 {
			if by := rs.items[Ref{b.Issuer, b.ID}]; by != nil && standing(t, links[:i+1], by) {
				return refuse(Revoked, "the block %s is revoked", b.ID).at(i)
			}
		}
		if len(rs.digests) > 0 {
			if by := rs.digests[b.Digest]; by != nil && standing(t, links[:i+1], by) {
				return refuse(Revoked, "the block with the digest %s is revoked", b.Digest).at(i)
			}
		}
	}
	return nil
}

// standing reports whether one of the signers is a revoker, or issued one of the blocks.
func standing(t *Trust, links []Block, signers []Key) bool {
	for _, s := range signers {
		if t.IsRevoker(s) {
			return true
		}
		for i := range links {
			if links[i].Issuer == s {
				return true
			}
		}
	}
	return false
}

// statement refuses a single statement if it, its signer or one of the keys that it is about is revoked.
func (rs *Revocations) statement(t *Trust, now int64, signer Key, id ID, digest Digest, about ...Key) *Error {
	if err := rs.current(t, now); err != nil {
		return err
	}
	if rs == nil {
		return nil
	}
	if err := rs.lists[signer].current(now); err != nil {
		return err
	}
	counts := func(by []Key) bool {
		return slices.ContainsFunc(by, func(k Key) bool { return k == signer || t.IsRevoker(k) })
	}
	for _, k := range append(about, signer) {
		if counts(rs.keys[k]) {
			return refuse(Revoked, "the key %s is revoked", k)
		}
	}
	if counts(rs.items[Ref{signer, id}]) || counts(rs.digests[digest]) {
		return refuse(Revoked, "it is revoked")
	}
	return nil
}
