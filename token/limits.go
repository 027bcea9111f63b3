package token

import "fmt"

// A Limit is one of the numbers that bound what code run for an agent may use.
type Limit uint8

// The limits.
const (
	Fuel    Limit = iota // instructions, as the sandbox meters them
	Memory               // bytes of linear memory
	Timeout              // milliseconds of wall-clock time
	numLimits
)

// LimitRules is the one table of all that a token bounds by number. Everything else refers to it: minting, verifying,
// effective authority, and the table of spec/TOKEN.md.
var LimitRules = [...]struct {
	Name   string // as in a block's `limits`, in a trust document and in the policy
	Where  string // where a block has it
	Unit   string
	Absent string // what it means when it is absent
	Zero   string // what zero means
	Child  string // how a child may differ
	Policy string // what of the policy it is met with; the smaller wins
}{
	Fuel:    {"fuel", "limits", "instructions", "the parent's; at the root the trust document's; else no limit here", "none may be executed", "at most the parent's", "`fuel` of `sandbox`"},
	Memory:  {"memory", "limits", "bytes", "the parent's; at the root the trust document's; else no limit here", "none may be used", "at most the parent's", "`memory` of `sandbox`"},
	Timeout: {"timeout", "limits", "milliseconds", "the parent's; at the root the trust document's; else no limit here", "nothing may run", "at most the parent's", "`timeout` of `sandbox`"},
	{"depth", "depth", "blocks that may still follow", "refused", "no block may follow", "less than the parent's", "`max_depth` of `delegation` bounds the number of blocks"},
	{"ttl", "expires − not_before", "seconds", "refused", "refused: an empty window", "inside the parent's window", "`max_ttl` of `delegation`"},
}

// String returns the name of the limit.
func (l Limit) String() string {
	if l >= numLimits {
		return fmt.Sprintf("Limit(%d)", uint8(l))
	}
	return LimitRules[l].Name
}

// ParseLimit returns the limit with a name.
func ParseLimit(name string) (Limit, bool) {
	for l := range numLimits {
		if LimitRules[l].Name == name {
			return l, true
		}
	}
	return 0, false
}

// AllLimits returns every limit, in the order in which they are encoded.
func AllLimits() []Limit { return []Limit{Fuel, Memory, Timeout} }

// Limits has a value for some of the limits. The zero Limits has none.
type Limits struct {
	set    [numLimits]bool
	values [numLimits]uint64
}

// Get returns the value of a limit, and whether it has one.
func (ls Limits) Get(l Limit) (uint64, bool) {
	if l >= numLimits {
		return 0, false
	}
	return ls.values[l], ls.set[l]
}

// With returns ls with a value for a limit, from 0 to MaxNumber.
func (ls Limits) With(l Limit, value uint64) Limits {
	if l < numLimits {
		ls.set[l], ls.values[l] = true, value
	}
	return ls
}

// IsZero reports whether no limit has a value.
func (ls Limits) IsZero() bool { return ls == Limits{} }

// under returns what holds below a parent for which the limits hold: a limit that is absent is inherited. It reports
// false, and which, if one is higher than the parent's.
func (ls *Limits) under(parent *Limits) (effective Limits, higher Limit, ok bool) {
	effective = *parent
	for l := range numLimits {
		if !ls.set[l] {
			continue
		}
		if parent.set[l] && ls.values[l] > parent.values[l] {
			return effective, l, false
		}
		effective.set[l], effective.values[l] = true, ls.values[l]
	}
	return effective, 0, true
}

func (w *writer) limits(ls Limits) {
	n := 0
	for l := range numLimits {
		if ls.set[l] {
			n++
		}
	}
	w.object(n)
	for l := range numLimits {
		if ls.set[l] {
			w.text(l.String())
			w.number(ls.values[l])
		}
	}
}

// limits reads a map from names of limits to numbers, in the order of the table, which is that of RFC 8949 section 4.2.1.
func (r *reader) limits() (ls Limits) {
	n := r.count(majorMap, int(numLimits), "the limits")
	if r.err == nil && n == 0 {
		r.fail(Encoding, "the limits are empty: leave them out")
	}
	for next := Limit(0); n > 0 && r.err == nil; n-- {
		name := r.text(MaxActionLen, "the name of a limit")
		l, ok := ParseLimit(name)
		switch {
		case r.err != nil:
		case !ok:
			r.fail(Encoding, "there is no limit %s", quote(name))
		case l < next:
			r.fail(Encoding, "the keys don't ascend, or one stands twice")
		}
		next = l + 1
		ls = ls.With(l, r.number(MaxNumber, "a limit"))
	}
	return ls
}
