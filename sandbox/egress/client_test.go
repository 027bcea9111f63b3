package egress

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/secret"
)

// One request from end to end: what is asked and in which order, what the server sees, what the guest gets, what is on record.
func TestRequest(t *testing.T) {
	var got http.Header
	var body string
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		rw.Header().Set("Content-Type", "text/plain")
		rw.Header().Set("X-RateLimit-Remaining", "7")
		rw.Header().Set("X-Internal", "db7")
		rw.Header().Set("Date", "")
		http.SetCookie(rw, &http.Cookie{Name: "a", Value: "b"})
		rw.WriteHeader(201)
		io.WriteString(rw, "made")
	})
	var charged int64
	w.opts.Charge = func(_ context.Context, n int64) error { charged += n; return nil }
	resp, err := w.Do(t.Context(), &Request{
		Method: "POST", URL: w.url("api.example.com", "/a%20b/c?q=1&r=~"), Body: []byte("hello"), Secrets: []string{"key"},
		Header: map[string][]string{"content-type": {"text/plain"}, "X-Many": {"1", "2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &Response{Status: 201, Header: map[string][]string{"Content-Type": {"text/plain"}, "X-Ratelimit-Remaining": {"7"}}, Body: []byte("made")}
	delete(resp.Header, "Date")
	if diff := cmp.Diff(want, resp); diff != "" {
		t.Error(diff)
	}
	wantHeader := http.Header{
		"Accept-Encoding": {"identity"}, "Authorization": {"Bearer " + value}, "Connection": {"close"}, "Content-Length": {"5"},
		"Content-Type": {"text/plain"}, "User-Agent": {"moat"}, "X-Many": {"1", "2"},
	}
	if diff := cmp.Diff(wantHeader, got); diff != "" {
		t.Error(diff)
	}
	r := w.requests[0]
	if body != "hello" || r.RequestURI != "/a%20b/c?q=1&r=~" || r.Host != "api.example.com:"+w.port || r.TLS.ServerName != "api.example.com" || r.ProtoMajor != 1 {
		t.Errorf("the server saw %q, %s at %s (SNI %s)", body, r.RequestURI, r.Host, r.TLS.ServerName)
	}
	if diff := cmp.Diff([]string{"connect https://api.example.com/a%20b/c?q=1&r=~", "send https://api.example.com/a%20b/c?q=1&r=~", "use secret://key"}, w.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"connect ok 201", "send ok 201", "use injected 201"}, w.outcomes); diff != "" {
		t.Error(diff)
	}
	if charged < 200 {
		t.Errorf("%d bytes were charged", charged)
	}
}

// `send` is asked where something is sent.
func TestSend(t *testing.T) {
	w := newWorld(t, func(http.ResponseWriter, *http.Request) {})
	for _, tt := range []struct {
		method, body string
		want         bool
	}{{"GET", "", false}, {"HEAD", "", false}, {"GET", "x", true}, {"OPTIONS", "", true}, {"POST", "", true}, {"DELETE", "", true}, {"PUT", "x", true}, {"PATCH", "x", true}} {
		w.asked = nil
		_, err := w.Do(t.Context(), &Request{Method: tt.method, URL: w.url("api.example.com", "/"), Body: []byte(tt.body)})
		if got := has(w.asked, "send https://api.example.com/"); err != nil || got != tt.want {
			t.Errorf("%s with %q: %v, asked %q", tt.method, tt.body, err, w.asked)
		}
	}
}

// Whichever question is refused, nothing leaves, not even a DNS query; and those that were permitted are told.
func TestRefusedSendsNothing(t *testing.T) {
	for _, deny := range []string{"connect", "send", "use secret://key", "use secret://other"} {
		w := newWorld(t, func(http.ResponseWriter, *http.Request) {})
		w.deny = deny
		_, err := w.Do(t.Context(), &Request{Method: "POST", URL: w.url("api.example.com", "/"), Secrets: []string{"key", "other"}})
		wantCode(t, err, CodeRefused)
		if w.count() != 0 || len(w.names.asked) != 0 {
			t.Errorf("%s was refused, and there were %d requests and the queries %q", deny, w.count(), w.names.asked)
		}
		if len(w.outcomes) != len(w.asked)-1 {
			t.Errorf("%s was refused: of %q were told %q", deny, w.asked, w.outcomes)
		}
		for _, o := range w.outcomes {
			if o != "connect refused 0" && o != "send refused 0" && o != "use refused 0" {
				t.Errorf("the outcome is %q", o)
			}
		}
	}
}

// What can't be recorded isn't returned.
func TestNotRecorded(t *testing.T) {
	w := newWorld(t, func(http.ResponseWriter, *http.Request) {}, func(o *Options) {
		o.Ask = func(context.Context, Question) (func(Outcome) error, error) {
			return func(Outcome) error { return errors.New("disk full") }, nil
		}
	})
	resp, err := w.get("/")
	wantCode(t, err, CodeUnavailable)
	if resp != nil {
		t.Errorf("the response is %v", resp)
	}
}

func TestCharge(t *testing.T) {
	for _, limit := range []int64{10, 1000} { // while sending, while receiving
		w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) { rw.Write(make([]byte, 100_000)) })
		w.opts.Charge = func(_ context.Context, n int64) error {
			if limit -= n; limit < 0 {
				return errors.New("no fuel")
			}
			return nil
		}
		_, err := w.get("/")
		wantCode(t, err, CodeExhausted)
	}
}

// To look for secrets is work that the guest pays, as often as it is done; and it ends with the money and with the time.
func TestS08ScrubbingIsPaid(t *testing.T) {
	const size = 200_000 // more than is read at once
	var body string
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, body) })
	var moved, scrubbed int64
	var times, most int // most: how often it is paid for
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	spent := func() error { return nil }
	w.opts.Charge = func(_ context.Context, n int64) error {
		if n < 100_000 {
			moved += n
			return nil
		}
		if times++; times > most {
			return spent()
		}
		scrubbed += n
		return nil
	}
	do := func() (*Response, error) {
		moved, scrubbed, times = 0, 0, 0
		return w.Do(ctx, &Request{Method: "GET", URL: w.url("api.example.com", "/"), Secrets: []string{"key"}})
	}
	body = strings.Repeat("x", size)
	most = 100
	if _, err := do(); err != nil || scrubbed != size || moved < size {
		t.Errorf("without a value: %d bytes are moved, %d scrubbed: %v", moved, scrubbed, err)
	}
	// As it is and decoded, and both again when a value has been taken out.
	body = strings.Repeat("x", size) + value + "%41"
	want := int64(0)
	for _, text := range []string{value + "%41", value + "A", secret.Placeholder + "%41", secret.Placeholder + "A"} {
		want += int64(size + len(text))
	}
	resp, err := do()
	if err != nil || scrubbed != want || string(resp.Body) != strings.Repeat("x", size)+secret.Placeholder+"%41" {
		t.Errorf("with a value: %d bytes are scrubbed, want %d: %v", scrubbed, want, err)
	}
	if end := w.received; len(end) != 2 || end[1] > int64(len(body)+1000) {
		t.Errorf("on record is that %d bytes were received", end)
	}
	for most = range 4 {
		spent = func() error { return errors.New("no fuel") }
		_, err = do()
		wantCode(t, err, CodeExhausted)
		if times != most+1 {
			t.Errorf("it was paid %d times and went on until %d", most, times)
		}
	}
	most, spent = 0, func() error { cancel(); return nil }
	_, err = do()
	wantCode(t, err, CodeCanceled)
	if times != 1 {
		t.Errorf("it went on %d times after the caller had left", times-1)
	}
}

func TestConcurrent(t *testing.T) {
	release := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
		io.WriteString(rw, r.Header.Get("Authorization"))
	}, func(o *Options) { o.MaxConcurrent = 4 })
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	ask := w.opts.Ask
	w.opts.Ask = func(ctx context.Context, q Question) (func(Outcome) error, error) {
		if q.Action == ActionConnect {
			started <- struct{}{}
		}
		return ask(ctx, q)
	}
	for range 4 {
		wg.Go(func() {
			resp, err := w.get("/wait", "key")
			if err != nil || string(resp.Body) != "Bearer ‹secret›" {
				t.Errorf("%v, %v", resp, err)
			}
		})
	}
	for range 4 {
		<-started
	}
	_, err := w.get("/")
	wantCode(t, err, CodeBusy)
	close(release)
	wg.Wait()
}

func TestNew(t *testing.T) {
	ask := func(context.Context, Question) (func(Outcome) error, error) { return nil, nil }
	if c, err := New(Options{Ask: ask}); err != nil || c == nil {
		t.Errorf("the least options: %v", err)
	}
	b := bind(t, "key", "https://a.com/**", "Authorization", "{}")
	for name, o := range map[string]Options{
		"no Ask":         {},
		"no store":       {Ask: ask, Bindings: bindings(b)},
		"bound twice":    {Ask: ask, Secrets: secretMap(), Bindings: bindings(b, b)},
		"negative":       {Ask: ask, Timeout: -1},
		"a local name":   {Ask: ask, LocalNames: []string{"127.1"}},
		"a mapped range": {Ask: ask, Private: prefixes("::ffff:127.0.0.0/104")},
		"bits behind":    {Ask: ask, Private: prefixes("10.0.0.1/8")},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
