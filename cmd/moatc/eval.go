package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/strictjson"
)

func newEval() *cobra.Command {
	var policy, logDir, logKey string
	var explain, batch bool
	var ev evidence
	cmd := &cobra.Command{
		Use:   "eval --policy PATH REQUEST.json… | -",
		Short: "Ask a policy about requests",
		Long: `Eval asks a policy about requests and prints what it decides and by which rules.

A request is a JSON object in the shape of an AuthZEN access evaluation:

  {"subject": {"type": "agent", "id": "assistant"},
   "action": {"name": "execute", "properties": {"to": "bob@example.com", "amount": 20.00}},
   "resource": {"type": "tool", "id": "pay"},
   "context": {"time": "2026-01-31T12:00:00Z", "origins": {"/to": ["user"]}}}

action.properties are the arguments. In the context, time, session, origins and value_origins play the host; without time it
is now. Each REQUEST is a file, a directory of *.json files, or - for standard input. With --format json the answer is
an AuthZEN response, a line for each request.

With --token the requests are made under a capability token, which is verified against --trust; the subject must be its audience. Then the
facts of the token can be asked for, and what the policy permits is met with what the token grants. With --message each
argument is a whole delivery, as an agent sends it, and goes through the three stages of an enforcement point that remembers no
earlier message; --context plays the host.

With --batch the one argument is a file (or -) with a request on every line, of at most 1 MiB; the answers are JSON lines in
the same order (text lines with --format text), and a summary goes to standard error.

A run begins with an empty history. Limits, lifecycles and ` + "`once`" + ` see the requests that were permitted before in the same run, in the order of the
arguments or lines.

With --log every decision is written to an audit log, and answered once it is durable there; one that can't be written is a deny. The policy says which
arguments the log holds. See ` + "`moatc audit`" + ` and ` + "`moatc replay`" + `.

Exit codes: 0 permit, 2 deny, 4 ask, 3 the policy or a request is invalid, 1 a file can't be read or the log written; of several requests the
gravest: 1, 3, 2, 4, 0. With --batch: 0 every line was decided, 3 some line was no valid request.`,
		Example: `  moatc eval --policy policies/quickstart policies/quickstart/requests/permit.json
  moatc eval --explain --policy policies/quickstart policies/quickstart/requests
  moatc eval --format json --policy policies/quickstart policies/quickstart/requests/ask.json
  moatc eval --policy policies/multi-agent --token policies/multi-agent/reviewer.token --trust policies/multi-agent/trust.json policies/multi-agent/requests/permit-comment.json
  moatc eval --batch --policy policies/quickstart policies/quickstart/requests.jsonl
  moatc eval --batch --format text --policy policies/quickstart policies/quickstart/requests.jsonl`,
		Args:              somePaths("a request: a JSON file, a directory of them, or - for standard input"),
		ValidArgsFunction: completeFiles("json", "jsonl"),
	}
	format := formatFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&policy, "policy", "", "the policy to ask: a directory or a .moat `path`")
	cmd.Flags().BoolVar(&explain, "explain", false, "say of a deny or an ask which permit came nearest and what it lacked")
	ev.flags(cmd)
	cmd.Flags().BoolVar(&batch, "batch", false, "read a request from every line of one file, answer in as many lines")
	cmd.Flags().StringVar(&logDir, "log", "", "write every decision to the log in this `directory`, which is made if need be")
	cmd.Flags().StringVar(&logKey, "log-key", "", "the `file` with the log's key, "+logKeyFile+" in its directory by default")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case logKey != "" && logDir == "":
			return usageError(cmd, "--log-key is the key of a log: --log DIRECTORY")
		case policy == "":
			return usageError(cmd, "say which policy to ask: --policy PATH")
		case batch && len(args) != 1:
			return usageError(cmd, "--batch reads one file, or - for standard input")
		case logDir != "" && ev.message:
			return usageError(cmd, "--log is for requests; an enforcement point keeps its own log of messages")
		case batch && ev.message:
			return usageError(cmd, "--batch reads requests, not messages")
		}
		if err := ev.read(cmd); err != nil {
			return err
		}
		p, ds := lang.Load(policy)
		if p == nil {
			printDiagnostics(cmd, ds.Errors())
			return exit(exitDiagnostics(ds))
		}
		a := &asker{program: eval.New(p), history: eval.NewHistory(), explain: explain, evidence: &ev, policy: policy, text: format.value == "text" && (!batch || cmd.Flags().Changed("format"))}
		if logDir != "" {
			if a.log, err = openLog(cmd, logDir, logKey); err != nil {
				return err
			}
			defer func() {
				if cerr := a.log.Close(); cerr != nil {
					err = errors.Join(cerr, err)
				}
			}()
		}
		if batch {
			return runBatch(cmd, a, args[0])
		}
		sources, err := listRequests(args)
		if err != nil {
			return err
		}
		code := exitOK
		for _, name := range sources {
			code = gravest(code, evalOne(cmd, a, name, len(sources) > 1, format.value))
		}
		return exit(code)
	}
	return cmd
}

// evalOne asks about the request in a file and prints the answer; named says that it is one of several. It returns the exit code.
func evalOne(cmd *cobra.Command, a *asker, name string, named bool, format string) int {
	data, err := readRequest(cmd.InOrStdin(), name)
	if err != nil {
		complain(cmd.ErrOrStderr(), ioError(name, err))
		return exitUsage
	}
	an := a.ask(data)
	an.settle()
	if named {
		an.source = name
	}
	if an.invalid != nil {
		complain(cmd.ErrOrStderr(), fmt.Errorf("%s: %w", name, an.invalid))
	}
	switch {
	case format == "json":
		err = report.WriteJSON(cmd.OutOrStdout(), an.response(), "")
	case an.invalid == nil:
		_, err = io.WriteString(cmd.OutOrStdout(), an.text())
	}
	switch {
	case err != nil:
		return exitUsage // the output remembers why
	case an.unrecorded != nil:
		complain(cmd.ErrOrStderr(), an.unrecorded)
		return exitUsage
	case an.invalid != nil:
		return exitInvalid
	}
	return exitOutcome(an.decision.Outcome)
}

// listRequests lists the files that the arguments mean: of a directory its *.json files, sorted.
func listRequests(args []string) ([]string, error) {
	var out []string
	stdin := 0
	for _, arg := range args {
		if arg == "-" {
			stdin++
		}
		info, err := os.Stat(arg)
		if arg == "-" || err != nil || !info.IsDir() {
			out = append(out, arg) // whether it can be read shows when it is read
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, ioError(arg, err)
		}
		before := len(out)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".json") && !e.IsDir() {
				out = append(out, filepath.Join(arg, e.Name()))
			}
		}
		if len(out) == before {
			return nil, ioError(arg, errors.New("holds no file with the extension .json"))
		}
	}
	if stdin > 1 {
		return nil, errors.New("- can stand only once: standard input is read once")
	}
	return out, nil
}

// readRequest reads a request. Of one that is too large it reads just so much that the parser sees it is.
func readRequest(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	return io.ReadAll(io.LimitReader(stdin, strictjson.DefaultBytes+1))
}

// An asker asks one policy.
type asker struct {
	program  *eval.Program
	history  *eval.History // of this run
	explain  bool
	text     bool // the answers are for people
	evidence *evidence
	policy   string
	log      *audit.Log // nil: none is kept
}

// ask decides a request in JSON. Where the request has no time, it is made now.
func (a *asker) ask(data []byte) answer {
	if a.evidence.message {
		return a.askMessage(data, a.policy, a.evidence)
	}
	an := a.decide(data)
	a.record(&an, data)
	return an
}

func (a *asker) decide(data []byte) answer {
	an := answer{program: a.program}
	an.request, an.facts, an.invalid = eval.ParseEvaluation(data)
	if an.invalid == nil {
		a.consider(&an)
	}
	if an.invalid != nil {
		an.decision.Code = eval.CodeInvalidRequest
	}
	return an
}

// consider decides the request of an answer, with its facts and what the token lends it.
func (a *asker) consider(an *answer) {
	if an.facts.Time.IsZero() {
		an.facts.Time = time.Now()
	}
	if an.invalid = a.evidence.lend(a.program, &an.request, &an.facts); an.invalid != nil {
		return
	}
	an.facts.History = a.history
	if !a.explain && !a.text {
		an.decision = a.history.Decide(a.program, an.request, an.facts)
		return
	}
	x := a.program.Explain(an.request, an.facts)
	an.decision = x.Decision
	a.history.Apply(x.Decision.Changes)
	if a.explain {
		an.explanation = &x
	}
	an.lacks = lacks(x)
}

// lacks says in a few words what a denial by no rule lacked.
func lacks(x eval.Explanation) string {
	effect := ""
	if x.Effect != "" {
		effect = " " + x.Effect + ", which the call does"
	}
	switch f := x.Failed; {
	case x.Decision.Code == eval.CodeNoPermit:
		return "no rule permits" + cmp.Or(effect, " it")
	case x.Decision.Code == eval.CodeConditionFailed && f != nil:
		verb := "doesn't hold"
		if f.Unless {
			verb = "holds, and must not"
		}
		s := fmt.Sprintf("in %s (%s) `%s` %s", x.Nearest.ID, f.Span, strings.Join(strings.Fields(f.Span.Text()), " "), verb)
		for i, seen := range f.Saw {
			s += fmt.Sprintf("%s %s is %s", [...]string{":", ","}[min(i, 1)], seen.Expr, seen.Value)
		}
		return s
	}
	return ""
}
