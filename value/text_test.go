package value

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestURLs(t *testing.T) {
	tests := []struct {
		in      string
		want    []string
		unclear bool
	}{
		{"", nil, false},
		{"nothing here, e.g. main.go or example.com", nil, false},
		{"see https://a.com/x.", []string{"https://a.com/x"}, false},
		{"see https://a.com.", []string{"https://a.com/"}, false},
		{"https://a.com and https://a.com/ and https://b.com/y", []string{"https://a.com/", "https://b.com/y"}, false},
		{"(https://a.com/x), <https://b.com/>; \"https://c.com/\"!", []string{"https://a.com/x", "https://b.com/", "https://c.com/"}, false},
		{"https://a.com/w_(x) (see https://a.com/w_(y))", []string{"https://a.com/w_(x)", "https://a.com/w_(y)"}, false},
		{"[text](https://a.com/x) ![](https://b.com/p?q=1)", []string{"https://a.com/x", "https://b.com/p?q=1"}, false},
		{"`https://a.com/x` 'https://b.com/' **https://c.com/**", []string{"https://a.com/x", "https://b.com/", "https://c.com/"}, false},
		{"“https://a.com/x” 见https://b.com/", []string{"https://a.com/x", "https://b.com/"}, false},
		{`<a href="https://a.com/x">y</a>`, []string{"https://a.com/x"}, false},
		{"https://a.com/\nhttp://b.com:8080/\twss://c.com/", []string{"https://a.com/", "http://b.com:8080/", "wss://c.com/"}, false},
		{"https://a.com/x,y", []string{"https://a.com/x,y"}, false},
		{"https://www.a.com/", []string{"https://www.a.com/"}, false},
		{"/usr/lib//x.so a//b.c /* x */ // comment.here //note", nil, false},
		{"awww.cute", nil, false},
		{"speaks http: or https:", nil, false},
		{"ends with www.", nil, false},

		{"HTTPS://a.com/", nil, true},
		{"https://A.com/", nil, true},
		{"xhttps://a.com/", nil, true},
		{"ftp://a.com/", nil, true},
		{"file:///etc/passwd", nil, true},
		{"javascript://a.com/%0aalert(1)", nil, true},
		{"https://", nil, true},
		{"://", nil, true},
		{"http\u200bs://a.com/", nil, true},
		{"https://a@b.com/", nil, true},
		{"https://a.com/#f", nil, true},
		{"https://a.com/%2e%2e/", nil, true},
		{"https://127.1/", nil, true},
		{"https://a.com/,https://b.com/", nil, true},
		{"https://a.com/?u=https://b.com/", nil, true},
		{"https://a.com/x)[y](//b.com", nil, true},
		{"https://a.com/x)y", nil, true},
		{"https://a.com/x','y", nil, true},
		{"_https://a.com/x_", nil, true},
		{"https://a.com/é", nil, true},
		{"https://a.com。下", nil, true},
		{"https://b.com/ www.a.com", []string{"https://b.com/"}, true},
		{"[WWW.a.com](https://b.com/)", nil, true},
		{"https:a.com", nil, true},
		{"https:/a.com", nil, true},
		{`https:\\a.com`, nil, true},
		{"![x](//evil.com/?q=1)", nil, true},
		{`src="//evil.com/x"`, nil, true},
		{`\\evil.com\share`, nil, true},
		{`/\evil.com`, nil, true},
		{"///evil.com", nil, true},
		{"\xff https://a.com/", nil, true},
		{strings.Repeat(" ", MaxText) + "x", nil, true},
	}
	for _, tt := range tests {
		found, unclear := URLs(tt.in)
		var got []string
		for _, n := range found {
			got = append(got, n.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || unclear != tt.unclear {
			t.Errorf("URLs(%.60q): unclear = %v, want %v, -want +got\n%s", tt.in, unclear, tt.unclear, diff)
		}
	}
}

func TestEmails(t *testing.T) {
	tests := []struct {
		in      string
		want    []Email
		unclear bool
	}{
		{"", nil, false},
		{"@alice said: meet @ noon, costs 3 @ 5, a@ and\n@bob", nil, false},
		{"write a@b.com.", []Email{"a@b.com"}, false},
		{"a@b.com,c@d.com;a@b.com", []Email{"a@b.com", "c@d.com"}, false},
		{"a@b.com\r\nBcc: x@y.com", []Email{"a@b.com", "x@y.com"}, false},
		{"Bob <bob@b.com>, \"mailto:c@d.com?subject=x\"", []Email{"bob@b.com", "c@d.com"}, false},
		{"(a.b+c@x-y.example.com)!", []Email{"a.b+c@x-y.example.com"}, false},
		{"a@b.com's and a@b.com/x", []Email{"a@b.com"}, false},
		{"“a@b.com”，", []Email{"a@b.com"}, false},
		{"git@github.com:org/repo", []Email{"git@github.com"}, false},

		{"a@B.com", nil, true},
		{"a@b@c.com", nil, true},
		{"'a@b.com'", nil, true},
		{"_a@b.com_", nil, true},
		{"to=a@b.com", nil, true},
		{"josé@b.com", nil, true},
		{"jésus@b.com", nil, true},
		{"a@b.comé", nil, true},
		{"a@bücher.example", nil, true},
		{"a@b。evil.com", nil, true},
		{"a@b.com\u200b.evil.com", nil, true},
		{"a@b.com_c", nil, true},
		{`"a b"@c.com`, nil, true},
		{"a@[127.0.0.1]", nil, true},
		{"a@127.0.0.1", nil, true},
		{"x(@y)", nil, true},
		{"https://a.com/@user", nil, true},
		{"a@b.com c@D.com", []Email{"a@b.com"}, true},
		{strings.Repeat("a", 65) + "@b.com", nil, true},
		{"a@" + strings.Repeat("b.", 200) + "com", nil, true},
		{"a@b.com \xff", nil, true},
		{strings.Repeat(" ", MaxText) + "x", nil, true},
	}
	for _, tt := range tests {
		got, unclear := Emails(tt.in)
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || unclear != tt.unclear {
			t.Errorf("Emails(%.60q): unclear = %v, want %v, -want +got\n%s", tt.in, unclear, tt.unclear, diff)
		}
	}
}

func TestTextsAtTheirBounds(t *testing.T) {
	hostile := []string{
		strings.Repeat("://", MaxText/3), strings.Repeat("a://", MaxText/4), strings.Repeat("@", MaxText),
		strings.Repeat("a@", MaxText/2), strings.Repeat("a", MaxText), strings.Repeat("https://a.com/ ", MaxText/15),
		"https://" + strings.Repeat("a", MaxText-8), strings.Repeat("/", MaxText), strings.Repeat("(", MaxText),
		"https://a.com/" + strings.Repeat(")", MaxText-14), strings.Repeat("//a", MaxText/3), strings.Repeat("www", MaxText/3),
		strings.Repeat("https:", MaxText/6), strings.Repeat("a.", MaxText/2), strings.Repeat(".@", MaxText/2),
	}
	for _, s := range hostile {
		start := time.Now()
		URLs(s)
		Emails(s)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%.20q took %v", s, d)
		}
	}
	var urls, emails strings.Builder
	for i := range MaxFound + 1 {
		c := string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/26/26)})
		urls.WriteString("https://" + c + ".com/ ")
		emails.WriteString(c + "@a.com ")
	}
	if found, unclear := URLs(urls.String()); len(found) != MaxFound || !unclear {
		t.Errorf("%d URLs, unclear = %v", len(found), unclear)
	}
	if found, unclear := Emails(emails.String()); len(found) != MaxFound || !unclear {
		t.Errorf("%d addresses, unclear = %v", len(found), unclear)
	}
}

// FuzzText checks that what is found in a text stands there, and that no canonical URL or address between spaces is
// overlooked.
func FuzzText(f *testing.F) {
	for _, s := range []string{"see https://a.com/x. or a@b.com", "(https://a.com/w_(x))", "//b.com", "é@b.com", "https://a.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		urls, unclearURLs := URLs(s)
		for _, n := range urls {
			if !strings.Contains(s, strings.TrimSuffix(n.String(), "/")) {
				t.Fatalf("URLs(%q) found %q", s, n)
			}
		}
		emails, unclearEmails := Emails(s)
		for _, e := range emails {
			if _, err := ParseEmail(string(e)); err != nil || !strings.Contains(s, string(e)) {
				t.Fatalf("Emails(%q) found %q, %v", s, e, err)
			}
		}
		for _, word := range strings.Fields(s) {
			if strings.Contains(word, "://") && len(urls) == 0 && !unclearURLs {
				t.Fatalf("URLs(%q) overlooked %q", s, word)
			}
			if at := strings.Index(word, "@"); at > 0 && at+1 < len(word) && len(emails) == 0 && !unclearEmails {
				t.Fatalf("Emails(%q) overlooked %q", s, word)
			}
			if e, err := ParseEmail(word); err == nil && !slices.Contains(emails, e) && !unclearEmails {
				t.Fatalf("Emails(%q) overlooked %q", s, e)
			}
		}
	})
}
