package audit

import (
	"crypto/sha256"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// The entries of the tree are not the lines but their SHA-256, which the chain has anyway. So the tree costs little beside the chain, an entry
// has 32 bytes, and the whole tree can be published without what the lines say.

// leafHash is the hash of an entry in the tree (RFC 6962, section 2.1).
func leafHash(hash *[32]byte) tlog.Hash {
	var buf [1 + 32]byte
	copy(buf[1:], hash[:])
	return sha256.Sum256(buf[:])
}

func leafOf(line []byte) tlog.Hash {
	hash := sha256.Sum256(line)
	return leafHash(&hash)
}

// A node is the root of a complete subtree: of the records from index<<level on, 1<<level of them.
type node struct {
	level uint
	index uint64
	hash  tlog.Hash
}

// A span is a run of records as the fewest complete subtrees, left to right. That of records 0 to n-1 gives the root of the tree.
type span []node

// push adds the subtree that follows on the last, and joins siblings. It calls each, unless nil, on every node that is made.
func (s *span) push(n node, each func(node)) {
	for {
		if each != nil {
			each(n)
		}
		last := len(*s) - 1
		if last < 0 || n.index%2 == 0 || (*s)[last].level != n.level || (*s)[last].index+1 != n.index {
			*s = append(*s, n)
			return
		}
		n = node{n.level + 1, n.index / 2, tlog.NodeHash((*s)[last].hash, n.hash)}
		*s = (*s)[:last]
	}
}

// root is the hash of the tree over a span that begins at 0 (RFC 6962, section 2.1).
func (s span) root() tlog.Hash {
	if len(s) == 0 {
		h, _ := tlog.TreeHash(0, nil) // the hash of nothing
		return h
	}
	h := s[len(s)-1].hash
	for i := len(s) - 2; i >= 0; i-- {
		h = tlog.NodeHash(s[i].hash, h)
	}
	return h
}

// A tree grows by records. It holds its span, and the nodes that weren't stored yet.
type tree struct {
	span  span
	size  uint64
	nodes []byte // hashes in the order they were made, which is that of tlog.StoredHashIndex
}

// add appends a record.
func (t *tree) add(h tlog.Hash) {
	t.span.push(node{0, t.size, h}, func(n node) { t.nodes = append(t.nodes, n.hash[:]...) })
	t.size++
}

// A snapshot is a tree at one size, with the nodes that came since the snapshot before.
type snapshot struct {
	size  uint64
	root  tlog.Hash
	nodes []byte
}

func (t *tree) snapshot() *snapshot {
	s := &snapshot{t.size, t.span.root(), t.nodes}
	t.nodes = make([]byte, 0, len(s.nodes))
	return s
}

// readSpan reads the span of the records 0 to size-1 from the stored nodes.
func readSpan(size uint64, stored tlog.HashReader) (span, error) {
	var out span
	var indexes []int64
	for done := uint64(0); done < size; {
		level := uint(bits.Len64(size-done)) - 1
		out = append(out, node{level: level, index: done >> level})
		indexes = append(indexes, tlog.StoredHashIndex(int(level), int64(done>>level)))
		done += 1 << level
	}
	hashes, err := stored.ReadHashes(indexes)
	for i := range hashes {
		out[i].hash = hashes[i]
	}
	return out, err
}
