package demo

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/policies"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

const realm = "demo"

// ttl is how long the tokens last: what `delegation` of the policy allows at most.
const ttl = 30 * time.Minute

// A cast is everybody in the story, and the machinery between them.
type cast struct {
	dir    string
	ids    map[string]*token.Identity
	forger ed25519.PrivateKey // of the coordinator, who will sign what it may not
	logKey *audit.Key
	tokens map[string][]byte
	trust  []byte

	pep      *pep.PEP
	router   *relay.Router
	sequence uint64
	lists    uint64 // of revocations

	sent    map[string][]byte // deliveries, by step
	ask     *pep.Ask
	approve []byte
	records map[string]uint64 // by step

	mu         sync.Mutex
	checkpoint []byte // the last that was signed, kept where the log isn't
}

// roles are those whose keys there are. Maintainers of the policy approve.
var roles = map[string]token.Role{
	"owner": token.RoleRoot, "gate": token.RoleAgent, "revoker": token.RoleRevocation,
	"coordinator": token.RoleAgent, "reviewer": token.RoleAgent, "tester": token.RoleAgent, "deployer": token.RoleAgent, "thief": token.RoleAgent,
	"mira": token.RoleApprover, "tomas": token.RoleApprover,
}

// images says where the names of images came from, as a host that follows its values knows.
var images = map[string]string{"app:7": "user", "app:7-fixed": "tool issue.read.text"}

func newCast(dir string) (*cast, error) {
	c := &cast{dir: dir, ids: map[string]*token.Identity{}, tokens: map[string][]byte{}, sent: map[string][]byte{}, records: map[string]uint64{}}
	for name, role := range roles {
		seed := make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, err
		}
		id, err := token.NewIdentity(role, bytes.NewReader(seed))
		if err != nil {
			return nil, err
		}
		if c.ids[name] = id; name == "coordinator" {
			c.forger = ed25519.NewKeyFromSeed(seed)
		}
		text, err := id.KeyFile()
		if err != nil {
			return nil, err
		}
		if err := c.keep("keys/"+name+".key", text); err != nil {
			return nil, err
		}
	}
	secret, err := audit.GenerateKey("example.com/moat-demo")
	if err != nil {
		return nil, err
	}
	if c.logKey, err = audit.ParseKey(secret); err != nil {
		return nil, err
	}
	if c.trust, err = c.trustDocument(); err != nil {
		return nil, err
	}
	if err := errors.Join(c.keep("keys/log.pub", []byte(c.logKey.Public()+"\n")), c.keep("trust.json", c.trust), c.keepPolicy()); err != nil {
		return nil, err
	}
	if err := c.mintTokens(); err != nil {
		return nil, err
	}
	return c, c.start()
}

// keep writes a file into the directory.
func (c *cast) keep(name string, data []byte) error {
	path := filepath.Join(c.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func (c *cast) keepPolicy() error {
	return fs.WalkDir(policies.MultiAgent(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.MultiAgent(), name)
		if err != nil {
			return err
		}
		return c.keep("policy/"+name, text)
	})
}

func (c *cast) trustDocument() ([]byte, error) {
	names := map[string]string{}
	for _, name := range []string{"coordinator", "reviewer", "tester", "deployer", "mira", "tomas"} {
		names[name] = c.ids[name].Key().String()
	}
	grants := []any{}
	for _, g := range rootGrants() {
		patterns := []string{}
		for _, p := range g.Resources {
			patterns = append(patterns, p.String())
		}
		grants = append(grants, map[string]any{"actions": g.Actions, "resources": patterns})
	}
	return json.MarshalIndent(map[string]any{
		"version": 1, "realm": realm, "sequence": 1, "names": names, "revokers": []string{c.ids["revoker"].Key().String()},
		"roots": []any{map[string]any{"key": c.ids["owner"].Key().String(), "grants": grants}},
	}, "", "  ")
}

// grant is one of actions, with spaces between, on patterns. One that doesn't parse is missing, and a grant without any is refused when it is signed.
func grant(actions string, on ...string) token.Grant {
	g := token.Grant{Actions: strings.Fields(actions)}
	for _, s := range on {
		if p, err := resource.ParsePattern(s); err == nil {
			g.Resources = append(g.Resources, p)
		}
	}
	return g
}

func rootGrants() []token.Grant {
	return []token.Grant{grant("execute", "tool://**"), grant("send delegate", "agent://**"), grant("use deploy", "env://**")}
}

// The grants of the story: the coordinator may reach preview and staging, and gives each of the others a part of that.
func grantsOf(name string) []token.Grant {
	switch name {
	case "coordinator":
		return []token.Grant{grant("execute", "tool://handoff", "tool://message", "tool://suite.run", "tool://deploy.start"), grant("send delegate", "agent://*"), grant("use deploy", "env://preview", "env://staging")}
	case "tester":
		return []token.Grant{grant("execute", "tool://suite.run"), grant("use", "env://preview", "env://staging")}
	case "deployer":
		return []token.Grant{grant("execute", "tool://deploy.start"), grant("deploy", "env://staging")}
	case "reviewer":
		return []token.Grant{grant("execute", "tool://message", "tool://change.comment"), grant("send", "agent://*")}
	}
	return nil
}

// mintTokens gives the coordinator and the reviewer tokens of the owner's, and the tester and the deployer tokens of the coordinator's.
func (c *cast) mintTokens() (err error) {
	for _, name := range []string{"coordinator", "reviewer"} {
		if c.tokens[name], err = token.Mint(c.ids["owner"], c.block(name, grantsOf(name), 1)); err != nil {
			return err
		}
	}
	for _, name := range []string{"tester", "deployer"} {
		if c.tokens[name], err = token.Attenuate(c.tokens["coordinator"], c.ids["coordinator"], c.block(name, grantsOf(name), 0)); err != nil {
			return err
		}
	}
	for name, raw := range c.tokens {
		if err := c.keep("tokens/"+name+".token", []byte(token.FormatText(raw)+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// block is one for somebody; it ends when the coordinator's does.
func (c *cast) block(name string, grants []token.Grant, depth int) token.Block {
	b := token.Block{Realm: realm, Audience: c.ids[name].Key(), Depth: depth, Grants: grants}
	rand.Read(b.ID[:])
	b.NotBefore = time.Now().Truncate(time.Second)
	if raw := c.tokens["coordinator"]; raw != nil {
		if blocks, err := token.Inspect(raw); err == nil {
			b.NotBefore = blocks[0].NotBefore
		}
	}
	b.Expires = b.NotBefore.Add(ttl)
	return b
}

// start opens the PEP and puts the router before it.
func (c *cast) start() error {
	var err error
	c.pep, err = pep.Open(pep.Config{
		Policy: pep.FS(policies.MultiAgent(), "."), Trust: c.trust, Key: c.ids["gate"].Key(), Dir: filepath.Join(c.dir, "pep"), LogKey: c.logKey, Create: true, Program: "moatc demo",
		OnCheckpoint: func(signed []byte) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.checkpoint = signed
		},
		Facts: func(_ context.Context, call pep.Call) (eval.Facts, error) {
			image, ok := call.Request.Args.Get("image")
			if label := images[image.Text]; ok && label != "" {
				return eval.Facts{Origins: map[string][]string{"/image": {label}}}, nil
			}
			return eval.Facts{}, nil
		},
	})
	if err != nil {
		return err
	}
	if err := c.revoke(); err != nil {
		return errors.Join(err, c.pep.Close())
	}
	registry, local := relay.NewRegistry(c.pep), relay.NewLocal(0)
	c.router, err = relay.NewRouter(relay.Config{PEP: c.pep, Registry: registry, Transport: local})
	for _, name := range []string{"coordinator", "reviewer", "tester", "deployer"} {
		name := name
		err = errors.Join(err, registry.Register(relay.Agent{Name: name, Key: c.ids[name].Key()}),
			local.Handle("agent://"+name, func(_ context.Context, m *relay.Message) ([]byte, error) {
				return fmt.Appendf(nil, "%s has it from %s", name, m.Request.Subject), nil
			}))
	}
	for _, tool := range []string{"suite.run", "deploy.start", "change.comment"} {
		err = errors.Join(err, local.Handle("tool://"+tool, func(_ context.Context, m *relay.Message) ([]byte, error) {
			return fmt.Appendf(nil, "%s was called by %s", m.Request.Resource.Path(), m.Request.Subject), nil
		}))
	}
	if err != nil {
		return errors.Join(err, c.pep.Close())
	}
	return nil
}

// revoke issues the next list: the keys that are revoked from now on.
func (c *cast) revoke(keys ...token.Key) error {
	c.lists++
	now := time.Now().Truncate(time.Second)
	signed, err := token.SignRevocations(c.ids["revoker"], token.RevocationList{Realm: realm, Sequence: c.lists, Issued: now, NextUpdate: now.Add(time.Hour), Keys: keys})
	if err != nil {
		return err
	}
	if err := c.keep("revocations.txt", []byte(token.FormatText(signed)+"\n")); err != nil {
		return err
	}
	return c.pep.Revoke(signed)
}

// message signs a call by somebody under a token.
func (c *cast) message(by string, raw []byte, tool, args string, approvals ...[]byte) ([]byte, error) {
	_, digest, err := token.Claimed(raw)
	if err != nil {
		return nil, err
	}
	on, err := resource.Parse("tool://" + tool)
	if err != nil {
		return nil, err
	}
	c.sequence++
	m, err := token.SignMessage(c.ids[by], token.Message{Realm: realm, Recipient: c.ids["gate"].Key(), Sequence: c.sequence, Time: time.Now(), Token: digest,
		Policy: c.pep.Policy().Digest(), Trust: c.pep.Trust().Digest(), Action: "execute", Resource: on, Args: []byte(args)})
	if err != nil {
		return nil, err
	}
	return (&token.Delivery{Message: m, Token: raw, Approvals: approvals}).Encode()
}

// send sends a delivery for a step, and keeps it.
func (c *cast) send(ctx context.Context, s *Step, delivery []byte) error {
	_, err := c.deliver(ctx, s, delivery)
	return err
}

func (c *cast) deliver(ctx context.Context, s *Step, delivery []byte) (relay.Result, error) {
	r := c.router.Send(ctx, delivery)
	s.result(c, r)
	c.sent[s.ID], c.records[s.ID] = delivery, s.Record
	return r, c.keep(fmt.Sprintf("deliveries/%02d-%s.cbor", s.Number, s.ID), delivery)
}

// call is what most steps do: somebody calls a tool under its own token.
func (c *cast) call(ctx context.Context, s *Step, by, tool, args string, approvals ...[]byte) (relay.Result, error) {
	s.Request = by + " calls " + tool + " " + args
	delivery, err := c.message(by, c.tokens[by], tool, args, approvals...)
	if err != nil {
		return relay.Result{}, err
	}
	return c.deliver(ctx, s, delivery)
}

// named is an error for people: those in the story by their names, other keys cut.
func (c *cast) named(err error) string {
	text := strings.TrimPrefix(err.Error(), "pep: ")
	for name, id := range c.ids {
		text = strings.ReplaceAll(text, id.Key().String(), name)
	}
	return report.Escape(text)
}

// close ends the router and the PEP, in this order. Closing twice is closing once.
func (c *cast) close() error {
	if c.pep == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(c.router.Close(ctx), c.pep.Close())
}
