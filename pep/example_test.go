package pep_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"testing/fstest"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// A service usually embeds its policies with go:embed, and finds the trust document and its keys in files; see `moatc identity` and `moatc audit`.
var policies = fstest.MapFS{"policy.moat": {Data: []byte(`policy shop edition 1

agent clerk

tool refund(order: string, amount: decimal)

permit small: clerk to execute on tool refund
  when args.amount <= 50.00
`)}}

// exampleWorld is what is set up once: a root that mints tokens, an agent, a service with a PEP, and the agent's token.
func exampleWorld() (p *pep.PEP, service token.Key, clerk *token.Identity, clerkToken []byte, cleanup func()) {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	root, err := token.NewIdentity(token.RoleRoot, rand.Reader)
	check(err)
	clerk, err = token.NewIdentity(token.RoleAgent, rand.Reader)
	check(err)
	me, err := token.NewIdentity(token.RoleAgent, rand.Reader)
	check(err)
	trust := fmt.Sprintf(`{"version": 1, "realm": "shop", "sequence": 1,
		"roots": [{"key": %q, "grants": [{"actions": ["execute"], "resources": ["tool://**"]}]}],
		"names": {"clerk": %q}}`, root.Key(), clerk.Key())
	secret, err := audit.GenerateKey("example.com/shop")
	check(err)
	logKey, err := audit.ParseKey(secret)
	check(err)
	dir, err := os.MkdirTemp("", "moat")
	check(err)

	p, err = pep.Open(pep.Config{
		Policy: pep.FS(policies, "."),
		Trust:  []byte(trust),
		Key:    me.Key(),
		Dir:    dir + "/pep",
		LogKey: logKey,
		Create: true,
		Facts: func(ctx context.Context, call pep.Call) (eval.Facts, error) {
			return eval.Facts{Session: "till-1"}, nil // what the host knows: context, session, where values came from
		},
	})
	check(err)

	id, err := token.NewID(rand.Reader)
	check(err)
	refund, err := resource.ParsePattern("tool://refund")
	check(err)
	now := time.Now().Truncate(time.Second)
	clerkToken, err = token.Mint(root, token.Block{Realm: "shop", Audience: clerk.Key(), ID: id, NotBefore: now, Expires: now.Add(time.Hour),
		Grants: []token.Grant{{Actions: []string{"execute"}, Resources: []*resource.Pattern{refund}}}})
	check(err)
	return p, me.Key(), clerk, clerkToken, func() { p.Close(); os.RemoveAll(dir) }
}

// message is what the agent's side does for each call.
func message(p *pep.PEP, service token.Key, clerk *token.Identity, clerkToken []byte, sequence uint64, args string) []byte {
	_, digest, err := token.Claimed(clerkToken)
	if err != nil {
		log.Fatal(err)
	}
	refund, err := resource.Parse("tool://refund")
	if err != nil {
		log.Fatal(err)
	}
	signed, err := token.SignMessage(clerk, token.Message{Realm: "shop", Recipient: service, Sequence: sequence, Time: time.Now(), Token: digest,
		Policy: p.Policy().Digest(), Trust: p.Trust().Digest(), Action: "execute", Resource: refund, Args: []byte(args)})
	if err != nil {
		log.Fatal(err)
	}
	delivery, err := (&token.Delivery{Message: signed, Token: clerkToken}).Encode()
	if err != nil {
		log.Fatal(err)
	}
	return delivery
}

// The whole enforcement point: signed messages under a token in, decisions out, each in the log before it is answered.
func Example() {
	p, service, clerk, clerkToken, cleanup := exampleWorld()
	defer cleanup()
	for i, args := range []string{`{"order": "A1", "amount": 20.00}`, `{"order": "A1", "amount": 5000.00}`} {
		a := p.Decide(context.Background(), message(p, service, clerk, clerkToken, uint64(i+1), args))
		fmt.Println(a.Outcome, a.Code, a.ForSender())
	}
	replayed := message(p, service, clerk, clerkToken, 1, `{"order": "A2", "amount": 20.00}`)
	fmt.Println(p.Decide(context.Background(), replayed).Code)
	// Output:
	// permit permit The policy permits this action.
	// deny condition_failed The policy does not permit this action (condition_failed).
	// unauthenticated
}

// An HTTP service whose handler sees only what was permitted.
func ExamplePEP_Guard() {
	p, service, clerk, clerkToken, cleanup := exampleWorld()
	defer cleanup()
	refund := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := pep.Permitted(r.Context())
		if !ok { // reached by another way than the guard
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		amount, _ := a.Request.Args.Get("amount")
		fmt.Fprintf(w, "refunded %s for %s", amount.Text, a.Request.Subject)
	})
	server := httptest.NewServer(p.Guard(refund))
	defer server.Close()
	for i, args := range []string{`{"order": "A1", "amount": 20.00}`, `{"order": "A1", "amount": 5000.00}`} {
		resp, err := http.Post(server.URL, pep.MediaType, bytes.NewReader(message(p, service, clerk, clerkToken, uint64(i+1), args)))
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.StatusCode, string(bytes.TrimSpace(body)))
	}
	// Output:
	// 200 refunded 20.00 for clerk
	// 403 {"outcome":"deny","code":"condition_failed","message":"The policy does not permit this action (condition_failed)."}
}
