package meter

import (
	"context"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// BenchmarkOverhead runs functions on the compiler before and after, in turns, and reports how much longer the instrumented ones
// take; 1 is as long.
func BenchmarkOverhead(b *testing.B) {
	benchmarks := []struct {
		name, source string
		args         []uint64
	}{
		{"fibonacci", "func f (i32) (i32)\n local.get 0; i32.const 2; i32.lt_u; if; local.get 0; return; end; local.get 0; i32.const 1; i32.sub; call 0; local.get 0; i32.const 2; i32.sub; call 0; i32.add", []uint64{27}},
		{"sieve", `memory 16 16
func f (i32) (i32) (i32 i32 i32)
 i32.const 2; local.set 1
 loop
  local.get 1; i32.load8_u; i32.eqz
  if
   local.get 3; i32.const 1; i32.add; local.set 3
   local.get 1; local.set 2
   loop; local.get 2; i32.const 1; i32.store8; local.get 2; local.get 1; i32.add; local.tee 2; local.get 0; i32.lt_u; br_if 0; end
  end
  local.get 1; i32.const 1; i32.add; local.tee 1; local.get 0; i32.lt_u; br_if 0
 end
 i32.const 0; i32.const 0; local.get 0; memory.fill; local.get 3`, []uint64{1 << 20}},
		{"hash", `memory 16 16
func f (i32) (i32) (i32 i32)
 loop
  local.get 2; local.get 1; i32.load; i32.xor; i32.const 16777619; i32.mul; i32.const 13; i32.rotl
  local.get 1; i32.load 4; i32.xor; i32.const 16777619; i32.mul; i32.const 7; i32.rotl
  local.get 1; i32.load 8; i32.add; i32.const 5; i32.rotl; local.set 2
  local.get 1; i32.const 12; i32.add; local.tee 1; local.get 0; i32.lt_u; br_if 0
 end
 local.get 2`, []uint64{1<<20 - 16}},
		{"floats", `func f (i32) (f64) (f64 f64 f64)
 f64.const 0.3; local.set 1
 loop
  local.get 1; local.get 1; f64.mul; local.get 2; local.get 2; f64.mul; f64.sub; f64.const -0.7; f64.add; local.set 3
  local.get 1; local.get 2; f64.mul; f64.const 2; f64.mul; f64.const 0.27015; f64.add; local.set 2
  local.get 3; local.set 1
  local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0
 end
 local.get 1`, []uint64{1 << 20}},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			ctx := context.Background()
			wasm := assemble(b, bm.source)
			g := newGuest(b, wazero.NewRuntimeConfigCompiler(), wasm, 1<<60)
			plain, err := g.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName("plain"))
			if err != nil {
				b.Fatal(err)
			}
			time1 := func(f api.Function) time.Duration {
				start := time.Now()
				if _, err := f.Call(ctx, bm.args...); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			g.ExportedGlobal(FuelGlobal).(api.MutableGlobal).Set(1 << 60)
			var before, after time.Duration
			for b.Loop() {
				before += time1(plain.ExportedFunction("f"))
				after += time1(g.ExportedFunction("f"))
			}
			b.ReportMetric(float64(after)/float64(before), "times")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkInstrument reports how fast a module is rewritten.
func BenchmarkInstrument(b *testing.B) {
	wasm := assemble(b, randomModule(7))
	b.SetBytes(int64(len(wasm)))
	for b.Loop() {
		m, err := Instrument(wasm)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(m.Wasm))/float64(len(wasm)), "times-the-size")
	}
}
