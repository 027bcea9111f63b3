package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// value is what the secret `key` of a world is. It has what the usual encodings escape.
const value = `sk-test+/Zm9v=="0'&<x>_9`

// loopback is where the servers of tests are.
var loopback = netip.MustParsePrefix("127.0.0.1/32")

// A resolver answers each question about a name with the next of its lists, the last one over and over.
type resolver struct {
	mu    sync.Mutex
	names map[string][][]string
	asked []string
}

func (r *resolver) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, network+" "+host)
	lists := r.names[host]
	if len(lists) == 0 {
		return nil, errors.New("no such host")
	}
	var all []netip.Addr
	for _, text := range lists[0] {
		a := netip.MustParseAddr(text)
		if (network == "ip4") == a.Is4() {
			all = append(all, a)
		}
	}
	if network == "ip6" && len(lists) > 1 {
		r.names[host] = lists[1:]
	}
	return all, nil
}

// A world is a client, a server and what was asked.
type world struct {
	*Client
	t      *testing.T
	server *httptest.Server
	port   string
	names  *resolver

	mu       sync.Mutex
	asked    []string
	outcomes []string
	details  []string // of the outcomes
	received []int64  // of the outcomes of connect
	requests []*http.Request
	deny     string // a question that is refused
}

// newWorld starts a TLS server with the handler, which *.example.com resolves to, and a client for it.
func newWorld(t *testing.T, handler http.HandlerFunc, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, names: &resolver{names: map[string][][]string{"api.example.com.": {{"127.0.0.1"}}, "other.example.com.": {{"127.0.0.1"}}}}}
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r)
		w.mu.Unlock()
		handler(rw, r)
	}))
	t.Cleanup(w.server.Close)
	_, w.port, _ = net.SplitHostPort(w.server.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(w.server.Certificate())
	o := Options{
		Ask: w.ask, Resolver: w.names, Roots: roots, Private: []netip.Prefix{loopback},
		Secrets:  secret.Map{"key": mustValue(t, value), "other": mustValue(t, "ANother-Value-0")},
		Bindings: []*secret.Binding{bind(t, "key", "https://api.example.com:*/**", "Authorization", "Bearer {}"), bind(t, "other", "https://*.example.com:*/**", "X-Api-Key", "{}")},
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	if w.Client, err = New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) ask(_ context.Context, q Question) (func(Outcome) error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	question := q.Action + " " + strings.ReplaceAll(q.On.String(), ":"+w.port, "")
	w.asked = append(w.asked, question)
	if w.deny != "" && strings.HasPrefix(question, w.deny) {
		return nil, errors.New("the policy says no")
	}
	return func(o Outcome) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.outcomes = append(w.outcomes, fmt.Sprintf("%s %s %d", q.Action, o.Word, o.Status))
		w.details = append(w.details, o.Detail)
		if q.Action == ActionConnect {
			w.received = append(w.received, o.Received)
		}
		if leaks(o.Detail) {
			w.t.Errorf("the value stands in the detail %q", o.Detail)
		}
		return nil
	}, nil
}

// url returns the URL of a path at a host of the server.
func (w *world) url(host, path string) string { return "https://" + host + ":" + w.port + path }

// get makes a request to api.example.com.
func (w *world) get(path string, secrets ...string) (*Response, error) {
	return w.Do(w.t.Context(), &Request{Method: "GET", URL: w.url("api.example.com", path), Secrets: secrets})
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

func mustValue(t testing.TB, text string) secret.Value {
	t.Helper()
	v, err := secret.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func bind(t testing.TB, name, on, header, template string) *secret.Binding {
	t.Helper()
	p, err := resource.ParsePattern(on)
	if err != nil {
		t.Fatal(err)
	}
	b, err := secret.NewBinding(name, p, header, template)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantCode fails unless err is an *Error with this code, from whose text a guest learns no value and no address.
func wantCode(t *testing.T, err error, code Code) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want %s", err, code)
	}
	if e.Code != code {
		t.Errorf("the code is %s at %s (%s), want %s", e.Code, e.Stage, e.Detail, code)
	}
	if leaks(e.Error()) || leaks(e.Detail) || strings.Contains(e.Error(), "127.0.0.1") || strings.Contains(e.Error(), "169.254") {
		t.Errorf("the error %q (%q) tells too much", e, e.Detail)
	}
}

// leaks reports whether a text has the value, also as Go quotes it.
func leaks(text string) bool {
	quoted := strconv.Quote(value)
	return strings.Contains(text, value) || strings.Contains(text, quoted[1:len(quoted)-1])
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

func bindings(b ...*secret.Binding) []*secret.Binding { return b }

func secretMap() secret.Store { return secret.Map{} }

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

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
