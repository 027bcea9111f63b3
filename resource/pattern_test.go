package resource

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		title   string
		pattern string
		yes, no []string
	}{
		{"`**` is the thing itself and all below, not what begins alike", "file:///data/**",
			[]string{"file:///data", "file:///data/x", "file:///data/x/y"},
			[]string{"file:///data-evil", "file:///data-evil/x", "file:///dat", "file:///", "file:///x/data", "file:///Data/x"}},
		{"T10 a literal is not a prefix", "file:///srv/kb",
			[]string{"file:///srv/kb"},
			[]string{"file:///srv/kbx", "file:///srv", "file:///srv/kb/x"}},
		{"`*` is one segment", "file:///srv/*",
			[]string{"file:///srv/kb"},
			[]string{"file:///srv", "file:///srv/kb/x"}},
		{"`**` on both sides", "file:///**/.ssh/**",
			[]string{"file:///.ssh", "file:///.ssh/id", "file:///root/.ssh/id", "file:///home/a/.ssh/x/y"},
			[]string{"file:///root/.sshx/id", "file:///root/x.ssh"}},
		{"`**` before a glob", "file:///**/*.pem",
			[]string{"file:///a.pem", "file:///x/y/.pem"},
			[]string{"file:///a.pem/x", "file:///pem"}},
		{"several `**`", "file:///**/a/**/b",
			[]string{"file:///a/b", "file:///x/a/y/a/b/b"},
			[]string{"file:///b/a", "file:///a/x", "file:///ab"}},
		{"a run between `**` is found at its second place", "file:///a/**/b/c/**/d",
			[]string{"file:///a/b/c/d", "file:///a/b/b/c/d/d"},
			[]string{"file:///a/b/d/c/d", "file:///a/b/c", "file:///b/c/d"}},
		{"the part after the last `**` doesn't overlap what came before", "file:///a/b/**/b/a",
			[]string{"file:///a/b/b/a"},
			[]string{"file:///a/b/a"}},
		{"`**` twice is `**`", "file:///**/**/a",
			[]string{"file:///a", "file:///x/y/a"},
			[]string{"file:///"}},
		{"everything of a scheme", "file:///**",
			[]string{"file:///", "file:///a/b"},
			[]string{"tool://a"}},
		{"the root", "file:///",
			[]string{"file:///"},
			[]string{"file:///a"}},
		{"schemes without host", "tool://**",
			[]string{"tool://a", "tool://a/b"},
			[]string{"secret://a", "tools://a"}},
		{"case counts", "tool://mail.send",
			[]string{"tool://mail.send"},
			[]string{"tool://mail.Send", "tool://mail.send.all", "tool://mail/send"}},

		{"stars between literals", "tool://*a*b*",
			[]string{"tool://ab", "tool://xaxbx", "tool://aab"},
			[]string{"tool://ba", "tool://a/b"}},
		{"the ends don't overlap", "tool://ab*ba",
			[]string{"tool://abba", "tool://abxba"},
			[]string{"tool://aba"}},
		{"the middle doesn't overlap the ends", "tool://a*a*a",
			[]string{"tool://aaa", "tool://axaxa"},
			[]string{"tool://aa"}},
		{"a star takes nothing too", "tool://a*",
			[]string{"tool://a", "tool://ab"},
			[]string{"tool://ba"}},
		{"stars beside letters of several bytes", "file:///é*",
			[]string{"file:///é", "file:///éx"},
			[]string{"file:///e", "file:///è"}},

		{"alternatives", "{http,https}://a.com/{v1,v2/**}",
			[]string{"http://a.com/v1", "https://a.com/v2", "https://a.com/v2/x?q"},
			[]string{"ws://a.com/v1", "https://a.com/v1/x", "https://a.com/v3"}},
		{"nested and empty alternatives", "file:///a{,.txt,/{b,c*}}",
			[]string{"file:///a", "file:///a.txt", "file:///a/b", "file:///a/cx"},
			[]string{"file:///a/bx", "file:///ab"}},
		{"alternatives across families", "{https://a.com,file:///a}/**",
			[]string{"https://a.com/x", "file:///a/x"},
			[]string{"https://b.com/x", "tool://a/x"}},
		{"a comma outside braces is a comma", "tool://a,b",
			[]string{"tool://a,b"},
			[]string{"tool://a", "tool://b"}},

		{"one label", "https://*.example.com/**",
			[]string{"https://a.example.com/", "https://xn--pple-43d.example.com/x?q"},
			[]string{"https://evilexample.com/", "https://example.com/", "https://a.b.example.com/",
				"https://a.example.com.evil.com/", "http://a.example.com/", "https://a.example.com:8443/"}},
		{"any number of labels", "https://**.example.com/**",
			[]string{"https://example.com/", "https://a.example.com/", "https://a.b.example.com/"},
			[]string{"https://evilexample.com/", "https://example.com.evil.com/"}},
		{"labels on the right", "https://example.**/",
			[]string{"https://example.com/", "https://example.co.uk/", "https://example/"},
			[]string{"https://a.example.com/"}},
		{"a star inside a label", "https://api-*.example.com/",
			[]string{"https://api-1.example.com/", "https://api-eu-1.example.com/"},
			[]string{"https://api.example.com/", "https://api-a.b.example.com/"}},
		{"A-labels by their prefix", "https://**.xn--*.**/",
			[]string{"https://xn--pple-43d.com/", "https://a.xn--pple-43d.com/"},
			[]string{"https://apple.com/"}},
		{"the lone star is one label or one address", "https://*/**",
			[]string{"https://localhost/", "https://127.0.0.1/", "https://[::1]/x"},
			[]string{"https://a.com/"}},
		{"an address is one label", "https://*.*.*.*/",
			[]string{"https://a.b.c.d/"},
			[]string{"https://127.0.0.1/", "https://[::1]/"}},
		{"a star inside a label doesn't look into an address", "https://*a*/",
			[]string{"https://cat/"},
			[]string{"https://[2001:db8::a]/", "https://127.0.0.1/"}},
		{"`**` beside a label", "https://**.*/",
			[]string{"https://a/", "https://a.b/", "https://127.0.0.1/"},
			nil},
		{"an address", "https://127.0.0.1:8080/**",
			[]string{"https://127.0.0.1:8080/x"},
			[]string{"https://127.0.0.1/x", "https://127.0.0.2:8080/x"}},
		{"an IPv6 address", "https://[::1]/**",
			[]string{"https://[::1]/"},
			[]string{"https://[::2]/", "https://localhost/"}},
		{"the host `**`", "https://**",
			[]string{"https://a.com/", "https://a.com:8443/x/y?q", "https://127.0.0.1/", "https://[::1]:1/?q"},
			[]string{"http://a.com/", "wss://a.com/"}},

		{"no port is the default port", "https://a.com/**",
			[]string{"https://a.com/x"},
			[]string{"https://a.com:8443/x"}},
		{"a port is that port", "https://a.com:8443/**",
			[]string{"https://a.com:8443/x"},
			[]string{"https://a.com/x", "https://a.com:8444/x"}},
		{"any port", "https://a.com:*/**",
			[]string{"https://a.com/x", "https://a.com:8443/x"},
			[]string{"https://b.com/x"}},

		{"no path is the root", "https://*.example.com",
			[]string{"https://a.example.com/"},
			[]string{"https://a.example.com/x", "https://a.example.com/?q"}},
		{"a trailing slash of a name changes nothing", "https://a.com/v1",
			[]string{"https://a.com/v1", "https://a.com/v1/"},
			[]string{"https://a.com/v1/x"}},
		{"a trailing slash is not an empty segment", "https://a.com/v1/*",
			[]string{"https://a.com/v1/x", "https://a.com/v1/x/"},
			[]string{"https://a.com/v1/", "https://a.com/v1"}},

		{"a pattern without query matches none", "https://a.com/x",
			[]string{"https://a.com/x"},
			[]string{"https://a.com/x?q", "https://a.com/x?admin=1"}},
		{"nor does one that closes with `*`", "https://a.com/*",
			[]string{"https://a.com/x"},
			[]string{"https://a.com/x?q"}},
		{"nor one with `**` elsewhere", "https://a.com/**/x",
			[]string{"https://a.com/x"},
			[]string{"https://a.com/x?q"}},
		{"a closing `**` covers any query", "https://a.com/x/**",
			[]string{"https://a.com/x", "https://a.com/x?q", "https://a.com/x/y?a/b/../c"},
			nil},
		{"a written query is required", "https://a.com/x?*",
			[]string{"https://a.com/x?q", "https://a.com/x/?q"},
			[]string{"https://a.com/x"}},
		{"also after a closing `**`", "https://a.com/**?page=*",
			[]string{"https://a.com/?page=1", "https://a.com/x?page="},
			[]string{"https://a.com/", "https://a.com/?q&page=1"}},
		{"S09 a query outside the pattern", "https://a.com/x?page=*&n=*",
			[]string{"https://a.com/x?page=1&n=2", "https://a.com/x?page=a/b&n="},
			[]string{"https://a.com/x?page=1", "https://a.com/x?page=1&m=2", "https://a.com/x"}},
		{"a star in the query crosses slashes and question marks", "https://a.com/x?*z",
			[]string{"https://a.com/x?a/b?z"},
			[]string{"https://a.com/x?a/b?y"}},
	}
	for _, tt := range tests {
		t.Run(tt.title, func(t *testing.T) {
			p := pattern(t, tt.pattern)
			for _, s := range tt.yes {
				if !p.Match(parse(t, s)) {
					t.Errorf("%s doesn't match %s", p, s)
				}
			}
			for _, s := range tt.no {
				if p.Match(parse(t, s)) {
					t.Errorf("%s matches %s", p, s)
				}
			}
			if p.String() != tt.pattern {
				t.Errorf("String() = %q", p)
			}
		})
	}
}

func TestParsePatternRefuses(t *testing.T) {
	many := func(n int) string { return "{" + strings.TrimSuffix(strings.Repeat("a,", n), ",") + "}" }
	tests := []struct {
		title     string
		in        string
		at        int
		why       string
		canonical string
	}{
		{"`**` glued to letters", "file:///a**", 9, "`**` is a whole segment", ""},
		{"three stars", "file:///***", 8, "`**` is a whole segment", ""},
		{"`**` glued to a label", "https://a**.com/", 9, "`**` is a whole label", ""},
		{"host `**` with a path", "https://**/x", 8, "the host `**` stands alone", ""},
		{"host `**` with a root path", "https://**/", 8, "the host `**` stands alone", ""},
		{"host `**` with a port", "https://**:8080", 8, "the host `**` stands alone", ""},
		{"host `**` with a query", "https://**?x", 8, "the host `**` stands alone", ""},
		{"host `**` in disguise", "https://**.**/x", 8, "the host `**` stands alone", ""},
		{"scheme star", "*://a.com/", 0, "a scheme has no wildcards", ""},
		{"scheme star inside", "http*://a.com/", 4, "a scheme has no wildcards", ""},
		{"`**` in a query", "https://a.com/x?**", 16, "write `*`", ""},
		{"question mark as a wildcard", "file:///a?", 9, `"?": only http, https, ws and wss have a query`, ""},
		{"query without a path", "https://a.com?x=*", 13, "an empty path", "https://a.com/?x=*"},
		{"empty query", "https://a.com/x?", 15, `"?" without a query`, "https://a.com/x"},
		{"slash at the end", "https://a.com/v1/", 16, `write "/**" for all that is below it too`, ""},
		{"slash at the end of a file", "file:///data/", 12, `a "/" at the end: leave it out`, ""},

		{"range of addresses", "https://10.*/", 8, "looks like a range of addresses", ""},
		{"range of addresses, every part", "https://192.168.*.*/", 8, "looks like a range of addresses", ""},
		{"range of addresses with `**`", "https://10.**/", 8, "looks like a range of addresses", ""},
		{"range of addresses, last part", "https://*.1/", 8, "looks like a range of addresses", ""},
		{"range of addresses inside a part", "https://127.0.0.1*/", 8, "looks like a range of addresses", ""},
		{"range of names that end in a number", "https://*.example.1/", 8, "looks like a range of addresses", ""},
		{"range of hexadecimal addresses", "https://0x7f*/", 8, "looks like a range of addresses", ""},

		{"T10 literal parts are canonical: dots", "file:///data/../**", 13, "dot segment", "file:///**"},
		{"dots after a wildcard", "file:///data/*/../x", 15, "dot segment", ""},
		{"literal parts are canonical: host", "https://*.Example.com/**", 10, "upper-case", "https://*.example.com/**"},
		{"literal parts are canonical: host in another script", "https://*.аpple.com", 10, "A-labels", "https://*.xn--pple-43d.com"},
		{"literal parts are canonical: A-label", "https://*.xn--1ch.com/", 10, "not a valid A-label", ""},
		{"literal parts are canonical: port", "https://*.a.com:443/**", 15, "default port", "https://*.a.com/**"},
		{"literal parts are canonical: encoding", "https://a.com/%7e*/%c3%a9", 14, "needless encoding", "https://a.com/~*/%C3%A9"},
		{"a star that splits an encoding", "https://a.com/%4*", 14, "not followed by two hexadecimal digits", ""},
		{"a star that splits a character", "https://a.com/%C3*", 14, "not part of valid UTF-8", ""},
		{"userinfo with a star", "https://*@evil.com/", 8, "userinfo", ""},
		{"invisible character", "file:///a\u200b/**", 9, "U+200B", ""},
		{"invalid UTF-8", "file:///a\xff/**", 9, "invalid UTF-8", ""},
		{"no scheme", "/srv/**", 0, "no scheme", ""},
		{"any is not a pattern", "any", 0, "no scheme", ""},
		{"nothing", "", 0, "no scheme", ""},

		{"brace left open", "file:///{a,b", 8, `"{" without "}"`, ""},
		{"brace left open at the end", "file:///{", 8, `"{" without "}"`, ""},
		{"brace not opened", "file:///a}", 9, `"}" without "{"`, ""},
		{"empty braces", "file:///{}", 8, "no alternatives between the braces", ""},
		{"fault in an alternative", "file:///{ab,c..d,..}/x", 17, `dot segment ("..") (in the alternative "file:///../x")`, ""},
		{"fault behind alternatives", "file:///{a,b}//x", 14, "an empty segment", ""},
		{"fault that alternatives make together", "tool://{e,x}\u0301", 8, "not in Unicode normalization form C", ""},
		{"fault at the end", "https://a.com/{x,y}?", 19, `"?" without a query`, ""},

		{"T18 too many alternatives", "file:///" + many(257), 8, "more than 256 alternatives", ""},
		{"T18 too many alternatives together", "file:///" + strings.Repeat("{a,b}", 9), 48, "more than 256 alternatives", ""},
		{"T18 exponential alternatives", "file:///" + strings.Repeat("{a,b}", 800), 48, "more than 256 alternatives", ""},
		{"T18 alternatives of nested groups", "file:///{" + many(200) + "," + many(57) + "}", 8, "more than 256 alternatives", ""},
		{"T18 deep nesting", "file:///" + strings.Repeat("{", 9) + "a" + strings.Repeat("}", 9), 16, "braces nest more than 8 deep", ""},
		{"T18 very deep nesting", "file:///" + strings.Repeat("{", 4000), 16, "braces nest more than 8 deep", ""},
		{"T18 long alternatives", "file:///" + strings.Repeat("{a,b}", 8) + strings.Repeat("/x", 200), 8, "more than 65536 bytes in all", ""},
		{"T18 long pattern", "file:///" + strings.Repeat("a", 4096), 4096, "longer than 4096 bytes", ""},
		{"T18 long pattern of short alternatives", "tool://{" + strings.Repeat("aaaaaaaaaaaaaaaaaaaa,", 200) + "a}", 4096, "longer than 4096 bytes", ""},
		{"T18 many segments", "file://" + strings.Repeat("/*", 257), 7 + 512 + 1, "more than 256 segments", ""},
		{"T18 long run between `**`", "file:///**" + strings.Repeat("/a", 33) + "/**", 77, "more than 32 parts between two `**`", ""},
		{"T18 long run of labels", "https://**" + strings.Repeat(".a", 33) + ".**.com/", 77, "more than 32 parts between two `**`", ""},
	}
	for _, tt := range tests {
		t.Run(tt.title, func(t *testing.T) {
			p, err := ParsePattern(tt.in)
			if p != nil {
				t.Errorf("a refused pattern came back")
			}
			checkError(t, err, tt.in, tt.at, tt.why, tt.canonical)
		})
	}
}

func TestParsePatternAtTheBounds(t *testing.T) {
	for _, s := range []string{
		"file:///" + strings.Repeat("{a,b}", 8),
		"file:///" + strings.Repeat("{", MaxNesting) + "a" + strings.Repeat("}", MaxNesting),
		"file:///" + strings.Repeat("a", MaxPatternLen-8),
		"file:///" + strings.Repeat("{a}", (MaxPatternLen-8)/3),
		"file://" + strings.Repeat("/*", MaxSegments),
		"file:///**" + strings.Repeat("/a", MaxRun) + "/**",
		"file://" + strings.Repeat("/a", 100) + "/**" + strings.Repeat("/a", 100),
	} {
		if _, err := ParsePattern(s); err != nil {
			t.Error(err)
		}
	}
}

func TestLiteral(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.com/x?q":    "https://a.com/x?q",
		"https://a.com":        "https://a.com/",
		"https://a.com:8443":   "https://a.com:8443/",
		"tool://mail.send":     "tool://mail.send",
		"tool://{a}":           "tool://a",
		"tool://{a,a}":         "tool://a",
		"tool://{a,b}":         "",
		"tool://*":             "",
		"https://a.com/**":     "",
		"https://a.com/x?*":    "",
		"https://a.com:*/":     "",
		"https://**":           "",
		"https://[::1]/a/b/c":  "https://[::1]/a/b/c",
		"https://*.a.com/":     "",
		"file:///":             "file:///",
		"https://127.0.0.1:80": "https://127.0.0.1:80/",
	} {
		n, ok := pattern(t, in).Literal()
		if n.String() != want || ok != (want != "") {
			t.Errorf("%s: Literal() = %q, %v; want %q", in, n, ok, want)
		}
	}
	if n, ok := Any().Literal(); ok {
		t.Errorf("Any().Literal() = %q", n)
	}
}

func TestAnyMatchesEveryResource(t *testing.T) {
	for _, s := range canonicalNames {
		if !Any().Match(parse(t, s)) {
			t.Errorf("Any doesn't match %s", s)
		}
	}
	if s := Any().String(); s != "any" {
		t.Errorf("Any().String() = %q", s)
	}
}

func TestZeroPatternMatchesNothing(t *testing.T) {
	var p Pattern
	if p.Match(parse(t, "tool://a")) {
		t.Error("the zero Pattern matches")
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	p := pattern(t, "{http,https}://**.example.com:*/**/a*b*c/**/x?q=*")
	n := parse(t, "https://a.b.example.com/x/abbc/y/x?q=1")
	if !p.Match(n) {
		t.Fatal("no match")
	}
	if allocs := testing.AllocsPerRun(100, func() { p.Match(n) }); allocs != 0 {
		t.Errorf("Match allocates %v times", allocs)
	}
}

func pattern(t testing.TB, s string) *Pattern {
	t.Helper()
	p, err := ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
