package record_test

import (
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/strictjson"
)

func load(t *testing.T) *eval.Program {
	t.Helper()
	p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte(`policy p edition 1
agent bot
tool pay(amount: decimal, note: string? digest, pin: string? redact)
context { hour: int? }
permit bot to execute on tool pay when args.amount < 9007199254740994.0
`)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What a record in full holds is the request that was asked: with the same digest and the same answer.
func TestRoundTrip(t *testing.T) {
	p := load(t)
	for _, args := range []string{`{"amount":9007199254740993}`, `{"amount":1e3}`} {
		req, err := eval.Call("bot", "pay", []byte(args))
		if err != nil {
			t.Fatal(err)
		}
		facts := eval.Facts{Time: time.Unix(1790000000, 5).UTC(), Session: "s", Origins: map[string][]string{"/amount": {"user"}}, ValueOrigins: map[string][]string{"x": {"user"}}}
		facts.Context = strictjson.Value{Kind: strictjson.Object, Members: []strictjson.Member{{Name: "hour", Value: strictjson.Value{Kind: strictjson.Number, Text: "3"}}}}
		facts.Approvals = []eval.Approval{{Rule: "r", By: "ann", At: facts.Time, Request: eval.RequestDigest(req, facts)}}
		d := p.Decide(req, facts)
		again, with, err := record.Request(record.Decision(p, req, facts, d))
		if err != nil {
			t.Fatal(err)
		}
		if eval.RequestDigest(again, with) != eval.RequestDigest(req, facts) || !with.Time.Equal(facts.Time) || len(with.Approvals) != 1 || with.Approvals[0] != facts.Approvals[0] {
			t.Errorf("%+v %+v", again, with)
		}
		if now := p.Decide(again, with); now.Outcome != d.Outcome || now.Code != d.Code {
			t.Errorf("%v, and was %v", now, d)
		}
	}
}

func TestNotReplayable(t *testing.T) {
	p := load(t)
	recorded := func(args string) *audit.Decision {
		req, err := eval.Call("bot", "pay", []byte(args))
		if err != nil {
			t.Fatal(err)
		}
		return record.Decision(p, req, eval.Facts{}, eval.Decision{})
	}
	token, early := recorded(`{"amount":1}`), recorded(`{"amount":1}`)
	token.Code, early.Stage = string(eval.CodeNotGranted), 2
	for want, d := range map[error]*audit.Decision{
		record.ErrPrivate: recorded(`{"amount":1,"note":"x"}`), record.ErrToken: token, record.ErrEarly: early, record.ErrUnread: {Outcome: audit.Deny, Code: "invalid_request"},
	} {
		if _, _, err := record.Request(d); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for _, args := range []string{`{"amount":1,"pin":"x"}`, `{"amount":1,"undeclared":"x"}`} {
		if _, _, err := record.Request(recorded(args)); !errors.Is(err, record.ErrPrivate) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// An event that is filled again says nothing of what it held before, and an empty object of arguments is not the same as none.
func TestFillAgain(t *testing.T) {
	p, err := eval.LoadFS(fstest.MapFS{"p.moat": {Data: []byte("policy p edition 1\nagent bot\ntool ping(note: string?)\npermit bot to execute on tool ping\n")}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	var ev audit.Decision
	for _, args := range []string{`{}`, `{"note":"x"}`, `null`, `{}`, `{"note":"y"}`, `{}`, `null`} {
		req, err := eval.Call("bot", "ping", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if req.Args, err = strictjson.Parse([]byte(args), strictjson.Limits{}); err != nil {
			t.Fatal(err)
		}
		d := p.Decide(req, eval.Facts{})
		record.Fill(&ev, p, &req, &eval.Facts{}, &d)
		if diff := cmp.Diff(record.Decision(p, req, eval.Facts{}, d), &ev, cmp.AllowUnexported(audit.Field{}), cmpopts.IgnoreUnexported(audit.Token{})); diff != "" {
			t.Errorf("%s: %s", args, diff)
		}
		again, _, err := record.Request(&ev)
		if err != nil || eval.RequestDigest(again, eval.Facts{}) != eval.RequestDigest(req, eval.Facts{}) {
			t.Errorf("%s came back as %s, %v", args, again.Args.AppendJSON(nil), err)
		}
	}
}
