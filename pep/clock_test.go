package pep

import (
	"testing"
	"time"
)

// A testClock is two clocks that a test sets.
type testClock struct {
	now     time.Time
	elapsed time.Duration
}

func newTestClock() *testClock { return &testClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *testClock) clock() Clock {
	return Clock{Now: func() time.Time { return c.now }, Elapsed: func() time.Duration { return c.elapsed }}
}

// pass lets time go by on both clocks.
func (c *testClock) pass(d time.Duration) { c.now, c.elapsed = c.now.Add(d), c.elapsed+d }

func TestTimeRunsOn(t *testing.T) {
	c := newTestClock()
	k := newTimekeeper(c.clock())
	if _, ok := k.tell(); ok {
		t.Error("there is a time before the start")
	}
	k.start(time.Time{})
	begin := c.now
	for range 1000 {
		c.pass(time.Hour)
	}
	if now, ok := k.tell(); !ok || !now.Equal(begin.Add(1000*time.Hour)) {
		t.Errorf("after 1000 hours: %v, %t", now, ok)
	}
	c.now = c.now.Add(MaxJump / 2)
	if now, ok := k.tell(); !ok || !now.Equal(c.now) {
		t.Errorf("a small step ahead: %v, %t", now, ok)
	}
}

// R05: a clock that goes back makes nothing fresh again; one that jumps ahead by years halts, and what it did is undone when it comes back.
func TestR05ClockBackAndAhead(t *testing.T) {
	c := newTestClock()
	k := newTimekeeper(c.clock())
	k.start(time.Time{})
	before, _ := k.tell()
	c.now = c.now.Add(-time.Hour)
	if now, ok := k.tell(); !ok || now.Before(before) {
		t.Errorf("after the clock went back an hour it is %v, before it was %v", now, before)
	}
	c.pass(time.Minute)
	if now, _ := k.tell(); !now.Equal(before.Add(time.Minute)) {
		t.Errorf("a minute later it is %v", now)
	}
	c.now = c.now.Add(time.Hour)
	real := c.now
	c.now = c.now.AddDate(10, 0, 0)
	if now, ok := k.tell(); ok {
		t.Errorf("ten years ahead it is %v", now)
	}
	c.now = real
	if now, ok := k.tell(); !ok || now.After(real.Add(time.Second)) {
		t.Errorf("back again it is %v, %t; it should be %v", now, ok, real)
	}
	// Many small jumps are a large one.
	halted := false
	for range 10 {
		c.now = c.now.Add(MaxJump / 2)
		_, ok := k.tell()
		halted = halted || !ok
	}
	if !halted {
		t.Error("ten half jumps went by")
	}
	k.acknowledge()
	if now, ok := k.tell(); !ok || !now.Equal(c.now) {
		t.Errorf("acknowledged: %v, %t", now, ok)
	}
}

func TestClockStartsNoEarlierThanItEnded(t *testing.T) {
	c := newTestClock()
	k := newTimekeeper(c.clock())
	last := c.now.Add(time.Hour)
	k.start(last)
	c.pass(time.Second)
	if now, ok := k.tell(); !ok || now.Before(last) {
		t.Errorf("it is %v, and was %v before the restart", now, last)
	}
}
