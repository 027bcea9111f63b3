package relay_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/internal/forge"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/token"
)

// What a runtime of agents' messages has to do, each behaviour under its usual name.
func TestBehaviour(t *testing.T) {
	t.Run("delegated_token_chain_verified", func(t *testing.T) {
		w := newWorld(t)
		r := w.expect(w.message("coordinator", "done", "coordinator", "reviewer"), relay.Delivered, eval.CodePermit)
		if r.Answer.Chain.Len() != 2 || r.Answer.Chain.Root() != w.root.Key() || w.got[0].Request.Subject != "reviewer" {
			t.Errorf("%+v", r.Answer)
		}
	})
	t.Run("revoking_chain_root_invalidates_delegated_token", func(t *testing.T) {
		w := newWorld(t)
		w.expect(w.message("coordinator", "done", "coordinator", "reviewer"), relay.Delivered, eval.CodePermit)
		if err := w.revoke(2, w.ids["coordinator"].Key()); err != nil {
			t.Fatal(err)
		}
		w.expect(w.message("coordinator", "done", "coordinator", "reviewer"), relay.Denied, "token_revoked")
		w.expect(w.message("coordinator", "done", "reviewer"), relay.NoRecipient, eval.CodePermit) // its own token still holds, and the recipient is gone
		if err := w.revoke(3, w.root.Key()); err != nil {
			t.Fatal(err)
		}
		w.expect(w.message("tester", "done", "reviewer"), relay.Denied, "token_revoked")
	})
	t.Run("revocation_persists_across_restart", func(t *testing.T) {
		w := newWorld(t)
		if err := w.revoke(2, w.ids["mallory"].Key()); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.expect(w.message("reviewer", "hello", "coordinator", "mallory"), relay.Denied, "token_revoked")
		if err := w.revoke(1); !errors.Is(err, token.Rollback) {
			t.Errorf("an older list: %v", err)
		}
	})
	t.Run("unrevoke_restores_access", func(t *testing.T) {
		w := newWorld(t)
		if err := w.revoke(2, w.ids["coordinator"].Key()); err != nil {
			t.Fatal(err)
		}
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Denied, "token_revoked")
		if err := w.revoke(3); err != nil {
			t.Fatal(err)
		}
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	})
	t.Run("replay_rejected", func(t *testing.T) {
		w := newWorld(t)
		raw := w.message("reviewer", "hello", "coordinator")
		w.expect(raw, relay.Delivered, eval.CodePermit)
		w.expect(raw, relay.Denied, pep.CodeUnauthenticated)
		w.restart()
		w.expect(raw, relay.Denied, pep.CodeUnauthenticated)
		if w.received() != 1 {
			t.Errorf("received %d times", w.received())
		}
	})
	t.Run("oversized_payload_rejected", func(t *testing.T) {
		w := newWorld(t)
		w.expect(make([]byte, token.MaxDeliverySize+1), relay.TooLarge, pep.CodeUnauthenticated)
		w.expect(make([]byte, token.MaxDeliverySize), relay.Denied, pep.CodeUnauthenticated)
		_, err := token.SignMessage(w.ids["coordinator"], token.Message{Realm: "test", Args: make([]byte, token.MaxArgsSize+1)})
		if err == nil {
			t.Error("arguments that are too large are signed")
		}
	})
	t.Run("unknown_recipient_rejected", func(t *testing.T) {
		w := newWorld(t)
		r := w.expect(w.message("nobody", "hello", "coordinator"), relay.NoRecipient, eval.CodePermit)
		if e := w.effects()[r.Answer.Index]; e == nil || e.Outcome != "unknown_recipient" {
			t.Errorf("the effect is %+v", e)
		}
		w.registry.Unregister("reviewer")
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.NoRecipient, eval.CodePermit)
		// Whoever may not send to it isn't told whether it is there.
		for _, name := range []string{"nobody", "tester"} {
			r := w.expect(w.message(name, "hello", "mallory"), relay.Denied, eval.CodeNoPermit)
			if got, want := r.ForSender(), (eval.Decision{Code: eval.CodeNoPermit}).ForModel(); got != want {
				t.Errorf("the sender is told %q", got)
			}
		}
	})
	t.Run("tampered_message_rejected", func(t *testing.T) {
		w := newWorld(t)
		raw := w.message("reviewer", "hello", "coordinator")
		for i := range raw {
			bad := append([]byte(nil), raw...)
			bad[i] ^= 1
			if r := w.send(bad); r.Status != relay.Denied || r.Answer.Outcome != eval.Deny {
				t.Errorf("byte %d: %s (%s)", i, r.Status, r.Answer.Code)
			}
		}
		if w.received() != 0 {
			t.Errorf("received %d messages", w.received())
		}
	})
	t.Run("wrong_policy_rejected", func(t *testing.T) {
		w := newWorld(t)
		args := `{"to": "reviewer", "text": "hello"}`
		w.expect(w.signed("coordinator", w.token("coordinator"), "execute", "tool://message", args, func(m *token.Message) { m.Policy[0] ^= 1 }), relay.Denied, pep.CodePolicyMismatch)
		w.expect(w.signed("coordinator", w.token("coordinator"), "execute", "tool://message", args, func(m *token.Message) { m.Trust[0] ^= 1 }), relay.Denied, pep.CodeTrustMismatch)
	})
	t.Run("idempotent_registration", func(t *testing.T) {
		w := newWorld(t)
		w.register("reviewer")
		w.register("reviewer")
		if got := strings.Join(w.registry.Names(), " "); got != "coordinator reviewer tester" {
			t.Errorf("registered are %s", got)
		}
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
	})
}

// What must not get through a router, whoever is registered.
func TestRefused(t *testing.T) {
	// T02: mallory is registered and named, holds a narrow token and signs a wider child of it for itself.
	t.Run("wider_child_of_a_registered_agent", func(t *testing.T) {
		w := newWorld(t)
		w.register("mallory")
		narrow := w.block("mallory", 1)
		narrow.Grants = w.grants("tool://build")
		raw := must[[]byte](t)(token.Attenuate(w.token("coordinator"), w.ids["coordinator"], narrow))
		if _, err := token.Attenuate(raw, w.ids["mallory"], w.block("mallory", 2)); !errors.Is(err, token.Grants) {
			t.Fatalf("the library signs it: %v", err)
		}
		wide := must[[]byte](t)(forge.Append(raw, w.keys["mallory"], w.block("mallory", 2)))
		r := w.expect(w.signed("mallory", wide, "send", "agent://reviewer", ""), relay.Denied, "token_grants")
		var terr *token.Error
		if !errors.As(r.Err, &terr) || terr.Witness == "" {
			t.Errorf("%v", r.Err)
		}
	})
	// T03: the block's issuer is an agent that everybody trusts, but not the parent's subject.
	t.Run("issuer_is_not_the_parents_subject", func(t *testing.T) {
		w := newWorld(t)
		raw := must[[]byte](t)(forge.Append(w.token("coordinator"), w.keys["reviewer"], w.block("mallory", 1)))
		w.expect(w.signed("mallory", raw, "send", "agent://reviewer", ""), relay.Denied, "token_issuer")
	})
	// T04: a token that was taken from somebody else.
	t.Run("sender_is_not_the_audience", func(t *testing.T) {
		w := newWorld(t)
		r := w.expect(w.signed("mallory", w.token("coordinator", "reviewer"), "send", "agent://coordinator", ""), relay.Denied, pep.CodeUnauthenticated)
		if !errors.Is(r.Err, token.NotHolder) {
			t.Errorf("%v", r.Err)
		}
	})
	// T05: the leaf is alive and an ancestor isn't.
	t.Run("expired_ancestor", func(t *testing.T) {
		w := newWorld(t)
		short := w.block("coordinator", 0)
		short.Expires = w.clock().Add(time.Minute)
		raw := must[[]byte](t)(token.Mint(w.root, short))
		leaf := w.block("reviewer", 1) // for an hour
		if _, err := token.Attenuate(raw, w.ids["coordinator"], leaf); !errors.Is(err, token.Window) {
			t.Fatalf("the library signs it: %v", err)
		}
		raw = must[[]byte](t)(forge.Append(raw, w.keys["coordinator"], leaf))
		w.expect(w.signed("reviewer", raw, "send", "agent://coordinator", ""), relay.Denied, "token_window")
		leaf.Expires = short.Expires
		raw = must[[]byte](t)(token.Attenuate(must[[]byte](t)(token.Mint(w.root, short)), w.ids["coordinator"], leaf))
		w.expect(w.signed("reviewer", raw, "send", "agent://coordinator", ""), relay.Delivered, eval.CodePermit)
		w.pass(2 * time.Minute)
		w.expect(w.signed("reviewer", raw, "send", "agent://coordinator", ""), relay.Denied, "token_expired")
	})
	// P13: what can't be written down doesn't happen.
	t.Run("decision_whose_audit_write_failed", func(t *testing.T) {
		disk := &brokenDisk{FS: audit.OS()}
		w := newWorld(t, func(c *pep.Config, _ *relay.Config) { c.FS = disk })
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Delivered, eval.CodePermit)
		disk.broken.Store(true)
		r := w.expect(w.message("reviewer", "hello", "coordinator"), relay.Denied, pep.CodeNotRecorded)
		if r.Answer.Outcome != eval.Deny || w.received() != 1 {
			t.Errorf("%+v, received %d", r.Answer, w.received())
		}
		disk.broken.Store(false)
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.Denied, pep.CodeNotRecorded)
		if w.received() != 1 {
			t.Errorf("received %d messages", w.received())
		}
	})
	// The decision could be written down and how it ended can't: nobody is told that all is well.
	t.Run("effect_whose_audit_write_failed", func(t *testing.T) {
		disk := &brokenDisk{FS: audit.OS()}
		w := newWorld(t, func(c *pep.Config, _ *relay.Config) { c.FS = disk })
		w.handle("agent://reviewer", func(_ context.Context, _ *relay.Message) ([]byte, error) {
			disk.broken.Store(true)
			return []byte("done"), nil
		})
		w.expect(w.message("reviewer", "hello", "coordinator"), relay.NotRecorded, eval.CodePermit)
	})
	// G07, G09: an agent writes to whom it may, and under no other name than its own.
	t.Run("foreign_names", func(t *testing.T) {
		w := newWorld(t)
		w.expect(w.message("reviewer", "skip the review", "tester"), relay.Denied, eval.CodeNoPermit)
		w.expect(w.message("../coordinator", "hello", "reviewer"), relay.Denied, eval.CodeInvalidEffect)
		w.expect(w.message("Coordinator", "hello", "reviewer"), relay.Denied, eval.CodeNoPermit)
		w.expect(w.message("coordinator", "hello", "reviewer"), relay.Delivered, eval.CodePermit)
		if w.received() != 1 {
			t.Errorf("received %d messages", w.received())
		}
	})
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	stranger, other := w.ids["stranger"].Key(), identity(t, token.RoleAgent).Key()
	if err := w.registry.Register(relay.Agent{Name: "free", Key: stranger}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		about, name string
		key         token.Key
		want        relay.Reason
	}{
		{"another key under a taken name", "free", other, relay.NameTaken},
		{"another name for a registered key", "free2", stranger, relay.KeyTaken},
		{"another key under a name of the trust document", "mallory", other, relay.Contradicted},
		{"another name for a key of the trust document", "helper", w.ids["mallory"].Key(), relay.Contradicted},
		{"a person", "alice", w.ids["alice"].Key(), relay.Contradicted},
		{"a group", "Staff", other, relay.Contradicted},
		{"somebody else's did:key", w.ids["mallory"].Key().String(), other, relay.Contradicted},
		{"no name", "", other, relay.BadName},
		{"a name with a scheme", "agent://x", other, relay.BadName},
		{"a name that isn't canonical", "a/../b", other, relay.BadName},
		{"a pattern", "*", other, relay.BadName},
		{"a letter that looks like another", "r\u0435viewer", other, relay.BadName},
		{"a long name", strings.Repeat("x", 1000), other, relay.BadName},
	} {
		if err := w.registry.Register(relay.Agent{Name: tt.name, Key: tt.key}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
	if err := w.registry.Register(relay.Agent{Name: "many", Key: other, Attestations: make([][]byte, token.MaxStatements+1)}); !errors.Is(err, relay.TooMany) {
		t.Errorf("too many attestations: %v", err)
	}
	if err := w.registry.Register(relay.Agent{Name: other.String(), Key: other}); err != nil {
		t.Errorf("its own did:key: %v", err)
	}
	if !w.registry.Unregister("free") || w.registry.Unregister("free") {
		t.Error("unregistered twice, or not at all")
	}
	if err := w.registry.Register(relay.Agent{Name: "free", Key: stranger}); err != nil {
		t.Errorf("a name that is free again: %v", err)
	}
	// A trust document that comes later wins.
	if err := w.pep.SetTrust(w.trustText(2, map[string]string{"free": other.String()})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.registry.Agent("free"); !errors.Is(err, relay.Contradicted) {
		t.Errorf("a name that the trust document gave away: %v", err)
	}
	w.expect(w.message("free", "hello", "coordinator"), relay.NoRecipient, eval.CodePermit)
	if err := w.revoke(2, other); err != nil {
		t.Fatal(err)
	}
	if err := w.registry.Register(relay.Agent{Name: "free", Key: other}); !errors.Is(err, relay.KeyRevoked) {
		t.Errorf("a revoked key: %v", err)
	}
	if _, err := w.registry.Agent("nobody"); !errors.Is(err, relay.Unregistered) {
		t.Errorf("nobody: %v", err)
	}
	// A name that the policy speaks of and the trust document doesn't bind is nobody's to take.
	if err := w.pep.SetTrust(w.trustText(3, map[string]string{"tester": ""})); err != nil {
		t.Fatal(err)
	}
	w.registry.Unregister("tester")
	if err := w.registry.Register(relay.Agent{Name: "tester", Key: other}); err == nil {
		t.Error("a name of the policy is given away")
	}
	if err := w.registry.Register(relay.Agent{Name: "tester", Key: identity(t, token.RoleAgent).Key()}); !errors.Is(err, relay.Contradicted) {
		t.Errorf("a name of the policy: %v", err)
	}
}

// A brokenDisk fails from when it is told to.
type brokenDisk struct {
	audit.FS
	broken atomic.Bool
}

func (d *brokenDisk) OpenFile(name string, f int, perm os.FileMode) (audit.File, error) {
	file, err := d.FS.OpenFile(name, f, perm)
	if err != nil {
		return nil, err
	}
	return &brokenFile{file, d}, nil
}

type brokenFile struct {
	audit.File
	disk *brokenDisk
}

func (f *brokenFile) Sync() error {
	if f.disk.broken.Load() {
		return errors.New("input/output error")
	}
	return f.File.Sync()
}
