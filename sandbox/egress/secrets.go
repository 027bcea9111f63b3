package egress

import (
	"slices"
	"sync"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// A wanted secret is one that a request names.
type wanted struct {
	name    string
	binding *secret.Binding // nil: it may not go to the URL
	why     string          // it may not, for the operator
}

// wanted returns the secrets that a request names, if it may name them: not too many, none twice, and no two for one header.
func (c *Client) wanted(names []string, url resource.Name) ([]wanted, *Error) {
	if len(names) > MaxSecrets {
		return nil, badRequest("too many secrets")
	}
	var all []wanted
	for _, name := range names {
		if secret.CheckName(name) != nil {
			return nil, badRequest("the name of a secret is letters, digits, hyphens and underscores")
		}
		w := wanted{name: name}
		switch b := c.bindings[name]; {
		case b == nil:
			w.why = "the agent has no secret " + name
		case !b.Match(url):
			w.why = "the secret " + name + " isn't bound to " + url.String()
		default:
			w.binding = b
		}
		for _, other := range all {
			switch {
			case other.name == name:
				return nil, badRequest("one secret is named twice")
			case other.binding != nil && w.binding != nil && other.binding.Header() == w.binding.Header():
				return nil, badRequest("two secrets for the header " + w.binding.Header())
			}
		}
		all = append(all, w)
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
