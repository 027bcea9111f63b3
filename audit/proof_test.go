package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// treeOf writes the stored tree of n records that say nothing, and returns its directory and the root.
func treeOf(t testing.TB, n int) (string, []tlog.Hash) {
	t.Helper()
	tr, roots := new(tree), []tlog.Hash{span(nil).root()}
	for i := range n {
		tr.add(leafOf(fmt.Append(nil, i)))
		roots = append(roots, tr.span.root())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, nodesFile), tr.nodes, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, roots
}

// Every proof of every size is the one that tlog makes and accepts; with any hash of it corrupted, for another index, size or root, it is refused.
func TestProofs(t *testing.T) {
	const n = 600
	dir, roots := treeOf(t, n)
	r := rand.New(rand.NewSource(1))
	for size := 1; size <= n; size++ {
		if size > 40 && size%37 != 0 && size%256 > 2 {
			continue
		}
		tr, err := OpenTree(dir, uint64(size))
		if err != nil || tr.Root() != roots[size] {
			t.Fatal(size, err)
		}
		for i := 0; i < size; i += 1 + size/25 {
			p, err := tr.Inclusion(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			leaf := leafOf(fmt.Append(nil, i))
			check := func(index int, leaf tlog.Hash) error {
				return tlog.CheckRecord(p, int64(size), roots[size], int64(index), leaf)
			}
			if err := check(i, leaf); err != nil {
				t.Fatalf("record %d of %d: %v", i, size, err)
			}
			for k := range p {
				p[k][r.Intn(32)] ^= 1
				if check(i, leaf) == nil {
					t.Errorf("record %d of %d: hash %d of the proof was changed", i, size, k)
				}
				p[k], _ = tlog.Hash{}, 0
				if p, err = tr.Inclusion(uint64(i)); err != nil {
					t.Fatal(err)
				}
			}
			for other := 0; other < size; other += 1 + size/10 {
				if other != i && check(other, leaf) == nil {
					t.Errorf("the proof of record %d of %d is good for %d", i, size, other)
				}
			}
			if check(i, leafOf(nil)) == nil {
				t.Error("a proof for another record")
			}
		}
		for old := 1; old <= size; old += 1 + size/25 {
			p, err := tr.Consistency(uint64(old))
			if err != nil {
				t.Fatal(err)
			}
			check := func() error { return tlog.CheckTree(p, int64(size), roots[size], int64(old), roots[old]) }
			if err := check(); err != nil {
				t.Fatalf("%d to %d: %v", old, size, err)
			}
			for k := range p {
				p[k][r.Intn(32)] ^= 1
				if check() == nil {
					t.Errorf("%d to %d: hash %d of the proof was changed", old, size, k)
				}
				if p, err = tr.Consistency(uint64(old)); err != nil {
					t.Fatal(err)
				}
			}
			if old < size && tlog.CheckTree(p, int64(size), roots[size], int64(old), roots[size]) == nil {
				t.Error("consistent with another root")
			}
		}
		for _, bad := range []uint64{uint64(size), 1 << 62} {
			if _, err := tr.Inclusion(bad); err == nil {
				t.Errorf("a proof of record %d of %d", bad, size)
			}
		}
		if _, err := tr.Consistency(0); err == nil {
			t.Error("a proof from nothing")
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenTree(dir, n+1); err == nil {
		t.Error("a tree larger than what is stored")
	}
}

// A span put together of parts is the span of the whole.
func TestSpanOfParts(t *testing.T) {
	_, roots := treeOf(t, 100)
	for a := 0; a <= 100; a++ {
		for b := a; b <= 100; b += 7 {
			var parts [3]span
			for i := range 100 {
				k := 0
				if i >= b {
					k = 2
				} else if i >= a {
					k = 1
				}
				parts[k].push(node{0, uint64(i), leafOf(fmt.Append(nil, i))}, nil)
			}
			if parts[0].with(parts[1]).with(parts[2]).root() != roots[100] {
				t.Fatalf("split at %d and %d", a, b)
			}
		}
	}
}

// A proof in text holds the record and the checkpoint. No byte of it can be changed without it being refused, but for signatures that nobody asked about.
func TestProofText(t *testing.T) {
	s := newSample(t)
	public, _ := ParsePublic(s.key.Public())
	proof, err := ProveInclusion(s.dir, 33, s.note)
	if err != nil {
		t.Fatal(err)
	}
	r, c, err := CheckInclusion(proof, public, nil, 0)
	if err != nil || r.Index != 33 || c.Size != s.signed.Size || !bytes.Equal(r.Line, s.lines[33]) {
		t.Fatal(r, c, err)
	}
	for i := range proof {
		for _, flip := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(proof)
			bad[i] ^= flip
			if i == len(proof)-1 { // the last line's end
				continue
			}
			if _, _, err := CheckInclusion(bad, public, nil, 0); err == nil {
				t.Fatalf("byte %d changed to %q: accepted", i, bad[i])
			}
		}
	}
	for cut := range proof {
		if _, _, err := CheckInclusion(proof[:cut], public, nil, 0); err == nil {
			t.Fatalf("cut at %d: accepted", cut)
		}
	}
	old, err := OpenTree(s.dir, 20)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	since := &Signed{Origin: s.signed.Origin, Size: 20, Root: old.Root()}
	consistent, err := ProveConsistency(s.dir, 20, s.note)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := CheckConsistency(consistent, since, public, nil, 0); err != nil || c.Size != s.signed.Size {
		t.Fatal(c, err)
	}
	for i := range consistent[:len(consistent)-1] {
		bad := bytes.Clone(consistent)
		bad[i] ^= 1
		if _, err := CheckConsistency(bad, since, public, nil, 0); err == nil {
			t.Fatalf("byte %d changed to %q: accepted", i, bad[i])
		}
	}
	for _, since := range []*Signed{{Origin: "x", Size: 20, Root: old.Root()}, {Origin: s.signed.Origin, Size: 21, Root: old.Root()}, {Origin: s.signed.Origin, Size: 20}} {
		if _, err := CheckConsistency(consistent, since, public, nil, 0); err == nil {
			t.Errorf("consistent with %+v", since)
		}
	}
}

// A witness that cosigns as c2sp.org/tlog-cosignature says.
type witness struct {
	name string
	key  ed25519.PrivateKey
}

func newWitness(name string) witness {
	return witness{name, ed25519.NewKeyFromSeed(append([]byte(name), make([]byte, 32-len(name))...))}
}

func (w witness) vkey() string {
	key := append([]byte{algCosignature}, w.key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("%s+%08x+%s", w.name, keyID(w.name, key), base64.StdEncoding.EncodeToString(key))
}

// line is a signature line over a checkpoint.
func (w witness) line(signed []byte, at uint64) string {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	msg := fmt.Sprintf("cosignature/v1\ntime %d\n%s\n", at, text)
	raw := binary.BigEndian.AppendUint32(nil, keyID(w.name, append([]byte{algCosignature}, w.key.Public().(ed25519.PublicKey)...)))
	raw = binary.BigEndian.AppendUint64(raw, at)
	raw = append(raw, ed25519.Sign(w.key, []byte(msg))...)
	return "— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

func TestCosignatures(t *testing.T) {
	key := testKey(t)
	log, _ := ParsePublic(key.Public())
	w1, w2 := newWitness("witness.example/one"), newWitness("witness.example/two")
	parse := func(w witness) *Public {
		p, err := ParsePublic(w.vkey())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	witnesses := []*Public{parse(w1), parse(w2)}
	signed, err := note.Sign(&note.Note{Text: checkpointText(key.Origin(), 7, tlog.Hash{1})}, key.signer)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := note.Sign(&note.Note{Text: checkpointText(key.Origin(), 7, tlog.Hash{2})}, key.signer)
	text, sigs, _ := strings.Cut(string(signed), "\n\n")
	ok := func(s string, quorum, want int) {
		t.Helper()
		c, err := OpenCheckpoint([]byte(s), log, witnesses, quorum)
		if err != nil || len(c.Witnesses) != want || c.Size != 7 {
			t.Errorf("%+v, %v", c, err)
		}
	}
	refused := func(s string, quorum int) {
		t.Helper()
		if c, err := OpenCheckpoint([]byte(s), log, witnesses, quorum); err == nil {
			t.Errorf("accepted: %+v\n%s", c, s)
		}
	}
	one, two := w1.line(signed, 1_790_000_000), w2.line(signed, 1_790_000_001)
	ok(string(signed), 0, 0)
	ok(string(signed)+one, 1, 1)
	ok(string(signed)+one+two, 2, 2)
	ok(string(signed)+newWitness("x").line(signed, 1), 0, 0) // unknown
	refused(string(signed), 1)
	refused(string(signed)+one, 2)
	refused(string(signed)+one+one, 2)                       // one witness twice
	refused(string(signed)+one+w1.line(signed, 5), 2)        // with another time
	refused(string(signed)+w1.line(other, 1_790_000_000), 0) // of another root
	refused(string(signed)+w1.line(signed, 1<<63), 0)        // a time past 2^63-1
	refused(text+"\n\n"+one+two, 0)                          // witnesses, but not the log
	refused(string(other), 9)                                // no quorum
	refused(strings.Replace(string(signed), "7", "8", 1), 0) // another size
	refused(strings.Replace(text, "7", "07", 1)+"\n\n"+sigs, 0)
	if c, err := OpenCheckpoint([]byte(string(signed)+one), log, witnesses, 1); err != nil || c.Witnesses[0].Time.Unix() != 1_790_000_000 || c.Witnesses[0].Witness != w1.name {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := OpenCheckpoint(signed, witnesses[0], nil, 0); err == nil {
		t.Error("a witness's key stands for the log's")
	}
	if _, err := OpenCheckpoint(signed, log, []*Public{log}, 0); err == nil {
		t.Error("the log's key stands for a witness's")
	}
	// Signed, but no checkpoint.
	for _, text := range []string{"a\n", "example.com/log\n7\n", "example.com/log\n7\n" + tlog.Hash{}.String() + "\nmore\n", "other\n7\n" + tlog.Hash{}.String() + "\n", "example.com/log\n-1\n" + tlog.Hash{}.String() + "\n",
		"example.com/log\n7\nAA==\n", "\n7\n" + tlog.Hash{}.String() + "\n", "example.com/log\n9223372036854775808\n" + tlog.Hash{}.String() + "\n"} {
		bad, err := note.Sign(&note.Note{Text: text}, key.signer)
		if err != nil {
			continue
		}
		refused(string(bad), 0)
	}
	for _, vkey := range []string{"", "x", w1.name, strings.Replace(w1.vkey(), "one", "two", 1), key.Public()[:40], w1.vkey() + "A", "a b" + w1.vkey()[len(w1.name):]} {
		if _, err := ParsePublic(vkey); err == nil {
			t.Errorf("%q is a key", vkey)
		}
	}
	for _, secret := range []string{"", "PRIVATE+KEY+x", key.Public()} {
		if _, err := ParseKey(secret); err == nil {
			t.Errorf("%q is a key", secret)
		}
	}
	for _, origin := range []string{"", "a b", "a+b", "a\nb"} {
		if _, err := GenerateKey(origin); err == nil {
			t.Errorf("%q is an origin", origin)
		}
	}
}

// Tiles are laid out as c2sp.org/tlog-tiles says, and can be written in steps.
func TestTiles(t *testing.T) {
	s := newSample(t)
	to := t.TempDir()
	if err := WriteTiles(s.dir, to, 0, 20); err != nil {
		t.Fatal(err)
	}
	if err := WriteTiles(s.dir, to, 20, s.signed.Size); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(to, "tile", "0", fmt.Sprintf("000.p/%d", s.signed.Size)))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range s.lines[:s.signed.Size] {
		if h := leafOf(line); !bytes.Equal(data[32*i:32*i+32], h[:]) {
			t.Fatalf("the tile holds another hash for record %d", i)
		}
	}
}

// Marks stand in the record that the checkpoint ends with, and so under its signature.
func TestMarks(t *testing.T) {
	dir := t.TempDir()
	var published [][]byte
	l := mustOpen(t, dir, Options{Key: testKey(t), Marks: func() []Mark { return []Mark{{"revocation", 7}, {"trust", 1 << 60}} }, OnCheckpoint: func(s []byte) { published = append(published, s) }})
	mustAppend(t, l, number(1))
	signed, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Checkpoint()
	if err != nil || !bytes.Equal(signed, again) || len(published) != 1 || !bytes.Equal(published[0], signed) {
		t.Errorf("a checkpoint over nothing new (%v): %q, published %q", err, again, published)
	}
	mustClose(t, l)
	marks, size, err := LastMarks(dir)
	if err != nil || size != 3 || len(marks) != 2 || marks[0] != (Mark{"revocation", 7}) || marks[1] != (Mark{"trust", 1 << 60}) {
		t.Errorf("%v of %d, %v", marks, size, err)
	}
	if v := verifySigned(t, dir, l.opts.Key, signed); v.Size != 3 || v.Anchored != 3 {
		t.Errorf("%+v", v)
	}
}

func FuzzCheckpoint(f *testing.F) {
	secret, err := GenerateKey("example.com/log")
	if err != nil {
		f.Fatal(err)
	}
	key, _ := ParseKey(secret)
	log, _ := ParsePublic(key.Public())
	signed, _ := note.Sign(&note.Note{Text: checkpointText(key.Origin(), 7, tlog.Hash{1})}, key.signer)
	f.Add(signed)
	f.Add(append(signed, newWitness("w").line(signed, 3)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, _ := ParsePublic(newWitness("w").vkey())
		c, err := OpenCheckpoint(data, log, []*Public{w}, 0)
		if err == nil && (c.Size != 7 || c.Root != tlog.Hash{1}) {
			t.Errorf("%+v", c)
		}
		if _, _, err := CheckInclusion(data, log, nil, 0); err == nil {
			t.Errorf("a proof: %q", data)
		}
	})
}
