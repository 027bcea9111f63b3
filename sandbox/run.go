package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/sys"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/sandbox/files"
	"github.com/moat-lang/moat/sandbox/meter"
)

// Limits bound a run. The zero Limits let nothing run.
type Limits struct {
	Fuel    uint64        // instructions, as package meter weighs them, and what the host does for the code
	Memory  uint64        // linear memory, in bytes; a module whose memory begins with more isn't run
	Timeout time.Duration // wall-clock time, compiling excluded
}

// A Given is what code is given by whoever runs it, beside what is asked for. The zero Given is nothing.
type Given struct {
	Args  []string          // the first is the program's name
	Env   map[string]string // names and values hold no NUL
	Stdin []byte
	// Stdout and Stderr are written to while the code runs, a byte for at least one unit of fuel; nil discards.
	Stdout, Stderr io.Writer
	// Clock lets code see what time it is. Otherwise a clock begins in 2022 and goes on by a millisecond whenever it is looked at.
	Clock bool
	// Random gives code random numbers. Otherwise they are the same in every run.
	Random bool
}

// A Config is what a run may use and see. The zero Config lets nothing run.
type Config struct {
	Limits
	Given
	// Dirs are the directories that code sees, at the same paths.
	Dirs []files.Dir
	// Ask is asked before anything is done with a file: the action is read, list, write, create or delete. The context ends with the run's time. Nil refuses all.
	Ask Ask
	// Fetch makes requests of HTTP, and should charge for them with [Charge]; nil refuses all.
	Fetch *egress.Client
}

// An Ask decides whether code may do something; a nil error permits it. The decision has to be on record before it returns.
type Ask func(ctx context.Context, action string, on resource.Name) error

// An Outcome says how a run ended, in one word.
type Outcome string

// The outcomes.
const (
	OK         Outcome = "ok"      // it ended by itself, with the exit code 0
	Exited     Outcome = "exit"    // it ended by itself, with another exit code
	Trapped    Outcome = "trap"    // WebAssembly's own checks stopped it, such as of an access out of bounds
	OutOfFuel  Outcome = "fuel"    // the fuel was used up
	OutOfTime  Outcome = "timeout" // the time was over, or the context ended
	OutOfStack Outcome = "depth"   // calls were nested too deep; see meter.StackBudget
	OutOfSpace Outcome = "memory"  // the module begins with more memory than there is
	Refused    Outcome = "refused" // it wasn't run
	Defect     Outcome = "defect"  // the host panicked, such as what the output is written to
)

// A Result is how a run ended. The zero Result is of a run that never was.
type Result struct {
	Outcome Outcome
	Code    uint32        // the exit code
	Fuel    uint64        // used, at most the limit
	Memory  uint64        // the most linear memory that it had, in bytes
	Took    time.Duration // of wall-clock time
	Err     error         // why it didn't end by itself; nil where it did
}

// A run is one that goes on.
type run struct {
	tank
	deep      bool           // calls were nested too deep
	defect    error          // what the host panicked with
	hasMemory bool           // whether the code has any
	fetch     *egress.Client // nil: none
	replies   replies
}

type runKey struct{}

// running returns the run that a context belongs to: the host's functions are called with the context that code was.
func running(ctx context.Context) *run { return ctx.Value(runKey{}).(*run) }

// Run runs a module: its start function, if it has one, and then `_start`, as command modules of WASI have it. It returns when the code has ended or was stopped, soon
// after the time is over. It never panics.
func (m *Module) Run(ctx context.Context, cfg Config) (res Result) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	r := &run{tank: tank{rest: int64(min(cfg.Fuel, maxFuel)), ctx: ctx}, hasMemory: m.metered.Memory != nil, fetch: cfg.Fetch}
	mem := &memory{limit: cfg.Memory}
	limit := r.rest
	defer func() {
		if p := recover(); p != nil {
			res.Outcome, res.Err = Defect, fmt.Errorf("sandbox: a defect: %v", p)
		}
		res.Fuel, res.Memory, res.Took = uint64(limit-max(r.left(), 0)), mem.most, time.Since(begin)
	}()
	switch {
	case cfg.Fuel == 0, cfg.Memory == 0, cfg.Timeout <= 0:
		return Result{Outcome: Refused, Err: fmt.Errorf("sandbox: nothing may run with %d fuel, %d bytes of memory and %s; a policy or a token sets one of them to nothing", cfg.Fuel, cfg.Memory, cfg.Timeout)}
	case m.metered.Memory != nil && uint64(m.metered.Memory.Min)*pageBytes > cfg.Memory:
		return Result{Outcome: OutOfSpace, Err: fmt.Errorf("sandbox: the module begins with %d bytes of memory, and may have %d", uint64(m.metered.Memory.Min)*pageBytes, cfg.Memory)}
	}
	for _, text := range slices.Concat(cfg.Args, slices.Collect(maps.Keys(cfg.Env)), slices.Collect(maps.Values(cfg.Env))) {
		if strings.Contains(text, "\x00") {
			return Result{Outcome: Refused, Err: errors.New("sandbox: an argument or a variable of the environment holds NUL")}
		}
	}
	config, closeFiles, err := r.config(cfg)
	defer closeFiles()
	if err != nil {
		return Result{Outcome: Refused, Err: err}
	}
	ctx = context.WithValue(experimental.WithMemoryAllocator(ctx, mem), runKey{}, r)
	return r.outcome(m.start(ctx, r, config))
}

const pageBytes = 64 << 10 // of linear memory, as WebAssembly counts it

// maxFuel is more than is used up in a century.
const maxFuel = 1 << 61

// start makes an instance and runs it. An instance is used once: a trap leaves it as nobody knows it.
func (m *Module) start(ctx context.Context, r *run, config wazero.ModuleConfig) error {
	if !r.take(m.metered.Entry) {
		return errStopped
	}
	// Without a name nobody can import from it, and without start functions nothing runs before there is fuel.
	mod, err := m.engine.runtime.InstantiateModule(ctx, m.compiled, config.WithName("").WithStartFunctions())
	if err != nil {
		return fmt.Errorf("%w: %s", errNotBegun, firstLine(err))
	}
	r.given = mod.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
	defer func() {
		r.rest, r.given, r.deep = r.left(), nil, int32(mod.ExportedGlobal(meter.StackGlobal).Get()) < 0
		_ = mod.Close(context.WithoutCancel(ctx)) // it closes files, of which nothing is lost by it
	}()
	var names []string
	if m.metered.HasStart {
		names = append(names, meter.StartFunc)
	}
	for _, name := range append(names, startFunc) {
		if _, err := mod.ExportedFunction(name).Call(ctx); err != nil {
			return err
		}
	}
	if r.left() < 0 { // the last of it was used up where nobody looks
		r.stop(OutOfFuel)
	}
	return nil
}

var errNotBegun = errors.New("sandbox: the module can't be instantiated")

// firstLine is what an error of wazero says, without the stack.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// outcome tells how a run ended.
func (r *run) outcome(err error) Result {
	var exit *sys.ExitError
	exited := errors.As(err, &exit)
	switch {
	case r.stopped == OutOfFuel:
		return Result{Outcome: OutOfFuel, Err: errors.New("sandbox: the fuel is used up")}
	case r.stopped == OutOfTime && errors.Is(r.ctx.Err(), context.DeadlineExceeded):
		return Result{Outcome: OutOfTime, Err: errors.New("sandbox: the time is over")}
	case r.stopped == OutOfTime:
		return Result{Outcome: OutOfTime, Err: fmt.Errorf("sandbox: the run was given up: %w", context.Cause(r.ctx))}
	case r.stopped == Defect:
		return Result{Outcome: Defect, Err: fmt.Errorf("sandbox: a defect of the host: %w", r.defect)}
	case errors.Is(err, errNotBegun):
		return Result{Outcome: Refused, Err: err}
	case err == nil || exited && exit.ExitCode() == 0:
		return Result{Outcome: OK}
	case exited:
		return Result{Outcome: Exited, Code: exit.ExitCode(), Err: fmt.Errorf("sandbox: the code ended with the exit code %d", exit.ExitCode())}
	case r.deep:
		return Result{Outcome: OutOfStack, Err: errors.New("sandbox: calls are nested too deep")}
	}
	return Result{Outcome: Trapped, Err: errors.New("sandbox: the code was stopped: " + firstLine(err))}
}

// config is what wazero lets the code see.
func (r *run) config(cfg Config) (config wazero.ModuleConfig, closeFiles func(), err error) {
	config = wazero.NewModuleConfig().WithArgs(cfg.Args...).WithStdin(bytes.NewReader(cfg.Stdin)).
		WithStdout(&output{r, cfg.Stdout}).WithStderr(&output{r, cfg.Stderr}).WithRandSource(r.random(cfg.Random))
	for _, name := range slices.Sorted(maps.Keys(cfg.Env)) { // the order is one that the code sees
		config = config.WithEnv(name, cfg.Env[name])
	}
	if cfg.Clock {
		config = config.WithSysWalltime().WithSysNanotime().WithNanosleep(r.sleep)
	}
	var open []*files.FS
	closeFiles = func() {
		for _, f := range open {
			_ = f.Close() // nothing that was written is lost by it
		}
	}
	mounts, budget := wazero.NewFSConfig(), new(files.Budget)
	for _, dir := range cfg.Dirs {
		f, err := files.Open(dir, files.Options{Ask: r.asked(cfg.Ask), Charge: r.chargeBytes, Budget: budget})
		if err != nil {
			return nil, closeFiles, fmt.Errorf("sandbox: the directory %s can't be given to code: %w", dir.Path, err)
		}
		open = append(open, f)
		mounts = mounts.(sysfs.FSConfig).WithSysFSMount(f, dir.Path)
	}
	return config.WithFSConfig(mounts), closeFiles, nil
}

// asked charges for each question, since each becomes a record of a log.
func (r *run) asked(ask Ask) files.Ask {
	return func(action string, on resource.Name) error {
		if err := r.chargeBytes(AskFuel); err != nil {
			return err
		}
		if ask == nil {
			return errRefused
		}
		return ask(r.ctx, action, on)
	}
}

// AskFuel is what a question costs code: whether it may do something with a file, or make a request.
const AskFuel = 100_000

var errRefused = errors.New("sandbox: nobody is there to ask")

// sleep waits no longer than until the time is over.
func (r *run) sleep(nanos int64) {
	t := time.NewTimer(time.Duration(nanos))
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// random is where random numbers come from.
func (r *run) random(real bool) io.Reader {
	if real {
		return rand.Reader
	}
	return mathrand.NewChaCha8([32]byte{})
}

// output is what code writes, charged for.
type output struct {
	run *run
	to  io.Writer
}

func (o *output) Write(p []byte) (int, error) {
	o.run.charge(int64(len(p)))
	if o.to == nil {
		return len(p), nil
	}
	return o.to.Write(p)
}
