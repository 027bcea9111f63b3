package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/token"
)

// This file decides what code asks for that `moatc run` runs, and writes it down.

// maxToldDenials is how many denials are told in full: a program may try thousands of files.
const maxToldDenials = 20

// ask decides what the code asks for.
func (r *runner) ask(_ context.Context, q egress.Question) (func(egress.Outcome) error, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	an := answer{program: r.asker.program, request: eval.Request{Kind: lang.Agent, Subject: r.agent, Action: q.Action, Resource: q.On}, facts: r.asker.evidence.facts}
	if !r.bounds.Allows(q.Action, q.On) {
		an.decision = eval.Decision{Code: eval.CodeOutsideSandbox, Detail: "the sandbox doesn't name it"}
	} else if r.asker.consider(&an); an.invalid != nil { // the token held when the code began
		an.decision = eval.Decision{Code: pep.CodeToken + "refused", Detail: an.invalid.Error()}
		if terr := (*token.Error)(nil); errors.As(an.invalid, &terr) {
			an.decision.Code = pep.CodeToken + eval.Code(terr.Reason)
		}
		an.invalid = nil
	}
	r.asker.record(&an, nil)
	an.settle()
	if r.failed = an.unrecorded; r.failed != nil {
		return nil, r.failed
	}
	if an.decision.Outcome != eval.Permit {
		if r.asked.Denied++; r.asked.Denied <= maxToldDenials {
			fmt.Fprint(r.errs.own(), "moatc: "+an.text())
		}
		return nil, fmt.Errorf("%s on %s: %s", q.Action, q.On, an.decision.Code)
	}
	r.asked.Permitted++
	index := uint64(0)
	if an.ticket != nil {
		index = an.ticket.Index
	}
	switch q.Action {
	case egress.ActionConnect, egress.ActionSend:
		return func(o egress.Outcome) error {
			if o.Detail != "" && q.Action == egress.ActionConnect {
				complain(r.errs.own(), fmt.Errorf("%s: %s: %s", q.On, o.Word, o.Detail))
			}
			return r.write(&audit.Effect{Decision: index, Agent: r.agent, Action: q.Action, Resource: audit.Shown(q.On.String()), Outcome: o.Word, Status: uint64(o.Status), Bytes: uint64(o.Sent + o.Received), Detail: audit.Shown(o.Detail)})
		}, nil
	case egress.ActionUse:
		return func(o egress.Outcome) error {
			return r.write(&audit.SecretUse{Decision: index, Agent: r.agent, Name: q.On.Path(), Resource: audit.Shown(q.URL.String()), Outcome: o.Word})
		}, nil
	}
	return nil, nil
}

// write adds to the log, if one is kept. Once that has failed, the code isn't let do anything more.
func (r *runner) write(ev audit.Event) error {
	if r.asker.log == nil {
		return nil
	}
	if _, err := r.asker.log.Append(context.Background(), ev); err != nil {
		r.failed = err
	}
	return r.failed
}

// record writes down how the run ended.
func (r *runner) record(m *sandbox.Module, res sandbox.Result) {
	if r.failed != nil {
		return
	}
	ev := &audit.SandboxCall{Agent: r.agent, Module: m.Digest(), Function: "_start", Outcome: string(res.Outcome), Fuel: res.Fuel, Memory: res.Memory, Nanos: uint64(res.Took)}
	if res.Err != nil {
		ev.Detail = audit.Shown(strings.ToValidUTF8(res.Err.Error(), "?"))
	}
	_ = r.write(ev) // r.failed has it
}
