package eval

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/moat-lang/moat/lang"
)

// Outcome is what a decision says. The zero Outcome is Deny.
type Outcome uint8

const (
	Deny   Outcome = iota
	Ask            // permitted once somebody with standing has approved
	Permit         // go on
)

func (o Outcome) String() string {
	switch o {
	case Permit:
		return "permit"
	case Ask:
		return "ask"
	}
	return "deny"
}

// Code is the reason of a decision. Codes are stable.
type Code string

const (
	CodePermit        Code = "permit"         // a permit holds and no forbid does
	CodeNeedsApproval Code = "needs_approval" // a permit holds but for an approval

	// Denials by the rules.
	CodeForbidden       Code = "forbidden"        // a forbid holds
	CodeRuleError       Code = "rule_error"       // a forbid, or every permit that might hold, couldn't be evaluated
	CodeNoHistory       Code = "no_history"       // the decision depends on what happened before, and the host keeps no history, or a full one
	CodeConditionFailed Code = "condition_failed" // a permit is about such requests, but a condition of it doesn't hold
	CodeNoPermit        Code = "no_permit"        // no permit is about such requests

	// Denials of what everything else would let through, by what happened before.
	CodeLimit      Code = "limit_exceeded" // a limit hasn't enough left
	CodeOutOfOrder Code = "out_of_order"   // a lifecycle doesn't go on with this

	// Denials of what the rules would let through, by the token.
	CodeNotDelegated Code = "not_delegated" // the policy doesn't permit an act of delegation in the token's chain
	CodeCaveat       Code = "caveat"        // a caveat of the token doesn't hold, or isn't about this policy
	CodeNotGranted   Code = "not_granted"   // the token doesn't grant the action on the resource

	// Denials before any rule.
	CodeOutsideSandbox    Code = "outside_sandbox"    // code asked for what it may not use, whatever is permitted; see Sandbox.Allows
	CodeInvalidRequest    Code = "invalid_request"    // a part of the request is missing or of the wrong form
	CodeUnknownAction     Code = "unknown_action"     // the policy doesn't declare the action
	CodeUnknownTool       Code = "unknown_tool"       // the policy doesn't declare the tool
	CodeInvalidArguments  Code = "invalid_arguments"  // an argument is missing, undeclared or of the wrong type
	CodeInvalidContext    Code = "invalid_context"    // a fact of the host is undeclared or of the wrong type
	CodeInvalidEffect     Code = "invalid_effect"     // what the call would touch can't be told
	CodeDefinitionChanged Code = "definition_changed" // the tool's definition isn't the pinned one
	CodeTooLarge          Code = "too_large"          // a call touches more than MaxFacets resources
	CodeInternal          Code = "internal"           // a defect of the evaluator; nothing was permitted
)

// severity orders the codes of denials: of several facets the gravest is the decision's.
var severity = []Code{CodeInternal, CodeForbidden, CodeRuleError, CodeNoHistory, CodeCaveat, CodeNotGranted, CodeConditionFailed, CodeNoPermit}

// A Decision is the answer to a request. The zero Decision is a deny.
type Decision struct {
	Outcome Outcome
	Code    Code
	// Rules are those that decided, sorted by id: the forbids that hold, the permits that hold, or the permits that lack only an
	// approval. Empty when no rule spoke.
	Rules []*lang.Rule
	// Pending says for each rule of an Ask what is missing.
	Pending []Pending
	// Errors are the conditions that couldn't be evaluated and so made a denial, or kept a permit from holding, and the limits and lifecycles that made
	// one; sorted by rule.
	Errors []RuleError
	// Used are the approvals that made a permit hold. The host must see to it that none is used twice.
	Used []Approval
	// Changes are what a permit changes in the history. The host must apply them in one step with the decision; see [History.Decide].
	Changes []Change
	// Detail says what was wrong with a request that no rule was asked about, or what its token lacks; empty otherwise.
	Detail string
}

// Pending is an approval that a permit waits for.
type Pending struct {
	Rule   *lang.Rule
	Need   int           // how many approvals
	Have   int           // how many have been given
	By     []string      // by whom: groups, persons or agents
	Within time.Duration // how old an approval may be; 0: any age
}

// A RuleError is a condition of a rule that couldn't be evaluated, or a limit or lifecycle that stands in the way.
type RuleError struct {
	Rule    string // id of the rule, limit or lifecycle
	Span    lang.Span
	Code    Code // CodeRuleError, CodeNoHistory, CodeLimit or CodeOutOfOrder
	Message string
}

// ForModel is what may be told to the agent: one fixed sentence and the code. The detail is for people and the log, since what a model reads can teach it to
// walk around a rule.
func (d Decision) ForModel() string {
	switch d.Outcome {
	case Permit:
		return "The policy permits this action."
	case Ask:
		return "The policy permits this action only after an approval (needs_approval)."
	}
	code := d.Code
	if code == "" {
		code = CodeInternal
	}
	return fmt.Sprintf("The policy does not permit this action (%s).", code)
}

// Obligations are what the host must tell: the texts of `notify` in the rules that decided, sorted.
func (d Decision) Obligations() []string {
	var out []string
	for _, r := range d.Rules {
		for _, n := range r.Notify {
			out = append(out, n.Value)
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// RuleIDs are the ids of the rules that decided.
func (d Decision) RuleIDs() []string {
	out := make([]string, len(d.Rules))
	for i, r := range d.Rules {
		out[i] = r.ID
	}
	return out
}

// ErrorRules are the ids of the rules, limits and lifecycles in Errors, each once.
func (d Decision) ErrorRules() (ids []string) {
	for i := range d.Errors {
		ids = append(ids, d.Errors[i].Rule)
	}
	return slices.Compact(ids)
}

// denied is a denial before any rule.
func denied(code Code, format string, args ...any) *Decision {
	return &Decision{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// A facet is one thing that a request does: the request's own action on its own resource, or an effect of the tool it calls.
type facet struct {
	action   string
	resource val
}

// A verdict gathers what the rules say about a facet.
type verdict struct {
	forbids []*lang.Rule
	permits []*lang.Rule
	pending []Pending
	// used are the approvals that make the first permit that needs some hold; none are when plain, since a permit holds without.
	used  []Approval
	plain bool
	// forbidErrors and permitErrors are rules whose conditions couldn't be evaluated.
	forbidErrors, permitErrors []RuleError
	// failed tells that a permit is about the request but a condition of it is false.
	failed bool
}

// permitted adds a permit that holds by approvals.
func (v *verdict) permitted(r *lang.Rule, used []Approval) {
	v.permits = append(v.permits, r)
	if len(v.used) == 0 {
		v.used = used
	}
}

// decision reads the verdict: any forbid denies, then an erring forbid; else a permit that holds; else one that waits; else deny.
func (v *verdict) decision() Decision {
	switch {
	case len(v.forbids) > 0:
		return Decision{Code: CodeForbidden, Rules: v.forbids, Errors: v.forbidErrors}
	case len(v.forbidErrors) > 0:
		return Decision{Code: errorCode(v.forbidErrors), Errors: v.forbidErrors}
	case len(v.permits) > 0:
		d := Decision{Outcome: Permit, Code: CodePermit, Rules: v.permits, Errors: v.permitErrors}
		if !v.plain {
			d.Used = v.used
		}
		return d
	case len(v.pending) > 0:
		d := Decision{Outcome: Ask, Code: CodeNeedsApproval, Pending: v.pending, Errors: v.permitErrors}
		for _, p := range v.pending {
			d.Rules = append(d.Rules, p.Rule)
		}
		return d
	case len(v.permitErrors) > 0:
		return Decision{Code: errorCode(v.permitErrors), Errors: v.permitErrors}
	case v.failed:
		return Decision{Code: CodeConditionFailed}
	}
	return Decision{Code: CodeNoPermit}
}

func errorCode(errs []RuleError) Code {
	for _, e := range errs {
		if e.Code != CodeNoHistory {
			return CodeRuleError
		}
	}
	return CodeNoHistory
}

// worst joins the decisions on the facets of a request: deny before ask before permit, and of denials the gravest.
func worst(decisions []Decision) Decision {
	if len(decisions) == 1 {
		return decisions[0]
	}
	out := Decision{Outcome: Permit, Code: CodePermit}
	for _, d := range decisions {
		if d.Outcome < out.Outcome || d.Outcome == Deny && slices.Index(severity, d.Code) < slices.Index(severity, out.Code) {
			out.Outcome, out.Code = d.Outcome, d.Code
		}
	}
	for _, d := range decisions {
		if d.Outcome != out.Outcome || d.Code != out.Code {
			if d.Outcome == Permit && out.Outcome == Ask {
				out.Used = append(out.Used, d.Used...)
			}
			continue
		}
		out.Rules = append(out.Rules, d.Rules...)
		out.Detail = cmp.Or(out.Detail, d.Detail)
		out.Pending = append(out.Pending, d.Pending...)
		out.Errors = append(out.Errors, d.Errors...)
		out.Used = append(out.Used, d.Used...)
	}
	if out.Outcome != Permit {
		out.Used = nil
	}
	out.Rules = sortedUnique(out.Rules, func(a, b *lang.Rule) int { return strings.Compare(a.ID, b.ID) })
	out.Pending = sortedUnique(out.Pending, func(a, b Pending) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })
	out.Errors = sortedUnique(out.Errors, compareErrors)
	out.Used = sortedUnique(out.Used, compareApprovals)
	return out
}

func compareErrors(a, b RuleError) int {
	if c := strings.Compare(a.Rule, b.Rule); c != 0 {
		return c
	}
	if c := strings.Compare(a.Span.String(), b.Span.String()); c != 0 {
		return c
	}
	return strings.Compare(a.Message, b.Message)
}

func compareApprovals(a, b Approval) int {
	if c := strings.Compare(a.Rule, b.Rule); c != 0 {
		return c
	}
	if c := strings.Compare(a.By, b.By); c != 0 {
		return c
	}
	return a.At.Compare(b.At)
}

func sortedUnique[T any](s []T, cmp func(a, b T) int) []T {
	slices.SortStableFunc(s, cmp)
	return slices.CompactFunc(s, func(a, b T) bool { return cmp(a, b) == 0 })
}
