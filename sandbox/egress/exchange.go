package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// send makes the connection and the exchange of h, which is permitted, with the values of its secrets.
func (c *Client) send(ctx context.Context, h *hop, values []secret.Value) (*Response, Outcome, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	for i, w := range h.secrets {
		field, err := w.binding.Fill(values[i])
		if err != nil {
			return nil, Outcome{}, failed(CodeUnavailable, StageAsk, err.Error())
		}
		h.header.Set(w.binding.Header(), field)
	}
	c.kept.bind(c.opts.Secrets, c.opts.Bindings)
	c.kept.add(values) // before anything is sent, so that no response can come earlier
	conn, failure := c.connect(ctx, h.name, h.url)
	if failure != nil {
		return nil, Outcome{}, failure
	}
	m := &meter{Conn: conn, charge: c.opts.Charge, ctx: ctx}
	resp, failure := c.exchange(ctx, h, m)
	sent, received, unpaid := m.close()
	end := Outcome{Sent: sent, Received: received}
	if resp != nil {
		end.Status = resp.Status
	}
	if failure == nil {
		return resp, end, nil
	}
	if unpaid != nil {
		failure = failed(CodeExhausted, failure.Stage, unpaid.Error())
	}
	return nil, end, failure
}

// request returns what is sent for h.
func (h *hop) request() *http.Request {
	req := &http.Request{Method: h.method, URL: h.url, Host: h.url.Host, Header: h.header.Clone(), Body: http.NoBody, ContentLength: int64(len(h.body))}
	if len(h.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(h.body))
	}
	req.Header.Set("Accept-Encoding", "identity") // what is compressed can't be looked into
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "moat")
	}
	return req
}

// exchange sends h over m and reads the response. With an error, the response has the status alone, if it came that far.
func (c *Client) exchange(ctx context.Context, h *hop, m *meter) (*Response, *Error) {
	resp, err := transport(m).RoundTrip(h.request().WithContext(ctx))
	if err != nil {
		return nil, broken(ctx, StageExchange, err)
	}
	defer resp.Body.Close()
	out := &Response{Status: resp.StatusCode}
	switch coding := strings.ToLower(strings.Join(resp.Header["Content-Encoding"], ",")); {
	case resp.StatusCode < 200:
		return out, failed(CodeBadResponse, StageExchange, "the server wants another protocol")
	case coding != "" && coding != "identity":
		return out, failed(CodeBadResponse, StageExchange, "the response is encoded, which wasn't asked for: "+coding)
	case resp.ContentLength > c.opts.MaxResponse && h.method != http.MethodHead:
		return out, failed(CodeTooLarge, StageBody, "the response is larger than is allowed")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.opts.MaxResponse+1))
	if err != nil {
		return out, broken(ctx, StageBody, err)
	}
	if int64(len(body)) > c.opts.MaxResponse {
		return out, failed(CodeTooLarge, StageBody, "the response is larger than is allowed")
	}
	out.Body = c.kept.bytes(body)
	out.Header = map[string][]string{}
	for name, values := range resp.Header {
		if c.forGuest(name) {
			out.Header[name] = slices.Clone(values)
			for i, v := range values {
				out.Header[name][i] = c.kept.string(v)
			}
		}
	}
	// Cleaned before it is made canonical, which can change a value so that it isn't recognised: hosts become lower case.
	out.Location = c.kept.string(location(h.url, c.kept.string(resp.Header.Get("Location"))))
	return out, nil
}

// transport returns what speaks HTTP/1.1 over one connection, once. Nothing is shared with other requests, and with no other connection to make
// there is nothing to try again.
func transport(m *meter) *http.Transport {
	first := make(chan net.Conn, 1)
	first <- m
	dial := func(context.Context, string, string) (net.Conn, error) {
		select {
		case conn := <-first:
			return conn, nil
		default:
			return nil, errors.New("egress: a second connection")
		}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext: dial, DialTLSContext: dial, Protocols: protocols,
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: MaxResponseHeader,
	}
}

// location returns what a Location header refers to (RFC 9110 section 10.2.2), absolute and in its canonical form, or "" if it has none.
func location(base *url.URL, header string) string {
	if header == "" || len(header) > resource.MaxNameLen {
		return ""
	}
	u, err := base.Parse(header)
	if err != nil {
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	name, err := resource.Parse(u.String())
	var e *resource.Error
	if errors.As(err, &e) && e.Canonical != "" {
		name, err = resource.Parse(e.Canonical)
	}
	if err != nil || name.Scheme() != "https" && name.Scheme() != "http" {
		return ""
	}
	return name.String()
}

// broken returns the error for an exchange that failed.
func broken(ctx context.Context, stage Stage, err error) *Error {
	return whileWaiting(ctx, CodeBadResponse, stage, err)
}

// unreachable returns the error for a host that there is no connection with.
func unreachable(ctx context.Context, stage Stage, err error) *Error {
	return whileWaiting(ctx, CodeUnreachable, stage, err)
}

// whileWaiting returns an error with the code, unless it is the time that ran out or the caller who left.
func whileWaiting(ctx context.Context, code Code, stage Stage, err error) *Error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		code = CodeTimeout
	case ctx.Err() != nil:
		code = CodeCanceled
	}
	return failed(code, stage, err.Error())
}
