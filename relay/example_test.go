package relay_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// Two agents, one of which may write to the other. The errors that are left out here would be those of a disk, or of a slip in the texts.
func Example() {
	identity := func(role token.Role) *token.Identity {
		id, err := token.NewIdentity(role, rand.Reader)
		if err != nil {
			log.Fatal(err)
		}
		return id
	}
	root, here, planner, writer := identity(token.RoleRoot), identity(token.RoleAgent), identity(token.RoleAgent), identity(token.RoleAgent)
	policy := fstest.MapFS{"policy.moat": {Data: []byte(`policy two edition 1
agent planner
agent writer
tool message(to: string, text: string) does send on ("agent://" + args.to)
permit planner, writer to execute on tool message
permit planner to send on agent writer
`)}}
	trust := fmt.Sprintf(`{"version": 1, "realm": "example", "sequence": 1, "names": {"planner": %q, "writer": %q},
		"roots": [{"key": %q, "grants": [{"actions": ["execute", "send"], "resources": ["tool://**", "agent://**"]}]}]}`, planner.Key(), writer.Key(), root.Key())
	dir, err := os.MkdirTemp("", "moat")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	secret, _ := audit.GenerateKey("example.com/log")
	logKey, _ := audit.ParseKey(secret)
	p, err := pep.Open(pep.Config{Policy: pep.FS(policy, "."), Trust: []byte(trust), Key: here.Key(), Dir: dir + "/pep", LogKey: logKey, Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	// The router, with a handler for the writer.
	registry, local := relay.NewRegistry(p), relay.NewLocal(0)
	router, err := relay.NewRouter(relay.Config{PEP: p, Registry: registry, Transport: local})
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close(context.Background())
	for name, id := range map[string]*token.Identity{"planner": planner, "writer": writer} {
		if err := registry.Register(relay.Agent{Name: name, Key: id.Key()}); err != nil {
			log.Fatal(err)
		}
	}
	local.Handle("agent://writer", func(_ context.Context, m *relay.Message) ([]byte, error) {
		text, _ := m.Request.Args.Get("text")
		return []byte(m.Request.Subject + " says " + text.Text), nil
	})

	// What an agent does: it signs a message under its token.
	sequence := uint64(0)
	send := func(from *token.Identity, args string) relay.Result {
		everything, _ := resource.ParsePattern("tool://**")
		agents, _ := resource.ParsePattern("agent://**")
		id, _ := token.NewID(rand.Reader)
		now := time.Now().Truncate(time.Second)
		tok, err := token.Mint(root, token.Block{Realm: "example", Audience: from.Key(), ID: id, NotBefore: now, Expires: now.Add(time.Hour),
			Grants: []token.Grant{{Actions: []string{"execute", "send"}, Resources: []*resource.Pattern{everything, agents}}}})
		if err != nil {
			log.Fatal(err)
		}
		_, digest, _ := token.Claimed(tok)
		tool, _ := resource.Parse("tool://message")
		sequence++
		message, err := token.SignMessage(from, token.Message{Realm: "example", Recipient: here.Key(), Sequence: sequence, Time: time.Now(), Token: digest,
			Policy: p.Policy().Digest(), Trust: p.Trust().Digest(), Action: "execute", Resource: tool, Args: []byte(args)})
		if err != nil {
			log.Fatal(err)
		}
		delivery, err := (&token.Delivery{Message: message, Token: tok}).Encode()
		if err != nil {
			log.Fatal(err)
		}
		return router.Send(context.Background(), delivery)
	}
	r := send(planner, `{"to": "writer", "text": "hello"}`)
	fmt.Printf("%s: %s\n", r.Status, r.Reply)
	r = send(writer, `{"to": "planner", "text": "hello"}`)
	fmt.Printf("%s: %s\n", r.Status, r.ForSender())
	// Output:
	// delivered: planner says hello
	// denied: The policy does not permit this action (no_permit).
}
