package egress

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/secret"
)

// A Request is what a guest asks for. It isn't changed.
type Request struct {
	Method  string              // GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS
	URL     string              // canonical, as package resource has it; without a fragment
	Header  map[string][]string // names of letters, digits and hyphens, in any case
	Body    []byte
	Secrets []string // names of those to put in
}

// A Response is what came back, without the values of secrets. Its body is complete.
type Response struct {
	Status int
	Header map[string][]string // those that guests get, under their canonical names
	Body   []byte
	// Location is the absolute URL of a redirect, or of what was made, without its fragment, in its canonical form, for the next request; "" if there
	// is none that could be asked for.
	Location string
}

// A hop is one request that was checked.
type hop struct {
	name    resource.Name
	url     *url.URL
	method  string
	header  http.Header
	body    []byte
	secrets []wanted
}

// Do makes one request, without following a redirect. The error is an [*Error].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	h, failure := c.check(r)
	if failure != nil {
		return nil, failure
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		return nil, failed(CodeBusy, StageCheck, "too many requests at once")
	}
	var open questions
	values, failure := c.ask(ctx, h, &open)
	var resp *Response
	var end Outcome
	if failure == nil {
		resp, end, failure = c.send(ctx, h, values)
	}
	if failure != nil {
		failure.Detail = c.kept.string(failure.Detail)
	}
	if err := open.close(end, failure); err != nil {
		return nil, failed(CodeUnavailable, StageRecord, c.kept.string(err.Error()))
	}
	if failure != nil {
		return nil, failure
	}
	return resp, nil
}

// check returns what is to be asked for and sent, if a guest may make such a request at all.
func (c *Client) check(r *Request) (*hop, *Error) {
	if !slices.Contains(methods, r.Method) {
		return nil, badRequest("the method isn't one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS")
	}
	name, u, err := c.parseURL(r.URL)
	if err != nil {
		return nil, err
	}
	if int64(len(r.Body)) > c.opts.MaxRequest {
		return nil, badRequest("the body is too large")
	}
	header, err := c.guestHeader(r.Header)
	if err != nil {
		return nil, err
	}
	secrets, err := c.wanted(r.Secrets, name)
	if err != nil {
		return nil, err
	}
	return &hop{name, u, r.Method, header, slices.Clone(r.Body), secrets}, nil
}

// sends reports whether h carries something to the server, or asks it to change something.
func (h *hop) sends() bool {
	return len(h.body) > 0 || h.method != http.MethodGet && h.method != http.MethodHead
}

// ask asks for all that h needs, and returns the values of its secrets. One that may not go where h does is asked for like others, so that it is on record
// that it was wanted, and ends h whatever the answer is.
func (c *Client) ask(ctx context.Context, h *hop, open *questions) ([]secret.Value, *Error) {
	if err := c.question(ctx, Question{ActionConnect, h.name, h.name}, open); err != nil {
		return nil, err
	}
	if h.sends() {
		if err := c.question(ctx, Question{ActionSend, h.name, h.name}, open); err != nil {
			return nil, err
		}
	}
	var values []secret.Value
	for _, w := range h.secrets {
		on, err := resource.Parse("secret://" + w.name)
		if err != nil {
			return nil, failed(CodeUnavailable, StageAsk, err.Error())
		}
		if err := c.question(ctx, Question{ActionUse, on, h.name}, open); err != nil {
			return nil, err
		}
		if w.binding == nil {
			return nil, failed(CodeRefused, StageAsk, w.why)
		}
		v, err := c.opts.Secrets.Value(w.name)
		if err == nil && v.IsZero() {
			err = secret.ErrNotFound
		}
		if err != nil {
			return nil, failed(CodeUnavailable, StageAsk, "the secret "+w.name+": "+err.Error())
		}
		values = append(values, v)
	}
	return values, nil
}

func (c *Client) question(ctx context.Context, q Question, open *questions) *Error {
	done, err := c.opts.Ask(ctx, q)
	if err != nil {
		return &Error{Code: CodeRefused, Stage: StageAsk, Detail: q.Action + " on " + q.On.String() + ": " + err.Error(), err: err}
	}
	if done != nil {
		*open = append(*open, permitted{q.Action, done})
	}
	return nil
}

// questions are those that were permitted and wait to be told how it ended.
type questions []permitted

type permitted struct {
	action string
	done   func(Outcome) error
}

// close tells all of them how it ended: as the failure says, or well.
func (q questions) close(end Outcome, failure *Error) error {
	end.Word = WordOK
	if failure != nil {
		end.Word, end.Detail = string(failure.Code), failure.Detail
	}
	var errs []error
	for _, one := range q {
		o := end
		if one.action == ActionUse && o.Sent > 0 {
			o.Word = WordInjected
		}
		errs = append(errs, one.done(o))
	}
	return errors.Join(errs...)
}
