package relay

import (
	"context"
	"runtime"
	"sync"
	"testing"
)

// Whoever goes away just as its turn comes passes it on.
func TestConcurrentLane(t *testing.T) {
	for range 2000 {
		var l lane
		if err := l.enter(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		all.Go(func() {
			if l.enter(ctx, 1) == nil {
				l.leave()
			}
		})
		for waiting := 0; waiting == 0; runtime.Gosched() {
			l.mu.Lock()
			waiting = len(l.waiting)
			l.mu.Unlock()
		}
		all.Go(cancel)
		all.Go(l.leave)
		all.Wait()
		if l.taken || len(l.waiting) > 0 {
			t.Fatalf("taken %t, %d wait, and nobody is there", l.taken, len(l.waiting))
		}
	}
}
