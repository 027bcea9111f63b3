package token

// Mint signs the first block of a token. The issuer is the signer, whose role is root; the block's Issuer, Parent and Digest
// are ignored. A pattern with braces becomes several. Whether the root may grant it all is for the trust document to say, so
// for whoever verifies.
func Mint(root *Identity, b Block) ([]byte, error) {
	if err := root.may(RoleRoot); err != nil {
		return nil, err
	}
	b.Parent = Digest{}
	return appendBlock(nil, 0, root, b)
}

// Attenuate appends a block to a token, signed by its audience, whose role is agent. It needs nothing but the token and the
// key. The block's Issuer, Parent and Digest are ignored, and an empty Realm stands for the parent's. It refuses, with the
// same error, what [Verifier.Verify] would refuse: in a token that was verified, only time and revocation remain to be seen.
func Attenuate(token []byte, by *Identity, b Block) ([]byte, error) {
	if err := by.may(RoleAgent); err != nil {
		return nil, err
	}
	blocks, err := Inspect(token)
	if err != nil {
		return nil, err
	}
	parent := &blocks[len(blocks)-1]
	if by.key != parent.Audience {
		return nil, refuse(Issuer, "the token's audience is %s, not %s", parent.Audience, by.key)
	}
	if len(blocks) == MaxBlocks {
		return nil, refuse(Size, "the token has %d blocks already", len(blocks))
	}
	b.Parent = parent.Digest
	if b.Realm == "" {
		b.Realm = parent.Realm
	}
	return appendBlock(token, len(blocks), by, b)
}

// appendBlock signs a block and appends it to a token of n blocks.
func appendBlock(token []byte, n int, by *Identity, b Block) ([]byte, error) {
	if b.ID == (ID{}) {
		return nil, refuse(Field, "a block has an id of its own; make one with NewID").at(n)
	}
	if b.Depth < 0 {
		return nil, refuse(Field, "the depth is negative").at(n)
	}
	b.Issuer = by.key
	var err error
	if b.Grants, err = expand(b.Grants); err != nil {
		return nil, err
	}
	if b.Denials, err = expand(b.Denials); err != nil {
		return nil, err
	}
	raw, err := blockKind.seal(by, b.encode())
	if err != nil {
		return nil, err
	}
	w := writer{appendHead(nil, majorArray, uint64(n+1))}
	if n > 0 {
		w.b = append(w.b, token[1:]...) // the head of an array of up to 16 is one byte
	}
	w.bytes(raw)
	if _, err := Inspect(w.b); err != nil {
		return nil, err
	}
	return w.b, nil
}
