package egress

import (
	"slices"
	"sync"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// bound returns the bindings of the secrets that a request names, if each may go to this URL. Why one may not is for the operator.
func (c *Client) bound(names []string, url resource.Name) ([]*secret.Binding, *Error) {
	if len(names) > MaxSecrets {
		return nil, badRequest("too many secrets")
	}
	var all []*secret.Binding
	for _, name := range names {
		b := c.bindings[name]
		if b == nil {
			return nil, failed(CodeRefused, StageCheck, "the agent has no secret of the name that it gave")
		}
		if !b.Match(url) {
			return nil, failed(CodeRefused, StageCheck, "the secret "+name+" isn't bound to "+url.String())
		}
		if slices.ContainsFunc(all, func(other *secret.Binding) bool { return other.Header() == b.Header() }) {
			return nil, badRequest("two secrets for the header " + b.Header())
		}
		all = append(all, b)
	}
	return all, nil
}

// kept are the values that a client has sent. A server can repeat one later than in the response to it, so all of them are taken out of
// each response. When there are more than MaxKept, which only happens as values change, the one that was sent longest ago is forgotten.
type kept struct {
	mu       sync.Mutex // also held while scrubbing, which takes memory: one response at a time
	values   []secret.Value
	scrubber *secret.Scrubber
}

// add remembers values that are about to be sent.
func (k *kept) add(values []secret.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := false
	for _, v := range values {
		i := slices.IndexFunc(k.values, v.Equal)
		if i >= 0 {
			k.values = slices.Delete(k.values, i, i+1)
		}
		k.values = append(k.values, v)
		changed = changed || i < 0
	}
	if changed {
		k.values = k.values[max(0, len(k.values)-MaxKept):]
		k.scrubber = secret.NewScrubber(k.values...)
	}
}

func (k *kept) bytes(text []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.scrubber.Bytes(text)
}

func (k *kept) string(text string) string { return string(k.bytes([]byte(text))) }
