package secret

import (
	"strings"
	"testing"

	"github.com/moat-lang/moat/resource"
)

func TestNewBinding(t *testing.T) {
	for name, tt := range map[string]struct{ name, on, header, template, err string }{
		"as in the specification": {"openai", "https://api.openai.com/**", "Authorization", "Bearer {}", ""},
		"any https":               {"a", "https://**", "x-api-key", "{}", ""},
		"cookie":                  {"a", "https://a.com/**", "Cookie", "session={}; x=1", ""},
		"alternatives":            {"a", "https://{a,b}.com/**", "Authorization", "{}", ""},
		"http":                    {"a", "http://a.com/**", "Authorization", "{}", "in the clear"},
		"http or https":           {"a", "{https,http}://a.com/**", "Authorization", "{}", "in the clear"},
		"web socket":              {"a", "wss://a.com/**", "Authorization", "{}", "isn't https"},
		"a file":                  {"a", "file:///**", "Authorization", "{}", "isn't https"},
		"name":                    {"a/b", "https://a.com/**", "Authorization", "{}", "not the name of a secret"},
		"no header":               {"a", "https://a.com/**", "", "{}", "not the name of a header"},
		"two lines":               {"a", "https://a.com/**", "X\r\nY", "{}", "not the name of a header"},
		"a space":                 {"a", "https://a.com/**", "X Y", "{}", "not the name of a header"},
		"host":                    {"a", "https://a.com/**", "host", "{}", "no secret goes into the header Host"},
		"length":                  {"a", "https://a.com/**", "Content-Length", "{}", "no secret goes"},
		"hop by hop":              {"a", "https://a.com/**", "TE", "{}", "no secret goes"},
		"proxy":                   {"a", "https://a.com/**", "proxy-authorization", "{}", "no secret goes"},
		"no hole":                 {"a", "https://a.com/**", "Authorization", "Bearer", "{} once"},
		"two holes":               {"a", "https://a.com/**", "Authorization", "{}{}", "{} once"},
		"line break":              {"a", "https://a.com/**", "Authorization", "{}\r\nX: y", "a control character"},
		"space last":              {"a", "https://a.com/**", "Authorization", "{} ", "a space first or last"},
		"long":                    {"a", "https://a.com/**", "Authorization", "{}" + strings.Repeat("x", MaxTemplateLen), "at most"},
	} {
		on, err := resource.ParsePattern(tt.on)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBinding(tt.name, on, tt.header, tt.template)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || (b == nil) != (err != nil) {
			t.Errorf("%s: %v, want %q", name, err, tt.err)
		}
	}
	if _, err := NewBinding("a", resource.Any(), "Authorization", "{}"); err == nil {
		t.Error("any resource is accepted")
	}
	if _, err := NewBinding("a", nil, "Authorization", "{}"); err == nil {
		t.Error("no pattern is accepted")
	}
}

func TestFill(t *testing.T) {
	on, err := resource.ParsePattern("https://a.com/**")
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBinding("a", on, "authorization", "Bearer {}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Fill(mustNew(t, "{}1234567{}")); err != nil || got != "Bearer {}1234567{}" || b.Header() != "Authorization" || b.Name() != "a" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := b.Fill(Value{}); err == nil {
		t.Error("the zero Value fills the header")
	}
	if _, err := new(Binding).Fill(mustNew(t, sample)); err == nil || new(Binding).Match(resource.Name{}) {
		t.Error("the zero Binding can be used")
	}
	for url, want := range map[string]bool{"https://a.com/x?y": true, "https://b.com/": false, "http://a.com/": false, "https://a.com:8443/": false} {
		n, err := resource.Parse(url)
		if err != nil || b.Match(n) != want {
			t.Errorf("%s: %v, %v", url, !want, err)
		}
	}
}
