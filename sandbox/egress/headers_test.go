package egress

import (
	"errors"
	"strings"
	"testing"
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
		"Host", "host", "HOST", "Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Expect", "Via", "Max-Forwards",
		"Proxy-Authorization", "Proxy-Connection", "proxy-anything", "Accept-Encoding", "Accept-Charset", "Range", "If-Range",
		"Authorization", "authorization", "Cookie", "X-Api-Key", "x-api-key", // the last is filled by a binding that isn't used now
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Sec-Fetch-Mode", "CF-Connecting-IP",
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
