package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Decision is the answer to a request, and enough of the request that the answer can be had again.
//
// When an argument is private, so is what could give it away: the digest of the request is keyed; details and messages of errors are
// redacted; labels by value, and what attestations are about, are digested, and labels by place below a private argument stand without the place.
type Decision struct {
	// Who asked, and what.
	Agent    string // as the policy names it
	Person   bool   // the subject is a person
	Action   string
	Resource string
	Args     []Argument // nil: none, which is another request than an empty list
	Facts    Facts
	Request  RequestID
	// Input is what could not be read as a request at all; the rest of the above is then empty.
	Input Field
	// Call is the index of the decision that permitted the call in whose course this was asked for; 0: it was asked for by itself.
	Call uint64

	// How the request came.
	Sender    string // did:key
	Recipient string // did:key
	Realm     string
	Sequence  uint64
	Token     Token

	// By what it was decided, and how.
	Policy  [32]byte // digest
	Trust   [32]byte // digest of the trust document
	Outcome Outcome
	Code    string   // the stable reason
	Stage   uint64   // 1 the message, 2 digests, 3 chain and rules; 0 when only the evaluator was asked
	Rules   []string // ids of those that decided
	Pending []Pending
	Errors  []RuleError
	Used    []ApprovalUse
	Detail  Field
	// History is what the decision, a permit, changed in the history of what has been permitted.
	History []HistoryChange
}

// A HistoryChange is what a permit made of a cell of the history: for a limit, a `once` or a lifecycle, and an agent, a session or both. It says what is
// from then on, so that the history can be had again from the log.
type HistoryChange struct {
	Of      string // 32 hexadecimal digits
	Agent   string
	Session string
	Kind    string // "count", "sum", "once", "maybe" or "state"
	Time    time.Time
	Part    uint64 // of a sum: nanoseconds; 0: the window is the session
	Total   string // of a sum; empty when it is made of a private argument
	State   string
}

// An Outcome is "permit", "ask" or "deny". The zero Outcome is refused.
type Outcome string

// The outcomes.
const (
	Permit Outcome = "permit"
	Ask    Outcome = "ask"
	Deny   Outcome = "deny"
)

// An Argument is one of a call. Its text is JSON: numbers keep the form they had, so that an amount of 9007199254740993 stays one.
type Argument struct {
	Name string
	Field
}

// Facts are what the host said about the request.
type Facts struct {
	Time         time.Time
	Context      string // a JSON object; empty: none
	Session      string
	Origins      []Origin // by JSON pointer into the arguments, sorted
	ValueOrigins []Origin // by value, sorted
	Definition   string   // digest of the tool's definition
	Approvals    []ApprovalUse
	Attestations []Attestation
}

// An Attestation is a claim that the host had verified.
type Attestation struct {
	Claim  string
	Issuer string // did:key
	By     string // the issuer's name; empty when it has none
	About  Field  // the value, or the principal's name or did:key
	// Principal tells which of these it is.
	Principal bool
}

// An Origin says where a value came from.
type Origin struct {
	Of     Field // a JSON pointer, or the value itself
	Labels []string
}

// An ApprovalUse is an approval that the host had.
type ApprovalUse struct {
	Rule    string
	By      string
	At      time.Time
	Request RequestID // of what was approved
	Policy  [32]byte
}

// A Pending is an approval that is missing.
type Pending struct {
	Rule       string
	Need, Have uint64
	By         []string
}

// A RuleError is a condition that could not be evaluated.
type RuleError struct {
	Rule    string
	Code    string
	Message Field
}

// A Token is the chain of blocks that came with the message, root first.
type Token struct {
	Digest [32]byte // SHA-256 of the token's bytes
	Blocks []Block
	// Agents are those on the chain as the policy names them: the root first, if it has a name, then the audience of each block.
	Agents []string
	// Issued and Expires are the window of the last block.
	Issued, Expires time.Time

	encoded []byte // by Prepared
}

// Prepared returns t with its encoding, for whoever writes down many decisions about one token. What is changed in it afterwards isn't written.
func (t Token) Prepared() Token {
	var c codec
	c.object("token", t.fields)
	if c.err == nil {
		t.encoded = c.out
	}
	return t
}

func (t *Token) fields(c *codec) {
	c.texts("agents", &t.Agents)
	objects(c, "blocks", &t.Blocks, func(c *codec, b *Block) {
		c.text("audience", &b.Audience)
		c.text("id", &b.ID)
		c.text("issuer", &b.Issuer)
	})
	c.hash("digest", &t.Digest)
	c.time("expires", &t.Expires)
	c.time("issued", &t.Issued)
}

// A Block is a link of a token chain.
type Block struct {
	ID       string // 32 hexadecimal digits
	Issuer   string // did:key
	Audience string // did:key
}

func (*Decision) Kind() Kind { return KindDecision }

func (d *Decision) check() error {
	if d.Outcome != Permit && d.Outcome != Ask && d.Outcome != Deny {
		return fmt.Errorf("audit: a decision's outcome is %q; it is permit, ask or deny", string(d.Outcome))
	}
	if d.Stage > 3 {
		return fmt.Errorf("audit: stage %d; there are 0 to 3", d.Stage)
	}
	if d.Outcome != Permit && len(d.History) > 0 {
		return fmt.Errorf("audit: the outcome is %s, and it changed the history; only a permit does", d.Outcome)
	}
	if d.Outcome == Deny { // what is denied early lacks much
		return need(KindDecision, part{"a code", d.Code != ""})
	}
	return need(KindDecision, part{"a code", d.Code != ""}, part{"a subject", d.Agent != ""}, part{"an action", d.Action != ""},
		part{"a resource", d.Resource != ""}, part{"a policy", d.Policy != [32]byte{}})
}

// ErrorRules are the ids of the rules, limits and lifecycles in Errors, each once.
func (d *Decision) ErrorRules() (ids []string) {
	for i := range d.Errors {
		ids = append(ids, d.Errors[i].Rule)
	}
	return slices.Compact(ids)
}

// Private reports whether an argument isn't recorded in full.
func (d *Decision) Private() bool {
	for i := range d.Args {
		if d.Args[i].Mode != Full {
			return true
		}
	}
	return false
}

// guard returns a field as it may be written beside private arguments.
func guard(private bool, f Field, mode Mode) Field {
	if private && f != (Field{}) && f.Mode > mode {
		f.Mode = mode
		f.redacted = mode == Redact
	}
	return f
}

func (d *Decision) fields(c *codec) {
	private := !c.reading && d.Private()
	guarded := func(name string, f *Field) {
		if private {
			g := guard(true, *f, Redact)
			f = &g
		}
		c.field(name, f)
	}
	c.text("action", &d.Action)
	c.text("agent", &d.Agent)
	objects(c, "args", &d.Args, func(c *codec, a *Argument) {
		c.text("name", &a.Name)
		c.always("value", &a.Field)
	})
	c.uint("call", &d.Call)
	c.text("code", &d.Code)
	guarded("detail", &d.Detail)
	objects(c, "errors", &d.Errors, func(c *codec, e *RuleError) {
		c.text("code", &e.Code)
		guarded("message", &e.Message)
		c.text("rule", &e.Rule)
	})
	c.object("facts", func(c *codec) { d.Facts.fields(c, d, private) })
	objects(c, "history", &d.History, func(c *codec, x *HistoryChange) {
		c.text("agent", &x.Agent)
		c.text("kind", &x.Kind)
		c.text("of", &x.Of)
		c.uint("part", &x.Part)
		c.text("session", &x.Session)
		c.text("state", &x.State)
		c.time("time", &x.Time)
		c.text("total", &x.Total)
	})
	c.field("input", &d.Input)
	c.text("outcome", (*string)(&d.Outcome))
	objects(c, "pending", &d.Pending, func(c *codec, p *Pending) {
		c.texts("by", &p.By)
		c.uint("have", &p.Have)
		c.uint("need", &p.Need)
		c.text("rule", &p.Rule)
	})
	c.flag("person", &d.Person)
	c.hash("policy", &d.Policy)
	c.text("realm", &d.Realm)
	c.text("recipient", &d.Recipient)
	request := d.Request
	request.Keyed = request.Keyed || private
	c.request("request", &request)
	if c.reading {
		d.Request = request
	}
	c.text("resource", &d.Resource)
	c.texts("rules", &d.Rules)
	c.text("sender", &d.Sender)
	c.uint("sequence", &d.Sequence)
	c.uint("stage", &d.Stage)
	if d.Token.encoded != nil && !c.reading {
		c.member(d.Token.encoded)
	} else {
		c.object("token", d.Token.fields)
	}
	c.hash("trust", &d.Trust)
	objects(c, "used", &d.Used, func(c *codec, a *ApprovalUse) { a.fields(c, private) })
}

func (f *Facts) fields(c *codec, d *Decision, private bool) {
	objects(c, "approvals", &f.Approvals, func(c *codec, a *ApprovalUse) { a.fields(c, private) })
	objects(c, "attestations", &f.Attestations, func(c *codec, a *Attestation) {
		about := guard(private, a.About, Digest)
		c.always("about", &about)
		if c.reading {
			a.About = about
		}
		c.text("by", &a.By)
		c.text("claim", &a.Claim)
		c.text("issuer", &a.Issuer)
		c.flag("principal", &a.Principal)
	})
	c.text("context", &f.Context)
	c.text("definition", &f.Definition)
	objects(c, "origins", &f.Origins, func(c *codec, o *Origin) {
		c.texts("labels", &o.Labels)
		of := o.Of
		if private {
			of = guard(true, of, d.modeAt(of.Text))
		}
		c.always("of", &of)
		if c.reading {
			o.Of = of
		}
	})
	c.text("session", &f.Session)
	c.time("time", &f.Time)
	objects(c, "value_origins", &f.ValueOrigins, func(c *codec, o *Origin) {
		c.texts("labels", &o.Labels)
		of := guard(private, o.Of, Digest)
		c.always("of", &of)
		if c.reading {
			o.Of = of
		}
	})
}

func (a *ApprovalUse) fields(c *codec, private bool) {
	c.time("at", &a.At)
	c.text("by", &a.By)
	c.hash("policy", &a.Policy)
	request := a.Request
	request.Keyed = request.Keyed || private
	c.request("request", &request)
	if c.reading {
		a.Request = request
	}
	c.text("rule", &a.Rule)
}

// modeAt is the mode of the argument that a JSON pointer (RFC 6901) leads to. The pointer to the argument itself gives nothing away.
func (d *Decision) modeAt(pointer string) Mode {
	name, below, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if below == "" {
		return Full
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	for i := range d.Args {
		if d.Args[i].Name == name {
			return d.Args[i].Mode
		}
	}
	return Redact
}
