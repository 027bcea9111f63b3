package egress

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

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

// What the environment says of proxies isn't followed. The test is a program of its own, since net/http reads the environment once.
func TestS05Proxy(t *testing.T) {
	const inner = "MOAT_TEST_PROXY"
	if os.Getenv(inner) != "" {
		w := newWorld(t, nothing)
		if _, err := w.get("/"); err != nil || w.count() != 1 {
			t.Errorf("%v, %d requests", err, w.count())
		}
		return
	}
	used := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { used = true }))
	defer proxy.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestS05Proxy$")
	cmd.Env = append(os.Environ(), inner+"=1")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"="+proxy.URL, strings.ToLower(name)+"="+proxy.URL)
	}
	if out, err := cmd.CombinedOutput(); err != nil || used {
		t.Errorf("proxy used: %v, %v: %s", used, err, out)
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
