package main

import (
	"errors"
	"slices"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
)

// Exit codes. They are stable.
const (
	exitOK      = 0 // permit, or nothing to complain about; warnings alone are no complaint
	exitUsage   = 1 // the command line is wrong, or something can't be read or written
	exitDeny    = 2 // deny
	exitInvalid = 3 // a policy or an input is invalid
	exitAsk     = 4 // permitted once somebody has approved
	exitFinding = 5 // a test failed, a file isn't formatted, a log is broken, a replayed decision changes
)

// gravity orders exit codes for a command that does several things: the code is that of the gravest. A thing that couldn't be
// read comes last, since then it isn't known how it would have ended.
var gravity = []int{exitOK, exitAsk, exitDeny, exitFinding, exitInvalid, exitUsage}

// gravest returns the graver of two exit codes.
func gravest(a, b int) int {
	if slices.Index(gravity, a) < slices.Index(gravity, b) {
		return b
	}
	return a
}

// An exitError ends a command with a code other than exitUsage.
type exitError struct {
	code    int
	message string // empty when all has been said
}

func (e *exitError) Error() string { return e.message }

// exit ends a command with a code, all having been said.
func exit(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// exitCode is the code that an error of a command stands for.
func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	return exitUsage
}

// exitOutcome is the code of a decision.
func exitOutcome(o eval.Outcome) int {
	switch o {
	case eval.Permit:
		return exitOK
	case eval.Ask:
		return exitAsk
	}
	return exitDeny
}

// exitDiagnostics is the code of what was found about a policy: files that aren't there or can't be read are no mistakes of a policy.
func exitDiagnostics(ds lang.Diagnostics) int {
	code := exitOK
	for _, d := range ds.Errors() {
		if d.Code == lang.CodeReadFile || d.Code == lang.CodeNoFiles {
			code = gravest(code, exitUsage)
		} else {
			code = gravest(code, exitInvalid)
		}
	}
	return code
}
