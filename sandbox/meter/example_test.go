package meter_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/moat-lang/moat/sandbox/meter"
)

// A host that gives 10 slices of 1,000 to a module which loops for ever.
func Example() {
	module := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x04\x01\x60\x00\x00" + // type: () -> ()
		"\x03\x02\x01\x00" + // function 0 has it
		"\x07\x05\x01\x01f\x00\x00" + // and is exported as f
		"\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b") // loop; br 0; end
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)

	metered, err := meter.Instrument(module)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := r.CompileModule(ctx, module); err != nil { // the original has to be valid
		fmt.Println(err)
		return
	}
	slices := 10
	refuel := func(_ context.Context, m api.Module) {
		fuel := m.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
		for int64(fuel.Get()) < 0 {
			if slices == 0 {
				panic(errors.New("out of fuel"))
			}
			slices--
			fuel.Set(fuel.Get() + 1000)
		}
	}
	if _, err := r.NewHostModuleBuilder(meter.MeterModule).NewFunctionBuilder().WithFunc(refuel).Export(meter.RefuelFunc).Instantiate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	guest, err := r.InstantiateWithConfig(ctx, metered.Wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = guest.ExportedFunction("f").Call(ctx)
	fmt.Println(errors.Unwrap(err), slices)
	// Output: out of fuel 0
}
