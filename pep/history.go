package pep

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/value"
)

// The state keeps each cell of the history as the changes that make it what it is: a checksum, and CBOR. Unlike the log it shows every total: without it a
// budget would be unknown after a start.

// A storedCell is a cell in the state.
type storedCell struct {
	_              struct{} `cbor:",toarray"`
	Of             [16]byte
	Agent, Session string
	Changes        []storedChange
}

type storedChange struct {
	_     struct{} `cbor:",toarray"`
	Kind  eval.ChangeKind
	Time  int64 // nanoseconds since 1970
	Part  int64 // nanoseconds
	Total string
	State string
	// Private tells that no log may show the total.
	Private bool
}

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

// encodeCell writes a cell of at least one change.
func encodeCell(key []byte, changes []eval.Change) []byte {
	c := changes[0].Cell
	cell := storedCell{Of: c.Of, Agent: c.Agent, Session: c.Session}
	for i := range changes {
		x := &changes[i]
		s := storedChange{Kind: x.Kind, Part: int64(x.Part), State: x.State, Private: x.Private}
		if x.Kind != eval.ChangeState {
			s.Time = x.Time.UnixNano()
		}
		if x.Kind == eval.ChangeSum {
			s.Total = x.Total.String()
		}
		cell.Changes = append(cell.Changes, s)
	}
	data, err := cbor.Marshal(cell)
	if err != nil {
		panic(err) // texts and numbers
	}
	return append(checksum(key, data), data...)
}

// decodeCell reports false when a value isn't one that was written under its key.
func decodeCell(key, data []byte) ([]eval.Change, bool) {
	if len(data) < checksumSize || !bytes.Equal(checksum(key, data[checksumSize:]), data[:checksumSize]) {
		return nil, false
	}
	var cell storedCell
	if cbor.Unmarshal(data[checksumSize:], &cell) != nil {
		return nil, false
	}
	out := make([]eval.Change, len(cell.Changes))
	for i, s := range cell.Changes {
		x := eval.Change{Cell: eval.Cell{Of: cell.Of, Agent: cell.Agent, Session: cell.Session}, Kind: s.Kind, Part: time.Duration(s.Part), State: s.State, Private: s.Private}
		if x.Kind != eval.ChangeState {
			x.Time = time.Unix(0, s.Time).UTC()
		}
		if x.Kind == eval.ChangeSum {
			var err error
			if x.Total, err = value.ParseDecimal(s.Total); err != nil {
				return nil, false
			}
		}
		out[i] = x
	}
	return out, true
}
