package pep

import (
	"encoding/binary"
	"path/filepath"
	"strconv"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/token"
)

// BreakState closes the state under a PEP, as a disk that is gone would.
func BreakState(p *PEP) error { return p.state.close() }

// MendState opens a state again that was broken.
func MendState(p *PEP) (err error) {
	p.state, err = openState(filepath.Join(p.cfg.Dir, "state.db"), false)
	return err
}

// CrowdSenders makes a PEP remember as many senders as it may, and returns what makes it forget them.
func CrowdSenders(p *PEP) (undo func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, s := p.senders, &sender{last: time.Unix(1<<33, 0)} // not to be forgotten meanwhile
	p.senders = make(map[token.Key]*sender, MaxSenders)
	for i := range uint32(MaxSenders) {
		var k token.Key
		binary.BigEndian.PutUint32(k[:], i+1)
		p.senders[k] = s
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.senders = before
	}
}

// StoredAsks is how many asks the state holds.
func StoredAsks(p *PEP) (n int, err error) {
	_, _, asks, err := p.state.load()
	return len(asks), err
}

// SumUp sums up the state now.
func SumUp(p *PEP) error { return p.sumUp() }

// CrowdHistory puts a history with this many cells in the place of a PEP's, and returns what puts that back.
func CrowdHistory(p *PEP, n int) (undo func()) {
	changes := make([]eval.Change, n)
	for i := range changes {
		changes[i] = eval.Change{Cell: eval.Cell{Session: strconv.Itoa(i)}, Kind: eval.ChangeState, State: "x"}
	}
	crowded := eval.NewHistory()
	crowded.Apply(changes)
	p.order.Lock()
	defer p.order.Unlock()
	before := p.history
	p.history = crowded
	return func() {
		p.order.Lock()
		defer p.order.Unlock()
		p.history = before
	}
}

// WatchHistory looks at how full the history is, as housekeeping does.
func WatchHistory(p *PEP) { p.watchHistory() }
