package resource

import "strconv"

// An Inclusion is the answer to whether a union of patterns covers a pattern. The zero Inclusion is Undecided.
type Inclusion struct {
	Verdict Verdict
	Witness Name // Exceeds: a resource that the pattern matches and none of the union does; otherwise zero
	Steps   int  // what the answer took
}

// A Verdict says how a pattern stands to a union of others. Only Included lets anything pass.
type Verdict uint8

const (
	Undecided Verdict = iota // neither was found within the budget
	Included                 // the union matches whatever the pattern matches
	Exceeds                  // the pattern matches a resource that the union does not
)

// String returns "undecided", "included" or "exceeds".
func (v Verdict) String() string {
	switch v {
	case Included:
		return "included"
	case Exceeds:
		return "exceeds"
	}
	return "undecided"
}

// InclusionBudget is a budget for Within that everyday questions use a thousandth of.
const InclusionBudget = 1 << 20

// Within reports whether the patterns of union, together, match every resource that p matches. The answer is about
// resources, which is to say canonical names: text that [Parse] refuses is in no set. It is exact, but for the corners
// that spec/INCLUSION.md lists, where it is Undecided.
//
// Past budget steps the answer is Undecided. A step is a look at one byte of a pattern or at one place in it, or a word of
// memory taken. The last one may be a look at the whole union: no more than its alternatives have bytes, or what one of them
// adds to [Pattern.Cost]. A question that takes one pattern of the union for each alternative of p takes no memory.
func (p *Pattern) Within(union []*Pattern, budget int) Inclusion {
	for _, q := range union {
		if q.all || q.text == p.text {
			return Inclusion{Verdict: Included}
		}
	}
	in := Inclusion{Verdict: Included}
	if p.all {
		s := inclusion{p: p, union: union, budget: budget}
		in.Verdict, in.Witness, in.Steps = s.otherScheme(), s.witness, s.steps
	}
	for i := range p.alts {
		if in.coveredByOne(&p.alts[i], union, budget) {
			continue
		}
		s := &inclusion{matcher{steps: in.Steps}, p, union, budget, Name{}}
		v := s.search(&p.alts[i])
		in.Steps = s.steps
		if v == Exceeds {
			return Inclusion{Exceeds, s.witness, s.steps}
		}
		if v == Undecided {
			in.Verdict = Undecided
		}
		if in.Steps > budget {
			break
		}
	}
	return in
}

// coveredByOne reports whether one alternative of the union has all that a has, as far as can be told from their parts
// alone. It reports false where only a search can tell, and when the budget is exhausted.
func (in *Inclusion) coveredByOne(a *alternative, union []*Pattern, budget int) bool {
	m := matcher{steps: in.Steps}
	covered := false
	for i := 0; i < len(union) && !covered && m.steps <= budget; i++ {
		alts := union[i].alts
		for j := 0; j < len(alts) && !covered && m.steps <= budget; j++ {
			covered = m.covers(&alts[j], a)
		}
	}
	in.Steps = m.steps
	return covered && m.steps <= budget
}

// An inclusion is one question that takes a search.
type inclusion struct {
	matcher
	p       *Pattern
	union   []*Pattern
	budget  int
	witness Name
}

func (s *inclusion) exhausted() bool { return s.steps > s.budget }

// otherScheme looks for a resource of a scheme that the union doesn't speak of. Nothing but Any covers all schemes.
func (s *inclusion) otherScheme() Verdict {
	used := make(map[string]bool)
	for _, q := range s.union {
		for i := range q.alts {
			used[q.alts[i].scheme] = true
		}
		s.steps += 1 + len(q.alts)
	}
	scheme := "x"
	for i := 1; used[scheme]; i++ {
		scheme = "x" + strconv.Itoa(i)
	}
	if !s.exhausted() && s.confirm(scheme+"://x") {
		return Exceeds
	}
	return Undecided
}

// confirm makes text the witness if it is a name, p matches it and the union does not. All that a search finds goes
// through here, so that a witness is one whatever the search did.
func (s *inclusion) confirm(text string) bool {
	s.steps += len(text)
	l, f := scan(text, false)
	if f != nil {
		return false
	}
	n := Name{text, l}
	s.name = &n
	if !s.p.all && !s.matches(s.p) {
		return false
	}
	for _, q := range s.union {
		if s.matches(q) || s.exhausted() {
			return false
		}
	}
	s.witness = n
	return true
}

// matches reports whether one of the alternatives of q matches the name. It stops when the budget is exhausted.
func (s *inclusion) matches(q *Pattern) bool {
	for i := range q.alts {
		if s.exhausted() {
			return false
		}
		if s.steps++; s.alternative(&q.alts[i]) {
			return true
		}
	}
	return false
}
