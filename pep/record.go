package pep

import (
	"maps"
	"slices"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/token"
)

// decisionEvent is what the log says of a request and of what the rules said to it.
func decisionEvent(program *eval.Program, req eval.Request, facts eval.Facts, d eval.Decision) *audit.Decision {
	ev := &audit.Decision{Agent: req.Subject, Person: req.Kind == lang.Person, Action: req.Action, Resource: req.Resource.String(), Rules: d.RuleIDs()}
	if req.Args.Kind == strictjson.Object {
		ev.Args = arguments(program.Policy(), req)
		ev.Request.Digest = eval.RequestDigest(req, facts)
	}
	ev.Facts = audit.Facts{Time: facts.Time, Session: facts.Session, Definition: facts.Definition, Origins: origins(facts.Origins), ValueOrigins: origins(facts.ValueOrigins)}
	if facts.Context.Kind == strictjson.Object {
		ev.Facts.Context = string(facts.Context.AppendJSON(nil))
	}
	for _, a := range facts.Approvals {
		ev.Facts.Approvals = append(ev.Facts.Approvals, approvalUse(a))
	}
	for _, a := range d.Used {
		ev.Used = append(ev.Used, approvalUse(a))
	}
	for _, p := range d.Pending {
		ev.Pending = append(ev.Pending, audit.Pending{Rule: p.Rule.ID, Need: uint64(p.Need), Have: uint64(p.Have), By: p.By})
	}
	for _, e := range d.Errors {
		ev.Errors = append(ev.Errors, audit.RuleError{Rule: e.Rule, Code: string(e.Code), Message: audit.Shown(e.Message)})
	}
	if d.Detail != "" {
		ev.Detail = audit.Shown(d.Detail)
	}
	return ev
}

func approvalUse(a eval.Approval) audit.ApprovalUse {
	return audit.ApprovalUse{Rule: a.Rule, By: a.By, At: a.At, Request: audit.RequestID{Digest: a.Request}, Policy: a.Policy}
}

// arguments are those of a call, each as the policy says that the log keeps it. What the policy doesn't declare is redacted.
func arguments(policy *lang.Program, req eval.Request) []audit.Argument {
	modes := map[string]audit.Mode{}
	if t := policy.Tools[req.Resource.Path()]; t != nil && req.Resource.Scheme() == "tool" {
		for _, p := range t.Params {
			switch p.Record {
			case "redact":
				modes[p.Name.Name] = audit.Redact
			case "digest":
				modes[p.Name.Name] = audit.Digest
			default:
				modes[p.Name.Name] = audit.Full
			}
		}
	}
	out := make([]audit.Argument, 0, len(req.Args.Members))
	for _, m := range req.Args.Members {
		a := audit.Argument{Name: m.Name}
		if a.Mode = modes[m.Name]; a.Mode != audit.Redact {
			a.Text = string(m.Value.AppendJSON(nil))
		}
		out = append(out, a)
	}
	return out
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

// did is a key as the log writes it.
func (in *inForce) did(k token.Key) string { return k.String() }
