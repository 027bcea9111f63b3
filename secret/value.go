package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

const (
	// MinLen is the length of the shortest value, in bytes. What is shorter stands in many a text by chance, and taking it out would
	// do more harm than it prevents; it would also tell a guest that guesses when it has guessed right.
	MinLen = 8
	// MaxLen is the length of the longest value, in bytes.
	MaxLen = 8192
	// MaxRepeat is how far the beginning of a value may stand in it once more, in bytes. Only text such as one letter over and over
	// repeats itself for longer; it is no secret, and looking for it in what a server made for that purpose isn't linear.
	MaxRepeat = 256
)

// redacted is what a value prints as.
const redacted = `secret "redacted"`

// A Value is a text that isn't shown. The zero Value is no secret: it can't be put anywhere, and nothing is taken out for it.
type Value struct {
	// A function, for fmt and reflection can look into everything else.
	reveal func() string
}

// New returns the value that text is: from MinLen to MaxLen bytes of printable ASCII, with no space first or last and nothing that breaks
// a header field (RFC 9110 section 5.5, without its obsolete parts). The error says what is wrong and at which byte, and nothing more.
func New(text string) (Value, error) {
	switch {
	case len(text) < MinLen:
		return Value{}, fmt.Errorf("secret: a value of %d bytes, less than %d", len(text), MinLen)
	case len(text) > MaxLen:
		return Value{}, fmt.Errorf("secret: a value of more than %d bytes", MaxLen)
	case text[0] == ' ' || text[len(text)-1] == ' ':
		return Value{}, errors.New("secret: a space before or after the value")
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\r' || c == '\n':
			return Value{}, fmt.Errorf("secret: a line break in the value, at byte %d", i)
		case c < ' ' || c == 0x7f:
			return Value{}, fmt.Errorf("secret: a control character in the value, at byte %d", i)
		case c >= utf8.RuneSelf:
			return Value{}, fmt.Errorf("secret: the value isn't ASCII, at byte %d", i)
		}
	}
	if longestRepeat(text) > MaxRepeat {
		return Value{}, fmt.Errorf("secret: the first %d bytes of the value stand in it more than once", MaxRepeat+1)
	}
	return Value{func() string { return text }}, nil
}

// FromFile returns the value that a file's contents are, but for one line break at the end, "\n" or "\r\n", which editors put there.
func FromFile(contents []byte) (Value, error) {
	if rest, ok := bytes.CutSuffix(contents, []byte("\n")); ok {
		contents = bytes.TrimSuffix(rest, []byte("\r"))
	}
	return New(string(contents))
}

// IsZero reports whether v is the zero Value, which is no secret.
func (v Value) IsZero() bool { return v.reveal == nil }

// text returns what v is, and "" for the zero Value.
func (v Value) text() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Equal reports whether v and w are the same text.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.text()), []byte(w.text())) == 1
}

func (Value) String() string               { return redacted }
func (Value) GoString() string             { return redacted }
func (Value) Format(f fmt.State, _ rune)   { f.Write([]byte(redacted)) }
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"secret redacted"`), nil }
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Value) LogValue() slog.Value         { return slog.StringValue(redacted) }

// longestRepeat returns the length of the longest beginning of s that also stands later in it, in linear time (the Z function).
func longestRepeat(s string) int {
	z := make([]int, len(s))
	longest, left, right := 0, 0, 0
	for i := 1; i < len(s); i++ {
		if i < right {
			z[i] = min(right-i, z[i-left])
		}
		for i+z[i] < len(s) && s[z[i]] == s[i+z[i]] {
			z[i]++
		}
		if i+z[i] > right {
			left, right = i, i+z[i]
		}
		longest = max(longest, z[i])
	}
	return longest
}
