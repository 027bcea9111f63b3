package meter

// The names that are reserved. A module that exports a name which begins with Reserved, or imports from MeterModule, is refused.
const (
	Reserved = "moat:"

	// FuelGlobal is exported: a mutable i64, what is left of the current slice of fuel. It begins with 0, so that the first function
	// that is called asks for a slice. What is below zero is owed.
	FuelGlobal = "moat:fuel"

	// StackGlobal is exported: a mutable i32, what is left of StackBudget, in bytes. Whoever is called when it doesn't suffice makes
	// it negative and traps with unreachable; negative it stays.
	StackGlobal = "moat:stack"

	// StartFunc is exported if the module has a start function, which it then is. It has neither parameters nor results.
	StartFunc = "moat:start"

	// MeterModule and RefuelFunc name the function that is imported, without parameters or results: it is called when FuelGlobal is
	// below zero, and has to add a slice to it, or to stop the guest for ever.
	MeterModule = "moat:meter"
	RefuelFunc  = "refuel"
)

// A Module is a module that meters itself, and what has to be known before it is instantiated.
type Module struct {
	Wasm     []byte   // to be compiled in the place of the original
	Imports  []Import // of the original, in its order
	Memory   *Limits  // in pages; nil if there is none
	Tables   []Limits // in elements, the imported ones first
	Entry    int64    // what it costs to instantiate the module, in fuel: nobody but the caller can charge it
	HasStart bool     // StartFunc has to be called after instantiation
}

// Instrument reads a WebAssembly module, and returns one that does the same and counts what it does. See the package comment for
// what is counted, what is changed, and what remains for the caller to do.
//
// The error is always an *[Error]; the Module is then nil. Time and memory are linear in len(module), and len(Module.Wasm) is
// less than MaxGrowth times len(module). The module isn't changed, and nothing of it is kept.
func Instrument(module []byte) (*Module, error) {
	m := &rewriter{
		reader:       reader{data: module, end: len(module), fn: -1},
		resultTypes:  map[string]uint32{},
		dataSegments: -1,
	}
	for i := range m.instructions {
		m.instructions[i] = lookup(byte(i))
	}
	if len(module) > MaxModule {
		m.fail(MaxModule, "a module of %d bytes, at most %d are allowed", len(module), MaxModule)
	}
	m.readSections()
	if m.err != nil {
		return nil, m.err
	}
	m.addMeter()
	m.out.Wasm = m.write()
	m.out.Tables = m.tables
	return &m.out, nil
}

// addMeter appends what the rewritten bodies use: the import behind all other imported functions, and the globals behind all
// others. So nothing else changes its index but functions, see [rewriter.shifted].
func (m *rewriter) addMeter() {
	imports := &m.sections[sectionImport]
	imports.present = true
	imports.count++
	imports.content = appendName(appendName(imports.content, MeterModule), RefuelFunc)
	imports.content = appendUnsigned(append(imports.content, byte(Func)), m.typeOfResults(nil))

	globals := &m.sections[sectionGlobal]
	globals.present = true
	globals.count += 2
	globals.content = append(globals.content, byte(I64), 1, opI64Const, 0, opEnd)
	globals.content = append(globals.content, byte(I32), 1, opI32Const)
	globals.content = append(appendSigned(globals.content, StackBudget), opEnd)
	m.export(FuelGlobal, Global, m.fuel())
	m.export(StackGlobal, Global, m.stack())
}

// fuel and stack are the indices of the globals that are appended.
func (m *rewriter) fuel() uint32  { return uint32(m.globals) }
func (m *rewriter) stack() uint32 { return uint32(m.globals) + 1 }

// write returns the module that has been read and changed.
func (m *rewriter) write() []byte {
	size := 8
	for _, id := range sectionOrder {
		size += len(m.sections[id].content) + 11 // an id and two numbers of 32 bits
	}
	b := append(make([]byte, 0, size), "\x00asm\x01\x00\x00\x00"...)
	for _, id := range sectionOrder {
		s := &m.sections[id]
		if !s.present {
			continue
		}
		var count []byte
		if id != sectionDataCount {
			count = appendUnsigned(nil, s.count)
		}
		b = append(b, id)
		b = appendUnsigned(b, len(count)+len(s.content))
		b = append(b, count...)
		b = append(b, s.content...)
	}
	return b
}
