package token

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"sync"
)

// Everything that is signed is a COSE_Sign1 (RFC 9052 section 4.2), tagged, of which nothing but the payload and the
// signature is free:
//
//	18([<<{1: -19, 16: "application/moat-TYPE+cbor"}>>, {}, payload, signature])
//
// 1 is the algorithm, -19 Ed25519 (RFC 9864), 16 the type (RFC 9596). The external_aad is "moat/TYPE/1". So a signature
// for one type is never one for another, be it on these bytes or put into another envelope.

// A kind is a type of signed object.
type kind struct {
	name string
	max  int    // the size of the largest envelope, in bytes
	open string // what stands before the payload in every envelope
	tbs  string // what stands before the payload in what is signed (RFC 9052 section 4.4)
}

var (
	blockKind       = newKind("block", MaxTokenSize)
	messageKind     = newKind("message", MaxMessageSize)
	attestationKind = newKind("attestation", MaxStatementSize)
	approvalKind    = newKind("approval", MaxStatementSize)
	revocationKind  = newKind("revocation", MaxRevocationSize)
)

func newKind(name string, max int) kind {
	k := kind{name: name, max: max}
	p := writer{[]byte{majorMap<<5 | 2, 1, algorithm, 16}}
	p.text(k.typ())
	open := writer{[]byte{0xd2, majorArray<<5 | 4}} // tag 18
	open.bytes(p.b)
	open.object(0)
	var tbs writer
	tbs.array(4)
	tbs.text("Signature1")
	tbs.bytes(p.b)
	tbs.bytes([]byte("moat/" + name + "/1"))
	k.open, k.tbs = string(open.b), string(tbs.b)
	return k
}

// algorithm is the encoding of -19, which is Ed25519 (RFC 9864).
const algorithm = 1<<5 | 18

// typ is the media type of the kind.
func (k *kind) typ() string { return "application/moat-" + k.name + "+cbor" }

// An envelope is a signed object that has been taken apart. Nothing of it has been verified.
type envelope struct {
	payload   string
	signed    []byte // the Sig_structure
	signature [ed25519.SignatureSize]byte
}

// parse takes an envelope apart. What is signed is appended to buf.
func (k *kind) parse(s string, buf []byte) (envelope, *Error) {
	if len(s) > k.max {
		return envelope{}, refuse(Size, "the %s has %d bytes, more than %d", k.name, len(s), k.max)
	}
	if len(s) < len(k.open) || s[:len(k.open)] != k.open {
		return envelope{}, k.diagnose(s)
	}
	r := reader{s: s, at: len(k.open)}
	e := envelope{payload: r.bytes(k.max, "the payload")}
	r.fixed(e.signature[:], "the signature")
	r.end()
	if r.err != nil {
		r.err.Reason = Envelope
		return envelope{}, r.err
	}
	if cap(buf) == 0 {
		buf = make([]byte, 0, len(k.tbs)+len(s))
	}
	e.signed = append(appendHead(append(buf, k.tbs...), majorBytes, uint64(len(e.payload))), e.payload...)
	return e, nil
}

// diagnose says what is wrong with an envelope that doesn't begin as all of its kind do.
func (k *kind) diagnose(s string) *Error {
	for _, other := range []*kind{&blockKind, &messageKind, &attestationKind, &approvalKind, &revocationKind} {
		if len(s) >= len(other.open) && s[:len(other.open)] == other.open {
			return refuse(Type, "signed as a %s, not as a %s", other.name, k.name)
		}
	}
	if s == "" || s[0] != k.open[0] {
		return refuse(Envelope, "not tagged as a COSE_Sign1 (tag 18)")
	}
	if header := len(k.open) - 1; len(s) > header && s[:header] == k.open[:header] {
		return refuse(Envelope, "the unprotected header is not empty")
	}
	r := reader{s: s, at: 1}
	if n := r.count(majorArray, 4, "the envelope"); r.err == nil && n != 4 {
		r.fail(Envelope, "an array of %d, not of 4", n)
	}
	protected := r.bytes(k.max, "the protected header")
	if r.err == nil {
		// The first two entries, if they are the algorithm and the type, are told from anything else that may be wrong.
		p := fields{reader: &reader{s: protected}}
		p.left = p.count(majorMap, 23, "the protected header")
		if p.has(1) {
			if p.at >= len(protected) || protected[p.at] != algorithm {
				return refuse(Algorithm, "the algorithm is not Ed25519, -19")
			}
			p.at++
			if p.has(16) {
				if typ := p.text(k.max, "the type"); p.err == nil && typ != k.typ() {
					return refuse(Type, "the type is %s, not %s", quote(typ), k.typ())
				}
			}
		}
		r.fail(Envelope, "the protected header isn't {1: -19, 16: %q} alone", k.typ())
	}
	r.err.Reason = Envelope
	return r.err
}

// verify reports whether the key made the signature. The key must have been checked.
func (e *envelope) verify(by *Key) bool {
	return ed25519.Verify(by[:], e.signed, e.signature[:])
}

// digest identifies what is signed. Signing it again doesn't change it.
func (e *envelope) digest() Digest { return sha256.Sum256(e.signed) }

// openOne takes the envelope of a single object apart, reads its payload and verifies the signature of the key that read
// returns, which keys may remember. It sets the digest, unless that is nil.
func (k *kind) openOne(raw []byte, keys *senderKeys, digest *Digest, read func(*reader) *Key) error {
	if len(raw) > k.max {
		return refuse(Size, "the %s has %d bytes, more than %d", k.name, len(raw), k.max)
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	e, err := k.parse(string(raw), (*buf)[:0])
	if err != nil {
		return err
	}
	*buf = e.signed
	r := reader{s: e.payload}
	by := read(&r)
	if r.err != nil {
		r.err.Detail = fmt.Sprintf("the %s, %s", k.name, r.err.Detail)
		return r.err
	}
	if !keys.verify(by, e.signed, &e.signature) {
		return refuse(Signature, "%s didn't sign this %s", by, k.name)
	}
	if digest != nil {
		*digest = e.digest()
	}
	return nil
}

// buffers are for what is signed, while it is verified.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// seal signs a payload.
func (k *kind) seal(by *Identity, payload []byte) ([]byte, error) {
	signed := append(appendHead([]byte(k.tbs), majorBytes, uint64(len(payload))), payload...)
	w := writer{[]byte(k.open)}
	w.bytes(payload)
	w.bytes(ed25519.Sign(by.private, signed))
	if len(w.b) > k.max {
		return nil, refuse(Size, "the %s has %d bytes, more than %d", k.name, len(w.b), k.max)
	}
	return w.b, nil
}
