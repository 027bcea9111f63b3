package meter

import (
	"slices"
	"strings"
)

// The sections, as the binary format numbers them (section 5.5.2).
const (
	sectionCustom = iota
	sectionType
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
	sectionTag // of a proposal
)

// sectionOrder is the order in which sections stand in a module, custom ones aside.
var sectionOrder = [...]byte{sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionGlobal, sectionExport,
	sectionStart, sectionElement, sectionDataCount, sectionCode, sectionData}

// A section is what is to be written of one.
type section struct {
	present bool
	count   int    // of what is in it; unused for start and data count, which have none
	content []byte // behind the count
}

// A rewriter holds what has been read of a module, and what is to be written.
type rewriter struct {
	reader
	instructions [256]instruction
	sections     [sectionTag]section
	out          Module

	types         []signature
	resultTypes   map[string]uint32 // of types without parameters, by their results
	functions     []uint32          // their types, the imported ones first
	imported      int               // of the functions
	globals       int
	importGlobals int
	tables        []Limits
	memories      int
	elements      int   // segments
	items         int   // in segments of elements
	dataSegments  int   // as the data count section says; -1 without one
	locals        int   // of all bodies so far
	merges        int64 // of all bodies so far, see MaxMerges
	squares       int64 // of all bodies so far, see MaxSquares
	moves         int64 // of all so far, see MaxMoves
	labels        int64 // of all bodies so far, see MaxLabels
}

// readSections reads the module, and fills what is to be written.
func (m *rewriter) readSections() {
	if string(m.bytes(4, "the magic number")) != "\x00asm" {
		m.fail(0, "this is no module in the binary format, which begins with \\0asm; compile it, also what is text (.wat)")
	}
	if string(m.bytes(4, "the version")) != "\x01\x00\x00\x00" {
		m.fail(4, "only version 1 of the binary format is supported, and no components")
	}
	next, whole := 0, m.end // next is an index into sectionOrder
	for m.err == nil && m.pos < whole {
		at := m.pos
		id := m.byte("a section")
		size := m.u32("the size of a section")
		if int64(size) > int64(m.left()) {
			m.fail(at, "section %d should have %d bytes, but only %d are left", id, size, m.left())
			return
		}
		if id == sectionTag {
			m.fail(at, "a tag section, but exception handling isn't supported")
			return
		}
		m.end = m.pos + int(size)
		if id == sectionCustom {
			m.name("a custom section's name")
			m.pos = m.end
		} else {
			place := slices.Index(sectionOrder[:], id)
			switch {
			case place < 0:
				m.fail(at, "section %d is unknown", id)
			case place < next:
				m.fail(at, "section %d is there twice, or out of order", id)
			}
			next = place + 1
			if m.err == nil {
				m.section(id)
			}
		}
		if m.err == nil && m.left() > 0 {
			m.fail(m.pos, "%d bytes behind the content of section %d", m.left(), id)
		}
		m.end = whole
	}
	if bodies := m.sections[sectionCode].count; m.err == nil && bodies != len(m.functions)-m.imported {
		m.fail(whole, "%d functions are declared, but %d have a body", len(m.functions)-m.imported, bodies)
	}
	if segments := m.sections[sectionData].count; m.dataSegments >= 0 && segments != m.dataSegments {
		m.fail(whole, "%d segments of data are announced, but there are %d", m.dataSegments, segments)
	}
}

func (m *rewriter) section(id byte) {
	s := &m.sections[id]
	s.present = true
	switch id {
	case sectionType:
		m.vector(s, MaxTypes, "types", func() {
			t := m.signature()
			m.types = append(m.types, t)
			if _, known := m.resultTypes[key(t.results)]; !known && len(t.params) == 0 {
				m.resultTypes[key(t.results)] = uint32(len(m.types) - 1)
			}
		})
	case sectionImport:
		m.vector(s, MaxImports, "imports", m.readImport)
		m.imported, m.importGlobals = len(m.functions), m.globals
	case sectionFunction:
		m.vector(s, MaxFunctions-len(m.functions), "functions", func() {
			m.functions = append(m.functions, m.index(len(m.types), "type"))
		})
	case sectionTable:
		m.readTables(s)
	case sectionMemory:
		m.vector(s, 1, "memories", func() { m.readMemory(false) })
	case sectionGlobal:
		m.readGlobals(s)
	case sectionExport:
		m.readExports(s)
	case sectionStart:
		at := m.pos
		start := m.index(len(m.functions), "function")
		if m.err != nil {
			return
		}
		if t := m.types[m.functions[start]]; len(t.params)+len(t.results) > 0 {
			m.fail(at, "the start function has parameters or results")
			return
		}
		m.out.HasStart = true
		m.export(StartFunc, Func, m.shifted(start))
		s.present = false
	case sectionElement:
		m.readElements(s)
	case sectionDataCount:
		m.dataSegments = int(m.u32("the number of data segments"))
		s.content = appendUnsigned(nil, m.dataSegments)
	case sectionCode:
		m.readBodies(s)
	case sectionData:
		m.vector(s, MaxSegments, "data segments", m.readData)
	}
}

// vector reads a section's elements one by one, and keeps their bytes.
func (m *rewriter) vector(s *section, limit int, what string, read func()) {
	s.count = m.count(limit, what)
	start := m.pos
	for i := 0; i < s.count && m.err == nil; i++ {
		read()
	}
	s.content = m.since(start)
}

// since returns what has been read since start.
func (m *rewriter) since(start int) []byte { return m.data[start:m.pos:m.pos] }

// key makes types a key of a map.
func key(types []ValueType) string {
	var b strings.Builder
	for _, t := range types {
		b.WriteByte(byte(t))
	}
	return b.String()
}

// typeOfResults returns the type that has no parameters and the given results, which is appended if there is none.
func (m *rewriter) typeOfResults(results []ValueType) uint32 {
	if i, ok := m.resultTypes[key(results)]; ok {
		return i
	}
	s := &m.sections[sectionType]
	i := uint32(s.count)
	s.present = true
	s.count++
	s.content = append(s.content, 0x60, 0)
	s.content = appendUnsigned(s.content, len(results))
	s.content = append(s.content, key(results)...)
	m.resultTypes[key(results)] = i
	return i
}

// shifted returns the index that function f has once refuel is imported behind all other imported functions.
func (m *rewriter) shifted(f uint32) uint32 {
	if f >= uint32(m.imported) {
		return f + 1
	}
	return f
}

func (m *rewriter) readImport() {
	at := m.pos
	i := Import{Module: m.name("a module's name"), Name: m.name("an import's name")}
	if i.Module == MeterModule {
		m.fail(at, "an import from %s, which is reserved", MeterModule)
	}
	at = m.pos
	i.Kind = Kind(m.byte("the kind of an import"))
	switch i.Kind {
	case Func:
		t := m.index(len(m.types), "type")
		if len(m.functions) == MaxFunctions {
			m.fail(at, "more than %d functions", MaxFunctions)
		}
		if m.err == nil {
			m.functions = append(m.functions, t)
			i.Params, i.Results = m.types[t].params, m.types[t].results
		}
	case Table:
		m.readTable(true)
	case Memory:
		m.readMemory(true)
	case Global:
		m.valueType("a global")
		m.mutability()
		m.globals++
	default:
		m.fail(at, "an import of kind %d (exception handling isn't supported)", i.Kind)
	}
	m.out.Imports = append(m.out.Imports, i)
}

func (m *rewriter) mutability() {
	at := m.pos
	if b := m.byte("the mutability of a global"); b > 1 {
		m.fail(at, "a global's mutability is %d, only 0 and 1 are allowed", b)
	}
}

func (m *rewriter) readMemory(imported bool) {
	at := m.pos
	l := m.limits(MaxPages, "memory")
	l.Imported = imported
	if m.memories++; m.memories > 1 {
		m.fail(at, "more than one memory isn't supported")
	}
	m.out.Memory = &l
	if !imported {
		m.out.Entry += int64(l.Min) * weightPage
	}
}

func (m *rewriter) readTable(imported bool) Limits {
	at := m.pos
	what := "a table's elements"
	if m.left() > 0 && m.data[m.pos] == 0x40 {
		m.fail(at, "a table with an initial value, but typed function references aren't supported")
	}
	m.refType(what)
	l := m.limits(MaxTableElements, "table")
	l.Imported = imported
	m.tables = append(m.tables, l)
	if len(m.tables) > MaxTables {
		m.fail(at, "more than %d tables", MaxTables)
	}
	if !imported {
		m.out.Entry += int64(l.Min)
	}
	return l
}

// readTables writes each table with a maximum, which is the one that it has or MaxTableElements.
func (m *rewriter) readTables(s *section) {
	s.count = m.count(MaxTables, "tables")
	for i := 0; i < s.count && m.err == nil; i++ {
		start := m.pos
		l := m.readTable(false)
		if m.err == nil {
			s.content = append(s.content, m.data[start], 1)
			s.content = appendUnsigned(appendUnsigned(s.content, l.Min), l.Max)
		}
	}
}

func (m *rewriter) readGlobals(s *section) {
	s.count = m.count(MaxGlobals-m.globals, "globals")
	for i := 0; i < s.count && m.err == nil; i++ {
		start := m.pos
		m.valueType("a global")
		m.mutability()
		s.content = append(s.content, m.since(start)...)
		s.content = m.constant(s.content)
	}
	m.globals += s.count
	m.out.Entry += int64(s.count)
}

// export appends to the section of exports.
func (m *rewriter) export(name string, kind Kind, index uint32) {
	s := &m.sections[sectionExport]
	s.present = true
	s.count++
	s.content = appendName(s.content, name)
	s.content = appendUnsigned(append(s.content, byte(kind)), index)
}

func (m *rewriter) readExports(s *section) {
	n := m.count(MaxExports, "exports")
	names := make(map[string]bool, n)
	for i := 0; i < n && m.err == nil; i++ {
		at := m.pos
		name := m.name("an export's name")
		if strings.HasPrefix(name, Reserved) {
			m.fail(at, "an export %s, but names that begin with %s are reserved", quote(name), Reserved)
		}
		if names[name] {
			m.fail(at, "two exports are named %s", quote(name))
		}
		names[name] = true
		at = m.pos
		kind := Kind(m.byte("the kind of an export"))
		var index uint32
		switch kind {
		case Func:
			index = m.shifted(m.index(len(m.functions), "function"))
		case Table:
			index = m.index(len(m.tables), "table")
		case Memory:
			index = m.index(m.memories, "memory")
		case Global:
			index = m.index(m.globals, "global")
		default:
			m.fail(at, "an export of kind %d (exception handling isn't supported)", kind)
		}
		m.export(name, kind, index)
	}
}

// readData reads a data segment (section 5.5.14).
func (m *rewriter) readData() {
	at := m.pos
	flags := m.u32("the flags of a data segment")
	if flags > 2 {
		m.fail(at, "a data segment with unknown flags %d", flags)
	}
	if flags == 2 {
		m.index(m.memories, "memory")
	}
	if flags != 1 {
		if m.memories == 0 {
			m.fail(at, "a data segment, but there is no memory")
		}
		m.constant(nil) // has no index of a function: it must be a number
	}
	n := m.count(MaxModule, "bytes of a data segment")
	m.bytes(n, "a data segment")
	m.out.Entry += weightBulk + int64(n)/bytesPerFuel
}
