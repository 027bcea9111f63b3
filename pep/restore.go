package pep

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
	"github.com/moat-lang/moat/token"
)

// restore makes of the files what the last PEP knew when it stopped, be it in order or by a crash.
func (p *PEP) restore(program *eval.Program, trust *token.Trust) error {
	sum, senders, asks, err := p.state.load()
	if err != nil {
		return err
	}
	kept, lists, err := p.state.signed()
	if err != nil {
		return err
	}
	if trust, err = p.newerTrust(trust, kept); err != nil {
		return err
	}
	revoked, known, err := restoreRevocations(trust, lists)
	if err != nil {
		return err
	}
	p.senders, p.asks, p.history = senders, asks, eval.NewHistory()
	if err := p.state.loadHistory(p.history); err != nil {
		return err
	}
	p.last = sum
	if err := p.replay(trust, known); err != nil {
		return err
	}
	p.time.start(p.last.time)
	if !bytes.Equal(kept, p.cfg.Trust) {
		if err := p.state.put(bucketMeta, keyTrust, p.cfg.Trust); err != nil {
			return err
		}
	}
	p.inForce.Store(newInForce(program, trust, revoked))
	return nil
}

// newerTrust refuses a trust document older than the one that was last in force. (L01)
func (p *PEP) newerTrust(given *token.Trust, kept []byte) (*token.Trust, error) {
	if len(kept) == 0 {
		return given, nil
	}
	last, err := token.ParseTrust(kept)
	if err != nil {
		return nil, errState("the trust document")
	}
	if err := given.Supersedes(last); err != nil {
		return nil, fmt.Errorf("pep: the trust document is not a successor of the last one: %w", err)
	}
	return given, nil
}

// restoreRevocations returns what is revoked, and the sequence number of each signer's list.
func restoreRevocations(trust *token.Trust, lists [][]byte) (revoked *token.Revocations, known map[string]uint64, err error) {
	known = map[string]uint64{}
	for _, raw := range lists {
		l, err := token.OpenRevocations(raw)
		if err != nil {
			return nil, nil, errState("a revocation list")
		}
		known[l.Signer.String()] = l.Sequence
		next, err := revoked.WithKept(trust, l)
		if err != nil {
			return nil, nil, fmt.Errorf("pep: a revocation list that was in force isn't any more: %w", err)
		}
		revoked = next
	}
	return revoked, known, nil
}

// replay takes what the log says since the state was summed up.
func (p *PEP) replay(trust *token.Trust, known map[string]uint64) error {
	var used []token.ID
	size := p.log.Size()
	if p.last.size > size {
		return fmt.Errorf("pep: the log has %d records, and the state remembers %d: its end is missing. Restore it", size, p.last.size)
	}
	from := p.last.size
	if from > 0 {
		from--
	}
	for r, err := range audit.Read(p.logDir(), from) {
		if err != nil {
			return err
		}
		if r.Index+1 == p.last.size && r.Hash != p.last.hash {
			return fmt.Errorf("pep: record %d of the log isn't the one that the state remembers", r.Index)
		}
		if r.Index < p.last.size {
			continue
		}
		switch ev := r.Event.(type) {
		case *audit.Decision:
			if ev.Stage == 0 {
				break
			}
			k, err := token.ParseKey(ev.Sender)
			if err != nil {
				return fmt.Errorf("pep: record %d of the log names no sender: %w", r.Index, err)
			}
			s := p.senders[k]
			if s == nil {
				s = &sender{}
				p.senders[k] = s
			}
			if !s.window.used(ev.Sequence) {
				s.window.use(ev.Sequence)
			}
			s.dirty = true
			if t := ev.Facts.Time; !t.IsZero() {
				s.last = later(s.last, t)
				p.last.time = later(p.last.time, t)
			} else {
				s.last = later(s.last, r.Time)
			}
			changes, err := record.History(ev.History)
			if err != nil {
				return fmt.Errorf("pep: record %d of the log: %w", r.Index, err)
			}
			p.history.Apply(changes)
			if len(ev.Used) > 0 {
				used = append(used, p.usedUp(k, ev)...)
			}
		case *audit.Checkpoint:
			for _, m := range ev.Marks {
				if m.Name == markTrust && m.Value > trust.Sequence() {
					return fmt.Errorf("pep: the log says that a trust document with the sequence %d was in force, and this one has %d: %w", m.Value, trust.Sequence(), token.Rollback)
				}
			}
		case *audit.Revocation:
			// The list is made durable before the record is. A state without it is an older one.
			if seq, ok := known[ev.Issuer]; !ok || seq < ev.Sequence {
				return fmt.Errorf("pep: the log says that %s's revocation list %d is in use, and the state doesn't have it: the state is an older one. Restore it", ev.Issuer, ev.Sequence)
			}
		}
		p.last.size, p.last.hash = r.Index+1, r.Hash
	}
	if p.last.size < size {
		return fmt.Errorf("pep: the log has %d records, and only %d can be read", size, p.last.size)
	}
	if len(used) > 0 {
		return p.state.deleteAsks(used)
	}
	return nil
}

// usedUp takes out the asks that a permit in the log may have used up. They were out of the state before the record was written: one that is there was asked
// again since, or the state is an older one, and nobody can tell which. Where the log keeps the request's digest under a key, all asks of the sender go.
func (p *PEP) usedUp(sender token.Key, ev *audit.Decision) (gone []token.ID) {
	request := askDigest(ev.Realm, sender, ev.Request.Digest)
	for n, a := range p.asks {
		if a.sender == sender && (ev.Request.Keyed || a.request == request) {
			delete(p.asks, n)
			gone = append(gone, n)
		}
	}
	return gone
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sumEvery is how often the state is summed up: so much of the log is read at a start.
const sumEvery = 5 * time.Second

// housekeeping counts junk, sums up the state, and forgets what doesn't matter any more.
func (p *PEP) housekeeping() {
	defer p.done.Done()
	junk, sum := time.NewTicker(JunkEvery), time.NewTicker(sumEvery)
	defer junk.Stop()
	defer sum.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-junk.C:
			p.junk.flush(p)
		case <-sum.C:
			// What can't be summed up is read from the log at the next start.
			_ = p.sumUp()
			p.watchHistory()
		}
	}
}

// watchHistory writes an alert when the history is nine tenths full, and again once it has been less: past its bound it denies.
func (p *PEP) watchHistory() {
	full := p.history.Len() >= eval.MaxCells/10*9
	if full && !p.nearlyFull {
		detail := fmt.Sprintf("the history has %d cells of at most %d; past them what needs another is denied. End sessions that are over", p.history.Len(), eval.MaxCells)
		if _, err := p.append(&audit.Alert{Monitor: "history", Detail: audit.Shown(detail)}, p.latest()); err != nil {
			return // the next time
		}
	}
	p.nearlyFull = full
}

// latest is the time of the latest decision in the log.
func (p *PEP) latest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.time
}

// sumUp keeps what the log says so far.
func (p *PEP) sumUp() error {
	changed, forgotten := map[token.Key]sender{}, []token.Key(nil)
	var expired []token.ID
	p.order.Lock() // what the history is and up to where the log has been summed up belong together
	p.history.Forget(p.latest())
	cells := p.history.Changed()
	p.mu.Lock()
	p.order.Unlock()
	sum, ticket := p.last, p.ticket
	for k, s := range p.senders {
		if s.dirty {
			changed[k] = *s
			s.dirty = false
		}
		if sum.time.Sub(s.last) > senderTTL {
			delete(p.senders, k)
			delete(changed, k)
			forgotten = append(forgotten, k)
		}
	}
	for n, a := range p.asks {
		if !sum.time.Before(a.expires) {
			delete(p.asks, n)
			expired = append(expired, n)
		}
	}
	p.mu.Unlock()
	var err error
	if ticket.Index > 0 {
		err = ticket.Wait(context.Background())
		sum.hash = ticket.Hash()
	}
	if err == nil && len(expired) > 0 {
		err = p.state.deleteAsks(expired)
	}
	if err == nil {
		err = p.state.sumUp(sum, changed, forgotten, cells)
	}
	if err != nil {
		p.history.Keep(cells)
		p.mu.Lock()
		for k := range changed {
			if s := p.senders[k]; s != nil {
				s.dirty = true
			}
		}
		p.mu.Unlock()
	}
	return err
}
