package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/moat-lang/moat/token"
)

// MaxSenders bounds the senders whose rates are kept apart. When more than these are at work at once, the others share one rate.
const MaxSenders = 1 << 16

// A Rate is how many a second, and how many at once after a pause. Burst is at least 1.
type Rate struct {
	PerSecond float64
	Burst     int
}

func (r Rate) or(otherwise Rate) Rate {
	if r == (Rate{}) {
		return otherwise
	}
	return r
}

func (r Rate) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
}

// SenderJunk is how many messages that turn out not to be its own are looked at for one known sender, once the cap of all is reached. It bounds what others can do
// to a sender by sending in its name.
var senderJunk = Rate{10, 20}

// limits are the rates of all senders, known by key. A rate is looked at before a message is, and used up once it is known whose message it was:
// whoever sends in another's name uses up nothing of it. As many as are decided at the same moment can therefore pass beyond a rate; they
// are made up for by those that come after.
type limits struct {
	each Rate
	mu   sync.Mutex
	// junk is the cap of unauthenticated messages of all.
	junk    *rate.Limiter
	senders map[token.Key]*sender
	others  *rate.Limiter // of those that have found no place
}

type sender struct {
	messages *rate.Limiter
	junk     *rate.Limiter
}

func newLimits(each, junk Rate) *limits {
	return &limits{each: each, junk: junk.limiter(), senders: map[token.Key]*sender{}, others: each.limiter()}
}

// admit says whether a message that claims a sender is to be decided: Delivered if so, RateLimited or Flooded. registered tells whether
// the sender is in the registry.
func (l *limits) admit(k token.Key, registered bool, now time.Time) Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.senders[k]
	if l.junk.TokensAt(now) < 1 {
		switch {
		case s == nil && !registered:
			return Flooded
		case s != nil && s.junk.TokensAt(now) < 1:
			return Flooded
		}
	}
	messages := l.others
	if s != nil {
		messages = s.messages
	} else if len(l.senders) < MaxSenders {
		return Delivered
	}
	if messages.TokensAt(now) < 1 {
		return RateLimited
	}
	return Delivered
}

// spend uses up a message of a sender who has proved to be it.
func (l *limits) spend(k token.Key, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sender(k, now); s != nil {
		s.messages.ReserveN(now, 1)
		return
	}
	l.others.ReserveN(now, 1)
}

// junked counts a signature check that was for nothing. Only senders that are known have a count of their own.
func (l *limits) junked(k token.Key, registered bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.junk.AllowN(now, 1)
	if s := l.senders[k]; s == nil && !registered {
		return
	}
	if s := l.sender(k, now); s != nil {
		s.junk.AllowN(now, 1)
	}
}

// sender returns the rates of a sender, or nil when there is no place. The caller holds l.mu.
func (l *limits) sender(k token.Key, now time.Time) *sender {
	if s := l.senders[k]; s != nil {
		return s
	}
	if len(l.senders) >= MaxSenders {
		for k, s := range l.senders { // those that have paused are as good as new
			if s.messages.TokensAt(now) >= float64(s.messages.Burst()) && s.junk.TokensAt(now) >= float64(s.junk.Burst()) {
				delete(l.senders, k)
			}
		}
		if len(l.senders) >= MaxSenders {
			return nil
		}
	}
	s := &sender{messages: l.each.limiter(), junk: senderJunk.limiter()}
	l.senders[k] = s
	return s
}
