package egress

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/secret"
)

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
			leaks := []string{
				value, base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + value))[31:50], url.QueryEscape(value),
				hex.EncodeToString([]byte(value)), html.EscapeString(value), "sk-test", "zk-", "Zm9v", "5a6d3976", "5A6D3976",
			}
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
	if len(k.sent) != MaxKept || k.string(first) != first || k.string("value-number-0001") != secret.Placeholder {
		t.Errorf("%d values", len(k.sent))
	}
	k.add([]secret.Value{mustValue(t, "value-number-0001")}) // it is the newest now
	k.add([]secret.Value{mustValue(t, "another-value")})
	if k.string("value-number-0001") != secret.Placeholder || k.string("value-number-0002") == secret.Placeholder {
		t.Error("the one that was used last is forgotten")
	}
}

// A counting store tells how often each value was read, and has an error for one of them.
type countingStore struct {
	secret.Map
	mu    sync.Mutex
	reads map[string]int
}

func (s *countingStore) Value(name string) (secret.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[name]++
	if name == "broken" {
		return secret.Value{}, errors.New("the disk is gone")
	}
	return s.Map.Value(name)
}

// A secret that is bound for the agent is taken out though this client has never sent it: another run may have.
func TestS08EchoOfAnother(t *testing.T) {
	const other = "ANother-Value-0"
	store := &countingStore{Map: secret.Map{"key": mustValue(t, value), "other": mustValue(t, other)}, reads: map[string]int{}}
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Etag", other)
		io.WriteString(rw, "of another: "+other+", "+url.QueryEscape(value)+", and yours: "+r.Header.Get("Authorization"))
	}, func(o *Options) {
		o.Secrets = store
		o.Bindings = append([]*secret.Binding{bind(t, "broken", "https://**", "X-Broken", "{}"), bind(t, "missing", "https://**", "X-Missing", "{}")}, o.Bindings...)
	})
	for i, secrets := range [][]string{nil, {"key"}, nil} {
		resp, err := w.get("/", secrets...)
		if err != nil {
			t.Fatal(err)
		}
		want := "of another: ‹secret›, ‹secret›, and yours: "
		if secrets != nil {
			want += "Bearer ‹secret›"
		}
		if string(resp.Body) != want || resp.Header["Etag"][0] != secret.Placeholder {
			t.Errorf("%d: %q, %q", i, resp.Body, resp.Header)
		}
	}
	// The bound ones don't make room for what is sent as values change.
	for i := range MaxKept + 1 {
		w.kept.add([]secret.Value{mustValue(t, fmt.Sprintf("value-number-%04d", i))})
	}
	if got := w.kept.string(other + " value-number-0000 value-number-0064"); got != "‹secret› value-number-0000 ‹secret›" {
		t.Errorf("%q", got)
	}
	if diff := cmp.Diff(map[string]int{"broken": 1, "missing": 1, "other": 1, "key": 2}, store.reads); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// What is refused doesn't have values read.
func TestS08RefusedReadsNothing(t *testing.T) {
	store := &countingStore{Map: secret.Map{}, reads: map[string]int{}}
	w := newWorld(t, nothing, func(o *Options) { o.Secrets = store })
	w.deny = "connect"
	_, err := w.get("/", "key")
	wantCode(t, err, CodeRefused)
	if len(store.reads) != 0 {
		t.Errorf("read: %v", store.reads)
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
		{"api.example.com", []string{"KEY"}, CodeRefused},
		{"api.example.com", []string{""}, CodeBadRequest},
		{"api.example.com", []string{"../key"}, CodeBadRequest},
		{"api.example.com", []string{"key/x"}, CodeBadRequest},
		{"api.example.com", []string{"unknown", "unknown"}, CodeBadRequest},
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

// What a guest asks for with a secret that isn't for there is on record like anything else: the questions, and how they ended.
func TestS08NotBoundIsRecorded(t *testing.T) {
	const tooMany = "s0 s1 s2 s3 s4 s5 s6 s7 s8"
	for _, tt := range []struct {
		method, host, secrets, deny string
		code                        Code
		asked, outcomes             string
		detail                      string
	}{
		{"GET", "other", "key", "", CodeRefused, "connect U, use secret://key", "connect refused 0, use refused 0", "the secret key isn't bound to U"},
		{"POST", "other", "key", "", CodeRefused, "connect U, send U, use secret://key", "connect refused 0, send refused 0, use refused 0", "the secret key isn't bound to U"},
		{"GET", "api", "unknown", "", CodeRefused, "connect U, use secret://unknown", "connect refused 0, use refused 0", "the agent has no secret unknown"},
		{"GET", "api", "other unknown key", "", CodeRefused, "connect U, use secret://other, use secret://unknown", "connect refused 0, use refused 0, use refused 0", "the agent has no secret unknown"},
		{"GET", "api", "unknown", "use", CodeRefused, "connect U, use secret://unknown", "connect refused 0", "use on secret://unknown: the policy says no"},
		{"GET", "api", "unknown", "connect", CodeRefused, "connect U", "", "connect on U: the policy says no"},
		{"GET", "api", "key same", "", CodeBadRequest, "", "", "two secrets for the header Authorization"},
		{"GET", "api", "unknown unknown", "", CodeBadRequest, "", "", "one secret is named twice"},
		{"GET", "api", "../key", "", CodeBadRequest, "", "", "the name of a secret is letters, digits, hyphens and underscores"},
		{"GET", "api", tooMany, "", CodeBadRequest, "", "", "too many secrets"},
	} {
		w := newWorld(t, nothing, func(o *Options) {
			o.Bindings = append(o.Bindings, bind(t, "same", "https://**", "Authorization", "{}"))
		})
		w.deny = tt.deny
		url := w.url(tt.host+".example.com", "/")
		_, err := w.Do(t.Context(), &Request{Method: tt.method, URL: url, Secrets: strings.Fields(tt.secrets)})
		wantCode(t, err, tt.code)
		asked := strings.ReplaceAll(strings.Join(w.asked, ", "), "https://"+tt.host+".example.com/", "U")
		if asked != tt.asked || strings.Join(w.outcomes, ", ") != tt.outcomes {
			t.Errorf("%s with %s: asked %q, ended %q; want %q, %q", tt.host, tt.secrets, asked, w.outcomes, tt.asked, tt.outcomes)
		}
		if detail := strings.ReplaceAll(err.(*Error).Detail, url, "U"); detail != tt.detail {
			t.Errorf("%s with %s: the detail is %q, want %q", tt.host, tt.secrets, detail, tt.detail)
		}
		for _, d := range w.details {
			if d != err.(*Error).Detail {
				t.Errorf("%s with %s: on record is %q, want %q", tt.host, tt.secrets, d, err.(*Error).Detail)
			}
		}
		if w.count() != 0 || len(w.names.asked) != 0 {
			t.Errorf("%s with %s: %d requests, resolved %q", tt.host, tt.secrets, w.count(), w.names.asked)
		}
	}
}
