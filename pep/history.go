package pep

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
)

// The state keeps each cell of the history as the changes that make it what it is: a checksum, and JSON in the form that the log has. Unlike the log it shows
// every total: without it a budget would be unknown after a start.

// cellKey is the name of a cell in the state.
func cellKey(c eval.Cell) []byte {
	h := sha256.New()
	h.Write(c.Of[:])
	_ = binary.Write(h, binary.BigEndian, uint64(len(c.Agent))) // a hash takes everything
	h.Write([]byte(c.Agent))
	h.Write([]byte(c.Session))
	return h.Sum(nil)
}

// checksumSize is that of a cell's checksum, in bytes. It finds damage, such as another digit in a total, and not whoever can write the state.
const checksumSize = 8

func checksum(key, text []byte) []byte {
	sum := sha256.Sum256(append(bytes.Clone(key), text...))
	return sum[:checksumSize]
}

func encodeChanges(key []byte, changes []eval.Change) []byte {
	for i := range changes {
		changes[i].Private = false
	}
	text, err := json.Marshal(record.Changes(changes))
	if err != nil {
		panic(err) // texts, numbers and times of four-digit years
	}
	return append(checksum(key, text), text...)
}

// decodeChanges reports false when a value isn't one that was written under its key.
func decodeChanges(key, data []byte) ([]eval.Change, bool) {
	if len(data) < checksumSize {
		return nil, false
	}
	text := data[checksumSize:]
	var kept []audit.HistoryChange
	if !bytes.Equal(checksum(key, text), data[:checksumSize]) || json.Unmarshal(text, &kept) != nil {
		return nil, false
	}
	changes, err := record.History(kept)
	return changes, err == nil
}
