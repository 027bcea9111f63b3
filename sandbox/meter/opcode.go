package meter

// An operand says what follows an opcode in the binary format.
type operand byte

const (
	unknown  operand = iota // the opcode is refused
	none                    // nothing
	control                 // what instrument treats one by one
	local                   // an index
	access                  // alignment and offset
	constI32                // a number
	constI64
	constF32
	constF64
	index // of something that has to exist: globals, tables, segments
)

// An instruction is what has to be known of an opcode.
type instruction struct {
	operand      operand
	pops, pushes int8
	weight       int8
	float        float
}

// A float says what an instruction does to NaNs.
type float byte

const (
	nanKept  float = iota // bits of a NaN stay as they are, or don't come into it
	nanEaten              // the topmost operand may be any NaN, and the result is no NaN or none that depends on it
	nanF32                // as nanEaten, but the result may be a NaN with any bits that the engine and CPU like, of 32 bits
	nanF64                // the same of 64 bits
)

// The opcodes that are named elsewhere (WebAssembly 2.0, section 5.4).
const (
	opUnreachable  = 0x00
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opSelect       = 0x1b
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32LtS       = 0x48
	opI64LtS       = 0x53
	opF32Eq        = 0x5b
	opF64Eq        = 0x61
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI64Sub       = 0x7d
	opI64Mul       = 0x7e
	opI64ShrU      = 0x88
	opI64ExtendU   = 0xad
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	opMisc         = 0xfc

	miscMemoryInit = 8
	miscDataDrop   = 9
	miscMemoryCopy = 10
	miscMemoryFill = 11
	miscTableInit  = 12
	miscElemDrop   = 13
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableSize  = 16
	miscTableFill  = 17

	emptyBlock = 0x40
)

// lookup returns what there is to know of an opcode of one byte. Its weights are the table in the package comment.
func lookup(op byte) instruction {
	switch {
	case op == 0x01: // nop
		return instruction{operand: none, weight: 1}
	case op == opUnreachable, op >= opBlock && op <= opElse, op >= opEnd && op <= opCallIndirect, op == opSelectTyped,
		op == opMemorySize, op == opMemoryGrow, op == opRefNull, op == opRefFunc, op == opMisc:
		return instruction{operand: control}
	case op == 0x1a: // drop
		return instruction{operand: none, pops: 1, weight: 1, float: nanEaten}
	case op == opSelect:
		return instruction{operand: none, pops: 3, pushes: 1, weight: 1}
	case op == opLocalGet:
		return instruction{operand: local, pushes: 1, weight: 1}
	case op == opLocalSet:
		return instruction{operand: local, pops: 1, weight: 1}
	case op == opLocalTee:
		return instruction{operand: local, pops: 1, pushes: 1, weight: 1}
	case op == opGlobalGet:
		return instruction{operand: index, pushes: 1, weight: 1}
	case op == opGlobalSet:
		return instruction{operand: index, pops: 1, weight: 1}
	case op == opTableGet:
		return instruction{operand: index, pops: 1, pushes: 1, weight: 1}
	case op == opTableSet:
		return instruction{operand: index, pops: 2, weight: 1}
	case op >= 0x28 && op <= 0x35: // loads
		return instruction{operand: access, pops: 1, pushes: 1, weight: 1}
	case op >= 0x36 && op <= 0x3e: // stores
		return instruction{operand: access, pops: 2, weight: 1}
	case op == opI32Const:
		return instruction{operand: constI32, pushes: 1, weight: 1}
	case op == opI64Const:
		return instruction{operand: constI64, pushes: 1, weight: 1}
	case op == opF32Const:
		return instruction{operand: constF32, pushes: 1, weight: 1}
	case op == opF64Const:
		return instruction{operand: constF64, pushes: 1, weight: 1}
	case op == 0x45, op == 0x50: // eqz
		return takesOne(1)
	case op >= 0x46 && op <= 0x4f, op >= 0x51 && op <= 0x5a: // comparisons of integers
		return takesTwo(1)
	case op >= opF32Eq && op <= 0x66: // comparisons of floats
		return instruction{operand: none, pops: 2, pushes: 1, weight: 1, float: nanEaten}
	case op >= 0x67 && op <= 0x69, op >= 0x79 && op <= 0x7b: // clz, ctz, popcnt
		return takesOne(1)
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82: // div, rem
		return takesTwo(weightDivision)
	case op >= opI32Add && op <= 0x78, op >= 0x7c && op <= 0x8a: // arithmetic of integers
		return takesTwo(1)
	case op >= 0x8b && op <= 0x98:
		return floating(op-0x8b, nanF32)
	case op >= 0x99 && op <= 0xa6:
		return floating(op-0x99, nanF64)
	case op == 0xb6: // f32.demote_f64
		return instruction{operand: none, pops: 1, pushes: 1, weight: 1, float: nanF32}
	case op == 0xbb: // f64.promote_f32
		return instruction{operand: none, pops: 1, pushes: 1, weight: 1, float: nanF64}
	case op >= 0xa8 && op <= 0xab, op >= 0xae && op <= 0xb1: // truncations, which trap on NaN
		return instruction{operand: none, pops: 1, pushes: 1, weight: 1, float: nanEaten}
	case op >= 0xa7 && op <= 0xc4: // the other conversions, and sign extension
		return takesOne(1)
	case op == 0xd1: // ref.is_null
		return takesOne(1)
	default:
		return instruction{operand: unknown}
	}
}

func takesOne(weight int8) instruction {
	return instruction{operand: none, pops: 1, pushes: 1, weight: weight}
}

func takesTwo(weight int8) instruction {
	return instruction{operand: none, pops: 2, pushes: 1, weight: weight}
}

// floating returns the n-th of the arithmetic instructions on floats, the order of which is the same for 32 and 64 bits.
func floating(n byte, result float) instruction {
	switch n {
	case 0, 1: // abs, neg: only the sign changes
		return takesOne(1)
	case 2, 3, 4, 5: // ceil, floor, trunc, nearest
		return instruction{operand: none, pops: 1, pushes: 1, weight: 1, float: result}
	case 6: // sqrt
		return instruction{operand: none, pops: 1, pushes: 1, weight: weightDivision, float: result}
	case 10: // div
		return instruction{operand: none, pops: 2, pushes: 1, weight: weightDivision, float: result}
	case 13: // copysign
		return takesTwo(1)
	default: // add, sub, mul, min, max
		return instruction{operand: none, pops: 2, pushes: 1, weight: 1, float: result}
	}
}

// proposal names what an unknown opcode belongs to, for the error.
func proposal(op byte) string {
	switch {
	case op >= 0x06 && op <= 0x0a, op == 0x18, op == 0x19, op == 0x1f:
		return "exception handling isn't supported"
	case op == 0x12, op == 0x13:
		return "tail calls aren't supported"
	case op == 0x14, op == 0x15, op >= 0xd3 && op <= 0xd6:
		return "typed function references and garbage collection aren't supported"
	case op == 0xfb:
		return "garbage collection isn't supported"
	case op == 0xfd:
		return "SIMD isn't supported"
	case op == 0xfe:
		return "threads aren't supported"
	default:
		return "it is unknown"
	}
}
