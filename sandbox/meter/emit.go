package meter

// A unit is what an instruction is charged for when it is known how much it does.
type unit byte

const (
	unitNone    unit = iota
	unitEighth       // of a byte count
	unitElement      // of a table
	unitPage         // of memory
)

// maxLeafBytes is how much a function that calls none may take of the stack without being counted: it is the last one anyway.
const maxLeafBytes = 64 << 10

// The canonical NaNs (section 2.2.3 of the execution chapter's numerics, "canonical NaN"), as the binary format writes them.
var (
	nan32 = [...]byte{0, 0, 0xc0, 0x7f}
	nan64 = [...]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}
)

func (b *body) withIndex(code []byte, op byte, index uint32) []byte {
	return appendUnsigned(append(code, op), index)
}

// flush ends the current basic block, and writes what it costs before it.
func (b *body) flush() {
	if b.cost > 0 {
		b.code = b.withIndex(b.code, opGlobalGet, b.fuel())
		b.code = appendSigned(append(b.code, opI64Const), b.cost)
		b.code = append(b.code, opI64Sub)
		if b.check {
			b.code = b.checked(b.code)
		} else {
			b.code = b.withIndex(b.code, opGlobalSet, b.fuel())
		}
	}
	b.code = append(b.code, b.block...)
	b.block, b.cost, b.check = b.block[:0], 0, false
	b.size++
}

// checked appends: what is on the stack is the fuel that is left; if it is below zero, ask for more.
func (b *body) checked(code []byte) []byte {
	b.size += 2
	left := b.spare(I64)
	code = b.withIndex(code, opLocalTee, left)
	code = b.withIndex(code, opGlobalSet, b.fuel())
	code = b.withIndex(code, opLocalGet, left)
	code = append(code, opI64Const, 0, opI64LtS, opIf, emptyBlock)
	code = b.withIndex(code, opCall, uint32(b.imported))
	return append(code, opEnd)
}

// chargeDynamic charges for as many units as the topmost operand says, an i32 without a sign, before the instruction that takes it.
// Nothing wraps: 2^32 pages are less than 2^46 fuel, and are looked at before anything else is charged.
func (b *body) chargeDynamic(u unit) {
	if b.dead {
		return
	}
	n := b.spare(I32)
	b.block = b.withIndex(b.block, opLocalTee, n)
	b.block = b.withIndex(b.block, opGlobalGet, b.fuel())
	b.block = b.withIndex(b.block, opLocalGet, n)
	b.block = append(b.block, opI64ExtendU)
	switch u {
	case unitEighth:
		b.block = append(b.block, opI64Const, bytesPerFuelShift, opI64ShrU)
	case unitPage:
		b.block = append(appendSigned(append(b.block, opI64Const), weightPage), opI64Mul)
	}
	b.block = append(b.block, opI64Sub)
	b.block = b.checked(b.block)
	// The fuel of the whole block has been charged before; so a host that stops the guest here has seen it all.
}

// canonicalize makes the topmost operand, if it is a NaN, the canonical one, unless the next instruction doesn't mind.
func (b *body) canonicalize(f float) {
	if b.dead || b.left() > 0 && b.instructions[b.data[b.pos]].float != nanKept {
		return
	}
	t, constant, nan, equal := F32, byte(opF32Const), nan32[:], byte(opF32Eq)
	if f == nanF64 {
		t, constant, nan, equal = F64, opF64Const, nan64[:], opF64Eq
	}
	x := b.spare(t)
	b.block = b.withIndex(b.block, opLocalTee, x)
	b.block = append(append(b.block, constant), nan...)
	b.block = b.withIndex(b.block, opLocalGet, x)
	b.block = b.withIndex(b.block, opLocalGet, x)
	b.block = append(b.block, equal, opSelect) // only a NaN isn't equal to itself
}

// stackBytes estimates what a call of the function takes of the stack, see StackBudget.
func (b *body) stackBytes() int {
	values := min(b.declared+len(b.extra)+b.highest+b.values, StackBudget/bytesPerStackValue)
	return frameOverhead + values*bytesPerStackValue
}

// enter returns what stands before the body of a function that calls others: it takes the stack that it needs, and then opens a
// block, which the labels that led to the end of the function now lead to the end of.
func (b *body) enter() []byte {
	left := b.spare(I32)
	code := b.withIndex(nil, opGlobalGet, b.stack())
	code = appendSigned(append(code, opI32Const), int64(b.stackBytes()))
	code = append(code, opI32Sub)
	code = b.withIndex(code, opLocalTee, left)
	code = b.withIndex(code, opGlobalSet, b.stack())
	code = b.withIndex(code, opLocalGet, left)
	code = append(code, opI32Const, 0, opI32LtS, opIf, emptyBlock, opUnreachable, opEnd, opBlock)
	switch results := b.signature.results; len(results) {
	case 0:
		return append(code, emptyBlock)
	case 1:
		return append(code, byte(results[0]))
	default:
		return appendSigned(code, int64(b.typeOfResults(results)))
	}
}

// exit returns what stands behind the body: the end of the block, and the stack is given back.
func (b *body) exit() []byte {
	code := b.withIndex([]byte{opEnd}, opGlobalGet, b.stack())
	code = appendSigned(append(code, opI32Const), int64(b.stackBytes()))
	code = append(code, opI32Add)
	return b.withIndex(code, opGlobalSet, b.stack())
}
