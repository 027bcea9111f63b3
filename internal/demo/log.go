package demo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moat-lang/moat/audit"
)

// verify verifies a log against the checkpoint that was kept elsewhere.
func (c *cast) verify(s *Step, name string) error {
	c.mu.Lock()
	signed := c.checkpoint
	c.mu.Unlock()
	public, err := audit.ParsePublic(c.logKey.Public())
	if err != nil {
		return err
	}
	checkpoint, err := audit.OpenCheckpoint(signed, public, nil, 0)
	if err != nil {
		return err
	}
	if err := c.keep("checkpoint", signed); err != nil {
		return err
	}
	s.Request = fmt.Sprintf("%s is verified against the checkpoint of %d records", name, checkpoint.Size)
	found, err := audit.Verify(filepath.Join(c.dir, filepath.FromSlash(name)), audit.VerifyOptions{Against: []*audit.Signed{checkpoint}})
	var broken *audit.BrokenError
	switch {
	case errors.As(err, &broken):
		s.Answer, s.Record, s.Reason = "broken", broken.Index, broken.Reason
		return nil
	case err != nil:
		return err
	}
	s.Answer, s.Reason = "sound", fmt.Sprintf("%d records", found.Size)
	return nil
}

// unanchored verifies a log by itself, and returns its number of records.
func (c *cast) unanchored(name string) (uint64, error) {
	found, err := audit.Verify(filepath.Join(c.dir, name), audit.VerifyOptions{})
	return found.Size, err
}

// copyLog copies the log and changes the lines of the copy. The log of the story has one segment.
func (c *cast) copyLog(name string, change func(lines [][]byte) ([][]byte, error)) error {
	from, to := filepath.Join(c.dir, "pep", "log"), filepath.Join(c.dir, name)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	segments, err := filepath.Glob(filepath.Join(to, "*.jsonl"))
	if err != nil || len(segments) != 1 {
		return fmt.Errorf("the log has %d segments: %w", len(segments), errors.Join(err))
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		return err
	}
	lines, err := change(bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")))
	if err != nil {
		return err
	}
	return os.WriteFile(segments[0], append(bytes.Join(lines, []byte("\n")), '\n'), 0o600)
}
