package meter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// FuzzInstrument gives arbitrary bytes: what wazero accepts must be accepted instrumented, or be refused by an error.
func FuzzInstrument(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(specDir(f), "v2", "testdata", "[a-r]*.0.wasm"))
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(wasm) < 4000 {
			f.Add(wasm)
		}
	}
	for seed := range uint64(10) {
		f.Add(assemble(f, randomModule(seed)))
	}
	ctx := context.Background()
	config := wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(16)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		original := bytes.Clone(wasm)
		m, err := Instrument(wasm)
		if !bytes.Equal(original, wasm) {
			t.Fatal("the module has been changed")
		}
		if err != nil {
			var e *Error
			if m != nil || !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(wasm) || len(err.Error()) > 1000 {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		if len(m.Wasm) > MaxGrowth*len(wasm)+200 {
			t.Fatalf("%d bytes became %d", len(wasm), len(m.Wasm))
		}
		r := wazero.NewRuntimeWithConfig(ctx, config)
		defer r.Close(ctx)
		if _, err := r.CompileModule(ctx, wasm); err != nil {
			return
		}
		if _, err := r.CompileModule(ctx, m.Wasm); err != nil {
			t.Fatalf("wazero accepts %x, but not %x: %v", wasm, m.Wasm, err)
		}
	})
}

// TestDifferential runs random functions before and after, on the interpreter: they return the same, or trap the same.
func TestDifferential(t *testing.T) {
	n := uint64(400)
	if testing.Short() {
		n = 50
	}
	ctx := context.Background()
	traps := 0
	for seed := range n {
		source := randomModule(seed)
		wasm := assemble(t, source)
		g := newGuest(t, wazero.NewRuntimeConfigInterpreter(), wasm, 1<<40)
		plain, err := g.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName("plain"))
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		for _, arg := range []uint64{0, 1, 2, 77, 1<<32 - 1} {
			want, wantErr := plain.ExportedFunction("f").Call(ctx, arg, 1<<63|arg)
			got, err := g.call("f", arg, 1<<63|arg)
			if (err == nil) != (wantErr == nil) || fmt.Sprint(got) != fmt.Sprint(want) || firstLine(err) != firstLine(wantErr) {
				t.Fatalf("%s\n%d: %v, %v, want %v, %v", source, arg, got, err, want, wantErr)
			}
			if err != nil {
				traps++
				restack(g.Module)
			} else if g.stack() != StackBudget {
				t.Fatalf("%s\n%d: the stack is %d after a return", source, arg, g.stack())
			}
		}
		g.runtime.Close(ctx)
	}
	t.Logf("%d calls, %d traps", n*5, traps)
}

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// randomModule returns the source of a module whose functions end: loops count down, and calls go to later functions only. All
// locals and operands are i32, but the second parameter is an i64 that goes through floats.
func randomModule(seed uint64) string {
	g := generator{Rand: rand.New(rand.NewPCG(seed, 2))}
	g.WriteString("memory 1 2\ntable 4 9\nelem 0 1 2\n")
	for i := range 3 {
		g.function = i
		name := [...]string{"f", "-", "-"}[i]
		fmt.Fprintf(&g, "func %s (i32 i64) (i32 i32) (i32 i32 i32 i32)\n", name)
		g.labels, g.counters = 0, 4
		g.statements(4)
		g.expression(3)
		g.expression(3)
	}
	return g.String()
}

type generator struct {
	*rand.Rand
	strings.Builder
	function, labels, counters int // counters: the next local that no loop uses
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(g, format+";", args...) }

// expression leaves one i32.
func (g *generator) expression(depth int) {
	if depth == 0 {
		if g.IntN(2) == 0 {
			g.line("local.get %d", []int{0, 2, 3}[g.IntN(3)])
		} else {
			g.line("i32.const %d", g.IntN(20)-5)
		}
		return
	}
	switch g.IntN(9) {
	case 0, 1, 2:
		g.expression(depth - 1)
		g.expression(depth - 1)
		g.line("%s", []string{"i32.add", "i32.sub", "i32.mul", "i32.xor", "i32.lt_s", "i32.rotl", "i32.const 1;i32.or;i32.div_u", "i32.const 1;i32.or;i32.rem_u", "i32.div_s"}[g.IntN(161)/20])
	case 3:
		g.expression(depth - 1)
		g.line("if i32")
		g.labels++
		g.expression(depth - 1)
		g.line("else")
		g.expression(depth - 1)
		g.labels--
		g.line("end")
	case 4:
		g.line("local.get 1;f64.reinterpret_i64;f64.abs;f64.sqrt;i32.trunc_sat_f64_s")
	case 5:
		g.expression(depth - 1)
		g.line("i32.const 1023;i32.and;i32.load")
	case 6:
		if g.function == 2 {
			g.line("memory.size 0")
			return
		}
		g.expression(depth - 1)
		g.line("local.get 1;call %d;%s", g.function+1, []string{"i32.sub", "drop"}[g.IntN(2)])
	case 7:
		g.line("block i32")
		g.labels++
		g.expression(depth - 1)
		g.expression(depth - 1)
		g.line("br_if 0")
		g.labels--
		g.line("end")
	default:
		g.expression(depth - 1)
		g.line("local.tee %d", g.IntN(2)+2)
	}
}

func (g *generator) statements(n int) {
	for range n {
		switch g.IntN(9) {
		case 0, 1:
			g.expression(3)
			g.line("local.set %d", []int{0, 2, 3}[g.IntN(3)])
		case 2:
			g.line("i32.const %d", g.IntN(900))
			g.expression(2)
			g.line("i32.store")
		case 3:
			if g.counters == 6 {
				break
			}
			counter := g.counters
			g.counters++
			g.line("i32.const %d;local.set %d;loop", g.IntN(6)+1, counter)
			g.labels++
			g.statements(n - 1)
			g.labels--
			g.line("local.get %d;i32.const 1;i32.sub;local.tee %d;br_if 0;end", counter, counter)
			g.counters--
		case 4:
			g.line("block;block")
			g.labels += 2
			g.statements(n - 1)
			g.expression(2)
			g.line("br_table 0 1 0")
			g.labels -= 2
			g.line("end")
			g.labels++
			g.statements(n - 2)
			g.labels--
			g.line("end")
		case 5:
			g.expression(2)
			g.line("if")
			g.labels++
			g.statements(n - 1)
			if g.IntN(3) == 0 {
				g.line("i32.const 7;i32.const 8;return")
			}
			g.labels--
			g.line("end")
		case 6:
			g.line("i32.const %d;i32.const 5;i32.const %d;memory.fill", g.IntN(900), g.IntN(100))
		case 7:
			if g.function == 0 {
				g.expression(1)
				g.line("local.get 1;i32.const %d;call_indirect 0 0;drop;drop", g.IntN(3)%2)
			}
		default:
			g.line("ref.null_func;i32.const %d;table.grow 0;drop", g.IntN(3))
		}
	}
}
