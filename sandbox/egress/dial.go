package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moat-lang/moat/resource"
)

// connect returns a connection for a request to u, with TLS if that is its scheme. The error's detail has no secret.
func (c *Client) connect(ctx context.Context, name resource.Name, u *url.URL) (net.Conn, *Error) {
	addrs, failure := c.resolve(ctx, name.Host())
	if failure != nil {
		return nil, failure
	}
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	conn, err := c.dial(ctx, addrs, name.Port())
	if err != nil {
		return nil, unreachable(ctx, StageDial, err)
	}
	if u.Scheme != "https" {
		return conn, nil
	}
	secured := tls.Client(conn, &tls.Config{ServerName: name.Host(), RootCAs: c.opts.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, unreachable(ctx, StageDial, err)
	}
	return secured, nil
}

// resolve returns addresses of a host that may be connected to, at most MaxAddresses. Those that may not are passed over and not an error while
// there are others: networks that translate IPv4 give every name an address of theirs as well (RFC 6147).
func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, *Error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if why := forbidden(a, c.opts.Private); why != "" {
			return nil, failed(CodeUnreachable, StageResolve, host+" is "+why)
		}
		return []netip.Addr{a}, nil
	}
	full := host
	if strings.Contains(host, ".") {
		full += "."
	}
	v4, err4 := c.opts.Resolver.LookupNetIP(ctx, "ip4", full)
	v6, err6 := c.opts.Resolver.LookupNetIP(ctx, "ip6", full)
	var found []netip.Addr
	var passed []string
	for i := range max(len(v4), len(v6)) {
		// The answers to A are IPv4 however the resolver represents them; one to AAAA that maps IPv4 is refused as it is.
		for _, a := range append(unmapped(v4, i), v6[min(i, len(v6)):min(i+1, len(v6))]...) {
			if why := forbidden(a, c.opts.Private); why != "" {
				passed = append(passed, a.String()+" is "+why)
			} else if len(found) < MaxAddresses {
				found = append(found, a)
			}
		}
		if len(found) == MaxAddresses || len(passed) >= 4*MaxAddresses {
			break
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(passed) > 0:
		return nil, failed(CodeUnreachable, StageResolve, strings.Join(passed, "; "))
	default:
		return nil, unreachable(ctx, StageResolve, errors.Join(err4, err6, errors.New("no address")))
	}
}

// unmapped returns addrs[i] as IPv4, or nothing if there is none.
func unmapped(addrs []netip.Addr, i int) []netip.Addr {
	if i >= len(addrs) {
		return nil
	}
	return []netip.Addr{addrs[i].Unmap()}
}

// dial connects to the first of some addresses that answers.
func (c *Client) dial(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	dialer := net.Dialer{ControlContext: c.control, FallbackDelay: -1}
	var errs []error
	for i, a := range addrs {
		// Each gets its share of the time that is left, or one that is silent would use up all.
		share, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			share, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(len(addrs)-i))
		}
		conn, err := dialer.DialContext(share, "tcp", net.JoinHostPort(a.String(), strconv.Itoa(int(port))))
		cancel()
		if err == nil {
			err = c.notMyself(conn, a)
		}
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// control looks at the address that the kernel is about to connect to: whatever was looked up and checked before, this one counts.
func (c *Client) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return errors.New("egress: not an address of TCP")
	}
	if why := forbidden(to.Addr(), c.opts.Private); why != "" {
		return errors.New("egress: " + to.Addr().String() + " is " + why)
	}
	return nil
}

// notMyself closes a connection and returns an error if it is one of this machine with itself, which the machine's own firewall may not see. It is
// recognised by its two ends having one address.
func (c *Client) notMyself(conn net.Conn, to netip.Addr) error {
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	if ok && local.AddrPort().Addr().Unmap() == to && !slices.ContainsFunc(c.opts.Private, func(p netip.Prefix) bool { return p.Contains(to) }) {
		conn.Close()
		return errors.New("egress: " + to.String() + " is this machine")
	}
	return nil
}
