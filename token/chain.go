package token

import (
	"iter"
	"slices"
	"time"

	"github.com/moat-lang/moat/resource"
)

// A Chain is a token that has been verified. It is immutable. The zero Chain allows nothing and nobody holds it.
type Chain struct {
	blocks []Block
	raw    string // the bytes of the blocks, without the head of the array
	trust  Digest // of the trust document that it was verified under
	limits Limits // effective
}

// Len returns the number of blocks, 1 for a token straight from a root. The language calls it token.depth.
func (c *Chain) Len() int { return len(c.blocks) }

// Block returns a copy of a block, counted from the root's, 0.
func (c *Chain) Block(i int) Block { return c.blocks[i].clone() }

// Root returns the key that issued the first block.
func (c *Chain) Root() Key {
	if len(c.blocks) == 0 {
		return Key{}
	}
	return c.blocks[0].Issuer
}

// Audience returns the key that may use the token. Key(c.Len()) is the same.
func (c *Chain) Audience() Key { return c.Key(len(c.blocks)) }

// Key returns a key on the chain: 0 is the root's, and i the audience of block i-1, up to Len.
func (c *Chain) Key(i int) Key {
	switch {
	case i == 0:
		return c.Root()
	case i < 0 || i > len(c.blocks):
		return Key{}
	}
	return c.blocks[i-1].Audience
}

// HeldBy reports whether k is the audience, the one key that may use the token.
func (c *Chain) HeldBy(k Key) bool { return len(c.blocks) > 0 && !k.IsZero() && c.Audience() == k }

// Digest identifies the token: it is that of its last block. A message names it.
func (c *Chain) Digest() Digest {
	if len(c.blocks) == 0 {
		return Digest{}
	}
	return c.blocks[len(c.blocks)-1].Digest
}

// Token returns the bytes of the token.
func (c *Chain) Token() []byte {
	return append(appendHead(nil, majorArray, uint64(len(c.blocks))), c.raw...)
}

// NotBefore returns when the token becomes valid. The language calls it token.issued.
func (c *Chain) NotBefore() time.Time { return c.leaf().NotBefore }

// Expires returns when the token is no longer valid. The language calls it token.expires.
func (c *Chain) Expires() time.Time { return c.leaf().Expires }

func (c *Chain) leaf() *Block {
	if len(c.blocks) == 0 {
		return &Block{}
	}
	return &c.blocks[len(c.blocks)-1]
}

// Limits returns the effective limits: for each the smallest on the chain, and of the trust document for its root.
func (c *Chain) Limits() Limits { return c.limits }

// Caveats yields the caveats of all blocks, each with the number of its block. All have to hold.
func (c *Chain) Caveats() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := range c.blocks {
			for _, caveat := range c.blocks[i].Caveats {
				if !yield(i, caveat) {
					return
				}
			}
		}
	}
}

// Allows reports whether the token is for the action on the resource: the grants of every block, which are those of the
// last, since each is narrower than the one before, and the denials of none. Caveats are another matter. It doesn't
// allocate.
func (c *Chain) Allows(action string, n resource.Name) bool {
	if len(c.blocks) == 0 || !reaches(c.blocks[len(c.blocks)-1].Grants, action, n) {
		return false
	}
	for i := range c.blocks {
		if len(c.blocks[i].Denials) > 0 && reaches(c.blocks[i].Denials, action, n) {
			return false
		}
	}
	return true
}

// Why returns nil exactly when Allows reports true, and otherwise an [*Error] of the reason Grants that says which block
// it is that doesn't allow it.
func (c *Chain) Why(action string, n resource.Name) error {
	if len(c.blocks) == 0 {
		return refuse(Grants, "there is no token")
	}
	for i := range c.blocks {
		b := &c.blocks[i]
		if !reaches(b.Grants, action, n) {
			return refuse(Grants, "it doesn't grant %s on %s; it grants %s", action, n, describe(b.Grants)).at(i)
		}
		for _, d := range b.Denials {
			if reaches([]Grant{d}, action, n) {
				return refuse(Grants, "it denies %s on %s (%s)", action, n, d).at(i)
			}
		}
	}
	return nil
}

// Has reports whether k is on the chain, be it as the root or as an audience.
func (c *Chain) Has(k Key) bool {
	return c.Root() == k && len(c.blocks) > 0 || slices.ContainsFunc(c.blocks, func(b Block) bool { return b.Audience == k })
}
