// Package guest is for code that runs in a sandbox, written in Go and compiled with GOOS=wasip1 GOARCH=wasm: it makes requests of HTTP through the sandbox's host.
//
//	resp, err := guest.Fetch(guest.Request{Method: "GET", URL: "https://api.example.com/v1/items", Secrets: []string{"api"}})
//
// Each request is asked for; a redirect is returned and not followed. Files need nothing of this package: package os works.
package guest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Request is what to ask for. spec/SANDBOX.md section 6 says what is refused.
type Request struct {
	Method  string              `json:"method"`
	URL     string              `json:"url"` // canonical, as policies write it
	Header  map[string][]string `json:"header,omitempty"`
	Secrets []string            `json:"secrets,omitempty"` // names of those that the host puts in
	Body    []byte              `json:"-"`
}

// A Response is what came back.
type Response struct {
	Status   int                 `json:"status"`
	Header   map[string][]string `json:"header"`
	Location string              `json:"location"` // where a redirect leads, for the next request; empty for none
	Body     []byte              `json:"-"`
}

// An Error says why there is no response.
type Error struct {
	Code string `json:"error"` // such as "refused"; stable
	Hint string `json:"hint"`
}

// Error returns the code and the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Code
	}
	return e.Code + ": " + e.Hint
}

// ErrNoSandbox says that the program doesn't run in a sandbox.
var ErrNoSandbox = errors.New("guest: this is for code in a sandbox (GOOS=wasip1)")

// Fetch makes one request. The error is an *Error where the host refused it or it failed.
func Fetch(req Request) (*Response, error) {
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	head, body, err := fetch(text, req.Body)
	if err != nil {
		return nil, err
	}
	var failure Error
	resp := &Response{Body: body}
	if err := errors.Join(json.Unmarshal(head, &failure), json.Unmarshal(head, resp)); err != nil {
		return nil, fmt.Errorf("guest: the host's answer: %w", err)
	}
	if failure.Code != "" {
		return nil, &failure
	}
	return resp, nil
}
