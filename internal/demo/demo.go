// Package demo tells a story of several agents on the real packages: keys, tokens, the enforcement point, the relay and the log, in a directory. It plays
// by the policy in policies/multi-agent.
//
// Start at [Run]. Nothing that a step shows is known beforehand but what is tried and how it should end; the rest is read off what happened.
package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/relay"
	"github.com/moat-lang/moat/report"
)

// A Step is one thing that somebody tries. The names of its members in JSON are stable, and so are the ids.
type Step struct {
	Number int    `json:"step"` // from 1
	ID     string `json:"id"`
	Title  string `json:"title"`  // what is tried
	Lesson string `json:"lesson"` // why it ends so

	// Shows are lines about what was made for this step.
	Shows []string `json:"shows,omitempty"`
	// Request is what was asked for, by whom.
	Request string `json:"request,omitempty"`
	// Answer is permit, ask or deny; of the log, sound or broken.
	Answer string `json:"answer"`
	// Code and Stage are the PEP's.
	Code  string `json:"code,omitempty"`
	Stage string `json:"stage,omitempty"`
	// Rules are those that decided.
	Rules []Rule `json:"rules,omitempty"`
	// Reason is what the operator is told, Told what the agent is.
	Reason string `json:"reason,omitempty"`
	Told   string `json:"told,omitempty"`
	// Ended is how the delivery of what was permitted ended, Reply what the recipient has answered.
	Ended string `json:"ended,omitempty"`
	Reply string `json:"reply,omitempty"`
	// Record is the index in the log; 0 where there is none.
	Record uint64 `json:"record,omitempty"`
	// Expected is how the story says that it ends: an answer and a code. AsTold tells whether it did.
	Expected string `json:"expected"`
	AsTold   bool   `json:"as_told"`
}

// A Rule is one that decided.
type Rule struct {
	ID      string `json:"id"`
	Because string `json:"because,omitempty"`
}

// Run plays the story in a directory, which it fills, and gives each step as it ends. An error says that it couldn't be played, not that a step went otherwise than
// told.
func Run(ctx context.Context, dir string, each func(Step) error) (err error) {
	c, err := newCast(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for i, s := range story {
		step := Step{Number: i + 1, ID: s.id, Title: s.title, Lesson: s.lesson, Expected: s.expected}
		if err := s.play(ctx, c, &step); err != nil {
			return fmt.Errorf("step %d, %s: %w", step.Number, s.id, err)
		}
		step.AsTold = step.asTold()
		if err := each(step); err != nil {
			return err
		}
	}
	return nil
}

// asTold reports whether a step ended as it should. A permit has to have been delivered, and nothing else to have been.
func (s *Step) asTold() bool {
	return s.Expected != "" && s.Expected == strings.TrimSpace(s.Answer+" "+s.Code) && (s.Answer == eval.Permit.String()) == (s.Ended == string(relay.Delivered))
}

// result takes over what became of a message.
func (s *Step) result(c *cast, r relay.Result) {
	a := r.Answer
	s.Answer, s.Code, s.Record = a.Outcome.String(), string(a.Code), a.Index
	if a.Stage != 0 {
		s.Stage = a.Stage.String()
	}
	for _, rule := range a.Decision.Rules {
		if a.Outcome == eval.Ask {
			break // what is missing says more
		}
		shown := Rule{ID: rule.ID}
		if rule.Because != nil {
			shown.Because = rule.Because.Value
		}
		s.Rules = append(s.Rules, shown)
	}
	for _, p := range a.Decision.Pending {
		s.Rules = append(s.Rules, Rule{ID: p.Rule.ID, Because: fmt.Sprintf("it needs %d approval by %s, and has %d", p.Need, strings.Join(p.By, ", "), p.Have)})
	}
	switch {
	case a.Reason != nil:
		s.Reason = c.named(a.Reason)
	case a.Decision.Detail != "":
		s.Reason = report.Escape(a.Decision.Detail)
	}
	if a.Outcome == eval.Permit {
		s.Ended, s.Reply = string(r.Status), report.Escape(string(r.Reply))
		if r.Status != relay.Delivered && r.Err != nil {
			s.Reason = c.named(r.Err)
		}
		return
	}
	s.Told = r.ForSender()
}

// StageNumber is the place of a stage among the three, from 1; 0 for another text.
func StageNumber(stage string) int {
	for i, s := range []pep.Stage{pep.StageMessage, pep.StageDigests, pep.StageRules} {
		if s.String() == stage {
			return i + 1
		}
	}
	return 0
}
