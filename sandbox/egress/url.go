package egress

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// parseURL returns the resource and the URL that text is. It has to be canonical, as package resource says, which leaves no user information,
// fragment, other spelling of an address, zone, dot at the end, backslash or control character.
func (c *Client) parseURL(text string) (resource.Name, *url.URL, *Error) {
	name, err := resource.Parse(text)
	var e *resource.Error
	if errors.As(err, &e) {
		return resource.Name{}, nil, badRequest("the URL: " + e.Error())
	}
	switch {
	case err != nil:
		return resource.Name{}, nil, badRequest("the URL")
	case name.Scheme() != "https" && !(name.Scheme() == "http" && c.opts.AllowHTTP):
		return resource.Name{}, nil, badRequest("the scheme " + name.Scheme() + " isn't allowed")
	case !c.public(name.Host()):
		return resource.Name{}, nil, badRequest("the host is a local name")
	}
	// What is asked for has to be what is requested, so net/http's reading of the text must be this one.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != name.Scheme() || u.Host != authority(text) || u.RequestURI() != text[len(u.Scheme)+len("://")+len(u.Host):] {
		return resource.Name{}, nil, badRequest("the URL has a character that isn't read alike everywhere")
	}
	return name, u, nil
}

// authority returns what stands between "://" and the path.
func authority(text string) string {
	_, rest, _ := strings.Cut(text, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// public reports whether a host can be a public one, or is granted: it is an address (the dialer looks at those) or has two labels and isn't
// the machine itself (RFC 6761 section 6.3).
func (c *Client) public(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || c.local[host] {
		return true
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".localhost")
}
