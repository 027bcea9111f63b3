package meter

// A frame is a block that is open where the body is read.
type frame struct {
	opcode    byte // opBlock, opLoop, opIf, opElse; the body itself is a block
	signature signature
	height    int  // of the operands below
	deadStart bool // it is in code that can't be reached
	table     int  // the last br_table that leads here, counted from 1: one table is one way, however often it leads here
	ways      int  // branches that lead here, and for an else the end of its if
	sets      int  // of locals inside
	accesses  int  // of locals inside, sets too
}

// A body rewrites one function's body. What belongs to the current basic block waits until its cost is known.
type body struct {
	*rewriter
	signature signature
	declared  int // parameters and locals
	extra     []ValueType
	temporary map[ValueType]uint32

	code        []byte // finished blocks
	block       []byte // the current basic block
	cost        int64  // of it, in fuel
	check       bool   // it begins at a place where the fuel has to be looked at: the function's entry, or a loop's head
	dead        bool   // it can't be reached
	brTables    int    // so far
	tableLabels int64  // of these
	size        int64  // basic blocks so far, ours too, and values that may differ on the ways to a place, see MaxSquares

	meets int64 // places so far where control flow meets

	frames  []frame
	height  int // of the operands
	highest int
	values  int  // that instructions make, and that differ on the ways to a place
	calls   bool // another function is called
}

// readBodies reads the code section (section 5.5.13).
func (m *rewriter) readBodies(s *section) {
	at := m.pos
	s.count = m.count(MaxFunctions, "bodies")
	if s.count != len(m.functions)-m.imported {
		m.fail(at, "%d functions are declared, but %d have a body", len(m.functions)-m.imported, s.count)
	}
	end := m.end
	for i := 0; i < s.count && m.err == nil; i++ {
		m.fn = m.imported + i
		size := m.count(MaxBody, "bytes of a body")
		m.end = m.pos + size
		b := body{rewriter: m, signature: m.types[m.functions[m.fn]]}
		s.content = b.rewrite(s.content)
		if m.err == nil && m.left() > 0 {
			m.fail(m.pos, "%d bytes behind the end of a body", m.left())
		}
		m.end = end
	}
	m.fn = -1
}

// rewrite reads a body, and appends the new one with its size to out.
func (b *body) rewrite(out []byte) []byte {
	locals := b.readLocals()
	b.frames = []frame{{opcode: opBlock, signature: signature{results: b.signature.results}}}
	b.check = true
	b.cost = weightEntry + int64(b.declared)
	b.moves += moved(len(b.signature.params)) + moved(len(b.signature.results))
	for len(b.frames) > 0 && b.err == nil {
		b.instruction()
	}
	if b.err != nil {
		return out
	}
	if b.squares += b.size * b.size; b.squares > MaxSquares {
		b.fail(b.pos, "%d basic blocks and values that control flow decides on in this function: the sum of the squares for all functions may be %d", b.size, MaxSquares)
		return out
	}
	if b.merges > MaxMerges {
		b.fail(b.pos, "locals times the places where control flow meets are %d in all functions so far, at most %d are allowed", b.merges, MaxMerges)
		return out
	}
	if b.labels += b.tableLabels * b.tableLabels; b.labels > MaxLabels {
		b.fail(b.pos, "br_table instructions have %d labels in this function: the sum of the squares for all functions may be %d", b.tableLabels, int64(MaxLabels))
		return out
	}
	if b.moves > MaxMoves {
		b.fail(b.pos, "%d values so far are taken along by calls, branches, blocks and functions, beyond %d of each; at most %d are allowed", b.moves, freeMoves, MaxMoves)
		return out
	}
	var entry, exit []byte
	if b.calls || b.stackBytes() > maxLeafBytes {
		entry, exit = b.enter(), b.exit()
	}
	header := b.localsHeader(locals)
	out = appendUnsigned(out, len(header)+len(entry)+len(b.code)+len(exit)+1)
	out = append(out, header...)
	out = append(out, entry...)
	out = append(out, b.code...)
	out = append(out, exit...)
	return append(out, opEnd)
}

// A run is how locals are declared: so many of a type.
type run struct {
	count    int
	typeByte byte
}

func (b *body) readLocals() []run {
	b.declared = len(b.signature.params)
	runs := make([]run, b.count(MaxLocals, "groups of locals"))
	for i := range runs {
		at := b.pos
		n := b.u32("a number of locals")
		t := b.valueType("a local")
		if int64(n) > int64(MaxLocals-b.declared) {
			b.fail(at, "%d more locals, at most %d are allowed with the parameters", n, MaxLocals)
			return nil
		}
		if int64(n) > int64(MaxAllLocals-b.locals) {
			b.fail(at, "%d more locals, at most %d are allowed in all functions", n, MaxAllLocals)
			return nil
		}
		runs[i] = run{int(n), byte(t)}
		b.declared += int(n)
		b.locals += int(n)
	}
	return runs
}

func (b *body) localsHeader(runs []run) []byte {
	header := appendUnsigned(nil, len(runs)+len(b.extra))
	for _, r := range runs {
		header = append(appendUnsigned(header, r.count), r.typeByte)
	}
	for _, t := range b.extra {
		header = append(header, 1, byte(t))
	}
	return header
}

// spare returns the index of a local of our own, one for each type, behind all others.
func (b *body) spare(t ValueType) uint32 {
	if i, ok := b.temporary[t]; ok {
		return i
	}
	if b.temporary == nil {
		b.temporary = map[ValueType]uint32{}
	}
	i := uint32(b.declared + len(b.extra))
	b.temporary[t] = i
	b.extra = append(b.extra, t)
	return i
}

// instruction reads one instruction.
func (b *body) instruction() {
	start := b.pos
	op := b.byte("an instruction, or a block's end,")
	if b.err != nil {
		return
	}
	i := b.instructions[op]
	switch i.operand {
	case none:
	case control:
		b.control(op, start)
		return
	case local:
		b.index(b.declared, "local")
		top := &b.frames[len(b.frames)-1]
		top.accesses++
		if op != opLocalGet {
			top.sets++
		}
	case access:
		b.access(start)
	case constI32:
		b.signed(32, "an i32")
	case constI64:
		b.signed(64, "an i64")
	case constF32:
		b.bytes(4, "an f32")
	case constF64:
		b.bytes(8, "an f64")
	case index:
		if op == opGlobalGet || op == opGlobalSet {
			b.index(b.globals, "global")
		} else {
			b.index(len(b.tables), "table")
		}
	case unknown:
		b.fail(start, "opcode 0x%02x: %s", op, proposal(op))
	}
	if b.err != nil {
		return
	}
	b.block = append(b.block, b.since(start)...)
	b.charge(int64(i.weight))
	b.pop(int(i.pops))
	b.lift(int(i.pushes))
	if i.operand != local { // the value of a local is none that is new
		b.keep(int(i.pushes))
	}
	if i.float == nanF32 || i.float == nanF64 {
		b.canonicalize(i.float)
	}
}

// access reads where in memory a load or store goes.
func (b *body) access(start int) {
	if b.memories == 0 {
		b.fail(start, "an access to memory, but there is none")
	}
	at := b.pos
	if align := b.u32("an alignment"); align > 3 {
		b.fail(at, "an alignment of 2^%d, at most 2^3 is allowed (more than one memory isn't supported)", align)
	}
	b.u32("an offset")
}

// pop, lift and push follow the height of the operands, up to where no function can be called any more. That there are as many
// operands as are popped isn't checked.
func (b *body) pop(n int) {
	b.height = max(b.height-n, b.frames[len(b.frames)-1].height)
}

func (b *body) lift(n int) {
	if b.height += n; b.height > MaxOperands && !b.dead {
		b.fail(b.pos, "%d operands wait in a function, at most %d are allowed", b.height, MaxOperands)
	}
	b.height = min(b.height, StackBudget)
	b.highest = max(b.highest, b.height)
}

func (b *body) push(n int) {
	b.lift(n)
	b.keep(n)
}

// keep counts values that an engine may have to keep until the function returns.
func (b *body) keep(n int) { b.values = min(b.values+n, StackBudget) }

// moved is how many of n values cost something to be taken along.
func moved(n int) int64 { return max(int64(n)-freeMoves, 0) }

// move charges for values that an instruction takes along or gives back.
func (b *body) move(n int) {
	if !b.dead {
		b.moves += moved(n)
		b.charge(moved(n))
	}
}

// charge adds to what the current block costs. Code that can't be reached costs nothing.
func (b *body) charge(fuel int64) {
	if !b.dead {
		b.cost += fuel
	}
}
