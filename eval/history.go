package eval

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/value"
)

// MaxCells bounds what a history remembers, in cells. Past it, what would need another cell is denied.
const MaxCells = 100_000

// windowParts is how finely a sum's window slides: what was counted stays so for at most a 64th longer than it has to.
const windowParts = 64

// MaxParts is how many sums a limit's window has, at most.
const MaxParts = windowParts + 1

// A History is what a policy asks of the past: how much of each limit has been used, whether an event of a `once` has happened, in which state each
// lifecycle is. It knows nothing else, and its size doesn't grow with the number of requests. Make one with [NewHistory]; the zero History makes
// every decision that looks at it a deny. It is safe for concurrent use.
//
// Time is the host's. Where it goes back nothing comes back; where it jumps ahead, budgets come back as if that time had passed.
type History struct {
	mu    sync.Mutex
	cells map[Cell]mark
	// changed are the cells that Changed hasn't told of.
	changed map[Cell]struct{}
	soonest int64 // no cell expires before
}

// NewHistory returns the history of a time in which nothing has happened.
func NewHistory() *History {
	return &History{cells: map[Cell]mark{}, changed: map[Cell]struct{}{}}
}

// isZero tells that there is no history.
func (h *History) isZero() bool { return h == nil || h.cells == nil }

// A Cell is the place of one thing that is remembered: for a limit, a `once` or a lifecycle, and for an agent, a session or both. It doesn't depend on
// the rest of the policy, so that a reload that leaves a limit as it is refills nothing.
type Cell struct {
	Of      [16]byte // of the limit, `once` or lifecycle: the first half of a digest of what it says
	Agent   string   // by name; empty where it is the session's
	Session string   // empty where sessions don't matter
}

func cellOf(content [sha256.Size]byte) (of [16]byte) {
	copy(of[:], content[:])
	return of
}

// ChangeKind says what a Change is about.
type ChangeKind uint8

// What a permit changes.
const (
	ChangeNone  ChangeKind = iota
	ChangeCount            // of a count over a duration: Time is when all of it will be there again
	ChangeSum              // of a sum, or of a count for a session: Total is the sum of the part of the window that began at Time
	ChangeOnce             // an event happened at Time
	ChangeMaybe            // whether an event happened at Time couldn't be told
	ChangeState            // a lifecycle is now in State
)

// A Change is what a permit makes of a cell. It says what will be, not by how much: making it twice is making it once.
type Change struct {
	Cell  Cell
	Kind  ChangeKind
	Time  time.Time
	Part  time.Duration // of a sum: how long a part of the window is; 0: the window is the session
	Total value.Decimal
	State string
	// Private tells that Total is made of an argument that the policy lets no log keep as it is.
	Private bool
}

// UnknownTotal stands for a total that isn't known any more, such as one that a log doesn't show. Nothing fits beside it.
func UnknownTotal() value.Decimal {
	d, err := value.ParseDecimal("170141183460469231731687303715884105727") // 2^127-1, the largest
	if err != nil {
		panic(err)
	}
	return d
}

// Decide answers a request by a program and, when it is a permit, remembers what that changes, in one step. The changes are in the decision.
func (h *History) Decide(p *Program, req Request, facts Facts) Decision {
	facts.History = h
	if h == nil {
		return p.Decide(req, facts)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	d := p.decideLocked(&req, &facts)
	if d.Code == CodeNoHistory && !facts.Time.IsZero() && h.forget(facts.Time.UnixNano()) { // it was full, and isn't any more
		d = p.decideLocked(&req, &facts)
	}
	for i := range d.Changes {
		h.apply(&d.Changes[i])
	}
	return d
}

// Apply remembers changes: those of a decision that has become final, in the order of the decisions. No count and no part of a sum becomes less by it.
func (h *History) Apply(changes []Change) {
	if len(changes) == 0 || h.isZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range changes {
		h.apply(&changes[i])
	}
}

// Len returns the number of cells.
func (h *History) Len() int {
	if h.isZero() {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.cells)
}

// EndSession forgets a session. One that begins later under the same name has no past.
func (h *History) EndSession(session string) {
	if session != "" {
		h.dropAll(func(c Cell) bool { return c.Session == session })
	}
}

// ForgetAgent forgets an agent that will never act again, such as one whose key is revoked: else what it did once stays.
func (h *History) ForgetAgent(name string) {
	if name != "" {
		h.dropAll(func(c Cell) bool { return c.Agent == name })
	}
}

func (h *History) dropAll(of func(Cell) bool) {
	if h.isZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.cells {
		if of(c) {
			h.drop(c)
		}
	}
}

// Forget leaves out what at this time is as if it had never been: counts that are whole again, sums whose window is empty.
// What comes with an earlier time then finds it forgotten: who can't be sure that time doesn't go back doesn't ask for it.
func (h *History) Forget(now time.Time) {
	if h.isZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(now.UnixNano())
}

// Changed tells of the cells that have changed since it was last asked, each with changes that make it what it is: none when it was forgotten. A host keeps
// them, and after a restart applies them to a new history. When it fails to, it has them told again by [History.Keep].
func (h *History) Changed() map[Cell][]Change {
	if h.isZero() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[Cell][]Change, len(h.changed))
	for c := range h.changed {
		out[c] = h.cells[c].changes(c)
	}
	clear(h.changed)
	return out
}

// Keep has Changed tell of cells again.
func (h *History) Keep(cells map[Cell][]Change) {
	if h.isZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range cells {
		h.changed[c] = struct{}{}
	}
}

// JoinChanges are the changes of two decisions about one request, such as those of two policies that both permit it. It reports false when there are none, since a
// lifecycle would be in two states.
func JoinChanges(a, b []Change) (joined []Change, ok bool) {
	joined = sortChanges(slices.Concat(a, b))
	for i := range joined {
		if i > 0 && joined[i].Kind == ChangeState && joined[i].Cell == joined[i-1].Cell {
			return nil, false
		}
	}
	return joined, true
}

// sortChanges puts changes into an order that doesn't depend on the policy's. Of several to one count, or to one part of a sum, the most counts.
func sortChanges(changes []Change) []Change {
	slices.SortFunc(changes, compareChanges)
	out := changes[:0]
	for _, c := range changes {
		if n := len(out); n > 0 {
			last := &out[n-1]
			same := last.Cell == c.Cell && last.Kind == c.Kind && last.State == c.State && (c.Kind == ChangeCount || last.Time.Equal(c.Time) && last.Part == c.Part)
			if same {
				c.Private = c.Private || last.Private
				*last = c
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func compareChanges(a, b Change) int {
	return cmp.Or(slices.Compare(a.Cell.Of[:], b.Cell.Of[:]), strings.Compare(a.Cell.Agent, b.Cell.Agent), strings.Compare(a.Cell.Session, b.Cell.Session),
		cmp.Compare(a.Kind, b.Kind), a.Time.Compare(b.Time), cmp.Compare(a.Part, b.Part), a.Total.Cmp(b.Total), strings.Compare(a.State, b.State))
}

// A mark is what a cell holds.
type mark struct {
	kind  ChangeKind // ChangeOnce for both kinds of events
	at    int64      // nanoseconds since 1970: when a count is whole again; when an event last happened
	maybe int64      // when an event may last have happened
	state string
	part  int64 // the length of a part, in nanoseconds
	parts []part
}

// A part is a piece of the window of a sum.
type part struct {
	begin   int64 // nanoseconds since 1970
	total   value.Decimal
	private bool // it is made of an argument that some policy let no log keep as it is
}

const never = math.MinInt64

func (h *History) apply(c *Change) {
	m := h.cells[c.Cell]
	kind := c.Kind
	if kind == ChangeMaybe {
		kind = ChangeOnce
	}
	if m.kind != kind {
		m = mark{kind: kind, at: never, maybe: never}
	}
	at := c.Time.UnixNano()
	switch c.Kind {
	case ChangeCount:
		m.at = max(m.at, at)
	case ChangeSum:
		m = m.withPart(int64(c.Part), part{at, c.Total, c.Private})
	case ChangeOnce, ChangeMaybe:
		if c.Kind == ChangeOnce {
			m.at = max(m.at, at)
		} else {
			m.maybe = max(m.maybe, at)
		}
	case ChangeState:
		m.state = c.State
	default:
		return
	}
	h.cells[c.Cell], h.changed[c.Cell] = m, struct{}{}
	h.soonest = min(h.soonest, m.over())
}

// over is the time from which on a mark is as if it had never been.
func (m mark) over() int64 {
	switch {
	case m.kind == ChangeCount:
		return m.at
	case m.kind == ChangeSum && m.part > 0:
		return addCapped(m.parts[len(m.parts)-1].begin, mulCapped(MaxParts, m.part))
	}
	return math.MaxInt64
}

// withPart adds a part of a window or, where it is known, raises its total. Parts that are over are left out. The parts of a mark that somebody reads are
// never changed.
func (m mark) withPart(length int64, added part) mark {
	if m.part != length {
		m.part, m.parts = length, nil
	}
	latest := added.begin
	if n := len(m.parts); n > 0 {
		latest = max(latest, m.parts[n-1].begin)
	}
	parts := make([]part, 0, len(m.parts)+1)
	for _, p := range m.parts {
		switch {
		case !counts(p.begin, length, latest):
		case p.begin == added.begin:
			added.private = added.private || p.private
			if p.total.Cmp(added.total) > 0 {
				added.total = p.total
			}
		default:
			parts = append(parts, p)
		}
	}
	if counts(added.begin, length, latest) {
		i, _ := slices.BinarySearchFunc(parts, added.begin, func(p part, at int64) int { return cmp.Compare(p.begin, at) })
		parts = slices.Insert(parts, i, added)
	}
	m.parts = parts
	return m
}

// counts reports whether a part that began at begin is in the window at a time, were it only by its last nanosecond.
func counts(begin, length, now int64) bool {
	return length == 0 || now-begin < mulCapped(MaxParts, length)
}

// changes are those that make a mark what it is.
func (m mark) changes(c Cell) []Change {
	at := func(ns int64) time.Time { return time.Unix(0, ns).UTC() }
	switch m.kind {
	case ChangeCount:
		return []Change{{Cell: c, Kind: ChangeCount, Time: at(m.at)}}
	case ChangeState:
		return []Change{{Cell: c, Kind: ChangeState, State: m.state}}
	case ChangeOnce:
		var out []Change
		if m.at != never {
			out = append(out, Change{Cell: c, Kind: ChangeOnce, Time: at(m.at)})
		}
		if m.maybe != never {
			out = append(out, Change{Cell: c, Kind: ChangeMaybe, Time: at(m.maybe)})
		}
		return out
	}
	var out []Change
	for _, p := range m.parts {
		out = append(out, Change{Cell: c, Kind: ChangeSum, Time: at(p.begin), Part: time.Duration(m.part), Total: p.total, Private: p.private})
	}
	return out
}

// happened says whether an event has happened, within a duration or, if that is 0, ever.
func (h *History) happened(c Cell, within time.Duration, now time.Time) (is, maybe bool) {
	m, known := h.cells[c]
	if !known || m.kind != ChangeOnce {
		return false, false
	}
	since := int64(never)
	if within > 0 {
		if ns := now.UnixNano(); ns-int64(within) < ns { // else it is before all time
			since = ns - int64(within)
		}
	}
	return m.at != never && m.at >= since, m.maybe != never && m.maybe >= since
}

// state returns the state of a lifecycle.
func (h *History) state(c Cell, start string) string {
	if m, known := h.cells[c]; known && m.kind == ChangeState {
		return m.state
	}
	return start
}

// roomFor reports whether changes, which are sorted, have room: what names that the policy doesn't declare need, which are keys that anybody can make who may
// delegate, only up to half of it.
func (h *History) roomFor(changes []Change, prog *lang.Program) bool {
	have := len(h.cells)
	for i := range changes {
		c := changes[i].Cell
		if _, known := h.cells[c]; known || i > 0 && changes[i-1].Cell == c {
			continue
		}
		most := MaxCells
		if c.Agent != "" && prog.Principals[c.Agent] == nil {
			most /= 2
		}
		if have++; have > most {
			return false
		}
	}
	return true
}

// forget leaves out what is as if it had never been: counts that are whole again, sums whose window is empty. It reports whether there was any.
func (h *History) forget(now int64) bool {
	if now < h.soonest {
		return false
	}
	before := len(h.cells)
	h.soonest = math.MaxInt64
	for c, m := range h.cells {
		if over := m.over(); over <= now {
			h.drop(c)
		} else {
			h.soonest = min(h.soonest, over)
		}
	}
	return len(h.cells) < before
}

func (h *History) drop(c Cell) {
	delete(h.cells, c)
	h.changed[c] = struct{}{}
}
