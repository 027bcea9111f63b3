package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/record"
)

// logKeyFile is the secret key of a log, unless a flag says otherwise, in the log's directory.
const logKeyFile = "log.key"

// codeNotRecorded is the code of a denial in the place of a decision that couldn't be made durable.
const codeNotRecorded eval.Code = "not_recorded"

// openLog opens a log to write it. A new log gets a key.
func openLog(cmd *cobra.Command, dir, keyFile string) (*audit.Log, error) {
	if keyFile == "" {
		keyFile = filepath.Join(dir, logKeyFile)
	}
	_, err := os.Stat(keyFile)
	if errors.Is(err, fs.ErrNotExist) && isNewLog(dir) {
		if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
			return nil, err
		}
		if _, err := makeLogKey(keyFile, "moatc/"+logName(dir)); err != nil {
			return nil, err
		}
	}
	key, err := readLogKey(cmd, keyFile)
	if err != nil {
		return nil, err
	}
	l, err := audit.Open(dir, audit.Options{Key: key})
	if err != nil {
		return nil, auditError(err)
	}
	if r := l.Recovered(); r != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "moatc: a crash had left %d bytes of an unfinished record in the log; they are kept in %s\n", r.Bytes, r.File)
	}
	return l, nil
}

// isNewLog reports whether a directory holds no log: no segment, no checkpoint.
func isNewLog(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jsonl") || e.Name() == "checkpoint" {
			return false
		}
	}
	return true
}

// logName makes a part of an origin from the name of a directory.
func logName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '+' {
			return r
		}
		return '_'
	}, filepath.Base(dir))
}

// makeLogKey writes a new key to a file that doesn't exist yet.
func makeLogKey(name, origin string) (*audit.Key, error) {
	secret, err := audit.GenerateKey(origin)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, ioError(name, err)
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, ioError(name, err)
	}
	return audit.ParseKey(secret)
}

func readLogKey(cmd *cobra.Command, name string) (*audit.Key, error) {
	text, err := readLimited(cmd.InOrStdin(), name, 1<<12)
	if err != nil {
		return nil, err
	}
	key, err := audit.ParseKey(string(text))
	if err != nil {
		return nil, &exitError{exitInvalid, fmt.Sprintf("%s: %s", name, err)}
	}
	return key, nil
}

// auditError gives an error of a log its exit code: what isn't as it was written is a finding.
func auditError(err error) error {
	var broken *audit.BrokenError
	if errors.As(err, &broken) {
		return &exitError{exitFinding, err.Error()}
	}
	return err
}

// record gives an answer its place in the log. It becomes a denial when that can't be.
func (a *asker) record(an *answer, input []byte) {
	if a.log == nil {
		return
	}
	ev := &audit.Decision{Input: audit.Field{Mode: audit.Digest, Text: string(input)}}
	if an.invalid == nil {
		ev = record.Decision(a.program, an.request, an.facts, an.decision)
		ev.Token.Digest, ev.Token.Blocks = a.evidence.inLog.Digest, a.evidence.inLog.Blocks
	}
	ev.Policy = a.program.Policy().Digest()
	ev.Outcome, ev.Code = audit.Outcome(an.decision.Outcome.String()), string(an.decision.Code)
	ticket, err := a.log.Queue(ev)
	if err != nil {
		an.notRecorded(err)
		return
	}
	an.ticket = &ticket
}

// settle waits until the record of an answer is durable. An answer without is a denial.
func (an *answer) settle() {
	if an.ticket == nil {
		return
	}
	if err := an.ticket.Wait(context.Background()); err != nil {
		an.notRecorded(err)
	}
}

func (an *answer) notRecorded(err error) {
	an.unrecorded = err
	an.decision = eval.Decision{Code: codeNotRecorded, Detail: err.Error()}
	an.explanation, an.lacks = nil, ""
}
