package audit

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions say what a log is verified against.
type VerifyOptions struct {
	// Against are checkpoints whose signatures were verified, see [OpenCheckpoint]: the log must be what each covers, or go on from it.
	Against []*Signed
	// Progress, unless nil, is called now and then with the bytes that were read, and those that there are. It may be called by
	// several goroutines at once.
	Progress func(done, total int64)
	// Parallel is how many segments are read at once; by default as many as there are processors.
	Parallel int
	// FS is the file system; by default OS().
	FS FS
}

// A Verification is what was found out about a log.
type Verification struct {
	Origin   string
	Size     uint64    // records
	Bytes    int64     // of whole lines
	Segments int       // files
	Root     tlog.Hash // of the tree over all records
	Last     [32]byte  // hash of the last record
	Torn     int       // bytes behind the last record, of one that wasn't finished
	// Anchored is the size of the largest checkpoint that the log was held against; 0 for none. Of what comes behind it, nothing but the chain
	// is known: that it was cut off or rewritten wouldn't show.
	Anchored uint64
}

// Verify reads a whole log and checks the chain of its records, and that it is what the checkpoints cover. What is wrong with the log is a
// *[BrokenError] that names the first bad entry. Memory is bounded: 512 KiB, or twice the longest line, for each of Parallel segments.
func Verify(dir string, opts VerifyOptions) (Verification, error) {
	if opts.FS == nil {
		opts.FS = OS()
	}
	if opts.Parallel <= 0 {
		opts.Parallel = runtime.GOMAXPROCS(0)
	}
	segments, err := listSegments(opts.FS, dir)
	if err != nil {
		return Verification{}, err
	}
	if len(segments) == 0 {
		return Verification{}, noLogError(dir)
	}
	opts.Against = slices.Clone(opts.Against)
	v := &verifier{dir: dir, opts: opts}
	slices.SortFunc(v.opts.Against, func(a, b *Signed) int { return cmp.Compare(a.Size, b.Size) })
	for _, s := range v.opts.Against {
		v.sizes = append(v.sizes, s.Size)
	}
	if opts.Progress != nil {
		v.measure(segments)
	}
	scans := make([]verified, len(segments))
	turns := make(chan struct{}, opts.Parallel)
	var wg sync.WaitGroup
	for i, first := range segments {
		turns <- struct{}{}
		wg.Go(func() {
			scans[i] = v.segment(first)
			<-turns
		})
	}
	wg.Wait()
	out, err := v.join(scans)
	var bad *BrokenError
	if errors.As(err, &bad) {
		return Verification{}, v.refine(bad)
	}
	if err != nil {
		return Verification{}, err
	}
	return out, nil
}

type verifier struct {
	dir         string
	opts        VerifyOptions
	sizes       []uint64 // at which the tree is looked at, ascending
	total, done atomic.Int64
}

// A verified segment is its scan, its part of the tree, and that part up to each size that lies in it.
type verified struct {
	scan
	span span
	at   map[uint64]span
	err  error
}

func (v *verifier) measure(segments []uint64) {
	for _, first := range segments {
		if info, err := os.Stat(filepath.Join(v.dir, segmentName(first))); err == nil {
			v.total.Add(info.Size())
		}
	}
}

func (v *verifier) segment(first uint64) verified {
	out := verified{at: map[uint64]span{}}
	var seen int64
	out.scan, out.err = scanSegment(v.opts.FS, v.dir, first, func(index uint64, line []byte, hash *[32]byte) error {
		out.span.push(node{0, index, leafHash(hash)}, nil)
		if _, ok := slices.BinarySearch(v.sizes, index+1); ok {
			out.at[index+1] = slices.Clone(out.span)
		}
		if seen += int64(len(line) + 1); v.opts.Progress != nil && seen >= 1<<20 {
			v.opts.Progress(v.done.Add(seen), v.total.Load())
			seen = 0
		}
		return nil
	})
	if v.opts.Progress != nil {
		v.opts.Progress(v.done.Add(seen), v.total.Load())
	}
	return out
}

// join puts the segments together, in their order, and holds the tree against the checkpoints.
func (v *verifier) join(scans []verified) (Verification, error) {
	var all span
	roots := map[uint64]tlog.Hash{0: span(nil).root()}
	for i := range scans {
		s := &scans[i]
		switch {
		case i == 0 && s.first != 0:
			return Verification{}, broken(0, segmentName(s.first), "the log's first segments are missing")
		case i > 0 && (s.err == nil || s.header != nil):
			if err := scans[i-1].join(&s.scan); err != nil {
				return Verification{}, err
			}
		}
		if s.err != nil {
			return Verification{}, s.err
		}
		for size, part := range s.at {
			roots[size] = all.with(part).root()
		}
		all = all.with(s.span)
	}
	last := &scans[len(scans)-1]
	out := Verification{Size: last.next, Segments: len(scans), Root: all.root(), Last: last.last, Torn: len(last.rest), Origin: scans[0].header.origin()}
	if last.header == nil && len(scans) > 1 {
		out.Last = scans[len(scans)-2].last
	}
	for i := range scans {
		out.Bytes += scans[i].size
	}
	for _, c := range v.opts.Against {
		root, ok := roots[c.Size]
		switch {
		case c.Origin != out.Origin:
			return Verification{}, fmt.Errorf("audit: the checkpoint is of %s, the log of %s", c.Origin, out.Origin)
		case !ok:
			return Verification{}, broken(out.Size, "", "it is missing: the log ends before it, and a checkpoint covers %d entries", c.Size)
		case root != c.Root:
			return Verification{}, &BrokenError{Index: out.Anchored, forked: c.Size,
				Reason: fmt.Sprintf("the log has another root at %d entries than a checkpoint: it was rewritten, or is a fork", c.Size)}
		}
		out.Anchored = max(out.Anchored, c.Size)
	}
	return out, nil
}

func (s *Segment) origin() string {
	if s == nil {
		return ""
	}
	return s.Origin
}

// with returns the span of s and, behind it, next.
func (s span) with(next span) span {
	out := slices.Clone(s)
	for _, n := range next {
		out.push(n, nil)
	}
	return out
}

// refine names the bad entry better where the stored tree allows: the first whose hash isn't the one that the tree holds. That is no proof,
// since whoever changed the log could have changed the tree; but that something is bad has been proved already.
func (v *verifier) refine(bad *BrokenError) error {
	from, to := bad.Index-min(bad.Index, 1), bad.Index+2
	switch {
	case bad.forked > 0:
		from, to = bad.Index, bad.forked
	case bad.File == "":
		return bad
	}
	f, err := v.opts.FS.OpenFile(filepath.Join(v.dir, nodesFile), os.O_RDONLY, 0)
	if err != nil {
		return bad
	}
	defer f.Close()
	for line, err := range rawLines(v.opts.FS, v.dir, from) {
		if err != nil || from == to {
			break
		}
		want, err := storedNodes{f}.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(from))})
		if err != nil {
			break
		}
		if leafOf(line) != want[0] {
			bad.Index, bad.forked = from, 0
			break
		}
		from++
	}
	return bad
}
