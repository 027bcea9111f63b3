package pep

import (
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/token"
)

// Principal returns the name by which a policy speaks of a key: the one that the trust document gives it, or its did:key.
func Principal(k token.Key, trust *token.Trust) string {
	if name, ok := trust.Name(k); ok {
		return name
	}
	return k.String()
}

// Delegation returns what the `delegation` of a policy bounds: how many blocks a token may have, and for how long each may be valid. Zero is no bound.
func Delegation(policy *lang.Program) (maxDepth int, maxTTL time.Duration) {
	if policy.Delegation == nil {
		return 0, 0
	}
	for _, s := range policy.Delegation.Settings {
		switch s.Name.Name {
		case "max_depth":
			maxDepth = int(s.Values[0].Int)
		case "max_ttl":
			maxTTL = s.Values[0].Dur
		}
	}
	return maxDepth, maxTTL
}

// Authority is what a verified token lends to the requests of its audience.
func Authority(chain *token.Chain, trust *token.Trust) *eval.Authority {
	a := &eval.Authority{Depth: chain.Len(), Issued: chain.NotBefore(), Expires: chain.Expires(), Root: chain.Root().String(), Grants: chain}
	// The trusted root is one of the agents when it has a name; what it may grant stands in the trust document.
	if name, ok := trust.Name(chain.Root()); ok {
		a.Agents = append(a.Agents, name)
	}
	for i := 1; i <= chain.Len(); i++ {
		name := Principal(chain.Key(i), trust)
		a.Agents = append(a.Agents, name)
		if i > 1 {
			a.Links = append(a.Links, eval.Link{From: Principal(chain.Key(i-1), trust), To: name})
		}
	}
	for _, c := range chain.Caveats() {
		a.Caveats = append(a.Caveats, []byte(c))
	}
	return a
}

// Attestation is what a verified attestation says, by names.
func Attestation(a *token.Attestation, trust *token.Trust) eval.Attestation {
	out := eval.Attestation{Claim: a.Claim, Issuer: a.Issuer.String(), About: a.Value}
	out.By, _ = trust.Name(a.Issuer)
	if !a.Subject.IsZero() {
		out.About, out.Principal = Principal(a.Subject, trust), true
	}
	return out
}

// Blocks are the blocks of a verified token as the log names them.
func Blocks(chain *token.Chain) []audit.Block {
	var out []audit.Block
	issuer := chain.Root().String()
	for i := range chain.Len() {
		audience := chain.Key(i + 1).String()
		out = append(out, audit.Block{ID: chain.Block(i).ID.String(), Issuer: issuer, Audience: audience})
		issuer = audience
	}
	return out
}

// A link is a verified chain with what the rules and the log want to know of it.
type link struct {
	chain     *token.Chain
	authority *eval.Authority
	token     audit.Token
}

func newLink(chain *token.Chain, in *inForce) *link {
	l := &link{chain: chain, authority: Authority(chain, in.trust)}
	t := record.Token(l.authority)
	t.Digest, t.Blocks = chain.Digest(), Blocks(chain)
	l.token = t.Prepared()
	return l
}
