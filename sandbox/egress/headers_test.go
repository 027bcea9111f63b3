package egress

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestS07Headers(t *testing.T) {
	w := newWorld(t, nothing)
	refuse := func(header map[string][]string) {
		t.Helper()
		_, err := w.Do(t.Context(), &Request{Method: "POST", URL: w.url("api.example.com", "/"), Header: header, Body: []byte("x")})
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeBadRequest {
			t.Errorf("%.80q: %v", header, err)
		}
	}
	for _, name := range []string{
		"host", "HOST", "content-length", "TE", "proxy-anything", "authorization", "X-Real-IP", "X-HTTP-Method-Override", "CF-Connecting-IP", "x-goog-iap-jwt-assertion",
		"X-Api-Key", "x-api-key", // filled by a binding that isn't used now
		"", " ", "X Y", "X:", ":authority", "X\r\nHost", "X\n", "X\x00", "Ⅹ", "X_Forwarded_For", "Transfer_Encoding", "Host ", " Host", "X\t", strings.Repeat("x", 257),
	} {
		refuse(map[string][]string{name: {"1"}})
	}
	for _, value := range []string{"a\r\nHost: b", "a\nb", "a\rb", "a\x00b", "a\x7fb", "\x01", "a\r\n b"} {
		refuse(map[string][]string{"X-A": {"fine", value}})
	}
	refuse(map[string][]string{"X-A": {"1"}, "x-a": {"2"}})
	refuse(map[string][]string{"Content-Type": {"a/b", "c/d"}})
	refuse(map[string][]string{"Content-Type": {}})
	refuse(map[string][]string{"X-A": make([]string, MaxHeaders+1)})
	refuse(map[string][]string{"X-A": {strings.Repeat("x", MaxHeaderBytes)}})
	if len(w.asked) != 0 || w.count() != 0 {
		t.Errorf("asked %q, %d requests", w.asked, w.count())
	}
	_, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url("api.example.com", "/"), Header: map[string][]string{"X-A": make([]string, MaxHeaders), "user-agent": {}, "X-None": nil}})
	if err != nil || len(w.requests[0].Header["X-A"]) != MaxHeaders {
		t.Errorf("as many headers as are allowed: %v", err)
	}
}

// Every name and every prefix that is refused, written out again: nothing else notices that one has gone.
func TestS07NamesOfHeaders(t *testing.T) {
	names := []string{
		"Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Max-Forwards", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
		"Authorization", "Cookie", "Cookie2",
		"Client-Ip", "Fastly-Client-Ip", "Forwarded", "Front-End-Https", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Host", "X-Originating-Ip", "X-Real-Ip",
		"Destination", "X-Method-Override", "X-Override-Url", "X-Rewrite-Url",
		"A-Im", "Accept-Charset", "Accept-Encoding", "If-Range", "Range", "Want-Digest", "Want-Content-Digest", "Want-Repr-Digest",
	}
	byPrefix := map[string][]string{
		"Cf-":                   {"Cf-Connecting-Ip", "Cf-Access-Jwt-Assertion"},
		"Proxy-":                {"Proxy-Authorization", "Proxy-Connection"},
		"Sec-":                  {"Sec-Fetch-Mode", "Sec-Websocket-Key"},
		"Ssl-":                  {"Ssl-Client-Cert", "Ssl-Client-Verify"},
		"X-Appengine-":          {"X-Appengine-User-Ip"},
		"X-Arr-":                {"X-Arr-Clientcert"},
		"X-Azure-":              {"X-Azure-Clientip"},
		"X-Envoy-":              {"X-Envoy-Original-Path", "X-Envoy-Original-Dst-Host"},
		"X-Forwarded":           {"X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix"},
		"X-Goog-Authenticated-": {"X-Goog-Authenticated-User-Email"},
		"X-Goog-Iap-":           {"X-Goog-Iap-Jwt-Assertion"},
		"X-Http-":               {"X-Http-Method", "X-Http-Method-Override", "X-Http-Host-Override", "X-Http-Path-Override"},
		"X-Middleware-":         {"X-Middleware-Subrequest"},
		"X-Ms-Client-":          {"X-Ms-Client-Principal", "X-Ms-Client-Principal-Id"},
		"X-Original-":           {"X-Original-Url", "X-Original-Uri", "X-Original-Host", "X-Original-Method"},
		"X-Remote-":             {"X-Remote-User", "X-Remote-Addr", "X-Remote-Ip"},
		"X-Ssl-":                {"X-Ssl-Client-Verify", "X-Ssl-Cert"},
	}
	if diff := cmp.Diff(notForGuests, names); diff != "" {
		t.Errorf("the names (-table +here):\n%s", diff)
	}
	if diff := cmp.Diff(notForGuestsPrefixes, slices.Sorted(maps.Keys(byPrefix))); diff != "" {
		t.Errorf("the prefixes (-table +here):\n%s", diff)
	}
	for _, more := range byPrefix {
		names = append(names, more...)
	}
	w := newWorld(t, nothing, func(o *Options) { o.Bindings = nil })
	for _, name := range names {
		for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			_, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url("api.example.com", "/"), Header: map[string][]string{spelled: {"1"}}})
			var e *Error
			if !errors.As(err, &e) || e.Code != CodeBadRequest {
				t.Errorf("%s: %v", spelled, err)
			}
		}
	}
	if len(w.asked) != 0 || w.count() != 0 {
		t.Errorf("asked %q, %d requests", w.asked, w.count())
	}
	// What only looks like one of them is a guest's.
	for _, name := range []string{"Accept", "Content-Type", "If-Match", "Idempotency-Key", "Origin", "Cfx", "Secret", "Section", "X-Forward", "X-Httpbin", "X-Origin", "X-Request-Id", "X-Source"} {
		if _, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url("api.example.com", "/"), Header: map[string][]string{name: {"1"}}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Credentials are for secrets to give, also where none is bound.
func TestS07OwnCredentials(t *testing.T) {
	w := newWorld(t, nothing, func(o *Options) { o.Bindings = nil })
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		_, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url("api.example.com", "/"), Header: map[string][]string{name: {"Basic eDp5"}}})
		wantCode(t, err, CodeBadRequest)
	}
}

func TestS07Methods(t *testing.T) {
	w := newWorld(t, nothing)
	for _, method := range []string{"TRACE", "CONNECT", "TRACK", "get", "", "GET ", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "PROPFIND", "PRI", "M\x00"} {
		_, err := w.Do(t.Context(), &Request{Method: method, URL: w.url("api.example.com", "/")})
		wantCode(t, err, CodeBadRequest)
	}
	_, err := w.Do(t.Context(), &Request{Method: "POST", URL: w.url("api.example.com", "/"), Body: make([]byte, DefaultBytes+1)})
	wantCode(t, err, CodeBadRequest)
	if len(w.asked) != 0 || w.count() != 0 {
		t.Errorf("asked %q, %d requests", w.asked, w.count())
	}
}
