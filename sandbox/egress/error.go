package egress

// A Code is what a guest is told of a failure. Codes are stable. The zero Code is none.
type Code string

const (
	CodeBadRequest  Code = "bad_request"  // the request isn't one that a guest may make, whoever it is; the hint says why
	CodeRefused     Code = "refused"      // not permitted
	CodeUnreachable Code = "unreachable"  // there is no such host, no way to it, or none that may be taken
	CodeTimeout     Code = "timeout"      // it took too long
	CodeCanceled    Code = "canceled"     // the caller gave up
	CodeTooLarge    Code = "too_large"    // the response is larger than is allowed
	CodeBadResponse Code = "bad_response" // the response isn't HTTP, or broke off, or can't be looked into
	CodeExhausted   Code = "exhausted"    // what the guest may spend is spent
	CodeBusy        Code = "busy"         // as many requests as are allowed are under way
	CodeUnavailable Code = "unavailable"  // the host can't do its part: no value for a secret, or no place to record what happened
)

// A Stage is how far a request came.
type Stage string

const (
	StageCheck    Stage = "check"    // nothing was asked yet
	StageAsk      Stage = "ask"      // nothing has left yet
	StageResolve  Stage = "resolve"  // a name was looked up
	StageDial     Stage = "dial"     // connecting, and the handshake of TLS
	StageExchange Stage = "exchange" // the request is under way, and the head of the response
	StageBody     Stage = "body"     // of the response
	StageRecord   Stage = "record"   // it is over, and what became of it couldn't be recorded
)

// An Error says why there is no response. Code and Hint are for the guest, and so is what Error returns; the rest is for the operator.
type Error struct {
	Code   Code
	Hint   string // about the guest's own request, as the canonical form of its URL; often ""
	Stage  Stage
	Detail string // holds no secret
	err    error
}

// Error returns what the guest may know: the code and the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return "egress: " + string(e.Code)
	}
	return "egress: " + string(e.Code) + ": " + e.Hint
}

// Unwrap returns what Ask returned, if that is why; nil otherwise. Errors of the network aren't kept, since they quote the server.
func (e *Error) Unwrap() error { return e.err }

// badRequest returns the error for what a guest mustn't ask for.
func badRequest(hint string) *Error {
	return &Error{Code: CodeBadRequest, Stage: StageCheck, Hint: hint, Detail: hint}
}

// failed returns an error of which the guest learns the code alone.
func failed(code Code, stage Stage, detail string) *Error {
	return &Error{Code: code, Stage: stage, Detail: detail}
}
