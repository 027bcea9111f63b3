package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/report"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify, prove and search an audit log",
		Long: `Audit works on the log that a service, or moatc eval --log, writes: a directory of chained records under a Merkle tree with signed
checkpoints. spec/AUDIT.md says what a log proves, and what it can't.`,
		Example: `  moatc eval --batch --log a.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit verify --unanchored a.log`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAuditKey(), newAuditVerify(), newAuditProve(), newAuditQuery(), newAuditCheckpoint())
	return cmd
}

// oneLog wants the directory of a log.
func oneLog(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError(cmd, "name the directory of one log")
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return ioError(args[0], err)
	}
	if !info.IsDir() {
		return ioError(args[0], errors.New("is no directory; a log is one, with the records in files inside"))
	}
	return nil
}

// trustFlags say whose signatures on a checkpoint count.
type trustFlags struct {
	key       string
	witnesses []string
	quorum    int
}

func (t *trustFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.key, "key", "", "the public `key` of the log, or a file with it; by default that of the key in the log's directory")
	cmd.Flags().StringArrayVar(&t.witnesses, "witness", nil, "the public `key` of a witness, or a file with it; may be repeated")
	cmd.Flags().IntVar(&t.quorum, "quorum", 0, "how many of the witnesses must have cosigned; all of them by default")
}

// open verifies the signatures of a checkpoint.
func (t *trustFlags) open(signed []byte, dir string) (*audit.Signed, error) {
	log, witnesses, quorum, err := t.keys(dir)
	if err != nil {
		return nil, err
	}
	s, err := audit.OpenCheckpoint(signed, log, witnesses, quorum)
	if err != nil {
		return nil, &exitError{exitFinding, err.Error()}
	}
	return s, nil
}

func (t *trustFlags) keys(dir string) (*audit.Public, []*audit.Public, int, error) {
	log, err := t.logKey(dir)
	if err != nil {
		return nil, nil, 0, err
	}
	var witnesses []*audit.Public
	for _, w := range t.witnesses {
		p, err := readPublic(w)
		if err != nil {
			return nil, nil, 0, err
		}
		witnesses = append(witnesses, p)
	}
	quorum := t.quorum
	if quorum == 0 {
		quorum = len(witnesses)
	}
	if quorum > len(witnesses) {
		return nil, nil, 0, fmt.Errorf("--quorum %d, and there are %d witnesses", quorum, len(witnesses))
	}
	return log, witnesses, quorum, nil
}

func (t *trustFlags) logKey(dir string) (*audit.Public, error) {
	if t.key != "" {
		return readPublic(t.key)
	}
	if dir == "" {
		return nil, errors.New("say whose checkpoint it is: --key")
	}
	data, err := os.ReadFile(filepath.Join(dir, logKeyFile))
	if err != nil {
		return nil, fmt.Errorf("the log's directory holds no key (%w); say whose checkpoint it is: --key", errors.Unwrap(err))
	}
	key, err := audit.ParseKey(string(data))
	if err != nil {
		return nil, err
	}
	return audit.ParsePublic(key.Public())
}

// readPublic reads a public key as it is, or from a file.
func readPublic(s string) (*audit.Public, error) {
	if data, err := os.ReadFile(s); err == nil {
		s = string(data)
	}
	p, err := audit.ParsePublic(strings.TrimSpace(s))
	if err != nil {
		return nil, &exitError{exitInvalid, err.Error()}
	}
	return p, nil
}

func newAuditKey() *cobra.Command {
	var origin string
	cmd := &cobra.Command{
		Use:   "key [--origin NAME] FILE",
		Short: "Make the key of a log, or show its public part",
		Long: `Key shows the public part of the key of a log: what others need to verify the log's checkpoints. With --origin it makes the key first. The origin
is the name of the log, such as example.com/moat/prod; it stands in every checkpoint. Keep the file where whoever can read the log can't read it: with
it, all that no witness has seen can be rewritten.`,
		Example: `  moatc audit key --origin example.com/moat/test prod.key
  moatc audit key prod.key`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&origin, "origin", "", "make a key for the log of this `name`")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		var key *audit.Key
		if origin != "" {
			key, err = makeLogKey(args[0], origin)
		} else {
			key, err = readLogKey(cmd, args[0])
		}
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key.Public())
		}
		return err
	}
	return cmd
}

func newAuditVerify() *cobra.Command {
	var against []string
	var unanchored bool
	var trust trustFlags
	cmd := &cobra.Command{
		Use:   "verify [--against CHECKPOINT]… LOG",
		Short: "Check that nothing in a log was changed or cut away",
		Long: `Verify reads a whole log and checks that its records chain, and that the log is what the checkpoints cover, or goes on from it. It names the first bad entry.

The chain alone can't tell that the tail was cut off, or the whole log written anew. A checkpoint that was kept elsewhere can: give it with --against.
The checkpoint in the log's own directory is looked at as well, when the key is known, but anchors nothing: whoever can change the log can change it.
A log that is anchored to nothing is a finding, unless --unanchored says that this is wanted.

Exit codes: 0 the log holds, 5 it is broken, or anchored to nothing, 3 a key is invalid, 1 a file can't be read.`,
		Example: `  moatc eval --batch --log b.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit checkpoint --out b.checkpoint b.log
  moatc eval --batch --log b.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit verify --against b.checkpoint b.log`,
		Args: oneLog,
	}
	cmd.Flags().StringArrayVar(&against, "against", nil, "a signed `checkpoint` that was kept elsewhere; may be repeated")
	cmd.Flags().BoolVar(&unanchored, "unanchored", false, "be content with the chain")
	trust.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts := audit.VerifyOptions{}
		anchor := uint64(0)
		for _, name := range against {
			signed, err := readLimited(cmd.InOrStdin(), name, 1<<16)
			if err != nil {
				return err
			}
			s, err := trust.open(signed, args[0])
			if err != nil {
				return err
			}
			opts.Against, anchor = append(opts.Against, s), max(anchor, s.Size)
		}
		own, err := ownCheckpoint(&trust, args[0])
		if err != nil {
			return err
		}
		if own != nil {
			opts.Against = append(opts.Against, own)
		}
		progress := newByteProgress(cmd)
		opts.Progress = progress.show
		v, err := audit.Verify(args[0], opts)
		progress.clear()
		if err != nil {
			return auditError(err)
		}
		out := fmt.Sprintf("ok  %s  %s in %s, root %s\n", v.Origin, plural(int(v.Size), "record"), plural(v.Segments, "segment"), v.Root)
		if v.Torn > 0 {
			out += fmt.Sprintf("    %d bytes behind the last record are one that isn't finished; it was never acknowledged\n", v.Torn)
		}
		if len(against) > 0 {
			out += fmt.Sprintf("    anchored to a checkpoint of %s; of the %d behind it the chain says that they weren't changed, not that none are missing\n", plural(int(anchor), "record"), v.Size-anchor)
		}
		if _, err := fmt.Fprint(cmd.OutOrStdout(), escapeLines(out)); err != nil {
			return err
		}
		if len(against) == 0 && !unanchored {
			return &exitError{exitFinding, "the log is anchored to nothing: that its tail was cut off, or all of it written anew, wouldn't show\ngive a checkpoint that was kept elsewhere with --against, or say that this is wanted with --unanchored"}
		}
		return nil
	}
	return cmd
}

// ownCheckpoint opens the checkpoint in the directory of a log. It is nil when there is none, or the key isn't known.
func ownCheckpoint(trust *trustFlags, dir string) (*audit.Signed, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ioError(dir, err)
	}
	key, err := trust.logKey(dir)
	if err != nil {
		if trust.key == "" {
			return nil, nil
		}
		return nil, err
	}
	s, err := audit.OpenCheckpoint(signed, key, nil, 0)
	if err != nil {
		return nil, &exitError{exitFinding, "the checkpoint in the log's directory: " + err.Error()}
	}
	return s, nil
}

func escapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = report.Escape(lines[i])
	}
	return strings.Join(lines, "\n")
}

func newAuditCheckpoint() *cobra.Command {
	var out, tiles string
	var trust trustFlags
	cmd := &cobra.Command{
		Use:   "checkpoint LOG",
		Short: "Print the last signed checkpoint of a log",
		Long: `Checkpoint verifies the last signed checkpoint in the directory of a log and prints it, to be kept where whoever can write the log can't, or given to a
witness. With --tiles it writes the tree that the checkpoint covers, as c2sp.org/tlog-tiles lays it out: hashes, and nothing of what happened.`,
		Example: `  moatc eval --batch --log c.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit checkpoint --tiles public c.log`,
		Args: oneLog,
	}
	cmd.Flags().StringVar(&out, "out", "", "write it to a `file`")
	cmd.Flags().StringVar(&tiles, "tiles", "", "write the checkpoint and the tiles of the tree to a `directory`")
	trust.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signed, err := readLimited(cmd.InOrStdin(), filepath.Join(args[0], "checkpoint"), 1<<16)
		if err != nil {
			return err
		}
		s, err := trust.open(signed, args[0])
		if err != nil {
			return err
		}
		if tiles != "" {
			if err := audit.WriteTiles(args[0], tiles, 0, s.Size); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(tiles, "checkpoint"), signed, 0o666); err != nil {
				return err
			}
		}
		if out != "" {
			return os.WriteFile(out, signed, 0o666)
		}
		_, err = cmd.OutOrStdout().Write(signed)
		return err
	}
	return cmd
}

func newAuditProve() *cobra.Command {
	var checkpoint, since, check string
	var trust trustFlags
	cmd := &cobra.Command{
		Use:   "prove LOG INDEX | --since CHECKPOINT LOG | --check PROOF",
		Short: "Prove that a log holds a record, or goes on from a checkpoint",
		Long: `Prove prints a proof that the log that a checkpoint covers holds the record INDEX. The proof holds the record and the checkpoint, and can be checked without the log
(c2sp.org/tlog-proof). With --since it proves that the log goes on from an older checkpoint.

With --check it checks such a proof, and prints the record. The key of the log is needed; with --since, also the older checkpoint.

Exit codes: 0 proved, 5 the proof doesn't hold or the log is broken, 3 a key is invalid, 1 a file can't be read.`,
		Example: `  moatc eval --batch --log d.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc audit prove d.log 3`,
		Args: cobra.MaximumNArgs(2),
	}
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "the signed `checkpoint` that the proof leads to; the last of the log by default")
	cmd.Flags().StringVar(&since, "since", "", "prove that the log goes on from this `checkpoint`")
	cmd.Flags().StringVar(&check, "check", "", "check the proof in a `file`")
	trust.add(cmd)
	read := func(cmd *cobra.Command, name string) ([]byte, error) {
		return readLimited(cmd.InOrStdin(), name, 8<<20)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var old *audit.Signed
		dir := ""
		if check == "" {
			if len(args) == 0 || (len(args) == 2) == (since != "") {
				return usageError(cmd, "name a log and the index of a record, or a log and --since")
			}
			dir = args[0]
		} else if len(args) > 0 {
			return usageError(cmd, "--check needs no log")
		}
		if since != "" {
			text, err := read(cmd, since)
			if err != nil {
				return err
			}
			if old, err = trust.open(text, dir); err != nil {
				return err
			}
		}
		if check != "" {
			return checkProof(cmd, &trust, check, old)
		}
		if checkpoint == "" {
			checkpoint = filepath.Join(dir, "checkpoint")
		}
		signed, err := read(cmd, checkpoint)
		if err != nil {
			return err
		}
		var proof []byte
		if old != nil {
			proof, err = audit.ProveConsistency(dir, old.Size, signed)
		} else {
			var index uint64
			if index, err = strconv.ParseUint(args[1], 10, 64); err != nil {
				return usageError(cmd, "%q is no index", args[1])
			}
			proof, err = audit.ProveInclusion(dir, index, signed)
		}
		if err != nil {
			return auditError(err)
		}
		_, err = cmd.OutOrStdout().Write(proof)
		return err
	}
	return cmd
}

func checkProof(cmd *cobra.Command, trust *trustFlags, name string, old *audit.Signed) error {
	proof, err := readLimited(cmd.InOrStdin(), name, 8<<20)
	if err != nil {
		return err
	}
	log, witnesses, quorum, err := trust.keys("")
	if err != nil {
		return err
	}
	if old != nil {
		s, err := audit.CheckConsistency(proof, old, log, witnesses, quorum)
		if err != nil {
			return &exitError{exitFinding, err.Error()}
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "ok  the log of %d goes on from that of %d\n", s.Size, old.Size)
		return err
	}
	r, s, err := audit.CheckInclusion(proof, log, witnesses, quorum)
	if err != nil {
		return &exitError{exitFinding, err.Error()}
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "ok  record %d of %d\n", r.Index, s.Size); err != nil {
		return err
	}
	return writeRecordJSON(cmd, r)
}

// byteProgress shows on a terminal how far a long verification has come. Several goroutines tell it.
type byteProgress struct {
	progress
	turn chan struct{}
}

func newByteProgress(cmd *cobra.Command) *byteProgress {
	return &byteProgress{*newProgress(cmd.ErrOrStderr()), make(chan struct{}, 1)}
}

func (p *byteProgress) show(done, total int64) {
	if p.w == nil {
		return
	}
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if now := time.Now(); now.After(p.next) {
		fmt.Fprintf(p.w, "\r%d of %d MiB", done>>20, total>>20)
		p.next, p.shown = now.Add(time.Second), true
	}
}
