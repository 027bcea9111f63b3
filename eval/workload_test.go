package eval_test

import (
	"fmt"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/internal/workload"
	"github.com/moat-lang/moat/lang"
)

// passLen is how many requests make one pass over the workload.
const passLen = 512

// workloadSizes are the numbers of rules that the workload is measured at.
var workloadSizes = []int{10, 100, 1000, 10_000}

func workloadProgram(tb testing.TB, rules []workload.Rule) *eval.Program {
	tb.Helper()
	policy, diags := lang.Compile(workloadSources(rules))
	if policy == nil {
		tb.Fatal(diags)
	}
	return eval.New(policy)
}

func workloadSources(rules []workload.Rule) map[string]string {
	return map[string]string{"workload.moat": workload.Moat(rules)}
}

// A prepared request is one that has been parsed, by itself: no program had a part in it.
type prepared struct {
	req   eval.Request
	facts eval.Facts
}

func prepareAll(tb testing.TB, requests []workload.Request) []prepared {
	tb.Helper()
	out := make([]prepared, len(requests))
	for i := range requests {
		body := requests[i].JSON()
		req, facts, err := eval.ParseEvaluation(body)
		if err != nil {
			tb.Fatalf("%s: %v", body, err)
		}
		out[i] = prepared{req, facts}
	}
	return out
}

// workloadCodes are the codes that the workload's reasons come to.
var workloadCodes = map[workload.Reason]eval.Code{
	workload.Granted:    eval.CodePermit,
	workload.AfterHours: eval.CodeConditionFailed,
	workload.TooMuch:    eval.CodeConditionFailed,
	workload.SecretData: eval.CodeForbidden,
	workload.AdminCall:  eval.CodeForbidden,
	workload.Foreign:    eval.CodeNoPermit,
	workload.NoSuchRule: eval.CodeNoPermit,
}

func TestWorkload(t *testing.T) {
	for _, n := range workloadSizes {
		t.Run(fmt.Sprintf("rules=%d", n), func(t *testing.T) {
			rules := workload.Rules(n)
			program := workloadProgram(t, rules)
			requests := workload.Requests(n, passLen)
			for i, p := range prepareAll(t, requests) {
				q := &requests[i]
				d := program.Decide(p.req, p.facts)
				if want := workload.Reference(rules, q); (d.Outcome == eval.Permit) != want || d.Code != workloadCodes[q.Why] {
					t.Errorf("%+v: got %s (%s %s); want allowed=%v, %s", *q, d.Outcome, d.Code, d.Detail, want, workloadCodes[q.Why])
				}
			}
		})
	}
}

func TestWorkloadIsFormatted(t *testing.T) {
	src := workload.Moat(workload.Rules(10))
	got, diags := lang.Format(lang.NewSource("workload.moat", src))
	if diags.Err() != nil {
		t.Fatal(diags)
	}
	if got != src {
		t.Errorf("the formatter makes of it\n%s", got)
	}
}
