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
	clean, err := c.clean(h, resp, body, m)
	if err != nil {
		return out, broken(ctx, StageBody, err)
	}
	return clean, nil
}

// clean returns what a guest gets of a response, without the values of secrets. That is paid like what is moved.
func (c *Client) clean(h *hop, resp *http.Response, body []byte, m *meter) (*Response, error) {
	out := &Response{Status: resp.StatusCode, Header: map[string][]string{}}
	var failure error
	text := func(dirty string) string {
		clean, err := c.kept.clean([]byte(dirty), m.work)
		failure = errors.Join(failure, err)
		return string(clean)
	}
	for name, values := range resp.Header {
		if c.forGuest(name) {
			out.Header[name] = slices.Clone(values)
			for i, v := range values {
				out.Header[name][i] = text(v)
			}
		}
	}
	// Cleaned before it is made canonical, which can change a value so that it isn't recognised: hosts become lower case.
	out.Location = text(location(h.url, text(resp.Header.Get("Location"))))
	if failure != nil {
		return nil, failure
	}
	var err error
	out.Body, err = c.kept.clean(body, m.work)
	return out, err
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
