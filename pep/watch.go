package pep

import (
	"context"
	"time"
)

// Watch reads the policy again every so often, until ctx ends, and puts it in force when it means something else. A policy that doesn't check, or
// a change that can't be written down, is told to report, once for each different message, and the old policy stays in force. every is at least a
// second. Reading is cheap beside what it may find: there is no other way to see every kind of change on every kind of file system.
func (p *PEP) Watch(ctx context.Context, every time.Duration, report func(error)) {
	tick := time.NewTicker(max(every, time.Second))
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.stop:
			return
		case <-tick.C:
		}
		err := p.Reload()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != told && err != nil {
			report(err)
		}
		told = text
	}
}
