package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/report"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/enforce"
	"github.com/moat-lang/moat/sandbox/files"
	"github.com/moat-lang/moat/sandbox/meter"
	"github.com/moat-lang/moat/secret"
)

// maxStdin bounds what code is given of standard input, in bytes.
const maxStdin = 64 << 20

func newRun() *cobra.Command {
	var policy, agent, logDir, logKey, secrets string
	var env, places []string
	var stdin, clock, random bool
	var ev evidence
	cmd := &cobra.Command{
		Use:   "run --policy PATH --as AGENT MODULE.wasm [-- ARGUMENT…]",
		Short: "Run untrusted code inside of what a policy lets it use",
		Long: `Run runs a WebAssembly module for an agent, inside of the ` + "`sandbox`" + ` that the policy declares for it: with so much fuel (instructions), memory and time, and no
more. A module is a command of WASI preview 1, as Go (GOOS=wasip1 GOARCH=wasm), Rust (wasm32-wasip1) and others make them; guest.wasm below is made by
GOOS=wasip1 GOARCH=wasm go build -o guest.wasm ./policies/code-runner/guest

The code sees the directories of the sandbox, at the same paths, and nothing else of the machine; --dir says where one is when it isn't there. Each file that it opens and each URL that it connects to is a request
of the agent, such as ` + "`read on file:///srv/kb/faq.md`" + `, which the policy has to permit; what is denied is told on standard error. With --token it is met with
what the token grants and its limits.

Arguments are the code's own; environment variables, standard input, the time and random numbers it has only when a flag gives them. Secrets are in the
files of a directory that have their names, and are put into requests without the code seeing them, where the policy binds and permits them.

What follows on the module, or on -- behind it, is the code's. When the code has run, a line on standard error says what was used; with --format json it is JSON. An interrupt
ends the code as the end of its time does.

Exit codes: 0 the code ended with 0, 5 it ended otherwise or was stopped, 2 the policy has no sandbox for the agent, 3 the policy, the module or a token is invalid, 1
the command line is wrong, a file or directory can't be opened, the log can't be written, or a limit is nothing.`,
		Example: `  moatc run --policy policies/code-runner --as analyst --dir /srv/data=policies/code-runner/data guest.wasm -- /srv/data/rates.csv
  moatc run --policy policies/code-runner --as analyst --dir /srv/data=policies/code-runner/data --log decisions --format json guest.wasm`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeFiles("wasm"),
	}
	format := formatFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&policy, "policy", "", "the policy: a directory or a .moat `path`")
	cmd.Flags().StringVar(&agent, "as", "", "the `agent` that the code runs for")
	cmd.Flags().StringVar(&logDir, "log", "", "write every decision and the run to the log in this `directory`, which is made if need be")
	cmd.Flags().StringVar(&logKey, "log-key", "", "the `file` with the log's key, "+logKeyFile+" in its directory by default")
	cmd.Flags().StringVar(&secrets, "secrets", "", "a `directory` with a file for each secret, which nobody else can read")
	cmd.Flags().StringArrayVar(&places, "dir", nil, "where a directory of the sandbox is on this machine, `PATH=DIRECTORY`; may be repeated")
	cmd.Flags().StringArrayVar(&env, "env", nil, "an environment variable, `NAME=VALUE`; may be repeated")
	cmd.Flags().BoolVar(&stdin, "stdin", false, "give the code standard input")
	cmd.Flags().BoolVar(&clock, "clock", false, "let the code see what time it is")
	cmd.Flags().BoolVar(&random, "random", false, "give the code random numbers, and not the same in each run")
	ev.codeFlags(cmd)
	cmd.Flags().SetInterspersed(false) // what follows on the module is the code's
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case len(args) == 0:
			return usageError(cmd, "name a module: a .wasm file")
		case policy == "":
			return usageError(cmd, "say which policy holds: --policy PATH")
		case agent == "":
			return usageError(cmd, "say whom the code runs for: --as AGENT")
		case logKey != "" && logDir == "":
			return usageError(cmd, "--log-key is the key of a log: --log DIRECTORY")
		case stdin && args[0] == "-":
			return usageError(cmd, "standard input is the module; --stdin needs a module in a file")
		}
		if err := ev.read(cmd); err != nil {
			return err
		}
		p, ds := lang.Load(policy)
		if p == nil {
			printDiagnostics(cmd, ds.Errors())
			return exit(exitDiagnostics(ds))
		}
		r := &runner{cmd: cmd, asker: &asker{program: eval.New(p), history: eval.NewHistory(), evidence: &ev, text: true}, agent: agent, ctx: cmd.Context()}
		if logDir != "" {
			if r.asker.log, err = openLog(cmd, logDir, logKey); err != nil {
				return err
			}
			defer func() {
				if cerr := r.asker.log.Close(); cerr != nil {
					err = errors.Join(cerr, err)
				}
			}()
		}
		module, rest := args[0], args[1:]
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		out, errs := newCodeOutput(cmd.OutOrStdout()), newCodeOutput(cmd.ErrOrStderr())
		r.errs = errs
		given := sandbox.Given{Args: append([]string{filepath.Base(module)}, rest...), Stdout: out, Stderr: errs, Clock: clock, Random: random, Env: map[string]string{}}
		for _, e := range env {
			name, value, ok := strings.Cut(e, "=")
			if !ok || name == "" {
				return usageError(cmd, "--env takes NAME=VALUE, not %q", e)
			}
			given.Env[name] = value
		}
		r.places = map[string]string{}
		for _, p := range places {
			path, at, ok := strings.Cut(p, "=")
			if !ok || path == "" || at == "" {
				return usageError(cmd, "--dir takes PATH=DIRECTORY, not %q", p)
			}
			r.places[path] = at
		}
		if stdin {
			if given.Stdin, err = readLimited(cmd.InOrStdin(), "-", maxStdin); err != nil {
				return err
			}
		}
		wasm, err := readLimited(cmd.InOrStdin(), module, meter.MaxModule)
		if err != nil {
			return err
		}
		var network enforce.Network
		if secrets != "" {
			if _, err := os.ReadDir(secrets); err != nil {
				return ioError(secrets, err)
			}
			network.Secrets = secret.Dir(secrets)
		}
		// Whoever interrupts the code, or stops to read what it writes, wants the log to end in order.
		signal.Ignore(syscall.SIGPIPE)
		var stop context.CancelFunc
		r.ctx, stop = signal.NotifyContext(r.ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(r.ctx, stop) // a second one ends moatc
		err = r.run(wasm, given, network, format.value)
		return errors.Join(err, out.flush())
	}
	return cmd
}

// A runner runs code for an agent, and decides what the code asks for.
type runner struct {
	cmd    *cobra.Command
	ctx    context.Context
	asker  *asker
	agent  string
	bounds eval.Sandbox
	places map[string]string // where directories are on this machine, by their paths in the sandbox
	asked  tally
	errs   *codeOutput // standard error
	failed error       // why something couldn't be recorded; the code isn't let do anything more
}

func (r *runner) run(wasm []byte, given sandbox.Given, network enforce.Network, format string) error {
	facts := r.asker.evidence.facts
	if facts.Time.IsZero() {
		facts.Time = time.Now()
	}
	req := eval.Request{Kind: lang.Agent, Subject: r.agent}
	if err := r.asker.evidence.lend(r.asker.program, &req, &facts); err != nil {
		return &exitError{exitInvalid, err.Error()}
	}
	bounds, ok := r.asker.program.Sandbox(r.agent, facts)
	if !ok {
		name := report.Escape(r.agent)
		return &exitError{exitDeny, fmt.Sprintf("the policy has no sandbox for %s, so no code runs for it; declare one: sandbox %s { fuel 1_000_000_000 memory 64MiB timeout 10s }", name, name)}
	}
	r.bounds = pep.Limited(bounds, r.asker.evidence.limits)
	cfg, err := enforce.Config(given, r.bounds, r.asker.program.Secrets(r.agent, facts), network, r.ask)
	if err != nil {
		return &exitError{exitInvalid, err.Error()}
	}
	if err := r.place(cfg.Dirs); err != nil {
		return err
	}
	engine, err := sandbox.New(r.ctx)
	if err != nil {
		return err
	}
	defer engine.Close(r.ctx)
	m, err := engine.Compile(r.ctx, wasm)
	if err != nil && r.ctx.Err() != nil {
		return err
	}
	if err != nil {
		return &exitError{exitInvalid, err.Error()}
	}
	res := m.Run(r.ctx, cfg)
	r.record(m, res)
	if err := r.tell(res, format); err != nil {
		return err
	}
	switch {
	case r.failed != nil:
		return r.failed
	case res.Outcome == sandbox.Refused:
		return exit(exitUsage)
	case res.Outcome != sandbox.OK:
		return exit(exitFinding)
	}
	return nil
}

// place puts the directories of the sandbox, and those in them, to where they are on this machine.
func (r *runner) place(dirs []files.Dir) error {
	for _, path := range slices.Sorted(maps.Keys(r.places)) { // so that the longer path of two counts
		if !slices.ContainsFunc(dirs, func(d files.Dir) bool { return d.Path == path }) {
			var known []string
			for _, d := range dirs {
				known = append(known, d.Path)
			}
			return usageError(r.cmd, "--dir: %s is no directory of the sandbox; there are %s", report.Escape(path), cmp.Or(strings.Join(known, ", "), "none"))
		}
		at, err := filepath.EvalSymlinks(r.places[path])
		if err == nil {
			at, err = filepath.Abs(at)
		}
		if err != nil {
			return ioError(r.places[path], err)
		}
		for i, d := range dirs {
			below, ok := strings.CutPrefix(d.Path, strings.TrimSuffix(path, "/"))
			if !ok || below != "" && below[0] != '/' {
				continue
			}
			dirs[i].At = filepath.Join(at, below) // a link that is named is the user's own; one in the directory may be anybody's, and is refused
		}
	}
	return nil
}
