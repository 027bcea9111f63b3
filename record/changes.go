package record

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/value"
)

var kinds = [...]string{eval.ChangeCount: "count", eval.ChangeSum: "sum", eval.ChangeOnce: "once", eval.ChangeMaybe: "maybe", eval.ChangeState: "state"}

// Changes is what the log says of changes in the history. Totals that are made of private arguments aren't shown.
func Changes(changes []eval.Change) []audit.HistoryChange {
	if len(changes) == 0 {
		return nil
	}
	out := make([]audit.HistoryChange, 0, len(changes))
	for i := range changes {
		c := &changes[i]
		var of [2 * len(c.Cell.Of)]byte
		hex.Encode(of[:], c.Cell.Of[:])
		x := audit.HistoryChange{Of: string(of[:]), Agent: c.Cell.Agent, Session: c.Cell.Session, Kind: kinds[c.Kind], Time: c.Time, State: c.State}
		if c.Kind == eval.ChangeSum {
			x.Part = uint64(c.Part)
			if !c.Private {
				x.Total = c.Total.String()
			}
		}
		out = append(out, x)
	}
	return out
}

// History reads changes that the log tells of. A total that the log doesn't show is unknown, so that nothing more fits into its limit until the window has passed.
func History(changes []audit.HistoryChange) ([]eval.Change, error) {
	var out []eval.Change
	for i := range changes {
		x := &changes[i]
		c := eval.Change{Cell: eval.Cell{Agent: x.Agent, Session: x.Session}, Time: x.Time, State: x.State, Part: time.Duration(x.Part)}
		if of, err := hex.DecodeString(x.Of); err != nil || copy(c.Cell.Of[:], of) != len(of) || len(of) != len(c.Cell.Of) {
			return nil, errors.New("a change is of nothing")
		}
		for k, name := range kinds {
			if name != "" && name == x.Kind {
				c.Kind = eval.ChangeKind(k)
			}
		}
		if c.Kind == eval.ChangeNone || c.Part < 0 {
			return nil, fmt.Errorf("a change is of the kind %s", strconv.QuoteToASCII(x.Kind))
		}
		if c.Kind == eval.ChangeSum {
			if c.Private, c.Total = x.Total == "", eval.UnknownTotal(); !c.Private {
				var err error
				if c.Total, err = value.ParseDecimal(x.Total); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, c)
	}
	return out, nil
}
