package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// needlesOf returns the texts to look for so as to find v, each of at least headLen bytes. There are none for the zero Value.
func needlesOf(v Value) []string {
	text := v.text()
	if text == "" {
		return nil
	}
	plain := []string{text}
	// Text that has been decoded along with what stands around it, though it has an escape of its own, as in "AAAA%2B…".
	for decoded, i := []byte(text), 0; i < layers; i++ {
		next := unescape(decoded, nil)
		if next == nil {
			break
		}
		plain = append(plain, string(next))
		decoded = next
	}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && printable(decoded) {
		plain = append(plain, string(decoded))
	}
	var all []string
	for _, p := range plain {
		if len(p) >= headLen {
			all = append(all, encodings(p)...)
		}
	}
	return all
}

// encodings returns text as it is, as a form has it (https://url.spec.whatwg.org/#urlencoded-serializing), in base16 and in base64.
func encodings(text string) []string {
	all := []string{text, strings.ReplaceAll(text, " ", "+"), hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text)))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all = append(all, inBase64(encoding, text, before))
		}
	}
	return all
}

// inBase64 returns the characters that text has in base64 whatever stands around it, if a number of bytes before it is `before` more than
// a multiple of three. Each character stands for six bits; the first and the last ones, which share them with a neighbour, are left out.
func inBase64(encoding *base64.Encoding, text string, before int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + text))
	first := (before*8 + 5) / 6
	end := (before + len(text)) * 8 / 6
	return encoded[first:end]
}

func printable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
