package enforce

import (
	"context"
	"errors"
	"fmt"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/egress"
)

// ErrNoSandbox says that no code runs for the call: see [pep.PEP.Sandbox].
var ErrNoSandbox = errors.New("enforce: no `sandbox` of the policy is about the agent, or its token doesn't hold: no code runs for it")

// Run runs a module for a call that the PEP has permitted. Limits, directories and the network are those of the policy and the token. It returns when the record of the run is durable. An error says that the code
// wasn't run, or that how it ended isn't in the log: there is no result then, and what the code wrote meanwhile must not be used.
func Run(ctx context.Context, p *pep.PEP, call *pep.Answer, m *sandbox.Module, given sandbox.Given, network Network) (sandbox.Result, error) {
	refuse := func(err error) (sandbox.Result, error) {
		return sandbox.Result{}, errors.Join(err, record(p, call, m, sandbox.Result{Outcome: sandbox.Refused, Err: err}))
	}
	bounds, ok := p.Sandbox(call)
	if !ok {
		return refuse(ErrNoSandbox)
	}
	c := &course{pep: p, call: call, secrets: p.Secrets(call)}
	cfg, err := Config(given, bounds, c.secrets, network, c.ask)
	if err != nil {
		return refuse(err)
	}
	res := m.Run(ctx, cfg)
	if err := record(p, call, m, res); err != nil {
		return sandbox.Result{}, err
	}
	return res, nil
}

func record(p *pep.PEP, call *pep.Answer, m *sandbox.Module, res sandbox.Result) error {
	_, err := p.RecordRun(call, audit.SandboxCall{Module: m.Digest(), Function: "_start", Outcome: string(res.Outcome), Fuel: res.Fuel, Memory: res.Memory, Nanos: uint64(max(res.Took, 0))}, res.Err)
	return err
}

// A course is that of a call while its code runs.
type course struct {
	pep     *pep.PEP
	call    *pep.Answer
	secrets []*lang.Secret // as they were bound at the beginning
}

// ask has the PEP decide. What was permitted on the network is written down again when it has ended.
func (c *course) ask(ctx context.Context, q egress.Question) (func(egress.Outcome) error, error) {
	a := c.pep.DecideCode(ctx, c.call, q.Action, q.On)
	if a.Outcome != eval.Permit {
		return nil, fmt.Errorf("%s on %s: %s", q.Action, q.On, a.Code)
	}
	switch q.Action {
	case egress.ActionConnect, egress.ActionSend:
		return func(o egress.Outcome) error {
			ending := pep.Ending{Outcome: o.Word, Status: o.Status, Bytes: o.Sent + o.Received}
			if o.Detail != "" {
				ending.Detail = errors.New(o.Detail)
			}
			_, err := c.pep.RecordEffect(a, ending)
			return err
		}, nil
	case egress.ActionUse:
		if !c.stillBound(q.On.Path()) {
			err := fmt.Errorf("the policy in force doesn't bind the secret %s as it was bound when the code began", q.On.Path())
			_, rerr := c.pep.RecordSecret(&a, q.On.Path(), q.URL, string(egress.CodeRefused))
			return nil, errors.Join(err, rerr)
		}
		return func(o egress.Outcome) error {
			_, err := c.pep.RecordSecret(&a, q.On.Path(), q.URL, o.Word)
			return err
		}, nil
	}
	return nil, nil
}

// stillBound reports whether the policy in force binds a secret as it was bound when the code began. What isn't bound the client refuses itself.
func (c *course) stillBound(name string) bool {
	binding := func(secrets []*lang.Secret) string {
		for _, s := range secrets {
			if s.Name.Name == name {
				return fmt.Sprintf("%q", []string{s.On.Text.Value, s.Header.Value, s.Template.Value})
			}
		}
		return ""
	}
	return binding(c.pep.Secrets(c.call)) == binding(c.secrets)
}
