package sandbox_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/moat-lang/moat/internal/wasmtext"
	"github.com/moat-lang/moat/sandbox"
)

// counting is a module that counts in memory up to a number.
const counting = "memory 1 1\nfunc _start () ()\nloop\ni32.const 0\ni32.const 0\ni32.load\ni32.const 1\ni32.add\ni32.store\ni32.const 0\ni32.load\ni32.const N\ni32.lt_s\nbr_if 0\nend"

// BenchmarkRun is one run, beside the same module on wazero without bounds: short is what beginning and ending costs, long what counting costs.
func BenchmarkRun(b *testing.B) {
	ctx := context.Background()
	for name, n := range map[string]string{"short": "1", "long": "1000000"} {
		source := strings.Replace(counting, "i32.const N", "i32.const "+n, 1)
		b.Run(name+"/wazero", func(b *testing.B) {
			rt := wazero.NewRuntime(ctx)
			defer rt.Close(ctx)
			wasi_snapshot_preview1.MustInstantiate(ctx, rt)
			m, err := rt.CompileModule(ctx, wasmtext.Assemble(b, source))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				mod, err := rt.InstantiateModule(ctx, m, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					b.Fatal(err)
				}
				_ = mod.Close(ctx)
			}
		})
		b.Run(name+"/sandbox", func(b *testing.B) {
			m := compile(b, engine(b), source)
			b.ReportAllocs()
			for b.Loop() {
				if res := m.Run(ctx, sandbox.Config{Limits: enough}); res.Outcome != sandbox.OK {
					b.Fatal(res)
				}
			}
		})
	}
}
