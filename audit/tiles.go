package audit

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree stands on disk twice: in the file nodes, every hash in the order of tlog.StoredHashIndex, from which proofs are read; and as tiles,
// for whoever reads the log over HTTP. Both are made of the records, so they aren't synced: what a crash took is made again by Open.
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

// write adds a snapshot to what is on disk. The file nodes is open for appending, and ends where the snapshot begins.
func (s *snapshot) write(fsys FS, dir string, nodes File) error {
	if err := writeAll(nodes, s.nodes); err != nil {
		return err
	}
	for _, t := range s.tiles {
		name := filepath.Join(dir, filepath.FromSlash(t.path()))
		if err := fsys.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := fsys.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(writeAll(f, t.data), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
