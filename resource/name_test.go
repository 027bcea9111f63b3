package resource

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// canonicalNames are accepted, and each is its own text.
var canonicalNames = []string{
	"https://a.com/",
	"https://api.example.com/v1/items",
	"https://api.example.com/v1/items/",
	"http://localhost:8080/",
	"ws://a.com:443/x",
	"wss://a.com:80/x",
	"https://1password.com/1/2",
	"https://123.example.com/",
	"https://127.0.0.1/",
	"https://[::1]:8443/",
	"https://[2001:db8::1]/x",
	"https://xn--bcher-kva.example/",
	"https://xn--pple-43d.com/", // аpple.com: its look-alike letters show in the A-label
	"https://a.com/%C3%A9",
	"https://a.com/a%20b",
	"https://a.com/x%3By",
	"https://a.com/~user/a:b@c,d+e=f",
	"https://a.com/...",
	"https://a.com/x?q=1&r=a/b?c",
	"https://a.com/?q",
	"https://a.com/*",
	"file:///",
	"file:///data",
	"file:///My Documents/é.txt",
	"file:///data/..hidden/x..",
	"tool://mail.send",
	"tool://dryRun",
	"secret://prod/db",
	"mailto://c@example.com",
	"agent://日本",
	"x-a+b.c://y",
}

func TestParseAccepts(t *testing.T) {
	for _, s := range canonicalNames {
		n, err := Parse(s)
		if err != nil {
			t.Errorf("%s", err)
			continue
		}
		if n.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, n)
		}
	}
}

// refusals gives, for each refused name, where it is refused, a part of the reason and the canonical form.
var refusals = []struct {
	title     string
	in        string
	at        int
	why       string
	canonical string
}{
	// S09, T10: paths that climb, hide or double their separators.
	{"T10 dot segments climb out", "file:///data/../etc", 13, `dot segment ("..")`, "file:///etc"},
	{"T10 dot segments in a URL", "https://a.com/srv/kb/../etc", 21, `dot segment`, "https://a.com/srv/etc"},
	{"single dot", "https://a.com/./x", 14, `dot segment (".")`, "https://a.com/x"},
	{"dot segments at the end", "https://a.com/x/..", 16, "dot segment", "https://a.com/"},
	{"dot segments above the root", "file:///../../etc", 8, "dot segment", "file:///etc"},
	{"dot segments elsewhere", "tool://a/../b", 9, "dot segment", "tool://b"},
	{"S09 encoded dots", "https://a.com/x/%2e%2e/y", 16, `%2e hides a "."`, "https://a.com/y"},
	{"S09 half-encoded dots", "https://a.com/x/.%2E/y", 17, `%2E hides a "."`, "https://a.com/y"},
	{"S09 encoded slash", "https://a.com/..%2fetc", 16, `%2f hides a "/"`, ""},
	{"S09 encoded slash, upper case", "https://a.com/a%2Fb", 15, `%2F hides a "/"`, ""},
	{"S09 encoded twice", "https://a.com/%252e%252e/x", 14, `%25 hides a "%": text that is decoded twice`, ""},
	{"S09 encoded backslash", "https://a.com/a%5Cb", 15, "%5C hides a backslash", ""},
	{"S09 backslash", `https://a.com/a\..\b`, 15, "a backslash", ""},
	{"S09 backslash in a file", `file:///a\b`, 9, "a backslash", ""},
	{"S09 path parameter", "https://a.com/a;x=/b", 15, `";" begins path parameters`, ""},
	{"S09 path parameter in a file", "file:///a;b", 9, `";" begins path parameters`, ""},
	{"double slash", "https://a.com//admin", 14, "an empty segment", "https://a.com/admin"},
	{"double slash inside", "file:///data//x", 13, "an empty segment", "file:///data/x"},
	{"double slash at the end", "https://a.com/v1//", 17, "an empty segment", "https://a.com/v1/"},
	{"nothing but slashes", "https://a.com//", 14, "an empty segment", "https://a.com/"},
	{"slash at the end of a file", "file:///data/", 12, `a "/" at the end`, "file:///data"},
	{"slash at the end of a tool", "tool://x/", 8, `a "/" at the end`, "tool://x"},
	{"encoded NUL", "https://a.com/a%00.txt", 15, "%00 hides a control character", ""},
	{"encoded newline", "https://a.com/a%0A", 15, "%0A hides a control character", ""},
	{"encoding cut short", "https://a.com/a%4", 15, "not followed by two hexadecimal digits", ""},
	{"encoding that isn't one", "https://a.com/%zz", 14, "not followed by two hexadecimal digits", ""},
	{"encoding that a decoder would complete", "https://a.com/%%32%65", 14, "not followed by two hexadecimal digits", ""},
	{"lower-case encoding", "https://a.com/%c3%a9", 14, "lower-case hexadecimal digits", "https://a.com/%C3%A9"},
	{"needless encoding", "https://a.com/%41", 14, "needless encoding of 'A'", "https://a.com/A"},
	{"raw non-ASCII in a URL", "https://a.com/é", 14, "must be percent-encoded", "https://a.com/%C3%A9"},
	{"raw space in a URL", "https://a.com/a b", 15, "must be percent-encoded", "https://a.com/a%20b"},
	{"raw brace in a URL", "https://a.com/{a}", 14, "must be percent-encoded", "https://a.com/%7Ba%7D"},
	{"encoded invalid UTF-8", "https://a.com/%C3x", 14, "not part of valid UTF-8", ""},
	{"encoded overlong slash", "https://a.com/%C0%AF", 14, "not part of valid UTF-8", ""},
	{"encoded surrogate", "https://a.com/%ED%A0%80", 14, "not part of valid UTF-8", ""},
	{"encoded bidi control", "https://a.com/%E2%80%AE", 14, "hides U+202E", ""},
	{"encoded text not in NFC", "https://a.com/caf/e%CC%81", 18, "encoded text is not in Unicode normalization form C", "https://a.com/caf/%C3%A9"},
	{"percent in a file", "file:///a%2e", 9, "only http, https, ws and wss have percent-encoding", ""},
	{"query of a file", "file:///a?b", 9, "only http, https, ws and wss have a query", ""},
	{"empty path", "https://a.com", 13, `an empty path is written "/"`, "https://a.com/"},
	{"empty path before a query", "https://a.com?x", 13, `an empty path is written "/"`, "https://a.com/?x"},
	{"empty query", "https://a.com/x?", 15, `"?" without a query`, "https://a.com/x"},
	{"encoded slash in a query", "https://a.com/x?u=a%2Fb", 19, `%2F hides a "/"`, "https://a.com/x?u=a/b"},
	{"path parameter in a query", "https://a.com/x?a;b", 17, `";"`, ""},
	{"fragment", "https://a.com/x#y", 15, `"#" begins a fragment`, "https://a.com/x"},

	// S05 and the parsers' disagreements about hosts.
	{"userinfo that looks like a host", "https://api.example.com@evil.com/", 8, `userinfo before the host: the host of this name would be "evil.com"`, ""},
	{"userinfo with a password", "https://u:p@a.com/", 8, "userinfo", ""},
	{"userinfo behind a backslash", `https://a.com\@evil.com/`, 13, "a backslash", ""},
	{"S05 trailing dot", "https://a.com./", 13, `the host ends with a "."`, "https://a.com/"},
	{"two trailing dots", "https://a.com../", 14, `empty label`, ""},
	{"empty label", "https://a..com/", 10, "an empty label", ""},
	{"S05 hexadecimal and short address", "https://0x7f.1/", 8, "looks like a number but is not a canonical IPv4 address", "https://127.0.0.1/"},
	{"S05 short address", "https://127.1/", 8, "looks like a number", "https://127.0.0.1/"},
	{"S05 address as one number", "https://2130706433/", 8, "looks like a number", "https://127.0.0.1/"},
	{"octal address", "https://0177.0.0.1/", 8, "looks like a number", "https://127.0.0.1/"},
	{"hexadecimal address", "https://0x7f000001/", 8, "looks like a number", "https://127.0.0.1/"},
	{"bare hexadecimal prefix", "https://1.2.3.0x/", 8, "looks like a number", "https://1.2.3.0/"},
	{"address part too large", "https://256.0.0.1/", 8, "looks like a number", ""},
	{"too many address parts", "https://1.2.3.4.5/", 8, "looks like a number", ""},
	{"name whose last label is a number", "https://a.0x1f/", 8, "looks like a number", ""},
	{"full-width digits", "https://１２７.0.0.1/", 8, "looks like a number", "https://127.0.0.1/"},
	{"S04 IPv4 mapped into IPv6", "https://[::ffff:127.0.0.1]/", 9, "IPv4 address mapped into IPv6", "https://127.0.0.1/"},
	{"S04 IPv4 mapped, in hexadecimal", "https://[::ffff:7f00:1]/", 9, "IPv4 address mapped into IPv6", "https://127.0.0.1/"},
	{"IPv6 not shortened", "https://[0:0:0:0:0:0:0:1]/", 9, "RFC 5952", "https://[::1]/"},
	{"IPv6 in upper case", "https://[2001:DB8::1]/", 9, "RFC 5952", "https://[2001:db8::1]/"},
	{"S05 IPv6 zone", "https://[fe80::1%25eth0]/", 16, "an IPv6 zone", ""},
	{"IPv4 in brackets", "https://[127.0.0.1]/", 9, "not an IPv6 address", ""},
	{"IPv6 without brackets", "https://::1/", 8, "more than one", ""},
	{"bracket left open", "https://[::1/", 8, `"[" without "]"`, ""},
	{"text after the bracket", "https://[::1]x/", 13, `text between "]" and the port`, ""},
	{"Cyrillic look-alike", "https://аpple.com/", 8, "A-labels", "https://xn--pple-43d.com/"},
	{"internationalized name", "https://bücher.example/", 9, "A-labels", "https://xn--bcher-kva.example/"},
	{"ideographic full stop", "https://a。com/", 9, "A-labels", "https://a.com/"},
	{"A-label of ASCII", "https://xn--abc-.com/", 15, "ends with a hyphen", ""},
	{"A-label of nothing", "https://xn--.com/", 11, "ends with a hyphen", ""},
	{"A-label of a control", "https://xn--a.com/", 8, "not a valid A-label", ""},
	{"A-label of a disallowed symbol", "https://xn--1ch.com/", 8, "not a valid A-label", ""},
	{"Bidi rule across labels", "https://1.xn--4dbrk0ce/", 8, "Bidi rule", ""},
	{"upper-case A-label", "https://XN--PPLE-43D.com/", 8, "upper-case letter in the host", "https://xn--pple-43d.com/"},
	{"upper-case host", "https://A.com/", 8, "upper-case letter in the host", "https://a.com/"},
	{"reserved hyphens", "https://ab--cd.com/", 10, "reserved", ""},
	{"hyphen first", "https://-a.com/", 8, "begins with a hyphen", ""},
	{"hyphen last", "https://a-.com/", 9, "ends with a hyphen", ""},
	{"underscore", "https://a_b.com/", 9, "'_' in the host", ""},
	{"encoded host", "https://%65vil.com/", 8, "'%' in the host", ""},
	{"space in the host", "https://a b.com/", 9, "' ' in the host", ""},
	{"no host", "https:///x", 8, "no host", ""},
	{"empty host before a port", "https://:8080/", 8, "the host is empty", ""},
	{"long label", "https://" + strings.Repeat("a", 64) + ".com/", 71, "label of the host is longer than 63 bytes", ""},
	{"long host", "https://" + strings.Repeat("a.", 127) + "com/", 261, "host is longer than 253 bytes", ""},

	// Ports.
	{"default port of https", "https://a.com:443/x", 13, "443 is the default port", "https://a.com/x"},
	{"default port of http", "http://a.com:80/", 12, "80 is the default port", "http://a.com/"},
	{"default port of wss", "wss://a.com:443/", 11, "443 is the default port", "wss://a.com/"},
	{"port with zeros", "https://a.com:08443/", 14, "begins with a zero", "https://a.com:8443/"},
	{"default port with zeros", "https://a.com:0443/", 14, "begins with a zero", "https://a.com/"},
	{"port zero", "https://a.com:0/", 14, "begins with a zero", ""},
	{"empty port", "https://a.com:/", 13, `":" without a port`, "https://a.com/"},
	{"port too large", "https://a.com:65536/", 14, "larger than 65535", ""},
	{"port that isn't a number", "https://a.com:8o/", 15, "'o' in the port", ""},
	{"port with a sign", "https://a.com:+80/", 14, "'+' in the port", ""},
	{"any port is for patterns", "https://a.com:*/", 14, "'*' in the port", ""},

	// Schemes.
	{"empty", "", 0, "no scheme", ""},
	{"no scheme", "/data/x", 0, "no scheme", ""},
	{"one slash", "file:/data", 0, "no scheme", ""},
	{"empty scheme", "://x", 0, "scheme is empty", ""},
	{"upper-case scheme", "HTTPS://A.com", 0, "upper-case letter in the scheme", "https://a.com/"},
	{"digit first", "1a://x", 0, "'1' in the scheme", ""},
	{"space before the scheme", " https://a.com/", 0, "' ' in the scheme", ""},
	{"long scheme", strings.Repeat("a", 33) + "://x", 32, "scheme is longer than 32 bytes", ""},
	{"nothing after the scheme", "tool://", 7, `nothing after "://"`, ""},
	{"file with a host", "file://host/x", 7, "a file has no host", ""},
	{"file with a relative path", "file://x", 7, "a file has no host", ""},

	// I01, I03: text.
	{"I03 invalid UTF-8", "file:///a\xffb", 9, "invalid UTF-8 (byte 0xFF)", ""},
	{"I03 overlong UTF-8", "file:///a\xc0\xaf", 9, "invalid UTF-8", ""},
	{"I03 surrogate", "file:///\xed\xa0\x80", 8, "invalid UTF-8", ""},
	{"I03 byte order mark", "\ufefffile:///a", 0, "U+FEFF", ""},
	{"I03 NUL", "file:///a\x00", 9, "control character (U+0000)", ""},
	{"newline", "tool://a\nb", 8, "control character (U+000A)", ""},
	{"DEL", "tool://a\x7f", 8, "control character (U+007F)", ""},
	{"C1 control", "tool://a\u0085", 8, "U+0085", ""},
	{"I01 bidi override", "file:///a\u202etxt", 9, "U+202E", ""},
	{"I01 bidi isolate", "file:///a\u2066", 9, "U+2066", ""},
	{"I01 zero-width space", "tool://pay\u200bments", 10, "U+200B", ""},
	{"I01 zero-width joiner", "tool://a\u200d", 8, "U+200D", ""},
	{"I01 soft hyphen", "tool://a\u00adb", 8, "U+00AD", ""},
	{"I01 variation selector", "tool://a\ufe0f", 8, "U+FE0F", ""},
	{"I01 tag character", "tool://a\U000e0041", 8, "U+E0041", ""},
	{"I01 Hangul filler", "tool://a\u3164", 8, "U+3164", ""},
	{"I01 blank Braille pattern", "tool://a\u2800", 8, "U+2800", ""},
	{"I01 no-break space", "tool://a\u00a0b", 8, "U+00A0", ""},
	{"line separator", "tool://a\u2028", 8, "U+2028", ""},
	{"private use", "tool://a\ue000", 8, "U+E000", ""},
	{"noncharacter", "tool://a\uffff", 8, "U+FFFF", ""},
	{"unassigned", "tool://a\u0378", 8, "U+0378", ""},
	{"not in NFC", "file:///cafe\u0301", 11, "not in Unicode normalization form C", "file:///caf\u00e9"},
	{"singleton that NFC replaces", "tool://\u212b", 7, "not in Unicode normalization form C", "tool://\u00c5"},

	// Bounds.
	{"5 KiB", "file:///" + strings.Repeat("a", 5<<10), 4096, "longer than 4096 bytes", ""},
	{"one byte too long", "file:///" + strings.Repeat("a", 4096-7), 4096, "longer than 4096 bytes", ""},
	{"too many segments", "file://" + strings.Repeat("/a", 257), 7 + 512 + 1, "more than 256 segments", ""},
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.title, func(t *testing.T) {
			n, err := Parse(tt.in)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse(%q) = %q, %v; want an *Error", tt.in, n, err)
			}
			if !n.IsZero() {
				t.Errorf("a refused name came back as %q", n)
			}
			if e.Input != tt.in {
				t.Errorf("Input = %q", e.Input)
			}
			if e.Offset != tt.at {
				t.Errorf("Offset = %d, want %d", e.Offset, tt.at)
			}
			if !strings.Contains(e.Reason, tt.why) {
				t.Errorf("Reason = %q, want %q in it", e.Reason, tt.why)
			}
			if e.Canonical != tt.canonical {
				t.Errorf("Canonical = %q, want %q", e.Canonical, tt.canonical)
			}
		})
	}
}

func TestParseAtTheBounds(t *testing.T) {
	for _, s := range []string{
		"file:///" + strings.Repeat("a", MaxNameLen-len("file:///")),
		"file://" + strings.Repeat("/a", MaxSegments),
		"https://a.com" + strings.Repeat("/a", MaxSegments) + "/",
		strings.Repeat("a", MaxSchemeLen) + "://x",
		"https://" + strings.Repeat("a", MaxLabelLen) + ".com/",
		"https://" + strings.Repeat("a.", 126) + "a/",
		"https://a.com:65535/",
		"https://a.com:1/",
	} {
		if _, err := Parse(s); err != nil {
			t.Error(err)
		}
	}
}

func TestNameParts(t *testing.T) {
	type parts struct {
		Scheme, Host string
		Port         uint16
		Path         string
		Query        string
		HasQuery     bool
		Web          bool
		Segments     []string
	}
	tests := map[string]parts{
		"https://a.com/":               {"https", "a.com", 443, "/", "", false, true, nil},
		"http://a.com/x/y?q=/":         {"http", "a.com", 80, "/x/y", "q=/", true, true, []string{"x", "y"}},
		"wss://[2001:db8::1]:8443/v1/": {"wss", "2001:db8::1", 8443, "/v1/", "", false, true, []string{"v1"}},
		"ws://127.0.0.1/?q":            {"ws", "127.0.0.1", 80, "/", "q", true, true, nil},
		"file:///":                     {"file", "", 0, "/", "", false, false, nil},
		"file:///srv/kb":               {"file", "", 0, "/srv/kb", "", false, false, []string{"srv", "kb"}},
		"tool://mail.send":             {"tool", "", 0, "mail.send", "", false, false, []string{"mail.send"}},
		"secret://prod/db":             {"secret", "", 0, "prod/db", "", false, false, []string{"prod", "db"}},
	}
	for s, want := range tests {
		n := parse(t, s)
		got := parts{Scheme: n.Scheme(), Host: n.Host(), Port: n.Port(), Path: n.Path(), Web: n.IsWeb(), Segments: slices.Collect(n.Segments())}
		got.Query, got.HasQuery = n.Query()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", s, d)
		}
		if n.NumSegments() != len(want.Segments) {
			t.Errorf("%s: NumSegments = %d", s, n.NumSegments())
		}
	}
}

func TestZeroNameIsNoResource(t *testing.T) {
	var zero Name
	if !zero.IsZero() || zero.String() != "" || zero.Scheme() != "" || zero.Host() != "" || zero.Path() != "" || zero.IsWeb() {
		t.Errorf("the zero Name has parts: %+v", zero)
	}
	if _, ok := zero.Query(); ok {
		t.Error("the zero Name has a query")
	}
	if Any().Match(zero) {
		t.Error("Any matches the zero Name")
	}
	var b IndexBuilder
	b.Add(Any(), 1)
	if ids := b.Build().Match(zero, nil); len(ids) > 0 {
		t.Errorf("an index finds %v for the zero Name", ids)
	}
}

func TestNamesAreEqualWhenTheirTextIs(t *testing.T) {
	for _, s := range canonicalNames {
		if parse(t, s) != parse(t, strings.Clone(s)) {
			t.Errorf("%s is not equal to itself", s)
		}
	}
	if parse(t, "https://a.com/v1") == parse(t, "https://a.com/v1/") {
		t.Error("a trailing slash is not part of the name")
	}
}

func TestFile(t *testing.T) {
	if n, err := File("/srv/kb"); err != nil || n != parse(t, "file:///srv/kb") {
		t.Errorf("File(/srv/kb) = %v, %v", n, err)
	}
	tests := []struct {
		in        string
		at        int
		why       string
		canonical string
	}{
		{"", 0, "not an absolute path", ""},
		{"srv/kb", 0, "not an absolute path", ""},
		{"file:///srv", 0, "not an absolute path", ""},
		{"/srv/../etc", 5, "dot segment", "file:///etc"},
		{"//srv", 1, "an empty segment", "file:///srv"},
		{"/srv/", 4, `a "/" at the end`, "file:///srv"},
		{"/" + strings.Repeat("a", MaxNameLen), MaxNameLen - 7, "longer than", ""},
	}
	for _, tt := range tests {
		_, err := File(tt.in)
		checkError(t, err, tt.in, tt.at, tt.why, tt.canonical)
	}
}

func TestFromTypeID(t *testing.T) {
	accepted := []struct{ typ, id, want string }{
		{"tool", "mail.send", "tool://mail.send"},
		{"tool", "tool://mail.send", "tool://mail.send"},
		{"file", "/srv/kb", "file:///srv/kb"},
		{"file", "file:///srv/kb", "file:///srv/kb"},
		{"https", "a.com/x", "https://a.com/x"},
		{"https", "a.com/x?u=b://c", "https://a.com/x?u=b://c"},
		{"mailto", "c@example.com", "mailto://c@example.com"},
	}
	for _, tt := range accepted {
		n, err := FromTypeID(tt.typ, tt.id)
		if err != nil || n.String() != tt.want {
			t.Errorf("FromTypeID(%q, %q) = %q, %v; want %q", tt.typ, tt.id, n, err, tt.want)
		}
	}
	refused := []struct {
		typ, id   string
		in        string
		at        int
		why       string
		canonical string
	}{
		{"tool", "https://a.com/", "https://a.com/", 0, `the scheme of the id is not the type "tool"`, ""},
		{"tool", "TOOL://x", "TOOL://x", 0, "the scheme of the id is not the type", ""},
		{"Tool", "x", "Tool", 0, "the type is not a scheme", ""},
		{"", "x", "", 0, "the type is not a scheme", ""},
		{"https://evil.com/", "x", "https://evil.com/", 5, "the type is not a scheme", ""},
		{"file", "srv/kb", "srv/kb", 0, "not an absolute path", ""},
		{"file", "/srv//kb", "/srv//kb", 5, "an empty segment", "file:///srv/kb"},
		{"tool", "", "tool://", 7, "nothing after", ""},
		{"tool", "/x", "tool:///x", 7, "an empty segment", "tool://x"},
		{"https", "evil.com@a.com", "https://evil.com@a.com", 8, "userinfo", ""},
	}
	for _, tt := range refused {
		_, err := FromTypeID(tt.typ, tt.id)
		checkError(t, err, tt.in, tt.at, tt.why, tt.canonical)
	}
}

func TestParseHost(t *testing.T) {
	for _, s := range []string{"example.com", "localhost", "xn--bcher-kva.example", "1password.com"} {
		if got, err := ParseHost(s); err != nil || got != s {
			t.Errorf("ParseHost(%q) = %q, %v", s, got, err)
		}
	}
	tests := []struct {
		in        string
		at        int
		why       string
		canonical string
	}{
		{"", 0, "the host is empty", ""},
		{".", 0, "an empty label", ""},
		{"Example.com", 0, "upper-case", "example.com"},
		{"example.com.", 11, `ends with a "."`, "example.com"},
		{"bücher.example", 1, "A-labels", "xn--bcher-kva.example"},
		{"127.0.0.1", 0, "an IP address is not a host name", ""},
		{"0x7f.1", 0, "looks like a number", ""},
		{"[::1]", 0, "'[' in the host", ""},
		{"*.example.com", 0, "'*' in the host", ""},
		{"a@b.com", 1, "'@' in the host", ""},
		{"a.com:80", 5, "':' in the host", ""},
		{"a\x00b", 1, `'\x00' in the host`, ""},
		{"a\xff", 1, "A-labels", ""},
		{strings.Repeat("a.", 5000), 253, "longer than 253 bytes", ""},
	}
	for _, tt := range tests {
		_, err := ParseHost(tt.in)
		checkError(t, err, tt.in, tt.at, tt.why, tt.canonical)
	}
}

func TestErrorRendering(t *testing.T) {
	tests := []struct{ in, want string }{
		{
			"https://A.com",
			`"https://A.com" at byte 8: an upper-case letter in the host; canonical form: https://a.com/`,
		},
		{
			"tool://a\x1b[2J\u202e",
			`"tool://a\x1b[2J\u202e" at byte 8: a control character (U+001B)`,
		},
		{
			"https://аpple.com/",
			`"https://\u0430pple.com/" at byte 8: '\u0430' in the host: an internationalized name is written as A-labels (xn--…); canonical form: https://xn--pple-43d.com/`,
		},
		{
			"file:///" + strings.Repeat("é", 50) + "\\" + strings.Repeat("é", 50),
			`…"` + strings.Repeat(`\u00e9`, 20) + `\\` + strings.Repeat(`\u00e9`, 19) + `"… at byte 108: a backslash, which some systems read as "/"`,
		},
	}
	for _, tt := range tests {
		_, err := Parse(tt.in)
		if err == nil || err.Error() != tt.want {
			t.Errorf("Parse(%q):\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

func parse(t testing.TB, s string) Name {
	t.Helper()
	n, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func checkError(t *testing.T, err error, in string, at int, why, canonical string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%q: err = %v, want an *Error", in, err)
		return
	}
	if e.Input != in || e.Offset != at || !strings.Contains(e.Reason, why) || e.Canonical != canonical {
		t.Errorf("%q: got %#v; want offset %d, %q in the reason, canonical form %q", in, e, at, why, canonical)
	}
}
