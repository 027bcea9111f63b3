package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// every returns text with each byte written as the format says.
func every(format, text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

func quoted(text string) string {
	j, _ := json.Marshal(text)
	return strings.Trim(string(j), `"`)
}

func utf16le(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// wrapped breaks text into lines.
func wrapped(text, lineBreak string) string {
	var b strings.Builder
	for i := range len(text) {
		if i > 0 && i%7 == 0 {
			b.WriteString(lineBreak)
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// htmlNames are those that HTML has for marks of ASCII; the hyphen, the tilde and the space have none.
var htmlNames = map[byte][]string{
	'!': {"excl"}, '"': {"quot", "QUOT"}, '#': {"num"}, '$': {"dollar"}, '%': {"percnt"}, '&': {"amp", "AMP"}, '\'': {"apos"}, '(': {"lpar"}, ')': {"rpar"},
	'*': {"ast", "midast"}, '+': {"plus"}, ',': {"comma"}, '-': {"#45"}, '.': {"period"}, '/': {"sol"}, ':': {"colon"}, ';': {"semi"}, '<': {"lt", "LT"},
	'=': {"equals"}, '>': {"gt", "GT"}, '?': {"quest"}, '@': {"commat"}, '[': {"lsqb", "lbrack"}, '\\': {"bsol"}, ']': {"rsqb", "rbrack"}, '^': {"Hat"},
	'_': {"lowbar", "UnderBar"}, '`': {"grave", "DiacriticalGrave"}, '{': {"lcub", "lbrace"}, '|': {"verbar", "vert", "VerticalLine"}, '}': {"rcub", "rbrace"},
	'~': {"#126"}, ' ': {"#32"},
}

// marks returns text with each byte that is neither a letter nor a digit written as the function says.
func marks(text string, write func(c byte) string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' {
			b.WriteByte(c)
		} else {
			b.WriteString(write(c))
		}
	}
	return b.String()
}

// encoders are what a server may do to what it echoes.
var encoders = map[string]func(string) string{
	"raw":               func(s string) string { return s },
	"query":             url.QueryEscape,
	"path":              url.PathEscape,
	"percent upper":     func(s string) string { return every("%%%02X", s) },
	"percent lower":     func(s string) string { return every("%%%02x", s) },
	"JSON":              quoted,
	"JSON of JSON":      func(s string) string { return quoted(quoted(s)) },
	"JSON of URL":       func(s string) string { return quoted(url.QueryEscape(s)) },
	"URL of JSON":       func(s string) string { return url.QueryEscape(quoted(s)) },
	"JSON all":          func(s string) string { return every(`\u%04x`, s) },
	"JSON all upper":    func(s string) string { return every(`\u%04X`, s) },
	"PHP's JSON":        func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
	"JavaScript":        func(s string) string { return every(`\x%02x`, s) },
	"JavaScript braces": func(s string) string { return every(`\u{%x}`, s) },
	"Go":                func(s string) string { return fmt.Sprintf("%q", s) },
	"JavaScript marks":  func(s string) string { return marks(s, func(c byte) string { return `\` + string(c) }) },
	"JavaScript octal":  func(s string) string { return every(`\%o`, s) },
	"octal in a byte":   func(s string) string { return every(`\%03o`, s) },
	"JavaScript lines":  func(s string) string { return wrapped(s, "\\\n") },
	"HTML names":        func(s string) string { return marks(s, func(c byte) string { return "&" + htmlNames[c][0] + ";" }) },
	"HTML other names": func(s string) string {
		return marks(s, func(c byte) string { return "&" + htmlNames[c][len(htmlNames[c])-1] + ";" })
	},
	"HTML5 of PHP": func(s string) string {
		return strings.ReplaceAll(marks(s, func(c byte) string { return "&" + htmlNames[c][0] + ";" }), "fj", "&fjlig;")
	},
	"HTML padded":       func(s string) string { return every("&#%040d;", s) },
	"HTML hex padded":   func(s string) string { return every("&#X%040x;", s) },
	"HTML unterminated": func(s string) string { return every("&#%d", s) },
	"HTML":              html.EscapeString,
	"HTML decimal":      func(s string) string { return every("&#%d;", s) },
	"HTML hex":          func(s string) string { return every("&#x%X;", s) },
	"HTML of JSON":      func(s string) string { return html.EscapeString(quoted(s)) },
	"hex":               func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":               func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"UTF-16":            utf16le,
	"lines":             func(s string) string { return wrapped(s, "\r\n") },
	"base64 0":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 1":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s + "yz")) },
	"base64 2":          func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("xy" + s)) },
	"base64 URL 0":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 URL 1":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + s)) },
	"base64 URL 2":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte("xy" + s + "z")) },
	"base64 header":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + s)) },
	"base64 in JSON":    func(s string) string { return quoted(wrapped(base64.StdEncoding.EncodeToString([]byte(s)), "\n")) },
	"base64 in a URL":   func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 in lines":   func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), "\r\n") },
}

// values are of all shapes: without and with escapes of their own, with all characters, long ones.
var values = []string{
	"sk-proj-0123456789abcdefXYZ", `p@ss w0rd&<'">\/+=%~`, "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3DEUifiRBkKG5E2XzMDjRfl76ZC9Ub0wnz4XsNiRVBChTYbJcE3F",
	`C:\new\u0041\\x`, "redacted", "fjord-fj012", "&amp;&amp;&amp;", "12345678", ascii(), random(MaxLen),
}

func ascii() string {
	var b strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

func TestS08ScrubEncodings(t *testing.T) {
	for _, text := range values {
		s := NewScrubber(mustNew(t, "another-value-0"), mustNew(t, text), mustNew(t, "sk-proj-zzzzzzzz"))
		for name, encode := range encoders {
			if strings.HasSuffix(name, "lines") && !strings.HasPrefix(name, "base64") && strings.ContainsAny(text, `\&`) {
				continue // what is decoded then isn't what looks like an escape in the value
			}
			for _, around := range []string{"", "=", " ", `"`, "é", "x", "\n"} {
				in := "before" + around + encode(text) + around + "after"
				out := s.String(in)
				if !strings.Contains(out, Placeholder) || !strings.HasPrefix(out, "before") || !strings.HasSuffix(out, "after") {
					t.Errorf("%.30q as %s: %.100q gives %.100q", text, name, in, out)
				}
				if len(out) > 60 {
					t.Errorf("%.30q as %s: %.100q leaves %.100q", text, name, in, out)
				}
			}
		}
	}
}

// What is made of the work of a stranger is known before it is done, and can be ended.
func TestScrubPays(t *testing.T) {
	s := NewScrubber(mustNew(t, "abcdefgh"))
	for text, want := range map[string][]int{
		"":             {0},
		"nothing here": {12},
		"an abcdefgh.": {12, 16},                  // once more, with what has taken its place
		"%41bcdefg":    {9, 7},                    // as it is, and decoded
		"%252541":      {7, 5, 3, 1},              // and again
		"%61bcdefgh":   {10, 8, len(Placeholder)}, // decoded, and what is left
	} {
		var got []int
		if _, err := s.Scrub([]byte(text), func(n int) error { got = append(got, n); return nil }); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: paid %v, %v; want %v", text, got, err, want)
		}
		for most := range got {
			paid := 0
			out, err := s.Scrub([]byte(text), func(int) error {
				if paid++; paid > most {
					return errSpent
				}
				return nil
			})
			if err != errSpent || out != nil || paid != most+1 {
				t.Errorf("%q, ended at %d: %q, %v, after %d", text, most, out, err, paid)
			}
		}
	}
	var none *Scrubber
	if out, err := none.Scrub([]byte("text"), func(int) error { return errSpent }); err != nil || string(out) != "text" {
		t.Errorf("without values: %q, %v", out, err)
	}
}

var errSpent = errors.New("nothing is left")

// Text that was made to take memory takes no more than is said.
func TestScrubTakesBoundedMemory(t *testing.T) {
	s := NewScrubber(mustNew(t, "abcdefgh"))
	const n = 1 << 20
	for name, tt := range map[string]struct {
		text  string
		times uint64 // of n, for all that is allocated, also what could be collected
	}{
		"no escapes":   {strings.Repeat("abcdefg ", n/8), 0},
		"escaped":      {strings.Repeat("%41", n/3), 1},
		"marks":        {strings.Repeat(`\\$`, n/2), 3},
		"four times":   {strings.Repeat("%25252541", n/9), 3},
		"values":       {strings.Repeat("abcdefgh", n/8), 8},
		"values again": {strings.Repeat("abcdefgh", n/8) + "%252541", 20},
	} {
		text := []byte(tt.text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s.Bytes(text)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > tt.times*n+n/4 {
			t.Errorf("%s: %.2f MiB, more than %d", name, float64(got)/n, tt.times)
		} else {
			t.Logf("%s: %.2f MiB", name, float64(got)/n)
		}
	}
}

// What isn't there is let alone, byte for byte.
func TestScrubChangesNothingElse(t *testing.T) {
	s := NewScrubber(mustNew(t, sample), mustNew(t, "another-value-0"))
	for _, text := range []string{
		"", "hello", sample[1:], sample[:len(sample)-1], strings.ToUpper(sample), `{"a":"\u0041\n","b":"&amp;%20"}`, "\x00\xff\r\n", "%", `\`, "&", "%4", `\u00`, "&#", "&#x;", "&;",
		base64.StdEncoding.EncodeToString([]byte(sample[2:])),
	} {
		in := []byte(text)
		if out := s.Bytes(in); string(out) != text {
			t.Errorf("%q becomes %q", text, out)
		}
	}
	for _, s := range []*Scrubber{nil, {}, NewScrubber(), NewScrubber(Value{})} {
		if out := s.String(sample); out != sample {
			t.Errorf("without values it gives %q", out)
		}
	}
}

func TestScrubKeepsWhatIsAround(t *testing.T) {
	s := NewScrubber(mustNew(t, "abcdefgh"), mustNew(t, "efghijkl"), mustNew(t, "dXNlcjpwYXNzd29yZA=="))
	in := []byte("x abcdefgh y")
	for text, want := range map[string]string{
		"1abcdefgh2":                "1‹secret›2",
		"abcdefghabcdefgh":          "‹secret›‹secret›",
		"1abcdefghijkl2":            "1‹secret›2",
		"abcdefg abcdefgh\n":        "abcdefg ‹secret›\n",
		"a%20b%61bcdefgh\r\n%20":    "a%20b‹secret›\r\n%20",
		"abcd\nefgh":                "‹secret›",
		`{"k":"\u0061bcdefgh\n"}`:   `{"k":"‹secret›\n"}`,
		"user:password":             "‹secret›",
		"Basic dXNlcjpwYXNzd29yZA=": "Basic ‹secret›A=", // base64 of "user:password": the last characters tell two bits
		"Basic dXNlcjpwYXNzd29":     "Basic dXNlcjpwYXNzd29",
		string(in):                  "x ‹secret› y",
	} {
		if got := s.String(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if s.Bytes(in); string(in) != "x abcdefgh y" {
		t.Errorf("the text itself became %q", in)
	}
}

// Text that was made to be slow isn't much slower than other text.
func TestScrubIsLinear(t *testing.T) {
	var many []Value
	for i := range 64 {
		many = append(many, mustNew(t, fmt.Sprintf("sk-proj-%s%02d", random(48), i)))
	}
	many = append(many, mustNew(t, strings.Repeat("A", MaxRepeat+1)), mustNew(t, random(MaxLen)))
	s := NewScrubber(many...)
	const n = 1 << 18
	for name, text := range map[string]string{
		"prefixes": strings.Repeat("sk-proj-", n/8), "letters": strings.Repeat("A", n), "nearly": strings.Repeat(strings.Repeat("A", MaxRepeat)+"b", n/(MaxRepeat+1)),
		"backslashes": strings.Repeat(`\`, n), "lines": strings.Repeat("\r\n", n/2), "percent": strings.Repeat("%41", n/3), "values": strings.Repeat("sk-proj-"+random(48)+"00", n/58),
		"references": strings.Repeat("&#x00000", n/8), "octal": strings.Repeat(`\7`, n/2), "digits": strings.Repeat("&#"+strings.Repeat("0", 1000), n/1002), "one number": "&#" + strings.Repeat("0", n), "braces": strings.Repeat(`\u{0`, n/4),
		"escaped thrice": strings.Repeat("%2525"+"41", n/7),
	} {
		begin := time.Now()
		s.String(text)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}

// found returns where values stand in text.
func found(t *testing.T, s *Scrubber, text []byte) []span {
	t.Helper()
	spans, err := s.find(text, make([][]byte, layers), func(int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return spans
}

func FuzzScrub(f *testing.F) {
	for _, v := range values {
		f.Add([]byte("x"+v+"y"), v, uint8(0))
		f.Add([]byte("no"), v, uint8(3))
	}
	f.Add([]byte(`X\\u0041BCDEFGHABCDEFGH`), `ABCDEFGH`, uint8(1))
	f.Add([]byte("%E2%80%B9secret%E2%80%BA"), "‹secret", uint8(2))
	names := slices.Sorted(maps.Keys(encoders))
	f.Fuzz(func(t *testing.T, text []byte, value string, n uint8) {
		v, err := New(value)
		if err != nil {
			return
		}
		s := NewScrubber(v)
		encode := encoders[names[int(n)%len(names)]]
		before := bytes.Clone(text)
		for _, in := range [][]byte{text, bytes.Join([][]byte{text, []byte(encode(value)), text}, nil)} {
			out := s.Bytes(in)
			if len(found(t, s, in)) == 0 {
				if !bytes.Equal(out, in) {
					t.Errorf("%q has no value and becomes %q", in, out)
				}
				continue
			}
			if left := found(t, s, out); len(left) != 0 {
				t.Errorf("%q becomes %q, which has a value at %v", in, out, left)
			}
			for _, needle := range needlesOf(v) {
				if bytes.Contains(out, []byte(needle)) {
					t.Errorf("%q becomes %q, which has %q", in, out, needle)
				}
			}
		}
		if !bytes.Equal(text, before) {
			t.Error("the text was changed")
		}
	})
}
