package replay_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/replay"
)

const header = `policy p edition 1
group Owners
person ann in Owners
agent bot
tool pay(amount: decimal, note: string?)
tool look()
tool keep(secret: string redact)
tool drop()
`

func program(t *testing.T, rules string) *eval.Program {
	t.Helper()
	p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte(header + rules)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A logged is what was asked, and how a policy answered.
type logged struct{ tool, args string }

// recorded is a log of decisions by a policy, one a second, with an event of another kind before each.
func recorded(t *testing.T, p *eval.Program, requests ...logged) iter.Seq2[audit.Record, error] {
	t.Helper()
	var records []audit.Record
	for i, r := range requests {
		req, err := eval.Call("bot", r.tool, []byte(r.args))
		if err != nil {
			t.Fatal(err)
		}
		facts := eval.Facts{Time: time.Unix(1790000000+int64(i), 0).UTC()}
		d := p.Decide(req, facts)
		ev := record.Decision(p, req, facts, d)
		ev.Outcome, ev.Code = audit.Outcome(d.Outcome.String()), string(d.Code)
		records = append(records, audit.Record{Index: uint64(2 * i), Event: &audit.Start{}}, audit.Record{Index: uint64(2*i + 1), Event: ev})
	}
	return func(yield func(audit.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func run(t *testing.T, records iter.Seq2[audit.Record, error], p *eval.Program, samples int) *replay.Report {
	t.Helper()
	r, err := replay.Run(records, p, samples)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const before = `permit small: bot to execute on tool pay when args.amount < 10.00
permit looking: bot to execute on tool look
`

var requests = []logged{
	{"pay", `{"amount":5.00}`}, {"pay", `{"amount":50.00}`}, {"pay", `{"amount":60.00}`}, {"look", `{}`}, {"drop", `{}`}, {"pay", `{"amount":70.00}`},
}

func TestTheSamePolicyChangesNothing(t *testing.T) {
	p := program(t, before)
	r := run(t, recorded(t, p, requests...), p, 3)
	want := &replay.Report{Policy: p.Policy().DigestString(), Decisions: 6, Replayed: 6, Skipped: []replay.Skip{}, Groups: []replay.Change{}}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
}

// What opens stands before what closes, in groups by the rules of before and now, each with its first samples.
func TestGroups(t *testing.T) {
	r := run(t, recorded(t, program(t, before), requests...), program(t, `permit large: bot to execute on tool pay when args.amount >= 10.00
permit dropping: bot to execute on tool drop needs approval by Owners
forbid blind: bot to execute on tool look because "it saw too much"
`), 2)
	var got []string
	for _, g := range r.Groups {
		line := fmt.Sprintf("%s -> %s, %s -> %s, %d:", g.From, g.To, g.Was, g.Now, g.Count)
		for _, s := range g.Samples {
			line += fmt.Sprintf(" %d %s %s %s %s;", s.Index, s.Time, s.Resource, s.Args, s.Detail)
		}
		got = append(got, line)
	}
	want := []string{
		`deny -> permit, condition_failed -> large, 3: 3 2026-09-21T14:13:21Z tool://pay {"amount":50.00} ; 5 2026-09-21T14:13:22Z tool://pay {"amount":60.00} ;`,
		`deny -> ask, no_permit -> dropping, 1: 9 2026-09-21T14:13:24Z tool://drop  ;`,
		`permit -> deny, looking -> blind, 1: 7 2026-09-21T14:13:23Z tool://look  it saw too much;`,
		`permit -> deny, small -> condition_failed, 1: 1 2026-09-21T14:13:20Z tool://pay {"amount":5.00} ;`,
	}
	if d := cmp.Diff(want, got); d != "" || r.Changed != 6 {
		t.Error(d, r.Changed)
	}
}

// What can't be asked again is counted, by reason; a report of nothing else is inconclusive.
func TestSkipped(t *testing.T) {
	p := program(t, before)
	r := run(t, recorded(t, program(t, before), logged{"keep", `{"secret":"x"}`}, logged{"keep", `{"secret":"y"}`}), p, 3)
	if d := cmp.Diff([]replay.Skip{{record.ErrPrivate.Error(), 2}}, r.Skipped); d != "" || !r.Inconclusive() {
		t.Error(d, r)
	}
	if r := run(t, recorded(t, p), p, 3); r.Inconclusive() {
		t.Error("nothing was left out of an empty log")
	}
}

// A log that breaks yields no report.
func TestBroken(t *testing.T) {
	p := program(t, before)
	wrong := errors.New("broken")
	r, err := replay.Run(func(yield func(audit.Record, error) bool) {
		for r := range recorded(t, p, requests...) {
			if !yield(r, nil) {
				return
			}
		}
		yield(audit.Record{}, wrong)
	}, p, 3)
	if r != nil || err != wrong {
		t.Error(r, err)
	}
}

// What a log holds can't move the cursor or colour the terminal, nor fill the screen.
func TestText(t *testing.T) {
	r := run(t, recorded(t, program(t, before), logged{"pay", `{"amount":50.00,"note":"` + "\\u001b[2J\u202e" + strings.Repeat("x", 500) + `"}`}, requests[1], requests[2]),
		program(t, "permit large: bot to execute on tool pay when args.amount >= 10.00\n"), 2)
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"3 of 3 decisions replayed: 3 change\n", "\ndeny -> permit: 3\n  3  now by large, before by condition_failed\n     entry 1  2026-09-21T14:13:20Z bot execute tool://pay  {\"amount\":50.00,", "     and 1 more\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, bad := range []string{"\x1b", "\u202e", strings.Repeat("x", 300)} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in\n%s", bad, text)
		}
	}
}

// recordedWith is a log of decisions with a history, a second apart.
func recordedWith(t *testing.T, p *eval.Program, requests ...logged) iter.Seq2[audit.Record, error] {
	t.Helper()
	h := eval.NewHistory()
	return func(yield func(audit.Record, error) bool) {
		for i, r := range requests {
			req, err := eval.Call("bot", r.tool, []byte(r.args))
			if err != nil {
				t.Fatal(err)
			}
			facts := eval.Facts{Time: time.Unix(1790000000+int64(i), 0).UTC()}
			d := h.Decide(p, req, facts)
			ev := record.Decision(p, req, facts, d)
			ev.Outcome, ev.Code = audit.Outcome(d.Outcome.String()), string(d.Code)
			if !yield(audit.Record{Index: uint64(i), Event: ev}, nil) {
				return
			}
		}
	}
}

// What a permit that can't be asked again changed never gives back what the other policy has permitted meanwhile.
func TestSkippedPermitRefillsNothing(t *testing.T) {
	for name, limit := range map[string]string{
		"count":   "limit calls: any to execute on any count <= 2 per 1h\n",
		"session": "limit calls: any to execute on any sum 1 <= 2 per 1h\n",
	} {
		old, next := program(t, "permit bot to execute on tool keep\n"+limit), program(t, "permit bot to execute on any\n"+limit)
		r := run(t, recordedWith(t, old, logged{"look", `{}`}, logged{"look", `{}`}, logged{"keep", `{"secret":"x"}`}, logged{"look", `{}`}), next, 3)
		if r.Changed != 2 {
			t.Errorf("%s: %d of the requests change; two use the budget up, the third change is beyond it: %+v", name, r.Changed, r.Groups)
		}
	}
}

// What a call asked for in its course and was denied because it needs an approval; the other policy permits it.
func TestRunEffects(t *testing.T) {
	old := program(t, "permit bot to execute on tool pay needs approval by Owners\n")
	next := program(t, "permit bot to execute on tool pay\n")
	for _, call := range []uint64{0, 1} {
		req, err := eval.Call("bot", "pay", []byte(`{"amount":1}`))
		if err != nil {
			t.Fatal(err)
		}
		facts := eval.Facts{Time: time.Unix(1790000000, 0).UTC()}
		d := old.Decide(req, facts)
		ev := record.Decision(old, req, facts, d)
		ev.Outcome, ev.Code, ev.Stage, ev.Call = audit.Outcome(d.Outcome.String()), string(d.Code), 3, call
		if call != 0 {
			ev.Outcome = audit.Deny // in the course of a call nobody waits
		}
		var seq iter.Seq2[audit.Record, error] = func(yield func(audit.Record, error) bool) { yield(audit.Record{Index: 2, Event: ev}, nil) }
		r, err := replay.Run(seq, next, 3)
		if err != nil || r.Replayed != 1 || r.Changed != 1 || r.Groups[0].From != ev.Outcome || r.Groups[0].To != audit.Permit {
			t.Errorf("call %d: %+v %v", call, r, err)
		}
		if r, err = replay.Run(seq, old, 3); err != nil || r.Replayed != 1 || r.Changed != 0 {
			t.Errorf("call %d: by the same policy %+v %v", call, r, err)
		}
	}
}
