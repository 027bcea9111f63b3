package audit

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// What stands in a log's directory. A segment is named by the index of its first record, in 20 digits.
const (
	segmentSuffix  = ".jsonl"
	keySuffix      = ".key"
	keysDir        = "keys"
	lockFile       = "lock"
	checkpointFile = "checkpoint"
	tornPrefix     = "torn-"
)

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// listSegments returns the first indexes of the segments in a directory, ascending. Files with other names are none.
func listSegments(fsys FS, dir string) ([]uint64, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if !ok || len(digits) != 20 || e.IsDir() {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out, nil // sorted as their names are
}

func keyPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, keySuffix))
}

// readKey reads the key of a segment. It is fs.ErrNotExist that it was deleted.
func readKey(fsys FS, dir string, first uint64, id [32]byte) (*segmentKey, error) {
	name := keyPath(dir, first)
	data, err := readFile(fsys, name, 65)
	if err != nil {
		return nil, err
	}
	key := new(segmentKey)
	if !parseHash(strings.TrimSuffix(string(data), "\n"), (*[32]byte)(key)) {
		return nil, fmt.Errorf("%s: not a key of 64 lower-case hexadecimal digits", name)
	}
	if key.id() != id {
		return nil, fmt.Errorf("%s: not the key of segment %s", name, segmentName(first))
	}
	return key, nil
}

// newKey makes the key of a segment; it isn't on disk yet.
func newKey() *segmentKey {
	key := new(segmentKey)
	rand.Read(key[:]) // never fails
	return key
}

// writeKey makes a key durable before anything is digested with it.
func writeKey(fsys FS, dir string, first uint64, key *segmentKey) error {
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeFile(fsys, keyPath(dir, first), append(hex.AppendEncode(nil, key[:]), '\n'))
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
