package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/strictjson"
)

// This file is how code makes requests of HTTP: the functions of the module `moat` (spec/SANDBOX.md section 6).

const moatModule = "moat"

// Bounds on what code asks for.
const (
	MaxRequestHead = 64 << 10 // bytes of the JSON that describes a request
	MaxReplies     = 4        // that code holds at a time
)

// A reply is what a request came to, as code reads it.
type reply struct{ head, body []byte }

// replies are those that code holds, by a handle from 1.
type replies [MaxReplies]*reply

// moatFunctions are the functions of the module `moat`. All parameters and results are i32.
var moatFunctions = map[string]struct {
	params, results int
	call            func(ctx context.Context, r *run, mod api.Module, stack []uint64)
}{
	"fetch":       {4, 1, fetch},
	"fetch_size":  {2, 1, fetchSize},
	"fetch_read":  {5, 1, fetchRead},
	"fetch_close": {1, 0, fetchClose},
}

// exportMoat makes the module that code imports these functions from.
func (e *Engine) exportMoat(ctx context.Context) error {
	builder := e.runtime.NewHostModuleBuilder(moatModule)
	types := func(n int) (out []api.ValueType) {
		for range n {
			out = append(out, api.ValueTypeI32)
		}
		return out
	}
	for name, f := range moatFunctions {
		call := func(ctx context.Context, mod api.Module, stack []uint64) {
			r := running(ctx)
			r.hosted(func() {
				r.charge(callFuel)
				f.call(ctx, r, mod, stack)
				r.check()
			})
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(call), types(f.params), types(f.results)).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

func (r *run) bytesAt(mod api.Module, at, n uint64) []byte {
	if !r.hasMemory {
		panic(errBounds)
	}
	b, ok := mod.Memory().Read(uint32(at), uint32(n))
	if !ok {
		panic(errBounds)
	}
	return b
}

// fetch(head, head_len, body, body_len) makes a request and returns a handle for its reply, or 0 when code holds as many as it may.
func fetch(ctx context.Context, r *run, mod api.Module, stack []uint64) {
	head, body := r.bytesAt(mod, stack[0], stack[1]), r.bytesAt(mod, stack[2], stack[3])
	for i := range r.replies {
		if r.replies[i] == nil {
			r.replies[i] = r.ask(ctx, head, body)
			stack[0] = uint64(i + 1)
			return
		}
	}
	stack[0] = 0
}

// ask makes a request.
func (r *run) ask(ctx context.Context, head, body []byte) *reply {
	if len(head) > MaxRequestHead {
		return failed(egress.CodeBadRequest, fmt.Sprintf("the request is described by %d bytes; it may be %d", len(head), MaxRequestHead))
	}
	r.charge(int64(len(head)))
	req, err := parseRequest(head)
	if err != nil {
		return failed(egress.CodeBadRequest, err.Error())
	}
	if r.fetch == nil {
		return failed(egress.CodeRefused, "")
	}
	req.Body = body
	resp, err := r.fetch.Do(ctx, req)
	var e *egress.Error
	switch {
	case errors.As(err, &e):
		return failed(e.Code, e.Hint)
	case err != nil:
		return failed(egress.CodeUnavailable, "")
	}
	return &reply{replyHead(replyJSON{Status: resp.Status, Header: resp.Header, Location: resp.Location}), resp.Body}
}

// A replyJSON is the head of a reply: what came back, or why nothing did.
type replyJSON struct {
	Status   int                 `json:"status,omitempty"`
	Header   map[string][]string `json:"header,omitempty"`
	Location string              `json:"location,omitempty"`
	Error    egress.Code         `json:"error,omitempty"`
	Hint     string              `json:"hint,omitempty"`
}

func replyHead(head replyJSON) []byte {
	out, _ := json.Marshal(head) // strings, numbers and lists of strings can always be written
	return out
}

func failed(code egress.Code, hint string) *reply {
	return &reply{head: replyHead(replyJSON{Error: code, Hint: hint})}
}

// parseRequest reads what describes a request: an object with method, url and, if need be, header and secrets.
func parseRequest(text []byte) (*egress.Request, error) {
	v, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxRequestHead})
	if err != nil {
		return nil, err
	}
	if v.Kind != strictjson.Object {
		return nil, errors.New("a request is described by an object")
	}
	req := &egress.Request{Header: map[string][]string{}}
	for _, m := range v.Members {
		ok := false
		switch m.Name {
		case "method":
			req.Method, ok = m.Value.Text, m.Value.Kind == strictjson.String
		case "url":
			req.URL, ok = m.Value.Text, m.Value.Kind == strictjson.String
		case "secrets":
			req.Secrets, ok = stringsOf(m.Value)
		case "header":
			ok = m.Value.Kind == strictjson.Object
			for _, h := range m.Value.Members {
				values, fine := stringsOf(h.Value)
				req.Header[h.Name], ok = values, ok && fine
			}
		default:
			return nil, fmt.Errorf("a request has no member %q", m.Name)
		}
		if !ok {
			return nil, fmt.Errorf("the member %s of a request is of another type", m.Name)
		}
	}
	return req, nil
}

func stringsOf(v strictjson.Value) (out []string, ok bool) {
	for _, e := range v.Items {
		if e.Kind != strictjson.String {
			return nil, false
		}
		out = append(out, e.Text)
	}
	return out, v.Kind == strictjson.Array
}

// part returns the head (0) or the body (1) of a reply; of what isn't there, nothing.
func (r *run) part(handle, which uint64) []byte {
	h := uint32(handle)
	if h == 0 || h > MaxReplies || r.replies[h-1] == nil {
		return nil
	}
	switch uint32(which) {
	case 0:
		return r.replies[h-1].head
	case 1:
		return r.replies[h-1].body
	}
	return nil
}

// fetch_size(handle, part) returns how many bytes a part of a reply has.
func fetchSize(_ context.Context, r *run, _ api.Module, stack []uint64) {
	stack[0] = uint64(len(r.part(stack[0], stack[1])))
}

// fetch_read(handle, part, offset, to, len) copies from a part of a reply, and returns how many bytes.
func fetchRead(_ context.Context, r *run, mod api.Module, stack []uint64) {
	part, offset, to := r.part(stack[0], stack[1]), uint64(uint32(stack[2])), r.bytesAt(mod, stack[3], stack[4])
	n := copy(to, part[min(offset, uint64(len(part))):])
	r.charge(int64(n))
	stack[0] = uint64(n)
}

// fetch_close(handle) lets go of a reply.
func fetchClose(_ context.Context, r *run, _ api.Module, stack []uint64) {
	if h := uint32(stack[0]); h > 0 && h <= MaxReplies {
		r.replies[h-1] = nil
	}
}
