package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Key signs the checkpoints of a log: Ed25519, in the format of golang.org/x/mod/sumdb/note and c2sp.org/signed-note. It serves
// nothing else.
type Key struct {
	signer note.Signer
	vkey   string
	public note.Verifier
}

// GenerateKey makes a key for the log of this origin, such as example.com/moat/prod: neither spaces nor "+". The text is what [ParseKey] reads; it is secret.
func GenerateKey(origin string) (secret string, err error) {
	secret, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", err
	}
	if _, err := note.NewVerifier(vkey); err != nil {
		return "", fmt.Errorf("audit: %s can't be the origin of a log: it is not empty, and has neither spaces nor +", strconv.QuoteToASCII(origin))
	}
	return secret, nil
}

// ParseKey reads a key: PRIVATE+KEY+<origin>+<id>+<base64>.
func ParseKey(secret string) (*Key, error) {
	secret = strings.TrimSuffix(secret, "\n")
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("audit: not the key of a log: %w", err)
	}
	vkey, err := publicKey(secret)
	if err != nil {
		return nil, err
	}
	public, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	return &Key{signer, vkey, public}, nil
}

// publicKey derives the public key from the text of a key that note.NewSigner has accepted.
func publicKey(secret string) (string, error) {
	fields := strings.SplitN(secret, "+", 5)
	if len(fields) != 5 {
		return "", errors.New("audit: not the key of a log")
	}
	key, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errors.New("audit: not the key of a log")
	}
	return note.NewEd25519VerifierKey(fields[2], ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey))
}

// Origin is the name of the log.
func (k *Key) Origin() string { return k.signer.Name() }

// Public is the key that verifies checkpoints, to be given to whoever reads the log: <origin>+<id>+<base64>.
func (k *Key) Public() string { return k.vkey }

// checkpointText is what is signed (c2sp.org/tlog-checkpoint).
func checkpointText(origin string, size uint64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
}

// parseCheckpoint reads the text of a note. Extension lines are refused, since no monitor of the log can check them.
func parseCheckpoint(text string) (origin string, size uint64, root tlog.Hash, err error) {
	fields := strings.Split(text, "\n")
	if len(fields) != 4 || fields[0] == "" || fields[3] != "" {
		return "", 0, root, errors.New("audit: not a checkpoint of three lines")
	}
	size, err = strconv.ParseUint(fields[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != fields[1] {
		return "", 0, root, errors.New("audit: the checkpoint has no size in its second line")
	}
	if root, err = tlog.ParseHash(fields[2]); err != nil || root.String() != fields[2] {
		return "", 0, root, errors.New("audit: the checkpoint has no root in its third line")
	}
	return fields[0], size, root, nil
}

// Checkpoint writes a checkpoint record with the marks of the moment, signs the tree that ends with it, and returns the signed note. It
// mustn't be called by Options.Marks or Options.OnCheckpoint. When nothing was appended since the last checkpoint, it returns that one.
func (l *Log) Checkpoint() ([]byte, error) {
	l.checkpoints.Lock()
	defer l.checkpoints.Unlock()
	if l.Size() == l.covered.Load() && l.queued() == l.Size() {
		l.mu.Lock()
		err := l.err
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		return readFile(l.opts.FS, filepath.Join(l.dir, checkpointFile), maxNote)
	}
	ev := new(Checkpoint)
	if l.opts.Marks != nil {
		ev.Marks = l.opts.Marks()
	}
	t, err := l.queue(ev, true)
	if err != nil {
		return nil, err
	}
	if err := t.Wait(context.Background()); err != nil {
		return nil, err
	}
	signed, err := l.publish(t.result.seen)
	if err != nil {
		return nil, l.fail(&FailedError{err})
	}
	l.covered.Store(t.result.seen.size)
	if l.opts.OnCheckpoint != nil {
		l.opts.OnCheckpoint(signed)
	}
	return signed, nil
}

const maxNote = 1 << 16

func (l *Log) queued() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// publish stores the nodes of a tree, then its checkpoint.
func (l *Log) publish(s *snapshot) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: checkpointText(l.opts.Key.Origin(), s.size, s.root)}, l.opts.Key.signer)
	if err != nil {
		return nil, err
	}
	if err := writeAll(l.nodes, s.nodes); err != nil {
		return nil, err
	}
	return signed, writeFile(l.opts.FS, filepath.Join(l.dir, checkpointFile), signed)
}

// schedule signs a checkpoint when enough records have come, or the first of them has waited long enough.
func (l *Log) schedule() {
	defer l.done.Done()
	var wait <-chan time.Time
	for {
		now := false
		select {
		case <-l.stop:
			return
		case <-wait:
			now = true
		case <-l.due:
			now = l.durable.Load()-l.covered.Load() >= l.opts.CheckpointRecords
			if wait == nil {
				wait = time.After(l.opts.CheckpointEvery)
			}
		}
		if now {
			wait = nil
			l.scheduled.Store(false)
			if _, err := l.Checkpoint(); err != nil { // a log that hasn't failed for good goes on, and its records aren't covered
				wait = time.After(l.opts.CheckpointEvery)
			}
		}
	}
}

// LastMarks returns the marks of the last checkpoint record of a log, and the number of records that the checkpoint covers; 0 when there is none. They
// are as good as the log: open or verify it first.
func LastMarks(dir string) ([]Mark, uint64, error) {
	segments, err := listSegments(OS(), dir)
	if err != nil {
		return nil, 0, err
	}
	for i := len(segments) - 1; i >= 0; i-- {
		var last *Checkpoint
		var size uint64
		_, err := scanSegment(OS(), dir, segments[i], func(index uint64, line []byte, _ *[32]byte) error {
			if !bytes.Contains(line[max(0, len(line)-tailLen-30):], []byte(`"kind":"checkpoint"`)) {
				return nil
			}
			r, err := parseRecord(bytes.Clone(line))
			if err != nil {
				return broken(index, segmentName(segments[i]), "%s", err)
			}
			last, size = r.Event.(*Checkpoint), index+1
			return nil
		})
		if err != nil || last != nil {
			if err != nil {
				return nil, 0, err
			}
			return last.Marks, size, nil
		}
	}
	return nil, 0, nil
}
