package sandbox

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// This file stands between code and what wazero offers it of WASI preview 1: only functions that are listed, each charged for, with arguments that are bounded before
// anything is done with them.

// Errors of WASI, as functions return them.
const (
	wasiBadf        = 8
	wasiInval       = 28
	wasiNameTooLong = 37
)

// Bounds on the arguments of WASI functions.
const (
	MaxVectors = 1024 // buffers that are read into or written from at once, and what is polled
	MaxPathLen = 4096 // bytes
	MaxHandle  = 1023 // the highest number of an open file that code can choose
)

// What calling the host costs, in fuel, beside the bytes that it moves.
const (
	callFuel  = 500   // any function
	filesFuel = 5_000 // one that may look at files; package files charges for what it does
)

// A bound is on one argument of a function: what is more is answered with an error.
type bound struct {
	arg  int
	most uint32
	err  uint64
	unit int64 // of fuel, for each
}

func vectors(arg int) bound { return bound{arg, MaxVectors, wasiInval, 16} }
func path(arg int) bound    { return bound{arg, MaxPathLen, wasiNameTooLong, 1} }
func buffer(arg int) bound  { return bound{arg, 1<<32 - 1, 0, 1} }

// wasiFunctions are those that code can use.
var wasiFunctions = map[string]struct {
	files  bool
	bare   bool // it looks at no memory
	bounds []bound
}{
	"args_get":                {},
	"args_sizes_get":          {},
	"clock_res_get":           {},
	"clock_time_get":          {},
	"environ_get":             {},
	"environ_sizes_get":       {},
	"fd_advise":               {bare: true},
	"fd_allocate":             {files: true, bare: true},
	"fd_close":                {files: true, bare: true},
	"fd_datasync":             {files: true, bare: true},
	"fd_fdstat_get":           {},
	"fd_fdstat_set_flags":     {files: true, bare: true},
	"fd_fdstat_set_rights":    {bare: true},
	"fd_filestat_get":         {files: true},
	"fd_filestat_set_size":    {files: true, bare: true},
	"fd_filestat_set_times":   {files: true, bare: true},
	"fd_pread":                {files: true, bounds: []bound{vectors(2)}},
	"fd_prestat_get":          {},
	"fd_prestat_dir_name":     {bounds: []bound{path(2)}},
	"fd_pwrite":               {files: true, bounds: []bound{vectors(2)}},
	"fd_read":                 {files: true, bounds: []bound{vectors(2)}},
	"fd_readdir":              {files: true, bounds: []bound{buffer(2)}},
	"fd_renumber":             {bare: true, bounds: []bound{{1, MaxHandle, wasiBadf, 0}}},
	"fd_seek":                 {},
	"fd_sync":                 {files: true, bare: true},
	"fd_tell":                 {},
	"fd_write":                {files: true, bounds: []bound{vectors(2)}},
	"path_create_directory":   {files: true, bounds: []bound{path(2)}},
	"path_filestat_get":       {files: true, bounds: []bound{path(3)}},
	"path_filestat_set_times": {files: true, bounds: []bound{path(3)}},
	"path_link":               {files: true, bounds: []bound{path(3), path(6)}},
	"path_open":               {files: true, bounds: []bound{path(3)}},
	"path_readlink":           {files: true, bounds: []bound{path(2), buffer(4)}},
	"path_remove_directory":   {files: true, bounds: []bound{path(2)}},
	"path_rename":             {files: true, bounds: []bound{path(2), path(5)}},
	"path_symlink":            {files: true, bounds: []bound{path(1), path(4)}},
	"path_unlink_file":        {files: true, bounds: []bound{path(2)}},
	"poll_oneoff":             {bounds: []bound{{2, MaxVectors, wasiInval, 100}}},
	"proc_exit":               {bare: true},
	"proc_raise":              {bare: true},
	"random_get":              {bounds: []bound{buffer(1)}},
	"sched_yield":             {bare: true},
	"sock_accept":             {},
	"sock_recv":               {bounds: []bound{vectors(2)}},
	"sock_send":               {bounds: []bound{vectors(2)}},
	"sock_shutdown":           {bare: true},
}

// exportWASI makes the module that code imports WASI's functions from.
func (e *Engine) exportWASI(ctx context.Context) error {
	offered, err := wasi_snapshot_preview1.NewBuilder(e.runtime).Compile(ctx)
	if err != nil {
		return err
	}
	definitions := offered.ExportedFunctions()
	builder := e.runtime.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	for name, f := range wasiFunctions {
		def := definitions[name]
		if def == nil {
			return fmt.Errorf("sandbox: wazero has no %s", name)
		}
		call, ok := def.GoFunction().(api.GoModuleFunction)
		if !ok {
			return fmt.Errorf("sandbox: wazero's %s is of another kind", name)
		}
		cost := int64(callFuel)
		if f.files {
			cost = filesFuel
		}
		guarded := func(ctx context.Context, mod api.Module, stack []uint64) {
			r := running(ctx)
			r.hosted(func() {
				cost := cost
				for _, b := range f.bounds {
					n := uint32(stack[b.arg])
					if n > b.most {
						r.charge(callFuel)
						stack[0] = b.err
						return
					}
					cost += int64(n) * b.unit
				}
				r.charge(cost)
				if !r.hasMemory && !f.bare {
					panic(errBounds)
				}
				call.Call(ctx, mod, stack)
				r.check()
			})
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(guarded), def.ParamTypes(), def.ResultTypes()).Export(name)
	}
	_, err = builder.Instantiate(ctx)
	return err
}
