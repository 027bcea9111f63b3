package meter

// readElements writes each segment of elements anew, because functions have other indices. There are eight encodings
// (section 5.5.12): bit 0 of the flags says that it isn't active, bit 1 that there is a table or that it is declarative, and
// bit 2 that there are expressions in the place of indices.
func (m *rewriter) readElements(s *section) {
	s.count = m.count(MaxSegments, "segments of elements")
	for i := 0; i < s.count && m.err == nil; i++ {
		s.content = m.element(s.content)
	}
	m.elements = s.count
}

func (m *rewriter) element(b []byte) []byte {
	at := m.pos
	flags := m.u32("the flags of a segment of elements")
	if flags > 7 {
		m.fail(at, "a segment of elements with unknown flags %d", flags)
	}
	b = appendUnsigned(b, flags)
	if flags&1 == 0 {
		table := uint32(0)
		if flags&2 != 0 {
			table = m.u32("the index of a table")
			b = appendUnsigned(b, table)
		}
		if int64(table) >= int64(len(m.tables)) {
			m.fail(at, "a segment of elements for table %d, there are %d", table, len(m.tables))
		}
		b = m.constant(b)
	}
	expressions := flags&4 != 0
	if flags&3 != 0 {
		at = m.pos
		if expressions {
			b = append(b, byte(m.refType("a segment's elements")))
		} else if kind := m.byte("the kind of a segment"); kind == 0 {
			b = append(b, kind)
		} else {
			m.fail(at, "a segment of elements of kind %d, only functions are allowed", kind)
		}
	}
	n := m.count(MaxItems-m.items, "elements of all segments")
	m.items += n
	m.out.Entry += weightBulk + int64(n)
	b = appendUnsigned(b, n)
	for i := 0; i < n && m.err == nil; i++ {
		if expressions {
			b = m.constant(b)
		} else {
			b = appendUnsigned(b, m.shifted(m.index(len(m.functions), "function")))
		}
	}
	return b
}

// constant reads a constant expression of one instruction (section 3.3.10), and appends it to b with functions' new indices.
func (m *rewriter) constant(b []byte) []byte {
	start := m.pos
	op := m.byte("a constant expression")
	function, isFunction := uint32(0), false
	switch op {
	case opI32Const:
		m.signed(32, "an i32")
	case opI64Const:
		m.signed(64, "an i64")
	case opF32Const:
		m.bytes(4, "an f32")
	case opF64Const:
		m.bytes(8, "an f64")
	case opGlobalGet:
		m.index(m.importGlobals, "imported global")
	case opRefNull:
		m.refType("the type of a null")
	case opRefFunc:
		function, isFunction = m.index(len(m.functions), "function"), true
	case 0xfd:
		m.fail(start, "a constant expression with a vector, but SIMD isn't supported")
	default:
		m.fail(start, "a constant expression with opcode 0x%02x, only a constant, global.get, ref.null and ref.func are allowed", op)
	}
	at := m.pos
	if end := m.byte("the end of a constant expression"); m.err == nil && end != opEnd {
		m.fail(at, "a constant expression of more than one instruction: extended constants aren't supported")
	}
	if m.err != nil {
		return b
	}
	if isFunction {
		b = appendUnsigned(append(b, opRefFunc), m.shifted(function))
		return append(b, opEnd)
	}
	return append(b, m.since(start)...)
}
