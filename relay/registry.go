package relay

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// MaxAgents bounds the agents of a registry.
const MaxAgents = 1 << 16

// A Reason says why an agent isn't registered. Its text is stable.
type Reason string

// The reasons.
const (
	BadName        Reason = "bad_name"        // it can't stand in agent://NAME
	NameTaken      Reason = "name_taken"      // another key has the name
	KeyTaken       Reason = "key_taken"       // the key has another name
	Contradicted   Reason = "contradicted"    // the trust document or the policy says otherwise
	BadAttestation Reason = "bad_attestation" // one doesn't hold, or is about somebody else
	Unregistered   Reason = "unregistered"    // there is no such agent
	KeyRevoked     Reason = "key_revoked"     // the key is revoked, or it can't be told
	TooMany        Reason = "too_many"        // more agents than MaxAgents, or more attestations than token.MaxStatements
)

func (r Reason) Error() string { return "relay: " + strings.ReplaceAll(string(r), "_", " ") }

// An Error says why an agent isn't registered. Its Reason can be asked for with errors.Is.
type Error struct {
	Reason Reason
	Name   string
	Detail string // what was seen, in words
}

func (e *Error) Error() string { return fmt.Sprintf("relay: agent %q: %s", e.Name, e.Detail) }

// Is reports whether target is the Reason of e.
func (e *Error) Is(target error) bool { return target == e.Reason }

// An Agent is somebody whom messages can be sent to.
type Agent struct {
	// Name is what messages call it, as in agent://NAME. Where the trust document has a name for the key, it is that one, and a name that the
	// policy or the trust document knows belongs to that key alone. Any other agent may have another name of ASCII letters, digits
	// and . _ - :, or its did:key.
	Name string
	// Key is what it signs with.
	Key token.Key
	// Attestations about the key, as they were signed; at most token.MaxStatements. They go with each message of the agent, so that it need not send them again, and
	// are verified each time.
	Attestations [][]byte
}

// A Registry knows the agents of a router. Make one with [NewRegistry].
type Registry struct {
	pep *pep.PEP

	mu    sync.RWMutex
	names map[string]*Agent
	keys  map[token.Key]*Agent
}

// NewRegistry makes a registry of agents that send to a PEP. Its trust document and policy say who may have which name.
func NewRegistry(p *pep.PEP) *Registry {
	return &Registry{pep: p, names: map[string]*Agent{}, keys: map[token.Key]*Agent{}}
}

// Register adds an agent. To register the same key under the same name again changes nothing but its attestations. The error is an *[Error]:
// nobody takes another's name, nor a second one.
func (r *Registry) Register(a Agent) error {
	refuse := func(reason Reason, format string, args ...any) error {
		return &Error{reason, a.Name, fmt.Sprintf(format, args...)}
	}
	terms := r.pep.Terms()
	if err := standing(terms, r.pep.Policy(), a.Name, a.Key); err != nil {
		return err
	}
	if len(a.Attestations) > token.MaxStatements {
		return refuse(TooMany, "%d attestations, more than %d", len(a.Attestations), token.MaxStatements)
	}
	added := &Agent{Name: a.Name, Key: a.Key}
	for _, raw := range a.Attestations {
		st, err := token.OpenAttestation(raw, terms)
		if err != nil {
			return refuse(BadAttestation, "%s", err)
		}
		if st.Subject != a.Key {
			return refuse(BadAttestation, "the attestation of %q isn't about this agent", st.Claim)
		}
		added.Attestations = append(added.Attestations, bytes.Clone(raw))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.names[a.Name]; old != nil && old.Key != a.Key {
		return refuse(NameTaken, "the name belongs to %s", old.Key)
	}
	switch old := r.keys[a.Key]; {
	case old != nil && old.Name != a.Name:
		return refuse(KeyTaken, "the key is registered as %q", old.Name)
	case old == nil && len(r.names) >= MaxAgents:
		return refuse(TooMany, "there are %d agents already", len(r.names))
	}
	r.names[a.Name], r.keys[a.Key] = added, added
	return nil
}

// standing refuses a name that the key may not have, now.
func standing(terms token.Terms, policy *lang.Program, name string, key token.Key) error {
	refuse := func(reason Reason, format string, args ...any) error {
		return &Error{reason, name, fmt.Sprintf(format, args...)}
	}
	on, err := resource.FromTypeID("agent", name)
	switch {
	case len(name) > lang.MaxNameLen:
		return &Error{BadName, name[:lang.MaxNameLen] + "…", fmt.Sprintf("a name of more than %d bytes", lang.MaxNameLen)}
	case err != nil:
		return refuse(BadName, "%s", err)
	case on.Path() != name:
		return refuse(BadName, "a name is what stands behind agent://, in canonical form")
	case terms.RevokedKey(key):
		return refuse(KeyRevoked, "%s is revoked, or there is no current revocation list to tell", key)
	}
	if bound, ok := terms.Trust.Key(name); ok && bound != key {
		return refuse(Contradicted, "the trust document gives the name to %s", bound)
	}
	named, ok := terms.Trust.Name(key)
	switch {
	case ok && named != name:
		return refuse(Contradicted, "the trust document names the key %q", named)
	case ok && policy.Principals[name] != nil && policy.Principals[name].Kind != lang.Agent:
		return refuse(Contradicted, "the policy declares it as a %s", policy.Principals[name].Kind)
	case !ok && (policy.Principals[name] != nil || policy.Groups[name] != nil):
		return refuse(Contradicted, "the policy speaks of it, and the trust document doesn't say whose name it is")
	case !ok && strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }):
		return refuse(BadName, "a name that the trust document doesn't know has ASCII letters, digits and . _ - : alone, so that it looks like no other")
	case strings.HasPrefix(name, "did:") && name != key.String():
		return refuse(Contradicted, "it is the name of another key")
	}
	return nil
}

func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-:", r)
}

// Unregister removes an agent and reports whether there was one.
func (r *Registry) Unregister(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.names[name]
	if a == nil {
		return false
	}
	delete(r.names, name)
	delete(r.keys, a.Key)
	return true
}

// Agent returns a registered agent whose name and key still stand: a trust document, a policy or a revocation that came later may have ended that.
func (r *Registry) Agent(name string) (Agent, error) {
	r.mu.RLock()
	a := r.names[name]
	r.mu.RUnlock()
	if a == nil {
		return Agent{}, &Error{Unregistered, name, "nobody has registered the name"}
	}
	if err := standing(r.pep.Terms(), r.pep.Policy(), a.Name, a.Key); err != nil {
		return Agent{}, err
	}
	out := *a
	out.Attestations = slices.Clone(a.Attestations)
	return out, nil
}

// Groups are those that the policy has an agent in, sorted: as it declares them, or, for an agent that it doesn't declare, as attestations say
// that hold now.
func (r *Registry) Groups(name string) []string {
	a, err := r.Agent(name)
	if err != nil {
		return nil
	}
	policy, terms := r.pep.Policy(), r.pep.Terms()
	if policy.Principals[name] != nil {
		return slices.Clone(policy.Ancestors(name))
	}
	groups := map[string]bool{}
	for _, raw := range a.Attestations {
		st, err := token.OpenAttestation(raw, terms)
		if err != nil {
			continue
		}
		g := policy.Groups[st.Claim]
		if g == nil || !slices.ContainsFunc(g.Claims, func(s lang.Str) bool { return s.Value == st.Issuer.String() }) {
			continue
		}
		groups[st.Claim] = true
		for _, above := range policy.Ancestors(st.Claim) {
			groups[above] = true
		}
	}
	return slices.Sorted(maps.Keys(groups))
}

// Names lists the names of the registered agents, sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.names))
}

// attestations are those that a sender has registered; known tells whether it is registered at all.
func (r *Registry) attestations(sender token.Key) (attestations [][]byte, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a := r.keys[sender]
	if a == nil {
		return nil, false
	}
	return a.Attestations, true
}
