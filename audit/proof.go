package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree reads the Merkle tree of a log, at one size, from disk. It is safe for concurrent use until it is closed.
type Tree struct {
	file File
	span span
	fold []tlog.Hash // fold[i] is the root over span[i:]
	size uint64

	blocks sync.Pool // *[blockNodes * tlog.HashSize]byte
	mu     sync.Mutex
	upper  map[int64]tlog.Hash // nodes that were read, by where they are stored
}

// OpenTree opens the tree over the first size records of a log, of which the log must have signed a checkpoint of at least that size. Proofs from it are good
// for whoever checks them, since they lead to a root; the tree itself is not checked.
func OpenTree(dir string, size uint64) (*Tree, error) {
	f, err := OS().OpenFile(filepath.Join(dir, nodesFile), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	t := &Tree{file: f, size: size, upper: map[int64]tlog.Hash{}}
	if t.span, err = readSpan(size, storedNodes{f}); err != nil {
		return nil, errors.Join(fmt.Errorf("audit: the stored tree has less than %d records: %w", size, err), f.Close())
	}
	t.fold = make([]tlog.Hash, len(t.span))
	for i := len(t.span) - 1; i >= 0; i-- {
		t.fold[i] = t.span[i].hash
		if i+1 < len(t.span) {
			t.fold[i] = tlog.NodeHash(t.fold[i], t.fold[i+1])
		}
	}
	return t, nil
}

// Close closes the file that the tree is read from.
func (t *Tree) Close() error { return t.file.Close() }

// Size returns the number of records.
func (t *Tree) Size() uint64 { return t.size }

// Root returns the root (RFC 6962, section 2.1).
func (t *Tree) Root() tlog.Hash { return t.span.root() }

// Records of a block of 256 stand together in the file nodes with all nodes above them, so that one read serves the 8 lowest levels of a proof.
const (
	blockLevel = 8
	blockNodes = 1<<(blockLevel+1) - 1
	// maxUpper bounds the nodes above blocks that a Tree remembers, some 4 MiB.
	maxUpper = 1 << 16
)

// Inclusion proves that the tree holds a record (RFC 6962, section 2.1.1). [tlog.CheckRecord] checks it, against the root and the hash of the
// record's line.
func (t *Tree) Inclusion(index uint64) (tlog.RecordProof, error) {
	if index >= t.size {
		return nil, fmt.Errorf("audit: the tree has %d records, and so none with index %d", t.size, index)
	}
	k, end := 0, uint64(0) // the subtree that holds the record, and where it ends
	for ; ; k++ {
		if end += 1 << t.span[k].level; index < end {
			break
		}
	}
	top := t.span[k].level
	proof := make(tlog.RecordProof, min(top, blockLevel), int(top)+len(t.span))
	if top >= blockLevel {
		if err := t.lowest(proof, index); err != nil {
			return nil, err
		}
	}
	for level := range top {
		if level < blockLevel && top >= blockLevel {
			continue
		}
		h, err := t.node(tlog.StoredHashIndex(int(level), int64(index>>level^1)))
		if err != nil {
			return nil, err
		}
		proof = append(proof[:level], h)
	}
	if k+1 < len(t.span) {
		proof = append(proof, t.fold[k+1])
	}
	for k--; k >= 0; k-- {
		proof = append(proof, t.span[k].hash)
	}
	return proof, nil
}

// lowest reads the siblings on the levels inside of a record's block.
func (t *Tree) lowest(proof []tlog.Hash, index uint64) error {
	block, _ := t.blocks.Get().(*[blockNodes * tlog.HashSize]byte)
	if block == nil {
		block = new([blockNodes * tlog.HashSize]byte)
	}
	defer t.blocks.Put(block)
	first := tlog.StoredHashIndex(0, int64(index>>blockLevel<<blockLevel))
	if _, err := t.file.ReadAt(block[:], first*tlog.HashSize); err != nil {
		return err
	}
	for level := range proof {
		copy(proof[level][:], block[(tlog.StoredHashIndex(level, int64(index>>level^1))-first)*tlog.HashSize:])
	}
	return nil
}

// node reads one hash, or remembers it.
func (t *Tree) node(at int64) (tlog.Hash, error) {
	t.mu.Lock()
	h, ok := t.upper[at]
	t.mu.Unlock()
	if ok {
		return h, nil
	}
	if _, err := t.file.ReadAt(h[:], at*tlog.HashSize); err != nil {
		return h, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.upper) == maxUpper {
		clear(t.upper)
	}
	t.upper[at] = h
	return h, nil
}

// Consistency proves that the tree goes on from the one over its first old records, at least one (RFC 6962, section 2.1.2). [tlog.CheckTree] checks it.
func (t *Tree) Consistency(old uint64) (tlog.TreeProof, error) {
	if old == 0 || old > t.size {
		return nil, fmt.Errorf("audit: the tree has %d records, and doesn't go on from one of %d", t.size, old)
	}
	return tlog.ProveTree(int64(t.size), int64(old), storedNodes{t.file})
}

// proofHeader begins a proof of inclusion, see c2sp.org/tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1\n"

// maxProof bounds a proof in text: a record in base64, 63 hashes and a checkpoint.
const maxProof = MaxLine/3*4 + 4 + 64*45 + maxNote + 200

// ProveInclusion returns a proof that a record stands in the log that a signed checkpoint covers, as a text that can be checked without the log
// (c2sp.org/tlog-proof): it holds the record, as extra data, and the checkpoint.
func ProveInclusion(dir string, index uint64, signed []byte) ([]byte, error) {
	t, err := openCovered(dir, signed)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	proof, err := t.Inclusion(index)
	if err != nil {
		return nil, err
	}
	for line, err := range readLines(OS(), dir, index) {
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckRecord(proof, int64(t.size), t.Root(), int64(index), leafOf(line)); err != nil {
			return nil, broken(index, "", "it isn't the entry that the stored tree holds; verify the log")
		}
		out := fmt.Appendf(nil, "%sextra %s\nindex %d\n", proofHeader, base64.StdEncoding.EncodeToString(line), index)
		return append(appendHashes(out, proof), signed...), nil
	}
	return nil, broken(index, "", "it is missing")
}

// CheckInclusion checks a proof made by [ProveInclusion], with the keys as [OpenCheckpoint] has them, and returns the record and the checkpoint.
func CheckInclusion(proof []byte, log *Public, witnesses []*Public, quorum int) (Record, *Signed, error) {
	fail := func(err error) (Record, *Signed, error) {
		return Record{}, nil, fmt.Errorf("audit: the proof: %w", err)
	}
	rest, ok := bytes.CutPrefix(proof, []byte(proofHeader))
	if !ok || len(proof) > maxProof {
		return fail(errors.New("it doesn't begin with " + strings.TrimSpace(proofHeader)))
	}
	extra, rest, err := headerLine(rest, "extra ")
	if err != nil {
		return fail(err)
	}
	line, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil || base64.StdEncoding.EncodeToString(line) != extra {
		return fail(errors.New("its extra line holds no record"))
	}
	number, rest, err := headerLine(rest, "index ")
	if err != nil {
		return fail(err)
	}
	index, err := parseIndex(number)
	if err != nil {
		return fail(err)
	}
	hashes, signed, err := parseHashes(rest)
	if err != nil {
		return fail(err)
	}
	s, err := OpenCheckpoint(signed, log, witnesses, quorum)
	if err != nil {
		return Record{}, nil, err
	}
	if err := tlog.CheckRecord(hashes, int64(s.Size), s.Root, int64(index), leafOf(line)); err != nil {
		return fail(fmt.Errorf("the checkpoint's tree of %d doesn't hold this record with index %d", s.Size, index))
	}
	r, err := parseRecord(line)
	if err == nil && r.Index != index {
		err = fmt.Errorf("the record says that its index is %d", r.Index)
	}
	if err != nil {
		return fail(err)
	}
	return r, s, nil
}

// ProveConsistency returns a proof that the log that a signed checkpoint covers goes on from its own first old records. It is the body of a request to a
// witness (c2sp.org/tlog-witness).
func ProveConsistency(dir string, old uint64, signed []byte) ([]byte, error) {
	t, err := openCovered(dir, signed)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	proof, err := t.Consistency(old)
	if err != nil {
		return nil, err
	}
	return append(appendHashes(fmt.Appendf(nil, "old %d\n", old), proof), signed...), nil
}

// CheckConsistency checks a proof made by [ProveConsistency]: that the log goes on from an older checkpoint of it.
func CheckConsistency(proof []byte, old *Signed, log *Public, witnesses []*Public, quorum int) (*Signed, error) {
	fail := func(err error) (*Signed, error) { return nil, fmt.Errorf("audit: the proof: %w", err) }
	if len(proof) > maxProof {
		return fail(errors.New("it is too long"))
	}
	number, rest, err := headerLine(proof, "old ")
	if err != nil {
		return fail(err)
	}
	if size, err := parseIndex(number); err != nil || size != old.Size {
		return fail(fmt.Errorf("it begins at another size than the older checkpoint's %d", old.Size))
	}
	hashes, signed, err := parseHashes(rest)
	if err != nil {
		return fail(err)
	}
	s, err := OpenCheckpoint(signed, log, witnesses, quorum)
	if err != nil {
		return nil, err
	}
	if s.Origin != old.Origin {
		return fail(errors.New("the older checkpoint is of another log"))
	}
	if err := tlog.CheckTree(hashes, int64(s.Size), s.Root, int64(old.Size), old.Root); err != nil {
		return nil, &BrokenError{Index: 0, forked: old.Size, Reason: fmt.Sprintf("the log of %d entries doesn't go on from the checkpoint of %d: it was rewritten, or is a fork", s.Size, old.Size)}
	}
	return s, nil
}

// openCovered opens the tree that a signed checkpoint covers. Its signatures are for whoever checks the proof.
func openCovered(dir string, signed []byte) (*Tree, error) {
	if len(signed) > maxNote {
		return nil, fmt.Errorf("audit: the checkpoint has more than %d bytes", maxNote)
	}
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	_, size, root, err := parseCheckpoint(string(text) + "\n")
	if err != nil {
		return nil, err
	}
	t, err := OpenTree(dir, size)
	if err != nil {
		return nil, err
	}
	if t.Root() != root {
		return nil, errors.Join(fmt.Errorf("audit: the stored tree of %s has another root at %d than the checkpoint", dir, size), t.Close())
	}
	return t, nil
}

func headerLine(text []byte, prefix string) (string, []byte, error) {
	line, rest, ok := bytes.Cut(text, []byte("\n"))
	value, has := bytes.CutPrefix(line, []byte(prefix))
	if !ok || !has {
		return "", nil, fmt.Errorf("a line is missing that begins with %q", prefix)
	}
	return string(value), rest, nil
}

func parseIndex(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, errors.New("an index isn't a number in decimal")
	}
	return n, nil
}

func appendHashes(dst []byte, hashes []tlog.Hash) []byte {
	for _, h := range hashes {
		dst = append(append(dst, h.String()...), '\n')
	}
	return append(dst, '\n')
}

// parseHashes reads hashes, a line each, up to an empty line, and returns what stands behind it.
func parseHashes(text []byte) ([]tlog.Hash, []byte, error) {
	var out []tlog.Hash
	for {
		line, rest, ok := bytes.Cut(text, []byte("\n"))
		if !ok || len(out) > 130 {
			return nil, nil, errors.New("no empty line stands behind its hashes")
		}
		if len(line) == 0 {
			return out, rest, nil
		}
		h, err := tlog.ParseHash(string(line))
		if err != nil || h.String() != string(line) {
			return nil, nil, errors.New("a line of it is no hash")
		}
		out, text = append(out, h), rest
	}
}
