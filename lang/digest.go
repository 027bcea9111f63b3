package lang

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"

	"github.com/fxamacker/cbor/v2"
)

// This file gives declarations their canonical form: deterministic CBOR (RFC 8949 §4.2.1) of arrays, texts, integers and
// booleans, as spec/digest.cddl defines it. Two declarations are identical when their forms are. Layout, comments, file names,
// `because` and the order of what has no order are not in it.

// A node is an array whose first element names the construct.
type node = []any

var canonicalCBOR = func() cbor.EncMode {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // the options are constants of the library
	}
	return mode
}()

func marshal(v any) []byte {
	data, err := canonicalCBOR.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("lang: canonical form: %v", err)) // arrays of strings, integers and booleans can't fail
	}
	return data
}

// entry is a declaration in its canonical form: what it is, its name, its content.
func entry(kind, name string, content ...any) []byte {
	return marshal(append(node{kind, name}, content...))
}

// canonicalProgram is the edition and the sorted entries, each once.
func canonicalProgram(edition int64, entries [][]byte) []byte {
	sort.Slice(entries, func(i, j int) bool { return bytes.Compare(entries[i], entries[j]) < 0 })
	all := make([]cbor.RawMessage, 0, len(entries))
	for i, e := range entries {
		if i == 0 || !bytes.Equal(e, entries[i-1]) {
			all = append(all, e)
		}
	}
	return marshal(node{"moat", edition, all})
}

// anonymousID is the id of a rule or limit without a label.
func anonymousID(kind string, content []byte) string {
	sum := sha256.Sum256(content)
	return kind + "#" + hex.EncodeToString(sum[:4])
}

func sortedIdents(ids []Ident) node {
	set := map[string]bool{}
	for _, id := range ids {
		set[id.Name] = true
	}
	return texts(sortedKeys(set))
}

func texts(ss []string) node {
	out := make(node, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}

func sortedTexts(ss []Str) node {
	set := map[string]bool{}
	for _, s := range ss {
		set[s.Value] = true
	}
	return texts(sortedKeys(set))
}

// sortNodes sorts nodes by their encoding and drops repetitions.
func sortNodes(ns []any) node {
	enc := make(map[string]any, len(ns))
	for _, n := range ns {
		enc[string(marshal(n))] = n
	}
	out := node{}
	for _, k := range sortedKeys(enc) {
		out = append(out, enc[k])
	}
	return out
}

func namesForm(n Names) any {
	if n.Any {
		return "any"
	}
	return sortedIdents(n.Names)
}

func targetForm(t Target) any {
	switch t.Kind {
	case TargetTools:
		return node{"tool"}
	case TargetTool:
		return node{"tool", t.Tool.Name}
	case TargetAgents:
		return node{"agent", namesForm(t.Agents)}
	case TargetPattern:
		return node{"resource", t.Text.Value}
	}
	return "any"
}

func targetsForm(ts []Target) node {
	var out []any
	for _, t := range ts {
		out = append(out, targetForm(t))
	}
	return sortNodes(out)
}

func scopeForm(s Scope) node {
	return node{namesForm(s.Subjects), namesForm(s.Actions), targetsForm(s.Targets)}
}

func typeForm(t *TypeExpr) any {
	if t == nil {
		return "none"
	}
	var core any
	switch {
	case t.Elem != nil:
		core = node{"list", typeForm(t.Elem)}
	case t.Record:
		core = node{"record", fieldsForm(t.Fields)}
	case len(t.Enum) > 0:
		core = node{"enum", sortedTexts(t.Enum)}
	default:
		core = t.Name.Name
	}
	if t.Optional {
		return node{"optional", core}
	}
	return core
}

func fieldsForm(fs []FieldExpr) node {
	var out []any
	for _, f := range fs {
		out = append(out, node{f.Name.Name, typeForm(f.Type)})
	}
	return sortNodes(out)
}

func litForm(l *Literal) any {
	if l == nil {
		return "none"
	}
	switch l.Kind {
	case LitBool:
		return node{"bool", l.Bool}
	case LitInt:
		return node{"int", l.Int}
	case LitDecimal:
		return node{"decimal", l.Decimal.String()}
	case LitDuration:
		return node{"duration", int64(l.Dur)}
	case LitSize:
		return node{"size", l.Int}
	}
	return node{"string", l.Str}
}

func settingsForm(ss []Setting) node {
	var out []any
	for _, s := range ss {
		values := node{}
		for _, v := range s.Values {
			values = append(values, litForm(v))
		}
		out = append(out, node{s.Name.Name, sortNodes(values)})
	}
	return sortNodes(out)
}

func eventForm(e Event) node { return node{namesForm(e.Actions), targetsForm(e.Targets)} }

// exprForm is the canonical form of an expression. Parentheses are not in it; the order of operands is.
func exprForm(x Expr) any {
	switch x := x.(type) {
	case nil:
		return "none"
	case *Literal:
		return litForm(x)
	case *Fact:
		return node{"fact", string(x.Root)}
	case *Var:
		return node{"name", x.Name}
	case *Select:
		return node{".", exprForm(x.X), x.Name.Name}
	case *Index:
		if x.Key.Kind == LitString {
			return node{".", exprForm(x.X), x.Key.Str}
		}
		return node{"[]", exprForm(x.X), x.Key.Int}
	case *Call:
		return append(node{"call", x.Func.Name}, exprForms(x.Args)...)
	case *List:
		return append(node{"list"}, exprForms(x.Elems)...)
	case *Record:
		var out []any
		for _, f := range x.Fields {
			out = append(out, node{f.Name.Name, exprForm(f.Value)})
		}
		return node{"record", sortNodes(out)}
	case *Negate:
		return node{"-", exprForm(x.X)}
	case *Not:
		return node{"not", exprForm(x.X)}
	case *Logic:
		op := "and"
		if x.Or {
			op = "or"
		}
		return append(node{op}, exprForms(x.Xs)...)
	case *Binary:
		return node{string(x.Op), exprForm(x.X), exprForm(x.Y)}
	case *Like:
		return node{"like", exprForm(x.X), x.Pattern.Value}
	case *From:
		set := map[string]bool{}
		for _, o := range x.Origins {
			set[o.Name] = true
		}
		return node{"from", exprForm(x.X), string(x.Mode), texts(sortedKeys(set))}
	case *Attested:
		return node{"attested", exprForm(x.X), x.Claim.Value, x.By.Name}
	case *Has:
		return node{"has", exprForm(x.X)}
	case *Quantified:
		kind := "any"
		if x.All {
			kind = "all"
		}
		return node{kind, x.Var.Name, exprForm(x.In), exprForm(x.Body)}
	case *Once:
		return node{"once", x.Scope, eventForm(x.Event), exprForm(x.When), litForm(x.Within)}
	}
	panic(fmt.Sprintf("lang: exprForm: %T", x))
}

func exprForms(xs []Expr) node {
	out := node{}
	for _, x := range xs {
		out = append(out, exprForm(x))
	}
	return out
}

func ruleForm(r *Rule) node {
	conds := node{}
	for _, c := range r.Conds {
		conds = append(conds, node{c.Unless, exprForm(c.X)})
	}
	var approval any = "none"
	if a := r.Approval; a != nil {
		approval = node{a.N, sortedIdents(a.By), litForm(a.Within)}
	}
	return node{string(r.Effect), scopeForm(r.Scope), conds, approval, sortedTexts(r.Notify)}
}

func limitForm(l *Limit) node {
	var what any = "count"
	if l.Sum != nil {
		what = node{"sum", exprForm(l.Sum)}
	}
	return node{scopeForm(l.Scope), exprForm(l.When), what, litForm(l.Max), litForm(l.Per), litForm(l.Burst), l.Each}
}

// effectForm is the canonical form of an effect.
func effectForm(e *Effect) any { return node{e.Action.Name, exprForm(e.On), exprForm(e.When)} }

// sortEffects sorts effects by their canonical form and drops repetitions, neither of which may show.
func sortEffects(es []*Effect) []*Effect {
	byForm := map[string]*Effect{}
	for _, e := range es {
		byForm[string(marshal(effectForm(e)))] = e
	}
	var out []*Effect
	for _, form := range sortedKeys(byForm) {
		out = append(out, byForm[form])
	}
	return out
}

func toolForm(t *Tool) node {
	params, effects := node{}, node{}
	for _, p := range t.Params {
		params = append(params, node{p.Name.Name, typeForm(p.Type), p.Record})
	}
	for _, e := range t.Effects {
		effects = append(effects, effectForm(e))
	}
	pin := ""
	if t.Pin != nil {
		pin = t.Pin.Value
	}
	return node{sortNodes(params), typeForm(t.Result), sortNodes(effects), pin}
}

func lifecycleForm(l *Lifecycle) node {
	transitions := node{}
	for _, t := range l.Transitions {
		transitions = append(transitions, node{t.From.Name, t.To.Name, eventForm(t.Event)})
	}
	return node{namesForm(l.Subjects), l.Start.Name, sortNodes(transitions)}
}

// definesForm is the canonical form of the defines that expressions use, and of those that these use: what they say depends on them.
func definesForm(xs ...Expr) node {
	used := map[string]any{}
	var collect func(Expr)
	collect = func(x Expr) {
		Walk(x, func(y Expr) {
			if v, ok := y.(*Var); ok && v.Define != nil && used[v.Name] == nil {
				used[v.Name] = exprForm(v.Define.Body)
				collect(v.Define.Body)
			}
		})
	}
	for _, x := range xs {
		collect(x)
	}
	out := node{}
	for _, name := range sortedKeys(used) {
		out = append(out, node{name, used[name]})
	}
	return out
}

// Content identifies what a limit bounds and by how much: SHA-256 over the canonical form without the id, and over the defines that it uses. What was counted
// is kept under it, so that a reload that leaves a limit as it is, or only gives it another label, doesn't refill it.
func (l *Limit) Content() [32]byte {
	return sha256.Sum256(marshal(node{"limit", limitForm(l), definesForm(l.When, l.Sum)}))
}

// Content identifies a lifecycle: SHA-256 over the canonical form without the name. The states are kept under it, so that a reload that
// leaves a lifecycle as it is, or only renames it, sends nobody back to the start.
func (l *Lifecycle) Content() [32]byte {
	return sha256.Sum256(marshal(node{"lifecycle", lifecycleForm(l)}))
}

// Content identifies the event that a once asks for: SHA-256 over the canonical form of event and condition, and over the defines that it uses. When the event was permitted
// is kept under it, so that a reload doesn't make it forgotten. Scope and Within are not in it: they only say how the same history is read.
func (x *Once) Content() [32]byte {
	return sha256.Sum256(marshal(node{"once", eventForm(x.Event), exprForm(x.When), definesForm(x.When)}))
}
