package meter

import (
	"context"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// engines are those that the tests run on.
var engines = map[string]func() wazero.RuntimeConfig{
	"interpreter": wazero.NewRuntimeConfigInterpreter,
	"compiler":    wazero.NewRuntimeConfigCompiler,
}

var errFuel = errors.New("out of fuel")

// A guest is an instrumented instance, with fuel that is given in slices up to a limit.
type guest struct {
	api.Module
	meter        *Module
	given, limit int64
	runtime      wazero.Runtime
}

const slice = 1000

// newGuest instantiates a module in a runtime of its own, as a host would: the original is compiled first.
func newGuest(t testing.TB, config wazero.RuntimeConfig, wasm []byte, limit int64) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config.WithMemoryLimitPages(1024))
	t.Cleanup(func() { r.Close(ctx) })
	g := &guest{limit: limit, runtime: r}
	addRefuel(t, r, g.refuel)
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(func(n uint32) uint32 { return n + 1 }).Export("next").Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	original, err := r.CompileModule(ctx, wasm)
	if err != nil {
		t.Fatalf("the original: %v", err)
	}
	original.Close(ctx)
	if g.meter, err = Instrument(wasm); err != nil {
		t.Fatal(err)
	}
	if g.Module, err = r.InstantiateWithConfig(ctx, g.meter.Wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions()); err != nil {
		t.Fatalf("instrumented: %v", err)
	}
	return g
}

func (g *guest) refuel(_ context.Context, m api.Module) {
	fuel := m.ExportedGlobal(FuelGlobal).(api.MutableGlobal)
	left := int64(fuel.Get())
	for left < 0 && g.given < g.limit {
		left += slice
		g.given += slice
	}
	fuel.Set(uint64(left))
	if left < 0 {
		panic(errFuel)
	}
}

// used returns how much fuel has been used so far.
func (g *guest) used() int64 { return g.given - int64(g.ExportedGlobal(FuelGlobal).Get()) }

func (g *guest) stack() int32 { return int32(g.ExportedGlobal(StackGlobal).Get()) }

func (g *guest) call(name string, args ...uint64) ([]uint64, error) {
	return g.ExportedFunction(name).Call(context.Background(), args...)
}

// onEngines runs a test on both engines.
func onEngines(t *testing.T, test func(t *testing.T, config wazero.RuntimeConfig)) {
	for name, config := range engines {
		t.Run(name, func(t *testing.T) { test(t, config()) })
	}
}
