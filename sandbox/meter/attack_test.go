package meter

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Whatever a guest does for ever, it is stopped when its fuel is used, and has done little more than it had fuel for.
func TestS01Endless(t *testing.T) {
	tests := []struct {
		name, source string
		over         int64 // at most this much is used beyond the limit
	}{
		{"loop", "func f () ()\n loop; br 0; end", 100},
		{"loops in loops", "func f () ()\n loop; loop; loop; loop; br 3; end; end; end; end", 100},
		{"loop with br_if", "func f () ()\n loop; i32.const 1; br_if 0; end", 100},
		{"loop with br_table", "func f () ()\n loop; i32.const 7; br_table 0 0 0; end", 100},
		{"recursion through a loop's callee", "func f () ()\n loop; call 1; br 0; end\nfunc - () ()\n nop", 100},
		{"grow and fill", `memory 1 65536
func f () ()
 loop; i32.const 1; memory.grow 0; drop; i32.const 0; i32.const 7; memory.size 0; i32.const 16; i32.shl; memory.fill; br 0; end`, 1 << 23},
		{"grow that fails", "memory 1 65536\nfunc f () ()\n loop; i32.const -1; memory.grow 0; drop; br 0; end", 1 << 46},
		{"copy", "memory 16 16\nfunc f () ()\n loop; i32.const 0; i32.const 0; i32.const 1048576; memory.copy; br 0; end", 1 << 18},
		{"table.grow", "table 1 1000000\nfunc f () ()\n loop; ref.null_func; i32.const 1; table.grow 0; drop; br 0; end", 100},
		{"table.fill", "table 90000 90000\nfunc f () ()\n loop; i32.const 0; ref.null_func; i32.const 90000; table.fill 0; br 0; end", 100_000},
		{"mutual calls", "func f () ()\n loop; call 2; br 0; end\nfunc - () ()\n nop\nfunc - () ()\n call 1; call 1", 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
				const limit = 100_000
				g := newGuest(t, config, assemble(t, tt.source), limit)
				if _, err := g.call("f"); !errors.Is(err, errFuel) {
					t.Fatalf("%v", err)
				}
				if over := g.used() - limit; over < 0 || over > tt.over {
					t.Errorf("%d used beyond the limit", over)
				}
			})
		})
	}
}

// The start function doesn't run before there is fuel for it, and then ends with it.
func TestS01StartFunction(t *testing.T) {
	onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
		g := newGuest(t, config, assemble(t, "global i32 0\nfunc - () ()\n loop; global.get 0; i32.const 1; i32.add; global.set 0; br 0; end\nstart 0"), 100_000)
		if !g.meter.HasStart || g.used() != 0 {
			t.Fatalf("HasStart %v, %d used", g.meter.HasStart, g.used())
		}
		if _, err := g.call(StartFunc); !errors.Is(err, errFuel) {
			t.Fatal(err)
		}
	})
}

// An operation that is larger than what is left of the fuel isn't begun: nothing of the memory changes, and no time is spent.
func TestS01HugeOperationIsNotBegun(t *testing.T) {
	tests := []struct{ name, source string }{
		{"fill", "memory 16 16\nfunc f () (i32)\n i32.const 0; i32.const 7; i32.const 1048576; memory.fill; i32.const 1\nfunc look () (i32)\n i32.const 0; i32.load8_u"},
		{"fill 4 GiB", "memory 16 16\nfunc f () (i32)\n i32.const 0; i32.const 7; i32.const -1; memory.fill; i32.const 1\nfunc look () (i32)\n i32.const 0; i32.load8_u"},
		{"copy", "memory 16 16\ndata 9 01\nfunc f () (i32)\n i32.const 0; i32.const 9; i32.const 1048000; memory.copy; i32.const 1\nfunc look () (i32)\n i32.const 0; i32.load8_u"},
		{"grow", "memory 0 100\nfunc f () (i32)\n i32.const 90; memory.grow 0\nfunc look () (i32)\n memory.size 0"},
		{"table.grow", "table 0 100000\nfunc f () (i32)\n ref.null_func; i32.const 90000; table.grow 0\nfunc look () (i32)\n table.size 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
				g := newGuest(t, config, assemble(t, tt.source), 10_000)
				if _, err := g.call("f"); !errors.Is(err, errFuel) {
					t.Fatal(err)
				}
				if g.used() < 10_000 {
					t.Errorf("%d used: an enormous size gained fuel", g.used())
				}
				g.limit += 1 << 40
				if got, err := g.call("look"); err != nil || got[0] != 0 {
					t.Errorf("%v, %v", got, err)
				}
			})
		})
	}
}

// Recursion ends, says why, and takes a bounded amount of the host's memory, however the frames are made large.
func TestS01Recursion(t *testing.T) {
	many := func(n int, line string) string { return strings.Repeat(line, n) }
	tests := []struct{ name, source string }{
		{"no locals", "func f () ()\n call 0"},
		{"through a table", "table 1 1\nelem 0 0\nfunc f () ()\n i32.const 0; call_indirect 0 0"},
		{"two functions", "func f () ()\n call 1\nfunc - () ()\n call 0"},
		{"a leaf's neighbour", "func f () ()\n call 1; call 0\nfunc - () ()\n nop"},
		{"values across the call", "func f (i64) (i64)\n" + many(1000, "local.get 0; i64.const 3; i64.mul; local.tee 0;") + "local.get 0; call 0;" + many(1000, "i64.add;")},
		{"results across calls", "func f (i32) (i32)\n" + many(500, "local.get 0; call 0;") + many(499, "i32.add;")},
		{"locals", "func f (i64) (i64) (" + many(2000, "i64 ") + ")\n" + manyIndexed(2000, "local.get 0; i64.const %; i64.mul; local.set %;") +
			"local.get 0; call 0;" + manyIndexed(2000, "local.get %; i64.add;")},
		{"where control flow meets", "func f (i32) (i32) (" + many(50, "i32 ") + ")\n" +
			many(50, "local.get 0; if;"+manyIndexed(50, "local.get %; i32.const 3; i32.mul; local.get 0; i32.xor; local.set %;")+"end;") +
			"local.get 0; call 0;" + manyIndexed(50, "local.get %; i32.add;")},
		{"loops", "func f (i32) (i32) (" + many(100, "i32 ") + ")\n" + many(30, "loop;") +
			manyIndexed(100, "local.get %; i32.const 3; i32.mul; local.get 0; i32.xor; local.set %;") + "local.get 0; call 0; local.set 0;" +
			manyIndexed(100, "local.get %; local.get 0; i32.add; local.set 0;") +
			many(30, "local.get 0; br_if 0; end;") + "local.get 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, config := range engines {
				t.Run(name, func(t *testing.T) {
					g := newGuest(t, config(), assemble(t, tt.source), 1<<40)
					args := make([]uint64, len(g.ExportedFunction("f").Definition().ParamTypes()))
					for i := range args {
						args[i] = 1
					}
					var before, after runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&before)
					_, err := g.call("f", args...)
					runtime.ReadMemStats(&after)
					took := (after.TotalAlloc - before.TotalAlloc) >> 10
					if err == nil {
						t.Fatal("it ended")
					}
					if name == "compiler" && (g.stack() >= 0 || !strings.Contains(err.Error(), "unreachable")) {
						t.Errorf("%.100q, stack %d", err.Error(), g.stack())
					}
					t.Logf("%d KiB allocated, %d fuel", took, g.used())
					if took > maxRecursionKiB {
						t.Errorf("%d KiB allocated", took)
					}
				})
			}
		})
	}
}

// maxRecursionKiB is what recursion may allocate all in all: a stack of 8 MiB is reached by doubling, all smaller ones included.
const maxRecursionKiB = 40 << 10

// manyIndexed repeats a line with % replaced by 1 to n.
func manyIndexed(n int, line string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(line, "%", strconv.Itoa(i+1)))
	}
	return b.String()
}

// A function without loops is done to its end; so what it can do beyond the fuel is bounded by its size.
func TestS01StraightLine(t *testing.T) {
	onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
		g := newGuest(t, config, assemble(t, "func f (i32) (i32)\n"+strings.Repeat("local.get 0;i32.const 1;i32.add;local.set 0;", 250_000)+"local.get 0"), 1000)
		if _, err := g.call("f", 0); !errors.Is(err, errFuel) { // charged at once, before the first instruction
			t.Fatal(err)
		}
		if over := g.used() - 1000; over > 1_000_100 {
			t.Errorf("%d beyond the limit", over)
		}
	})
	t.Run("blocks", func(t *testing.T) {
		onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
			g := newGuest(t, config, assemble(t, "func f () ()\n"+strings.Repeat("block; i32.const 0; br_if 0; end;", 4000)), 1000)
			if _, err := g.call("f"); err != nil {
				t.Fatal(err)
			}
			if used := g.used(); used < 8000 || used > 8000+200 {
				t.Errorf("%d used", used)
			}
		})
	})
}

// A guest can't reach the meter: neither by the index of a global or function that isn't there, nor by a name.
func TestS01GuestCannotReachTheMeter(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"set the fuel", "global i64 0\nfunc f () ()\n i64.const 9; global.set 1", "global 1 doesn't exist"},
		{"get the stack", "global i64 0\nfunc f () ()\n global.get 2; drop", "global 2 doesn't exist"},
		{"call refuel", "func f () ()\n call 1", "function 1 doesn't exist"},
		{"take refuel's reference", "func f () ()\n ref.func 1; drop", "function 1 doesn't exist"},
		{"refuel in a table", "table 2 2\nelem 0 0 1\nfunc f () ()\n nop", "function 1 doesn't exist"},
		{"import refuel", "import moat:meter refuel () ()", "import from moat:meter"},
		{"export the fuel", "func moat:fuel () ()\n nop", "reserved"},
		{"export something of ours", "func moat: () ()\n nop", "reserved"},
		{"our local", "func f (i32) ()\n local.get 1; drop", "local 1 doesn't exist"},
		{"our label", "func f () ()\n br 1", "label 1 doesn't exist"},
	}
	for _, tt := range tests {
		refused(t, tt.name, assemble(t, tt.source), tt.want)
	}
}

// refused fails unless Instrument refuses a module in time, and says why.
func refused(t *testing.T, name string, wasm []byte, want string) {
	t.Helper()
	start := time.Now()
	m, err := Instrument(wasm)
	var e *Error
	if m != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
		return
	}
	if e.Offset < 0 || e.Offset > len(wasm) {
		t.Errorf("%s: offset %d of %d", name, e.Offset, len(wasm))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%s: refused after %v", name, took)
	}
}

// What a module declares is refused before anything is allocated for it.
func TestS01Declarations(t *testing.T) {
	header := "\x00asm\x01\x00\x00\x00"
	raw := func(sections ...string) []byte { return []byte(header + strings.Join(sections, "")) }
	sec := func(id byte, content string) string { return string(appendSection(nil, id, []byte(content))) }
	u := func(n uint32) string { return string(appendUnsigned(nil, n)) }
	noType, oneFunc := sec(sectionType, "\x01\x60\x00\x00"), sec(sectionFunction, "\x01\x00")
	body := func(content string) string { return sec(sectionCode, "\x01"+u(uint32(len(content)))+content) }
	tests := []struct {
		name string
		wasm []byte
		want string
	}{
		{"2^31 locals", raw(noType, oneFunc, body("\x01"+u(1<<31)+"\x7f\x0b")), "at most 50000 are allowed"},
		{"2^32-1 locals twice", raw(noType, oneFunc, body("\x02"+u(1<<32-1)+"\x7f"+u(1<<32-1)+"\x7f\x0b")), "at most 50000 are allowed"},
		{"50001 locals", raw(noType, oneFunc, body("\x02"+u(50_000)+"\x7f\x01\x7f\x0b")), "at most 50000 are allowed"},
		{"4 GiB and a page of memory", raw(sec(sectionMemory, "\x01\x00"+u(65537))), "at most 65536 are allowed"},
		{"memory of at most 2^32-1", raw(sec(sectionMemory, "\x01\x01\x00"+u(1<<32-1))), "at most 65536 are allowed"},
		{"huge table", raw(sec(sectionTable, "\x01\x70\x00"+u(1<<32-1))), "at most 100000 are allowed"},
		{"2^32-1 types", raw(sec(sectionType, u(1<<32-1))), "at most 100000 are allowed"},
		{"2^32-1 parameters", raw(sec(sectionType, "\x01\x60"+u(1<<32-1))), "at most 1000 are allowed"},
		{"2^32-1 imports", raw(sec(sectionImport, u(1<<32-1))), "at most 10000 are allowed"},
		{"2^32-1 exports", raw(sec(sectionExport, u(1<<32-1))), "at most 100000 are allowed"},
		{"90000 exports in no bytes", raw(sec(sectionExport, u(90_000))), "only 0 bytes are left"},
		{"2^32-1 globals", raw(sec(sectionGlobal, u(1<<32-1))), "at most 100000 are allowed"},
		{"2^32-1 data segments", raw(sec(sectionData, u(1<<32-1))), "at most 100000 are allowed"},
		{"2^32-1 elements", raw(sec(sectionTable, "\x01\x70\x00\x01"), sec(sectionElement, "\x01\x00\x41\x00\x0b"+u(1<<32-1))), "at most 1000000 are allowed"},
		{"br_table of 2^32-1", raw(noType, oneFunc, body("\x00\x41\x00\x0e"+u(1<<32-1)+"\x00\x0b")), "labels of a br_table"},
		{"a million blocks", raw(noType, oneFunc, body("\x00"+strings.Repeat("\x02\x40", 1_000_000)+strings.Repeat("\x0b", 1_000_001))), "more than 10000 blocks"},
		{"a body of 5 MiB", raw(noType, oneFunc, body("\x00"+strings.Repeat("\x01", 5<<20)+"\x0b")), "bytes of a body"},
		{"a module of 32 MiB and more", make([]byte, MaxModule+1), "at most 33554432 are allowed"},
		{"100000 basic blocks", assemble(t, "func f () ()\n"+strings.Repeat("block; i32.const 0; br_if 0; end;", 100_000)), "basic blocks"},
		{"all locals met in all blocks", assemble(t, "func f (i32) () ("+strings.Repeat("i32 ", 5000)+")\n"+strings.Repeat("loop;", 1000)+
			manyIndexed(5000, "local.get %; local.set %;")+strings.Repeat("local.get 0; br_if 0; end;", 1000)), "control flow"},
	}
	for _, tt := range tests {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		refused(t, tt.name, tt.wasm, tt.want)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
			t.Errorf("%s: %d MiB allocated for %d bytes", tt.name, took>>20, len(tt.wasm))
		}
	}
}

// A table can't grow beyond its cap even where the module declares no maximum, or a huge one.
func TestS01TableIsCapped(t *testing.T) {
	for _, declared := range []string{"4294967295", "100000"} {
		onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
			g := newGuest(t, config, assemble(t, "table 1 "+declared+"\nfunc f (i32) (i32)\n ref.null_func; local.get 0; table.grow 0"), 1<<40)
			if got, err := g.call("f", MaxTableElements); err != nil || int32(got[0]) != -1 {
				t.Errorf("%v, %v", got, err)
			}
			if got, err := g.call("f", MaxTableElements-1); err != nil || got[0] != 1 {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// What instantiation costs is known before it is done.
func TestS01Entry(t *testing.T) {
	m, err := Instrument(assemble(t, "memory 3 9\ntable 7 9\nglobal i32 0\nelem 0 0 0\ndata 0 00112233445566778899\nfunc f () ()\n nop"))
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(3*weightPage + 7 + 1 + weightBulk + 2 + weightBulk + 1); m.Entry != want {
		t.Errorf("%d, want %d", m.Entry, want)
	}
	if *m.Memory != (Limits{Min: 3, Max: 9}) || len(m.Tables) != 1 || m.Tables[0] != (Limits{Min: 7, Max: 9}) {
		t.Errorf("%v, %v", m.Memory, m.Tables)
	}
}

// The host decides at every slice whether to go on, so a deadline is honoured without help of the engine, also in recursion.
func TestS01Deadline(t *testing.T) {
	for _, source := range []string{"func f () ()\n loop; br 0; end", "func f () ()\n call 1; call 1; call 0\nfunc - () () (i32)\n i32.const 100000; local.set 0; loop; local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0; end"} {
		onEngines(t, func(t *testing.T, config wazero.RuntimeConfig) {
			wasm := assemble(t, source)
			m, err := Instrument(wasm)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			r := wazero.NewRuntimeWithConfig(ctx, config)
			defer r.Close(context.Background())
			addRefuel(t, r, func(ctx context.Context, m api.Module) {
				if err := ctx.Err(); err != nil {
					panic(err)
				}
				m.ExportedGlobal(FuelGlobal).(api.MutableGlobal).Set(100_000)
			})
			mod, err := r.Instantiate(ctx, m.Wasm)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := mod.ExportedFunction("f").Call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("stopped after %v", took)
			}
		})
	}
}

// S01: a few bytes that make a compiler keep thousands of values each are refused, and one that stays below the bound compiles soon.
func TestS01ManyValues(t *testing.T) {
	types := func(n int) string { return strings.TrimSpace(strings.Repeat("i64 ", n)) }
	calls := func(n int) string {
		return "func _start () ()\n" + strings.Repeat("call 1\n", n) + "unreachable\nfunc - () (" + types(1000) + ")\nunreachable"
	}
	branches := func(n int) string { // each takes a thousand values back to the head of a loop
		return "func - (" + types(1000) + ") ()\nfunc _start () () (i32)\n" + strings.Repeat("i64.const 0\n", 1000) + "loop 0\n" + strings.Repeat("local.get 0\nbr_if 0\n", n) + "end"
	}
	for name, c := range map[string]struct {
		source  string
		refused bool
	}{
		"calls": {calls(1500), true}, "fewer calls": {calls(9), false}, "branches": {branches(1500), true},
		"labels":            {"func _start () () (i32)\nloop\nlocal.get 0\nbr_table" + strings.Repeat(" 0", 100_001) + "\nend", true},
		"fewer labels":      {"func _start () () (i32)\nloop\nlocal.get 0\nbr_table" + strings.Repeat(" 0", 50_000) + "\nend", false},
		"labels apart":      {"func _start () () (i32)\n" + strings.Repeat("loop\nlocal.get 0\nbr_table"+strings.Repeat(" 0", 1000)+"\nend\n", 101), true},
		"operands":          {"func _start () ()\n" + strings.Repeat("i32.const 0\n", 10_001) + "unreachable", true},
		"fewer operands":    {"func _start () ()\n" + strings.Repeat("i32.const 0\n", 10_000) + "unreachable", false},
		"operands of calls": {"func _start () ()\n" + strings.Repeat("call 1\n", 2501) + "unreachable\nfunc - () (" + types(4) + ")\nunreachable", true},
		"functions":         {strings.Repeat("func - () ("+types(1000)+")\nunreachable\n", 600), true},
	} {
		_, err := Instrument(assemble(t, c.source))
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "are taken along") && !strings.Contains(err.Error(), "labels in this function") && !strings.Contains(err.Error(), "operands wait") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
