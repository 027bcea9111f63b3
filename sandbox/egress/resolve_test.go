package egress

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
)

// Among others a special address is passed over. (The granted one stands for a public one.)
func TestS04MixedAnswers(t *testing.T) {
	w := newWorld(t, nothing)
	w.names.names["api.example.com."] = [][]string{{"127.0.0.2", "10.0.0.1", "127.0.0.1", "::1", "64:ff9b::7f00:1"}}
	addrs, failure := w.resolve(t.Context(), "api.example.com")
	if want := []netip.Addr{loopback.Addr()}; failure != nil || fmt.Sprint(addrs) != fmt.Sprint(want) {
		t.Errorf("%v, %v", addrs, failure)
	}
	if _, err := w.get("/"); err != nil {
		t.Error(err)
	}
}

// The answer to A is IPv4 also where a resolver gives it in 16 bytes, and no more than some are tried.
func TestResolve(t *testing.T) {
	w := newWorld(t, nothing, withoutGrants, func(o *Options) {
		o.Resolver = resolverFunc(func(network string) []string {
			if network == "ip4" {
				return []string{"::ffff:1.1.1.1", "::ffff:127.0.0.1", "1.1.1.2", "1.1.1.3"}
			}
			return []string{"2606::1", "::ffff:1.1.1.9", "2606::2"}
		})
	})
	addrs, failure := w.resolve(t.Context(), "api.example.com")
	if failure != nil || fmt.Sprint(addrs) != "[1.1.1.1 2606::1 1.1.1.2 2606::2]" {
		t.Errorf("%v, %v", addrs, failure)
	}
}

type resolverFunc func(network string) []string

func (f resolverFunc) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, text := range f(network) {
		all = append(all, netip.MustParseAddr(text))
	}
	return all, nil
}

// A name that resolves to another address the second time: each time the one that is connected to is looked at.
func TestS04Rebind(t *testing.T) {
	w := newWorld(t, nothing)
	w.names.names["api.example.com."] = [][]string{{"127.0.0.1"}, {"127.0.0.2"}}
	if _, err := w.get("/"); err != nil {
		t.Fatal(err)
	}
	_, err := w.get("/")
	wantCode(t, err, CodeUnreachable)
	if n := len(w.names.asked); n != 4 {
		t.Errorf("the resolver was asked %d times: %q", n, w.names.asked)
	}
}

// Whatever was resolved, the dialer refuses the address itself.
func TestS04Dial(t *testing.T) {
	w := newWorld(t, nothing, withoutGrants)
	var port uint16
	fmt.Sscan(w.port, &port)
	for _, text := range []string{"127.0.0.1", "::ffff:127.0.0.1", "127.0.0.2", "0.0.0.0"} {
		conn, err := w.dial(t.Context(), []netip.Addr{netip.MustParseAddr(text)}, port)
		if err == nil {
			conn.Close()
			t.Errorf("%s is connected to", text)
		}
	}
	if err := w.control(t.Context(), "unix", "/tmp/socket", nil); err == nil {
		t.Error("a socket of Unix is connected to")
	}
}

// A machine's own address is special though it is public.
func TestS04OwnAddress(t *testing.T) {
	w := newWorld(t, nothing)
	var port uint16
	fmt.Sscan(w.port, &port)
	conn, err := w.dial(t.Context(), []netip.Addr{loopback.Addr()}, port)
	if err != nil {
		t.Fatal(err)
	}
	w.opts.Private = nil
	if err := w.notMyself(conn, loopback.Addr()); err == nil {
		t.Error("it isn't recognised")
	}
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("the connection is open")
	}
}
