package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/token"
)

// This file holds what eval does with signed things: a token that a request is made under, and a whole message.

// evidence is what the flags say about signed things.
type evidence struct {
	trustFile, tokenFile      string
	revocations, attestations []string
	message                   bool
	context                   string
	code                      bool // the requests are those of code that runs, which have no context of their own
	trust                     *token.Trust
	inLog                     audit.Token  // the verified token as the log names it
	limits                    token.Limits // of the verified token
	facts                     eval.Facts   // what --context says
	token                     []byte
	lists, statements         [][]byte
}

func (ev *evidence) flags(cmd *cobra.Command) {
	ev.signed(cmd)
	cmd.Flags().BoolVar(&ev.message, "message", false, "each argument is a delivery in a file: a signed message with its token")
	cmd.Flags().StringVar(&ev.context, "context", "", "what the host says of a message, as in a request's context: a JSON `file`")
}

// codeFlags are for requests of code that runs.
func (ev *evidence) codeFlags(cmd *cobra.Command) {
	ev.code = true
	ev.signed(cmd)
	cmd.Flags().StringVar(&ev.context, "context", "", "what the host says of what the code asks for, as in a request's context: a JSON `file`")
}

func (ev *evidence) signed(cmd *cobra.Command) {
	cmd.Flags().StringVar(&ev.tokenFile, "token", "", "the token that the requests are made under: a `file`; needs --trust")
	cmd.Flags().StringVar(&ev.trustFile, "trust", "", "the trust document that signatures are held against: a JSON `file`")
	cmd.Flags().StringArrayVar(&ev.revocations, "revocations", nil, "a signed revocation list: a `file`; may be repeated")
	cmd.Flags().StringArrayVar(&ev.attestations, "attestation", nil, "a signed attestation for --token: a `file`; may be repeated")
}

// read reads the files that the flags name.
func (ev *evidence) read(cmd *cobra.Command) (err error) {
	switch {
	case ev.message && ev.tokenFile != "":
		return usageError(cmd, "--message has its token with it; leave --token out")
	case (ev.message || ev.tokenFile != "") && ev.trustFile == "":
		return usageError(cmd, "say whose signatures count: --trust TRUST.json")
	case !ev.message && ev.tokenFile == "" && (ev.trustFile != "" || len(ev.revocations)+len(ev.attestations) > 0):
		return usageError(cmd, "--trust, --revocations and --attestation are for --token or --message")
	case !ev.message && !ev.code && ev.context != "":
		return usageError(cmd, "--context is for --message; a request has its own")
	case ev.message && len(ev.attestations) > 0:
		return usageError(cmd, "--message has its attestations with it; leave --attestation out")
	}
	if ev.context != "" {
		text, err := readLimited(nil, ev.context, strictjson.DefaultBytes)
		if err != nil {
			return err
		}
		if ev.facts, err = eval.ParseContext(text); err != nil {
			return &exitError{exitInvalid, ev.context + ": " + err.Error()}
		}
	}
	if ev.trustFile == "" {
		return nil
	}
	if ev.trust, err = readTrust(ev.trustFile); err != nil {
		return err
	}
	if ev.tokenFile != "" {
		if ev.token, err = readSigned(cmd.InOrStdin(), ev.tokenFile); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		names []string
		into  *[][]byte
	}{{ev.revocations, &ev.lists}, {ev.attestations, &ev.statements}} {
		for _, name := range f.names {
			raw, err := readSigned(nil, name)
			if err != nil {
				return err
			}
			*f.into = append(*f.into, raw)
		}
	}
	return nil
}

// lend gives a request what its token lends it. The subject must be the token's audience.
func (ev *evidence) lend(program *eval.Program, req *eval.Request, facts *eval.Facts) error {
	if ev.token == nil {
		return nil
	}
	terms := token.Terms{Trust: ev.trust, Now: facts.Time}
	terms.MaxDepth, terms.MaxTTL = pep.Delegation(program.Policy())
	for i, raw := range ev.lists {
		list, err := token.OpenRevocations(raw)
		if err == nil {
			terms.Revoked, err = terms.Revoked.With(ev.trust, list)
		}
		if err != nil {
			return refusal(ev.revocations[i], err)
		}
	}
	chain, err := new(token.Verifier).Verify(ev.token, terms)
	if err != nil {
		return refusal(ev.tokenFile, err)
	}
	if name := pep.Principal(chain.Audience(), ev.trust); name != req.Subject {
		return refusal(ev.tokenFile, &token.Error{Reason: token.NotHolder, Block: -1, Detail: fmt.Sprintf("the request is by %q, and only %s can use the token", req.Subject, name)})
	}
	facts.Authority, ev.limits = pep.Authority(chain, ev.trust), chain.Limits()
	ev.inLog = audit.Token{Digest: chain.Digest(), Blocks: pep.Blocks(chain)}
	for i, raw := range ev.statements {
		a, err := token.OpenAttestation(raw, terms)
		if err != nil {
			return refusal(ev.attestations[i], err)
		}
		facts.Attestations = append(facts.Attestations, pep.Attestation(a, ev.trust))
	}
	return nil
}

// A messenger decides deliveries by a real enforcement point, on files that are thrown away: what it can't know is which sequence numbers and approvals
// were used before.
type messenger struct {
	pep   *pep.PEP
	facts eval.Facts
	dir   string
}

// newMessenger opens the enforcement point for the recipient of a message.
func (ev *evidence) newMessenger(policy string, recipient token.Key) (m *messenger, err error) {
	m = &messenger{facts: ev.facts}
	trust, err := readLimited(nil, ev.trustFile, token.MaxTrustSize)
	if err != nil {
		return nil, err
	}
	secret, err := audit.GenerateKey("moatc.invalid")
	if err != nil {
		return nil, err
	}
	key, err := audit.ParseKey(secret)
	if err != nil {
		return nil, err
	}
	if m.dir, err = os.MkdirTemp("", "moatc-"); err != nil {
		return nil, err
	}
	cfg := pep.Config{Policy: pep.Dir(policy), Trust: trust, Key: recipient, Dir: filepath.Join(m.dir, "pep"), LogKey: key, Create: true, Program: "moatc",
		Facts: func(context.Context, pep.Call) (eval.Facts, error) { return m.facts, nil }}
	if at := m.facts.Time; !at.IsZero() {
		cfg.Clock = pep.Clock{Now: func() time.Time { return at }, Elapsed: func() time.Duration { return 0 }}
	}
	if m.pep, err = pep.Open(cfg); err != nil {
		m.close()
		return nil, err
	}
	for i, raw := range ev.lists {
		if err := m.pep.Revoke(raw); err != nil {
			m.close()
			return nil, refusal(ev.revocations[i], err)
		}
	}
	return m, nil
}

func (m *messenger) close() {
	_ = m.pep.Close()
	_ = os.RemoveAll(m.dir)
}

// askMessage decides the delivery in data.
func (a *asker) askMessage(data []byte, policy string, ev *evidence) answer {
	an := answer{program: a.program}
	fail := func(err error) answer {
		an.invalid, an.decision.Code = err, eval.CodeInvalidRequest
		return an
	}
	d, err := token.ParseDelivery(data)
	if err != nil {
		return fail(refusal("", err))
	}
	// Whoever the message is for: of one that can't be read, the enforcement point says what is wrong.
	recipient := token.Key{1}
	if m, err := token.OpenMessage(d.Message); err == nil {
		recipient = m.Recipient
	}
	m, err := ev.newMessenger(policy, recipient)
	if err != nil {
		return fail(err)
	}
	defer m.close()
	got := m.pep.DecideDelivery(context.Background(), d)
	an.request, an.decision, an.stage, an.ask = got.Request, got.Decision, got.Stage, got.Ask
	an.decision.Outcome, an.decision.Code = got.Outcome, got.Code
	if got.Reason != nil {
		an.decision.Detail = got.Reason.Error()
	}
	if an.decision.Outcome == eval.Deny && got.Stage == pep.StageRules && an.decision.Detail == "" && a.explain {
		// Explained by what the policy alone says of such a request.
		x := a.program.Explain(got.Request, m.facts)
		if x.Decision.Code == got.Code {
			an.explanation = &x
		}
	}
	return an
}
