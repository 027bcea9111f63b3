package main

import (
	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/replay"
	"github.com/moat-lang/moat/report"
)

func newReplay() *cobra.Command {
	var policy string
	var samples int
	cmd := &cobra.Command{
		Use:   "replay --policy NEW LOG",
		Short: "Ask another policy about the requests that a log recorded",
		Long: `Replay asks a policy about every request that a log recorded, and reports which decisions would change: how many, which way, by which
rules, with samples. What opens comes first.

What can't be asked again is counted and reported: requests with arguments that the log holds redacted or digested, and those that
were refused before the rules were asked, or by their token. What came under a token is asked as if the token still granted it. Approvals of the past count as
if they had been given under the new policy.

Limits, lifecycles and ` + "`once`" + ` see what the other policy permits of the requests before, from an empty history on: a log
that several runs wrote is one past. A permit that can't be asked again counts as the log says that it did, except where it says no total.

The chain of the log is checked on the way; whether its tail is there is for moatc audit verify.

Exit codes: 0 nothing changes, 5 a decision changes, or none could be replayed, or the log is broken, 3 the policy is
invalid, 1 a file can't be read.`,
		Example: `  moatc eval --batch --log mail.log --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc replay --policy policies/quickstart mail.log
  moatc replay --format json --policy policies/quickstart mail.log`,
		Args: oneLog,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&policy, "policy", "", "the policy to ask: a directory or a .moat `path`")
	cmd.Flags().IntVar(&samples, "samples", 3, "how many changed decisions of each kind to show")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if policy == "" {
			return usageError(cmd, "say which policy to ask: --policy NEW")
		}
		p, ds := lang.Load(policy)
		if p == nil {
			printDiagnostics(cmd, ds.Errors())
			return exit(exitDiagnostics(ds))
		}
		r, err := replay.Run(audit.Read(args[0], 0), eval.New(p), samples)
		if err != nil {
			return auditError(err)
		}
		if format.value == "json" {
			err = report.WriteJSON(cmd.OutOrStdout(), r, "  ")
		} else {
			err = r.WriteText(cmd.OutOrStdout())
		}
		switch {
		case err != nil:
			return err
		case r.Inconclusive():
			return &exitError{exitFinding, "none of the decisions could be replayed, so nothing is known about the policy"}
		case r.Decisions == 0:
			return &exitError{exitFinding, "the log holds no decision, so nothing is known about the policy"}
		case r.Changed > 0:
			return exit(exitFinding)
		}
		return nil
	}
	return cmd
}
