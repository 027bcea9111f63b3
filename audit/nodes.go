package audit

import (
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree stands on disk in the file nodes: every hash, in the order of tlog.StoredHashIndex. It is made of the records, so it isn't synced: what
// a crash took is made again by Open.
const nodesFile = "nodes"

// storedNodes reads hashes from the file nodes.
type storedNodes struct{ f File }

func (s storedNodes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if _, err := s.f.ReadAt(out[i][:], x*tlog.HashSize); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// WriteTiles writes the tiles of the tree over the first size records of a log to another directory, as c2sp.org/tlog-tiles lays them out: those that the tree over
// the first old records doesn't have. That directory can be served to witnesses and monitors; the log's own holds what happened, and keys. Called by
// Options.OnCheckpoint, it keeps a mirror. Entry bundles are not written.
func WriteTiles(dir, to string, old, size uint64) error {
	t, err := OpenTree(dir, size)
	if err != nil {
		return err
	}
	defer t.Close()
	const height = 8
	for _, tile := range tlog.NewTiles(height, int64(old), int64(size)) {
		data, err := tlog.ReadTileData(tile, storedNodes{t.file})
		if err != nil {
			return err
		}
		// tlog has the height in the path, tlog-tiles always has 8.
		rel, err := filepath.Rel(filepath.FromSlash("tile/8"), filepath.FromSlash(tile.Path()))
		if err != nil {
			return err
		}
		name := filepath.Join(to, "tile", rel)
		if err := OS().MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := writeFile(OS(), name, data); err != nil {
			return err
		}
	}
	return nil
}
