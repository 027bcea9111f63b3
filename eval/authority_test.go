package eval_test

import (
	"strings"
	"testing"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

const office = `policy office edition 1
group Staff
group Partners claims "` + someIssuer + `"
agent coordinator in Staff
agent reviewer in Staff
agent intern
person ci
person alice in Staff
context { hour: int }
tool deploy(commit: string, hosts: int)
tool note(text: string)
permit coordinator to delegate on agent reviewer, agent intern
permit Staff, intern, Partners to execute on tool note
permit reviewer to execute on tool deploy
forbid unreviewed: any to execute on tool deploy unless args.commit attested "ci-passed" by ci
forbid no_interns: intern to execute on tool deploy
forbid night: any to execute on tool note when agent in Staff and context.hour >= 22
`

func officeProgram(t *testing.T, more string) *eval.Program {
	t.Helper()
	p, diags := lang.Compile(map[string]string{"p.moat": office + more})
	if p == nil {
		t.Fatal(diags)
	}
	return eval.New(p)
}

// call is a call with a token through whose chain the authority came to the last of agents.
func call(t *testing.T, tool, args string, agents ...string) (eval.Request, eval.Facts) {
	t.Helper()
	requester := agents[len(agents)-1]
	req, err := eval.Call(requester, tool, []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	now := eval.TestStart()
	a := &eval.Authority{Depth: len(agents), Issued: now, Expires: now.Add(time.Hour), Agents: agents, Grants: grants{}}
	for i := range agents[1:] {
		a.Links = append(a.Links, eval.Link{From: agents[i], To: agents[i+1]})
	}
	return req, eval.Facts{Time: now, Context: obj(mem("hour", num("10"))), Authority: a}
}

// both decides by the compiled program and by the reference, which must agree.
func both(t *testing.T, p *eval.Program, req eval.Request, facts eval.Facts) eval.Decision {
	t.Helper()
	d, ref := p.Decide(req, facts), eval.Reference(p.Policy(), req, facts)
	if d.Outcome != ref.Outcome || d.Code != ref.Code || d.Detail != ref.Detail {
		t.Fatalf("compiled %s (%s) %s, reference %s (%s) %s", d.Outcome, d.Code, d.Detail, ref.Outcome, ref.Code, ref.Detail)
	}
	return d
}

const noteArgs, deployArgs = `{"text": "x"}`, `{"commit": "4f2a", "hosts": 1}`

func TestTokenMeetsThePolicy(t *testing.T) {
	p := officeProgram(t, "")
	req, facts := call(t, "note", noteArgs, "reviewer")
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Errorf("granted and permitted: %s %s", d.Code, d.Detail)
	}
	facts.Authority.Grants = grants{action: "read"}
	if d := both(t, p, req, facts); d.Code != eval.CodeNotGranted || !strings.Contains(d.Detail, "execute on tool://note") {
		t.Errorf("permitted, not granted: %s %s", d.Code, d.Detail)
	}
	facts.Authority.Grants = nil
	if d := both(t, p, req, facts); d.Code != eval.CodeNotGranted {
		t.Errorf("the zero grants: %s", d.Code)
	}
	facts.Authority = &eval.Authority{}
	if d := both(t, p, req, facts); d.Code != eval.CodeNotGranted {
		t.Errorf("the zero authority: %s", d.Code)
	}
	req, facts = call(t, "note", noteArgs, "reviewer")
	req.Subject = "coordinator"
	if d := both(t, p, req, facts); d.Code != eval.CodeInvalidRequest {
		t.Errorf("somebody else's token: %s", d.Code)
	}
	req, facts = call(t, "deploy", deployArgs, "intern") // the widest token doesn't help where the policy forbids
	if d := both(t, p, req, facts); d.Code != eval.CodeForbidden {
		t.Errorf("forbidden, granted: %s", d.Code)
	}
}

// A call is met with the token in every facet: an effect that the token doesn't grant is denied.
func TestTokenCoversEffects(t *testing.T) {
	p := officeProgram(t, "tool fetch(from: url) does read on args.from\npermit reviewer to execute on tool fetch\npermit reviewer to read on \"https://**\"\n")
	req, facts := call(t, "fetch", `{"from": "https://example.com/"}`, "reviewer")
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Errorf("all granted: %s %s", d.Code, d.Detail)
	}
	facts.Authority.Grants = grants{prefix: "tool://"}
	if d := both(t, p, req, facts); d.Code != eval.CodeNotGranted {
		t.Errorf("only the call granted: %s", d.Code)
	}
}

// P08: what is forbidden to an agent is forbidden to whoever acts on its authority, be it a fresh key of its own.
func TestP08DelegationLaundersNothing(t *testing.T) {
	p := officeProgram(t, "permit intern to delegate on agent any\n")
	const fresh = "did:key:z6MkfreshfreshfreshfreshfreshfreshfreshfreshfreshA"
	attested := []eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2a"}, {Claim: "Partners", Issuer: someIssuer, About: fresh, Principal: true}}
	for _, chain := range [][]string{{"intern"}, {"intern", "reviewer"}, {"coordinator", "intern", "reviewer"}, {"intern", fresh}} {
		req, facts := call(t, "deploy", deployArgs, chain...)
		facts.Attestations = attested
		if d := both(t, p, req, facts); d.Outcome != eval.Deny || d.Code != eval.CodeForbidden && d.Code != eval.CodeNotDelegated {
			t.Errorf("%v: %s (%s)", chain, d.Outcome, d.Code)
		}
	}
	req, facts := call(t, "deploy", deployArgs, "coordinator", "reviewer")
	facts.Attestations = attested
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Errorf("a chain without the intern: %s (%s)", d.Code, d.Detail)
	}
	// A forbid that asks who it is, is asked of everybody on the chain.
	req, facts = call(t, "note", noteArgs, "coordinator", "intern")
	facts.Context = obj(mem("hour", num("23")))
	if d := both(t, p, req, facts); d.Code != eval.CodeForbidden {
		t.Errorf("the coordinator may not at night, nor who acts for it: %s", d.Code)
	}
	facts.Authority.Agents = []string{"intern"}
	facts.Authority.Links = nil
	if d := both(t, p, req, facts); d.Outcome != eval.Permit {
		t.Errorf("the intern alone may: %s", d.Code)
	}
}

func TestPolicyPermitsDelegation(t *testing.T) {
	p := officeProgram(t, "")
	for _, c := range []struct {
		chain []string
		want  eval.Code
	}{
		{[]string{"coordinator", "reviewer"}, eval.CodePermit},
		{[]string{"coordinator", "intern"}, eval.CodePermit},
		{[]string{"reviewer", "coordinator"}, eval.CodeNotDelegated},
		{[]string{"coordinator", "intern", "reviewer"}, eval.CodeNotDelegated},
		{[]string{"stranger", "reviewer"}, eval.CodeNotDelegated},
	} {
		req, facts := call(t, "note", noteArgs, c.chain...)
		if d := both(t, p, req, facts); d.Code != c.want {
			t.Errorf("%v: %s (%s), want %s", c.chain, d.Code, d.Detail, c.want)
		}
	}
	p = officeProgram(t, "forbid frozen: any to delegate on agent intern\n")
	req, facts := call(t, "note", noteArgs, "coordinator", "intern")
	if d := both(t, p, req, facts); d.Code != eval.CodeNotDelegated {
		t.Errorf("delegation to the intern is forbidden: %s", d.Code)
	}
}

func TestAttested(t *testing.T) {
	p := officeProgram(t, "")
	for name, c := range map[string]struct {
		claims []eval.Attestation
		want   eval.Code
	}{
		"none":             {nil, eval.CodeForbidden},
		"right":            {[]eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2a"}}, eval.CodePermit},
		"another commit":   {[]eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2b"}}, eval.CodeForbidden},
		"another claim":    {[]eval.Attestation{{Claim: "ci-failed", By: "ci", About: "4f2a"}}, eval.CodeForbidden},
		"another issuer":   {[]eval.Attestation{{Claim: "ci-passed", By: "alice", About: "4f2a"}}, eval.CodeForbidden},
		"a nameless one":   {[]eval.Attestation{{Claim: "ci-passed", Issuer: someIssuer, About: "4f2a"}}, eval.CodeForbidden},
		"among others":     {[]eval.Attestation{{Claim: "x", By: "ci", About: "4f2a"}, {Claim: "ci-passed", By: "ci", About: "4f2a"}}, eval.CodePermit},
		"of the requester": {[]eval.Attestation{{Claim: "ci-passed", By: "reviewer", About: "4f2a"}}, eval.CodeForbidden},
	} {
		req, facts := call(t, "deploy", deployArgs, "reviewer")
		facts.Attestations = c.claims
		if d := both(t, p, req, facts); d.Code != c.want {
			t.Errorf("%s: %s, want %s", name, d.Code, c.want)
		}
	}
	// Nobody vouches for themselves, by a group's name either.
	p = officeProgram(t, "tool ship(commit: string)\npermit ship: reviewer to execute on tool ship when args.commit attested \"reviewed\" by Staff\n")
	for by, want := range map[string]eval.Code{"alice": eval.CodePermit, "reviewer": eval.CodeConditionFailed, "ci": eval.CodeConditionFailed} {
		req, facts := call(t, "ship", `{"commit": "4f2a"}`, "reviewer")
		facts.Attestations = []eval.Attestation{{Claim: "reviewed", By: by, About: "4f2a"}}
		if d := both(t, p, req, facts); d.Code != want {
			t.Errorf("reviewed by %s: %s, want %s", by, d.Code, want)
		}
	}
}

// A key that the policy doesn't know has the groups that a listed issuer claims for it, and no others.
func TestClaimedGroups(t *testing.T) {
	p := officeProgram(t, "")
	const key = "did:key:z6MkpartnerpartnerpartnerpartnerpartnerpartnerpartX"
	for name, c := range map[string]struct {
		claim eval.Attestation
		want  eval.Outcome
	}{
		"listed":       {eval.Attestation{Claim: "Partners", Issuer: someIssuer, About: key, Principal: true}, eval.Permit},
		"other issuer": {eval.Attestation{Claim: "Partners", Issuer: "did:key:z6Mkother", About: key, Principal: true}, eval.Deny},
		"no claims":    {eval.Attestation{Claim: "Staff", Issuer: someIssuer, About: key, Principal: true}, eval.Deny},
		"other key":    {eval.Attestation{Claim: "Partners", Issuer: someIssuer, About: key + "Y", Principal: true}, eval.Deny},
		"of a text":    {eval.Attestation{Claim: "Partners", Issuer: someIssuer, About: key}, eval.Deny},
		"of a name":    {eval.Attestation{Claim: "Partners", Issuer: someIssuer, About: "intern", Principal: true}, eval.Deny},
	} {
		req, facts := call(t, "note", noteArgs, key)
		facts.Attestations = []eval.Attestation{c.claim}
		if d := both(t, p, req, facts); d.Outcome != c.want {
			t.Errorf("%s: %s (%s), want %s", name, d.Outcome, d.Code, c.want)
		}
	}
}

func TestCaveats(t *testing.T) {
	p := officeProgram(t, "")
	for _, c := range []struct {
		tool, condition string
		want            eval.Code
	}{
		{"deploy", "args.hosts <= 1", eval.CodePermit},
		{"deploy", "args.hosts < 1", eval.CodeCaveat},
		{"deploy", `args.commit like "4*" and context.hour < 12`, eval.CodePermit},
		{"", "context.hour > 12", eval.CodeCaveat},
		{"", "token.depth <= 1 and now < token.expires", eval.CodePermit},
		{"", `resource in "tool://deploy"`, eval.CodePermit},
		{"", `resource in "tool://note"`, eval.CodeCaveat},
		{"note", `args.text == "x"`, eval.CodeCaveat}, // deploy has no text
	} {
		text, err := eval.NewCaveat(p, c.tool, c.condition)
		if err != nil {
			t.Errorf("%s: %v", c.condition, err)
			continue
		}
		req, facts := call(t, "deploy", deployArgs, "reviewer")
		facts.Attestations = []eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2a"}}
		facts.Authority.Caveats = [][]byte{text}
		for range 2 { // the second time it is cached
			if d := both(t, p, req, facts); d.Code != c.want {
				t.Errorf("%s: %s (%s), want %s", c.condition, d.Code, d.Detail, c.want)
			}
		}
	}
	for _, condition := range []string{"agent in Staff", "session once (read on any)", `args.commit attested "x" by ci`, `agent.name == "x"`, "args.zzz == 1", "true because \"x\"",
		"true\nforbid any to any on any", "true\n\nagent other", "true needs approval by holder", "", "1 +"} {
		if text, err := eval.NewCaveat(p, "deploy", condition); err == nil {
			t.Errorf("%q makes a caveat:\n%s", condition, text)
		}
	}
}

// T20: a caveat about an attribute that isn't there, or is of another type now, denies; as does one in no canonical layout.
func TestT20CaveatOnOtherVocabulary(t *testing.T) {
	p := officeProgram(t, "")
	good, err := eval.NewCaveat(p, "deploy", "args.hosts <= 5")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown":       strings.ReplaceAll(string(good), "hosts", "servers"),
		"retyped":       strings.ReplaceAll(string(good), "hosts: int", "hosts: decimal"),
		"optional":      strings.NewReplacer("hosts: int", "hosts: int?", "args.hosts", "args.hosts ?? 0").Replace(string(good)),
		"other edition": strings.ReplaceAll(string(good), "edition 1", "edition 2"),
		"layout":        strings.ReplaceAll(string(good), "  when", "    when"),
		"comment":       "// c\n" + string(good),
		"two rules":     string(good) + "\nforbid any to any on any\n",
		"empty":         "",
		"binary":        "\xff\x00",
		"long":          string(good) + strings.Repeat("\n", eval.MaxCaveat),
		"label":         strings.ReplaceAll(string(good), "permit holder", "permit x: holder"),
		"group":         strings.ReplaceAll(string(good), "agent holder", "group G\n\nagent holder in G"),
	} {
		req, facts := call(t, "deploy", deployArgs, "reviewer")
		facts.Attestations = []eval.Attestation{{Claim: "ci-passed", By: "ci", About: "4f2a"}}
		facts.Authority.Caveats = [][]byte{good}
		if d := both(t, p, req, facts); d.Outcome != eval.Permit {
			t.Fatalf("the good caveat: %s %s", d.Code, d.Detail)
		}
		facts.Authority.Caveats = [][]byte{good, []byte(text)}
		if d := both(t, p, req, facts); d.Code != eval.CodeCaveat {
			t.Errorf("%s: %s", name, d.Code)
		}
	}
	req, facts := call(t, "note", noteArgs, "reviewer") // another tool than the caveat is about
	facts.Authority.Caveats = [][]byte{good}
	if d := both(t, p, req, facts); d.Code != eval.CodeCaveat {
		t.Errorf("a tool without the argument: %s", d.Code)
	}
	req.Action, req.Args = "read", obj()
	req.Resource, _ = resource.Parse("file:///x")
	p = officeProgram(t, "permit reviewer to read on \"file:///x\"\n")
	if d := both(t, p, req, facts); d.Code != eval.CodeCaveat {
		t.Errorf("no call: %s", d.Code)
	}
	facts.Authority.Caveats = make([][]byte, eval.MaxCaveats+1)
	for i := range facts.Authority.Caveats {
		facts.Authority.Caveats[i] = []byte(caveatSource("", "true"))
	}
	if d := both(t, p, req, facts); d.Code != eval.CodeCaveat {
		t.Errorf("too many: %s", d.Code)
	}
}

// T04: a token is for its audience alone, also where a host has mixed two requests up.
func TestT04AuthorityOfAnother(t *testing.T) {
	p := officeProgram(t, "")
	req, facts := call(t, "note", noteArgs, "reviewer")
	req.Subject = "intern"
	if d := both(t, p, req, facts); d.Code != eval.CodeInvalidRequest || !strings.Contains(d.Detail, "reviewer") {
		t.Errorf("%s (%s) %s", d.Outcome, d.Code, d.Detail)
	}
}
