package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
)

// A Key is an Ed25519 public key (RFC 8032), which is what an identity is. The zero Key is refused everywhere.
type Key [ed25519.PublicKeySize]byte

// didPrefix begins every did:key of Ed25519: z is base58btc, and 6Mk what the multicodec 0xed01 comes to.
const didPrefix = "did:key:z"

var multicodec = [2]byte{0xed, 0x01}

// String returns the key as a did:key (W3C CCG, did:key method), as in did:key:z6Mk….
func (k Key) String() string {
	return didPrefix + base58(append(multicodec[:], k[:]...))
}

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k == Key{} }

// ParseKey parses a did:key. It refuses, with an [*Error], every spelling but the one that String returns, other types of
// keys, and bytes that are no key that may be used.
func ParseKey(did string) (Key, error) {
	digits, ok := strings.CutPrefix(did, didPrefix)
	if !ok || len(digits) > 64 {
		return Key{}, refuse(BadKey, "%s is not written did:key:z6Mk…", quote(did))
	}
	n := new(big.Int)
	for i := 0; i < len(digits); i++ {
		d := strings.IndexByte(base58Digits, digits[i])
		if d < 0 {
			return Key{}, refuse(BadKey, "%s: %s is no digit of base58", quote(did), quote(digits[i:i+1]))
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(d)))
	}
	b := n.Bytes()
	if len(b) != len(multicodec)+ed25519.PublicKeySize || [2]byte(b) != multicodec {
		return Key{}, refuse(BadKey, "%s is not an Ed25519 key", quote(did))
	}
	k := Key(b[len(multicodec):])
	if k.String() != did {
		return Key{}, refuse(BadKey, "%s is not the canonical spelling", quote(did))
	}
	if err := k.onCurve(); err != nil {
		return Key{}, err
	}
	return k, nil
}

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 encodes bytes of which the first is not zero.
func base58(b []byte) string {
	n, m := new(big.Int).SetBytes(b), new(big.Int)
	var digits []byte
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), m)
		digits = append(digits, base58Digits[m.Int64()])
	}
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	return string(digits)
}

// ok reports whether k may verify signatures: its y is below the prime, and it is no point of small order, under which
// one signature holds for many messages. Points off the curve pass; they verify nothing. crypto/ed25519 checks neither.
func (k *Key) ok() bool {
	y := *k
	y[31] &= 0x7f // the sign of x
	if y[31] == 0x7f && y[0] >= 0xed {
		canonical := false
		for _, b := range y[1:31] {
			canonical = canonical || b != 0xff
		}
		if !canonical {
			return false
		}
	}
	for i := range smallOrder {
		if y == smallOrder[i] {
			return false
		}
	}
	return true
}

// smallOrder has the y coordinates of the eight points whose order divides 8: four of two points, one each of order 1 and 2.
var smallOrder = [5]Key{
	{},  // order 4
	{1}, // order 1, the identity
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // order 2, y = -1
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, // order 8
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, // order 8
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}

// onCurve refuses what ok refuses, and bytes that are no point of the curve.
func (k *Key) onCurve() error {
	if !k.ok() {
		return refuse(BadKey, "the key %x has small order or isn't canonical", k[:])
	}
	if _, ok := newKnownKey(*k); !ok {
		return refuse(BadKey, "the key %x is no point of the curve", k[:])
	}
	return nil
}

// An ID is 128 random bits. An issuer gives each block and each statement one of its own.
type ID [16]byte

// String returns id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID parses what String returns.
func ParseID(s string) (ID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(ID{}) || s != strings.ToLower(s) {
		return ID{}, refuse(Field, "%s is not an id: 32 lower-case hexadecimal digits", quote(s))
	}
	return ID(b), nil
}

// A Digest is a SHA-256 (FIPS 180-4). That of something signed is over what is signed: the Sig_structure of RFC 9052
// section 4.4. Since a block names its parent's digest, the digest of the last block stands for the whole token.
type Digest [32]byte

// String returns d as "sha256:" and 64 hexadecimal digits.
func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// IsZero reports whether d is the zero Digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// ParseDigest parses what String returns.
func ParseDigest(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(Digest{}) || digits != strings.ToLower(digits) {
		return Digest{}, refuse(Field, "%s is not a digest: sha256: and 64 lower-case hexadecimal digits", quote(s))
	}
	return Digest(b), nil
}

// textPrefix begins the text form of a token and of all else that is signed, version 1.
const textPrefix = "moat1_"

var textEncoding = base64.RawURLEncoding.Strict()

// FormatText returns the text form of a token, or of anything else that is signed: moat1_ and base64url without padding (RFC 4648 section 5).
func FormatText(token []byte) string { return textPrefix + textEncoding.EncodeToString(token) }

// ParseText returns the bytes of what is in text form. It refuses padding, line ends, other alphabets and bits that are
// left over. The bytes aren't looked at.
func ParseText(s string) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, textPrefix)
	if !ok {
		return nil, refuse(Text, "it begins with %s, not with %s", quote(s[:min(len(s), len(textPrefix))]), textPrefix)
	}
	if len(digits) > textEncoding.EncodedLen(MaxRevocationSize) {
		return nil, refuse(Size, "more than %d bytes", MaxRevocationSize)
	}
	if i := strings.IndexAny(digits, "\r\n"); i >= 0 { // encoding/base64 skips them
		return nil, refuse(Text, "a line end among the digits, at byte %d", len(textPrefix)+i)
	}
	token, err := textEncoding.DecodeString(digits)
	if err != nil {
		return nil, refuse(Text, "not base64url without padding: %v", err)
	}
	return token, nil
}
