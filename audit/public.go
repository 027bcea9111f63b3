package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Public verifies signatures of a log, or of a witness.
type Public struct {
	note.Verifier
	witness bool
}

// The types of keys in c2sp.org/signed-note: Ed25519, and an Ed25519 cosignature with a time.
const (
	algEd25519     = 1
	algCosignature = 4
)

// ParsePublic reads the public key of a log or of a witness: <name>+<id>+<base64> (c2sp.org/signed-note). The type of the key, a byte of the
// base64 part, says which it is.
func ParsePublic(vkey string) (*Public, error) {
	vkey = strings.TrimSuffix(vkey, "\n")
	name, rest, _ := strings.Cut(vkey, "+")
	id, b64, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(key) == 0 || key[0] != algCosignature {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("audit: not the public key of a log or a witness: %w", err)
		}
		return &Public{Verifier: v}, nil
	}
	if len(key) != 1+ed25519.PublicKeySize || name == "" || strings.ContainsAny(name, " \t\r\n") || id != fmt.Sprintf("%08x", keyID(name, key)) {
		return nil, errors.New("audit: not the public key of a witness")
	}
	return &Public{cosigner{name, keyID(name, key), key[1:]}, true}, nil
}

// keyID names a key in a signature line: the first 4 bytes of SHA-256(name ‖ LF ‖ type ‖ key).
func keyID(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// A cosigner verifies cosignature/v1 (c2sp.org/tlog-cosignature): 8 bytes of time, and a signature over the time and the checkpoint.
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }

func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= math.MaxInt64 && ed25519.Verify(c.key, cosigned(at, msg), sig[8:])
}

// cosigned is the message that a witness signs.
func cosigned(at uint64, checkpoint []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), checkpoint...)
}

// A Signed is a checkpoint whose signatures were verified. It is made by [OpenCheckpoint].
type Signed struct {
	Origin string
	Size   uint64 // records
	Root   tlog.Hash
	// Witnesses cosigned; sorted as in the note.
	Witnesses []Cosignature
}

// size is that of a checkpoint, and 0 for none.
func (s *Signed) size() uint64 {
	if s == nil {
		return 0
	}
	return s.Size
}

// A Cosignature is a witness's word that, at Time, the checkpoint was the largest that it had seen of the log, and consistent with all before.
type Cosignature struct {
	Witness string
	Time    time.Time
}

// OpenCheckpoint reads a signed checkpoint of at most 64 KiB. The log's key must have signed it, and at least quorum of the witnesses cosigned it;
// a witness counts once, however many of its signatures there are. Signatures by others are ignored, as c2sp.org/signed-note wants it.
func OpenCheckpoint(signed []byte, log *Public, witnesses []*Public, quorum int) (*Signed, error) {
	if len(signed) > maxNote {
		return nil, fmt.Errorf("audit: the checkpoint has more than %d bytes", maxNote)
	}
	if log == nil || log.witness {
		return nil, errors.New("audit: a checkpoint is verified with the public key of a log")
	}
	keys := []note.Verifier{log.Verifier}
	for _, w := range witnesses {
		if !w.witness {
			return nil, fmt.Errorf("audit: the key of %s isn't one that cosigns", w.Name())
		}
		keys = append(keys, w.Verifier)
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return nil, fmt.Errorf("audit: the checkpoint: %w", err)
	}
	for _, sig := range append(n.Sigs[:len(n.Sigs):len(n.Sigs)], n.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil { // there is one text of a signature
			return nil, fmt.Errorf("audit: the checkpoint: a signature by %s has stray bits", strconv.QuoteToASCII(sig.Name))
		}
	}
	s := new(Signed)
	if s.Origin, s.Size, s.Root, err = parseCheckpoint(n.Text); err != nil {
		return nil, err
	}
	byLog := false
	for _, sig := range n.Sigs {
		if sig.Name == log.Name() && sig.Hash == log.KeyHash() {
			byLog = true
			continue
		}
		raw, _ := base64.StdEncoding.DecodeString(sig.Base64) // verified before
		at := binary.BigEndian.Uint64(raw[4:])
		s.Witnesses = append(s.Witnesses, Cosignature{sig.Name, time.Unix(int64(at), 0).UTC()})
	}
	switch {
	case !byLog:
		return nil, fmt.Errorf("audit: the checkpoint isn't signed by %s", log.Name())
	case s.Origin != log.Name():
		return nil, fmt.Errorf("audit: the checkpoint is of %s, the key of %s", strconv.QuoteToASCII(s.Origin), log.Name())
	case len(s.Witnesses) < quorum:
		return nil, fmt.Errorf("audit: the checkpoint is cosigned by %d of the witnesses, not by %d", len(s.Witnesses), quorum)
	}
	return s, nil
}
