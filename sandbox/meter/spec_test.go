package meter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

type (
	script struct {
		Commands []command `json:"commands"`
	}
	command struct {
		Type       string  `json:"type"`
		Line       int     `json:"line"`
		Name       string  `json:"name"`
		Filename   string  `json:"filename"`
		As         string  `json:"as"`
		Action     action  `json:"action"`
		Expected   []value `json:"expected"`
		ModuleType string  `json:"module_type"`
		Text       string  `json:"text"`
	}
	action struct {
		Type   string  `json:"type"`
		Module string  `json:"module"`
		Field  string  `json:"field"`
		Args   []value `json:"args"`
	}
	value struct {
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
)

// TestSpecification runs the WebAssembly specification's own tests, as wazero carries them, with every module instrumented. All are
// run but those of SIMD, and those of modules in the text format, which wazero doesn't read. Its data for other proposals (threads,
// tail calls, exceptions, extended constants, typed references) isn't run: they aren't supported.
func TestSpecification(t *testing.T) {
	dir := specDir(t)
	runs := []struct {
		name, suite string
		config      wazero.RuntimeConfig
		short       bool
		passed      int // assertions, so that none is lost unseen
	}{
		{"v1 on the interpreter", "v1", wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV1), true, 18_050},
		{"v2 on the interpreter", "v2", wazero.NewRuntimeConfigInterpreter(), true, 26_290},
		{"v1 on the compiler", "v1", wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV1), false, 18_050},
		{"v2 on the compiler", "v2", wazero.NewRuntimeConfigCompiler(), false, 26_290},
	}
	for _, run := range runs {
		t.Run(run.name, func(t *testing.T) {
			if testing.Short() && !run.short {
				t.Skip("the compiler runs what the interpreter does, in longer tests")
			}
			files, err := filepath.Glob(filepath.Join(dir, run.suite, "testdata", "*.json"))
			if err != nil || len(files) < 70 {
				t.Fatalf("%d files, %v", len(files), err)
			}
			var s stats
			for _, file := range files {
				base := strings.TrimSuffix(filepath.Base(file), ".json")
				if strings.HasPrefix(base, "simd_") {
					continue // SIMD isn't supported
				}
				t.Run(base, func(t *testing.T) { runScript(t, file, run.config, &s) })
			}
			if s.passed != run.passed {
				t.Errorf("%d assertions passed, not %d", s.passed, run.passed)
			}
			t.Logf("%d assertions passed, %d of them on modules that are refused as they should be; %d modules ran; %d assertions on text skipped",
				s.passed, s.refused, s.modules, s.text)
		})
	}
}

type stats struct{ passed, refused, modules, text int }

func specDir(t testing.TB) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("the tests of the specification are in wazero's module, which isn't there: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
}

// runScript runs one file of commands in a runtime of its own.
func runScript(t *testing.T, file string, config wazero.RuntimeConfig, s *stats) {
	ctx := context.Background()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var sc script
	if err := json.Unmarshal(text, &sc); err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer r.Close(ctx)
	addMeter(t, r)
	host, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.InstantiateWithConfig(ctx, host, wazero.NewModuleConfig()); err != nil {
		t.Fatal(err)
	}
	instantiate := func(name, as string) (api.Module, error) {
		wasm, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
		if err != nil {
			t.Fatal(err)
		}
		return instantiate(ctx, r, wasm, as)
	}
	modules := map[string]api.Module{}
	var last api.Module
	for i := 0; i < len(sc.Commands); i++ {
		c := &sc.Commands[i]
		where := fmt.Sprintf("%s:%d %s %s", filepath.Base(file), c.Line, c.Type, c.Action.Field)
		m := last
		if c.Action.Module != "" {
			m = modules[c.Action.Module]
		}
		switch c.Type {
		case "module":
			as := ""
			if next := i + 1; next < len(sc.Commands) && sc.Commands[next].Type == "register" {
				as = sc.Commands[next].As
				i++
			}
			last, err = instantiate(c.Filename, as)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			s.modules++
			if c.Name != "" {
				modules[c.Name] = last
			}
		case "assert_return", "action":
			if c.Action.Type == "get" {
				if got, want := m.ExportedGlobal(c.Action.Field).Get(), bits(c.Expected[0]); got != want {
					t.Errorf("%s: %#x, want %#x", where, got, want)
				}
				s.passed++
				break
			}
			got, err := m.ExportedFunction(c.Action.Field).Call(ctx, arguments(c.Action.Args)...)
			if err != nil || len(got) != len(c.Expected) {
				t.Errorf("%s: %v, %v, want %v", where, got, err, c.Expected)
				break
			}
			for i, want := range c.Expected {
				if !equal(got[i], want) {
					t.Errorf("%s: result %d is %#x, want %v", where, i, got[i], want)
				}
			}
			s.passed++
		case "assert_trap":
			_, err := m.ExportedFunction(c.Action.Field).Call(ctx, arguments(c.Action.Args)...)
			if err == nil || !strings.Contains(err.Error(), trap(c.Text)) {
				t.Errorf("%s: %v, want %q", where, err, c.Text)
			}
			restack(m)
			s.passed++
		case "assert_exhaustion":
			_, err := m.ExportedFunction(c.Action.Field).Call(ctx, arguments(c.Action.Args)...)
			exhausted := int32(m.ExportedGlobal(StackGlobal).Get()) < 0
			if err == nil || !exhausted && !strings.Contains(err.Error(), "stack overflow") {
				t.Errorf("%s: %v, the stack's global below zero: %v", where, err, exhausted)
			}
			restack(m)
			s.passed++
		case "assert_malformed", "assert_invalid", "assert_unlinkable", "assert_uninstantiable":
			if c.ModuleType == "text" {
				s.text++
				break
			}
			_, err := instantiate(c.Filename, "")
			// wazero goes on after a segment of elements out of bounds, on purpose: see its own runner.
			if c.Type == "assert_uninstantiable" && c.Text == "out of bounds table access" {
				if err != nil {
					t.Errorf("%s: %v", where, err)
				}
			} else if err == nil {
				t.Errorf("%s: it runs, want %q", where, c.Text)
			}
			s.passed++
			s.refused++
		default:
			t.Fatalf("%s: an unknown command", where)
		}
	}
}

// instantiate compiles the original first, as every caller has to, and then runs the instrumented module with its start function.
func instantiate(ctx context.Context, r wazero.Runtime, wasm []byte, as string) (api.Module, error) {
	original, err := r.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	defer original.Close(ctx)
	m, err := Instrument(wasm)
	if err != nil {
		return nil, err
	}
	mod, err := r.InstantiateWithConfig(ctx, m.Wasm, wazero.NewModuleConfig().WithName(as).WithStartFunctions())
	if err != nil {
		return nil, err
	}
	if m.HasStart {
		if _, err := mod.ExportedFunction(StartFunc).Call(ctx); err != nil {
			return nil, errors.Join(err, mod.Close(ctx))
		}
	}
	return mod, nil
}

// restack makes an instance usable again that has trapped, when none of its functions is running.
func restack(m api.Module) { m.ExportedGlobal(StackGlobal).(api.MutableGlobal).Set(StackBudget) }

// addMeter gives r a function that refuels without end.
func addMeter(t testing.TB, r wazero.Runtime) {
	addRefuel(t, r, func(_ context.Context, m api.Module) {
		m.ExportedGlobal(FuelGlobal).(api.MutableGlobal).Set(1 << 40)
	})
}

func addRefuel(t testing.TB, r wazero.Runtime, refuel func(context.Context, api.Module)) {
	_, err := r.NewHostModuleBuilder(MeterModule).NewFunctionBuilder().WithFunc(refuel).Export(RefuelFunc).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
}

func arguments(values []value) []uint64 {
	args := make([]uint64, len(values))
	for i, v := range values {
		args[i] = bits(v)
	}
	return args
}

// bits returns a value as wazero's API has it. An externref of n is n+1 there, because 0 is null.
func bits(v value) uint64 {
	text, ok := v.Value.(string)
	if !ok || text == "null" {
		return 0
	}
	size := 64
	if strings.HasSuffix(v.Type, "32") {
		size = 32
	}
	n, err := strconv.ParseUint(text, 10, size)
	if signed, serr := strconv.ParseInt(text, 10, size); err != nil && serr == nil {
		n = uint64(signed)
		if size == 32 {
			n = uint64(uint32(signed))
		}
	}
	if v.Type == "externref" {
		n++
	}
	return n
}

// equal reports whether got is what is expected; every NaN that an instruction makes has to be the canonical one.
func equal(got uint64, want value) bool {
	text, _ := want.Value.(string)
	switch {
	case want.Value == nil && strings.HasSuffix(want.Type, "ref"):
		return true // any reference
	case strings.HasPrefix(text, "nan:") && want.Type == "f32":
		return uint32(got) == 0x7fc00000
	case strings.HasPrefix(text, "nan:"):
		return got == 0x7ff8000000000000
	case want.Type == "f32" || want.Type == "i32":
		return uint32(got) == uint32(bits(want))
	default:
		return got == bits(want)
	}
}

// trap returns what wazero says for what the specification's tests say.
func trap(text string) string {
	switch {
	case strings.HasPrefix(text, "uninitialized"), text == "undefined element", text == "undefined", text == "out of bounds table access":
		return "invalid table access"
	case strings.HasPrefix(text, "indirect call"):
		return "indirect call type mismatch"
	case text == "invalid conversion to integer", text == "integer overflow", text == "integer divide by zero", text == "unreachable",
		text == "out of bounds memory access":
		return text
	default:
		return "a trap that isn't known here: " + text
	}
}
