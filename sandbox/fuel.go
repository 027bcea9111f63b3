package sandbox

import (
	"context"
	"errors"
	"fmt"
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

// refill gives code its next slice, or says that there is none.
func (t *tank) refill() {
	left := t.left()
	n := min(max(left, 0), slice)
	t.rest = left - n
	t.given.Set(api.EncodeI64(n))
	if left < 0 {
		t.stop(OutOfFuel)
	}
}

// stop says why the run ends. The first reason stays.
func (t *tank) stop(why Outcome) {
	if t.stopped == "" {
		t.stopped = why
	}
}

// take takes fuel for what the host is about to do, and reports whether it may be done.
func (t *tank) take(n int64) bool {
	if left := t.left(); n < 0 || n > left { // how much too much makes no difference
		n = left + 1
	}
	t.rest -= n
	if t.rest < 0 && t.given != nil { // what code has been given is all that there is
		t.given.Set(api.EncodeI64(t.left()))
		t.rest = 0
	}
	if t.left() < 0 {
		t.stop(OutOfFuel)
	}
	return t.stopped == ""
}

// charge takes fuel in a function of the host that code has called, and ends the run there where there isn't enough.
func (t *tank) charge(n int64) {
	t.take(n)
	t.check()
}

var errStopped = errors.New("sandbox: the run is stopped")

// chargeBytes is charge for packages that are told by an error that nothing may be done any more: a unit of fuel for each byte.
func (t *tank) chargeBytes(n int64) error {
	if !t.take(n) || t.ctx.Err() != nil {
		return errStopped
	}
	return nil
}

// Charge is what an [egress.Client] that code uses charges with: a unit of fuel for each byte. Without a run that the context belongs to nothing is moved.
func Charge(ctx context.Context, bytes int64) error {
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return errStopped
	}
	return r.chargeBytes(bytes)
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

// hosted calls a function of the host for code. A panic that isn't how a run ends is the host's defect, and ends it too.
func (r *run) hosted(call func()) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *sys.ExitError:
			panic(p)
		default:
			if p == errBounds {
				panic(p)
			}
			r.defect = fmt.Errorf("%.200q", fmt.Sprint(p))
			r.stop(Defect)
			panic(sys.NewExitError(stoppedCode))
		}
	}()
	call()
}

// errBounds traps, as WebAssembly's own access to such an address would.
var errBounds any = errors.New("out of bounds memory access")

// stoppedCode is the exit code that ends a run from inside. Whoever looks at it asks the tank why.
const stoppedCode = math.MaxUint32 - 1

// exportMeter makes the module that metered code gets its fuel from.
func (e *Engine) exportMeter(ctx context.Context) error {
	refuel := func(ctx context.Context, _ api.Module, _ []uint64) {
		r := running(ctx)
		r.refill()
		r.check()
	}
	_, err := e.runtime.NewHostModuleBuilder(meter.MeterModule).NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(refuel), nil, nil).Export(meter.RefuelFunc).Instantiate(ctx)
	return err
}
