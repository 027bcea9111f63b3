package token

import (
	"time"

	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// A Message is what an agent asks for, signed with the key that its token names as the audience.
type Message struct {
	Realm     string
	Sender    Key
	Recipient Key    // of the enforcement point that it is for
	Sequence  uint64 // from 1; each message of a sender to a recipient has a higher one
	Time      time.Time
	Token     Digest // of the token: that of its last block
	Policy    Digest // that the sender believes to be in force
	Trust     Digest
	Action    string
	Resource  resource.Name
	Args      []byte // a JSON object, at most MaxArgsSize bytes; what is decided on is what is forwarded. Empty: no arguments
}

const (
	messageVersion = iota + 1
	messageRealm
	messageSender
	messageRecipient
	messageSequence
	messageTime
	messageToken
	messagePolicy
	messageTrust
	messageAction
	messageResource
	messageArgs
)

// SignMessage signs a message. The sender is the signer, whose role is agent. The time is cut to milliseconds.
func SignMessage(by *Identity, m Message) ([]byte, error) {
	if err := by.may(RoleAgent); err != nil {
		return nil, err
	}
	if len(m.Args) > 0 {
		v, err := strictjson.Parse(m.Args, strictjson.Limits{Bytes: MaxArgsSize})
		if err != nil || v.Kind != strictjson.Object {
			return nil, refuse(Field, "the arguments are not a JSON object: %v", err)
		}
	}
	w := writer{}
	n := 11
	if len(m.Args) > 0 {
		n++
	}
	w.object(n)
	w.field(messageVersion)
	w.number(formatVersion)
	w.field(messageRealm)
	w.text(m.Realm)
	w.key(messageSender, by.key)
	w.key(messageRecipient, m.Recipient)
	w.field(messageSequence)
	w.number(m.Sequence)
	w.field(messageTime)
	w.number(uint64(m.Time.UnixMilli()))
	w.sum(messageToken, m.Token)
	w.sum(messagePolicy, m.Policy)
	w.sum(messageTrust, m.Trust)
	w.field(messageAction)
	w.text(m.Action)
	w.field(messageResource)
	w.text(m.Resource.String())
	if len(m.Args) > 0 {
		w.field(messageArgs)
		w.bytes(m.Args)
	}
	return sealed(&messageKind, by, w.b, func(raw []byte) error { _, err := OpenMessage(raw); return err })
}

// OpenMessage reads a message and verifies its signature. Nothing else is checked: freshness, replay, the digests and who
// the sender is are for the enforcement point, which also parses the arguments.
func OpenMessage(raw []byte) (*Message, error) { return openMessage(raw, nil) }

// OpenMessage is [OpenMessage], which verifies the later messages of a sender a little faster. A verifier that remembers nothing remembers no senders either.
func (v *Verifier) OpenMessage(raw []byte) (*Message, error) {
	if !v.caches() {
		return openMessage(raw, nil)
	}
	return openMessage(raw, &v.senders)
}

func openMessage(raw []byte, keys *senderKeys) (*Message, error) {
	m := &Message{}
	err := messageKind.openOne(raw, keys, nil, func(r *reader) *Key {
		f := r.fields("the message")
		f.readVersion()
		f.must(messageRealm, "the realm")
		m.Realm = f.realm()
		f.must(messageSender, "the sender")
		m.Sender = r.key("the sender")
		f.must(messageRecipient, "the recipient")
		m.Recipient = r.key("the recipient")
		f.must(messageSequence, "the sequence")
		m.Sequence = f.number(MaxNumber, "the sequence")
		if r.err == nil && m.Sequence == 0 {
			f.fail(Field, "the sequence is 0")
		}
		f.must(messageTime, "the time")
		m.Time = time.UnixMilli(int64(f.number(uint64(maxTime)*1000, "the time"))).UTC()
		f.must(messageToken, "the token")
		f.fixed(m.Token[:], "the token")
		f.must(messagePolicy, "the policy")
		f.fixed(m.Policy[:], "the policy")
		f.must(messageTrust, "the trust document")
		f.fixed(m.Trust[:], "the trust document")
		f.must(messageAction, "the action")
		m.Action = f.text(MaxActionLen, "the action")
		if r.err == nil && !isAction(m.Action) {
			f.fail(Field, "the action %s is no identifier", quote(m.Action))
		}
		f.must(messageResource, "the resource")
		text := f.text(resource.MaxNameLen, "the resource")
		if r.err == nil {
			name, err := resource.Parse(text)
			if err != nil {
				f.fail(Field, "the resource is refused: %s", err)
			}
			m.Resource = name
		}
		if f.has(messageArgs) {
			if m.Args = []byte(f.bytes(MaxArgsSize, "the arguments")); len(m.Args) == 0 {
				f.fail(Encoding, "the arguments are empty: leave them out")
			}
		}
		f.done()
		return &m.Sender
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}
