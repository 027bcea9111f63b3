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

// kept are the values that are taken out of each response: those of all secrets that are bound for the agent, for a server may have been told one by
// somebody else, and those that this client has sent, for they may have changed since, and a server can repeat one later than in the response to it. When
// more than MaxKept others than the bound ones were sent, which only happens as values change, the one that was sent longest ago is forgotten.
type kept struct {
	once sync.Once // for what is bound

	mu          sync.Mutex // also held while scrubbing, which takes memory: one response at a time
	bound, sent []secret.Value
	scrubber    *secret.Scrubber
}

// bind remembers, the first time, the values that the store has of the secrets of some bindings. What it doesn't have now, no server was told by way of it.
func (k *kept) bind(store secret.Store, bindings []*secret.Binding) {
	k.once.Do(func() {
		var values []secret.Value
		for _, b := range bindings {
			if v, err := store.Value(b.Name()); err == nil && !v.IsZero() {
				values = append(values, v)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.bound = values
		k.scrubber = secret.NewScrubber(k.bound...)
	})
}

// add remembers values that are about to be sent.
func (k *kept) add(values []secret.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := false
	for _, v := range values {
		if slices.ContainsFunc(k.bound, v.Equal) {
			continue
		}
		i := slices.IndexFunc(k.sent, v.Equal)
		if i >= 0 {
			k.sent = slices.Delete(k.sent, i, i+1)
		}
		k.sent = append(k.sent, v)
		changed = changed || i < 0
	}
	if changed {
		k.sent = k.sent[max(0, len(k.sent)-MaxKept):]
		k.scrubber = secret.NewScrubber(slices.Concat(k.bound, k.sent)...)
	}
}

// clean returns text without the values. How much there is to look through is paid before it is done.
func (k *kept) clean(text []byte, pay func(bytes int) error) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.scrubber.Scrub(text, pay)
}

// string returns a short text without the values.
func (k *kept) string(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.scrubber.String(text)
}
