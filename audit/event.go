package audit

import (
	"errors"
	"fmt"
	"time"
)

// A Kind is the kind of a record. The zero Kind is none.
type Kind string

// The kinds of records.
const (
	KindDecision   Kind = "decision"
	KindEffect     Kind = "effect"
	KindSandbox    Kind = "sandbox"
	KindSecret     Kind = "secret"
	KindAlert      Kind = "alert"
	KindApproval   Kind = "approval"
	KindRevocation Kind = "revocation"
	KindPolicy     Kind = "policy"
	KindTrust      Kind = "trust"
	KindStart      Kind = "start"
	KindStop       Kind = "stop"
	KindJunk       Kind = "junk"

	// Kinds that the log writes itself.
	KindSegment    Kind = "segment"
	KindCheckpoint Kind = "checkpoint"
	KindRecovery   Kind = "recovery"
)

// An Event is what a record says: a pointer to one of the structs of this package, [Decision], [Effect] and so on. What is zero in an event
// stands nowhere in the record; an event that lacks what it can't be without is refused.
type Event interface {
	Kind() Kind
	// check returns why the event can't be recorded, or nil.
	check() error
	// fields visits the members of the event in the order of their names.
	fields(c *codec)
}

// newEvent returns an empty event of a kind, or nil.
func newEvent(k Kind) Event {
	switch k {
	case KindDecision:
		return new(Decision)
	case KindEffect:
		return new(Effect)
	case KindSandbox:
		return new(SandboxCall)
	case KindSecret:
		return new(SecretUse)
	case KindAlert:
		return new(Alert)
	case KindApproval:
		return new(Approval)
	case KindRevocation:
		return new(Revocation)
	case KindPolicy:
		return new(PolicyChange)
	case KindTrust:
		return new(TrustChange)
	case KindStart:
		return new(Start)
	case KindStop:
		return new(Stop)
	case KindJunk:
		return new(Junk)
	case KindSegment:
		return new(Segment)
	case KindCheckpoint:
		return new(Checkpoint)
	case KindRecovery:
		return new(Recovery)
	}
	return nil
}

// A part is a member that an event can't be without.
type part struct {
	what  string
	there bool
}

// need returns an error when a part is missing.
func need(k Kind, parts ...part) error {
	for _, p := range parts {
		if !p.there {
			return fmt.Errorf("audit: a %s event needs %s", k, p.what)
		}
	}
	return nil
}

// An Effect is how something ended that a decision permitted: a call that was forwarded, an egress, a file that was read.
type Effect struct {
	Decision uint64 // index of the decision's record
	Agent    string
	Action   string
	Resource Field  // private when it was made of private arguments
	Outcome  string // "ok", or what went wrong in one word
	Status   uint64 // of HTTP, where there is one
	Bytes    uint64 // moved
	Detail   Field
}

func (*Effect) Kind() Kind { return KindEffect }

func (e *Effect) check() error {
	return need(KindEffect, part{"an action", e.Action != ""}, part{"an outcome", e.Outcome != ""})
}

func (e *Effect) fields(c *codec) {
	c.text("action", &e.Action)
	c.text("agent", &e.Agent)
	c.uint("bytes", &e.Bytes)
	c.uint("decision", &e.Decision)
	c.field("detail", &e.Detail)
	c.text("outcome", &e.Outcome)
	c.field("resource", &e.Resource)
	c.uint("status", &e.Status)
}

// A SandboxCall is a run of a Wasm module.
type SandboxCall struct {
	Decision uint64 // index of the decision's record
	Agent    string
	Module   [32]byte // SHA-256 of the module
	Function string
	Outcome  string // "ok", or which bound stopped it
	Fuel     uint64 // used
	Memory   uint64 // bytes, the most that it had
	Nanos    uint64 // how long it took, in nanoseconds
	Detail   Field
}

func (*SandboxCall) Kind() Kind { return KindSandbox }

func (e *SandboxCall) check() error {
	return need(KindSandbox, part{"a module", e.Module != [32]byte{}}, part{"an outcome", e.Outcome != ""})
}

func (e *SandboxCall) fields(c *codec) {
	c.text("agent", &e.Agent)
	c.uint("decision", &e.Decision)
	c.field("detail", &e.Detail)
	c.uint("fuel", &e.Fuel)
	c.text("function", &e.Function)
	c.uint("memory", &e.Memory)
	c.hash("module", &e.Module)
	c.uint("nanos", &e.Nanos)
	c.text("outcome", &e.Outcome)
}

// A SecretUse says that a secret was put into a request, never what it is.
type SecretUse struct {
	Decision uint64 // index of the decision's record
	Agent    string
	Name     string // the handle
	Resource Field  // where it went
	Outcome  string // "injected", "refused"
}

func (*SecretUse) Kind() Kind { return KindSecret }

func (e *SecretUse) check() error {
	return need(KindSecret, part{"a name", e.Name != ""}, part{"an outcome", e.Outcome != ""})
}

func (e *SecretUse) fields(c *codec) {
	c.text("agent", &e.Agent)
	c.uint("decision", &e.Decision)
	c.text("name", &e.Name)
	c.text("outcome", &e.Outcome)
	c.field("resource", &e.Resource)
}

// An Alert is raised by a monitor, such as a limit that is used up, a clock that jumped, or an error that was recovered.
type Alert struct {
	Monitor  string
	Agent    string
	Session  string
	Decision uint64 // index of a decision's record; 0 for none, since the first record of a log is none
	Detail   Field
}

func (*Alert) Kind() Kind { return KindAlert }

func (e *Alert) check() error { return need(KindAlert, part{"a monitor", e.Monitor != ""}) }

func (e *Alert) fields(c *codec) {
	c.text("agent", &e.Agent)
	c.uint("decision", &e.Decision)
	c.field("detail", &e.Detail)
	c.text("monitor", &e.Monitor)
	c.text("session", &e.Session)
}

// An Approval says that somebody approved a request.
type Approval struct {
	Rule    string // the permit that needs it
	By      string // who, by name
	Key     string // of the approver, did:key
	Request RequestID
	Policy  [32]byte
	Signed  [32]byte  // SHA-256 of the signed approval
	At      time.Time // when it was given
	Expires time.Time
}

func (*Approval) Kind() Kind { return KindApproval }

func (e *Approval) check() error {
	return need(KindApproval, part{"a rule", e.Rule != ""}, part{"an approver", e.By != ""}, part{"a request", e.Request.Digest != [32]byte{}})
}

func (e *Approval) fields(c *codec) {
	c.time("at", &e.At)
	c.text("by", &e.By)
	c.time("expires", &e.Expires)
	c.text("key", &e.Key)
	c.hash("policy", &e.Policy)
	c.request("request", &e.Request)
	c.text("rule", &e.Rule)
	c.hash("signed", &e.Signed)
}

// A Revocation says that a list of revocations was taken into use.
type Revocation struct {
	Issuer     string   // did:key
	List       [32]byte // SHA-256 of the signed list
	Sequence   uint64
	Keys       []string // revoked, did:key
	Blocks     []string // revoked, by issuer and id
	Digests    []string // revoked, by SHA-256 of the signed structure
	NextUpdate time.Time
}

func (*Revocation) Kind() Kind { return KindRevocation }

func (e *Revocation) check() error {
	return need(KindRevocation, part{"an issuer", e.Issuer != ""}, part{"a list", e.List != [32]byte{}}, part{"a sequence", e.Sequence != 0})
}

func (e *Revocation) fields(c *codec) {
	c.texts("blocks", &e.Blocks)
	c.texts("digests", &e.Digests)
	c.text("issuer", &e.Issuer)
	c.texts("keys", &e.Keys)
	c.hash("list", &e.List)
	c.time("next_update", &e.NextUpdate)
	c.uint("sequence", &e.Sequence)
}

// A Change says that a document took the place of another.
type Change struct {
	Old, New [32]byte  // digests; no Old for the first
	By       string    // who changed it, as far as is known
	Until    time.Time // until when the old one counts as well; zero: not at all
}

func (e *Change) check(k Kind) error { return need(k, part{"a new digest", e.New != [32]byte{}}) }

func (e *Change) fields(c *codec) {
	c.text("by", &e.By)
	c.hash("new", &e.New)
	c.hash("old", &e.Old)
	c.time("until", &e.Until)
}

// A PolicyChange says that a policy was loaded in the place of another.
type PolicyChange struct{ Change }

func (*PolicyChange) Kind() Kind     { return KindPolicy }
func (e *PolicyChange) check() error { return e.Change.check(KindPolicy) }

// A TrustChange says that a trust document was loaded in the place of another.
type TrustChange struct{ Change }

func (*TrustChange) Kind() Kind     { return KindTrust }
func (e *TrustChange) check() error { return e.Change.check(KindTrust) }

// A Start says that whoever decides began.
type Start struct {
	Program string   // name and version of the program
	Key     string   // of the PEP, did:key
	Realm   string   // that it decides for
	Policy  [32]byte // digest
	Trust   [32]byte // digest
}

func (*Start) Kind() Kind { return KindStart }

func (e *Start) check() error { return need(KindStart, part{"a program", e.Program != ""}) }

func (e *Start) fields(c *codec) {
	c.text("key", &e.Key)
	c.hash("policy", &e.Policy)
	c.text("program", &e.Program)
	c.text("realm", &e.Realm)
	c.hash("trust", &e.Trust)
}

// A Stop says that whoever decides ended in order. A Start with no Stop before it follows a crash.
type Stop struct{ Reason string }

func (*Stop) Kind() Kind { return KindStop }

func (e *Stop) check() error { return need(KindStop, part{"a reason", e.Reason != ""}) }

func (e *Stop) fields(c *codec) { c.text("reason", &e.Reason) }

// Junk counts messages that nobody signed. Who sends them must not be able to fill the log: the PEP writes one such record now and then.
type Junk struct {
	Count        uint64
	Since, Until time.Time
	Sample       Field // at most MaxSample bytes of one of them
}

// MaxSample bounds the sample of a Junk event, in bytes.
const MaxSample = 256

func (*Junk) Kind() Kind { return KindJunk }

func (e *Junk) check() error {
	if len(e.Sample.Text) > MaxSample {
		return fmt.Errorf("audit: a sample of junk has %d bytes, more than %d", len(e.Sample.Text), MaxSample)
	}
	return need(KindJunk, part{"a count", e.Count != 0})
}

func (e *Junk) fields(c *codec) {
	c.uint("count", &e.Count)
	c.field("sample", &e.Sample)
	c.time("since", &e.Since)
	c.time("until", &e.Until)
}

// A Segment is the first record of every segment file.
type Segment struct {
	Format string   // FormatVersion
	Origin string   // the log's name, in checkpoints too
	Key    [32]byte // HMAC of nothing under the segment's key, which names it
}

// FormatVersion is the version of the format that this package writes and reads.
const FormatVersion = "moat/audit/1"

func (*Segment) Kind() Kind { return KindSegment }

func (e *Segment) check() error {
	if e.Format != FormatVersion {
		return fmt.Errorf("audit: the format is %q, this version knows %q", e.Format, FormatVersion)
	}
	return need(KindSegment, part{"an origin", e.Origin != ""}, part{"a key", e.Key != [32]byte{}})
}

func (e *Segment) fields(c *codec) {
	c.text("format", &e.Format)
	c.hash("key", &e.Key)
	c.text("origin", &e.Origin)
}

// A Checkpoint is the record that a signed checkpoint ends with: the checkpoint's size is one more than the record's index. It carries the
// high-water marks of that moment, which the signature covers through the tree.
type Checkpoint struct{ Marks []Mark }

// A Mark is the highest value that some sequence has reached, such as that of a revocation list. After a restart nothing below it
// may be accepted.
type Mark struct {
	Name  string
	Value uint64
}

func (*Checkpoint) Kind() Kind { return KindCheckpoint }

func (e *Checkpoint) check() error {
	for i, m := range e.Marks {
		if m.Name == "" {
			return errors.New("audit: a mark needs a name")
		}
		if i > 0 && m.Name <= e.Marks[i-1].Name {
			return fmt.Errorf("audit: the marks aren't sorted by name, or %q stands twice", m.Name)
		}
	}
	return nil
}

func (e *Checkpoint) fields(c *codec) {
	objects(c, "marks", &e.Marks, func(c *codec, m *Mark) {
		c.text("name", &m.Name)
		c.uint("value", &m.Value)
	})
}

// A Recovery says that a crash left a torn line, which was cut off and kept aside.
type Recovery struct {
	Bytes  uint64
	SHA256 [32]byte // of what was cut
	File   string   // where it is kept, relative to the log's directory
}

func (*Recovery) Kind() Kind { return KindRecovery }

func (e *Recovery) check() error {
	return need(KindRecovery, part{"a count", e.Bytes != 0}, part{"a digest", e.SHA256 != [32]byte{}}, part{"a file", e.File != ""})
}

func (e *Recovery) fields(c *codec) {
	c.uint("bytes", &e.Bytes)
	c.text("file", &e.File)
	c.hash("sha256", &e.SHA256)
}
