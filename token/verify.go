package token

import (
	"slices"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// Verify verifies a token and holds it against the terms. The checks come in this order, each with a Reason of its own, and
// what is cheap before what is not:
//
// size and form; the root is trusted; realm; each issuer is the audience of the block before, and has named its digest;
// depth; windows, each inside the one before; the policy's bounds; the time; revocation; signatures; grants, each covered by
// the union of the parent's, and the root's by what the trust document lets it grant; limits.
//
// What a verified token may do doesn't depend on who presents it: the caller still has to see that it is the audience, with
// [Chain.HeldBy].
//
// A chain that was verified under the same trust document is known again by its bytes, and so is each chain that it is a
// part of. Then only what can change is checked: the policy's bounds, the time, revocation.
func (v *Verifier) Verify(raw []byte, terms Terms) (*Chain, error) {
	if terms.Trust == nil {
		return nil, refuse(BadTrust, "there is no trust document")
	}
	if len(raw) > MaxTokenSize {
		return nil, refuse(Size, "the token has %d bytes, more than %d", len(raw), MaxTokenSize)
	}
	if c := v.find(raw, terms.Trust); c != nil {
		if err := current(c.blocks, &terms); err != nil {
			return nil, err
		}
		return c, nil
	}
	chains, known, err := v.chains(raw, &terms)
	if err != nil {
		return nil, err
	}
	v.add(chains, known)
	return &chains[len(chains)-1], nil
}

// Inspect reads a token and checks what needs no trust document: its form, that each block is narrower than its parent, and
// the signatures. Not that its root is trusted, nor its time, nor revocation: it may be shown to people, and grants nothing.
func Inspect(raw []byte) ([]Block, error) {
	if len(raw) > MaxTokenSize {
		return nil, refuse(Size, "the token has %d bytes, more than %d", len(raw), MaxTokenSize)
	}
	chains, _, err := new(Verifier).chains(raw, nil)
	if err != nil {
		return nil, err
	}
	blocks := chains[len(chains)-1].blocks
	for i := range blocks {
		blocks[i] = blocks[i].clone()
	}
	return blocks, nil
}

// chains verifies a token from its bytes. The last of the chains is that of the token, the ones before are those of its
// ancestors; the first `known` of them were found verified and are left zero. Without terms, it checks what Inspect does.
func (v *Verifier) chains(raw []byte, terms *Terms) (chains []Chain, known int, err error) {
	s := string(raw)
	r := reader{s: s}
	n := r.count(majorArray, MaxBlocks, "the token")
	if r.err == nil && n == 0 {
		r.fail(Encoding, "a token without blocks")
	}
	first := r.at
	var texts [MaxBlocks]string
	var ends [MaxBlocks]int
	for i := range n {
		texts[i] = r.bytes(MaxTokenSize, "a block")
		ends[i] = r.at
	}
	if r.end(); r.err != nil {
		return nil, 0, r.err
	}
	blocks := make([]Block, n)
	limits := Limits{}
	if terms != nil {
		if c := v.ancestor(s, first, ends[:n-1], terms.Trust); c != nil {
			known = copy(blocks, c.blocks)
			limits = c.limits
		}
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	*buf = slices.Grow((*buf)[:0], len(s)+n*len(blockKind.tbs))
	parts, fault := takeApart(texts[known:n], blocks[known:], *buf)
	if fault != nil {
		return nil, 0, fault.at(fault.Block + known)
	}
	if fault := linked(blocks, known, terms); fault != nil {
		return nil, 0, fault
	}
	if terms != nil {
		if fault := current(blocks, terms); fault != nil {
			return nil, 0, fault
		}
	}
	for i := range parts {
		b, holds := &blocks[known+i], false
		if known+i == 0 && terms != nil {
			holds = terms.Trust.roots[b.Issuer].key.verify(parts[i].signed, &parts[i].signature)
		} else {
			holds = parts[i].verify(&b.Issuer)
		}
		if !holds {
			return nil, 0, refuse(Signature, "%s didn't sign this block", b.Issuer).at(known + i)
		}
	}
	chains = make([]Chain, n)
	narrowing := narrowing{slab: newSlab(strings.Count(s[first:], "://")), budget: MaxSteps, limits: limits}
	for i := known; i < n; i++ {
		if fault := narrowing.block(blocks, i, &parts[i-known].rest, terms); fault != nil {
			return nil, 0, fault.at(i)
		}
		chains[i] = Chain{blocks: blocks[: i+1 : i+1], raw: s[first:ends[i]], limits: narrowing.limits}
		if terms != nil {
			chains[i].trust = terms.Trust.digest
		}
	}
	return chains, known, nil
}

// A part is a block whose head has been read.
type part struct {
	envelope
	reader reader
	rest   fields // what is left of the payload, to be read by reader
}

// takeApart reads the heads of blocks. What is signed goes to the end of signed, which has room. The Block of an error counts from the first of texts.
func takeApart(texts []string, blocks []Block, signed []byte) ([]part, *Error) {
	parts := make([]part, len(texts))
	for i, text := range texts {
		p, b := &parts[i], &blocks[i]
		e, err := blockKind.parse(text, signed[len(signed):])
		if err != nil {
			return nil, err.at(i)
		}
		signed = signed[:len(signed)+len(e.signed)]
		p.envelope = e
		p.reader.s = e.payload
		p.rest = p.reader.fields("the block")
		if b.head(&p.rest); p.reader.err != nil {
			return nil, p.reader.err.at(i)
		}
		b.Digest = e.digest()
	}
	return parts, nil
}

// linked checks how blocks from known on hang together, as far as their heads say.
func linked(blocks []Block, known int, terms *Terms) *Error {
	for i := known; i < len(blocks); i++ {
		b := &blocks[i]
		if terms != nil {
			if i == 0 && !terms.Trust.IsRoot(b.Issuer) {
				return refuse(Root, "the root %s isn't trusted", b.Issuer).at(i)
			}
			if b.Realm != terms.Trust.realm {
				return refuse(Realm, "made for the realm %s, not %s", quote(b.Realm), quote(terms.Trust.realm)).at(i)
			}
		}
		from, until := b.NotBefore.Unix(), b.Expires.Unix()
		if until <= from {
			return refuse(Window, "it expires before it is valid").at(i)
		}
		if i == 0 {
			if !b.Parent.IsZero() {
				return refuse(Parent, "the first block names a parent, %s", b.Parent).at(i)
			}
			if terms != nil {
				if err := terms.Trust.roots[b.Issuer].mayIssue(b); err != nil {
					return err.at(i)
				}
			}
			continue
		}
		parent := &blocks[i-1]
		switch {
		case b.Realm != parent.Realm:
			return refuse(Realm, "made for the realm %s, and its parent for %s", quote(b.Realm), quote(parent.Realm)).at(i)
		case b.Issuer != parent.Audience:
			return refuse(Issuer, "issued by %s, but its parent's audience is %s", b.Issuer, parent.Audience).at(i)
		case b.Parent != parent.Digest:
			return refuse(Parent, "made for the parent %s, not for %s", b.Parent, parent.Digest).at(i)
		case b.Depth >= parent.Depth:
			return refuse(Depth, "%d blocks may follow it, but only %d its parent, itself among them", b.Depth, parent.Depth).at(i)
		case from < parent.NotBefore.Unix() || until > parent.Expires.Unix():
			return refuse(Window, "valid from %s to %s, but its parent from %s to %s", utc(from), utc(until),
				utc(parent.NotBefore.Unix()), utc(parent.Expires.Unix())).at(i)
		}
	}
	return nil
}

// mayIssue checks the head of a root's block against the trust document.
func (r *trustRoot) mayIssue(b *Block) *Error {
	if b.Depth+1 > r.maxDepth {
		return refuse(Root, "%d blocks in all, but the trust document lets the root grant %d", b.Depth+1, r.maxDepth)
	}
	if ttl := b.Expires.Sub(b.NotBefore); r.maxTTL > 0 && ttl > r.maxTTL {
		return refuse(Root, "valid for %s, but the trust document lets the root grant %s", ttl, r.maxTTL)
	}
	return nil
}

// current checks what can change from one use to the next. The windows are known to lie in each other, so that the last
// one tells for all, and the first is the longest.
func current(blocks []Block, terms *Terms) *Error {
	if terms.MaxDepth > 0 && len(blocks) > terms.MaxDepth {
		return refuse(Depth, "the token has %d blocks, and the policy allows %d", len(blocks), terms.MaxDepth).at(terms.MaxDepth)
	}
	if ttl := blocks[0].Expires.Sub(blocks[0].NotBefore); terms.MaxTTL > 0 && ttl > terms.MaxTTL {
		return refuse(Lifetime, "valid for %s, and the policy allows %s", ttl, terms.MaxTTL).at(0)
	}
	now := terms.Now.Unix()
	if blocks[len(blocks)-1].window().at(now) != nil {
		for i := range blocks {
			if err := blocks[i].window().at(now); err != nil {
				return err.at(i)
			}
		}
	}
	return terms.Revoked.chain(terms.Trust, blocks, now)
}

func (b *Block) window() window { return window{b.NotBefore.Unix(), b.Expires.Unix()} }

// narrowing compares the bodies of blocks with those of their parents, root down.
type narrowing struct {
	slab
	budget int
	limits Limits // effective, so far
	union  []*resource.Pattern
}

func (w *narrowing) block(blocks []Block, i int, rest *fields, terms *Terms) *Error {
	b := &blocks[i]
	var scope trustRoot // of the root: what the trust document lets it grant
	var parent Block
	switch {
	case i > 0:
		parent = blocks[i-1]
	case terms != nil:
		scope = *terms.Trust.roots[b.Issuer]
		parent.Grants = scope.grants
		w.limits = scope.limits
	}
	b.body(rest, &w.slab, &parent)
	if rest.err != nil {
		return rest.err
	}
	if i > 0 || terms != nil {
		if err := covers(parent.Grants, b.Grants, &w.budget, &w.union); err != nil {
			return beyond(err, i)
		}
	}
	effective, higher, ok := b.Limits.under(&w.limits)
	if !ok {
		value, _ := b.Limits.Get(higher)
		bound, _ := w.limits.Get(higher)
		return beyond(refuse(TooMuch, "the child's limit %s is %d, and its parent's is %d", higher, value, bound), i)
	}
	w.limits = effective
	return nil
}

// beyond turns an error about a child that is too wide into one about a root that grants more than it may.
func beyond(err *Error, i int) *Error {
	if i == 0 && err.Reason != Budget {
		err.Reason = Root
		err.Detail = strings.NewReplacer("the child", "the root", "its parent's", "the trust document's for it", "its parent", "the trust document for it").Replace(err.Detail)
	}
	return err
}
