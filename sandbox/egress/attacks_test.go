package egress

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/secret"
)

func nothing(http.ResponseWriter, *http.Request) {}

// withoutGrants leaves a client the public addresses alone.
func withoutGrants(o *Options) { o.Private = nil }

// A name that resolves to nothing but special addresses is as unreachable as one that there isn't.
func TestS04Resolver(t *testing.T) {
	for _, answers := range [][]string{
		{"127.0.0.1"}, {"::1"}, {"0.0.0.0"}, {"::"}, {"10.1.2.3"}, {"192.168.0.1"}, {"169.254.169.254"}, {"100.64.0.1"}, {"::ffff:127.0.0.1"}, {"::ffff:169.254.169.254"}, {"::ffff:8.8.8.8"},
		{"64:ff9b::7f00:1"}, {"64:ff9b::a9fe:a9fe"}, {"2002:7f00:1::1"}, {"2002:a9fe:a9fe::"}, {"2001:0:7f00:1::"}, {"::7f00:1"}, {"fd00:ec2::254"}, {"fe80::1"}, {"ff02::1"},
		{"127.0.0.1", "::1", "10.0.0.1"}, nil,
	} {
		w := newWorld(t, nothing, withoutGrants)
		w.names.names["api.example.com."] = [][]string{answers}
		_, err := w.get("/", "key")
		wantCode(t, err, CodeUnreachable)
		if e := err.(*Error); e.Stage != StageResolve || w.count() != 0 {
			t.Errorf("%q: stopped at %s, with %d requests", answers, e.Stage, w.count())
		}
		if err.Error() != "egress: unreachable" {
			t.Errorf("%q: the guest is told %q", answers, err)
		}
	}
}

// Among others a special address is passed over. (The granted one stands for a public one.)
func TestS04MixedAnswers(t *testing.T) {
	w := newWorld(t, nothing)
	w.names.names["api.example.com."] = [][]string{{"127.0.0.2", "10.0.0.1", "127.0.0.1", "::1", "64:ff9b::7f00:1"}}
	addrs, failure := w.resolve(t.Context(), "api.example.com")
	if want := []netip.Addr{loopback.Addr()}; failure != nil || fmt.Sprint(addrs) != fmt.Sprint(want) {
		t.Errorf("%v, %v", addrs, failure)
	}
	if _, err := w.get("/"); err != nil {
		t.Error(err)
	}
}

// The answer to A is IPv4 also where a resolver gives it in 16 bytes, and no more than some are tried.
func TestResolve(t *testing.T) {
	w := newWorld(t, nothing, withoutGrants, func(o *Options) {
		o.Resolver = resolverFunc(func(network string) []string {
			if network == "ip4" {
				return []string{"::ffff:1.1.1.1", "::ffff:127.0.0.1", "1.1.1.2", "1.1.1.3"}
			}
			return []string{"2606::1", "::ffff:1.1.1.9", "2606::2"}
		})
	})
	addrs, failure := w.resolve(t.Context(), "api.example.com")
	if failure != nil || fmt.Sprint(addrs) != "[1.1.1.1 2606::1 1.1.1.2 2606::2]" {
		t.Errorf("%v, %v", addrs, failure)
	}
}

type resolverFunc func(network string) []string

func (f resolverFunc) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, text := range f(network) {
		all = append(all, netip.MustParseAddr(text))
	}
	return all, nil
}

// A name that resolves to another address the second time: each time the one that is connected to is looked at.
func TestS04Rebind(t *testing.T) {
	w := newWorld(t, nothing)
	w.names.names["api.example.com."] = [][]string{{"127.0.0.1"}, {"127.0.0.2"}}
	if _, err := w.get("/"); err != nil {
		t.Fatal(err)
	}
	_, err := w.get("/")
	wantCode(t, err, CodeUnreachable)
	if n := len(w.names.asked); n != 4 {
		t.Errorf("the resolver was asked %d times: %q", n, w.names.asked)
	}
}

// Whatever was resolved, the dialer refuses the address itself.
func TestS04Dial(t *testing.T) {
	w := newWorld(t, nothing, withoutGrants)
	var port uint16
	fmt.Sscan(w.port, &port)
	for _, text := range []string{"127.0.0.1", "::ffff:127.0.0.1", "127.0.0.2", "0.0.0.0"} {
		conn, err := w.dial(t.Context(), []netip.Addr{netip.MustParseAddr(text)}, port)
		if err == nil {
			conn.Close()
			t.Errorf("%s is connected to", text)
		}
	}
	if err := w.control(t.Context(), "unix", "/tmp/socket", nil); err == nil {
		t.Error("a socket of Unix is connected to")
	}
}

// A machine's own address is special though it is public.
func TestS04OwnAddress(t *testing.T) {
	w := newWorld(t, nothing)
	var port uint16
	fmt.Sscan(w.port, &port)
	conn, err := w.dial(t.Context(), []netip.Addr{loopback.Addr()}, port)
	if err != nil {
		t.Fatal(err)
	}
	w.opts.Private = nil
	if err := w.notMyself(conn, loopback.Addr()); err == nil {
		t.Error("it isn't recognised")
	}
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("the connection is open")
	}
}

// What isn't the one spelling of an allowed URL is refused before anything is asked; where there is a canonical form, it is named.
func TestS05URLs(t *testing.T) {
	w := newWorld(t, nothing, func(o *Options) { o.LocalNames = []string{"printer"} })
	for text, hint := range map[string]string{
		"https://127.1/":              "https://127.0.0.1/",
		"https://2130706433/":         "https://127.0.0.1/",
		"https://0x7f.1/":             "https://127.0.0.1/",
		"https://0177.0.0.1/":         "https://127.0.0.1/",
		"https://0x7f000001/":         "https://127.0.0.1/",
		"https://1.2.3.4.5/":          "looks like a number",
		"https://a.com.0x1/":          "looks like a number",
		"https://127.0.0.1./":         "127.0.0.1",
		"https://a.com./":             "https://a.com/",
		"https://[fe80::1%25eth0]/":   "",
		"https://[fe80::1%eth0]/":     "",
		"https://[::ffff:127.0.0.1]/": "https://127.0.0.1/",
		"https://[0:0:0:0:0:0:0:1]/":  "https://[::1]/",
		"unix:///var/run/docker.sock": "unix",
		"file:///etc/passwd":          "file",
		"ftp://a.com/":                "ftp",
		"ws://a.com/":                 "ws",
		"wss://a.com/":                "wss",
		"http://a.com/":               "http",
		"gopher://a.com/":             "gopher",
		"data://x":                    "data",
		"https://a.com@b.com/":        "userinfo",
		"https://a:b@b.com/":          "userinfo",
		"https://a.com\\@b.com/":      "",
		"https://a.com/\\b":           "",
		"https:\\\\a.com/":            "",
		"https://a.com/a\tb":          "",
		"https://a.com/\n":            "",
		" https://a.com/":             "",
		"https://a.com/ ":             "",
		"https://a.com/\r\nX: y":      "",
		"https://a.com/%0d%0aX:%20y":  "",
		"https://a.com/#x":            "",
		"https://a.com/x;y":           "",
		"https://a.com/..%2fadmin":    "",
		"https://a.com/%252e":         "",
		"https://a.com//admin":        "https://a.com/admin",
		"https://a.com":               "https://a.com/",
		"https://A.com/":              "https://a.com/",
		"https://a.com:443/":          "https://a.com/",
		"https://a.com:0443/":         "",
		"https://a.com:99999/":        "",
		"https://\u0430pple.com/":     "https://xn--pple-43d.com/",
		"https://a\u3002com/":         "",
		"https://a.com/?":             "https://a.com/",
		"//a.com/":                    "",
		"/":                           "",
		"":                            "",
		"https:///a":                  "",
		"https://localhost/":          "a local name",
		"https://x.localhost/":        "a local name",
		"https://intranet/":           "a local name",
		"https://" + strings.Repeat("a.", 99) + "com/" + strings.Repeat("x", 5000): "",
	} {
		_, err := w.Do(t.Context(), &Request{Method: "GET", URL: text})
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeBadRequest || !strings.Contains(e.Hint, hint) {
			t.Errorf("%.60q: %v, want %q", text, err, hint)
		}
	}
	if len(w.asked) != 0 || w.count() != 0 || len(w.names.asked) != 0 {
		t.Errorf("asked %q, resolved %q, %d requests", w.asked, w.names.asked, w.count())
	}
	// Addresses in their canonical spelling are asked for, and then refused by the dialer.
	for _, text := range []string{"https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://[64:ff9b::7f00:1]/"} {
		_, err := w.Do(t.Context(), &Request{Method: "GET", URL: text})
		wantCode(t, err, CodeUnreachable)
	}
	_, err := w.Do(t.Context(), &Request{Method: "GET", URL: "https://printer/"})
	wantCode(t, err, CodeUnreachable) // it is granted, and there is none
	if w.names.asked[len(w.names.asked)-1] != "ip6 printer" {
		t.Errorf("the resolver was asked %q", w.names.asked)
	}
}

// What the environment says of proxies isn't followed.
func TestS05Proxy(t *testing.T) {
	used := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { used = true }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
		t.Setenv(strings.ToLower(name), proxy.URL)
	}
	w := newWorld(t, nothing)
	if _, err := w.get("/"); err != nil || used || w.count() != 1 {
		t.Errorf("%v, proxy used: %v, %d requests", err, used, w.count())
	}
}

// http is for hosts that allow it, and carries no secret.
func TestS05HTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.Host) }))
	defer plain.Close()
	w := newWorld(t, nothing, func(o *Options) { o.AllowHTTP = true })
	resp, err := w.Do(t.Context(), &Request{Method: "GET", URL: plain.URL + "/"})
	if err != nil || "http://"+string(resp.Body) != plain.URL {
		t.Errorf("%v, %v", resp, err)
	}
	_, err = w.Do(t.Context(), &Request{Method: "GET", URL: plain.URL + "/", Secrets: []string{"key"}})
	wantCode(t, err, CodeRefused)
}

// The certificate has to be one for the host of the URL, from an authority that is trusted.
func TestS05Certificate(t *testing.T) {
	w := newWorld(t, nothing)
	w.names.names["example.net."] = [][]string{{"127.0.0.1"}}
	_, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url("example.net", "/")})
	wantCode(t, err, CodeUnreachable)
	w.opts.Roots = nil
	_, err = w.get("/")
	wantCode(t, err, CodeUnreachable)
	if w.count() != 0 {
		t.Error("the server got a request")
	}
}

// A redirect is returned. The next hop is asked for like any other, and has no secret that isn't named again and bound there.
func TestS06Redirects(t *testing.T) {
	for to, want := range map[string]string{
		"https://other.example.com:PORT/next":           "https://other.example.com:PORT/next",
		"https://api.example.com:PORT/next":             "https://api.example.com:PORT/next",
		"/next?a=b#fragment":                            "https://api.example.com:PORT/next?a=b",
		"next":                                          "https://api.example.com:PORT/dir/next",
		"../x":                                          "https://api.example.com:PORT/x",
		"//other.example.com/x":                         "https://other.example.com/x",
		"http://api.example.com/x":                      "http://api.example.com/x",
		"https://169.254.169.254/latest":                "https://169.254.169.254/latest",
		"https://127.1/":                                "https://127.0.0.1/",
		"HTTPS://Other.Example.COM:443/%7ea":            "https://other.example.com/~a",
		"https://a@b.com/":                              "",
		"file:///etc/passwd":                            "",
		"javascript:alert(1)":                           "",
		"https://a.com/%zz":                             "",
		"https://a.com/..%2f":                           "",
		"https://evil.com/?k=VALUE":                     "https://evil.com/?k=" + url.QueryEscape(secret.Placeholder),
		"https://NAME.evil.com/":                        "", // a value in lower case isn't found any more
		"https://evil.com/" + strings.Repeat("x", 5000): "",
		"": "",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				_, port, _ := strings.Cut(r.Host, ":")
				sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				rw.Header().Set("Location", strings.NewReplacer("PORT", port, "VALUE", url.QueryEscape(sent), "NAME", r.Header.Get("X-Api-Key")).Replace(to))
				rw.WriteHeader(status)
			})
			resp, err := w.get("/dir/start", "key", "other")
			if err != nil {
				t.Fatalf("%q: %v", to, err)
			}
			if got := strings.ReplaceAll(resp.Location, w.port, "PORT"); resp.Status != status || got != want || w.count() != 1 || len(w.asked) != 3 {
				t.Errorf("%d to %.40q: %d %q, want %q; %d requests, asked %q", status, to, resp.Status, got, want, w.count(), w.asked)
			}
		}
	}
}

func TestS06NextHop(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			http.Redirect(rw, r, "https://other.example.com:"+r.Host[strings.IndexByte(r.Host, ':')+1:]+"/next", http.StatusFound)
		}
	})
	resp, err := w.get("/start", "key")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Do(t.Context(), &Request{Method: "GET", URL: resp.Location, Secrets: []string{"key"}})
	wantCode(t, err, CodeRefused) // it isn't bound there
	if _, err = w.Do(t.Context(), &Request{Method: "GET", URL: resp.Location}); err != nil {
		t.Fatal(err)
	}
	if got := w.requests[1].Header["Authorization"]; got != nil {
		t.Errorf("the next hop has %q", got)
	}
	if diff := cmp.Diff([]string{"connect https://api.example.com/start", "use secret://key", "connect https://other.example.com/next"}, w.asked); diff != "" {
		t.Error(diff)
	}
	w.deny = "connect https://other"
	_, err = w.Do(t.Context(), &Request{Method: "GET", URL: resp.Location})
	wantCode(t, err, CodeRefused)
	if w.count() != 2 {
		t.Error("a refused hop was made")
	}
}

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

// Whatever a server makes of what it was sent, in whichever place, the guest sees none of it.
func TestS08Echo(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("Authorization")
		j, _ := json.Marshal(map[string]string{"authorization": got})
		all := map[string]string{
			"raw": got, "base64": base64.StdEncoding.EncodeToString([]byte("Authorization: " + got)), "base64url": base64.URLEncoding.EncodeToString([]byte(got)),
			"query": url.QueryEscape(got), "path": url.PathEscape(got), "hex": hex.EncodeToString([]byte(got)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(got))),
			"json": string(j), "html": html.EscapeString(got), "bare": strings.TrimPrefix(got, "Bearer "),
		}
		kind := r.URL.Query().Get("kind")
		echo := all[kind]
		switch r.URL.Query().Get("where") {
		case "body":
			io.WriteString(rw, "begin "+echo+" end")
		case "chunks":
			for i := range len(echo) {
				io.WriteString(rw, echo[i:i+1])
				rw.(http.Flusher).Flush()
			}
		case "error":
			http.Error(rw, "bad token "+echo, http.StatusUnauthorized)
		case "header":
			rw.Header().Set("ETag", echo)
			rw.Header().Set("Authorization", echo)
			rw.Header().Set("X-Echo", echo)
			rw.Header().Set("X-Request-Id", "a "+echo)
			rw.Header().Set("X-RateLimit-Reset", echo)
			rw.Header().Set("X-RateLimit-"+hex.EncodeToString([]byte(got)), "1")
			http.SetCookie(rw, &http.Cookie{Name: "a", Value: echo})
		case "location":
			rw.Header().Set("Location", "https://evil.com/?a="+url.QueryEscape(echo))
			rw.WriteHeader(302)
		}
	})
	kinds := []string{"raw", "base64", "base64url", "query", "path", "hex", "HEX", "json", "html", "bare"}
	for _, where := range []string{"body", "chunks", "error", "header", "location"} {
		for _, kind := range kinds {
			resp, err := w.get("/?kind="+kind+"&where="+where, "key")
			if err != nil {
				t.Fatal(err)
			}
			all := fmt.Sprint(string(resp.Body), resp.Header, resp.Location)
			if !strings.Contains(all, secret.Placeholder) {
				t.Errorf("%s in the %s: nothing was taken out of %q", kind, where, all)
			}
			leaks := []string{value, base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + value))[31:50], url.QueryEscape(value), hex.EncodeToString([]byte(value)), html.EscapeString(value), "sk-test", "zk-", "Zm9v", "5a6d3976", "5A6D3976"}
			for _, leak := range leaks {
				if strings.Contains(all, leak) {
					t.Errorf("%s in the %s: %q has %q", kind, where, all, leak)
				}
			}
		}
	}
}

// A server that keeps a secret can repeat it when none is sent, also after the value has changed.
func TestS08EchoLater(t *testing.T) {
	var kept string
	values := secret.Map{"key": mustValue(t, value)}
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, kept)
		kept += r.Header.Get("Authorization")
	}, func(o *Options) { o.Secrets = values })
	if _, err := w.get("/", "key"); err != nil {
		t.Fatal(err)
	}
	values["key"] = mustValue(t, "rotated-0123456")
	for range 2 {
		resp, err := w.get("/", "key")
		if err != nil || strings.Contains(string(resp.Body), value) || !strings.HasPrefix(string(resp.Body), "Bearer ‹secret›") || strings.Contains(string(resp.Body), "rotated") {
			t.Errorf("%v, %v", resp, err)
		}
	}
	resp, err := w.get("/")
	if err != nil || strings.ReplaceAll(string(resp.Body), "Bearer ‹secret›", "") != "" {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestKept(t *testing.T) {
	var k kept
	first := "value-number-0000"
	for i := range MaxKept + 1 {
		k.add([]secret.Value{mustValue(t, fmt.Sprintf("value-number-%04d", i))})
	}
	if len(k.values) != MaxKept || k.string(first) != first || k.string("value-number-0001") != secret.Placeholder {
		t.Errorf("%d values", len(k.values))
	}
	k.add([]secret.Value{mustValue(t, "value-number-0001")}) // it is the newest now
	k.add([]secret.Value{mustValue(t, "another-value")})
	if k.string("value-number-0001") != secret.Placeholder || k.string("value-number-0002") == secret.Placeholder {
		t.Error("the one that was used last is forgotten")
	}
}

// Without the grant, the binding or the value nothing is sent, and the guest can't tell which secrets there are.
func TestS08NotGranted(t *testing.T) {
	w := newWorld(t, nothing, func(o *Options) {
		o.Bindings = append(o.Bindings, bind(t, "lost", "https://**", "X-Lost", "{}"), bind(t, "same", "https://**", "Authorization", "{}"), bind(t, "path", "https://api.example.com:*/v1/**", "X-Path", "{}"))
	})
	w.deny = "use secret://other"
	for _, tt := range []struct {
		host    string
		secrets []string
		code    Code
	}{
		{"api.example.com", []string{"other"}, CodeRefused},
		{"api.example.com", []string{"key", "other"}, CodeRefused},
		{"other.example.com", []string{"key"}, CodeRefused},
		{"api.example.com", []string{"path"}, CodeRefused},
		{"api.example.com", []string{"unknown"}, CodeRefused},
		{"api.example.com", []string{""}, CodeRefused},
		{"api.example.com", []string{"../key"}, CodeRefused},
		{"api.example.com", []string{"KEY"}, CodeRefused},
		{"api.example.com", []string{"key", "same"}, CodeBadRequest},
		{"api.example.com", []string{"key", "key"}, CodeBadRequest},
		{"api.example.com", make([]string, MaxSecrets+1), CodeBadRequest},
		{"api.example.com", []string{"lost"}, CodeUnavailable},
	} {
		_, err := w.Do(t.Context(), &Request{Method: "GET", URL: w.url(tt.host, "/"), Secrets: tt.secrets})
		wantCode(t, err, tt.code)
		if tt.code == CodeRefused && err.Error() != "egress: refused" {
			t.Errorf("%q: the guest is told %q", tt.secrets, err)
		}
	}
	if w.count() != 0 || len(w.names.asked) != 0 {
		t.Errorf("%d requests, resolved %q", w.count(), w.names.asked)
	}
	if _, err := w.get("/"); err != nil || w.requests[0].Header["Authorization"] != nil || w.requests[0].Header["X-Api-Key"] != nil {
		t.Errorf("a secret that isn't named is sent: %v, %v", w.requests[0].Header, err)
	}
}
