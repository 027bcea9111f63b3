package token

// Claimed returns what a token says of itself without proving it: the audience and the digest of its last block. It tells whom a refusal is
// to be written down for, and whether a message was sent under this token; never what anybody may do.
func Claimed(raw []byte) (audience Key, digest Digest, err error) {
	if len(raw) > MaxTokenSize {
		return Key{}, Digest{}, refuse(Size, "the token has %d bytes, more than %d", len(raw), MaxTokenSize)
	}
	r := reader{s: string(raw)}
	n := r.count(majorArray, MaxBlocks, "the token")
	last := ""
	for range n {
		last = r.bytes(MaxTokenSize, "a block")
	}
	if r.end(); r.err != nil {
		return Key{}, Digest{}, r.err
	}
	if n == 0 {
		return Key{}, Digest{}, refuse(Encoding, "a token without blocks")
	}
	var b [1]Block
	if _, fault := takeApart([]string{last}, b[:], make([]byte, 0, len(last)+len(blockKind.tbs))); fault != nil {
		return Key{}, Digest{}, fault.at(n - 1)
	}
	return b[0].Audience, b[0].Digest, nil
}
