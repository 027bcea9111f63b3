package record

import (
	"errors"
	"fmt"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// Why a request can't be had again from its record.
var (
	ErrPrivate = errors.New("an argument or a label is redacted or digested")
	ErrToken   = errors.New("it came with a token, which lends authority that the record doesn't hold")
	ErrUnread  = errors.New("it wasn't a request that could be read")
	ErrEarly   = errors.New("it was refused before the rules were asked")
)

// Request reads the request and the facts out of the record of a decision.
func Request(d *audit.Decision) (eval.Request, eval.Facts, error) {
	fail := func(err error) (eval.Request, eval.Facts, error) { return eval.Request{}, eval.Facts{}, err }
	switch {
	case d.Agent == "" || d.Action == "" || d.Resource == "":
		return fail(ErrUnread)
	case d.Stage == 1 || d.Stage == 2:
		return fail(ErrEarly)
	case d.Token.Digest != [32]byte{} || len(d.Token.Blocks) > 0:
		return fail(ErrToken)
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
	for _, a := range d.Facts.Approvals {
		if a.Request.Keyed {
			return fail(ErrPrivate)
		}
		facts.Approvals = append(facts.Approvals, eval.Approval{Rule: a.Rule, By: a.By, At: a.At, Request: a.Request.Digest, Policy: a.Policy})
	}
	return req, facts, nil
}

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
