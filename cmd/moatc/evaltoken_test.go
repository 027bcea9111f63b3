package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

const messagePolicy = `policy shop edition 1
agent clerk
agent boss
agent thief
person alice
context { hour: int? }
tool refund(amount: decimal)
permit boss to delegate on agent clerk
delegation { max_depth 2 max_ttl 2h }
tool ship(commit: string)
permit ship: clerk to execute on tool ship when args.commit attested "ci-passed" by ci
person ci
permit small: clerk to execute on tool refund when args.amount <= 50.00 and token.depth <= 2
permit large: clerk to execute on tool refund when args.amount > 50.00 needs approval by alice
`

// A post office makes deliveries as agents would.
type postOffice struct {
	t      *testing.T
	dir    string
	ids    map[string]*token.Identity
	policy [32]byte
	trust  *token.Trust
	now    time.Time
	seq    uint64
}

func newPostOffice(t *testing.T) *postOffice {
	o := &postOffice{t: t, dir: t.TempDir(), ids: map[string]*token.Identity{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for name, role := range map[string]token.Role{"root": token.RoleRoot, "boss": token.RoleAgent, "clerk": token.RoleAgent, "thief": token.RoleAgent, "pep": token.RoleAgent, "alice": token.RoleApprover, "ci": token.RoleAttester, "revoker": token.RoleRevocation} {
		id, err := token.NewIdentity(role, rand.Reader)
		o.check(err)
		o.ids[name] = id
	}
	o.write("policy.moat", []byte(messagePolicy))
	names := map[string]string{}
	for _, name := range []string{"boss", "clerk", "thief", "alice", "ci"} {
		names[name] = o.ids[name].Key().String()
	}
	doc, err := json.Marshal(map[string]any{"version": 1, "realm": "shop", "sequence": 1, "names": names, "issuers": []any{map[string]any{"key": o.ids["ci"].Key().String(), "claims": []string{"ci-passed"}}},
		"roots": []any{map[string]any{"key": o.ids["root"].Key().String(), "grants": []any{map[string]any{"actions": []string{"execute"}, "resources": []string{"tool://**"}}}}}})
	o.check(err)
	o.write("trust.json", doc)
	o.trust, err = token.ParseTrust(doc)
	o.check(err)
	p, diags := lang.Load(filepath.Join(o.dir, "policy.moat"))
	if p == nil {
		t.Fatal(diags)
	}
	o.policy = p.Digest()
	return o
}

func (o *postOffice) check(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *postOffice) write(name string, data []byte) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	o.check(os.WriteFile(path, data, 0o600))
	return path
}

func (o *postOffice) token(names ...string) []byte {
	o.t.Helper()
	return o.tokenWith(nil, names...)
}

// tokenWith is one whose last block has caveats.
func (o *postOffice) tokenWith(caveats []string, names ...string) []byte {
	o.t.Helper()
	pattern, err := resource.ParsePattern("tool://**")
	o.check(err)
	var raw []byte
	by := o.ids["root"]
	for i, name := range names {
		id, err := token.NewID(rand.Reader)
		o.check(err)
		b := token.Block{Realm: "shop", Audience: o.ids[name].Key(), ID: id, NotBefore: o.now, Expires: o.now.Add(time.Hour), Depth: 3 - i, Grants: []token.Grant{{Actions: []string{"execute"}, Resources: []*resource.Pattern{pattern}}}}
		if i == len(names)-1 {
			b.Caveats = caveats
		}
		if i == 0 {
			raw, err = token.Mint(by, b)
		} else {
			raw, err = token.Attenuate(raw, by, b)
		}
		o.check(err)
		by = o.ids[name]
	}
	return raw
}

func (o *postOffice) delivery(sender string, raw []byte, args string, change ...func(*token.Message)) *token.Delivery {
	o.t.Helper()
	_, digest, err := token.Claimed(raw)
	o.check(err)
	refund, err := resource.Parse("tool://refund")
	o.check(err)
	o.seq++
	m := token.Message{Realm: "shop", Recipient: o.ids["pep"].Key(), Sequence: o.seq, Time: o.now.Add(time.Minute), Token: digest, Policy: o.policy, Trust: o.trust.Digest(), Action: "execute", Resource: refund, Args: []byte(args)}
	for _, f := range change {
		f(&m)
	}
	signed, err := token.SignMessage(o.ids[sender], m)
	o.check(err)
	return &token.Delivery{Message: signed, Token: raw}
}

// eval runs `moatc eval --message` on a delivery.
func (o *postOffice) eval(data []byte, flags ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	args := append([]string{"eval", "--message", "--policy", filepath.Join(o.dir, "policy.moat"), "--trust", filepath.Join(o.dir, "trust.json")}, flags...)
	var out, errs bytes.Buffer
	code = doMain(append(args, o.write("message", data)), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestEvalMessage(t *testing.T) {
	o := newPostOffice(t)
	context := []string{"--context", o.write("context.json", []byte(`{"time": "2026-03-01T12:01:00Z", "hour": 10}`))}
	encode := func(d *token.Delivery) []byte {
		raw, err := d.Encode()
		o.check(err)
		return raw
	}
	const small = `{"amount": 20.00}`
	good := encode(o.delivery("clerk", o.token("boss", "clerk"), small))
	flipped := bytes.Clone(good)
	flipped[len(flipped)/3] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		code int
		want string
	}{
		{"permitted", good, exitOK, "permit  clerk execute tool://refund  by small"},
		{"asks", encode(o.delivery("clerk", o.token("boss", "clerk"), `{"amount": 200.00}`)), exitAsk, "approve nonce "},
		{"a long chain", encode(o.delivery("clerk", o.token("boss", "boss", "clerk"), small)), exitDeny, "token_depth"},
		{"delegation that the policy doesn't permit", encode(o.delivery("clerk", o.token("thief", "clerk"), small)), exitDeny, "not_delegated"},
		{"wrong arguments", encode(o.delivery("clerk", o.token("clerk"), `{"amount": "x"}`)), exitDeny, "invalid_arguments"},
		{"T04 a stolen token", encode(o.delivery("thief", o.token("boss", "clerk"), small)), exitDeny, "not the audience"},
		{"stale", encode(o.delivery("clerk", o.token("clerk"), small, func(m *token.Message) { m.Time = m.Time.Add(-time.Hour) })), exitDeny, "unauthenticated"},
		{"another realm", encode(o.delivery("clerk", o.token("clerk"), small, func(m *token.Message) { m.Realm = "prod" })), exitDeny, "unauthenticated"},
		{"another policy", encode(o.delivery("clerk", o.token("clerk"), small, func(m *token.Message) { m.Policy[0] ^= 1 })), exitDeny, "policy_mismatch"},
		{"a flipped bit", flipped, exitDeny, ""},
		{"empty", nil, exitInvalid, "encoding"},
		{"text", []byte("hello"), exitInvalid, "encoding"},
	} {
		code, stdout, stderr := o.eval(c.data, context...)
		if code != c.code && !(c.name == "a flipped bit" && code == exitInvalid) || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", c.name, code, c.code, c.want, stdout, stderr)
		}
	}

	code, stdout, _ := o.eval(good, append(context, "--format", "json")...)
	var r struct {
		Decision bool
		Context  struct{ Outcome, Code, Stage string }
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exitOK || !r.Decision || r.Context.Stage != "rules" {
		t.Errorf("JSON: %d %v %s", code, err, stdout)
	}
	list, err := token.SignRevocations(o.ids["root"], token.RevocationList{Realm: "shop", Sequence: 1, Issued: o.now, NextUpdate: o.now.Add(time.Hour), Keys: []token.Key{o.ids["boss"].Key()}})
	o.check(err)
	revoked := o.write("list", []byte(token.FormatText(list)))
	if code, stdout, stderr := o.eval(good, append(context, "--revocations", revoked)...); code != exitDeny || !strings.Contains(stdout, "token_revoked") {
		t.Errorf("revoked: %d %s%s", code, stdout, stderr)
	}
	for _, flags := range [][]string{{"--token", revoked}, {"--batch"}, {"--attestation", revoked}, {"--context", filepath.Join(o.dir, "missing")}} {
		if code, stdout, stderr := o.eval(good, flags...); code != exitUsage || stderr == "" {
			t.Errorf("%v: %d %s%s", flags, code, stdout, stderr)
		}
	}
}

// What was decided under a token is written to a log, and can be asked of another policy.
func TestEvalTokenLogIsReplayed(t *testing.T) {
	o := newPostOffice(t)
	policy, logDir := filepath.Join(o.dir, "policy.moat"), filepath.Join(o.dir, "log")
	request := o.write("request.json", []byte(`{"subject": {"type": "agent", "id": "clerk"}, "action": {"name": "execute", "properties": {"amount": 20.00}}, "resource": {"type": "tool", "id": "refund"},
		"context": {"time": "2026-03-01T12:01:00Z"}}`))
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := doMain(args, strings.NewReader(""), &out, &errs)
		return code, out.String() + errs.String()
	}
	if code, out := run("eval", "--policy", policy, "--log", logDir, "--trust", filepath.Join(o.dir, "trust.json"), "--token", o.write("t", []byte(token.FormatText(o.token("boss", "clerk")))), request); code != exitOK {
		t.Fatal(code, out)
	}
	if code, out := run("replay", "--policy", policy, logDir); code != exitOK || !strings.Contains(out, "1 of 1 decisions replayed: none changes") {
		t.Errorf("the same policy: %d %s", code, out)
	}
	strict := o.write("strict.moat", []byte(messagePolicy+"forbid hands_off: boss to execute on tool refund\n"))
	if code, out := run("replay", "--policy", strict, logDir); code != exitFinding || !strings.Contains(out, "now by hands_off, before by small") {
		t.Errorf("a policy that forbids somebody on the chain: %d %s", code, out)
	}
}

func TestEvalToken(t *testing.T) {
	o := newPostOffice(t)
	request := func(subject string, amount string) string {
		return o.write(subject+".json", []byte(fmt.Sprintf(`{"subject": {"type": "agent", "id": %q}, "action": {"name": "execute", "properties": {"amount": %s}}, "resource": {"type": "tool", "id": "refund"},
			"context": {"time": "2026-03-01T12:01:00Z"}}`, subject, amount)))
	}
	run := func(flags ...string) (int, string) {
		var out, errs bytes.Buffer
		code := doMain(append([]string{"eval", "--policy", filepath.Join(o.dir, "policy.moat")}, flags...), strings.NewReader(""), &out, &errs)
		return code, out.String() + errs.String()
	}
	trust := filepath.Join(o.dir, "trust.json")
	text := func(name string, raw []byte) string { return o.write(name, []byte(token.FormatText(raw)+"\n")) }
	clerk := text("clerk.token", o.token("boss", "clerk"))
	program, err := eval.Load(filepath.Join(o.dir, "policy.moat"))
	o.check(err)
	caveat := func(name, condition string) string {
		c, err := eval.NewCaveat(program, "refund", condition)
		o.check(err)
		return text(name, o.tokenWith([]string{string(c)}, "boss", "clerk"))
	}
	signed, err := token.SignAttestation(o.ids["ci"], token.Attestation{Realm: "shop", ID: token.ID{1}, Claim: "ci-passed", Value: "4f2a", NotBefore: o.now, Expires: o.now.Add(time.Hour)})
	o.check(err)
	claim := text("claim", signed)
	ship := o.write("ship.json", []byte(`{"subject": {"type": "agent", "id": "clerk"}, "action": {"name": "execute", "properties": {"commit": "4f2a"}}, "resource": {"type": "tool", "id": "ship"}, "context": {"time": "2026-03-01T12:01:00Z"}}`))
	for _, c := range []struct {
		name  string
		flags []string
		code  int
		want  string
	}{
		{"permitted", []string{"--token", clerk, "--trust", trust, request("clerk", "20.00")}, exitOK, "by small"},
		{"no token", []string{request("clerk", "20.00")}, exitDeny, "the request has no token"},
		{"somebody else", []string{"--token", clerk, "--trust", trust, request("boss", "20.00")}, exitInvalid, "[holder]"},
		{"no trust", []string{"--token", clerk, request("clerk", "20.00")}, exitUsage, "--trust"},
		{"trust alone", []string{"--trust", trust, request("clerk", "20.00")}, exitUsage, "--token"},
		{"broken token", []string{"--token", o.write("broken", []byte("moat1_AAAA")), "--trust", trust, request("clerk", "20.00")}, exitInvalid, "[encoding]"},
		{"missing token", []string{"--token", filepath.Join(o.dir, "nope"), "--trust", trust, request("clerk", "20.00")}, exitUsage, "no such file"},
		{"delegation that the policy doesn't permit", []string{"--token", text("thief.token", o.token("thief", "clerk")), "--trust", trust, request("clerk", "20.00")}, exitDeny, "not_delegated"},
		{"more blocks than the policy allows", []string{"--token", text("long.token", o.token("boss", "boss", "clerk")), "--trust", trust, request("clerk", "20.00")}, exitInvalid, "[depth]"},
		{"a caveat that holds", []string{"--token", caveat("holds.token", "args.amount <= 20.00"), "--trust", trust, request("clerk", "20.00")}, exitOK, "by small"},
		{"a caveat that doesn't", []string{"--token", caveat("fails.token", "args.amount <= 10.00"), "--trust", trust, request("clerk", "20.00")}, exitDeny, "caveat"},
		{"a claim", []string{"--token", clerk, "--trust", trust, "--attestation", claim, ship}, exitOK, "by ship"},
		{"no claim", []string{"--token", clerk, "--trust", trust, ship}, exitDeny, "condition_failed"},
		{"a token for a claim", []string{"--token", clerk, "--trust", trust, "--attestation", clerk, ship}, exitInvalid, "[envelope]"},
	} {
		if code, out := run(c.flags...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, want %d with %q\n%s", c.name, code, c.code, c.want, out)
		}
	}
}
