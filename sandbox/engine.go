package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/moat-lang/moat/sandbox/meter"
)

// features are what modules may use: WebAssembly 2.0 without vectors, whose results differ between processors in more ways than a meter can see.
const features = api.CoreFeaturesV2 &^ api.CoreFeatureSIMD

// An Engine compiles and runs modules. It is safe for concurrent use.
type Engine struct {
	runtime wazero.Runtime
	// strict looks at modules as they came: what a meter adds could make a module valid that isn't, such as one that sets a global that it doesn't have.
	strict wazero.Runtime
}

// New makes an engine.
func New(ctx context.Context) (*Engine, error) {
	e := &Engine{
		runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(features).WithDebugInfoEnabled(false)),
		strict:  wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false)),
	}
	if err := errors.Join(e.exportMeter(ctx), e.exportWASI(ctx), e.exportMoat(ctx)); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

// Close gives up the engine and all its modules. Nothing may run any more.
func (e *Engine) Close(ctx context.Context) error {
	return errors.Join(e.runtime.Close(ctx), e.strict.Close(ctx))
}

// A Module is code that can be run any number of times, also at once. Each run begins afresh.
type Module struct {
	engine   *Engine
	metered  *meter.Module
	compiled wazero.CompiledModule
	digest   [32]byte
}

// Compile checks a module in the binary format and makes it ready to run. The bounds on modules are those of package meter; the time it takes grows with the size of the
// module, a second for three megabytes of Go and a multiple for one that is made to be slow, and the context ends it between functions only (spec/SANDBOX.md section 9). What it may import are the functions of WASI preview 1 and of `moat` (spec/SANDBOX.md).
func (e *Engine) Compile(ctx context.Context, wasm []byte) (*Module, error) {
	metered, err := meter.Instrument(wasm)
	if err != nil {
		return nil, fmt.Errorf("sandbox: the module is refused: %w", err)
	}
	for _, i := range metered.Imports {
		if !e.exports(i) {
			return nil, fmt.Errorf("sandbox: the module is refused: it imports %.80q of %.80q; there are the functions of wasi_snapshot_preview1 and of moat", i.Name, i.Module)
		}
	}
	invalid := func(err error) error {
		if ctx.Err() != nil {
			return fmt.Errorf("sandbox: compiling was given up: %w", context.Cause(ctx))
		}
		return fmt.Errorf("sandbox: the module is invalid: %w", err)
	}
	original, err := e.strict.CompileModule(ctx, wasm)
	if err != nil {
		return nil, invalid(err)
	}
	if err := original.Close(ctx); err != nil {
		return nil, err
	}
	m := &Module{engine: e, metered: metered, digest: sha256.Sum256(wasm)}
	if m.compiled, err = e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), metered.Wasm); err != nil {
		return nil, invalid(err)
	}
	if f := m.compiled.ExportedFunctions()[startFunc]; f == nil || len(f.ParamTypes())+len(f.ResultTypes()) > 0 {
		return nil, errors.Join(errors.New("sandbox: the module is refused: it exports no function _start without parameters and results, as commands of WASI do"), m.Close(ctx))
	}
	return m, nil
}

// startFunc is where a command of WASI preview 1 begins.
const startFunc = "_start"

// Digest is the SHA-256 of the module as it came.
func (m *Module) Digest() [32]byte { return m.digest }

// Close gives up the module. None of its runs may go on.
func (m *Module) Close(ctx context.Context) error { return m.compiled.Close(ctx) }

// exports reports whether something that a module imports is a function that there is.
func (e *Engine) exports(i meter.Import) bool {
	if i.Kind != meter.Func {
		return false
	}
	switch i.Module {
	case wasi_snapshot_preview1.ModuleName:
		_, ok := wasiFunctions[i.Name]
		return ok
	case moatModule:
		_, ok := moatFunctions[i.Name]
		return ok
	}
	return false
}
