package pep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/token"
)

// A PEP decides messages. Make one with [Open]. The zero PEP denies everything. It is safe for concurrent use.
type PEP struct {
	cfg      Config
	time     *timekeeper
	log      *audit.Log
	state    *state
	verifier *token.Verifier
	chains   chainCache
	keyText  string // cfg.Key as the log writes it

	// inForce is the policy, the trust document and the revocations of decisions that begin now.
	inForce atomic.Pointer[inForce]
	// changing serializes what replaces inForce.
	changing sync.Mutex

	// history is what has been permitted, as far as policies ask for it. Under order, deciding by it, what that changes and the place in the
	// log are one step; decisions that don't depend on it don't wait for each other. Whoever takes both locks takes order before mu.
	history    *eval.History
	order      sync.Mutex
	nearlyFull bool // housekeeping's: the log says that the history is

	// mu guards what decisions change. What a decision changes and its place in the log are one step under it.
	mu      sync.Mutex
	senders map[token.Key]*sender
	asks    map[token.ID]*pendingAsk
	last    summary      // of what is queued in the log
	ticket  audit.Ticket // of the last of it; zero when nothing has been queued

	junk junk
	stop chan struct{}
	done sync.WaitGroup
	once sync.Once
}

// A sender is somebody whose messages have passed the first stage.
type sender struct {
	window window
	last   time.Time // when the window was last used
	dirty  bool      // since the state was last summed up
}

// senderTTL is for how long a sender is remembered after its last message. By then the time of each of its messages is too old.
const senderTTL = 5 * time.Minute

// Open starts a PEP. It refuses what it can't decide by or can't be sure of: a policy that doesn't check, files that are missing unless they are
// to be created, a log that isn't what the state remembers of it.
func Open(cfg Config) (p *PEP, err error) {
	switch {
	case cfg.Policy == nil:
		return nil, errors.New("pep: Config.Policy is missing")
	case cfg.Dir == "":
		return nil, errors.New("pep: Config.Dir is missing")
	case cfg.LogKey == nil:
		return nil, errors.New("pep: Config.LogKey is missing")
	case cfg.Key.IsZero():
		return nil, errors.New("pep: Config.Key is missing")
	case cfg.Rollover < 0 || cfg.Rollover > MaxRollover:
		return nil, fmt.Errorf("pep: Config.Rollover is %s; it is at most %s", cfg.Rollover, MaxRollover)
	}
	trust, err := token.ParseTrust(cfg.Trust)
	if err != nil {
		return nil, err
	}
	program, err := loadProgram(cfg.Policy)
	if err != nil {
		return nil, err
	}
	p = &PEP{cfg: cfg, keyText: cfg.Key.String(), time: newTimekeeper(cfg.Clock), verifier: token.NewVerifier(token.Options{CacheBytes: cfg.TokenCache}), stop: make(chan struct{})}
	opened := p
	defer func() {
		if err != nil {
			_ = opened.closeFiles()
		}
	}()
	if err := p.openFiles(); err != nil {
		return nil, err
	}
	if err := p.restore(program, trust); err != nil {
		return nil, err
	}
	in := p.inForce.Load()
	_, err = p.log.Append(context.Background(), &audit.Start{Program: orDefault(cfg.Program, "moat"), Key: cfg.Key.String(), Realm: trust.Realm(), Policy: in.digest, Trust: in.trustDigest})
	if err != nil {
		return nil, err
	}
	p.done.Add(1)
	go p.housekeeping()
	return p, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p *PEP) logDir() string { return filepath.Join(p.cfg.Dir, "log") }

// openFiles opens the log and the state: both are there, or neither is and they are to be created.
func (p *PEP) openFiles() error {
	entries, err := os.ReadDir(p.logDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	statePath := filepath.Join(p.cfg.Dir, "state.db")
	_, err = os.Stat(statePath)
	hasLog, hasState := len(entries) > 0, err == nil
	switch {
	case hasLog && !hasState:
		return ErrNoState
	case hasState && !hasLog:
		return errors.New("pep: the log is missing, and the state remembers one; restore it, or begin anew with another directory")
	case !hasLog && !p.cfg.Create:
		return fmt.Errorf("%w (%s holds neither a log nor a state; set Create to make them)", ErrNoState, p.cfg.Dir)
	}
	if err := os.MkdirAll(p.cfg.Dir, 0o700); err != nil {
		return err
	}
	if p.state, err = openState(statePath, !hasLog); err != nil {
		return err
	}
	p.log, err = audit.Open(p.logDir(), audit.Options{Key: p.cfg.LogKey, FS: p.cfg.FS, Now: p.logTime, OnCheckpoint: p.cfg.OnCheckpoint, Marks: p.marks})
	return err
}

// logTime is the time of records: the wall clock's, be it believed or not.
func (p *PEP) logTime() time.Time { return p.time.clock.Now() }

// markTrust is the mark of the trust document's sequence number.
const markTrust = "trust"

// marks are what may never be lower again; see [audit.Options].
func (p *PEP) marks() []audit.Mark {
	in := p.inForce.Load()
	if in == nil {
		return nil
	}
	var out []audit.Mark
	for _, m := range in.revoked.Marks() {
		out = append(out, audit.Mark{Name: "revocation " + m.Signer.String(), Value: m.Sequence})
	}
	return append(out, audit.Mark{Name: markTrust, Value: in.trust.Sequence()})
}

// Close writes down what is left to write and gives up the files. Decisions from then on deny.
func (p *PEP) Close() error {
	if p == nil || p.log == nil {
		return nil
	}
	var err error
	p.once.Do(func() {
		close(p.stop)
		p.done.Wait()
		p.junk.flush(p)
		_, serr := p.log.Append(context.Background(), &audit.Stop{Reason: "closed"})
		err = errors.Join(serr, p.sumUp(), p.closeFiles())
	})
	return err
}

func (p *PEP) closeFiles() error {
	var err error
	if p.log != nil {
		err = p.log.Close()
	}
	if p.state != nil {
		err = errors.Join(err, p.state.close())
	}
	return err
}

// AcknowledgeClock takes the wall clock's time after it has jumped ahead. Until then such a PEP denies with the code "clock".
func (p *PEP) AcknowledgeClock() { p.time.acknowledge() }

// Decide decides a delivery, as token.Delivery.Encode wrote it. It returns once the record of the decision is durable, and never panics.
func (p *PEP) Decide(ctx context.Context, delivery []byte) Answer {
	if p == nil || p.log == nil {
		return Answer{Code: CodeClosed}
	}
	d, err := token.ParseDelivery(delivery)
	if err != nil {
		return p.nobody(err)
	}
	return p.DecideDelivery(ctx, d)
}

// DecideDelivery decides a delivery that has been taken apart.
func (p *PEP) DecideDelivery(ctx context.Context, d *token.Delivery) Answer {
	if p == nil || p.log == nil {
		return Answer{Code: CodeClosed}
	}
	if d == nil || len(d.Attestations) > token.MaxStatements || len(d.Approvals) > token.MaxStatements {
		return p.nobody(fmt.Errorf("pep: a delivery has at most %d attestations and as many approvals", token.MaxStatements))
	}
	var a Answer
	if t := p.decide(ctx, d, &a); t != (audit.Ticket{}) {
		if err := t.Wait(context.Background()); err != nil {
			a.notRecorded(err)
		}
	}
	return a
}

// decide decides a delivery. The answer counts once the ticket's record is durable; with the zero ticket it counts at once.
func (p *PEP) decide(ctx context.Context, d *token.Delivery, a *Answer) (ticket audit.Ticket) {
	defer func() {
		if r := recover(); r != nil {
			*a, ticket = Answer{Code: eval.CodeInternal, Reason: p.alarm(r, nil)}, audit.Ticket{}
		}
	}()
	now, open := p.open(a)
	if !open {
		return audit.Ticket{}
	}
	m, err := p.verifier.OpenMessage(d.Message)
	if err != nil {
		*a = p.nobody(err)
		return audit.Ticket{}
	}
	c := decisions.Get().(*decision)
	c.pep, c.ctx, c.in, c.now, c.delivery, c.message = p, ctx, p.inForce.Load(), now, d, m
	if err := c.authenticate(); err != nil {
		*a = p.nobody(err)
	} else {
		ticket = c.run()
		*a = c.answer
	}
	c.release()
	return ticket
}

// open tells the time of a decision that begins. When none can, it makes the answer a deny and reports false.
func (p *PEP) open(a *Answer) (time.Time, bool) {
	select {
	case <-p.stop:
		a.Code = CodeClosed
		return time.Time{}, false
	default:
	}
	now, ok := p.time.tell()
	if !ok {
		a.Code, a.Reason = CodeClock, errClock
	}
	return now, ok
}

// nobody answers whoever hasn't passed the first stage: always the same. What was wrong is counted, and kept for the operator.
func (p *PEP) nobody(reason error) Answer {
	p.junk.count(reason, p.logTime())
	return Answer{Stage: StageMessage, Code: CodeUnauthenticated, Reason: reason}
}

// alarm writes down a panic, be it of what is here or of the host's adapter, and returns what it was.
func (p *PEP) alarm(r any, m *token.Message) error {
	text := strings.ToValidUTF8(fmt.Sprint(r), "?")
	reason := fmt.Errorf("pep: a defect: %s\n%s", text, debug.Stack())
	if len(text) > MaxEffectDetail {
		text = strings.ToValidUTF8(text[:MaxEffectDetail], "")
	}
	alert := &audit.Alert{Monitor: "panic", Detail: audit.Shown(text)}
	if m != nil {
		alert.Agent = m.Sender.String()
	}
	if _, err := p.log.Append(context.Background(), alert); err != nil {
		return errors.Join(reason, err)
	}
	return reason
}

// EndSession forgets what was counted and seen by a session, which otherwise is remembered for ever. Call it when the session is over and nothing of it is
// being decided any more. Don't use its name again: after a crash, a session that was ended in the last seconds is remembered again, as it was, until it is
// ended once more. What is remembered of agents isn't forgotten.
func (p *PEP) EndSession(session string) {
	if p == nil || p.history == nil {
		return
	}
	p.order.Lock() // a decision that has looked at the session is in the log before
	defer p.order.Unlock()
	p.history.EndSession(session)
}

// ForgetAgent forgets what was counted and seen of an agent, by the name that policies speak of it by. Call it for one that will never act again, such as one whose key is
// revoked: while it may, it has its budgets back.
func (p *PEP) ForgetAgent(name string) {
	if p == nil || p.history == nil {
		return
	}
	p.order.Lock()
	defer p.order.Unlock()
	p.history.ForgetAgent(name)
}

// queue gives an event its place in the log, and changes in the history what goes with it.
func (p *PEP) queue(ev audit.Event, now time.Time, changes []eval.Change) (audit.Ticket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, err := p.log.Queue(ev)
	if err != nil {
		return t, err
	}
	if t.Index >= p.last.size {
		p.last.size, p.ticket = t.Index+1, t
	}
	p.last.time = later(p.last.time, now)
	p.history.Apply(changes)
	return t, nil
}

// append adds an event to the log, and returns once it is durable.
func (p *PEP) append(ev audit.Event, now time.Time) (audit.Ticket, error) {
	t, err := p.queue(ev, now, nil)
	if err == nil {
		err = t.Wait(context.Background())
	}
	return t, err
}

// parseArgs reads the arguments of a message.
func parseArgs(args []byte) (strictjson.Value, error) {
	if len(args) == 0 {
		return strictjson.Value{}, nil
	}
	v, err := strictjson.Parse(args, strictjson.Limits{Bytes: token.MaxArgsSize})
	if err == nil && v.Kind != strictjson.Object {
		err = errors.New("the arguments must be an object")
	}
	return v, err
}
