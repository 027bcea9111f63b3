package audit

import (
	"crypto/hmac"
	"crypto/sha256"
)

// A Mode says how a value stands in the log. The zero Mode redacts.
type Mode uint8

// The modes.
const (
	Redact Mode = iota // not at all: only that there was a value
	Digest             // as HMAC-SHA-256 under the key of the segment
	Full               // as it is
)

var modeNames = [...]string{"redacted", "hmac", "full"}

// String returns the name of the mode as it stands in a record.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "invalid"
}

// A Field is a text that may be private. The zero Field is redacted.
type Field struct {
	Mode Mode
	Text string   // what is written in full or digested; empty when read from a log that doesn't hold it
	HMAC [32]byte // when read from a log that holds a digest

	redacted bool // read from a log that says so, which tells it from a field that isn't there
}

// Shown is a field that is written in full.
func Shown(text string) Field { return Field{Mode: Full, Text: text} }

// A RequestID is the digest of a request. Somebody who can guess a redacted argument could confirm the guess by the digest of
// the request, so of a request with private arguments the digest is written as an HMAC.
type RequestID struct {
	Digest [32]byte // SHA-256 of the request; when read from a log and Keyed, the HMAC of it
	Keyed  bool
}

// Values and digests of requests are told apart by what stands before them under the HMAC.
const (
	labelValue   = "moat/audit/value/1\x00"
	labelRequest = "moat/audit/request/1\x00"
	labelKey     = "moat/audit/key/1\x00"
)

// A segmentKey is the random key of a segment. Without it, digests in the segment can't be compared with guesses.
type segmentKey [32]byte

// sum returns the HMAC of data under a label.
func (k *segmentKey) sum(label, data string) [32]byte {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(label))
	h.Write([]byte(data))
	var out [32]byte
	h.Sum(out[:0])
	return out
}

// id names the key in the segment's first record, so that a wrong key file is noticed.
func (k *segmentKey) id() [32]byte { return k.sum(labelKey, "") }
