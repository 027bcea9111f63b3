package pep_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/replay"
	"github.com/moat-lang/moat/token"
)

// What the log says of decisions under tokens is enough to ask another policy: the same policy changes nothing, and what another one changes is
// found, be it about the requester, the chain, a claim or an approval.
func TestLogIsReplayed(t *testing.T) {
	w := started(t)
	claim := must[[]byte](t)(token.SignAttestation(w.ids["ci"], token.Attestation{Realm: "test", ID: newID(t), Claim: "ci-passed", Value: "4f2a", NotBefore: w.clock.now().Add(-time.Minute), Expires: w.clock.now().Add(time.Hour)}))
	w.expect(w.delivery("note", note, "coordinator"), eval.Permit, eval.CodePermit)
	w.expect(w.delivery("note", note, "coordinator", "mallory"), eval.Permit, eval.CodePermit)
	w.expect(w.delivery("note", note, "reviewer", "coordinator"), eval.Deny, eval.CodeNotDelegated)
	deploy := w.delivery("deploy", `{"commit": "4f2a", "hosts": 1}`, "coordinator", "deployer")
	deploy.Attestations = [][]byte{claim}
	w.expect(deploy, eval.Permit, eval.CodePermit)
	partner := w.delivery("note", note, "stranger")
	partner.Attestations = [][]byte{must[[]byte](t)(token.SignAttestation(w.issuer, token.Attestation{Realm: "test", ID: newID(t), Claim: "Partners", Subject: w.ids["stranger"].Key(), NotBefore: w.clock.now().Add(-time.Minute), Expires: w.clock.now().Add(time.Hour)}))}
	w.expect(partner, eval.Permit, eval.CodePermit)
	ask, _ := w.ask(payment, "coordinator")
	w.expect(w.again(payment, [][]byte{w.approve("alice", ask.Approval("test", "big", w.clock.now()))}, "coordinator"), eval.Permit, eval.CodePermit)
	w.expect(w.delivery("note", `{"text": "x", "key": "secret"}`, "coordinator"), eval.Permit, eval.CodePermit) // can't be asked again: key is redacted
	narrow := w.tokenOf(func(int) token.Block {
		return token.Block{Grants: []token.Grant{grant([]string{"read"}, []string{"file:///srv/**"})}}
	}, "coordinator")
	w.expect(&token.Delivery{Message: w.sign("coordinator", w.message(narrow, "execute", "tool://note", note)), Token: narrow}, eval.Deny, eval.CodeNotGranted)
	w.pep.Close()

	run := func(policy string) *replay.Report {
		p, diags := lang.Compile(map[string]string{"p.moat": policy})
		if p == nil {
			t.Fatal(diags)
		}
		r, err := replay.Run(audit.Read(filepath.Join(w.cfg.Dir, "log"), 0), eval.New(p), 3)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	same := run(w.policy)
	if same.Decisions != 9 || same.Replayed != 7 || same.Changed != 0 || len(same.Skipped) != 2 {
		t.Errorf("the same policy: %+v", same)
	}
	for name, c := range map[string]struct {
		policy  string
		changed uint64
	}{
		"a forbid of somebody on the chain": {w.policy + "forbid out: coordinator to execute on tool deploy\n", 1},
		"a forbid of the requester":         {w.policy + "forbid out: mallory to execute on tool note\n", 1},
		"no such claim":                     {replace(w.policy, `"ci-passed"`, `"ci-green"`), 1},
		"a claim by somebody else":          {replace(w.policy, w.issuer.Key().String(), w.root.Key().String()), 1},
		"another delegation":                {w.policy + "permit reviewer to delegate on agent coordinator\n", 1},
		"a shorter chain":                   {w.policy + "forbid long: any to execute on tool note when token.depth > 1\n", 1},
		"no approval needed":                {replace(w.policy, " needs approval by Managers within 10m", ""), 1},
	} {
		if r := run(c.policy); r.Changed != c.changed || r.Replayed != same.Replayed {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
