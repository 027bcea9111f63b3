package eval

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// An Authority is what a capability token lends to a request. The host has verified the token; the decision meets what the token
// grants with what the policy permits. The zero Authority grants nothing. An Authority may serve many requests, also at once; don't change it then.
type Authority struct {
	// Depth is the number of the token's blocks: 1 for a root token.
	Depth int
	// Issued and Expires are the window of the last block.
	Issued, Expires time.Time
	// Root is the key that the chain begins with, as did:key. Approvals are bound to it.
	Root string
	// Agents are the names of those through whose hands the authority came, in order, the requester last. Names that the policy doesn't
	// declare, such as a did:key, count too.
	Agents []string
	// Links are the acts of delegation in the chain. The policy must permit each; the trusted root's own is none.
	Links []Link
	// Grants is what the token covers; nil covers nothing.
	Grants Grants
	// Caveats are the conditions of all blocks, as [NewCaveat] writes them. Each must hold.
	Caveats [][]byte

	known atomic.Pointer[knownChain]
}

// A Link says that an agent handed authority to another.
type Link struct{ From, To string }

// Grants say what a token covers.
type Grants interface {
	Allows(action string, on resource.Name) bool
}

// An Attestation is a claim that somebody signed about a value or a principal. The host has verified the signature, the window and
// that the trust document lists the issuer for the claim.
type Attestation struct {
	Claim  string
	Issuer string // the key, as did:key
	By     string // the issuer's name; empty when it has none
	About  string // the value's text, or the name (else the did:key) of a principal
	// Principal tells which of these About is: what somebody signed about a text says nothing of the key that the text spells.
	Principal bool
}

// bounded meets what the rules say about a facet with the token. Only what the rules would let through is asked about: a denial by the
// policy says more.
func (e *env) bounded(d Decision) Decision {
	a := e.facts.Authority
	if a == nil || d.Outcome == Deny {
		return d
	}
	if len(a.Caveats) > MaxCaveats {
		return *denied(CodeCaveat, "the token has %d caveats; at most %d are allowed", len(a.Caveats), MaxCaveats)
	}
	size := 0
	for _, text := range a.Caveats {
		if size += len(text); size > MaxCaveatText {
			return *denied(CodeCaveat, "the caveats of the token have more than %d bytes together", MaxCaveatText)
		}
	}
	for _, text := range a.Caveats {
		if why := e.caveat(text); why != "" {
			return *denied(CodeCaveat, "%s", why)
		}
	}
	if a.Grants == nil || !a.Grants.Allows(e.facet.action, e.facet.resource.name()) {
		return *denied(CodeNotGranted, "the token doesn't grant %s on %s", e.facet.action, e.facet.resource.s)
	}
	return d
}

// What a program knows of a chain, whatever the request is. It is kept with the authority, for the program that asked last.
type knownChain struct {
	program *Program
	// permitted tells that the program permits every act of delegation, by rules that depend on nothing but names.
	permitted bool
	// names are those under which the rules are filed that are about anybody on the chain, unless claims give somebody a group.
	names []string
}

// knows returns what p knows of a chain.
func (p *Program) knows(a *Authority) *knownChain {
	if k := a.known.Load(); k != nil && k.program == p {
		return k
	}
	k := &knownChain{program: p, names: p.index.underAll(&env{prog: p.policy, facts: &Facts{}}, a.Agents)}
	a.known.Store(k)
	return k
}

// rememberDelegated remembers that p permits every act of delegation in the chain, if that depends on nothing but names.
func (p *Program) rememberDelegated(a *Authority) {
	for _, l := range a.Links {
		if p.policy.Principals[l.From] == nil {
			return // whose groups depend on claims
		}
	}
	if p.plainDelegation {
		k := *p.knows(a)
		k.permitted = true
		a.known.Store(&k)
	}
}

// chainNames are the names under which the rules are filed that are about anybody on the chain.
func (p *Program) chainNames(e *env) []string {
	if len(e.facts.Attestations) > 0 {
		return p.index.underAll(e, e.onChain())
	}
	return p.knows(e.facts.Authority).names
}

// delegationIsPlain reports whether no rule that may be about delegating has conditions.
func delegationIsPlain(policy *lang.Program) bool {
	for _, r := range policy.Rules {
		about := r.Scope.Actions.Any
		for _, id := range r.Scope.Actions.Names {
			about = about || id.Name == "delegate"
		}
		if about && len(r.Conds) > 0 && slices.ContainsFunc(r.Scope.Targets, mayBeAgent) {
			return false
		}
	}
	return true
}

// mayBeAgent reports whether a target may be an agent.
func mayBeAgent(t lang.Target) bool {
	switch t.Kind {
	case lang.TargetTool, lang.TargetTools:
		return false
	case lang.TargetPattern:
		scheme, _, _ := strings.Cut(t.Text.Value, "://")
		return scheme == "agent" || strings.ContainsAny(scheme, "{*") // alternatives may hold the scheme
	}
	return true
}

// delegated answers whether the policy permits every act of delegation in the chain; decide asks it about one.
func delegated(a *Authority, decide func(from string, to resource.Name) Outcome) *Decision {
	if a == nil {
		return nil
	}
	for _, l := range a.Links {
		to, err := resource.FromTypeID("agent", l.To)
		if err != nil || decide(l.From, to) != Permit {
			return denied(CodeNotDelegated, "the policy doesn't permit %s to delegate on agent %s", short(l.From), short(l.To))
		}
	}
	return nil
}

// delegation is the environment in which an act of delegation is decided: no call, nobody else on the chain, and no approvals.
func (e *env) delegation(from string, to resource.Name) *env {
	facts := *e.facts
	facts.Authority, facts.Approvals = nil, nil
	req := Request{Subject: from, Action: "delegate", Resource: to}
	out := &env{prog: e.prog, req: &req, facts: &facts, context: e.context, as: from}
	out.facet = facet{action: req.Action, resource: resourceVal(to)}
	out.facet.resource.origins = unknownOrigin
	return out
}

// onChain are those whom forbids are about: the requester, and whoever handed authority to it.
func (e *env) onChain() []string {
	if a := e.facts.Authority; a != nil && len(a.Agents) > 0 {
		return a.Agents
	}
	return []string{e.req.Subject}
}

// names are the names under which a rule may speak of a principal: its own and its groups. A principal that the policy doesn't declare has
// the groups that a listed issuer's claim gives it.
func (e *env) names(subject string) []string {
	if e.prog.Principals[subject] != nil {
		return subjects(e.prog, subject)
	}
	var out []string
	for _, a := range e.facts.Attestations {
		g := e.prog.Groups[a.Claim]
		if g == nil || !a.Principal || a.About != subject || !slices.ContainsFunc(g.Claims, func(s lang.Str) bool { return s.Value == a.Issuer }) {
			continue
		}
		out = append(append(out, g.Name.Name), e.prog.Ancestors(g.Name.Name)...)
	}
	return out
}

// isIn reports whether a principal is a member of a group.
func (e *env) isIn(subject, group string) bool {
	if e.prog.Principals[subject] != nil {
		return e.prog.IsIn(subject, group)
	}
	return slices.Contains(e.names(subject), group)
}

// attested reports whether by, or a member of it, signed a claim about a value. Nobody vouches for a request that rests on their own authority.
func (e *env) attested(v val, claim, by string) bool {
	for _, a := range e.facts.Attestations {
		if a.Claim == claim && a.About == v.s && a.Principal == (v.kind == lang.Principals) && a.By != "" && (a.By == by || e.prog.IsIn(a.By, by)) && !slices.Contains(e.onChain(), a.By) {
			return true
		}
	}
	return false
}
