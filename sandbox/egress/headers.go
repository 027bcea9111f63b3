package egress

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// methods are those that a guest may use. TRACE shows what was sent, and CONNECT makes a tunnel.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// notForGuests are headers that a guest can't set.
var notForGuests = []string{
	// how the message is read, and what concerns one connection (RFC 9110 section 7.6.1, RFC 9112)
	"Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Max-Forwards", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
	// who asks: that is for secrets to say
	"Authorization", "Cookie", "Cookie2",
	// from where, which only a proxy can know
	"Client-Ip", "Fastly-Client-Ip", "Forwarded", "Front-End-Https", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Host", "X-Originating-Ip", "X-Real-Ip",
	// another method, path or place than what was permitted, for servers that follow these
	"Destination", "X-Method-Override", "X-Override-Url", "X-Rewrite-Url",
	// a response that can't be looked into, or parts of one that are too small to recognise a secret in
	"A-Im", "Accept-Charset", "Accept-Encoding", "If-Range", "Range", "Want-Digest", "Want-Content-Digest", "Want-Repr-Digest",
}

// notForGuestsPrefixes begin headers that a guest can't set: what browsers and proxies say to whom they pass a request on, as that its client has shown
// a certificate, who its user is, or which method and path it had.
var notForGuestsPrefixes = []string{
	"Cf-", "Proxy-", "Sec-", "Ssl-", "X-Appengine-", "X-Arr-", "X-Azure-", "X-Envoy-", "X-Forwarded", "X-Goog-Authenticated-", "X-Goog-Iap-", "X-Http-", "X-Middleware-", "X-Ms-Client-",
	"X-Original-", "X-Remote-", "X-Ssl-",
}

// forGuests are the headers of a response that a guest gets. What is about the connection, the length of what was scrubbed, cookies and
// whatever a server thinks up isn't among them. Each is written out, since a name could carry a value as well.
var forGuests = []string{
	"Accept-Ranges", "Age", "Allow", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Type", "Date", "Deprecation", "Etag", "Expires",
	"Last-Modified", "Link", "Location", "Retry-After", "Sunset", "Vary", "X-Request-Id",
	"Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset",
	"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Ratelimit-Resource", "X-Ratelimit-Used",
	"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
	"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
}

// guestHeader returns a copy of a guest's headers under their canonical names.
func (c *Client) guestHeader(given map[string][]string) (http.Header, *Error) {
	header := http.Header{}
	count, size := 0, 0
	for name, values := range given {
		canonical, err := c.guestName(name)
		if err != nil {
			return nil, err
		}
		if _, twice := header[canonical]; twice {
			return nil, badRequest("the header " + canonical + " is given in two spellings")
		}
		header[canonical] = slices.Clone(values)
		for _, v := range values {
			count++
			size += len(name) + len(v)
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, badRequest("the header " + canonical + " has a character that no header may have")
			}
		}
		if canonical == "Content-Type" && len(values) != 1 {
			return nil, badRequest("a request has one Content-Type")
		}
	}
	if count > MaxHeaders || size > MaxHeaderBytes {
		return nil, badRequest(fmt.Sprintf("more headers than %d, or than %d bytes", MaxHeaders, MaxHeaderBytes))
	}
	return header, nil
}

// guestName returns the canonical name of a header that a guest may set. It is made of letters, digits and hyphens: RFC 9110 section 5.6.2 allows
// more, but many servers read X_Y as X-Y.
func (c *Client) guestName(name string) (string, *Error) {
	if name == "" || len(name) > 256 || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "", badRequest("the name of a header is letters, digits and hyphens")
	}
	canonical := http.CanonicalHeaderKey(name)
	begins := func(prefix string) bool { return strings.HasPrefix(canonical, prefix) }
	if slices.Contains(notForGuests, canonical) || slices.ContainsFunc(notForGuestsPrefixes, begins) || c.filled[canonical] {
		return "", badRequest("the header " + canonical + " isn't for guests to set")
	}
	return canonical, nil
}

// forGuest reports whether a guest gets a header of a response.
func (c *Client) forGuest(canonical string) bool {
	return slices.Contains(forGuests, canonical) && !c.filled[canonical]
}
