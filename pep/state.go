package pep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/token"
)

// A state is what a PEP must not forget, in a file. The log is the truth about which sequence numbers were used; the state keeps
// a summary of it up to a record, so that a start reads only what came after. Asks, revocations and trust documents are written here before
// they count.
type state struct{ db *bbolt.DB }

// A summary is what the log says up to a record.
type summary struct {
	size uint64    // records that are summed up
	hash [32]byte  // of the last of them
	time time.Time // the latest that was told
}

var (
	bucketMeta    = []byte("meta")
	bucketWindows = []byte("windows") // sender → when it was last used, window
	bucketAsks    = []byte("asks")    // nonce → ask
	bucketRevoked = []byte("revoked") // signer → the signed list
	bucketHistory = []byte("history") // cell → the changes that make it what it is
	keySummary    = []byte("summary")
	keyTrust      = []byte("trust")
)

// ErrNoState: there is no state, and none was to be made. Whoever deleted it wants used messages, approvals and revoked keys back.
var ErrNoState = errors.New("pep: the state is missing; a PEP that has run before doesn't start without it. Restore it together with the log, or begin anew with another directory")

// openState opens a state file. create tells whether to make one.
func openState(path string, create bool) (*state, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !create:
		return nil, ErrNoState
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	var db *bbolt.DB
	err = whole(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 100 * time.Millisecond})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errors.New("pep: the state is in use by another PEP")
	}
	if err != nil {
		return nil, fmt.Errorf("pep: the state can't be opened: %w", err)
	}
	s := &state{db}
	err = s.update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketWindows, bucketAsks, bucketRevoked, bucketHistory} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("pep: the state can't be opened: %w", err)
	}
	return s, nil
}

func (s *state) close() error { return s.db.Close() }

// errState is what a state that holds something else than was written is.
func errState(what string) error { return fmt.Errorf("pep: the state is damaged: %s", what) }

// whole does something with a file that may have been damaged. Bbolt maps it into memory and believes what it says of itself: a page that doesn't hold what it
// should makes a panic, and one that the file has lost a fault, which would end the process.
func whole(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = errState(fmt.Sprint(r))
		}
	}()
	return do()
}

func (s *state) update(change func(*bbolt.Tx) error) error {
	return whole(func() error { return s.db.Update(change) })
}

func (s *state) view(read func(*bbolt.Tx) error) error {
	return whole(func() error { return s.db.View(read) })
}

// load reads the summary with its windows and asks.
func (s *state) load() (sum summary, senders map[token.Key]*sender, asks map[token.ID]*pendingAsk, err error) {
	senders, asks = map[token.Key]*sender{}, map[token.ID]*pendingAsk{}
	err = s.view(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucketMeta).Get(keySummary); v != nil {
			if len(v) != 48 {
				return errState("the summary")
			}
			sum.size = binary.BigEndian.Uint64(v)
			copy(sum.hash[:], v[8:])
			sum.time = time.Unix(0, int64(binary.BigEndian.Uint64(v[40:])))
		}
		err := tx.Bucket(bucketWindows).ForEach(func(k, v []byte) error {
			if len(k) != len(token.Key{}) || len(v) < 8 {
				return errState("a window")
			}
			w, ok := decodeWindow(v[8:])
			if !ok {
				return errState("a window")
			}
			senders[token.Key(k)] = &sender{window: w, last: time.Unix(0, int64(binary.BigEndian.Uint64(v)))}
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket(bucketAsks).ForEach(func(k, v []byte) error {
			a, ok := decodeAsk(v)
			if len(k) != len(token.ID{}) || !ok {
				return errState("an ask")
			}
			asks[token.ID(k)] = a
			return nil
		})
	})
	return sum, senders, asks, err
}

// loadHistory adds what the state keeps of the history.
func (s *state) loadHistory(h *eval.History) error {
	return s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketHistory).ForEach(func(k, v []byte) error {
			changes, ok := decodeCell(k, v)
			if !ok {
				return errState("the history")
			}
			h.Apply(changes)
			return nil
		})
	})
}

// putHistory keeps the cells of the history that have changed.
func putHistory(tx *bbolt.Tx, cells map[eval.Cell][]eval.Change) error {
	b := tx.Bucket(bucketHistory)
	for c, changes := range cells {
		key := cellKey(c)
		if len(changes) == 0 {
			if err := b.Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := b.Put(key, encodeCell(key, changes)); err != nil {
			return err
		}
	}
	return nil
}

// sumUp keeps a summary, the windows that changed since the last one, which senders are forgotten, and what changed in the history.
func (s *state) sumUp(sum summary, changed map[token.Key]sender, forgotten []token.Key, cells map[eval.Cell][]eval.Change) error {
	return s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketWindows)
		for k, snd := range changed {
			v := binary.BigEndian.AppendUint64(nil, uint64(snd.last.UnixNano()))
			if err := b.Put(k[:], append(v, snd.window.encode()...)); err != nil {
				return err
			}
		}
		for _, k := range forgotten {
			if err := b.Delete(k[:]); err != nil {
				return err
			}
		}
		if err := putHistory(tx, cells); err != nil {
			return err
		}
		v := binary.BigEndian.AppendUint64(nil, sum.size)
		v = append(v, sum.hash[:]...)
		v = binary.BigEndian.AppendUint64(v, uint64(sum.time.UnixNano()))
		return tx.Bucket(bucketMeta).Put(keySummary, v)
	})
}

// put makes a value durable, delete that it is gone.
func (s *state) put(bucket, key, value []byte) error {
	return s.update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, value) })
}

func (s *state) deleteAsks(nonces []token.ID) error {
	return s.update(func(tx *bbolt.Tx) error {
		for _, n := range nonces {
			if err := tx.Bucket(bucketAsks).Delete(n[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// signed returns the trust document and the signed revocation lists that were in force.
func (s *state) signed() (trust []byte, lists [][]byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		trust = append(trust, tx.Bucket(bucketMeta).Get(keyTrust)...)
		return tx.Bucket(bucketRevoked).ForEach(func(_, v []byte) error {
			lists = append(lists, append([]byte(nil), v...))
			return nil
		})
	})
	return trust, lists, err
}
