// Package workload makes the rules and the requests that decisions are measured on, here and in bench/. Start at [Rules] and
// [Requests]; [Reference] says what the answers are, and [Index] how fast they can be had without any language.
//
// Rules come five to an agent. Those of agent 7 are
//
//	permit agent7 to call  below svc://svc7/                       when 8 <= hour <= 17
//	permit agent7 to read  below file:///srv/agent7/data/          when depth <= 4
//	permit agent7 to fetch below https://api7.example.com/v1/      when amount <= 106
//	forbid agent7 to read  below file:///srv/agent7/data/secret/
//	forbid anyone to call  below svc://svc7/admin/                 when depth >= 1
//
// A forbid wins over every permit, and what no rule permits is denied.
//
// Everything is made from fixed seeds: two runs measure the same.
package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// PerAgent is how many rules each agent comes with.
const PerAgent = 5

// A Fact is a number that the host says about a request.
type Fact int

// The facts. Nothing is no fact at all: its number is always 0.
const (
	Nothing Fact = iota
	Hour
	Depth
	Amount
)

// FactNames are what policies call the facts.
var FactNames = [...]string{Hour: "hour", Depth: "depth", Amount: "amount"}

// A Range holds when a fact is a number from Min to Max, both included. The zero Range always holds.
type Range struct {
	Fact     Fact
	Min, Max int64
}

// Comparisons renders the range as comparisons of name, such as "hour >= 8", in the notation that all languages here share; none
// for the zero Range.
func (r Range) Comparisons(name string) []string {
	var out []string
	if r.Fact == Nothing {
		return nil
	}
	if r.Min != math.MinInt64 {
		out = append(out, fmt.Sprintf("%s >= %d", name, r.Min))
	}
	if r.Max != math.MaxInt64 {
		out = append(out, fmt.Sprintf("%s <= %d", name, r.Max))
	}
	return out
}

// A Rule permits or forbids an action on everything below a resource.
type Rule struct {
	Forbid bool
	Agent  string // empty: any agent
	Action string
	Below  string // ends in a slash
	When   Range
}

// Covers reports whether the rule is about the request and its condition holds.
func (r *Rule) Covers(q *Request) bool {
	return (r.Agent == "" || r.Agent == q.Agent) && r.Action == q.Action && r.appliesTo(q)
}

// appliesTo is Covers for a request of the rule's agent and action.
func (r *Rule) appliesTo(q *Request) bool {
	n := q.Facts[r.When.Fact]
	return strings.HasPrefix(q.Resource, r.Below) && r.When.Min <= n && n <= r.When.Max
}

// An agent names what the rules and requests of one agent are about.
type agent struct {
	name, service, data, api string
	limit                    int64 // the largest amount
}

func newAgent(k int) agent {
	return agent{
		name:    fmt.Sprintf("agent%d", k),
		service: fmt.Sprintf("svc://svc%d/", k),
		data:    fmt.Sprintf("file:///srv/agent%d/data/", k),
		api:     fmt.Sprintf("https://api%d.example.com/v1/", k),
		limit:   int64(99 + k%900),
	}
}

// Rules returns the first n rules.
func Rules(n int) []Rule {
	rules := make([]Rule, 0, n+PerAgent)
	for k := 0; len(rules) < n; k++ {
		a := newAgent(k)
		rules = append(rules,
			Rule{Agent: a.name, Action: "call", Below: a.service, When: Range{Hour, 8, 17}},
			Rule{Agent: a.name, Action: "read", Below: a.data, When: Range{Depth, math.MinInt64, 4}},
			Rule{Agent: a.name, Action: "fetch", Below: a.api, When: Range{Amount, math.MinInt64, a.limit}},
			Rule{Forbid: true, Agent: a.name, Action: "read", Below: a.data + "secret/"},
			Rule{Forbid: true, Action: "call", Below: a.service + "admin/", When: Range{Depth, 1, math.MaxInt64}},
		)
	}
	return rules[:n]
}

// A Request is what an agent wants to do. Resource is a canonical name in Moat's sense.
type Request struct {
	Agent, Action, Resource string
	Facts                   [len(FactNames)]int64
	Why                     Reason
}

// Allowed reports what the answer must be.
func (q *Request) Allowed() bool { return q.Why == Granted }

// JSON renders the request as the body of an AuthZEN access evaluation.
func (q *Request) JSON() []byte {
	scheme, _, _ := strings.Cut(q.Resource, ":")
	return fmt.Appendf(nil, `{"subject":{"type":"agent","id":%q},"action":{"name":%q},"resource":{"type":%q,"id":%q},"context":{"hour":%d,"depth":%d,"amount":%d}}`,
		q.Agent, q.Action, scheme, q.Resource, q.Facts[Hour], q.Facts[Depth], q.Facts[Amount])
}

// A Reason is why a request is answered as it is.
type Reason int

// The reasons. Granted is that of half of the requests; the others share the rest.
const (
	Granted    Reason = iota // by a permit
	AfterHours               // the only permit is for other hours
	TooMuch                  // the only permit is for smaller amounts
	SecretData               // a forbid for this agent wins over a permit
	AdminCall                // a forbid for any agent wins over a permit
	Foreign                  // it is the data of an agent that no rule knows
	NoSuchRule               // no rule is about the action
)

// Requests returns m requests of the agents that n rules are about, every second one of them allowed. n is a multiple of PerAgent.
func Requests(n, m int) []Request {
	rng := rand.New(rand.NewPCG(2, uint64(n)))
	agents := n / PerAgent
	out := make([]Request, m)
	for i := range out {
		k := rng.IntN(agents)
		a := newAgent(k)
		q := Request{Agent: a.name}
		q.Facts[Hour] = 8 + rng.Int64N(10)
		q.Facts[Depth] = rng.Int64N(4)
		q.Facts[Amount] = rng.Int64N(a.limit + 1)
		if i%2 == 1 {
			q.Why = Granted + 1 + Reason(rng.IntN(int(NoSuchRule)))
		}
		switch q.Why {
		case Granted:
			switch rng.IntN(3) {
			case 0:
				q.Action, q.Resource = "call", a.service+"search"
			case 1:
				q.Action, q.Resource = "read", fmt.Sprintf("%sreports/q%d.csv", a.data, rng.IntN(4))
			case 2:
				q.Action, q.Resource = "fetch", fmt.Sprintf("%sitems/%d", a.api, rng.IntN(100))
			}
		case AfterHours:
			q.Action, q.Resource, q.Facts[Hour] = "call", a.service+"search", 22
		case TooMuch:
			q.Action, q.Resource, q.Facts[Amount] = "fetch", a.api+"pay", a.limit+1
		case SecretData:
			q.Action, q.Resource = "read", a.data+"secret/key.pem"
		case AdminCall:
			q.Action, q.Resource, q.Facts[Depth] = "call", a.service+"admin/drop", 1
		case Foreign:
			q.Action, q.Resource = "read", newAgent(k+agents).data+"reports/q1.csv"
		case NoSuchRule:
			q.Action, q.Resource = "delete", a.data+"reports/q1.csv"
		}
		out[i] = q
	}
	return out
}

// Reference answers a request by looking at every rule.
func Reference(rules []Rule, q *Request) bool {
	allowed := false
	for i := range rules {
		if r := &rules[i]; r.Covers(q) {
			if r.Forbid {
				return false
			}
			allowed = true
		}
	}
	return allowed
}
