package pep_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// The policy of the tests: a small team of agents.
const teamPolicy = `policy team edition 1
group Staff
group Managers
group Partners claims "ISSUER"
agent coordinator in Staff
agent reviewer in Staff
agent deployer
agent mallory
person alice in Managers
person bob in Managers
person ci
origin web
context { load: int? }
tool note(text: string, key: string? redact)
tool deploy(commit: string, hosts: int)
tool pay(to: email, amount: decimal)
permit coordinator to delegate on agent reviewer, agent deployer, agent mallory
permit Staff, Partners, mallory to execute on tool note
permit Staff to read on "file:///srv/**"
permit deployer to execute on tool deploy when args.commit attested "ci-passed" by ci
permit big: coordinator to execute on tool pay when args.amount <= 1000.00 needs approval by Managers within 10m
permit twice: reviewer to execute on tool pay needs 2 approval by Managers
forbid any to execute on tool deploy when args.hosts > 100
forbid fired: mallory to execute on tool deploy
forbid injected: any to execute on tool pay when args.to from some web
delegation { max_depth 8 max_ttl 24h }
`

// A world is a PEP and everybody around it.
type world struct {
	t      testing.TB
	pep    *pep.PEP
	cfg    pep.Config
	policy string
	trust  *token.Trust
	ids    map[string]*token.Identity // agents and others by name
	root   *token.Identity
	issuer *token.Identity // of Partners' claims
	revoke *token.Identity
	clock  *clock
	seeds  map[string]ed25519.PrivateKey // what a thief of a key would have
	seq    atomic.Uint64
}

// A clock that tests set. Both of its hands move together unless a test moves one.
type clock struct{ wall, elapsed atomic.Int64 }

func (c *clock) pass(d time.Duration) { c.wall.Add(int64(d)); c.elapsed.Add(int64(d)) }
func (c *clock) now() time.Time       { return time.Unix(0, c.wall.Load()).UTC() }
func (c *clock) since() time.Duration { return time.Duration(c.elapsed.Load()) }
func (c *clock) jump(d time.Duration) { c.wall.Add(int64(d)) }

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

// identityFrom makes an identity whose private key the test knows as well.
func identityFrom(t testing.TB, w *world, name string, role token.Role) *token.Identity {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		t.Fatal(err)
	}
	w.seeds[name] = ed25519.NewKeyFromSeed(seed)
	return identitySeed(t, w.seeds[name], role)
}

func identitySeed(t testing.TB, key ed25519.PrivateKey, role token.Role) *token.Identity {
	return must[*token.Identity](t)(token.NewIdentity(role, bytes.NewReader(key.Seed())))
}

func newWorld(t testing.TB, change ...func(*pep.Config)) *world {
	t.Helper()
	w := &world{t: t, ids: map[string]*token.Identity{}, seeds: map[string]ed25519.PrivateKey{}, root: identity(t, token.RoleRoot), issuer: identity(t, token.RoleAttester), revoke: identity(t, token.RoleRevocation), clock: &clock{}}
	w.clock.wall.Store(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC).UnixNano())
	for name, role := range map[string]token.Role{"coordinator": token.RoleAgent, "reviewer": token.RoleAgent, "deployer": token.RoleAgent, "mallory": token.RoleAgent, "stranger": token.RoleAgent,
		"pep": token.RoleAgent, "alice": token.RoleApprover, "bob": token.RoleApprover, "ci": token.RoleAttester} {
		w.ids[name] = identityFrom(t, w, name, role)
	}
	w.policy = replace(teamPolicy, "ISSUER", w.issuer.Key().String())
	secret, err := audit.GenerateKey("example.com/test")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = pep.Config{
		Policy: policyOf(w.policy), Trust: w.trustText(1), Key: w.ids["pep"].Key(), Dir: filepath.Join(t.TempDir(), "pep"), LogKey: must[*audit.Key](t)(audit.ParseKey(secret)), Create: true,
		Clock: pep.Clock{Now: w.clock.now, Elapsed: w.clock.since},
	}
	for _, f := range change {
		f(&w.cfg)
	}
	w.open()
	t.Cleanup(func() { w.pep.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	p, err := pep.Open(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pep, w.trust = p, p.Trust()
}

// restart closes the PEP and opens it again on the same files.
func (w *world) restart() {
	w.t.Helper()
	if err := w.pep.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Create = false
	w.open()
}

func policyOf(text string) pep.Source {
	return pep.FS(fstest.MapFS{"policy.moat": {Data: []byte(text)}}, ".")
}

// allResources is what the root may grant.
var allResources = []string{"file:///**", "tool://**", "agent://**", "https://**"}

func (w *world) trustText(sequence int) []byte {
	names := map[string]string{}
	for name, id := range w.ids {
		if name != "stranger" && name != "pep" {
			names[name] = id.Key().String()
		}
	}
	doc := map[string]any{
		"version": 1, "realm": "test", "sequence": sequence, "names": names,
		"roots":    []any{map[string]any{"key": w.root.Key().String(), "grants": []any{map[string]any{"actions": []string{"execute", "read", "write", "delegate", "send"}, "resources": allResources}}}},
		"issuers":  []any{map[string]any{"key": w.issuer.Key().String(), "claims": []string{"Partners"}}, map[string]any{"key": w.ids["ci"].Key().String(), "claims": []string{"ci-passed"}}},
		"revokers": []string{w.revoke.Key().String()},
	}
	text, err := json.Marshal(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func grant(actions, patterns []string) token.Grant {
	g := token.Grant{Actions: actions}
	for _, p := range patterns {
		r, err := resource.ParsePattern(p)
		if err != nil {
			panic(err)
		}
		g.Resources = append(g.Resources, r)
	}
	return g
}

func newID(t testing.TB) token.ID { return must[token.ID](t)(token.NewID(rand.Reader)) }

// token is one through whose chain authority comes from the root to the last of names; each block grants the same.
func (w *world) token(names ...string) []byte {
	w.t.Helper()
	all := grant([]string{"execute", "read", "write", "delegate"}, []string{"file:///**", "tool://**", "agent://**"})
	return w.tokenOf(func(int) token.Block { return token.Block{Grants: []token.Grant{all}} }, names...)
}

// tokenOf is one whose blocks begin as block says.
func (w *world) tokenOf(block func(i int) token.Block, names ...string) []byte {
	w.t.Helper()
	var raw []byte
	by := w.root
	for i, name := range names {
		b := block(i)
		b.Realm, b.Audience, b.ID, b.Depth = "test", w.ids[name].Key(), newID(w.t), 7-i
		if b.NotBefore.IsZero() {
			b.NotBefore, b.Expires = w.clock.now().Add(-time.Minute).Truncate(time.Second), w.clock.now().Add(time.Hour).Truncate(time.Second)
		}
		var err error
		if i == 0 {
			raw, err = token.Mint(by, b)
		} else {
			raw, err = token.Attenuate(raw, by, b)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		by = w.ids[name]
	}
	return raw
}

// message is what a sender asks for under a token: a call of a tool, or an action on a resource.
func (w *world) message(raw []byte, action, on, args string) token.Message {
	w.t.Helper()
	_, digest, err := token.Claimed(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	name, err := resource.Parse(on)
	if err != nil {
		w.t.Fatal(err)
	}
	return token.Message{Realm: "test", Recipient: w.ids["pep"].Key(), Sequence: w.seq.Add(1), Time: w.clock.now(), Token: digest, Policy: w.pep.Policy().Digest(), Trust: w.trust.Digest(),
		Action: action, Resource: name, Args: []byte(args)}
}

func (w *world) sign(by string, m token.Message) []byte {
	w.t.Helper()
	raw, err := token.SignMessage(w.ids[by], m)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// call sends a call by the last of the chain.
func (w *world) delivery(tool, args string, chain ...string) *token.Delivery {
	w.t.Helper()
	raw := w.token(chain...)
	return &token.Delivery{Message: w.sign(chain[len(chain)-1], w.message(raw, "execute", "tool://"+tool, args)), Token: raw}
}

func (w *world) decide(d *token.Delivery) pep.Answer {
	w.t.Helper()
	raw, err := d.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.pep.Decide(context.Background(), raw)
}

// expect decides and complains unless the answer is as said.
func (w *world) expect(d *token.Delivery, outcome eval.Outcome, code eval.Code) pep.Answer {
	w.t.Helper()
	a := w.decide(d)
	if a.Outcome != outcome || a.Code != code {
		w.t.Errorf("%s (%s) %v %s; want %s (%s)", a.Outcome, a.Code, a.Reason, a.Decision.Detail, outcome, code)
	}
	return a
}

// nobody expects the answer for whoever hasn't passed the first stage, for the reason that the operator sees.
func (w *world) nobody(d *token.Delivery, reason error) {
	w.t.Helper()
	a := w.expect(d, eval.Deny, pep.CodeUnauthenticated)
	if reason != nil && !errors.Is(a.Reason, reason) {
		w.t.Errorf("the reason is %v, want %v", a.Reason, reason)
	}
}

func (w *world) revocations(list token.RevocationList) error {
	w.t.Helper()
	list.Realm, list.Issued = "test", w.clock.now().Truncate(time.Second)
	if list.NextUpdate.IsZero() {
		list.NextUpdate = list.Issued.Add(time.Hour)
	}
	signed, err := token.SignRevocations(w.revoke, list)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.pep.Revoke(signed)
}

// records reads the log, once all that was decided is in it.
func (w *world) records() []audit.Record {
	w.t.Helper()
	var out []audit.Record
	for r, err := range audit.Read(filepath.Join(w.cfg.Dir, "log"), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func replace(s, old, new string) string {
	i := 0
	for ; i+len(old) <= len(s); i++ {
		if s[i:i+len(old)] == old {
			return s[:i] + new + s[i+len(old):]
		}
	}
	return s
}
