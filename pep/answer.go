package pep

import (
	"encoding/json"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/token"
)

// A Stage is how far a message came. The zero Stage is none.
type Stage uint8

const (
	StageMessage Stage = 1 + iota // who sent it, and whether it is new
	StageDigests                  // whether it is about the policy and the trust document in force
	StageRules                    // what the token and the rules say
)

func (s Stage) String() string {
	switch s {
	case StageMessage:
		return "message"
	case StageDigests:
		return "digests"
	case StageRules:
		return "rules"
	}
	return "none"
}

// Codes beyond those of package eval. Codes are stable.
const (
	// CodeUnauthenticated is all that is said of a message that doesn't pass the first stage.
	CodeUnauthenticated eval.Code = "unauthenticated"
	// CodePolicyMismatch and CodeTrustMismatch: the sender believes in another policy or trust document than is in force.
	CodePolicyMismatch eval.Code = "policy_mismatch"
	CodeTrustMismatch  eval.Code = "trust_mismatch"
	// CodeToken begins the code of a token that doesn't hold; its reason follows, as in "token_expired".
	CodeToken eval.Code = "token_"
	// CodeFacts: the host couldn't tell the facts.
	CodeFacts eval.Code = "facts_unavailable"
	// CodeTooManyAsks: more asks wait than are allowed.
	CodeTooManyAsks eval.Code = "too_many_asks"
	// CodeNotRecorded: the decision couldn't be made durable.
	CodeNotRecorded eval.Code = "not_recorded"
	// CodeClock: the clock can't be believed.
	CodeClock eval.Code = "clock"
	// CodeClosed: the PEP is closed, or was never opened.
	CodeClosed eval.Code = "closed"
)

// An Answer is what a PEP says to a message. The zero Answer is a deny.
type Answer struct {
	Outcome eval.Outcome
	Code    eval.Code
	Stage   Stage // at which it was decided
	// Decision is what the rules say; the zero Decision where they weren't asked.
	Decision eval.Decision
	// Request is what was decided on, and is what has to be done if it is permitted: there is no other copy of the arguments. It is the zero
	// Request before the first stage has passed.
	Request eval.Request
	// Message is the verified message; nil before the first stage has passed.
	Message *token.Message
	// Chain is the verified token; nil where it doesn't hold.
	Chain *token.Chain
	// Ask says how to get what an ask wants; nil otherwise.
	Ask *Ask
	// Index is that of the record in the log. Before the first stage has passed there is none, and it is 0, as is no decision's.
	Index uint64
	// Reason is why a message or a token was refused, for the operator: it isn't for the sender. Nil where the rules decided.
	Reason error

	basis *basis // of a permit; nil otherwise
}

// ForSender is what may be told to the agent: one fixed sentence and the code.
func (a Answer) ForSender() string {
	return eval.Decision{Outcome: a.Outcome, Code: a.Code}.ForModel()
}

// An Ask is what an approver signs; see [token.Approval].
type Ask struct {
	Nonce   token.ID
	Request token.Digest
	Policy  token.Digest
	Trust   token.Digest
	Pending []eval.Pending
	Expires time.Time
}

// Approval returns the approval of the ask by a rule of it, to be signed. It is valid from now until the ask expires.
func (a *Ask) Approval(realm, rule string, now time.Time) token.Approval {
	return token.Approval{Realm: realm, Nonce: a.Nonce, Request: a.Request, Policy: a.Policy, Trust: a.Trust, Rule: rule, NotBefore: now.Truncate(time.Second), Expires: a.Expires}
}

type askJSON struct {
	Nonce   string    `json:"nonce"`
	Request string    `json:"request"`
	Policy  string    `json:"policy"`
	Trust   string    `json:"trust"`
	Rules   []string  `json:"rules"`
	Expires time.Time `json:"expires"`
}

// MarshalJSON renders the ask for whoever approves, with the ids of the rules that an approval may be for.
func (a *Ask) MarshalJSON() ([]byte, error) {
	j := askJSON{Nonce: a.Nonce.String(), Request: a.Request.String(), Policy: a.Policy.String(), Trust: a.Trust.String(), Rules: []string{}, Expires: a.Expires.UTC()}
	for _, p := range a.Pending {
		j.Rules = append(j.Rules, p.Rule.ID)
	}
	return json.Marshal(j)
}
