package eval

import (
	"crypto/sha256"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
	"github.com/moat-lang/moat/value"
)

// MaxListLen bounds the elements of a list among the arguments or in the context.
const MaxListLen = 256

// MaxJoined bounds the elements of a list, and MaxText the bytes of a text, that `+` makes; past them it is an error.
const (
	MaxJoined = 4096
	MaxText   = 1 << 20
)

// MaxFacets bounds the facets of a call: itself, and one for each resource that an effect of it touches.
const MaxFacets = 256

// A Request is what an agent wants to do. The zero Request is denied.
type Request struct {
	// Kind is "agent" or "person"; empty means agent.
	Kind lang.PrincipalKind
	// Subject is the name under which the policy knows the agent or person.
	Subject string
	// Action is what is to be done: execute for a call of a tool.
	Action string
	// Resource is what it is to be done to: tool://NAME for a call.
	Resource resource.Name
	// Args are the arguments of a call, a JSON object. Null means none.
	Args strictjson.Value
}

// Facts are what the host knows about a request. They never come from the agent. The zero Facts know nothing: no time, no
// context, and every argument of unknown origin.
type Facts struct {
	// Time is when the request is made. When it is zero, a condition that asks for `now` is an error.
	Time time.Time
	// Context has the fields that the policy declares under `context`, a JSON object. Null means none.
	Context strictjson.Value
	// Session names the session that the request belongs to; empty means none.
	Session string
	// Origins labels values among the arguments, by JSON pointer (RFC 6901): "/to/0" → user, crm, "tool bank.txs.sender".
	Origins map[string][]string
	// ValueOrigins labels values by what they are: a string's contents, a number as written.
	ValueOrigins map[string][]string
	// Definition is the digest of the tool's definition as the host sees it now ("sha256:…"); empty when it doesn't know.
	Definition string
	// Authority is what the requester's token lends it; nil when it has none, which only a bare evaluator lets pass.
	Authority *Authority
	// Attestations are what others signed about values and principals.
	Attestations []Attestation
	// Approvals have been given for this very request; see Approval.
	Approvals []Approval
	// History is what has been permitted before. A decision that depends on it is denied where it is nil.
	History *History
}

// An Approval says that somebody approved a request. The host has verified it; here it is only counted.
type Approval struct {
	Rule    string    // the id of the permit that needs it
	By      string    // who approved, by name
	At      time.Time // when
	Request [32]byte  // RequestDigest of what was approved
	Policy  [32]byte  // digest of the policy that asked for it
}

// RequestDigest identifies a request together with the facts that an approval binds: everything but the time, the attestations, the
// approvals themselves, and of the authority only the root key that it comes from.
func RequestDigest(req Request, facts Facts) [32]byte {
	kind := req.Kind
	if kind == "" {
		kind = lang.Agent
	}
	str := func(s string) strictjson.Value { return strictjson.Value{Kind: strictjson.String, Text: s} }
	labels := func(m map[string][]string) strictjson.Value {
		o := strictjson.Value{Kind: strictjson.Object}
		for k, ls := range m {
			list := strictjson.Value{Kind: strictjson.Array}
			for _, l := range newOriginSet(ls).labels {
				list.Items = append(list.Items, str(l))
			}
			o.Members = append(o.Members, strictjson.Member{Name: k, Value: list})
		}
		sort.Slice(o.Members, func(i, j int) bool { return o.Members[i].Name < o.Members[j].Name })
		return o
	}
	root := ""
	if facts.Authority != nil {
		root = facts.Authority.Root
	}
	list := strictjson.Value{Kind: strictjson.Array, Items: []strictjson.Value{
		str("moat/request/1"), str(root), str(string(kind)), str(req.Subject), str(req.Action), str(req.Resource.String()), req.Args, facts.Context, str(facts.Session),
		labels(facts.Origins), labels(facts.ValueOrigins), str(facts.Definition),
	}}
	return sha256.Sum256(list.AppendJSON(nil))
}

// ParseEvaluation reads a request in the shape of an AuthZEN access evaluation:
//
//	{"subject": {"type": "agent", "id": "refunder"},
//	 "action": {"name": "execute", "properties": {"order": "A1"}},
//	 "resource": {"type": "tool", "id": "refund"},
//	 "context": {"hour": 10}}
//
// The arguments of a call stand in action.properties; the digest of the tool's definition may stand in
// resource.properties.definition. In the context, time (RFC 3339), session, origins and value_origins play the host. Members that
// have no meaning are refused, as is everything that strictjson refuses.
func ParseEvaluation(data []byte) (Request, Facts, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return Request{}, Facts{}, err
	}
	return evaluation(doc)
}

func evaluation(doc strictjson.Value) (req Request, facts Facts, err error) {
	fail := func(format string, args ...any) (Request, Facts, error) {
		return Request{}, Facts{}, fmt.Errorf(format, args...)
	}
	if err := onlyMembers(doc, "the request", "subject", "action", "resource", "context"); err != nil {
		return fail("%w", err)
	}
	subject, action, res := get(doc, "subject"), get(doc, "action"), get(doc, "resource")
	if err := onlyMembers(subject, "subject", "type", "id", "properties"); err != nil {
		return fail("%w", err)
	}
	if props := get(subject, "properties"); len(props.Members) > 0 || props.Kind != strictjson.Null && props.Kind != strictjson.Object {
		return fail("subject.properties is not read: an agent's attributes are in the policy, or signed; leave it out")
	}
	if err := onlyMembers(action, "action", "name", "properties"); err != nil {
		return fail("%w", err)
	}
	if err := onlyMembers(res, "resource", "type", "id", "properties"); err != nil {
		return fail("%w", err)
	}
	var kind, typ, id string
	for _, m := range []struct {
		of   strictjson.Value
		path string
		into *string
	}{{subject, "subject.type", &kind}, {subject, "subject.id", &req.Subject}, {action, "action.name", &req.Action}, {res, "resource.type", &typ}, {res, "resource.id", &id}} {
		v := get(m.of, m.path[strings.LastIndexByte(m.path, '.')+1:])
		if v.Kind != strictjson.String || v.Text == "" {
			return fail("%s must be a string that isn't empty", m.path)
		}
		*m.into = v.Text
	}
	req.Kind = lang.PrincipalKind(kind)
	if req.Kind != lang.Agent && req.Kind != lang.Person {
		return fail("subject.type is %q; it is \"agent\" or \"person\"", short(kind))
	}
	if req.Resource, err = resource.FromTypeID(typ, id); err != nil {
		return fail("resource: %w", err)
	}
	if req.Args = get(action, "properties"); req.Args.Kind != strictjson.Null && req.Args.Kind != strictjson.Object {
		return fail("action.properties must be an object: the arguments by name")
	}
	props := get(res, "properties")
	if err := onlyMembers(props, "resource.properties", "definition"); err != nil && props.Kind != strictjson.Null {
		return fail("%w", err)
	}
	if d, ok := props.Get("definition"); ok {
		if d.Kind != strictjson.String || d.Text == "" {
			return fail("resource.properties.definition must be a string, \"sha256:…\"")
		}
		facts.Definition = d.Text
	}
	return withContext(req, facts, get(doc, "context"))
}

// ParseContext reads what a host says of a request, in the shape that a request's context has.
func ParseContext(data []byte) (Facts, error) {
	doc, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return Facts{}, err
	}
	_, facts, err := withContext(Request{}, Facts{}, doc)
	return facts, err
}

// withContext reads the context, in which some members play the host.
func withContext(req Request, facts Facts, context strictjson.Value) (Request, Facts, error) {
	if context.Kind == strictjson.Null {
		return req, facts, nil
	}
	if context.Kind != strictjson.Object {
		return Request{}, Facts{}, fmt.Errorf("context must be an object")
	}
	rest := strictjson.Value{Kind: strictjson.Object}
	for _, m := range context.Members {
		var err error
		switch m.Name {
		case "time":
			if facts.Time, err = value.ParseTimestamp(m.Value.Text); m.Value.Kind != strictjson.String {
				err = fmt.Errorf("it must be a string, \"2026-01-31T12:00:00Z\"")
			}
		case "session":
			if facts.Session = m.Value.Text; m.Value.Kind != strictjson.String || facts.Session == "" {
				err = fmt.Errorf("it must be a string that isn't empty")
			}
		case "origins":
			facts.Origins, err = readLabels(m.Value)
		case "value_origins":
			facts.ValueOrigins, err = readLabels(m.Value)
		default:
			rest.Members = append(rest.Members, m)
		}
		if err != nil {
			return Request{}, Facts{}, fmt.Errorf("context.%s: %w", m.Name, err)
		}
	}
	facts.Context = rest
	return req, facts, nil
}

func readLabels(v strictjson.Value) (map[string][]string, error) {
	if v.Kind != strictjson.Object {
		return nil, fmt.Errorf("it must be an object: values to lists of labels")
	}
	out := map[string][]string{}
	for _, m := range v.Members {
		items := m.Value.Items
		if m.Value.Kind == strictjson.String {
			items = []strictjson.Value{m.Value}
		} else if m.Value.Kind != strictjson.Array || len(items) == 0 {
			return nil, fmt.Errorf("%q must have a label, or a list of labels: \"user\", \"tool bank.txs\"", short(m.Name))
		}
		for _, item := range items {
			if item.Kind != strictjson.String || item.Text == "" || item.Text == lang.OriginPolicy || oneLine(item.Text) != item.Text {
				return nil, fmt.Errorf("%q has a label that can't be one; labels are \"user\", \"unknown\", \"tool NAME\", or an origin of the policy", short(m.Name))
			}
			out[m.Name] = append(out[m.Name], item.Text)
		}
	}
	return out, nil
}

// get returns the member of an object, or null.
func get(v strictjson.Value, name string) strictjson.Value {
	m, _ := v.Get(name)
	return m
}

func onlyMembers(v strictjson.Value, what string, names ...string) error {
	if v.Kind != strictjson.Object {
		return fmt.Errorf("%s must be an object", what)
	}
	for _, m := range v.Members {
		known := false
		for _, n := range names {
			known = known || m.Name == n
		}
		if !known {
			return fmt.Errorf("%s has a member %q that has no meaning; there are %s", what, short(m.Name), strings.Join(names, ", "))
		}
	}
	return nil
}

func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:57], "") + "…"
	}
	return s
}

// Call is the request to call a tool: the agent's name, the tool's, and the arguments as a JSON object. An error says what can't be read.
func Call(agent, tool string, args []byte) (Request, error) {
	v, err := strictjson.Parse(args, strictjson.Limits{})
	if err != nil {
		return Request{}, fmt.Errorf("arguments: %w", err)
	}
	if v.Kind != strictjson.Object {
		return Request{}, fmt.Errorf("the arguments must be an object, not %s", v.Kind)
	}
	name, err := resource.FromTypeID("tool", tool)
	if err != nil {
		return Request{}, err
	}
	return Request{Subject: agent, Action: "execute", Resource: name, Args: v}, nil
}
