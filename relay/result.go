package relay

import (
	"strings"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/pep"
)

// A Status says how a message ended. The zero Status is that of nothing. Its text is stable; of a permitted message it is the outcome of the effect in the log, where
// Delivered is "ok".
type Status string

// The statuses.
const (
	Delivered Status = "delivered" // the handler has had it, and has answered

	// Before the decision. Nothing is used up, so the same message may come again.
	TooLarge    Status = "too_large"    // more than token.MaxDeliverySize bytes
	Flooded     Status = "flooded"      // too many messages that nobody signed; for the sender it is as if it were one of them
	RateLimited Status = "rate_limited" // too many messages of this sender
	Overloaded  Status = "overloaded"   // too many messages are being decided

	// By the decision; Result.Answer has the code.
	Denied Status = "denied"
	Asked  Status = "asked" // permitted once somebody has approved

	// After it was permitted. The message is used up, and with it the approvals that it needed.
	NoRecipient Status = "unknown_recipient" // nobody has registered the name, or it doesn't stand any more
	NoHandler   Status = "no_handler"        // the recipient, or the tool, has none here
	Busy        Status = "busy"              // too many messages wait for the recipient
	Outdated    Status = "outdated"          // while it waited, it became too old, or what it was permitted by ceased to hold
	Cancelled   Status = "cancelled"         // the sender went away before the handler had answered
	TimedOut    Status = "timed_out"         // the handler has taken too long
	Failed      Status = "failed"            // the handler has returned an error
	Panicked    Status = "panicked"          // the handler has panicked
	NotRecorded Status = "not_recorded"      // it was delivered, but that can't be written down
	Closed      Status = "closed"            // the router is closed
)

// A Stopped is why a message wasn't handled, as a transport says it.
type Stopped struct {
	Status Status
	Err    error // says more; nil when there is no more to say
}

func (e *Stopped) Error() string {
	if e.Err == nil {
		return "relay: " + e.Status.says()
	}
	return "relay: " + e.Status.says() + ": " + e.Err.Error()
}

func (e *Stopped) Unwrap() error { return e.Err }

// says is what may be told to the sender: it holds nothing of the message, the policy or the recipient.
func (s Status) says() string {
	switch s {
	case Delivered:
		return "the message was delivered"
	case TooLarge:
		return "the message is too large"
	case RateLimited:
		return "too many messages; try again later"
	case Overloaded, Busy:
		return "too much is waiting; try again later"
	case NoRecipient, NoHandler:
		return "nobody is there to take the message"
	case Outdated:
		return "the message has waited too long, or what permitted it has ended"
	case Cancelled:
		return "the message was withdrawn"
	case TimedOut:
		return "the recipient took too long"
	case Failed, Panicked:
		return "the recipient could not handle the message"
	case NotRecorded:
		return "the message was delivered, but no record of it could be kept"
	case Closed:
		return "no messages are taken any more"
	}
	return "the message was not permitted"
}

// A Result is what became of a message. The zero Result says that nothing was delivered.
type Result struct {
	Status Status
	// Answer is the PEP's. It is the zero Answer, a deny, where the PEP wasn't asked.
	Answer pep.Answer
	// Reply is what the handler has answered; nil unless the status is Delivered.
	Reply []byte
	// Effect is the index of the record that says how a permitted message ended; 0 where there is none, or none yet.
	Effect uint64
	// Err says more, for the operator: it isn't for the sender. Nil when the message was delivered.
	Err error
}

// ForSender is what may be told to the sender: one fixed sentence and a code.
func (r Result) ForSender() string {
	switch r.Status {
	case Denied, Asked, Flooded, "":
		return r.Answer.ForSender()
	}
	says := r.Status.says()
	return strings.ToUpper(says[:1]) + says[1:] + " (" + string(r.Status) + ")."
}

// rejected is the result of a message that the PEP has refused or wasn't asked about.
func rejected(s Status, a pep.Answer) Result {
	r := Result{Status: s, Answer: a, Err: a.Reason}
	if r.Err == nil {
		r.Err = &Stopped{Status: s}
	}
	return r
}

func decided(a pep.Answer) Result {
	if a.Outcome == eval.Ask {
		return rejected(Asked, a)
	}
	return rejected(Denied, a)
}
