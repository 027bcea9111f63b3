package egress

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

type slowResolver struct{}

func (slowResolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// What is accepted of a guest is, on the wire, one request to the URL that is asked for, with the guest's headers and no others.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "https://api.example.com/a?b=c", "X-A", "b", "")
	f.Add("POST", "https://a.com:8443/%C3%A9/~x", "content-type", "a\tb", "hello")
	f.Add("GET", "https://[2606::1]/", "X_A", "\r\nHost: x", "")
	f.Add("PUT", "https://127.1/", "Transfer-Encoding", "chunked", "0\r\n\r\n")
	f.Add("GET", "https://a.com@b.com/", "Host", "c.com", "")
	f.Add("OPTIONS", "https://a.com/*", "user-agent", "\xff", "")
	f.Add("GET", "https://a.com/'()!$&,:@", "accept", "", "")
	ask := func(context.Context, Question) (func(Outcome) error, error) { return nil, nil }
	c, err := New(Options{Ask: ask, Secrets: secretMap(), Bindings: bindings(bind(f, "key", "https://**", "X-Key", "{}"))})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, url, name, value, body string) {
		h, failure := c.check(&Request{Method: method, URL: url, Header: map[string][]string{name: {value}}, Body: []byte(body)})
		if failure != nil {
			if h != nil || failure.Code == "" || strings.ContainsAny(failure.Error(), "\r\n") {
				t.Errorf("the refusal is %q", failure)
			}
			return
		}
		var wire bytes.Buffer
		if err := h.request().Write(&wire); err != nil {
			t.Fatalf("%q %q %q: %v", method, url, name, err)
		}
		in := bufio.NewReader(&wire)
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q %q: %v", method, url, err)
		}
		gotBody, err := io.ReadAll(got.Body)
		if err != nil || string(gotBody) != body || in.Buffered() != 0 {
			t.Errorf("the body is %q, %v; want %q; %d bytes follow", gotBody, err, body, in.Buffered())
		}
		if "https://"+got.Host+got.RequestURI != url || got.Method != method {
			t.Errorf("%s %q becomes %s of %q at %q", method, url, got.Method, got.RequestURI, got.Host)
		}
		for k, v := range got.Header {
			switch {
			case k == "Accept-Encoding" && v[0] == "identity", k == "User-Agent" && v[0] == "moat", k == "Content-Length":
			case k != http.CanonicalHeaderKey(name) || len(v) != 1 || v[0] != strings.Trim(value, " \t"):
				t.Errorf("the header %s is %q; given was %q: %q", k, v, name, value)
			}
		}
	})
}
