package eval

import (
	"fmt"

	"github.com/moat-lang/moat/resource"
)

// An Effect is what a call does beside itself, as the tool's declaration says: `does send on ("agent://" + args.to)`.
type Effect struct {
	Action   string
	Resource resource.Name
}

// Effects lists what a call does beside itself. A decision on the call has decided on each. Whoever
// acts on a permit by what the call touches asks here, with the request and the facts of the decision, and not the arguments. A request
// that isn't a call has none. The error is that of a request which is denied before a rule is asked.
func (p *Program) Effects(req Request, facts Facts) (effects []Effect, err error) {
	if p == nil {
		return nil, fmt.Errorf("eval: there is no policy")
	}
	defer func() {
		if r := recover(); r != nil {
			effects, err = nil, fmt.Errorf("eval: %s", panicDecision(r).Detail)
		}
	}()
	e, early := prepare(p.policy, &req, &facts)
	if early != nil {
		return nil, fmt.Errorf("eval: %s: %s", early.Code, early.Detail)
	}
	if e.tool == nil {
		return nil, nil
	}
	facets, early := p.facets(e)
	if early != nil {
		return nil, fmt.Errorf("eval: %s: %s", early.Code, early.Detail)
	}
	for _, f := range facets[1:] {
		effects = append(effects, Effect{f.action, f.resource.name()})
	}
	return effects, nil
}
