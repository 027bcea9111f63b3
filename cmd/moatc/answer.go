package main

import (
	"fmt"
	"strings"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/value"
)

// An answer is what a policy says to a request.
type answer struct {
	program     *eval.Program
	request     eval.Request
	decision    eval.Decision
	explanation *eval.Explanation // nil unless asked for
	lacks       string            // what a denial by no rule lacked, in text
	invalid     error             // why the request couldn't be read; the decision is then a deny
	source      string            // the file, where there are several
	line        int               // the line, in a batch
	stage       pep.Stage         // at which a message was decided; none for a request
	ask         *pep.Ask          // what may be approved of a message

	facts      eval.Facts
	ticket     *audit.Ticket // of its record in the log, nil for none
	unrecorded error         // why it couldn't be recorded; the decision is then a deny
}

// text renders the answer for people: a line with the outcome, the request and why; below it the explanation.
func (a answer) text() string {
	r := a.request
	if a.invalid != nil {
		return report.Escape(fmt.Sprintf("deny    line %d is no request: %s", a.line, a.invalid)) + "\n"
	}
	what := "a message"
	if r.Subject != "" {
		what = fmt.Sprintf("%s %s %s", r.Subject, r.Action, r.Resource)
	}
	line := fmt.Sprintf("%-6s  %s  %s", a.decision.Outcome, what, a.why())
	if a.ask != nil {
		line += fmt.Sprintf("; approve nonce %s of request %s", a.ask.Nonce, a.ask.Request)
	}
	if a.source != "" {
		line = a.source + ": " + line
	}
	return report.Escape(line) + "\n" + indent(explanation(a.explanation), "  ")
}

// why renders on one line what decided.
func (a answer) why() string {
	d := a.decision
	var parts []string
	by := func(r *lang.Rule, more string) {
		part := fmt.Sprintf("by %s (%s)", r.ID, r.Span)
		if more != "" {
			part += ": " + more
		}
		parts = append(parts, part)
	}
	switch d.Outcome {
	case eval.Permit:
		for _, r := range d.Rules {
			by(r, "")
		}
		return strings.Join(parts, "; ")
	case eval.Ask:
		for _, p := range d.Pending {
			need := fmt.Sprintf("needs %s by %s", plural(p.Need, "approval"), strings.Join(p.By, ", "))
			if p.Within != 0 {
				need += " within " + value.FormatDuration(p.Within)
			}
			by(p.Rule, need)
		}
		return strings.Join(parts, "; ")
	}
	for _, r := range d.Rules {
		because := ""
		if r.Because != nil {
			because = r.Because.Value
		}
		by(r, because)
	}
	for _, e := range d.Errors {
		parts = append(parts, fmt.Sprintf("in %s (%s): %s", e.Rule, e.Span, e.Message))
	}
	switch {
	case d.Detail != "":
		return string(d.Code) + ": " + d.Detail
	case len(parts) == 0 && a.lacks != "":
		return string(d.Code) + ": " + a.lacks
	case len(parts) == 0:
		return string(d.Code)
	}
	return string(d.Code) + " " + strings.Join(parts, "; ")
}

// A response is an answer in the shape of an AuthZEN access evaluation response: what is beyond the decision stands in its context.
type response struct {
	Decision bool            `json:"decision"` // true for permit alone
	Context  responseContext `json:"context"`
}

type responseContext struct {
	Outcome      string           `json:"outcome"`
	Code         eval.Code        `json:"code"`
	Message      string           `json:"message"` // all that an agent may be told
	Rules        []jsonRule       `json:"rules"`
	Pending      []jsonPending    `json:"pending"`
	Errors       []jsonRuleError  `json:"errors"`
	Detail       string           `json:"detail,omitempty"`
	Error        string           `json:"error,omitempty"` // why the request is invalid
	Obligations  []string         `json:"obligations"`
	PolicyDigest string           `json:"policy_digest"`
	Explanation  *jsonExplanation `json:"explanation,omitempty"`
	Request      string           `json:"request,omitempty"` // the file, where there are several
	Line         int              `json:"line,omitempty"`    // in a batch
	Stage        string           `json:"stage,omitempty"`   // of a message
	Ask          *pep.Ask         `json:"ask,omitempty"`     // what may be approved of a message
}

type jsonRule struct {
	ID     string `json:"id"`
	Effect string `json:"effect"`
	place
	Because string `json:"because,omitempty"`
}

type jsonPending struct {
	Rule   string   `json:"rule"`
	Need   int      `json:"need"`
	Have   int      `json:"have"`
	By     []string `json:"by"`
	Within string   `json:"within,omitempty"`
}

type jsonRuleError struct {
	Rule string    `json:"rule"`
	Code eval.Code `json:"code"`
	place
	Message string `json:"message"`
}

type jsonExplanation struct {
	Text     string        `json:"text"`
	Effect   string        `json:"effect,omitempty"` // what the call does that decided, when it wasn't the call itself
	Matched  []jsonMatched `json:"matched,omitempty"`
	Nearest  *jsonRule     `json:"nearest,omitempty"`
	Mismatch []string      `json:"mismatch,omitempty"`
	Failed   *jsonFailed   `json:"failed,omitempty"`
}

type jsonMatched struct {
	Rule       string       `json:"rule"`
	Conditions []jsonFailed `json:"conditions"`
}

type jsonFailed struct {
	Condition string `json:"condition"`
	place
	Unless bool       `json:"unless,omitempty"`
	Error  string     `json:"error,omitempty"`
	Saw    []jsonSeen `json:"saw"`
}

type jsonSeen struct {
	Expr  string `json:"expr"`
	Value string `json:"value"`
}

func (a answer) response() response {
	d := a.decision
	c := responseContext{
		Outcome: d.Outcome.String(), Code: d.Code, Message: d.ForModel(), Detail: d.Detail,
		Rules: []jsonRule{}, Pending: []jsonPending{}, Errors: []jsonRuleError{}, Obligations: append([]string{}, d.Obligations()...),
		PolicyDigest: a.program.Policy().DigestString(), Request: a.source, Line: a.line, Ask: a.ask,
	}
	if a.stage != 0 {
		c.Stage = a.stage.String()
	}
	if a.invalid != nil {
		c.Error = a.invalid.Error()
	}
	for _, r := range d.Rules {
		c.Rules = append(c.Rules, jsonRuleOf(r))
	}
	for _, p := range d.Pending {
		j := jsonPending{Rule: p.Rule.ID, Need: p.Need, Have: p.Have, By: p.By}
		if p.Within != 0 {
			j.Within = value.FormatDuration(p.Within)
		}
		c.Pending = append(c.Pending, j)
	}
	for _, e := range d.Errors {
		c.Errors = append(c.Errors, jsonRuleError{e.Rule, e.Code, placeOf(e.Span), e.Message})
	}
	if x := a.explanation; x != nil {
		c.Explanation = jsonExplanationOf(x)
	}
	return response{Decision: d.Outcome == eval.Permit, Context: c}
}

func jsonRuleOf(r *lang.Rule) jsonRule {
	j := jsonRule{ID: r.ID, Effect: string(r.Effect), place: placeOf(r.Span)}
	if r.Because != nil {
		j.Because = r.Because.Value
	}
	return j
}

func jsonExplanationOf(x *eval.Explanation) *jsonExplanation {
	j := &jsonExplanation{Text: explanation(x), Effect: x.Effect, Mismatch: x.Mismatch}
	if x.Nearest != nil {
		nearest := jsonRuleOf(x.Nearest)
		j.Nearest = &nearest
	}
	for _, m := range x.Matched {
		matched := jsonMatched{Rule: m.Rule.ID, Conditions: []jsonFailed{}}
		for i := range m.Conditions {
			matched.Conditions = append(matched.Conditions, jsonFailedOf(&m.Conditions[i]))
		}
		j.Matched = append(j.Matched, matched)
	}
	if x.Failed != nil {
		failed := jsonFailedOf(x.Failed)
		j.Failed = &failed
	}
	return j
}

func jsonFailedOf(f *eval.FailedCondition) jsonFailed {
	j := jsonFailed{Condition: f.Span.Text(), place: placeOf(f.Span), Unless: f.Unless, Error: f.Error, Saw: []jsonSeen{}}
	for _, s := range f.Saw {
		j.Saw = append(j.Saw, jsonSeen{s.Expr, s.Value})
	}
	return j
}
