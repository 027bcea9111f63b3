package record

import (
	"errors"
	"fmt"
	"strings"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// Why a request can't be had again from its record.
var (
	ErrPrivate = errors.New("an argument or a label is redacted or digested")
	ErrToken   = errors.New("its token refused it, whatever the policy says")
	ErrUnread  = errors.New("it wasn't a request that could be read")
	ErrEarly   = errors.New("it was refused before the rules were asked")
)

// Request reads the request and the facts out of the record of a decision.
func Request(d *audit.Decision) (eval.Request, eval.Facts, error) {
	fail := func(err error) (eval.Request, eval.Facts, error) { return eval.Request{}, eval.Facts{}, err }
	switch {
	case d.Agent == "" || d.Action == "" || d.Resource == "":
		return fail(ErrUnread)
	case d.Stage == 1 || d.Stage == 2 || d.Code == string(eval.CodeOutsideSandbox):
		return fail(ErrEarly)
	case strings.HasPrefix(d.Code, "token_") || d.Code == string(eval.CodeNotGranted) || d.Code == string(eval.CodeCaveat):
		return fail(ErrToken)
	case d.Token.Digest != [32]byte{} && len(d.Token.Blocks) == 0:
		return fail(ErrUnread)
	case d.Stage == 3 && d.Outcome == audit.Deny && !ofRules[eval.Code(d.Code)] && !(d.Call != 0 && d.Code == string(eval.CodeNeedsApproval)):
		return fail(ErrEarly)
	}
	name, err := resource.Parse(d.Resource)
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrUnread, err))
	}
	req := eval.Request{Kind: lang.Agent, Subject: d.Agent, Action: d.Action, Resource: name}
	if d.Person {
		req.Kind = lang.Person
	}
	if d.Args != nil {
		req.Args.Kind = strictjson.Object
	}
	for _, a := range d.Args {
		if a.Mode != audit.Full {
			return fail(ErrPrivate)
		}
		v, err := strictjson.Parse([]byte(a.Text), strictjson.Limits{})
		if err != nil {
			return fail(fmt.Errorf("%w: argument %q: %w", ErrUnread, a.Name, err))
		}
		req.Args.Members = append(req.Args.Members, strictjson.Member{Name: a.Name, Value: v})
	}
	facts := eval.Facts{Time: d.Facts.Time, Session: d.Facts.Session, Definition: d.Facts.Definition}
	if facts.Origins, err = labels(d.Facts.Origins); err != nil {
		return fail(err)
	}
	if facts.ValueOrigins, err = labels(d.Facts.ValueOrigins); err != nil {
		return fail(err)
	}
	if d.Facts.Context != "" {
		if facts.Context, err = strictjson.Parse([]byte(d.Facts.Context), strictjson.Limits{}); err != nil {
			return fail(fmt.Errorf("%w: context: %w", ErrUnread, err))
		}
	}
	for _, a := range d.Facts.Attestations {
		if a.About.Mode != audit.Full {
			return fail(ErrPrivate)
		}
		facts.Attestations = append(facts.Attestations, eval.Attestation{Claim: a.Claim, Issuer: a.Issuer, By: a.By, About: a.About.Text, Principal: a.Principal})
	}
	facts.Authority = authority(&d.Token)
	for _, a := range d.Facts.Approvals {
		if a.Request.Keyed {
			return fail(ErrPrivate)
		}
		facts.Approvals = append(facts.Approvals, eval.Approval{Rule: a.Rule, By: a.By, At: a.At, Request: a.Request.Digest, Policy: a.Policy})
	}
	return req, facts, nil
}

// ofRules are the codes of denials by the rules, and of what is denied before any rule because of what the policy declares.
var ofRules = map[eval.Code]bool{
	eval.CodeForbidden: true, eval.CodeRuleError: true, eval.CodeNoHistory: true, eval.CodeLimit: true, eval.CodeOutOfOrder: true, eval.CodeConditionFailed: true, eval.CodeNoPermit: true, eval.CodeNotDelegated: true,
	eval.CodeInvalidRequest: true, eval.CodeUnknownAction: true, eval.CodeUnknownTool: true, eval.CodeInvalidArguments: true, eval.CodeInvalidContext: true,
	eval.CodeInvalidEffect: true, eval.CodeDefinitionChanged: true, eval.CodeTooLarge: true,
}

// authority is what the token of a record lent, as far as rules ask for it: its grants covered the request and its caveats held, or it would have refused it.
func authority(t *audit.Token) *eval.Authority {
	if len(t.Blocks) == 0 {
		return nil
	}
	a := &eval.Authority{Depth: len(t.Blocks), Issued: t.Issued, Expires: t.Expires, Root: t.Blocks[0].Issuer, Agents: t.Agents, Grants: granted{}}
	holders := t.Agents[max(0, len(t.Agents)-len(t.Blocks)):] // the root's own act is no delegation
	for i := 1; i < len(holders); i++ {
		a.Links = append(a.Links, eval.Link{From: holders[i-1], To: holders[i]})
	}
	return a
}

type granted struct{}

func (granted) Allows(string, resource.Name) bool { return true }

func labels(origins []audit.Origin) (map[string][]string, error) {
	if len(origins) == 0 {
		return nil, nil
	}
	out := make(map[string][]string, len(origins))
	for _, o := range origins {
		if o.Of.Mode != audit.Full {
			return nil, ErrPrivate
		}
		out[o.Of.Text] = o.Labels
	}
	return out, nil
}
