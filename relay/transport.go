package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// A Message is what a handler is given: what was decided.
type Message struct {
	// To is where it goes: agent://NAME or tool://NAME.
	To string
	// Request is what was decided on; Request.Subject is the sender's name as the policy knows it, Request.Args the arguments.
	Request eval.Request
	// Signed is the message that the sender has signed.
	Signed *token.Message
	// Chain is the token that it was sent under.
	Chain *token.Chain
	// Index is that of the decision in the log. No two messages have the same.
	Index uint64

	holds func() error
}

// Holds returns nil as long as the message may be handed over. A transport asks just before it does.
func (m *Message) Holds() error {
	if m.holds == nil {
		return &Stopped{Status: Outdated}
	}
	return m.holds()
}

// A Handler takes the messages for an agent or a tool, one at a time, in the order in which they came. What it returns goes to the sender: at most MaxReply bytes, and not
// its error. It should end when ctx does; until it has, nobody else's message is taken.
type Handler func(ctx context.Context, m *Message) ([]byte, error)

// A Transport brings permitted messages to their handlers, here or elsewhere. Deliver returns once the handler has answered. It must not wait without
// bound, nor hand over a message twice, nor one that doesn't hold. Why it hasn't handed one over is a *[Stopped]: Busy, NoHandler, Outdated, Cancelled; all other errors
// are the handler's, which may have done its work in part.
type Transport interface {
	Deliver(ctx context.Context, m *Message) ([]byte, error)
}

// DefaultQueue is how many messages wait for a recipient at most, unless said otherwise.
const DefaultQueue = 64

// Local is the transport within a process. Make one with [NewLocal].
type Local struct {
	queue int
	mu    sync.RWMutex
	lanes map[string]*lane
}

// NewLocal makes a transport where so many messages wait for each recipient at most; zero stands for DefaultQueue.
func NewLocal(queue int) *Local {
	if queue <= 0 {
		queue = DefaultQueue
	}
	return &Local{queue: queue, lanes: map[string]*lane{}}
}

// Handle sets the handler of agent://NAME or tool://NAME in the place of the one before; nil takes it away.
func (l *Local) Handle(to string, h Handler) error {
	name, err := resource.Parse(to)
	if err != nil {
		return err
	}
	if s := name.Scheme(); s != "agent" && s != "tool" {
		return fmt.Errorf("relay: %s is neither agent://NAME nor tool://NAME", to)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lanes[to] == nil {
		l.lanes[to] = &lane{}
	}
	l.lanes[to].set(h)
	return nil
}

// Waiting returns how many messages wait for agent://NAME or tool://NAME, the one that is being handled aside.
func (l *Local) Waiting(to string) int {
	l.mu.RLock()
	ln := l.lanes[to]
	l.mu.RUnlock()
	if ln == nil {
		return 0
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return len(ln.waiting)
}

// Deliver is Transport's.
func (l *Local) Deliver(ctx context.Context, m *Message) ([]byte, error) {
	l.mu.RLock()
	ln := l.lanes[m.To]
	l.mu.RUnlock()
	if ln == nil {
		return nil, &Stopped{Status: NoHandler}
	}
	if err := ln.enter(ctx, l.queue); err != nil {
		return nil, err
	}
	defer ln.leave()
	h := ln.get()
	switch {
	case h == nil:
		return nil, &Stopped{Status: NoHandler}
	case ctx.Err() != nil:
		return nil, &Stopped{Status: Cancelled, Err: ctx.Err()}
	}
	if err := m.Holds(); err != nil {
		return nil, &Stopped{Outdated, err}
	}
	reply, err := h(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("relay: the handler: %w", hidden{err})
	}
	return reply, nil
}

// hidden is what a handler returns: a *[Stopped] in it isn't this transport's.
type hidden struct{ error }

func (h hidden) Is(target error) bool { return errors.Is(h.error, target) }

// A lane lets one message at a time pass, in the order of their coming.
type lane struct {
	mu      sync.Mutex
	handler Handler
	taken   bool
	waiting []chan struct{} // closed when it is its turn
}

func (l *lane) set(h Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handler = h
}

func (l *lane) get() Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handler
}

// enter waits for the lane, unless too many do already. Whoever has entered must leave.
func (l *lane) enter(ctx context.Context, queue int) error {
	l.mu.Lock()
	switch {
	case !l.taken:
		l.taken = true
		l.mu.Unlock()
		return nil
	case len(l.waiting) >= queue:
		l.mu.Unlock()
		return &Stopped{Status: Busy}
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.waiting, turn)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 { // its turn came in the meantime
		l.leave()
	}
	return &Stopped{Status: Cancelled, Err: ctx.Err()}
}

func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.taken = false
		return
	}
	close(l.waiting[0])
	l.waiting = slices.Delete(l.waiting, 0, 1)
}

// message is what a handler is given of a permit.
func message(p *pep.PEP, a pep.Answer, to string) *Message {
	return &Message{To: to, Request: a.Request, Signed: a.Message, Chain: a.Chain, Index: a.Index, holds: func() error { return p.Holds(a) }}
}
