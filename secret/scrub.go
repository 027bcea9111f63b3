package secret

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// Placeholder takes the place of what is taken out. It can't be part of a value or help to make one: its ends aren't ASCII, and what is
// between them is shorter than MinLen.
const Placeholder = "‹secret›"

const (
	// layers is how often a text is decoded in order to look into what it stands for.
	layers = 3
	// rounds is how often a text is looked at again after something was taken out: an escape that was cut in two can read otherwise.
	rounds = 4
	// headLen is how much of a needle it is found by, in bytes: what fits into a word. No needle is shorter.
	headLen = 8
)

// A Scrubber takes values out of text that comes from a server. The nil Scrubber and the zero Scrubber have no values.
//
// It finds a value
//
//   - as it is;
//   - in base64 (RFC 4648 sections 4 and 5, padded or not), also as a part of a longer text, as of "Authorization: Bearer …";
//   - in base16, all in lower or all in upper case;
//   - if the value is itself base64 of printable ASCII, as "user:password" for basic authentication is, what it stands for;
//   - all of this also with any characters of it percent-encoded or escaped as in JSON, JavaScript or HTML, up to three times over,
//     with line breaks in between (unless the value has something like an escape, and a break is in there), and in UTF-16 or UTF-32. Of JavaScript
//     that is \xXX, \uXXXX and \u{X…}, up to three octal digits, and a backslash before any punctuation mark; of HTML each name that a character of
//     ASCII has, and numbers with any zeros before them, with or without a semicolon.
//
// It works on whole texts, of less than 4 GiB, and takes time linear in them, times the number of values that begin with the same eight bytes. A text is
// looked through once if it has no escapes and no value, and at most twenty times: for each of five rounds, as it is and decoded once, twice and three times.
//
// It doesn't find what a server does on purpose: a value that is reversed, encrypted, compressed, encoded twice in base64, sent in parts or
// as one byte for each response, or told by the length of something. Nor does it know digests of a value, a part of one (half of a token,
// the password without the user), another case, or quoted-printable. Of base64 that stands in the midst of a longer text the first and the last character may
// stay, which tell up to eight bits.
type Scrubber struct {
	needles map[uint64][]string // by their first headLen bytes, the longest first
	filter  filter
}

// NewScrubber returns a scrubber for some values.
func NewScrubber(values ...Value) *Scrubber {
	s := &Scrubber{needles: map[uint64][]string{}}
	for _, v := range values {
		for _, needle := range needlesOf(v) {
			head := headOf(needle)
			if !slices.Contains(s.needles[head], needle) {
				s.needles[head] = append(s.needles[head], needle)
				s.filter.add(head)
			}
		}
	}
	for _, needles := range s.needles {
		slices.SortFunc(needles, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return s
}

// String returns text with every value replaced by Placeholder.
func (s *Scrubber) String(text string) string { return string(s.Bytes([]byte(text))) }

// Bytes returns text with every value replaced by Placeholder. It is text itself where there are none, and never changes it.
func (s *Scrubber) Bytes(text []byte) []byte {
	clean, _ := s.Scrub(text, func(int) error { return nil })
	return clean
}

// Scrub is Bytes for text that a stranger has made: before each time that the text, or what it decodes to, is looked through, pay is told how many bytes
// that are. An error of pay ends it, and is returned with nothing else. Without values nothing is paid.
//
// Beside text and the result it takes up to three times the memory of text to decode it, if nearly all of it is escaped, and more to say where values are if
// nearly all of it is values: at most twelve times is what was measured, for 8 MiB of one value of eight bytes over and over, after one escape of an escape of an escape.
func (s *Scrubber) Scrub(text []byte, pay func(bytes int) error) ([]byte, error) {
	if s == nil || len(s.needles) == 0 {
		return text, nil
	}
	if uint64(len(text)) > math.MaxUint32 {
		return []byte(Placeholder), nil
	}
	room := make([][]byte, layers)
	for range rounds {
		found, err := s.find(text, room, pay)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return text, nil
		}
		text = replace(text, found)
	}
	// Only text that was made for it still has one.
	found, err := s.find(text, room, pay)
	switch {
	case err != nil:
		return nil, err
	case len(found) != 0:
		return []byte(Placeholder), nil
	}
	return text, nil
}

// A span is text[start:end].
type span struct{ start, end uint32 }

// find returns where values stand in text and in what it decodes to, in order and without overlaps. It is decoded as often as there is room, which is
// used again each time.
func (s *Scrubber) find(text []byte, room [][]byte, pay func(int) error) ([]span, error) {
	if err := pay(len(text)); err != nil {
		return nil, err
	}
	var inside []span
	if len(room) > 0 {
		if plain := unescape(text, room[0]); plain != nil {
			room[0] = plain
			var err error
			if inside, err = s.find(plain, room[1:], pay); err != nil {
				return nil, err
			}
			inside = origins(text, inside)
		}
	}
	return s.search(text, inside), nil
}

// search returns where needles stand in text as it is, and the places that are known already, in order and without overlaps.
func (s *Scrubber) search(text []byte, known []span) []span {
	found := make([]span, 0, len(known))
	var head uint64
	for i, c := range text {
		head = head<<8 | uint64(c)
		if i < headLen-1 || !s.filter.has(head) {
			continue
		}
		start := i - (headLen - 1)
		for _, needle := range s.needles[head] {
			if bytes.HasPrefix(text[start:], []byte(needle)) {
				for len(known) > 0 && int(known[0].start) <= start {
					found, known = appendSpan(found, known[0]), known[1:]
				}
				found = appendSpan(found, span{uint32(start), uint32(start + len(needle))})
				break
			}
		}
	}
	for _, sp := range known {
		found = appendSpan(found, sp)
	}
	return found
}

// appendSpan appends sp to spans, which begin no later, or widens the last one if sp overlaps it.
func appendSpan(spans []span, sp span) []span {
	n := len(spans)
	if n > 0 && sp.start < spans[n-1].end {
		spans[n-1].end = max(spans[n-1].end, sp.end)
		return spans
	}
	if n == cap(spans) {
		spans = slices.Grow(spans, n+1) // fewer copies than append makes, which wait to be collected
	}
	return append(spans, sp)
}

// replace returns text with Placeholder in the place of each span.
func replace(text []byte, spans []span) []byte {
	size := len(text) + len(spans)*len(Placeholder)
	for _, sp := range spans {
		size -= int(sp.end - sp.start)
	}
	out := make([]byte, 0, size)
	at := uint32(0)
	for _, sp := range spans {
		out = append(append(out, text[at:sp.start]...), Placeholder...)
		at = sp.end
	}
	return append(out, text[at:]...)
}

// headOf returns the first headLen bytes of a needle as a word.
func headOf(needle string) uint64 {
	var head uint64
	for i := range headLen {
		head = head<<8 | uint64(needle[i])
	}
	return head
}

// A filter tells quickly that a word is not among some: a Bloom filter with one hash.
type filter [1 << 10]uint64

func (f *filter) place(word uint64) (int, uint64) {
	h := word * 0x9e3779b97f4a7c15 >> 48
	return int(h >> 6), 1 << (h & 63)
}

func (f *filter) add(word uint64) {
	i, bit := f.place(word)
	f[i] |= bit
}

func (f *filter) has(word uint64) bool {
	i, bit := f.place(word)
	return f[i]&bit != 0
}
