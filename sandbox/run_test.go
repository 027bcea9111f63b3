package sandbox_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moat-lang/moat/internal/wasmtext"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/files"
)

// enough is more than any module here needs that ends.
var enough = sandbox.Limits{Fuel: 100_000_000, Memory: 16 << 20, Timeout: time.Minute}

func engine(t testing.TB) *sandbox.Engine {
	t.Helper()
	e, err := sandbox.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func compile(t testing.TB, e *sandbox.Engine, source string) *sandbox.Module {
	t.Helper()
	m, err := e.Compile(context.Background(), wasmtext.Assemble(t, source))
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return m
}

func run(t testing.TB, source string, cfg sandbox.Config) sandbox.Result {
	t.Helper()
	return compile(t, engine(t), source).Run(context.Background(), cfg)
}

// wasi is a module whose _start calls a function of WASI with these arguments, and exits with what it returns.
func wasi(name, params string, args ...int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "import wasi_snapshot_preview1 %s (%s) (i32)\nimport wasi_snapshot_preview1 proc_exit (i32) ()\nmemory 256 256\nfunc _start () ()\n", name, params)
	for i, kind := range strings.Fields(params) {
		fmt.Fprintf(&b, "%s.const %d\n", kind, args[i])
	}
	return b.String() + "call 0\ncall 1\n"
}

// Nothing runs that wasn't given anything.
func TestZeroConfig(t *testing.T) {
	const source = "func _start () ()"
	for name, change := range map[string]func(*sandbox.Limits){
		"nothing":   func(l *sandbox.Limits) { *l = sandbox.Limits{} },
		"no fuel":   func(l *sandbox.Limits) { l.Fuel = 0 },
		"no memory": func(l *sandbox.Limits) { l.Memory = 0 },
		"no time":   func(l *sandbox.Limits) { l.Timeout = 0 },
		"less time": func(l *sandbox.Limits) { l.Timeout = -1 },
	} {
		limits := enough
		change(&limits)
		if res := run(t, source, sandbox.Config{Limits: limits}); res.Outcome != sandbox.Refused || res.Err == nil {
			t.Errorf("%s: %+v", name, res)
		}
	}
	if res := run(t, source, sandbox.Config{Limits: enough}); res.Outcome != sandbox.OK || res.Err != nil || res.Fuel == 0 {
		t.Errorf("%+v", res)
	}
}

// S01: however code goes on without end or asks for more than there is, it is stopped by the bound that it meets.
func TestS01Bounds(t *testing.T) {
	short := enough
	short.Fuel, short.Timeout = 1<<60, 100*time.Millisecond
	for name, c := range map[string]struct {
		source string
		limits sandbox.Limits
		want   sandbox.Outcome
	}{
		"a loop":                   {"func _start () ()\nloop\nbr 0\nend", enough, sandbox.OutOfFuel},
		"a loop, by time":          {"func _start () ()\nloop\nbr 0\nend", short, sandbox.OutOfTime},
		"recursion":                {"func _start () ()\ncall 0", enough, sandbox.OutOfStack},
		"recursion with locals":    {"func _start () () (i64 i64 i64 i64 i64 i64 i64 i64)\ncall 0", enough, sandbox.OutOfStack},
		"recursion by a table":     {"table 1 1\nelem 0 0\nfunc _start () ()\ni32.const 0\ncall_indirect 0 0", enough, sandbox.OutOfStack},
		"recursion of little fuel": {"func _start () ()\ncall 0", sandbox.Limits{Fuel: 1000, Memory: 1 << 20, Timeout: time.Minute}, sandbox.OutOfFuel},
		"a tree of calls, by time": {"func _start () ()\nloop\ncall 1\nbr 0\nend\nfunc - () ()\ncall 2\ncall 2\nfunc - () ()\ncall 3\ncall 3\nfunc - () ()", short, sandbox.OutOfTime},
		"a start function":         {"start 0\nfunc - () ()\nloop\nbr 0\nend\nfunc _start () ()", enough, sandbox.OutOfFuel},
		"a memory that grows":      {"memory 1 65536\nfunc _start () ()\nloop\ni32.const 1\nmemory.grow 0\ndrop\nbr 0\nend", enough, sandbox.OutOfFuel},
		"a memory that is filled":  {"memory 200 200\nfunc _start () ()\nloop\ni32.const 0\ni32.const 0\ni32.const 13107200\nmemory.fill\nbr 0\nend", enough, sandbox.OutOfFuel},
		"a large memory":           {"memory 65536 65536\nfunc _start () ()", enough, sandbox.OutOfSpace},
		"a memory past the limit":  {"memory 257 65536\nfunc _start () ()", enough, sandbox.OutOfSpace},
		"a memory up to the limit": {"memory 256 65536\nfunc _start () ()", enough, sandbox.OK},
		"a trap":                   {"func _start () ()\nunreachable", enough, sandbox.Trapped},
		"a trap in a start":        {"start 0\nfunc - () ()\nunreachable\nfunc _start () ()", enough, sandbox.Trapped},
		"a division":               {"func _start () ()\ni32.const 1\ni32.const 0\ni32.div_s\ndrop", enough, sandbox.Trapped},
		"random numbers":           {"import wasi_snapshot_preview1 random_get (i32 i32) (i32)\nmemory 256 256\nfunc _start () ()\nloop\ni32.const 0\ni32.const 16777216\ncall 0\ndrop\nbr 0\nend", enough, sandbox.OutOfFuel},
		"yielding":                 {"import wasi_snapshot_preview1 sched_yield () (i32)\nfunc _start () ()\nloop\ncall 0\ndrop\nbr 0\nend", enough, sandbox.OutOfFuel},
		"yielding, by time":        {"import wasi_snapshot_preview1 sched_yield () (i32)\nfunc _start () ()\nloop\ncall 0\ndrop\nbr 0\nend", short, sandbox.OutOfTime},
	} {
		res := run(t, c.source, sandbox.Config{Limits: c.limits})
		if res.Outcome != c.want || (res.Err == nil) != (c.want == sandbox.OK) || res.Fuel > c.limits.Fuel || res.Memory > c.limits.Memory {
			t.Errorf("%s: %+v", name, res)
		}
		if res.Outcome == sandbox.OutOfFuel && res.Fuel != c.limits.Fuel {
			t.Errorf("%s: out of fuel after %d of %d", name, res.Fuel, c.limits.Fuel)
		}
	}
}

// Memory that can't grow is told to the code, which goes on.
func TestMemoryLimit(t *testing.T) {
	// It grows by a page until that fails, and exits with the number of pages.
	const source = "import wasi_snapshot_preview1 proc_exit (i32) ()\nmemory 1 65536\nfunc _start () ()\nloop\ni32.const 1\nmemory.grow 0\ni32.const -1\ni32.ne\nbr_if 0\nend\nmemory.size 0\ncall 0"
	limits := enough
	limits.Memory = 5*65536 + 1
	if res := run(t, source, sandbox.Config{Limits: limits}); res.Outcome != sandbox.Exited || res.Code != 5 || res.Memory != 5*65536 {
		t.Errorf("%+v", res)
	}
}

// S01: what code tells the host is bounded before the host does anything with it. An exit code is the error that WASI answers with.
func TestS01HostArguments(t *testing.T) {
	const huge = 1 << 28
	for name, c := range map[string]struct {
		source string
		want   uint32
	}{
		"buffers to write":      {wasi("fd_write", "i32 i32 i32 i32", 1, 0, huge, 0), 28},
		"no buffers":            {wasi("fd_write", "i32 i32 i32 i32", 1, 0, 0, 0), 0},
		"buffers to read":       {wasi("fd_read", "i32 i32 i32 i32", 0, 0, huge, 0), 28},
		"buffers at a place":    {wasi("fd_pread", "i32 i32 i32 i64 i32", 3, 0, huge, 0, 0), 28},
		"subscriptions":         {wasi("poll_oneoff", "i32 i32 i32 i32", 0, 0, huge, 0), 28}, // times 48 it is 0 in 32 bits
		"a path":                {wasi("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32", 3, 0, 0, huge, 0, 0, 0, 0, 0), 37},
		"a second path":         {wasi("path_rename", "i32 i32 i32 i32 i32 i32", 3, 0, 1, 3, 0, huge), 37},
		"the number of a file":  {wasi("fd_renumber", "i32 i32", 1, 1<<31-1), 8},
		"a higher number":       {wasi("fd_renumber", "i32 i32", 1, sandbox.MaxHandle+1), 8},
		"no file of the number": {wasi("fd_renumber", "i32 i32", 9, 10), 8},
		"no directory":          {wasi("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32", 3, 0, 0, 1, 0, 0, 0, 0, 0), 8},
		"a socket":              {wasi("sock_accept", "i32 i32 i32", 3, 0, 0), 8},
	} {
		res := run(t, c.source, sandbox.Config{Limits: enough})
		if res.Code != c.want || res.Outcome != sandbox.Exited && res.Outcome != sandbox.OK {
			t.Errorf("%s: %+v", name, res)
		}
	}
	// Addresses out of bounds, and a function that needs a memory without one, are the code's own trouble.
	for name, source := range map[string]string{
		"an address": wasi("random_get", "i32 i32", 1<<24-1, 100),
		"no memory":  "import wasi_snapshot_preview1 random_get (i32 i32) (i32)\nfunc _start () ()\ni32.const 0\ni32.const 8\ncall 0\ndrop",
	} {
		if res := run(t, source, sandbox.Config{Limits: enough}); res.Outcome == sandbox.OK || res.Outcome == sandbox.Defect {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// What the host does is charged for by how much it is.
func TestHostFuel(t *testing.T) {
	fuel := func(n int64) uint64 {
		res := run(t, wasi("random_get", "i32 i32", 0, n), sandbox.Config{Limits: enough})
		if res.Outcome != sandbox.OK {
			t.Fatalf("%+v", res)
		}
		return res.Fuel
	}
	if a, b := fuel(0), fuel(1_000_000); b != a+1_000_000 {
		t.Errorf("%d for nothing, %d for a million bytes", a, b)
	}
	limits := enough
	limits.Fuel = 1_000_000
	var out bytes.Buffer
	// Half a million bytes, over and over.
	hello := "import wasi_snapshot_preview1 fd_write (i32 i32 i32 i32) (i32)\nmemory 16 16\ndata 0 " + hex.EncodeToString([]byte{8, 0, 0, 0, 0, 0, 8, 0}) + "\nfunc _start () ()\nloop\ni32.const 1\ni32.const 0\ni32.const 1\ni32.const 100\ncall 0\ndrop\nbr 0\nend"
	res := run(t, hello, sandbox.Config{Limits: limits, Given: sandbox.Given{Stdout: &out}})
	if res.Outcome != sandbox.OutOfFuel || out.Len() > 1_000_000 || out.Len() == 0 {
		t.Errorf("%+v, %d bytes", res, out.Len())
	}
}

// A module that isn't a command, or imports what there isn't, doesn't run.
func TestCompileRefuses(t *testing.T) {
	e := engine(t)
	for name, c := range map[string]struct{ source, want string }{
		"no _start":             {"func main () ()", "_start"},
		"_start with arguments": {"func _start (i32) ()", "_start"},
		"_start with a result":  {"func _start () (i32)\ni32.const 1", "_start"},
		"another module":        {"import env abort () ()\nfunc _start () ()", `imports "abort" of "env"`},
		"another function":      {"import wasi_snapshot_preview1 sock_open () ()\nfunc _start () ()", "sock_open"},
		"another of moat":       {"import moat permit () ()\nfunc _start () ()", "permit"},
		"the meter":             {"import moat:meter refuel () ()\nfunc _start () ()", "moat:meter"},
		"another type":          {"import wasi_snapshot_preview1 proc_exit (i64) ()\nfunc _start () ()", "proc_exit"},
		"what isn't valid":      {"func _start () ()\ni32.const 1", "invalid"},
		"the global of fuel":    {"func _start () ()\ni64.const 99\nglobal.set 0", ""},
		"a shared fuel global":  {"global i64 1\nfunc _start () ()\ni64.const 99\nglobal.set 1", ""},
		"a name of the meter's": {"func moat:fuel () ()\nfunc _start () ()", "moat:"},
	} {
		m, err := e.Compile(context.Background(), wasmtext.Assemble(t, c.source))
		if err == nil { // some things show only when it is run
			res := m.Run(context.Background(), sandbox.Config{Limits: enough})
			if err = res.Err; res.Outcome == sandbox.OK {
				t.Errorf("%s: it runs", name)
				continue
			}
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, wasm := range map[string]string{"empty": "", "text": "(module)", "cut": "\x00asm\x01\x00\x00", "another version": "\x00asm\x02\x00\x00\x00"} {
		if _, err := e.Compile(context.Background(), []byte(wasm)); err == nil {
			t.Errorf("%s: it compiles", name)
		}
	}
}

// Without being given anything code sees nothing of the machine, and the same each time.
func TestNothingAmbient(t *testing.T) {
	t.Setenv("SECRET", "1")
	e := engine(t)
	for name, source := range map[string]string{
		"arguments":   wasi("args_sizes_get", "i32 i32", 0, 4) + "",
		"environment": wasi("environ_sizes_get", "i32 i32", 0, 4),
	} {
		// It exits with the number that it got, in place of the error.
		source = strings.Replace(source, "call 0\ncall 1", "call 0\ndrop\ni32.const 0\ni32.load\ncall 1", 1)
		if res := compile(t, e, source).Run(context.Background(), sandbox.Config{Limits: enough}); res.Code != 0 || res.Outcome != sandbox.OK {
			t.Errorf("%s: %+v", name, res)
		}
	}
	show := func(call string) string {
		return "import wasi_snapshot_preview1 fd_write (i32 i32 i32 i32) (i32)\n" + call + "\nmemory 1 1\ndata 0 1000000008000000\nfunc _start () ()\n%s\ndrop\ni32.const 1\ni32.const 0\ni32.const 1\ni32.const 8\ncall 0\ndrop"
	}
	random := fmt.Sprintf(show("import wasi_snapshot_preview1 random_get (i32 i32) (i32)"), "i32.const 16\ni32.const 8\ncall 1")
	clock := fmt.Sprintf(show("import wasi_snapshot_preview1 clock_time_get (i32 i64 i32) (i32)"), "i32.const 0\ni64.const 1\ni32.const 16\ncall 1")
	output := func(source string, cfg sandbox.Config) string {
		var out bytes.Buffer
		cfg.Limits, cfg.Stdout = enough, &out
		if res := compile(t, e, source).Run(context.Background(), cfg); res.Outcome != sandbox.OK || out.Len() != 8 {
			t.Fatalf("%+v %q", res, &out)
		}
		return out.String()
	}
	for name, source := range map[string]string{"random numbers": random, "the clock": clock} {
		if a, b := output(source, sandbox.Config{}), output(source, sandbox.Config{}); a != b {
			t.Errorf("%s: %x and %x", name, a, b)
		}
		given := sandbox.Config{Given: sandbox.Given{Random: true, Clock: true}}
		if a, b := output(source, given), output(source, given); a == b {
			t.Errorf("%s, given: twice %x", name, a)
		}
	}
}

// Code that sleeps is woken by the end of its time, and so is one whose caller gives up.
func TestSleep(t *testing.T) {
	// One subscription to a clock, for an hour.
	subscription := make([]byte, 48)
	copy(subscription[24:], []byte{0, 0x40, 0x3a, 0xa0, 0x2c, 0x46, 3, 0}) // 3,600,000,000,000 ns and some
	source := "import wasi_snapshot_preview1 poll_oneoff (i32 i32 i32 i32) (i32)\nmemory 1 1\ndata 0 " + hex.EncodeToString(subscription) + "\nfunc _start () ()\ni32.const 0\ni32.const 100\ni32.const 1\ni32.const 200\ncall 0\ndrop"
	limits := enough
	limits.Timeout = 100 * time.Millisecond
	if res := run(t, source, sandbox.Config{Limits: limits, Given: sandbox.Given{Clock: true}}); res.Outcome != sandbox.OutOfTime || res.Took < limits.Timeout {
		t.Errorf("%+v", res)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := compile(t, engine(t), source)
	time.AfterFunc(50*time.Millisecond, cancel)
	if res := m.Run(ctx, sandbox.Config{Limits: enough, Given: sandbox.Given{Clock: true}}); res.Outcome != sandbox.OutOfTime || res.Took > 30*time.Second {
		t.Errorf("given up: %+v", res)
	}
	if res := m.Run(ctx, sandbox.Config{Limits: enough, Given: sandbox.Given{Clock: true}}); res.Outcome == sandbox.OK {
		t.Errorf("given up before: %+v", res)
	}
}

// A module runs many times at once, each time by itself: globals, memory and fuel are a run's own.
func TestConcurrentRuns(t *testing.T) {
	// It counts in memory and in a global up to 1000, writes nothing, and exits with their sum.
	m := compile(t, engine(t), "import wasi_snapshot_preview1 proc_exit (i32) ()\nmemory 1 1\nglobal i32 0\nfunc _start () ()\nloop\n"+
		"i32.const 0\ni32.const 0\ni32.load\ni32.const 1\ni32.add\ni32.store\nglobal.get 0\ni32.const 1\ni32.add\nglobal.set 0\nglobal.get 0\ni32.const 1000\ni32.lt_s\nbr_if 0\nend\ni32.const 0\ni32.load\nglobal.get 0\ni32.add\ncall 0")
	var wg sync.WaitGroup
	var mu sync.Mutex
	fuel := map[uint64]int{}
	for range 8 {
		wg.Go(func() {
			for range 10 {
				res := m.Run(context.Background(), sandbox.Config{Limits: enough})
				mu.Lock()
				if fuel[res.Fuel]++; res.Code != 2000 || res.Outcome != sandbox.Exited {
					t.Errorf("%+v", res)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(fuel) != 1 {
		t.Errorf("the same run used up %v", fuel)
	}
}

// What was used up shows, also where the code ends before anybody looks; and a run is the same each time, whatever the order of what it is given.
func TestFuelIsExact(t *testing.T) {
	limits := enough
	limits.Fuel = 20
	source := "func _start () ()\ni32.const 1\nif\n" + strings.Repeat("nop\n", 100) + "end"
	if res := run(t, source, sandbox.Config{Limits: limits}); res.Outcome != sandbox.OutOfFuel || res.Fuel != 20 {
		t.Errorf("overspent: %+v", res)
	}
	m := compile(t, engine(t), wasiEnv)
	env := map[string]string{"A": "1", "BB": "22", "CCC": "333", "D": "4"}
	seen := map[uint32]int{}
	for range 30 {
		res := m.Run(context.Background(), sandbox.Config{Limits: enough, Given: sandbox.Given{Env: env}})
		seen[res.Code]++
	}
	if len(seen) != 1 || seen['A'] != 30 {
		t.Errorf("the first variable begins with %v", seen)
	}
}

// wasiEnv exits with the first byte of its environment.
const wasiEnv = "import wasi_snapshot_preview1 environ_get (i32 i32) (i32)\nimport wasi_snapshot_preview1 proc_exit (i32) ()\nmemory 1 1\nfunc _start () ()\ni32.const 0\ni32.const 1000\ncall 0\ndrop\ni32.const 1000\ni32.load8_u\ncall 1"

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("host bug\nwith lines") }

// Whose fault it is that a run ends is told apart: the host's, the module's, the code's.
func TestOutcomes(t *testing.T) {
	hello := "import wasi_snapshot_preview1 fd_write (i32 i32 i32 i32) (i32)\nmemory 1 1\ndata 0 0800000001000000\nfunc _start () ()\ni32.const 1\ni32.const 0\ni32.const 1\ni32.const 100\ncall 0\ndrop"
	for name, c := range map[string]struct {
		source string
		cfg    sandbox.Config
		want   sandbox.Outcome
	}{
		"the host panics":       {hello, sandbox.Config{Limits: enough, Given: sandbox.Given{Stdout: panicking{}}}, sandbox.Defect},
		"NUL in an argument":    {hello, sandbox.Config{Limits: enough, Given: sandbox.Given{Args: []string{"a\x00b"}}}, sandbox.Refused},
		"NUL in a variable":     {hello, sandbox.Config{Limits: enough, Given: sandbox.Given{Env: map[string]string{"A": "\x00"}}}, sandbox.Refused},
		"another type":          {"import wasi_snapshot_preview1 proc_exit (i64) ()\nfunc _start () ()", sandbox.Config{Limits: enough}, sandbox.Refused},
		"data out of bounds":    {"memory 1 1\ndata 65530 0000000000000000\nfunc _start () ()", sandbox.Config{Limits: enough}, sandbox.Refused},
		"no memory":             {"import wasi_snapshot_preview1 args_get (i32 i32) (i32)\nfunc _start () ()\ni32.const 0\ni32.const 0\ncall 0\ndrop", sandbox.Config{Limits: enough}, sandbox.Trapped},
		"no memory for a reply": {"import moat fetch (i32 i32 i32 i32) (i32)\nfunc _start () ()\ni32.const 0\ni32.const 0\ni32.const 0\ni32.const 0\ncall 0\ndrop", sandbox.Config{Limits: enough}, sandbox.Trapped},
	} {
		res := run(t, c.source, c.cfg)
		if res.Outcome != c.want || res.Err == nil || strings.Contains(res.Err.Error(), "\n") || len(res.Err.Error()) > 300 {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// Files are bounded for a run, not for each of its directories.
func TestFilesOfARun(t *testing.T) {
	// It opens x in two directories in turns until that fails, and exits with how often it didn't.
	const source = `import wasi_snapshot_preview1 path_open (i32 i32 i32 i32 i32 i64 i64 i32 i32) (i32)
import wasi_snapshot_preview1 proc_exit (i32) ()
memory 1 1
data 0 78
func _start () () (i32)
block
loop
i32.const 3
local.get 0
i32.const 1
i32.and
i32.add
i32.const 0
i32.const 0
i32.const 1
i32.const 0
i64.const 2
i64.const 0
i32.const 0
i32.const 100
call 0
br_if 1
local.get 0
i32.const 1
i32.add
local.set 0
br 0
end
end
local.get 0
call 1`
	var dirs []files.Dir
	for range 2 {
		dir, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, files.Dir{Path: dir})
	}
	asked := 0
	res := run(t, source, sandbox.Config{Limits: enough, Dirs: dirs, Ask: func(ctx context.Context, action string, on resource.Name) error {
		if _, ok := ctx.Deadline(); !ok || action != "read" {
			t.Errorf("%s on %s, with a deadline: %t", action, on, ok)
		}
		asked++
		return nil
	}})
	if res.Code != files.DefaultMaxOpen || asked != files.DefaultMaxOpen {
		t.Errorf("%d questions, %+v", asked, res)
	}
	limits := enough
	limits.Fuel = 10 * sandbox.AskFuel
	if res := run(t, source, sandbox.Config{Limits: limits, Dirs: dirs, Ask: func(context.Context, string, resource.Name) error { return nil }}); res.Outcome != sandbox.OutOfFuel {
		t.Errorf("questions cost nothing: %+v", res)
	}
}
