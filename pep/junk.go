package pep

import (
	"strings"
	"sync"
	"time"

	"github.com/moat-lang/moat/audit"
)

// junk counts messages that didn't pass the first stage, so that a flood of them costs the log a record now and then.
type junk struct {
	mu           sync.Mutex
	n            uint64
	since, until time.Time
	sample       string
}

func (j *junk) count(reason error, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.n == 0 {
		j.since = now
		text := strings.ToValidUTF8(reason.Error(), "?")
		if len(text) > audit.MaxSample {
			text = strings.ToValidUTF8(text[:audit.MaxSample], "")
		}
		j.sample = text
	}
	j.n++
	j.until = now
}

// flush writes down what was counted. What can't be written is counted again.
func (j *junk) flush(p *PEP) {
	j.mu.Lock()
	n, ev := j.n, &audit.Junk{Count: j.n, Since: j.since, Until: j.until, Sample: audit.Shown(j.sample)}
	j.n = 0
	j.mu.Unlock()
	if n == 0 {
		return
	}
	_, err := p.append(ev, time.Time{})
	if err != nil {
		j.mu.Lock()
		j.n += n
		j.mu.Unlock()
	}
}
