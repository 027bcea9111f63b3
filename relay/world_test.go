package relay_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

const policy = `policy team edition 1
group Staff
group Partners claims "ISSUER"
agent coordinator in Staff
agent reviewer in Staff
agent tester in Staff
agent mallory
person alice
tool message(to: string, text: string redact)
  does send on ("agent://" + args.to)
tool broadcast(to: [string], text: string)
  does send on "agent://reviewer"
  does send on "agent://tester"
tool build(commit: string)
permit Staff, Partners, mallory to execute on tool message, tool build
permit coordinator to execute on tool broadcast
permit coordinator, Partners to send on agent any
permit reviewer, tester to send on agent coordinator
permit coordinator to delegate on agent any
permit big: tester to execute on tool broadcast needs approval by alice
delegation { max_depth 8 max_ttl 24h }
`

// A world is a router, its PEP, and everybody around it.
type world struct {
	t        testing.TB
	pep      *pep.PEP
	cfg      pep.Config
	registry *relay.Registry
	local    *relay.Local
	router   *relay.Router
	ids      map[string]*token.Identity
	keys     map[string]ed25519.PrivateKey // of the agents, for those who sign what they like
	root     *token.Identity
	issuer   *token.Identity
	revoker  *token.Identity
	now      atomic.Int64
	elapsed  atomic.Int64
	seq      atomic.Uint64
	mu       sync.Mutex
	got      []*relay.Message // by the handlers of agents
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func identity(t testing.TB, role token.Role) *token.Identity {
	return must[*token.Identity](t)(token.NewIdentity(role, rand.Reader))
}

// newWorld starts a router whose agents coordinator, reviewer and tester are registered, and answer "thanks".
func newWorld(t testing.TB, change ...func(*pep.Config, *relay.Config)) *world {
	t.Helper()
	w := &world{t: t, ids: map[string]*token.Identity{}, keys: map[string]ed25519.PrivateKey{}, root: identity(t, token.RoleRoot), issuer: identity(t, token.RoleAttester), revoker: identity(t, token.RoleRevocation)}
	w.now.Store(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC).UnixNano())
	for _, name := range []string{"coordinator", "reviewer", "tester", "mallory", "stranger", "pep"} {
		seed := make([]byte, ed25519.SeedSize)
		rand.Read(seed)
		w.keys[name] = ed25519.NewKeyFromSeed(seed)
		w.ids[name] = must[*token.Identity](t)(token.NewIdentity(token.RoleAgent, bytes.NewReader(seed)))
	}
	w.ids["alice"] = identity(t, token.RoleApprover)
	secret := must[string](t)(audit.GenerateKey("example.com/test"))
	w.cfg = pep.Config{Policy: w.policyOf(policy), Trust: w.trustText(1, nil), Key: w.ids["pep"].Key(), Dir: filepath.Join(t.TempDir(), "pep"), LogKey: must[*audit.Key](t)(audit.ParseKey(secret)), Create: true,
		Clock: pep.Clock{Now: w.clock, Elapsed: func() time.Duration { return time.Duration(w.elapsed.Load()) }}}
	w.start(change...)
	t.Cleanup(func() { w.stop() })
	if err := w.revoke(1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"coordinator", "reviewer", "tester"} {
		w.register(name)
		w.handle("agent://"+name, w.keep)
	}
	return w
}

func (w *world) keep(_ context.Context, m *relay.Message) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, m)
	return []byte("thanks"), nil
}

func (w *world) received() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.got)
}

func (w *world) start(change ...func(*pep.Config, *relay.Config)) {
	w.t.Helper()
	var cfg relay.Config
	for _, f := range change {
		f(&w.cfg, &cfg)
	}
	w.pep = must[*pep.PEP](w.t)(pep.Open(w.cfg))
	w.registry = relay.NewRegistry(w.pep)
	w.local = relay.NewLocal(4)
	cfg.PEP, cfg.Registry = w.pep, w.registry
	if cfg.Transport == nil {
		cfg.Transport = w.local
	}
	w.router = must[*relay.Router](w.t)(relay.NewRouter(cfg))
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.router.Close(ctx); err != nil {
		w.t.Error(err)
	}
	w.pep.Close()
}

// restart stops everything and starts it again on the same files.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.cfg.Create = false
	w.start()
	for _, name := range []string{"coordinator", "reviewer", "tester"} {
		w.register(name)
		w.handle("agent://"+name, w.keep)
	}
}

func (w *world) clock() time.Time { return time.Unix(0, w.now.Load()).UTC() }

func (w *world) pass(d time.Duration) { w.now.Add(int64(d)); w.elapsed.Add(int64(d)) }

func (w *world) policyOf(text string) pep.Source {
	const mark = "ISSUER"
	for i := 0; i+len(mark) <= len(text); i++ {
		if text[i:i+len(mark)] == mark {
			text = text[:i] + w.issuer.Key().String() + text[i+len(mark):]
		}
	}
	return pep.FS(fstest.MapFS{"policy.moat": {Data: []byte(text)}}, ".")
}

func (w *world) trustText(sequence int, rename map[string]string) []byte {
	names := map[string]string{}
	for name, id := range w.ids {
		if name != "stranger" && name != "pep" {
			names[name] = id.Key().String()
		}
	}
	for name, key := range rename {
		if names[name] = key; key == "" {
			delete(names, name)
		}
	}
	return must[[]byte](w.t)(json.Marshal(map[string]any{
		"version": 1, "realm": "test", "sequence": sequence, "names": names,
		"roots":    []any{map[string]any{"key": w.root.Key().String(), "grants": []any{map[string]any{"actions": []string{"execute", "read", "delegate", "send"}, "resources": []string{"tool://**", "agent://**", "file:///**"}}}}},
		"issuers":  []any{map[string]any{"key": w.issuer.Key().String(), "claims": []string{"Partners"}}},
		"revokers": []string{w.revoker.Key().String()},
	}))
}

func (w *world) register(name string, attestations ...[]byte) {
	w.t.Helper()
	if err := w.registry.Register(relay.Agent{Name: name, Key: w.ids[name].Key(), Attestations: attestations}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) handle(to string, h relay.Handler) {
	w.t.Helper()
	if err := w.local.Handle(to, h); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) revoke(sequence uint64, keys ...token.Key) error {
	w.t.Helper()
	issued := w.clock().Truncate(time.Second)
	return w.pep.Revoke(must[[]byte](w.t)(token.SignRevocations(w.revoker, token.RevocationList{Realm: "test", Sequence: sequence, Issued: issued, NextUpdate: issued.Add(time.Hour), Keys: keys})))
}

func (w *world) grants(resources ...string) []token.Grant {
	w.t.Helper()
	g := token.Grant{Actions: []string{"execute", "delegate", "send"}}
	for _, r := range resources {
		g.Resources = append(g.Resources, must[*resource.Pattern](w.t)(resource.ParsePattern(r)))
	}
	return []token.Grant{g}
}

// block is one for an audience, at a depth of the chain.
func (w *world) block(to string, depth int) token.Block {
	w.t.Helper()
	now := w.clock().Truncate(time.Second)
	return token.Block{Realm: "test", Audience: w.ids[to].Key(), ID: must[token.ID](w.t)(token.NewID(rand.Reader)), Depth: 7 - depth,
		NotBefore: now.Add(-time.Minute), Expires: now.Add(time.Hour), Grants: w.grants("tool://**", "agent://**")}
}

// token is one through whose chain authority comes from the root to the last of names.
func (w *world) token(names ...string) []byte {
	w.t.Helper()
	raw := must[[]byte](w.t)(token.Mint(w.root, w.block(names[0], 0)))
	for i, name := range names[1:] {
		raw = must[[]byte](w.t)(token.Attenuate(raw, w.ids[names[i]], w.block(name, i+1)))
	}
	return raw
}

// signed is a delivery of a sender under a token.
func (w *world) signed(by string, raw []byte, action, on, args string, change ...func(*token.Message)) []byte {
	w.t.Helper()
	_, digest, err := token.Claimed(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	m := token.Message{Realm: "test", Recipient: w.ids["pep"].Key(), Sequence: w.seq.Add(1), Time: w.clock(), Token: digest, Policy: w.pep.Policy().Digest(), Trust: w.pep.Trust().Digest(),
		Action: action, Resource: must[resource.Name](w.t)(resource.Parse(on)), Args: []byte(args)}
	for _, f := range change {
		f(&m)
	}
	d := &token.Delivery{Message: must[[]byte](w.t)(token.SignMessage(w.ids[by], m)), Token: raw}
	return must[[]byte](w.t)(d.Encode())
}

// message is a message of the last of a chain to an agent.
func (w *world) message(to, text string, chain ...string) []byte {
	w.t.Helper()
	args := must[[]byte](w.t)(json.Marshal(map[string]string{"to": to, "text": text}))
	return w.signed(chain[len(chain)-1], w.token(chain...), "execute", "tool://message", string(args))
}

func (w *world) send(raw []byte) relay.Result {
	return w.router.Send(context.Background(), raw)
}

// expect sends and complains unless the result is as said.
func (w *world) expect(raw []byte, status relay.Status, code eval.Code) relay.Result {
	w.t.Helper()
	r := w.send(raw)
	if r.Status != status || r.Answer.Code != code {
		w.t.Errorf("%s (%s) %v; want %s (%s)", r.Status, r.Answer.Code, r.Err, status, code)
	}
	if status != relay.Delivered && (r.Err == nil || r.Reply != nil) {
		w.t.Errorf("%s: error %v, reply %q", r.Status, r.Err, r.Reply)
	}
	return r
}

// effects are the outcomes in the log, by decision.
func (w *world) effects() map[uint64]*audit.Effect {
	w.t.Helper()
	out := map[uint64]*audit.Effect{}
	for r, err := range audit.Read(filepath.Join(w.cfg.Dir, "log"), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		if e, ok := r.Event.(*audit.Effect); ok {
			if out[e.Decision] != nil {
				w.t.Errorf("decision %d has two effects", e.Decision)
			}
			out[e.Decision] = e
		}
	}
	return out
}

// decisions is how many decisions are in the log.
func (w *world) decisions() (n int) {
	for r, err := range audit.Read(filepath.Join(w.cfg.Dir, "log"), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		if _, ok := r.Event.(*audit.Decision); ok {
			n++
		}
	}
	return n
}
