package enforce_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/sandbox/enforce"
	"github.com/moat-lang/moat/sandbox/files"
	"github.com/moat-lang/moat/secret"
	"github.com/moat-lang/moat/token"
)

const value = "s3cr3t-v4lue-0123456789"

// A world is a PEP with one agent, a server, and code to run.
type world struct {
	t       *testing.T
	pep     *pep.PEP
	dir     string // of the data
	logDir  string
	root    *token.Identity
	agent   *token.Identity
	key     *token.Identity // of the PEP
	seq     uint64
	server  *httptest.Server
	mu      sync.Mutex
	got     []*http.Request
	network enforce.Network
	module  *sandbox.Module
	policy  string // in force, and the file that it is in
	file    string
	during  func() // what happens while the server answers
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

type resolver struct{}

func (resolver) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip4" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, errors.New("none")
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(must[string](t)(filepath.EvalSymlinks(t.TempDir())), "data"), logDir: filepath.Join(t.TempDir(), "pep")}
	for _, id := range []**token.Identity{&w.root, &w.agent, &w.key} {
		role := token.RoleAgent
		if id == &w.root {
			role = token.RoleRoot
		}
		*id = must[*token.Identity](t)(token.NewIdentity(role, rand.Reader))
	}
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.got = append(w.got, r)
		w.mu.Unlock()
		if w.during != nil {
			w.during()
		}
		if r.URL.Path == "/v1/moved" {
			http.Redirect(rw, r, "/v1/other", http.StatusFound)
			return
		}
		fmt.Fprintf(rw, "one two %s", r.Header.Get("Authorization")) // it tells what it was sent
	}))
	t.Cleanup(w.server.Close)
	port := must[*url.URL](t)(url.Parse(w.server.URL)).Port()
	if err := os.MkdirAll(filepath.Join(w.dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(w.dir, "a.csv"), []byte("one two three"), 0o600), os.WriteFile(filepath.Join(w.dir, "b.csv"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w.policy = strings.NewReplacer("DATA", w.dir, "PORT", port).Replace(`policy p edition 1
agent analyst
tool run(n: int?)
permit analyst to execute on tool run
sandbox analyst { timeout 20s read "DATA" write "DATA/out" connect "https://example.com:PORT" }
permit analyst to list, read on "file://DATA/**"
permit analyst to create, write on "file://DATA/out/**"
permit analyst to connect on "https://example.com:PORT/v1/**"
secret api for analyst on "https://example.com:PORT/v1/**" as header "Authorization" "Bearer {}"
permit analyst to use on "secret://api"
forbid leak: any to connect on "https://**" when session once (read on "file://DATA/b.csv")
`)
	w.file = filepath.Join(t.TempDir(), "p.moat")
	if err := os.WriteFile(w.file, []byte(w.policy), 0o600); err != nil {
		t.Fatal(err)
	}
	doc := must[[]byte](t)(json.Marshal(map[string]any{
		"version": 1, "realm": "test", "sequence": 1, "names": map[string]string{"analyst": w.agent.Key().String()},
		"roots": []any{map[string]any{"key": w.root.Key().String(), "grants": []any{map[string]any{"actions": []string{"execute", "read", "list", "write", "create", "connect", "use"}, "resources": []string{"file:///**", "tool://**", "https://**", "secret://**"}}}}},
	}))
	logKey := must[*audit.Key](t)(audit.ParseKey(must[string](t)(audit.GenerateKey("example.com/test"))))
	w.pep = must[*pep.PEP](t)(pep.Open(pep.Config{Policy: pep.Dir(w.file), Trust: doc, Key: w.key.Key(), Dir: w.logDir, LogKey: logKey, Create: true, Rollover: time.Hour,
		Facts: func(context.Context, pep.Call) (eval.Facts, error) { return eval.Facts{Session: "s"}, nil }}))
	t.Cleanup(func() { w.pep.Close() })
	pool := x509.NewCertPool()
	pool.AddCert(w.server.Certificate())
	w.network = enforce.Network{Secrets: secret.Map{"api": must[secret.Value](t)(secret.New(value))},
		Options: egress.Options{Resolver: resolver{}, Roots: pool, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	w.module = w.build()
	return w
}

// build compiles the program of policies/code-runner, and that for the sandbox.
func (w *world) build() *sandbox.Module {
	w.t.Helper()
	out := filepath.Join(w.t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-o", out, "../../policies/code-runner/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("the guest doesn't build: %v\n%s", err, text)
	}
	engine := must[*sandbox.Engine](w.t)(sandbox.New(context.Background()))
	w.t.Cleanup(func() { engine.Close(context.Background()) })
	return must[*sandbox.Module](w.t)(engine.Compile(context.Background(), must[[]byte](w.t)(os.ReadFile(out))))
}

// call has the agent call the tool, under a token that grants some actions and has these limits.
func (w *world) call(limits token.Limits, actions ...string) pep.Answer {
	w.t.Helper()
	g := token.Grant{Actions: append(actions, "execute")}
	for _, p := range []string{"file:///**", "tool://**", "https://**", "secret://**"} {
		g.Resources = append(g.Resources, must[*resource.Pattern](w.t)(resource.ParsePattern(p)))
	}
	now := time.Now().Truncate(time.Second)
	raw := must[[]byte](w.t)(token.Mint(w.root, token.Block{Realm: "test", Audience: w.agent.Key(), ID: must[token.ID](w.t)(token.NewID(rand.Reader)), NotBefore: now.Add(-time.Minute), Expires: now.Add(time.Hour), Grants: []token.Grant{g}, Limits: limits}))
	_, digest, err := token.Claimed(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	w.seq++
	m := token.Message{Realm: "test", Recipient: w.key.Key(), Sequence: w.seq, Time: time.Now(), Token: digest, Policy: w.pep.Policy().Digest(), Trust: w.pep.Trust().Digest(),
		Action: "execute", Resource: must[resource.Name](w.t)(resource.Parse("tool://run"))}
	d := &token.Delivery{Message: must[[]byte](w.t)(token.SignMessage(w.agent, m)), Token: raw}
	a := w.pep.DecideDelivery(context.Background(), d)
	if a.Outcome != eval.Permit {
		w.t.Fatalf("the call: %s %v", a.Code, a.Reason)
	}
	return a
}

// run runs the program for a call, and returns how it ended and what it said.
func (w *world) run(call pep.Answer, args ...string) (sandbox.Result, string) {
	w.t.Helper()
	var out bytes.Buffer
	res, err := enforce.Run(context.Background(), w.pep, &call, w.module, sandbox.Given{Args: append([]string{"guest"}, args...), Stdout: &out, Stderr: &out}, w.network)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, out.String()
}

// since lists what the log says of the last run, in one line each.
func (w *world) since(call pep.Answer) (out []string) {
	w.t.Helper()
	for r, err := range audit.Read(filepath.Join(w.logDir, "log"), call.Index+1) {
		if err != nil {
			w.t.Fatal(err)
		}
		line := ""
		switch e := r.Event.(type) {
		case *audit.Decision:
			if e.Call != call.Index {
				w.t.Errorf("record %d is of the call %d", r.Index, e.Call)
			}
			line = fmt.Sprintf("%s %s %s %s", e.Outcome, e.Action, e.Resource, e.Code)
		case *audit.Effect:
			line = fmt.Sprintf("effect %s %s %s %d", e.Action, e.Resource.Text, e.Outcome, e.Status)
		case *audit.SecretUse:
			line = fmt.Sprintf("secret %s %s %s", e.Name, e.Resource.Text, e.Outcome)
		case *audit.SandboxCall:
			if e.Decision != call.Index || e.Agent != "analyst" || e.Module != w.module.Digest() || e.Fuel == 0 && e.Outcome != "refused" && e.Outcome != "memory" {
				w.t.Errorf("the run: %+v", e)
			}
			line = "run " + e.Outcome
		}
		if line != "" {
			out = append(out, strings.NewReplacer(w.dir, "/data", ":"+w.port(), "").Replace(line))
		}
	}
	return out
}

func (w *world) url(path string) string { return "https://example.com:" + w.port() + path }

func (w *world) port() string { return must[*url.URL](w.t)(url.Parse(w.server.URL)).Port() }

// Code of a permitted call gets what policy and token permit, each after a decision that is in the log; its secret never.
func TestRun(t *testing.T) {
	w := newWorld(t)
	all := []string{"read", "list", "write", "create", "connect", "use"}
	for name, c := range map[string]struct {
		actions []string
		limits  token.Limits
		args    []string
		outcome sandbox.Outcome
		says    string
		log     []string
		sent    string // the header that the server got
	}{
		"a file": {actions: all, args: []string{w.dir + "/a.csv"}, outcome: sandbox.OK, says: "3 words",
			log: []string{"permit read file:///data/a.csv permit", "run ok"}},
		"a file that is written": {actions: all, args: []string{"-out", w.dir + "/out/x", w.dir + "/a.csv"}, outcome: sandbox.OK,
			log: []string{"permit read file:///data/a.csv permit", "permit write file:///data/out/x permit", "permit create file:///data/out/x permit", "run ok"}},
		"what the token doesn't grant": {actions: []string{"list"}, args: []string{w.dir + "/a.csv"}, outcome: sandbox.Exited, says: "Permission denied",
			log: []string{"deny read file:///data/a.csv not_granted", "run exit"}},
		"a page": {actions: all, args: []string{w.url("/v1/x")}, outcome: sandbox.OK, says: "2 words",
			log: []string{"permit connect https://example.com/v1/x permit", "effect connect https://example.com/v1/x ok 200", "run ok"}},
		"a page that isn't permitted": {actions: all, args: []string{w.url("/v2")}, outcome: sandbox.Exited, says: "refused",
			log: []string{"deny connect https://example.com/v2 no_permit", "run exit"}},
		"another host": {actions: all, args: []string{"https://example.org/"}, outcome: sandbox.Exited, says: "refused",
			log: []string{"deny connect https://example.org/ outside_sandbox", "run exit"}},
		"a secret": {actions: all, args: []string{"-secret", "api", w.url("/v1/x")}, outcome: sandbox.OK, says: "4 words", sent: "Bearer " + value,
			log: []string{"permit connect https://example.com/v1/x permit", "permit use secret://api permit", "effect connect https://example.com/v1/x ok 200", "secret api https://example.com/v1/x injected", "run ok"}},
		"a secret that isn't granted": {actions: []string{"connect"}, args: []string{"-secret", "api", w.url("/v1/x")}, outcome: sandbox.Exited, says: "refused",
			log: []string{"permit connect https://example.com/v1/x permit", "deny use secret://api not_granted", "effect connect https://example.com/v1/x refused 0", "run exit"}},
		"a redirect with a secret": {actions: all, args: []string{"-secret", "api", w.url("/v1/moved")}, outcome: sandbox.OK, sent: "Bearer " + value,
			log: []string{"permit connect https://example.com/v1/moved permit", "permit use secret://api permit", "effect connect https://example.com/v1/moved ok 302", "secret api https://example.com/v1/moved injected", "run ok"}},
		"less fuel":      {actions: all, limits: token.Limits{}.With(token.Fuel, 10_000), args: []string{w.dir + "/a.csv"}, outcome: sandbox.OutOfFuel, log: []string{"run fuel"}},
		"no time":        {actions: all, limits: token.Limits{}.With(token.Timeout, 0), args: []string{w.dir + "/a.csv"}, outcome: sandbox.Refused, log: []string{"run refused"}},
		"no memory":      {actions: all, limits: token.Limits{}.With(token.Memory, 65536), args: []string{w.dir + "/a.csv"}, outcome: sandbox.OutOfSpace, log: []string{"run memory"}},
		"too much of it": {actions: all, args: []string{w.dir + "/../a.csv"}, outcome: sandbox.Exited, log: []string{"run exit"}},
	} {
		w.got = nil
		call := w.call(c.limits, c.actions...)
		res, said := w.run(call, c.args...)
		if res.Outcome != c.outcome || !strings.Contains(said, c.says) {
			t.Errorf("%s: %+v %q", name, res, said)
		}
		if strings.Contains(said, value) {
			t.Errorf("%s: the code has seen the secret: %q", name, said)
		}
		if diff := cmp.Diff(c.log, w.since(call)); diff != "" {
			t.Errorf("%s: the log: %s", name, diff)
		}
		sent := ""
		for _, r := range w.got {
			sent += r.Header.Get("Authorization")
		}
		if sent != c.sent {
			t.Errorf("%s: the server got %q", name, sent)
		}
	}
	// What code does is part of the past of its session.
	call := w.call(token.Limits{}, all...)
	if res, said := w.run(call, w.dir+"/b.csv", w.url("/v1/x")); res.Outcome != sandbox.Exited || !strings.Contains(said, "refused") {
		t.Errorf("read and sent: %+v %q", res, said)
	}
}

// A policy that comes into force while code runs counts for what it asks for from then on, also while the one before counts for messages.
func TestRunReload(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ old, new, log string }{
		"nothing":           {"", "", "secret api https://example.com/v1/x injected"},
		"the permit":        {"permit analyst to use on", "forbid analyst to use on", "deny use secret://api forbidden"},
		"the sandbox":       {"sandbox analyst { timeout 20s", "sandbox analyst { timeout 19s fuel 2_000_000_000 } agent other sandbox other {", "deny connect https://example.com/v1/x outside_sandbox"},
		"the secret's URLs": {`on "https://example.com:` + w.port() + `/v1/**" as`, `on "https://example.org/**" as`, "secret api https://example.com/v1/x refused"},
		"the secret":        {"secret api for analyst", "agent another secret api for another", "secret api https://example.com/v1/x refused"},
	} {
		call := w.call(token.Limits{}, "connect", "use")
		once := true
		w.during = func() {
			if once {
				once = false
				w.reload(strings.Replace(w.policy, c.old, c.new, 1))
			}
		}
		res, said := w.run(call, "-secret", "api", w.url("/v1/first"), w.url("/v1/x"))
		if lines := w.since(call); !slices.Contains(lines, c.log) || (name == "nothing") != (res.Outcome == sandbox.OK) {
			t.Errorf("%s: %+v %q %s", name, res, said, strings.Join(lines, "\n"))
		}
		w.during = nil
		w.reload(w.policy)
	}
}

func (w *world) reload(policy string) {
	if err := errors.Join(os.WriteFile(w.file, []byte(policy), 0o600), w.pep.Reload()); err != nil {
		w.t.Error(err)
	}
}

// A directory that is read inside of one that is written can be written.
func TestConfigDirs(t *testing.T) {
	cfg := must[sandbox.Config](t)(enforce.Config(sandbox.Given{}, eval.Sandbox{Read: []string{"/a/b", "/c", "/d"}, Write: []string{"/a", "/d/e"}}, nil, enforce.Network{}, func(context.Context, egress.Question) (func(egress.Outcome) error, error) {
		return nil, errors.New("no")
	}))
	want := []files.Dir{{Path: "/a", Write: true}, {Path: "/a/b", Write: true}, {Path: "/c"}, {Path: "/d"}, {Path: "/d/e", Write: true}}
	if diff := cmp.Diff(want, cfg.Dirs); diff != "" {
		t.Error(diff)
	}
}

// Without a sandbox of the policy, a permit or a log, nothing runs.
func TestRunRefused(t *testing.T) {
	w := newWorld(t)
	if _, err := enforce.Run(context.Background(), w.pep, &pep.Answer{Outcome: eval.Permit}, w.module, sandbox.Given{}, w.network); !errors.Is(err, enforce.ErrNoSandbox) {
		t.Errorf("an answer that is none: %v", err)
	}
	call := w.call(token.Limits{}, "read")
	w.pep.Close()
	var out bytes.Buffer
	if res, err := enforce.Run(context.Background(), w.pep, &call, w.module, sandbox.Given{Args: []string{"guest", w.dir + "/a.csv"}, Stdout: &out}, w.network); err == nil || res != (sandbox.Result{}) || strings.Contains(out.String(), "words") {
		t.Errorf("with a closed log: %v %q", err, &out)
	}
}

// What the language accepts of a secret is what can be bound: a policy that checks isn't one by which no code runs.
func TestSecretsThatCheck(t *testing.T) {
	headers := []string{"Authorization", "X-Api-Key", "api-key", "", "X Y", "X_Y", "Host", "content-length", "TE", "Proxy-Authorization", "Range", "Cookie", "accept-encoding", "connection", "content-encoding", "expect", "keep-alive", "proxy-authenticate", "proxy-connection", "trailer", "transfer-encoding", "upgrade", "proxy-x", strings.Repeat("h", 256), strings.Repeat("h", 257)}
	templates := []string{"{}", "Bearer {}", "", "Bearer", "{}{}", " {}", "{} ", "\t{}", "a\t{}", "\r{}", "a\n{}", "\x00{}", "\x01{}", "\x7f{}", "é{}", "\u00a0{}", strings.Repeat("t", 1022) + "{}", strings.Repeat("t", 1023) + "{}"}
	urls := []string{"https://example.com/**", "https://**", "http://example.com/**", "{https,http}://example.com/", "https://{a.com,b.com}/x", "tool://x"}
	check := func(header, template, on string) {
		source := fmt.Sprintf("policy p edition 1\nagent a\npermit a to use on \"secret://k\"\nsecret k for a on %s as header %s %s\n", quoted(on), quoted(header), quoted(template))
		program, _ := lang.LoadFS(fstest.MapFS{"p.moat": {Data: []byte(source)}}, ".")
		pattern, err := resource.ParsePattern(on)
		if err == nil {
			_, err = secret.NewBinding("k", pattern, header, template)
		}
		if (program != nil) != (err == nil) {
			t.Errorf("header %.20q, template %.20q, on %s: checks %t, binds %v", header, template, on, program != nil, err)
		}
	}
	for _, h := range headers {
		check(h, "{}", urls[0])
	}
	for _, tm := range templates {
		check("Authorization", tm, urls[0])
	}
	for _, u := range urls {
		check("Authorization", "{}", u)
	}
}

// quoted writes a text as a string of the language.
func quoted(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, "\\u{%x}", r)
	}
	return `"` + b.String() + `"`
}
