// Package wasmtext makes WebAssembly modules for tests, from instructions that are written out.
package wasmtext

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// mnemonics are the instructions that tests are written with; an x behind the name stands for an unsigned operand, i and l for
// signed ones of 32 and 64 bits, f and d for floats, t for the type of a block, m for alignment and offset, n for labels up to the
// end of the line.
var mnemonics = map[string]string{
	"unreachable": "00", "nop": "01", "block t": "02", "loop t": "03", "if t": "04", "else": "05", "end": "0b", "br x": "0c", "br_if x": "0d",
	"br_table n": "0e", "return": "0f", "call x": "10", "call_indirect xx": "11", "drop": "1a", "select": "1b", "local.get x": "20", "local.set x": "21",
	"local.tee x": "22", "global.get x": "23", "global.set x": "24", "table.get x": "25", "table.set x": "26", "i32.load m": "28", "i64.load m": "29",
	"f32.load m": "2a", "f64.load m": "2b", "i32.load8_u m": "2d", "i32.store m": "36", "i64.store m": "37", "f32.store m": "38", "f64.store m": "39",
	"i32.store8 m": "3a", "memory.size x": "3f", "memory.grow x": "40", "i32.const i": "41", "i64.const l": "42", "f32.const f": "43", "f64.const d": "44",
	"i32.eqz": "45", "i32.eq": "46", "i32.ne": "47", "i32.lt_s": "48", "i32.lt_u": "49", "i32.gt_u": "4b", "i64.eqz": "50", "i64.lt_s": "53",
	"f32.eq": "5b", "f64.eq": "61", "f64.lt": "63", "i32.add": "6a", "i32.sub": "6b", "i32.mul": "6c", "i32.div_s": "6d", "i32.div_u": "6e",
	"i32.rem_u": "70", "i32.and": "71", "i32.or": "72", "i32.xor": "73", "i32.shl": "74", "i32.shr_u": "76", "i32.rotl": "77", "i64.add": "7c",
	"i64.sub": "7d", "i64.mul": "7e", "i64.xor": "85", "i64.shr_u": "88", "f32.sqrt": "91", "f32.add": "92", "f32.div": "95", "f64.abs": "99", "f64.neg": "9a", "f64.floor": "9c",
	"f64.sqrt": "9f", "f64.add": "a0", "f64.sub": "a1", "f64.mul": "a2", "f64.div": "a3", "f64.min": "a4", "f64.max": "a5", "f64.copysign": "a6", "i32.wrap_i64": "a7",
	"i64.extend_i32_u": "ad", "f32.demote_f64": "b6", "f64.convert_i32_s": "b7", "f64.promote_f32": "bb", "i32.reinterpret_f32": "bc", "i64.reinterpret_f64": "bd",
	"f64.reinterpret_i64": "bf", "ref.null_func": "d070", "ref.is_null": "d1", "ref.func x": "d2", "i32.trunc_sat_f64_s": "fc02", "memory.init xx": "fc08",
	"memory.copy": "fc0a0000", "memory.fill": "fc0b00", "table.init xx": "fc0c", "table.copy xx": "fc0e", "table.grow x": "fc0f", "table.size x": "fc10", "table.fill x": "fc11",
}

// Assemble makes a module of lines: "memory MIN MAX", "table MIN MAX", "global TYPE VALUE", "import MODULE NAME (PARAMS) (RESULTS)",
// "elem OFFSET FUNCTIONS", "data OFFSET HEX", "passive HEX", "start FUNCTION", and "func NAME (PARAMS) (RESULTS) (LOCALS)" with its
// instructions behind it, by line or semicolon; its last end is left out. Each import and each function has the type of its own
// index. Functions whose name is - aren't exported.
func Assemble(t testing.TB, source string) []byte {
	t.Helper()
	b := &builder{t: t, vectors: map[byte][][]byte{}, names: map[string][2]string{}}
	for text, code := range mnemonics {
		name, operands, _ := strings.Cut(text, " ")
		b.names[name] = [2]string{code, operands}
	}
	for line := range strings.FieldsFuncSeq(source, func(r rune) bool { return r == '\n' || r == ';' }) {
		if err := b.line(strings.TrimSpace(line)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return b.module()
}

type builder struct {
	t       testing.TB
	vectors map[byte][][]byte
	names   map[string][2]string
	funcs   uint32
	locals  [][]byte
	bodies  [][]byte
	passive bool
	start   []byte
}

var valueTypes = map[string]byte{"i32": 0x7f, "i64": 0x7e, "f32": 0x7d, "f64": 0x7c, "funcref": 0x70, "externref": 0x6f}

func (b *builder) line(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	add := func(section byte, content []byte) { b.vectors[section] = append(b.vectors[section], content) }
	n := func(i int) int64 {
		v, err := strconv.ParseInt(fields[i], 0, 64)
		if err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		return v
	}
	switch fields[0] {
	case "memory":
		add(sectionMemory, unsigned(unsigned([]byte{1}, uint32(n(1))), uint32(n(2))))
	case "table":
		add(sectionTable, unsigned(unsigned([]byte{0x70, 1}, uint32(n(1))), uint32(n(2))))
	case "global":
		op := byte(opI32Const)
		if fields[1] == "i64" {
			op = opI64Const
		}
		add(sectionGlobal, append(signed([]byte{valueTypes[fields[1]], 1, op}, n(2)), opEnd))
	case "elem":
		e := append(signed([]byte{0, opI32Const}, n(1)), opEnd)
		e = unsigned(e, len(fields)-2)
		for i := range fields[2:] {
			e = unsigned(e, uint32(n(i+2)))
		}
		add(sectionElement, e)
	case "data", "passive":
		d := []byte{1}
		if fields[0] == "data" {
			d = append(signed([]byte{0, opI32Const}, n(1)), opEnd)
		} else {
			b.passive = true
		}
		content, err := hex.DecodeString(fields[len(fields)-1])
		if err != nil {
			return err
		}
		add(sectionData, append(unsigned(d, len(content)), content...))
	case "start":
		b.start = unsigned(nil, uint32(n(1)))
	case "import", "func":
		list := func(i int) (types []byte) { // of the i-th parentheses
			parts := strings.SplitN(line, "(", i+1)
			if len(parts) <= i {
				return nil
			}
			names, _, _ := strings.Cut(parts[i], ")")
			for name := range strings.FieldsSeq(names) {
				types = append(types, valueTypes[name])
			}
			return types
		}
		ty := append([]byte{0x60}, vector(list(1))...)
		add(sectionType, append(ty, vector(list(2))...))
		if fields[0] == "import" {
			add(sectionImport, unsigned(append(name(name(nil, fields[1]), fields[2]), 0), b.funcs))
		} else {
			add(sectionFunction, unsigned(nil, b.funcs))
			if fields[1] != "-" {
				add(sectionExport, unsigned(append(name(nil, fields[1]), 0), b.funcs))
			}
			b.locals = append(b.locals, list(3))
			b.bodies = append(b.bodies, nil)
		}
		b.funcs++
	default:
		return b.instruction(fields)
	}
	return nil
}

func vector(types []byte) []byte { return append(unsigned(nil, len(types)), types...) }

func (b *builder) instruction(fields []string) error {
	known, ok := b.names[fields[0]]
	if !ok {
		return fmt.Errorf("no instruction")
	}
	code, err := hex.DecodeString(known[0])
	if err != nil {
		return err
	}
	args := fields[1:]
	for i, kind := range known[1] {
		if kind == 't' && len(args) == 0 {
			code = append(code, emptyBlock)
			continue
		}
		if kind == 'm' {
			code = append(code, 0)
			if len(args) == 0 {
				code = append(code, 0)
				continue
			}
		}
		if kind == 'n' {
			code = unsigned(code, len(args)-1)
			for _, a := range args {
				v, err := strconv.ParseUint(a, 0, 32)
				if err != nil {
					return err
				}
				code = unsigned(code, uint32(v))
			}
			continue
		}
		if i >= len(args) {
			return fmt.Errorf("an operand is missing")
		}
		switch kind {
		case 't':
			if ty, ok := valueTypes[args[i]]; ok {
				code = append(code, ty)
				break
			}
			fallthrough
		case 'x', 'i', 'l', 'm':
			v, err := strconv.ParseInt(args[i], 0, 64)
			if err != nil {
				return err
			}
			if kind == 'x' || kind == 'm' {
				code = unsigned(code, uint32(v))
			} else {
				code = signed(code, v)
			}
		case 'f', 'd':
			v, err := strconv.ParseFloat(args[i], 64)
			if err != nil {
				return err
			}
			if kind == 'f' {
				code = binary.LittleEndian.AppendUint32(code, math.Float32bits(float32(v)))
			} else {
				code = binary.LittleEndian.AppendUint64(code, math.Float64bits(v))
			}
		}
	}
	last := len(b.bodies) - 1
	b.bodies[last] = append(b.bodies[last], code...)
	return nil
}

func (b *builder) module() []byte {
	for i, code := range b.bodies {
		body := unsigned(nil, len(b.locals[i]))
		for _, ty := range b.locals[i] {
			body = append(body, 1, ty)
		}
		body = append(append(body, code...), opEnd)
		b.vectors[sectionCode] = append(b.vectors[sectionCode], append(unsigned(nil, len(body)), body...))
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	for _, id := range sectionOrder {
		switch {
		case id == sectionStart && b.start != nil:
			wasm = section(wasm, id, b.start)
		case id == sectionDataCount && b.passive:
			wasm = section(wasm, id, unsigned(nil, len(b.vectors[sectionData])))
		case len(b.vectors[id]) > 0:
			content := unsigned(nil, len(b.vectors[id]))
			for _, v := range b.vectors[id] {
				content = append(content, v...)
			}
			wasm = section(wasm, id, content)
		}
	}
	return wasm
}

func section(wasm []byte, id byte, content []byte) []byte {
	return append(unsigned(append(wasm, id), len(content)), content...)
}

// The sections of a module, by their ids, and the order in which they stand.
const (
	sectionType = iota + 1
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
)

var sectionOrder = []byte{sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionGlobal, sectionExport, sectionStart, sectionElement, sectionDataCount, sectionCode, sectionData}

const (
	opEnd      = 0x0b
	opI32Const = 0x41
	opI64Const = 0x42
	emptyBlock = 0x40
)

// unsigned appends a number as LEB128, which encoding/binary calls a varint.
func unsigned[N int | uint32](out []byte, n N) []byte { return binary.AppendUvarint(out, uint64(n)) }

// signed appends a number as signed LEB128.
func signed(out []byte, n int64) []byte {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func name(out []byte, s string) []byte { return append(unsigned(out, len(s)), s...) }
