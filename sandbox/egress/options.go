package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// Bounds that Options don't change.
const (
	MaxHeaders        = 64       // fields of a guest's request
	MaxHeaderBytes    = 16 << 10 // their names and values, in bytes
	MaxSecrets        = 8        // secrets in one request
	MaxResponseHeader = 64 << 10 // bytes in the head of a response, and of those that come before it with a status of 1xx
	MaxAddresses      = 4        // addresses of a name that are tried
	MaxKept           = 64       // values that are taken out of responses, beside those of the bindings
)

// Defaults of Options, and how long a connection may take to be made.
const (
	DefaultTimeout    = 30 * time.Second
	DefaultBytes      = 8 << 20
	DefaultConcurrent = 8
	DialTimeout       = 10 * time.Second
)

// A Resolver finds addresses of host names, as [net.Resolver] does. It is asked for "ip4" and for "ip6", and for a name with a dot at its
// end, which keeps it from trying the domains that the machine searches.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options say what a Client is for. Only Ask is needed. Options aren't changed afterwards.
type Options struct {
	Ask Ask

	// Secrets has the values, and Bindings are those of the agent, one for each name. A guest can't set the header of any of them. The values of all of them
	// are read before the first request, in order to take them out of responses, whether or not they are used; what the store doesn't have then isn't.
	Secrets  secret.Store
	Bindings []*secret.Binding

	// Charge is told how many bytes are moved: of a request before they are sent, of a response before the guest sees them, and before more are
	// read. If there are secrets, it is told as well how many bytes are looked through for their values, before they are: those of a response once more, twice
	// more if one is in there, and up to twenty times if it is made for that (see [secret.Scrubber]). An error ends the request. Until then up to 32 KiB
	// can have come that aren't paid. It may be called from another goroutine than Do's, never twice at once for one request, and not after Do has
	// returned. Nil: nothing is charged.
	Charge func(ctx context.Context, bytes int64) error

	AllowHTTP  bool           // http as well as https, in the clear and without secrets
	Private    []netip.Prefix // addresses that are allowed though they aren't public
	LocalNames []string       // hosts that are allowed though they have one label or are below "localhost"

	Resolver Resolver       // nil: the system's configuration, read by Go
	Roots    *x509.CertPool // nil: the system's

	Timeout       time.Duration // of a request, once it is permitted; 0: DefaultTimeout
	MaxRequest    int64         // bytes in the body of a request; 0: DefaultBytes
	MaxConcurrent int           // requests at once, also those that wait for Ask; 0: DefaultConcurrent

	// MaxResponse is how many bytes the body of a response may have; 0: DefaultBytes. If there are secrets, then while one response at a time is cleaned it takes
	// up to twelve times as much again if it is made for that, and as much otherwise as is escaped in it (see [secret.Scrubber.Scrub]).
	MaxResponse int64
}

// A Client makes requests for one agent. It is safe for concurrent use.
type Client struct {
	opts     Options
	bindings map[string]*secret.Binding
	filled   map[string]bool // headers of bindings
	local    map[string]bool
	slots    chan struct{}
	kept     kept
}

// New returns a client. The error says what is wrong with the options.
func New(o Options) (*Client, error) {
	switch {
	case o.Ask == nil:
		return nil, errors.New("egress: no Ask")
	case len(o.Bindings) > 0 && o.Secrets == nil:
		return nil, errors.New("egress: secrets are bound, and there is no store")
	case o.Timeout < 0 || o.MaxRequest < 0 || o.MaxResponse < 0 || o.MaxConcurrent < 0:
		return nil, errors.New("egress: a bound is negative")
	}
	c := &Client{bindings: map[string]*secret.Binding{}, filled: map[string]bool{}, local: map[string]bool{}}
	for _, b := range o.Bindings {
		if c.bindings[b.Name()] != nil {
			return nil, fmt.Errorf("egress: the secret %s is bound twice", b.Name())
		}
		c.bindings[b.Name()] = b
		c.filled[b.Header()] = true
	}
	for _, p := range o.Private {
		if !p.IsValid() || p.Addr().Is4In6() || p != p.Masked() {
			return nil, fmt.Errorf("egress: %s is no range of addresses", p)
		}
	}
	for _, name := range o.LocalNames {
		if _, err := resource.ParseHost(name); err != nil {
			return nil, fmt.Errorf("egress: a local name: %w", err)
		}
		c.local[name] = true
	}
	if o.Resolver == nil {
		o.Resolver = &net.Resolver{PreferGo: true}
	}
	o.Timeout = or(o.Timeout, DefaultTimeout)
	o.MaxRequest, o.MaxResponse = or(o.MaxRequest, DefaultBytes), or(o.MaxResponse, DefaultBytes)
	c.slots = make(chan struct{}, or(o.MaxConcurrent, DefaultConcurrent))
	c.opts = o
	return c, nil
}

// or returns n, or otherwise if n is zero.
func or[N int | int64 | time.Duration](n, otherwise N) N {
	if n == 0 {
		return otherwise
	}
	return n
}
