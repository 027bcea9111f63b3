package secret

import (
	"bytes"
	"cmp"
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
//     with line breaks in between (unless the value has something like an escape, and a break is in there), and in UTF-16 or UTF-32.
//
// It works on whole texts and takes time linear in them, times the number of values that begin with the same eight bytes.
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

// Bytes returns text with every value replaced by Placeholder. It is text itself where there are none, and never changes it. Beside the result it
// takes up to about twenty times the memory of text, which is that much only if nearly all of it is escaped.
func (s *Scrubber) Bytes(text []byte) []byte {
	if s == nil || len(s.needles) == 0 {
		return text
	}
	for range rounds {
		found := s.find(text, layers)
		if len(found) == 0 {
			return text
		}
		text = replace(text, found)
	}
	// Only text that was made for it still has one.
	if len(s.find(text, layers)) != 0 {
		return []byte(Placeholder)
	}
	return text
}

// A span is text[start:end].
type span struct{ start, end int }

// find returns where values stand in text and in what it decodes to, in order and without overlaps.
func (s *Scrubber) find(text []byte, layers int) []span {
	found := s.search(text)
	if layers > 0 {
		if plain, origin := unescape(text); origin != nil {
			for _, sp := range s.find(plain, layers-1) {
				found = append(found, origin.span(sp))
			}
			slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.start, b.start) })
		}
	}
	merged := found[:0]
	for _, sp := range found {
		merged = appendSpan(merged, sp)
	}
	return merged
}

// search returns where needles stand in text as it is, in order and without overlaps.
func (s *Scrubber) search(text []byte) []span {
	var found []span
	var head uint64
	for i, c := range text {
		head = head<<8 | uint64(c)
		if i < headLen-1 || !s.filter.has(head) {
			continue
		}
		start := i - (headLen - 1)
		for _, needle := range s.needles[head] {
			if bytes.HasPrefix(text[start:], []byte(needle)) {
				found = appendSpan(found, span{start, start + len(needle)})
				break
			}
		}
	}
	return found
}

// appendSpan appends sp to spans, which begin no later, or widens the last one if sp overlaps it.
func appendSpan(spans []span, sp span) []span {
	if n := len(spans); n > 0 && sp.start < spans[n-1].end {
		spans[n-1].end = max(spans[n-1].end, sp.end)
		return spans
	}
	return append(spans, sp)
}

func replace(text []byte, spans []span) []byte {
	var out []byte
	at := 0
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
