package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/sandbox"
)

// This file tells how a run ended.

// A tally counts what code has asked for.
type tally struct {
	Permitted int `json:"permitted"`
	Denied    int `json:"denied"`
}

// tell says on standard error how the run ended, since standard output is the code's.
func (r *runner) tell(res sandbox.Result, format string) error {
	out := r.errs.own()
	if format == "json" {
		j := runJSON{Outcome: string(res.Outcome), ExitCode: res.Code, Fuel: used{res.Fuel, r.bounds.Fuel}, Memory: used{res.Memory, r.bounds.Memory},
			Milliseconds: used{uint64(res.Took.Milliseconds()), uint64(r.bounds.Timeout.Milliseconds())}, Asked: r.asked}
		if res.Err != nil {
			j.Error = res.Err.Error()
		}
		return report.WriteJSON(out, j, "")
	}
	if more := r.asked.Denied - maxToldDenials; more > 0 {
		fmt.Fprintf(out, "moatc: %d more were denied\n", more)
	}
	if res.Err != nil {
		complain(out, res.Err)
	}
	if res.Outcome == sandbox.Refused && errors.Is(res.Err, fs.ErrNotExist) {
		fmt.Fprintln(out, "moatc: --dir PATH=DIRECTORY says where a directory of the sandbox is on this machine")
	}
	_, err := fmt.Fprintf(out, "moatc: %s: %s of %s fuel, %.1f of %.1f MiB, %s of %s; asked for %s, %d denied\n", res.Outcome, grouped(res.Fuel), grouped(r.bounds.Fuel),
		float64(res.Memory)/(1<<20), float64(r.bounds.Memory)/(1<<20), res.Took.Round(time.Millisecond), r.bounds.Timeout, plural(r.asked.Permitted+r.asked.Denied, "thing"), r.asked.Denied)
	return err
}

// runJSON is how a run ended. It is stable.
type runJSON struct {
	Outcome      string `json:"outcome"`
	ExitCode     uint32 `json:"exit_code"`
	Fuel         used   `json:"fuel"`
	Memory       used   `json:"memory"` // bytes
	Milliseconds used   `json:"milliseconds"`
	Asked        tally  `json:"asked"`
	Error        string `json:"error,omitempty"`
}

type used struct {
	Used  uint64 `json:"used"`
	Limit uint64 `json:"limit"`
}

// grouped renders a number with its thousands apart, as policies write numbers.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "_" + text[i:]
	}
	return text
}
