// Package enforce runs code for a call that an enforcement point has permitted: inside of what the policy and the token let it use, asking for each thing that it
// does, and with all of it in the log.
//
// Start at [Run]. [Config] is for whoever decides otherwise than by a PEP.
package enforce

import (
	"context"
	"fmt"
	"slices"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/sandbox/files"
	"github.com/moat-lang/moat/secret"
)

// A Network is how code reaches others, if that is permitted. The zero Network has no secrets, and reaches public addresses by https.
type Network struct {
	Secrets secret.Store // nil: there are none
	// Options are about addresses, names, certificates and bounds. Of them Ask, Bindings, Secrets and Charge are set here.
	Options egress.Options
}

// Config returns what a run may use and is given: the limits, the directories, and a client for HTTP that asks. What is asked for, for files without a URL, is inside of the bounds or refused by ask, which has
// to see to both. The secrets are those that the policy binds for the agent.
func Config(given sandbox.Given, bounds eval.Sandbox, secrets []*lang.Secret, network Network, ask egress.Ask) (sandbox.Config, error) {
	cfg := sandbox.Config{Given: given, Limits: sandbox.Limits{Fuel: bounds.Fuel, Memory: bounds.Memory, Timeout: bounds.Timeout}, Dirs: dirs(bounds)}
	cfg.Ask = func(ctx context.Context, action string, on resource.Name) error {
		done, err := ask(ctx, egress.Question{Action: action, On: on})
		if err == nil && done != nil {
			err = done(egress.Outcome{Word: egress.WordOK})
		}
		return err
	}
	options := network.Options
	options.Charge, options.Secrets, options.Bindings = sandbox.Charge, network.Secrets, nil
	options.Ask = func(ctx context.Context, q egress.Question) (func(egress.Outcome) error, error) {
		if err := sandbox.Charge(ctx, sandbox.AskFuel); err != nil {
			return nil, err
		}
		return ask(ctx, q)
	}
	if network.Secrets == nil { // then what is bound has no value
		options.Secrets = secret.Map{}
	}
	for _, s := range secrets {
		if len(s.On.Patterns) != 1 {
			return sandbox.Config{}, fmt.Errorf("enforce: the secret %s isn't bound to one pattern of URLs", s.Name.Name)
		}
		b, err := secret.NewBinding(s.Name.Name, s.On.Patterns[0], s.Header.Value, s.Template.Value)
		if err != nil {
			return sandbox.Config{}, err
		}
		options.Bindings = append(options.Bindings, b)
	}
	var err error
	cfg.Fetch, err = egress.New(options)
	return cfg, err
}

// dirs are the directories that code sees: what it may read or write, each once.
func dirs(bounds eval.Sandbox) []files.Dir {
	paths := slices.Concat(bounds.Read, bounds.Write)
	slices.Sort(paths)
	var out []files.Dir
	for _, path := range slices.Compact(paths) {
		out = append(out, files.Dir{Path: path, Write: bounds.MayWrite(path)})
	}
	return out
}
