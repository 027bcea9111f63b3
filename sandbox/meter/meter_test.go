package meter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What isn't supported is refused by name, and what isn't a module too.
func TestRefused(t *testing.T) {
	header := "\x00asm\x01\x00\x00\x00"
	sec := func(id byte, content string) string { return string(appendSection(nil, id, []byte(content))) }
	declared := sec(sectionType, "\x01\x60\x00\x00") + sec(sectionFunction, "\x01\x00") + sec(sectionMemory, "\x01\x00\x01")
	code := func(instructions string) string {
		body := "\x00" + instructions
		return declared + sec(sectionCode, "\x01"+string(appendUnsigned(nil, len(body)))+body)
	}
	tests := []struct{ name, sections, want string }{
		{"SIMD", code("\xfd\x0c\x0b"), "SIMD"},
		{"threads", code("\xfe\x00\x0b"), "threads"},
		{"tail call", code("\x12\x00\x0b"), "tail calls"},
		{"throw", code("\x08\x00\x0b"), "exception handling"},
		{"try_table", code("\x1f\x40\x00\x0b\x0b"), "exception handling"},
		{"struct.new", code("\xfb\x00\x00\x0b"), "garbage collection"},
		{"call_ref", code("\x14\x00\x0b"), "typed function references"},
		{"unknown opcode", code("\xff\x0b"), "unknown"},
		{"unknown second opcode", code("\xfc\x12\x0b"), "0xfc 18"},
		{"v128 local", declared + sec(sectionCode, "\x01\x04\x01\x01\x7b\x0b"), "SIMD"},
		{"tags", sec(sectionTag, "\x00"), "exception handling"},
		{"shared memory", sec(sectionMemory, "\x01\x03\x01\x01"), "threads"},
		{"memory64", sec(sectionMemory, "\x01\x04\x01"), "memory64"},
		{"two memories", sec(sectionMemory, "\x02\x00\x01\x00\x01"), "at most 1"},
		{"memory 1", code("\x3f\x01\x1a\x0b"), "more than one memory"},
		{"memory in an alignment", code("\x41\x00\x28\x42\x00\x00\x1a\x0b"), "alignment"},
		{"extended constant", sec(sectionGlobal, "\x01\x7f\x00\x41\x01\x41\x01\x6a\x0b"), "extended constants"},
		{"struct type", sec(sectionType, "\x01\x5f\x00"), "form 0x5f"},
		{"long LEB128", code("\x41\x80\x80\x80\x80\x80\x00\x1a\x0b"), "LEB128 number of 32 bits"},
		{"signed LEB128 with bits too many", code("\x41\x80\x80\x80\x80\x10\x1a\x0b"), "LEB128 number of 32 bits"},
		{"LEB128 with a bit too many", code("\x10\x80\x80\x80\x80\x10\x0b"), "LEB128 number of 32 bits"},
		{"no end", code("\x01"), "end where an instruction"},
		{"behind the end", code("\x0b\x01"), "1 bytes behind the end"},
		{"else without if", code("\x05\x0b"), "else without an if"},
		{"label", code("\x0c\x01\x0b"), "label 1"},
		{"type of a block", code("\x02\x01\x0b\x0b"), "type of a block is 1"},
		{"data segment", code("\xfc\x09\x00\x0b"), "data segment 0"},
		{"element segment", code("\xfc\x0d\x00\x0b"), "segment of elements 0"},
		{"table", code("\x25\x00\x0b"), "table 0"},
		{"section twice", declared + sec(sectionMemory, "\x00"), "twice"},
		{"unknown section", sec(14, ""), "unknown"},
		{"behind a section", sec(sectionType, "\x00\x00"), "1 bytes behind"},
		{"no bodies", declared, "0 have a body"},
		{"export twice", declared + sec(sectionExport, "\x02\x01m\x02\x00\x01m\x02\x00"), "two exports"},
		{"name that isn't UTF-8", sec(sectionCustom, "\x01\xff"), "UTF-8"},
		{"section longer than the module", "\x01\x7f", "should have 127 bytes"},
	}
	for _, tt := range tests {
		refused(t, tt.name, []byte(header+tt.sections), tt.want)
	}
	refused(t, "nothing", nil, "magic number")
	refused(t, "component", []byte("\x00asm\x0d\x00\x01\x00"), "version 1")
}

// A module that is cut short is refused, except where a section ends; there it isn't whole until all bodies are there.
func TestCutShort(t *testing.T) {
	wasm := assemble(t, "memory 1 1\nfunc f () ()\n nop\nfunc g (i32) ()\n loop; local.get 0; br_if 0; end")
	for n := range wasm {
		if m, err := Instrument(wasm[:n]); err == nil && n != 8 && n != 8+2+8 {
			t.Errorf("%d bytes became %x", n, m.Wasm)
		}
	}
}

// What grows most stays below MaxGrowth.
func TestGrowth(t *testing.T) {
	indexes := strings.Repeat("global i32 0\n", 20_000)
	tests := []struct{ name, source string }{
		{"nothing", ""},
		{"loops", "func f () ()\n" + strings.Repeat("loop; end;", 3000)},
		{"empty functions", strings.Repeat("func - () ()\n", 5000)},
		{"functions that call", strings.Repeat("func - () ()\n call 0\n", 5000)},
		{"functions with far globals", indexes + strings.Repeat("func - () ()\n call 0\n", 20_000)},
		{"floats", "func f (f64) (f64)\n local.get 0;" + strings.Repeat("f64.sqrt; f64.abs;", 20_000)},
		{"fills", "memory 1 1\nfunc f (i32) ()\n" + strings.Repeat("local.get 0; local.get 0; local.get 0; memory.fill;", 3000)},
		{"grows", "memory 1 1\nfunc f () (i32)\n i32.const 1;" + strings.Repeat("memory.grow 0;", 4000)},
		{"far grows", "memory 1 1\n" + indexes + "func f () (i32)\n i32.const 1;" + strings.Repeat("memory.grow 0;", 4000)},
	}
	for _, tt := range tests {
		wasm := assemble(t, tt.source)
		m, err := Instrument(wasm)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		growth := float64(len(m.Wasm)-200) / float64(len(wasm))
		t.Logf("%s: %.1f", tt.name, growth)
		if growth > MaxGrowth {
			t.Errorf("%s: %d bytes became %d", tt.name, len(wasm), len(m.Wasm))
		}
	}
}

// What the caller has to know of a module stands in the answer.
func TestModule(t *testing.T) {
	wasm := assemble(t, "import host next (i32 i64) (f32)\nimport env other () ()\nmemory 1 5\nfunc - () ()\n call 1\nstart 2")
	m, err := Instrument(wasm)
	if err != nil {
		t.Fatal(err)
	}
	want := &Module{
		Wasm: m.Wasm,
		Imports: []Import{
			{Module: "host", Name: "next", Kind: Func, Params: []ValueType{I32, I64}, Results: []ValueType{F32}},
			{Module: "env", Name: "other", Kind: Func, Params: []ValueType{}, Results: []ValueType{}},
		},
		Memory:   &Limits{Min: 1, Max: 5},
		Entry:    weightPage,
		HasStart: true,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
