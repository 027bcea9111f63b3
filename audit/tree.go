package audit

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

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

// Tiles hold 256 hashes (c2sp.org/tlog-tiles).
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// A tile is a row of hashes at one of the levels 0, 8, 16, ….
type tile struct {
	level uint   // 0 for record hashes, 1 for those of 256 records, …
	index uint64 // of the tile in its level
	data  []byte // hashes, 1 to 256
}

// path is where a tile stands, below the log's directory.
func (t tile) path() string {
	index, name := t.index/1000, fmt.Sprintf("%03d", t.index%1000)
	for ; index > 0; index /= 1000 {
		name = fmt.Sprintf("x%03d/%s", index%1000, name)
	}
	name = fmt.Sprintf("tile/%d/%s", t.level, name)
	if width := len(t.data) / tlog.HashSize; width < tileWidth {
		name += fmt.Sprintf(".p/%d", width)
	}
	return name
}

// A tree grows by records and yields its root, its nodes and its tiles. It holds one tile of each level, and what wasn't taken yet.
type tree struct {
	span  span
	size  uint64
	open  [8][]byte // the tiles that aren't full, by level; 2^64 records need 8
	full  []tile    // since they were last taken
	nodes []byte    // hashes in the order they were made, since they were last taken
}

// add appends a record.
func (t *tree) add(line []byte) {
	t.span.push(node{0, t.size, tlog.RecordHash(line)}, t.keep)
	t.size++
}

// keep stores a node that was made. The order in which a tree makes its nodes is that of tlog.StoredHashIndex.
func (t *tree) keep(n node) {
	t.nodes = append(t.nodes, n.hash[:]...)
	if n.level%tileHeight != 0 {
		return
	}
	level := n.level / tileHeight
	t.open[level] = append(t.open[level], n.hash[:]...)
	if len(t.open[level]) == tileWidth*tlog.HashSize {
		t.full = append(t.full, tile{level, n.index / tileWidth, t.open[level]})
		t.open[level] = nil
	}
}

// A snapshot is a tree at one size, with the tiles and nodes that came since the snapshot before.
type snapshot struct {
	size  uint64
	root  tlog.Hash
	tiles []tile
	nodes []byte
}

func (t *tree) snapshot() *snapshot {
	s := t.part()
	for level, data := range t.open {
		if len(data) > 0 {
			s.tiles = append(s.tiles, tile{uint(level), t.size >> (tileHeight * (level + 1)), append([]byte(nil), data...)})
		}
	}
	return s
}

// part is a snapshot without the tiles that aren't full.
func (t *tree) part() *snapshot {
	s := &snapshot{t.size, t.span.root(), t.full, t.nodes}
	t.full, t.nodes = nil, nil
	return s
}

// restore makes the tree of a size from its stored nodes.
func restore(size uint64, stored tlog.HashReader) (*tree, error) {
	t := &tree{size: size}
	var err error
	if t.span, err = readSpan(size, stored); err != nil {
		return nil, err
	}
	for level := range t.open {
		count := size >> (tileHeight * level) // nodes of this level
		var indexes []int64
		for i := count - count%tileWidth; i < count; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(level*tileHeight, int64(i)))
		}
		hashes, err := stored.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		for _, h := range hashes {
			t.open[level] = append(t.open[level], h[:]...)
		}
	}
	return t, nil
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
