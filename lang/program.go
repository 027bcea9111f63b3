package lang

import (
	"bytes"
	"encoding/hex"
)

// A Program is a checked policy: every name resolved, every expression typed, identical declarations merged, each list sorted by
// name so that the order of files and declarations doesn't show. It is immutable and safe to share. Only [Load] and its kin make one.
type Program struct {
	Name       string // the policy's name, for people; not in the digest
	Edition    int64
	Groups     map[string]*Group
	Principals map[string]*Principal
	Tools      map[string]*Tool
	Actions    map[string]bool // built-in and declared
	Origins    map[string]bool // built-in and declared, tools aside
	Context    Type            // a record
	Defines    map[string]*Define
	Rules      []*Rule // sorted by ID
	Limits     []*Limit
	Lifecycles []*Lifecycle
	Delegation *Delegation
	Sandboxes  []*Sandbox
	Secrets    []*Secret
	Tests      []*Test

	// Imported tells which rules came by import, by ID.
	Imported map[string]bool
	// Sources are the files of the policy, sorted by name.
	Sources []*Source
	// Warnings are the findings that didn't stop the program from being made.
	Warnings Diagnostics

	ancestors map[string][]string // by principal or group: the groups that it is in
	canonical []byte
	digest    [32]byte
}

// Canonical returns the canonical encoding of the policy: deterministic CBOR of its declarations, as spec/digest.cddl defines it.
func (p *Program) Canonical() []byte { return bytes.Clone(p.canonical) }

// Digest identifies what the policy means: SHA-256 over [Program.Canonical].
func (p *Program) Digest() [32]byte { return p.digest }

// DigestString renders the digest as "sha256:" and 64 hexadecimal digits.
func (p *Program) DigestString() string { return "sha256:" + hex.EncodeToString(p.digest[:]) }

// Ancestors returns the groups that a declared principal or group is in, itself excluded, sorted by name.
func (p *Program) Ancestors(name string) []string { return p.ancestors[name] }

// above lists the groups that these lead to, sorted; no more than MaxDepth and one, past which a policy is refused.
func (p *Program) above(in []Ident) []string {
	seen := map[string]bool{}
	for queue := in; len(queue) > 0 && len(seen) <= MaxDepth; {
		id := queue[0]
		queue = queue[1:]
		if g := p.Groups[id.Name]; g != nil && !seen[id.Name] {
			seen[id.Name] = true
			queue = append(queue[:len(queue):len(queue)], g.In...)
		}
	}
	return sortedKeys(seen)
}

// circle lists the groups that a group is in and that are in it, sorted; none for a group that isn't a member of itself.
func (p *Program) circle(name string) []string {
	var out []string
	for _, up := range p.Ancestors(name) {
		if contains(p.Ancestors(up), name) {
			out = append(out, up)
		}
	}
	return out
}

// IsIn reports whether a declared principal is, through any number of groups, a member of group. A group is a member of none.
func (p *Program) IsIn(principal, group string) bool {
	return p.Principals[principal] != nil && contains(p.Ancestors(principal), group)
}

// Asked is a once, with the id of the rule or limit in which it stands, or stands first.
type Asked struct {
	Rule string
	*Once
}

// Onces lists the questions about history that a decision may ask: those in conditions of rules, then those in limits, each in the
// order of the source, those of a define where it is first used. Each is listed once, also if several rules come to it through a
// define; two that are written alike are both listed, and have the same [Once.Content].
func (p *Program) Onces() []Asked {
	var out []Asked
	entered := map[*Define]bool{}
	var collect func(string, Expr)
	collect = func(rule string, x Expr) {
		Walk(x, func(y Expr) {
			switch y := y.(type) {
			case *Once:
				out = append(out, Asked{rule, y})
			case *Var:
				if d := y.Define; d != nil && !entered[d] {
					entered[d] = true
					collect(rule, d.Body)
				}
			}
		})
	}
	for _, r := range p.Rules {
		for _, cond := range r.Conds {
			collect(r.ID, cond.X)
		}
	}
	for _, l := range p.Limits {
		collect(l.ID, l.When)
		collect(l.ID, l.Sum)
	}
	return out
}
