package token

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
)

// A Verifier verifies tokens and remembers those that it has. It is safe for concurrent use. The zero Verifier, and nil,
// remember nothing.
//
// An entry is a chain, found by a hash of the bytes of its blocks with a seed that nobody knows, and then compared with
// them byte by byte, so that no collision matters. Each chain that a verified one is a part of has an entry too. An entry
// counts only under the trust document that the chain was verified under. Nothing is entered before a whole token has been
// verified, and nothing is remembered of what was refused.
//
// There are two generations: when the young one has half of what may be kept, it becomes the old one, and what the old one
// had is forgotten but for what was used meanwhile.
type Verifier struct {
	keep int // bytes
	seed maphash.Seed

	mu         sync.RWMutex
	young, old map[uint64]*Chain
	size       int // of young

	senders senderKeys
}

// Options are how a verifier is made. The zero Options have the defaults.
type Options struct {
	// CacheBytes bounds the bytes of the tokens that are remembered, counting overhead bytes more for each block. What is
	// kept for each byte is several of memory, at most MaxExpansion. Zero stands for DefaultCacheBytes, and a negative
	// number for no cache.
	CacheBytes int
}

// DefaultCacheBytes is enough for some thousands of tokens.
const DefaultCacheBytes = 4 << 20

// overhead is what an entry takes beside the bytes.
const overhead = 512

// NewVerifier makes a verifier.
func NewVerifier(o Options) *Verifier {
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	return &Verifier{keep: max(o.CacheBytes, 0), seed: maphash.MakeSeed(), young: map[uint64]*Chain{}}
}

func (v *Verifier) caches() bool { return v != nil && v.keep > 0 }

// slot says where the chain with a hash is kept under a trust document.
func slot(hash uint64, t *Trust) uint64 { return hash ^ binary.LittleEndian.Uint64(t.digest[:]) }

// find returns the chain of a token that has been verified.
func (v *Verifier) find(raw []byte, t *Trust) *Chain {
	if !v.caches() || len(raw) == 0 {
		return nil
	}
	key := slot(maphash.Bytes(v.seed, raw[1:]), t)
	c := v.get(key)
	if c == nil || c.trust != t.digest || raw[0] != majorArray<<5|byte(len(c.blocks)) || c.raw != string(raw[1:]) {
		return nil
	}
	return c
}

func (v *Verifier) get(key uint64) *Chain {
	v.mu.RLock()
	c := v.young[key]
	if c != nil {
		v.mu.RUnlock()
		return c
	}
	c = v.old[key]
	v.mu.RUnlock()
	if c != nil {
		v.mu.Lock()
		v.put(key, c, len(c.raw)+overhead)
		v.mu.Unlock()
	}
	return c
}

// ancestor returns the longest chain that has been verified of those that end at ends in s.
func (v *Verifier) ancestor(s string, first int, ends []int, t *Trust) *Chain {
	if !v.caches() || len(ends) == 0 {
		return nil
	}
	var keys [MaxBlocks]uint64
	v.slots(keys[:len(ends)], s, first, ends, t)
	for i := len(ends) - 1; i >= 0; i-- {
		if c := v.get(keys[i]); c != nil && c.trust == t.digest && c.raw == s[first:ends[i]] {
			return c
		}
	}
	return nil
}

func (v *Verifier) slots(keys []uint64, s string, first int, ends []int, t *Trust) {
	var h maphash.Hash
	h.SetSeed(v.seed)
	for i, end := range ends {
		h.WriteString(s[first:end])
		first = end
		keys[i] = slot(h.Sum64(), t)
	}
}

// add remembers chains, the last of which is a whole token, and the first of which are known already.
func (v *Verifier) add(chains []Chain, known int) {
	if !v.caches() {
		return
	}
	last := &chains[len(chains)-1]
	if len(last.raw)+overhead*len(chains) > v.keep/2 {
		return
	}
	var h maphash.Hash
	h.SetSeed(v.seed)
	done := 0
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := known; i < len(chains); i++ {
		c := &chains[i]
		h.WriteString(c.raw[done:])
		// The bytes are those of the last, so each counts its own part only.
		v.put(h.Sum64()^binary.LittleEndian.Uint64(c.trust[:]), c, len(c.raw)-done+overhead)
		done = len(c.raw)
	}
}

// put enters a chain into the young generation.
func (v *Verifier) put(key uint64, c *Chain, size int) {
	if v.young[key] == c {
		return
	}
	if v.size+size > v.keep/2 {
		v.old, v.young, v.size = v.young, make(map[uint64]*Chain, len(v.young)), 0
	}
	v.young[key] = c
	v.size += size
}
