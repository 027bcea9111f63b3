package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/value"
)

// A query says which records are wanted. What is empty restricts nothing.
type query struct {
	kinds, agents, rules, outcomes, codes []string
	since, until                          string
	resources                             []string

	from, to time.Time
	patterns []*resource.Pattern
}

func newAuditQuery() *cobra.Command {
	var q query
	var from uint64
	var follow bool
	cmd := &cobra.Command{
		Use:   "query LOG",
		Short: "Find records of a log",
		Long: `Query prints the records of a log that meet all conditions; of a flag that is repeated, any of its values will do. In text a record is a line; in JSON it is the line of the
log, with its hash. Control characters and what else acts on a terminal are escaped in both.

Records are read strictly and the chain is checked on the way; whether the tail is there is for moatc audit verify.

Exit codes: 0 whether anything was found or not, 5 the log is broken, 1 it can't be read.`,
		Example: `  moatc eval --batch --log e.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit query --outcome deny e.log
  moatc audit query --rule small_payment --resource tool://pay --format json e.log
  moatc audit query --kind segment --since 2026-01-01T00:00:00Z e.log`,
		Args: oneLog,
	}
	format := formatFlag(cmd, "text", "json")
	list := func(into *[]string, name, usage string) { cmd.Flags().StringArrayVar(into, name, nil, usage) }
	list(&q.kinds, "kind", "records of this `kind`: decision, effect, alert, …")
	list(&q.agents, "agent", "of the agent or person of this `name`")
	list(&q.rules, "rule", "decided by the rule, limit or lifecycle of this `id`")
	list(&q.outcomes, "outcome", "decisions with this `outcome`: permit, ask or deny")
	list(&q.codes, "code", "decisions with this `code`")
	list(&q.resources, "resource", "on resources that this `pattern` matches")
	cmd.Flags().StringVar(&q.since, "since", "", "written at this `time` (RFC 3339) or later")
	cmd.Flags().StringVar(&q.until, "until", "", "written before this `time` (RFC 3339)")
	cmd.Flags().Uint64Var(&from, "from", 0, "begin at this `index`")
	cmd.Flags().BoolVar(&follow, "follow", false, "go on as the log grows, until interrupted")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := q.prepare(); err != nil {
			return usageError(cmd, "%s", err)
		}
		records := audit.Read(args[0], from)
		if follow {
			records = audit.Follow(cmd.Context(), args[0], from, 200*time.Millisecond)
		}
		for r, err := range records {
			if err != nil {
				return auditError(err)
			}
			if !q.match(r) {
				continue
			}
			if format.value == "json" {
				err = writeRecordJSON(cmd, r)
			} else {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), report.Escape(recordText(r)))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func (q *query) prepare() (err error) {
	for _, t := range []struct {
		text string
		into *time.Time
	}{{q.since, &q.from}, {q.until, &q.to}} {
		if t.text != "" {
			if *t.into, err = value.ParseTimestamp(t.text); err != nil {
				return err
			}
		}
	}
	for _, s := range q.resources {
		p, err := resource.ParsePattern(s)
		if err != nil {
			return err
		}
		q.patterns = append(q.patterns, p)
	}
	return nil
}

func (q *query) match(r audit.Record) bool {
	f := factsOf(r.Event)
	one := func(among []string, have ...string) bool {
		return len(among) == 0 || slices.ContainsFunc(have, func(s string) bool { return slices.Contains(among, s) })
	}
	return one(q.kinds, string(r.Kind)) && one(q.agents, f.agent) && one(q.rules, append(f.in, f.rules...)...) && one(q.outcomes, f.outcome) && one(q.codes, f.code) &&
		(q.from.IsZero() || !r.Time.Before(q.from)) && (q.to.IsZero() || r.Time.Before(q.to)) && q.matchResource(f.resource)
}

func (q *query) matchResource(name string) bool {
	if len(q.patterns) == 0 {
		return true
	}
	n, err := resource.Parse(name)
	return err == nil && slices.ContainsFunc(q.patterns, func(p *resource.Pattern) bool { return p.Match(n) })
}

// eventFacts are what a query asks about, whatever the kind.
type eventFacts struct {
	agent, action, resource, outcome, code, more string
	rules                                        []string
	in                                           []string // limits, lifecycles and rules that the code is about
}

// course says which decision's call something belongs to, if there is one.
func course(how string, decision uint64) string {
	if decision == 0 {
		return ""
	}
	return fmt.Sprintf("%s entry %d ", how, decision)
}

func factsOf(ev audit.Event) eventFacts {
	switch e := ev.(type) {
	case *audit.Decision:
		return eventFacts{agent: e.Agent, action: e.Action, resource: e.Resource, outcome: string(e.Outcome), code: e.Code, rules: e.Rules, in: e.ErrorRules(), more: strings.TrimSpace(course("in the course of", e.Call) + argsText(e.Args) + " " + shown(e.Detail))}
	case *audit.Effect:
		return eventFacts{agent: e.Agent, action: e.Action, resource: shown(e.Resource), outcome: e.Outcome, more: strings.TrimSpace(fmt.Sprintf("of entry %d %s", e.Decision, shown(e.Detail)))}
	case *audit.SandboxCall:
		return eventFacts{agent: e.Agent, outcome: e.Outcome, more: course("of", e.Decision) + fmt.Sprintf("module %x %s fuel %d", e.Module[:4], e.Function, e.Fuel)}
	case *audit.SecretUse:
		return eventFacts{agent: e.Agent, action: "use", resource: "secret://" + e.Name, outcome: e.Outcome, more: shown(e.Resource)}
	case *audit.Alert:
		return eventFacts{agent: e.Agent, more: strings.TrimSpace(e.Monitor + " " + shown(e.Detail))}
	case *audit.Approval:
		return eventFacts{agent: e.By, rules: []string{e.Rule}, more: "approved"}
	case *audit.Revocation:
		return eventFacts{more: fmt.Sprintf("list %d of %s: %d keys, %d blocks, %d digests", e.Sequence, e.Issuer, len(e.Keys), len(e.Blocks), len(e.Digests))}
	case *audit.PolicyChange:
		return eventFacts{more: fmt.Sprintf("%x -> %x", e.Old[:4], e.New[:4])}
	case *audit.TrustChange:
		return eventFacts{more: fmt.Sprintf("%x -> %x", e.Old[:4], e.New[:4])}
	case *audit.Start:
		return eventFacts{more: e.Program}
	case *audit.Stop:
		return eventFacts{more: e.Reason}
	case *audit.Junk:
		return eventFacts{more: fmt.Sprintf("%d messages that nobody signed", e.Count)}
	case *audit.Segment:
		return eventFacts{more: e.Origin}
	case *audit.Checkpoint:
		return eventFacts{more: marksText(e.Marks)}
	case *audit.Recovery:
		return eventFacts{more: fmt.Sprintf("%d bytes cut, kept in %s", e.Bytes, e.File)}
	}
	return eventFacts{}
}

func argsText(args []audit.Argument) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.Name + "=" + shown(a.Field)
	}
	return strings.Join(parts, " ")
}

func marksText(marks []audit.Mark) string {
	parts := make([]string, len(marks))
	for i, m := range marks {
		parts[i] = fmt.Sprintf("%s=%d", m.Name, m.Value)
	}
	return strings.Join(parts, " ")
}

// shown is what a field says to people.
func shown(f audit.Field) string {
	switch {
	case f.Mode == audit.Full:
		return f.Text
	case f.Mode == audit.Digest:
		return fmt.Sprintf("(hmac %x…)", f.HMAC[:4])
	case f == audit.Field{}:
		return ""
	}
	return "(redacted)"
}

// recordText is a record on one line.
func recordText(r audit.Record) string {
	f := factsOf(r.Event)
	parts := []string{fmt.Sprintf("%6d  %s  %-10s", r.Index, r.Time.Format("2006-01-02T15:04:05.000Z"), r.Kind)}
	for _, s := range []string{f.outcome, f.agent, f.action, f.resource} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	switch {
	case len(f.rules) > 0:
		parts = append(parts, "by "+strings.Join(f.rules, ", "))
	case len(f.in) > 0:
		parts = append(parts, f.code+" in "+strings.Join(f.in, ", "))
	case f.code != "":
		parts = append(parts, f.code)
	}
	if f.more != "" {
		parts = append(parts, f.more)
	}
	return strings.TrimRight(strings.Join(parts, "  "), " ")
}

// writeRecordJSON prints the line of a record, with its hash beside.
func writeRecordJSON(cmd *cobra.Command, r audit.Record) error {
	return report.WriteJSON(cmd.OutOrStdout(), struct {
		Hash   string          `json:"hash"`
		Record json.RawMessage `json:"record"`
	}{fmt.Sprintf("%x", r.Hash), r.Line}, "")
}
