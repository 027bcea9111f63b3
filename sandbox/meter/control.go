package meter

// control reads an instruction that begins at start, and that is more than its operands' bytes.
func (b *body) control(op byte, start int) {
	switch op {
	case opBlock, opLoop, opIf:
		b.open(op, start)
	case opElse:
		b.otherwise(start)
	case opEnd:
		b.close()
	case opBr, opBrIf:
		b.charge(1)
		if op == opBrIf {
			b.pop(1)
		}
		b.charge(b.branch(b.index(len(b.frames), "label"), 0))
		b.block = append(b.block, b.since(start)...)
		b.flush()
		if op == opBr {
			b.leave()
		}
	case opBrTable:
		b.charge(weightBrTable)
		b.brTables++
		along := int64(0)                                                                // the same for all labels
		for n := b.count(MaxBody, "labels of a br_table"); n >= 0 && b.err == nil; n-- { // one more is the default
			along = b.branch(b.index(len(b.frames), "label"), b.brTables)
			b.tableLabels++
		}
		b.charge(along)
		b.block = append(b.block, b.since(start)...)
		b.flush()
		b.leave()
	case opReturn:
		b.charge(1)
		b.move(len(b.signature.results))
		b.block = appendUnsigned(append(b.block, opBr), len(b.frames)-1)
		b.flush()
		b.leave()
	case opUnreachable:
		b.charge(1)
		b.block = append(b.block, op)
		b.flush()
		b.leave()
	case opCall:
		b.charge(weightCall)
		f := b.index(len(b.functions), "function")
		b.block = appendUnsigned(append(b.block, op), b.shifted(f))
		if b.err == nil {
			b.call(b.types[b.functions[f]])
		}
	case opCallIndirect:
		b.charge(2 * weightCall)
		t := b.index(len(b.types), "type")
		b.index(len(b.tables), "table")
		b.block = append(b.block, b.since(start)...)
		b.pop(1)
		if b.err == nil {
			b.call(b.types[t])
		}
	case opSelectTyped:
		b.charge(1)
		b.valueTypes(1, "a select")
		b.block = append(b.block, b.since(start)...)
		b.pop(3)
		b.push(1)
	case opRefNull:
		b.charge(1)
		b.refType("the type of a null")
		b.block = append(b.block, b.since(start)...)
		b.push(1)
	case opRefFunc:
		b.charge(1)
		b.block = appendUnsigned(append(b.block, op), b.shifted(b.index(len(b.functions), "function")))
		b.push(1)
	case opMemorySize, opMemoryGrow:
		b.charge(1)
		b.zero("the index of a memory")
		b.needMemory(start)
		if op == opMemoryGrow {
			b.pop(1)
			b.chargeDynamic(unitPage)
		}
		b.block = append(b.block, b.since(start)...)
		b.push(1)
	case opMisc:
		b.misc(start)
	}
}

// needMemory checks that there is a memory for the instruction at start.
func (b *body) needMemory(start int) {
	if b.memories == 0 {
		b.fail(start, "an instruction for a memory, but there is none")
	}
}

// misc reads an instruction whose opcode has a second number (section 5.4.6 and others).
func (b *body) misc(start int) {
	op := b.u32("the second part of an opcode")
	pops, pushes, per := 0, 0, unitNone
	switch {
	case op < miscMemoryInit: // conversions that saturate
		pops, pushes = 1, 1
	case op == miscMemoryInit || op == miscDataDrop:
		b.index(max(b.dataSegments, 0), "data segment")
		if op == miscMemoryInit {
			b.zero("the index of a memory")
			b.needMemory(start)
			pops, per = 3, unitEighth
		}
	case op == miscMemoryCopy:
		b.zero("the index of a memory")
		b.zero("the index of a memory")
		b.needMemory(start)
		pops, per = 3, unitEighth
	case op == miscMemoryFill:
		b.zero("the index of a memory")
		b.needMemory(start)
		pops, per = 3, unitEighth
	case op == miscTableInit:
		b.index(b.elements, "segment of elements")
		b.index(len(b.tables), "table")
		pops, per = 3, unitElement
	case op == miscElemDrop:
		b.index(b.elements, "segment of elements")
	case op == miscTableCopy:
		b.index(len(b.tables), "table")
		b.index(len(b.tables), "table")
		pops, per = 3, unitElement
	case op == miscTableGrow:
		b.index(len(b.tables), "table")
		pops, pushes, per = 2, 1, unitElement
	case op == miscTableSize:
		b.index(len(b.tables), "table")
		pushes = 1
	case op == miscTableFill:
		b.index(len(b.tables), "table")
		pops, per = 3, unitElement
	default:
		b.fail(start, "opcode 0xfc %d: it is unknown, or a proposal's that isn't supported", op)
	}
	b.charge(1)
	if per != unitNone {
		b.charge(weightBulk)
		b.chargeDynamic(per)
	}
	b.block = append(b.block, b.since(start)...)
	b.pop(pops)
	b.push(pushes)
}

// call follows what a call does to the operands.
func (b *body) call(t signature) {
	b.calls = true
	b.move(len(t.params))
	b.move(len(t.results))
	b.pop(len(t.params))
	b.push(len(t.results))
}

// open begins a block, loop or if.
func (b *body) open(op byte, start int) {
	f := frame{opcode: op, signature: b.blockType(), deadStart: b.dead}
	if len(b.frames) > MaxNesting {
		b.fail(start, "more than %d blocks in each other", MaxNesting)
	}
	if b.err != nil {
		return
	}
	if op == opIf {
		b.charge(1)
		b.pop(1)
	}
	b.move(len(f.signature.params))
	b.move(len(f.signature.results))
	b.pop(len(f.signature.params))
	f.height = b.height
	b.frames = append(b.frames, f)
	b.height += len(f.signature.params)
	b.block = append(b.block, b.since(start)...)
	switch op {
	case opIf:
		b.flush()
	case opLoop:
		b.flush()
		b.check = !b.dead
		b.charge(1)
	}
}

// blockType reads the type of a block (section 5.4.1).
func (b *body) blockType() signature {
	if b.left() > 0 {
		switch t := ValueType(b.data[b.pos]); t {
		case emptyBlock:
			b.pos++
			return signature{}
		case I32, I64, F32, F64, FuncRef, ExternRef:
			b.pos++
			return signature{results: []ValueType{t}}
		}
	}
	at := b.pos
	i := b.signed(33, "the type of a block")
	if b.err == nil && (i < 0 || i >= int64(len(b.types))) {
		b.fail(at, "the type of a block is %d, there are %d types", i, len(b.types))
	}
	if b.err != nil {
		return signature{}
	}
	return b.types[i]
}

// otherwise begins the second part of an if.
func (b *body) otherwise(start int) {
	f := &b.frames[len(b.frames)-1]
	if f.opcode != opIf {
		b.fail(start, "an else without an if")
		return
	}
	b.flush()
	b.code = append(b.code, opElse)
	f.opcode = opElse
	if !b.dead {
		f.ways++
	}
	b.dead = f.deadStart
	b.height = f.height + len(f.signature.params)
}

// close ends a block, or the body.
func (b *body) close() {
	f := b.frames[len(b.frames)-1]
	b.frames = b.frames[:len(b.frames)-1]
	if len(b.frames) == 0 {
		b.flush()
		b.keep(len(f.signature.results))
		b.merges += b.meets * int64(min(f.accesses, b.declared))
		return // its end is written with the body
	}
	meets := f.ways
	if !b.dead {
		meets++
	}
	switch f.opcode {
	case opIf:
		if !f.deadStart {
			meets++
		}
		b.dead = f.deadStart
	case opElse:
		b.dead = f.deadStart || b.dead && f.ways == 0 // the end of the if is one of the ways
	case opBlock:
		b.dead = f.deadStart || b.dead && f.ways == 0
	}
	b.block = append(b.block, opEnd)
	switch {
	case f.opcode == opLoop:
		// The way on is the only one, and belongs to the block that is current.
		if f.ways > 0 {
			b.keep(min(f.sets, b.declared) + len(f.signature.params))
		}
		b.size += int64(min(f.accesses, b.declared))
	case f.opcode == opBlock && f.ways == 0:
	default:
		b.flush()
	}
	if f.opcode != opLoop && meets > 1 {
		n := min(f.sets, b.declared) + len(f.signature.results)
		b.keep(n)
		b.size += int64(n)
	}
	if meets > 1 || f.opcode == opLoop {
		b.meets++
	}
	outer := &b.frames[len(b.frames)-1]
	outer.sets += f.sets
	outer.accesses += f.accesses
	b.height = f.height
	b.lift(len(f.signature.results))
}

// branch notes a way to a label, of the br_table with the given number, or 0. It returns what the values cost that it takes along.
func (b *body) branch(label uint32, table int) int64 {
	if b.err != nil || b.dead {
		return 0
	}
	f := &b.frames[len(b.frames)-1-int(label)]
	along := len(f.signature.results)
	if f.opcode == opLoop {
		along = len(f.signature.params)
	}
	b.moves += moved(along)
	if table == 0 || f.table != table {
		f.table = table
		f.ways++
	}
	return moved(along)
}

// leave says that what follows can't be reached.
func (b *body) leave() {
	b.dead = true
	b.height = b.frames[len(b.frames)-1].height
}
