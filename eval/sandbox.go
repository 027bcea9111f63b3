package eval

import (
	"slices"
	"strings"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
)

// What code may use where no `sandbox` says how much.
const (
	DefaultFuel    = 1_000_000_000
	DefaultMemory  = 64 << 20
	DefaultTimeout = 10 * time.Second
)

// A Sandbox is what code that runs for an agent may use at most. It permits nothing: what the code asks for is decided besides. The zero Sandbox lets nothing run.
type Sandbox struct {
	Fuel    uint64        // instructions, as package sandbox/meter weighs them
	Memory  uint64        // linear memory, in bytes
	Timeout time.Duration // wall-clock time
	Read    []string      // directories, absolute paths: what is there and below may be read and listed
	Write   []string      // the same, to be created, written and deleted
	// Connect are lists of patterns; a URL has to be in each of them. Without a list none is.
	Connect [][]*resource.Pattern
}

// Sandbox returns what the policy lets code use that runs for an agent: all that the `sandbox` declarations about the agent, and about the agents on whose authority it
// acts, have in common. Of the facts it looks at the authority and the attestations. It reports false when no declaration is about the agent itself: then no code
// runs for it.
func (p *Program) Sandbox(agent string, facts Facts) (Sandbox, bool) {
	if p == nil {
		return Sandbox{}, false
	}
	e := &env{prog: p.policy, facts: &facts}
	agents := []string{agent}
	if facts.Authority != nil {
		agents = distinct(append(agents, facts.Authority.Agents...))
	}
	var met sandboxes
	about := false
	for _, d := range p.policy.Sandboxes {
		for i, a := range agents {
			if d.Subjects.Any || slices.ContainsFunc(e.names(a), func(name string) bool { return named(d.Subjects, name) }) {
				about = about || i == 0
				met.add(d)
				break
			}
		}
	}
	return met.common(), about
}

func named(n lang.Names, name string) bool {
	return slices.ContainsFunc(n.Names, func(id lang.Ident) bool { return id.Name == name })
}

// sandboxes collects what several declarations say. A setting that one leaves out it says nothing about.
type sandboxes struct {
	fuel, memory []uint64
	timeout      []time.Duration
	read, write  [][]string
	connect      [][]*resource.Pattern
}

func (s *sandboxes) add(d *lang.Sandbox) {
	for _, setting := range d.Settings {
		switch v := setting.Values; setting.Name.Name {
		case "fuel":
			s.fuel = append(s.fuel, uint64(v[0].Int))
		case "memory":
			s.memory = append(s.memory, uint64(v[0].Int))
		case "timeout":
			s.timeout = append(s.timeout, v[0].Dur)
		case "read":
			s.read = append(s.read, texts(v))
		case "write":
			s.write = append(s.write, texts(v))
		case "connect":
			var list []*resource.Pattern
			for _, text := range texts(v) {
				if pattern, err := lang.ConnectPattern(text); err == nil { // the policy was checked
					list = append(list, pattern)
				}
			}
			s.connect = append(s.connect, list)
		}
	}
}

func texts(values []*lang.Literal) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.Str)
	}
	return out
}

func (s *sandboxes) common() Sandbox {
	return Sandbox{
		Fuel: least(s.fuel, DefaultFuel), Memory: least(s.memory, DefaultMemory), Timeout: least(s.timeout, DefaultTimeout),
		Read: commonPaths(s.read), Write: commonPaths(s.write), Connect: s.connect,
	}
}

func least[T uint64 | time.Duration](said []T, otherwise T) T {
	if len(said) == 0 {
		return otherwise
	}
	return slices.Min(said)
}

// commonPaths returns the paths that are in each of the lists or below one of each, without those that are below another.
func commonPaths(lists [][]string) []string {
	if len(lists) == 0 {
		return nil
	}
	out := lists[0]
	for _, list := range lists[1:] {
		var both []string
		for _, a := range out {
			for _, b := range list {
				switch {
				case below(a, b):
					both = append(both, a)
				case below(b, a):
					both = append(both, b)
				}
			}
		}
		out = both
	}
	out = slices.Clone(out)
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(path string) bool {
		return slices.ContainsFunc(out, func(other string) bool { return other != path && below(path, other) })
	})
}

// below reports whether a path is another or below it. Both are absolute and clean.
func below(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

// Meet returns what two sandboxes have in common.
func (s Sandbox) Meet(t Sandbox) Sandbox {
	out := Sandbox{
		Fuel: min(s.Fuel, t.Fuel), Memory: min(s.Memory, t.Memory), Timeout: min(s.Timeout, t.Timeout),
		Read: commonPaths([][]string{s.Read, t.Read}), Write: commonPaths([][]string{s.Write, t.Write}),
	}
	if len(s.Connect) > 0 && len(t.Connect) > 0 {
		out.Connect = slices.Concat(s.Connect, t.Connect)
	}
	return out
}

// Allows reports whether something is inside of what the code may use: it is then still to be decided. Using secrets and such isn't for a sandbox to bound.
func (s Sandbox) Allows(action string, on resource.Name) bool {
	switch {
	case on.Scheme() == "file" && (action == "read" || action == "list"):
		return belowAny(on.Path(), s.Read)
	case on.Scheme() == "file" && (action == "write" || action == "create" || action == "delete"):
		return s.MayWrite(on.Path())
	case action == "connect" || action == "send":
		return on.IsWeb() && s.mayConnect(on)
	}
	return action == "use" && on.Scheme() == "secret"
}

func (s Sandbox) mayConnect(url resource.Name) bool {
	for _, list := range s.Connect {
		if !slices.ContainsFunc(list, func(p *resource.Pattern) bool { return p.Match(url) }) {
			return false
		}
	}
	return len(s.Connect) > 0
}

// MayWrite reports whether an absolute path is in what code may write.
func (s Sandbox) MayWrite(path string) bool { return belowAny(path, s.Write) }

func belowAny(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return below(path, dir) })
}

// Secrets returns the secrets that the policy binds for an agent, sorted by name. Of the facts it looks at the attestations. That one is bound permits nothing: using it
// is `use on secret://NAME`.
func (p *Program) Secrets(agent string, facts Facts) []*lang.Secret {
	if p == nil {
		return nil
	}
	names := (&env{prog: p.policy, facts: &facts}).names(agent)
	var out []*lang.Secret
	for _, s := range p.policy.Secrets {
		if s.For.Any || slices.ContainsFunc(names, func(name string) bool { return named(s.For, name) }) {
			out = append(out, s)
		}
	}
	return out
}
