package egress

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/secret"
)

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
	if diff := cmp.Diff([]string{"connect https://api.example.com/start", "use secret://key", "connect https://other.example.com/next", "use secret://key", "connect https://other.example.com/next"}, w.asked); diff != "" {
		t.Error(diff)
	}
	w.deny = "connect https://other"
	_, err = w.Do(t.Context(), &Request{Method: "GET", URL: resp.Location})
	wantCode(t, err, CodeRefused)
	if w.count() != 2 {
		t.Error("a refused hop was made")
	}
}
