package pep

import (
	"errors"
	"sync"
	"time"
)

// A Clock tells the time. The zero Clock is the system's.
type Clock struct {
	// Now is the wall clock; nil stands for time.Now.
	Now func() time.Time
	// Elapsed is a clock that nobody can set: the time since some moment of the past. Nil stands for the monotonic clock of the process.
	Elapsed func() time.Duration
}

// MaxJump is how far the wall clock may run ahead of the monotonic one, in all, before the PEP halts.
const MaxJump = 5 * time.Minute

var errClock = errors.New("pep: the wall clock has jumped ahead of the monotonic one; see AcknowledgeClock")

// A timekeeper makes of two clocks a time that never goes back. Where the wall clock goes back, time runs on by the monotonic clock. Where
// it jumps ahead by more than MaxJump, there is no time until it comes back or somebody acknowledges the jump: otherwise a moment of
// a wrong clock would expire everything, or, once kept, shut everybody out until that time comes.
type timekeeper struct {
	clock Clock

	mu      sync.Mutex
	now     time.Time     // the last time told
	at      time.Duration // when, by the monotonic clock
	lead    time.Duration // how far jumps have carried now ahead of the monotonic clock since the start, or the last acknowledgement
	started bool
}

func newTimekeeper(c Clock) *timekeeper {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Elapsed == nil {
		start := time.Now()
		c.Elapsed = func() time.Duration { return time.Since(start) }
	}
	return &timekeeper{clock: c}
}

// start sets the earliest time there is: the latest that is known from before a restart.
func (k *timekeeper) start(earliest time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now, k.at, k.started = k.clock.Now(), k.clock.Elapsed(), true
	if k.now.Before(earliest) {
		k.now = earliest
	}
}

// tell returns the time, or false when the wall clock can't be believed.
func (k *timekeeper) tell() (time.Time, bool) {
	wall, elapsed := k.clock.Now(), k.clock.Elapsed()
	k.mu.Lock()
	defer k.mu.Unlock()
	steady := k.now.Add(max(0, elapsed-k.at))
	ahead := wall.Sub(steady)
	switch {
	case !k.started:
		return time.Time{}, false
	case ahead <= 0:
		wall = steady
	case k.lead+ahead > MaxJump:
		return time.Time{}, false
	default:
		k.lead += ahead
	}
	// Clocks drift: what was gained slowly isn't a jump. A tenth of a percent is more than any clock is off.
	k.lead -= min(k.lead, max(0, elapsed-k.at)/1000)
	k.now, k.at = wall, max(k.at, elapsed)
	return wall, true
}

// acknowledge takes the wall clock as it is now, where it is ahead.
func (k *timekeeper) acknowledge() {
	wall, elapsed := k.clock.Now(), k.clock.Elapsed()
	k.mu.Lock()
	defer k.mu.Unlock()
	if wall.After(k.now) {
		k.now, k.at, k.lead = wall, elapsed, 0
	}
}
