package eval_test

import (
	"math/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/value"
)

// An answer is what a decision says, in a form that can be compared across programs.
type answer struct {
	Outcome eval.Outcome
	Code    eval.Code
	Rules   []string
	Pending []pending
	Errors  []ruleError
	Used    []eval.Approval
	Detail  string
	Changes []eval.Change
}

type pending struct {
	Rule       string
	Need, Have int
}

type ruleError struct {
	Rule, Message string
	Code          eval.Code
	Text          string // of the source, at the error
}

func answerOf(d eval.Decision) answer {
	a := answer{Outcome: d.Outcome, Code: d.Code, Rules: d.RuleIDs(), Used: d.Used, Detail: d.Detail, Changes: d.Changes}
	for _, p := range d.Pending {
		a.Pending = append(a.Pending, pending{p.Rule.ID, p.Need, p.Have})
	}
	for _, e := range d.Errors {
		a.Errors = append(a.Errors, ruleError{e.Rule, e.Message, e.Code, e.Span.Text()})
	}
	return a
}

// decimals are equal when they are the same number.
var decimals = cmp.Comparer(func(a, b value.Decimal) bool { return a.Cmp(b) == 0 })

// agree holds the compiled evaluator against the reference on one random program and some requests, and returns the outcomes seen.
func agree(t *testing.T, seed int64, requests int) map[eval.Code]int {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewSource(seed))}
	decls := g.policy()
	prog := compile(decls)
	if prog == nil {
		return nil
	}
	compiled := eval.New(prog)
	seen := map[eval.Code]int{}
	// Each has a history of its own, so that what they remember is compared as well. Some requests have none.
	theirs, ours := eval.NewHistory(), eval.NewHistory()
	for i := 0; i < requests; i++ {
		req, facts := g.request()
		facts.Time = facts.Time.Add(time.Duration(i) * time.Second)
		keeps := g.maybe(0.97)
		decide := func() (want, got eval.Decision) {
			in := facts
			if keeps {
				in.History, facts.History = theirs, ours
			}
			return eval.Reference(prog, req, in), compiled.Decide(req, facts)
		}
		want, got := decide()
		if want.Outcome == eval.Ask {
			facts = g.approve(prog, want, req, facts)
			want, got = decide()
		}
		if diff := cmp.Diff(answerOf(want), answerOf(got), decimals); diff != "" {
			t.Fatalf("seed %d: the compiled evaluator differs from the reference (-reference +compiled):\n%s\nrequest %+v\nfacts %+v\n%s", seed, diff, req, facts, source(decls))
		}
		seen[got.Code]++
		if got.Code == eval.CodeInternal {
			t.Fatalf("seed %d: %s\n%s", seed, got.Detail, source(decls))
		}
		// Explaining must neither fail nor differ.
		if x := compiled.Explain(req, facts); x.Decision.Outcome != got.Outcome || x.String() == "" {
			t.Fatalf("seed %d: the explanation differs", seed)
		}
		theirs.Apply(want.Changes)
		ours.Apply(got.Changes)
	}
	return seen
}

func TestCompiledAgreesWithReference(t *testing.T) {
	programs, checked := 3000, 0
	if testing.Short() {
		programs = 300
	}
	total := map[eval.Code]int{}
	for seed := range programs {
		if seen := agree(t, int64(seed), 60); seen != nil {
			checked++
			for code, n := range seen {
				total[code] += n
			}
		}
	}
	t.Logf("%d of %d programs pass check; decisions by code: %v", checked, programs, total)
	if checked < programs/4 {
		t.Errorf("only %d of %d random programs pass check: the generator tests little", checked, programs)
	}
	for _, code := range []eval.Code{eval.CodePermit, eval.CodeNeedsApproval, eval.CodeForbidden, eval.CodeRuleError, eval.CodeNoHistory, eval.CodeLimit, eval.CodeOutOfOrder, eval.CodeConditionFailed, eval.CodeNoPermit,
		eval.CodeNotDelegated, eval.CodeCaveat, eval.CodeNotGranted,
		eval.CodeInvalidRequest, eval.CodeUnknownAction, eval.CodeUnknownTool, eval.CodeInvalidArguments, eval.CodeInvalidContext} {
		if total[code] == 0 {
			t.Errorf("no random request was answered with the code %s", code)
		}
	}
}

func FuzzCompiledAgreesWithReference(f *testing.F) {
	for seed := range 20 {
		f.Add(int64(seed))
	}
	f.Fuzz(func(t *testing.T, seed int64) { agree(t, seed, 10) })
}

// Permuting declarations, spreading them over files and repeating some changes neither the digest nor any decision, nor the order of
// what is reported.
func TestOrderAndRepetitionDontShow(t *testing.T) {
	for seed := range int64(300) {
		g := &generator{Rand: rand.New(rand.NewSource(seed))}
		decls := g.policy()
		prog := compile(decls)
		if prog == nil {
			continue
		}
		shuffled := append([]string(nil), decls...)
		for range g.Intn(4) {
			shuffled = append(shuffled, decls[g.Intn(len(decls))])
		}
		g.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		cut := g.Intn(len(shuffled))
		other, diags := lang.Compile(map[string]string{"z.moat": source(shuffled[:cut]), "b.moat": source(shuffled[cut:])})
		if other == nil {
			t.Fatalf("seed %d: the shuffled policy doesn't check: %v\n%s", seed, diags, source(shuffled))
		}
		formatted, fdiags := lang.Format(lang.NewSource("p.moat", source(decls)))
		if again, _ := lang.Compile(map[string]string{"p.moat": formatted}); again == nil || again.Digest() != prog.Digest() {
			t.Fatalf("seed %d: formatting changes the digest: %v\n%s", seed, fdiags, formatted)
		}
		if prog.Digest() != other.Digest() {
			t.Fatalf("seed %d: the digest differs\n%s\n----\n%s", seed, source(decls), source(shuffled))
		}
		a, b := eval.New(prog), eval.New(other)
		for range 40 {
			req, facts := g.request()
			if diff := cmp.Diff(answerOf(a.Decide(req, facts)), answerOf(b.Decide(req, facts))); diff != "" {
				t.Fatalf("seed %d: order shows (-as written +shuffled):\n%s", seed, diff)
			}
		}
	}
}
