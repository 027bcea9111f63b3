package relay

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// A Config says what a router is made of. PEP, Registry and Transport are required; the rest has defaults.
type Config struct {
	PEP       *pep.PEP
	Registry  *Registry
	Transport Transport // such as NewLocal(0)

	// Sender is the rate of each authenticated sender; by default DefaultSender.
	Sender Rate
	// Junk is how many messages that nobody signed are looked at, of all together; by default DefaultJunk.
	Junk Rate
	// Deciding is how many messages are decided at a time; by default DefaultDeciding.
	Deciding int
	// Handling is how long a message may take from the decision until its handler has answered; by default DefaultHandling.
	Handling time.Duration
}

// Defaults and bounds.
var (
	DefaultSender = Rate{100, 200}
	DefaultJunk   = Rate{1000, 1000}
)

const (
	DefaultDeciding = 1024
	DefaultHandling = 30 * time.Second
	// MaxReply bounds what a handler answers, in bytes.
	MaxReply = 1 << 20
)

// A Router sends messages. Make one with [NewRouter].
type Router struct {
	cfg      Config
	limits   *limits
	deciding chan struct{}

	mu     sync.RWMutex // held by those that begin, so that none begins once closed is set
	closed bool
	active sync.WaitGroup
}

// NewRouter makes a router.
func NewRouter(cfg Config) (*Router, error) {
	switch {
	case cfg.PEP == nil:
		return nil, errors.New("relay: Config.PEP is missing")
	case cfg.Registry == nil || cfg.Registry.pep != cfg.PEP:
		return nil, errors.New("relay: Config.Registry is missing, or of another PEP")
	case cfg.Transport == nil:
		return nil, errors.New("relay: Config.Transport is missing")
	case cfg.Deciding < 0 || cfg.Handling < 0 || cfg.Sender.PerSecond < 0 || cfg.Junk.PerSecond < 0:
		return nil, errors.New("relay: a limit of Config is negative")
	}
	if cfg.Deciding == 0 {
		cfg.Deciding = DefaultDeciding
	}
	if cfg.Handling == 0 {
		cfg.Handling = DefaultHandling
	}
	return &Router{cfg: cfg, limits: newLimits(cfg.Sender.or(DefaultSender), cfg.Junk.or(DefaultJunk)), deciding: make(chan struct{}, cfg.Deciding)}, nil
}

// Send takes a delivery and returns once its handler has answered, or it is clear that none will. When ctx ends while the handler is at work, Send returns
// at once; the log says later how it ended.
func (r *Router) Send(ctx context.Context, delivery []byte) Result {
	r.mu.RLock()
	if r.closed {
		r.mu.RUnlock()
		return rejected(Closed, pep.Answer{})
	}
	r.active.Add(1)
	r.mu.RUnlock()
	defer r.active.Done()

	a, early := r.decide(ctx, delivery)
	if early != "" {
		return rejected(early, a)
	}
	if a.Outcome != eval.Permit {
		return decided(a)
	}
	to, err := r.destination(a)
	if err != nil {
		return r.ended(a, nil, err)
	}
	return r.deliver(ctx, a, message(r.cfg.PEP, a, to))
}

// decide has the PEP decide, unless a limit is reached before.
func (r *Router) decide(ctx context.Context, delivery []byte) (pep.Answer, Status) {
	p := r.cfg.PEP
	if len(delivery) > token.MaxDeliverySize {
		return p.Refuse(fmt.Errorf("relay: the delivery has %d bytes, more than %d", len(delivery), token.MaxDeliverySize)), TooLarge
	}
	if ctx.Err() != nil {
		return pep.Answer{}, Cancelled
	}
	d, err := token.ParseDelivery(delivery)
	if err != nil {
		return p.Refuse(err), ""
	}
	claimed, _, err := token.Claimed(d.Token)
	if err != nil {
		return p.Refuse(err), ""
	}
	attestations, registered := r.cfg.Registry.attestations(claimed)
	now := p.Terms().Now
	switch r.limits.admit(claimed, registered, now) {
	case Flooded:
		return p.Refuse(errors.New("relay: too many messages that nobody signed")), Flooded
	case RateLimited:
		// Told to nobody but the sender itself; whoever claims to be it learns nothing.
		m, err := token.OpenMessage(d.Message)
		r.limits.junked(claimed, registered, now)
		if err == nil && m.Sender != claimed {
			err = &token.Error{Reason: token.NotHolder, Block: -1, Detail: "the sender is not the audience of the token"}
		}
		if err != nil {
			return p.Refuse(err), ""
		}
		return pep.Answer{}, RateLimited
	}
	select {
	case r.deciding <- struct{}{}:
	default:
		return pep.Answer{}, Overloaded
	}
	defer func() { <-r.deciding }()
	if n := min(len(attestations), token.MaxStatements-len(d.Attestations)); n > 0 {
		d.Attestations = append(slices.Clip(d.Attestations), attestations[:n]...)
	}
	a := p.DecideDelivery(ctx, d)
	if a.Stage > pep.StageMessage {
		r.limits.spend(claimed, now)
	} else {
		r.limits.junked(claimed, registered, now)
	}
	return a, ""
}

// destination is where a permitted message goes: to the one agent that it touches, else to the tool that it calls.
func (r *Router) destination(a pep.Answer) (string, error) {
	on := a.Request.Resource
	to := ""
	switch on.Scheme() {
	case "agent":
		to = on.String()
	case "tool":
		effects, err := a.Effects()
		if err != nil {
			return "", err
		}
		for _, e := range effects {
			if e.Resource.Scheme() != "agent" {
				continue
			}
			if name := e.Resource.String(); to == "" {
				to = name
			} else if to != name {
				return on.String(), nil
			}
		}
		if to == "" {
			return on.String(), nil
		}
	default:
		return "", &Stopped{NoHandler, fmt.Errorf("messages are for agents and tools, not for %s", on)}
	}
	if _, err := r.cfg.Registry.Agent(to[len("agent://"):]); err != nil {
		return "", &Stopped{NoRecipient, err}
	}
	return to, nil
}

// deliver hands a message to the transport and waits for what comes of it, or for ctx.
func (r *Router) deliver(ctx context.Context, a pep.Answer, m *Message) Result {
	within, cancel := context.WithTimeout(ctx, r.cfg.Handling)
	done := make(chan Result, 1)
	r.active.Go(func() {
		defer cancel()
		reply, err := r.hand(within, m)
		if within.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			err = stopped(ctx, err)
		}
		done <- r.ended(a, reply, err)
	})
	select {
	case res := <-done:
		return res
	case <-within.Done():
	}
	select {
	case res := <-done:
		return res
	default:
	}
	err := stopped(ctx, within.Err())
	return Result{Status: statusOf(err), Answer: a, Err: err}
}

// stopped says who gave up: the sender, whose context ctx is, or the router.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &Stopped{Cancelled, err}
	}
	return &Stopped{TimedOut, err}
}

// A panicked is what a handler has panicked with.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("relay: the handler has panicked: %v", p.value) }

// hand hands a message over. A panic of the handler ends here.
func (r *Router) hand(ctx context.Context, m *Message) (reply []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			reply, err = nil, &panicked{v, debug.Stack()}
		}
	}()
	reply, err = r.cfg.Transport.Deliver(ctx, m)
	if err == nil && len(reply) > MaxReply {
		err = fmt.Errorf("relay: the handler answers with %d bytes, more than %d", len(reply), MaxReply)
	}
	return reply, err
}

// ended writes down how a permitted message ended.
func (r *Router) ended(a pep.Answer, reply []byte, err error) Result {
	res := Result{Status: Delivered, Answer: a, Reply: reply}
	outcome := "ok"
	if err != nil {
		res = Result{Status: statusOf(err), Answer: a, Err: err}
		outcome = string(res.Status)
	}
	if p := (*panicked)(nil); errors.As(err, &p) {
		res.Err = fmt.Errorf("%w\n%s", err, p.stack)
	}
	index, rerr := r.cfg.PEP.RecordEffect(a, pep.Ending{Outcome: outcome, Bytes: int64(len(res.Reply)), Detail: err})
	if rerr != nil {
		res.Err = errors.Join(res.Err, rerr)
		if res.Status == Delivered {
			res.Status, res.Reply = NotRecorded, nil
		}
	}
	res.Effect = index
	return res
}

// statusOf is the status that an error says, and Failed for all that a transport doesn't say of itself.
func statusOf(err error) Status {
	var stop *Stopped
	var p *panicked
	switch {
	case errors.As(err, &p):
		return Panicked
	case errors.As(err, &stop):
		return stop.Status
	}
	return Failed
}

// Close takes no more messages, and returns once those that are under way have ended and that is in the log, or when ctx ends. The PEP should be closed after it.
func (r *Router) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.active.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
