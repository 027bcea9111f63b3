package sandbox

import (
	"context"
	"math"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/moat-lang/moat/sandbox/meter"
)

// slice is how much fuel code gets at a time. At its end the host looks whether the time is over: some milliseconds.
const slice = 5_000_000

// A tank is the fuel of a run. What is left is in two parts, of which code counts down the smaller one by itself.
type tank struct {
	rest    int64             // that code hasn't been given
	given   api.MutableGlobal // what is left of what it has been given; nil before it is there
	ctx     context.Context   // ends when the time is over
	stopped Outcome           // why the run was stopped; empty while it goes on
}

// left is how much there is, below zero when more was used up.
func (t *tank) left() int64 {
	if t.given == nil {
		return t.rest
	}
	return t.rest + int64(t.given.Get())
}

// refill gives code its next slice, or stops the run.
func (t *tank) refill() {
	left := t.left()
	n := min(max(left, 0), slice)
	t.rest = left - n
	t.given.Set(api.EncodeI64(n))
	switch {
	case left < 0:
		t.stop(OutOfFuel)
	case t.ctx.Err() != nil:
		t.stop(OutOfTime)
	}
}

// stop says why the run ends. The first reason stays.
func (t *tank) stop(why Outcome) {
	if t.stopped == "" {
		t.stopped = why
	}
}

// charge takes fuel for what the host is about to do.
func (t *tank) charge(n int64) {
	switch {
	case n < 0 || n > math.MaxInt64/4:
		n = math.MaxInt64 / 4
	case t.left() < n: // how much less makes no difference
		n = t.left() + 1
	}
	t.rest -= n
	if t.rest < 0 && t.given != nil { // what code has been given is all that there is
		t.given.Set(api.EncodeI64(t.left()))
		t.rest = 0
	}
	if t.left() < 0 {
		t.stop(OutOfFuel)
	}
	t.check()
}

// check ends the run where it was stopped, in the middle of a function of the host: what follows in it isn't done.
func (t *tank) check() {
	if t.stopped == "" && t.ctx.Err() != nil {
		t.stop(OutOfTime)
	}
	if t.stopped != "" {
		panic(sys.NewExitError(stoppedCode))
	}
}

// stoppedCode is the exit code that ends a run from inside. Whoever looks at it asks the tank why.
const stoppedCode = math.MaxUint32 - 1

// exportMeter makes the module that metered code gets its fuel from.
func (e *Engine) exportMeter(ctx context.Context) error {
	refuel := func(ctx context.Context, _ api.Module, _ []uint64) {
		r := running(ctx)
		r.refill()
		r.check()
	}
	_, err := e.runtime.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(refuel), nil, nil).Export(meter.RefuelFunc).Instantiate(ctx)
	return err
}
