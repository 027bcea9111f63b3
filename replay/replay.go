// Package replay asks another policy about the requests that a log recorded, and says which decisions would change.
//
// [Run] reads a log and returns a [Report]; [Report.WriteText] prints it for people. What can't be asked again is counted, by reason, and never passed over
// in silence. Approvals of the past count as if they had been given under the new policy.
package replay

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/record"
)

// A Report is what another policy would have changed.
type Report struct {
	Policy    string   `json:"policy"`    // digest of the policy that was asked
	Decisions uint64   `json:"decisions"` // in the log
	Replayed  uint64   `json:"replayed"`
	Changed   uint64   `json:"changed"`
	Skipped   []Skip   `json:"skipped"` // decisions that couldn't be replayed, sorted by reason
	Groups    []Change `json:"groups"`  // what changed, the most dangerous first
}

// A Skip counts decisions that can't be replayed.
type Skip struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// A Change is a group of decisions that change in one way, by the same rules.
type Change struct {
	From    audit.Outcome `json:"from"`
	To      audit.Outcome `json:"to"`
	Was     string        `json:"was"` // rules that decided or, when none did, the code
	Now     string        `json:"now"`
	Count   uint64        `json:"count"`
	Samples []Sample      `json:"samples"` // the first of them
}

// A Sample is a decision that changes.
type Sample struct {
	Index    uint64 `json:"index,string"`
	Time     string `json:"time,omitempty"` // of the request
	Agent    string `json:"agent"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Args     string `json:"args,omitempty"` // a JSON object
	Detail   string `json:"detail,omitempty"`
}

// Inconclusive reports that there were decisions and none could be replayed.
func (r *Report) Inconclusive() bool { return r.Decisions > 0 && r.Replayed == 0 }

// Run replays the records of a log through a program. Of each group of changes it keeps as many samples as it is told. An error is one of reading the log.
func Run(records iter.Seq2[audit.Record, error], program *eval.Program, samples int) (*Report, error) {
	out := &Report{Policy: program.Policy().DigestString(), Skipped: []Skip{}, Groups: []Change{}}
	skipped := map[string]uint64{}
	groups := map[[4]string]*Change{}
	history := eval.NewHistory() // of what this program would have permitted
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		d, ok := r.Event.(*audit.Decision)
		if !ok {
			continue
		}
		out.Decisions++
		req, facts, err := record.Request(d)
		if err != nil {
			skipped[reason(err)]++
			if err := remember(history, d); err != nil {
				return nil, fmt.Errorf("entry %d: %w", r.Index, err)
			}
			continue
		}
		for i := range facts.Approvals {
			if facts.Approvals[i].Policy == d.Policy {
				facts.Approvals[i].Policy = program.Policy().Digest()
			}
		}
		out.Replayed++
		now := history.Decide(program, req, facts)
		to := audit.Outcome(now.Outcome.String())
		if d.Call != 0 && to == audit.Ask { // in the course of a call nobody waits for an approval
			to = audit.Deny
		}
		if to == d.Outcome {
			continue
		}
		out.Changed++
		key := [4]string{string(d.Outcome), string(to), by(d.Rules, d.Code, d.ErrorRules()), by(now.RuleIDs(), string(now.Code), now.ErrorRules())}
		g := groups[key]
		if g == nil {
			g = &Change{From: d.Outcome, To: to, Was: key[2], Now: key[3], Samples: []Sample{}}
			groups[key] = g
		}
		if g.Count++; len(g.Samples) < samples {
			g.Samples = append(g.Samples, sampleOf(r.Index, d, now))
		}
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, *g)
	}
	slices.SortFunc(out.Groups, func(a, b Change) int {
		return cmp.Or(danger(a)-danger(b), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Now, b.Now), cmp.Compare(a.Was, b.Was))
	})
	for why, n := range skipped {
		out.Skipped = append(out.Skipped, Skip{why, n})
	}
	slices.SortFunc(out.Skipped, func(a, b Skip) int { return cmp.Compare(a.Reason, b.Reason) })
	return out, nil
}

// remember lets the history have what a permit that can't be asked again changed, as far as the log shows it.
func remember(h *eval.History, d *audit.Decision) error {
	if d.Outcome != audit.Permit {
		return nil
	}
	changes, err := record.History(d.History)
	if err != nil {
		return err
	}
	h.Apply(slices.DeleteFunc(changes, func(c eval.Change) bool { return c.Private }))
	return nil
}

// danger orders changes: what opens comes before what closes, and what opens most comes first.
func danger(c Change) int {
	order := []audit.Outcome{audit.Deny, audit.Ask, audit.Permit}
	from, to := slices.Index(order, c.From), slices.Index(order, c.To)
	return 3*(from-to) - to
}

// by says what decided: rules or, where none did, the code with the limits and conditions that it is about.
func by(rules []string, code string, in []string) string {
	switch {
	case len(rules) > 0:
		return strings.Join(rules, ", ")
	case len(in) > 0:
		return code + " in " + strings.Join(in, ", ")
	}
	return code
}

// reason is the general reason of an error of record.Request.
func reason(err error) string {
	for _, known := range []error{record.ErrPrivate, record.ErrToken, record.ErrEarly, record.ErrUnread} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

func sampleOf(index uint64, d *audit.Decision, now eval.Decision) Sample {
	s := Sample{Index: index, Agent: d.Agent, Action: d.Action, Resource: d.Resource, Detail: now.Detail}
	if !d.Facts.Time.IsZero() {
		s.Time = d.Facts.Time.Format("2006-01-02T15:04:05Z")
	}
	if len(d.Args) > 0 {
		req, _, err := record.Request(d)
		if err == nil {
			s.Args = string(req.Args.AppendJSON(nil))
		}
	}
	if s.Detail == "" {
		s.Detail = because(now.Rules)
	}
	return s
}

func because(rules []*lang.Rule) string {
	for _, r := range rules {
		if r.Because != nil {
			return r.Because.Value
		}
	}
	return ""
}
