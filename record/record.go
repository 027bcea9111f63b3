// Package record turns decisions of the evaluator into events of the log, and back into requests that can be asked again.
//
// [Decision] writes down what was asked and what was decided, each argument as the policy says the log may keep it. [Request] reads a request out of
// such a record, or says why it can't be had again.
package record

import (
	"maps"
	"slices"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
)

// Decision is what the log says of a request and of what the rules said to it: all but how the request came, the blocks of its token, and the policy, outcome and code, which are the
// caller's to fill in. What the policy doesn't declare among the arguments is redacted.
func Decision(program *eval.Program, req eval.Request, facts eval.Facts, d eval.Decision) *audit.Decision {
	ev := new(audit.Decision)
	Fill(ev, program, &req, &facts, &d)
	return ev
}

// Fill is [Decision] into an event that was written before: the memory of its arguments is used again.
func Fill(ev *audit.Decision, program *eval.Program, req *eval.Request, facts *eval.Facts, d *eval.Decision) {
	args := ev.Args[:0]
	*ev = audit.Decision{}
	ev.Agent, ev.Person, ev.Action, ev.Resource, ev.Rules = req.Subject, req.Kind == lang.Person, req.Action, req.Resource.String(), d.RuleIDs()
	if req.Args.Kind == strictjson.Object {
		ev.Args = arguments(args, program.Policy(), req)
	}
	if d.Outcome == eval.Ask || len(facts.Approvals) > 0 { // what approvals are bound to; it follows from the rest of the record
		ev.Request.Digest = eval.RequestDigest(*req, *facts)
	}
	ev.Facts = audit.Facts{Time: facts.Time, Session: facts.Session, Definition: facts.Definition, Origins: origins(facts.Origins), ValueOrigins: origins(facts.ValueOrigins)}
	if facts.Context.Kind == strictjson.Object {
		ev.Facts.Context = string(facts.Context.AppendJSON(nil))
	}
	for _, a := range facts.Approvals {
		ev.Facts.Approvals = append(ev.Facts.Approvals, approvalUse(a))
	}
	for _, a := range facts.Attestations {
		ev.Facts.Attestations = append(ev.Facts.Attestations, audit.Attestation{Claim: a.Claim, Issuer: a.Issuer, By: a.By, About: audit.Shown(a.About), Principal: a.Principal})
	}
	ev.Token = Token(facts.Authority)
	for _, a := range d.Used {
		ev.Used = append(ev.Used, approvalUse(a))
	}
	for _, p := range d.Pending {
		ev.Pending = append(ev.Pending, audit.Pending{Rule: p.Rule.ID, Need: uint64(p.Need), Have: uint64(p.Have), By: p.By})
	}
	for _, e := range d.Errors {
		ev.Errors = append(ev.Errors, audit.RuleError{Rule: e.Rule, Code: string(e.Code), Message: audit.Shown(e.Message)})
	}
	ev.History = Changes(d.Changes)
	if d.Detail != "" {
		ev.Detail = audit.Shown(d.Detail)
	}
}

// Token is what the log says of a token, by what the rules know of it: all but its digest and blocks. Of nil it is the zero Token.
func Token(a *eval.Authority) audit.Token {
	if a == nil {
		return audit.Token{}
	}
	return audit.Token{Agents: a.Agents, Issued: a.Issued, Expires: a.Expires}
}

func approvalUse(a eval.Approval) audit.ApprovalUse {
	return audit.ApprovalUse{Rule: a.Rule, By: a.By, At: a.At, Request: audit.RequestID{Digest: a.Request}, Policy: a.Policy}
}

// arguments appends those of a call to out, which is empty, each as the policy says that the log keeps it. What the policy doesn't declare is redacted.
func arguments(out []audit.Argument, policy *lang.Program, req *eval.Request) []audit.Argument {
	var params []lang.Param
	if req.Resource.Scheme() == "tool" {
		if t := policy.Tools[req.Resource.Path()]; t != nil {
			params = t.Params
		}
	}
	size := 0
	for i := range req.Args.Members {
		size += len(req.Args.Members[i].Value.Text) + 8
	}
	text := make([]byte, 0, size) // of all, so that they take one piece of memory
	var few [16]int
	ends := few[:0]
	if out = slices.Grow(out, len(req.Args.Members)); out == nil {
		out = []audit.Argument{} // an empty object is not the same as no arguments
	}
	for i := range req.Args.Members {
		m := &req.Args.Members[i]
		out = append(out, audit.Argument{Name: m.Name, Field: audit.Field{Mode: recordMode(params, m.Name)}})
		if out[i].Mode != audit.Redact {
			text = m.Value.AppendJSON(text)
		}
		ends = append(ends, len(text))
	}
	all, begin := string(text), 0
	for i, end := range ends {
		out[i].Text, begin = all[begin:end], end
	}
	return out
}

// Shown reports whether the log keeps all arguments of a request in full.
func Shown(policy *lang.Program, req eval.Request) bool {
	return !slices.ContainsFunc(arguments(nil, policy, &req), func(a audit.Argument) bool { return a.Mode != audit.Full })
}

func recordMode(params []lang.Param, name string) audit.Mode {
	for i := range params {
		if params[i].Name.Name != name {
			continue
		}
		switch params[i].Record {
		case "redact":
			return audit.Redact
		case "digest":
			return audit.Digest
		}
		return audit.Full
	}
	return audit.Redact
}

func origins(labels map[string][]string) []audit.Origin {
	if len(labels) == 0 {
		return nil
	}
	out := make([]audit.Origin, 0, len(labels))
	for _, of := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, audit.Origin{Of: audit.Shown(of), Labels: labels[of]})
	}
	return out
}
