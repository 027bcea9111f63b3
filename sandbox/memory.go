package sandbox

import "github.com/tetratelabs/wazero/experimental"

// memory is the linear memory of an instance. It never has more than its limit.
type memory struct {
	limit uint64 // bytes
	bytes []byte
	most  uint64 // bytes that it has had
}

// Allocate is for [experimental.MemoryAllocator]: an instance has one memory at most.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate makes the memory of another size, or returns nil where that is too much; code is then told that its memory can't grow.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.limit {
		return nil
	}
	if size > uint64(cap(m.bytes)) {
		grown := make([]byte, size, min(max(size, 2*uint64(cap(m.bytes))), m.limit))
		copy(grown, m.bytes)
		m.bytes = grown
	}
	m.bytes = m.bytes[:size]
	m.most = max(m.most, size)
	return m.bytes
}

// Free gives the memory back.
func (m *memory) Free() { m.bytes = nil }
