package pep

import (
	"math"
	"math/rand"
	"testing"
)

// A window agrees with a set of all numbers that were used, but for those too far behind, which it calls used.
func TestWindowIsASet(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		var w window
		seen := map[uint64]bool{0: true}
		n := uint64(r.Intn(3))
		for range 4000 {
			switch r.Intn(20) {
			case 0:
				n += uint64(r.Intn(5000))
			case 1:
				n -= min(n, uint64(r.Intn(2000)))
			default:
				n += uint64(r.Intn(4))
			}
			want := seen[n] || w.top >= n && w.top-n >= windowSize
			if got := w.used(n); got != want {
				t.Fatalf("seed %d: used(%d) is %t with the top at %d", seed, n, got, w.top)
			}
			if !want {
				w.use(n)
				seen[n] = true
			}
			back, ok := decodeWindow(w.encode())
			if !ok || back != w {
				t.Fatalf("seed %d: the encoding doesn't give the window back", seed)
			}
		}
	}
}

func TestWindowAtTheEnd(t *testing.T) {
	var w window
	w.use(1)
	w.use(math.MaxUint64)
	for _, n := range []uint64{0, 1, 2, math.MaxUint64, math.MaxUint64 - windowSize} {
		if !w.used(n) {
			t.Errorf("%d is free", n)
		}
	}
	if n := uint64(math.MaxUint64 - 1); w.used(n) {
		t.Errorf("%d is used", n)
	}
	if _, ok := decodeWindow(w.encode()[1:]); ok {
		t.Error("short bytes make a window")
	}
}
