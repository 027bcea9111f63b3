package egress

import (
	"context"

	"github.com/moat-lang/moat/resource"
)

// The actions that are asked for.
const (
	ActionConnect = "connect" // on the URL, for every request
	ActionSend    = "send"    // on the URL, if the request has a body or its method is neither GET nor HEAD
	ActionUse     = "use"     // on secret://NAME, for each secret of the request
)

// A Question is whether an agent may do something.
type Question struct {
	Action string        // ActionConnect, ActionSend or ActionUse
	On     resource.Name // the URL, or the secret
	URL    resource.Name // of the request that it belongs to
}

// An Ask decides whether an agent may do something; a nil error permits it. The decision has to be on record before it returns. It may take its
// time, as when a person is asked, until ctx ends. If it permits, done is called once, after the request and before the guest learns
// anything; a nil done isn't. If done fails, the guest doesn't get the response.
//
// An Ask must be safe for concurrent use.
type Ask func(ctx context.Context, q Question) (done func(Outcome) error, err error)

// Words of an Outcome beside the codes of errors.
const (
	WordOK       = "ok"
	WordInjected = "injected" // of `use`: a request with the secret was sent, wholly or in part, whatever came of it
)

// An Outcome is how something ended that was permitted, for the record.
type Outcome struct {
	Word     string // WordOK, WordInjected, or the Code of the error
	Status   int    // of HTTP; 0 if there was no response
	Sent     int64  // bytes of HTTP, without those of TLS
	Received int64
	Detail   string // for the operator; holds no secret. "" if it ended well
}
