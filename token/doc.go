// Package token is everything in Moat that is signed: identities and key files, capability tokens and their attenuation,
// messages, attestations, approvals, revocation lists, and the trust document that says whose signatures count.
//
// Start at [Mint], [Attenuate] and [Verifier.Verify]. A token is a chain of blocks, the root's first. Each names the key
// that may use or narrow it next, its audience, and is signed by the audience of the block before. What a block may do is
// decided by whoever verifies, not by whoever minted: each block is compared with its parent, and one that would reach
// a single resource more is refused, with that resource in the error.
//
// What the package guarantees:
//
//   - It does no I/O and has no clock; randomness and the time come from the caller.
//   - There is one encoding of each value: what a decoder accepts is encoded to the same bytes again. Every size, count and
//     depth is bounded (bounds.go), and what is decoded takes at most [MaxExpansion] times the memory of the bytes.
//   - A signature of one type of object is never one of another, nor is the key of one role used in another.
//   - Errors are of the type [*Error] and carry one [Reason] each. The zero values of all types grant nothing.
//
// A token is no bearer credential. The caller compares the audience with whoever proved to hold the key, by signing the
// message that the token came with: [Chain.HeldBy].
//
// The format is specified in spec/TOKEN.md, with vectors in spec/vectors/token.
package token
