package eval_test

import (
	"fmt"
	"math/rand"
	"strings"
	"time"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// A generator writes random policies and requests that have a fair chance of meeting each other: few names, few values.
type generator struct {
	*rand.Rand
	vars []string // quantifiers' variables in scope, all of strings
}

func (g *generator) pick(ss ...string) string { return ss[g.Intn(len(ss))] }

func (g *generator) maybe(p float64) bool { return g.Float64() < p }

// policy returns the declarations of a random policy. They may stand in any order.
func (g *generator) policy() []string {
	decls := []string{
		"group g0", "group g1 in g0", "group g2", "group g3 in g0 claims \"" + someIssuer + "\"",
		"agent a0 in " + g.pick("g0", "g1", "g2"), "agent a1 in g1, g2", "agent a2", "person p0 in g2", "person p1 in g2",
		"action poke", "origin crm",
		"context {\n  n: int\n  s: string?\n  d: decimal\n}",
		"tool t0(x: int, y: decimal?, s: string, e: \"r\" | \"rw\")\n  does read on \"file:///data/x\" when args.x > 2",
		"tool t1(x: int?, l: [string], m: email?, p: path, r: { a: int, b: string? })\n  does write on file(args.p)",
		"tool t2(u: url, ms: [email], c: argv, i: ip?, on: date, at: timestamp?, ps: [path]?, j: json)\n  does send on args.u\n  does read on file(args.ps ?? [])",
	}
	for i := 0; i < 2; i++ {
		decls = append(decls, fmt.Sprintf("define d%d = %s", i, g.boolean(2, i, nil)))
	}
	for i, n := 0, 1+g.Intn(8); i < n; i++ {
		decls = append(decls, g.rule(i))
	}
	for i := 0; g.maybe(0.2); i++ {
		decls = append(decls, g.limit(i))
	}
	if g.maybe(0.1) {
		decls = append(decls, "lifecycle life: "+g.pick("a0", "any", "g1")+" {\n  start one\n  one -> two: "+g.pick("send", "poke, read", "execute")+" on any\n  two -> "+
			g.pick("one", "two")+": "+g.pick("read", "execute")+" on any\n  two -> one: "+g.pick("poke", "write", "read")+" on any\n}")
	}
	return decls
}

func (g *generator) limit(i int) string {
	var b strings.Builder
	b.WriteString("limit ")
	if g.maybe(0.7) {
		fmt.Fprintf(&b, "l%d: ", i)
	}
	b.WriteString(g.pick("any", "a0", "g0", "a0, a1") + " to ")
	what, tool := "", ""
	if g.maybe(0.5) {
		tool = g.pick("t0", "t1")
		what = g.pick("execute", "execute", "any") + " on tool " + tool
	} else {
		what = g.pick("any on any", "any on \"file:///data/**\"", "read, send on any", "poke on any", "execute on tool any")
	}
	b.WriteString(what)
	if g.maybe(0.4) {
		b.WriteString(" when " + g.boolean(2, 2, toolArgs[tool]))
	}
	window := g.pick("per 3s", "per 1m", "per session")
	if tool == "t0" && strings.HasPrefix(what, "execute") && g.maybe(0.6) {
		b.WriteString(" sum " + g.pick("args.x", "(args.y ?? 1.5)", "(args.x - 2)") + " <= " + g.pick("5", "7.5", "100") + " " + window)
	} else {
		b.WriteString(" count <= " + g.pick("1", "2", "3") + " " + window)
		if window != "per session" && g.maybe(0.3) {
			b.WriteString(" burst " + g.pick("1", "2", "4"))
		}
	}
	return b.String() + g.pick("", " each agent", " each session", " each root")
}

func (g *generator) once() string {
	x := g.pick("session", "agent") + " once (" + g.pick("read", "any", "send, poke", "execute") + " on " + g.pick("any", `"file:///data/**"`, "tool t0", "tool any")
	if g.maybe(0.3) {
		x += " when " + g.pick("context.n > 1", `agent.name == "a0"`, `context.s ?? "" == "a"`, "context.d > 2.0", `resource.scheme == "tool"`)
	}
	return x + ")" + g.pick("", "", " within 3s", " within 1m")
}

var toolArgs = map[string][]string{
	"t0": {"x", "y?", "s", "e"}, "t1": {"x?", "l", "m?", "p", "r"}, "t2": {"u", "ms", "c", "i?", "on", "at?", "ps?", "j"},
}

func (g *generator) rule(i int) string {
	var b strings.Builder
	effect := g.pick("permit", "permit", "forbid")
	b.WriteString(effect + " ")
	if g.maybe(0.7) {
		fmt.Fprintf(&b, "r%d: ", i)
	}
	subject := g.pick("a0", "a0, a1", "g0", "g1", "g2", "p0", "a2, g1", "g3")
	if effect == "forbid" && g.maybe(0.4) {
		subject = "any"
	}
	b.WriteString(subject + " to ")
	tool := ""
	switch g.Intn(5) {
	case 4:
		b.WriteString("delegate on agent " + g.pick("any", "g2", "a1, a2"))
	case 0:
		tool = g.pick("t0", "t1", "t2")
		b.WriteString(g.pick("execute", "execute", "any") + " on tool " + tool)
	case 1:
		b.WriteString(g.pick("execute", "any") + " on tool any")
	case 2:
		b.WriteString(g.pick("read", "write, read", "send", "poke", "any") + " on " + g.pick(`"file:///data/**"`, `"file:///**/secret/*"`, `"https://*.example.com/**"`, `"{file:///data,tool:/}/*"`, "any", "agent g2"))
	default:
		b.WriteString("any on any")
	}
	for n := g.Intn(3); n > 0; n-- {
		fmt.Fprintf(&b, "\n  %s %s", g.pick("when", "unless"), g.boolean(3, 2, toolArgs[tool]))
	}
	if effect == "permit" && g.maybe(0.2) {
		b.WriteString("\n  needs " + g.pick("", "2 ") + "approval by g2" + g.pick("", " within 10m"))
	}
	if g.maybe(0.3) {
		b.WriteString("\n  because \"" + g.pick("x", "y") + "\"")
	}
	return b.String()
}

// boolean returns a condition. args are the arguments that are surely there; others get a default.
func (g *generator) boolean(depth, defines int, args []string) string {
	if depth == 0 {
		return g.pick("true", "false", "context.n > 1", "agent in g0", `context.s ?? "" == "a"`, "has context.s", `agent.name == "a0"`, `resource.scheme == "tool"`, "token.depth < 2", "now < token.expires", `agent attested "sane" by p0`, `agent.name attested "c" by g2`,
			"now > timestamp(\"2026-01-01T00:00:05Z\")", `session.id == "s"`, `resource in "file:///data/**"`, `resource.host ?? "" == "api.example.com"`)
	}
	sub := func() string { return g.boolean(depth-1, defines, args) }
	switch g.Intn(13) {
	case 0:
		return "(" + sub() + " and " + sub() + ")"
	case 1:
		return "(" + sub() + " or " + sub() + ")"
	case 2:
		return "not " + sub()
	case 3:
		return g.number(depth, args) + " " + g.pick("==", "!=", "<", "<=", ">", ">=") + " " + g.number(depth, args)
	case 4:
		return g.text(depth, args) + " " + g.pick("==", "!=") + " " + g.text(depth, args)
	case 5:
		return g.text(depth, args) + ` like "` + g.pick("*", "a*", "*b", "*a*b*", "a") + `"`
	case 6:
		return g.text(depth, args) + " in " + g.list(depth, args)
	case 7:
		if len(g.vars) < 2 {
			v := fmt.Sprintf("v%d", len(g.vars))
			in := g.list(depth, args)
			g.vars = append(g.vars, v)
			body := sub()
			g.vars = g.vars[:len(g.vars)-1]
			return g.pick("any ", "all ") + v + " in " + in + " { " + body + " }"
		}
	case 8:
		if defines > 0 {
			return fmt.Sprintf("d%d", g.Intn(defines))
		}
	case 9:
		return g.pick(g.text(depth, args), g.list(depth, args)) + " from " + g.pick("", "some ", "no ") + g.pick("user", "[user, crm]", "[tool t1, unknown]", "tool t1.a")
	case 10:
		return g.pick("starts", "ends") + "(" + g.text(depth, args) + ", " + g.text(depth, args) + ")"
	case 11:
		if len(args) > 0 {
			a := strings.TrimSuffix(g.pick(args...), "?")
			switch a {
			case "y", "x":
				return "has args." + a + " and args." + a + " > 1"
			case "m":
				return `(not has args.m or domain(args.m) == "example.com")`
			case "p":
				return `args.p in "/data/**"`
			case "r":
				return `args.r.a == 1 and (args.r.b ?? "q") != "a"`
			case "u":
				return `args.u in "https://*.example.com/**"`
			case "ms":
				return `all w in args.ms { domain(w) == "example.com" }`
			case "c":
				return g.pick(`args.c in [["git", "status"], ["ls"]]`, `starts(args.c, ["git"])`, `args.c[0] ?? "" == "git"`)
			case "i":
				return `has args.i and args.i in "10.0.0.0/8"`
			case "on":
				return `args.on >= date("2026-02-01")`
			case "at":
				return `has args.at and now - args.at < 1h`
			case "e":
				return `args.e == "rw"`
			case "j":
				return "args.j from user"
			}
		}
	case 12:
		return g.pick(g.text(depth, args)+` attested "c" by p0`, g.once(), g.once(), "any to", "context.d > 1.5", `size(`+g.text(depth, args)+`) > 1`)
	}
	return g.boolean(0, defines, args)
}

func has(args []string, name string) bool {
	for _, a := range args {
		if a == name {
			return true
		}
	}
	return false
}

func (g *generator) number(depth int, args []string) string {
	if depth > 0 && g.maybe(0.3) {
		return "(" + g.number(depth-1, args) + " " + g.pick("+", "-", "*") + " " + g.number(depth-1, args) + ")"
	}
	options := []string{"0", "1", "2", "1.5", "-1", "9223372036854775807", "context.n", "context.d"}
	if has(args, "x") {
		options = append(options, "args.x", "args.x")
	}
	if has(args, "x?") {
		options = append(options, "args.x ?? 1", "args.x ?? 7")
	}
	if has(args, "y?") {
		options = append(options, "args.y ?? 0.5")
	}
	return g.pick(options...)
}

func (g *generator) text(depth int, args []string) string {
	options := []string{`"a"`, `"ab"`, `""`, `context.s ?? "b"`, "agent.name", "resource.path"}
	options = append(options, g.vars...)
	options = append(options, g.vars...)
	if has(args, "s") {
		options = append(options, "args.s", "args.s", "lower(args.s)")
	}
	if has(args, "l") {
		options = append(options, `args.l[0] ?? "a"`)
	}
	if depth > 0 && g.maybe(0.2) {
		return "(" + g.text(depth-1, args) + " + " + g.text(depth-1, args) + ")"
	}
	return g.pick(options...)
}

func (g *generator) list(depth int, args []string) string {
	options := []string{`["a", "b"]`, `[]`, `["ab", agent.name]`}
	if has(args, "l") {
		options = append(options, "args.l", "args.l", `args.l + ["a"]`)
	}
	if has(args, "c") {
		options = append(options, "args.c")
	}
	return g.pick(options...)
}

// source lays out declarations as a file.
func source(decls []string) string {
	return "policy random edition 1\n\n" + strings.Join(decls, "\n\n") + "\n"
}

// compile makes a program of declarations, nil if they don't check.
func compile(decls []string) *lang.Program {
	p, _ := lang.Compile(map[string]string{"p.moat": source(decls)})
	return p
}

func str(s string) strictjson.Value { return strictjson.Value{Kind: strictjson.String, Text: s} }
func num(s string) strictjson.Value { return strictjson.Value{Kind: strictjson.Number, Text: s} }
func arr(vs ...strictjson.Value) strictjson.Value {
	return strictjson.Value{Kind: strictjson.Array, Items: vs}
}
func obj(members ...strictjson.Member) strictjson.Value {
	return strictjson.Value{Kind: strictjson.Object, Members: members}
}
func mem(name string, v strictjson.Value) strictjson.Member {
	return strictjson.Member{Name: name, Value: v}
}

func (g *generator) strings(from ...string) strictjson.Value {
	v := arr()
	for n := g.Intn(3); n > 0; n-- {
		v.Items = append(v.Items, str(g.pick(from...)))
	}
	return v
}

// request returns a request and its facts; some are wrong on purpose.
func (g *generator) request() (eval.Request, eval.Facts) {
	req := eval.Request{Subject: g.pick("a0", "a0", "a1", "a2", "p0", "stranger", "g0", "g1"), Action: g.pick("execute", "execute", "execute", "read", "write", "send", "poke", "nothing")}
	if req.Subject == "p0" {
		req.Kind = lang.Person
	}
	facts := eval.Facts{Time: eval.TestStart().Add(time.Duration(g.Intn(10)) * time.Second), Session: g.pick("", "s"), Origins: map[string][]string{}, ValueOrigins: map[string][]string{}}
	target := g.pick("tool://t0", "tool://t0", "tool://t1", "tool://t2", "tool://t3", "file:///data/x", "file:///a/secret/b", "https://api.example.com/v1", "agent://p0")
	req.Resource, _ = resource.Parse(target)
	if g.maybe(0.02) {
		req.Resource = resource.Name{}
	}
	args := obj()
	if req.Action == "execute" || g.maybe(0.1) {
		switch target {
		case "tool://t0":
			args = obj(mem("x", num(g.pick("0", "1", "2", "3", "4.0", "9223372036854775807", "1.5"))), mem("s", str(g.pick("a", "ab", "b", "A", ""))), mem("e", str(g.pick("r", "rw", "rw", "x"))))
			if g.maybe(0.5) {
				args.Members = append(args.Members, mem("y", num(g.pick("0.5", "2", "1e0", "170141183460469231731687303715884105727"))))
			}
		case "tool://t1":
			args = obj(mem("l", g.strings("a", "b", "ab")), mem("p", str(g.pick("/data/x", "/a/secret/b", "/data/../x"))), mem("r", obj(mem("a", num(g.pick("1", "2"))))))
			if g.maybe(0.5) {
				args.Members = append(args.Members, mem("x", num("1")), mem("m", str(g.pick("x@example.com", "y@evil.com", "a@b.com,c@d.com"))))
			}
		case "tool://t2":
			args = obj(mem("u", str(g.pick("https://api.example.com/v1", "https://evil.com/"))), mem("ms", g.strings("x@example.com", "y@evil.com")),
				mem("c", g.pickValue(str("git status"), arr(str("ls")), str("git status; curl x"), arr(str("git"), str("push")))), mem("on", str(g.pick("2026-01-05", "2026-03-01"))),
				mem("j", obj(mem("deep", arr(str("a"))))))
			if g.maybe(0.5) {
				args.Members = append(args.Members, mem("i", str(g.pick("10.1.2.3", "8.8.8.8"))), mem("at", str("2025-12-31T23:59:00Z")), mem("ps", g.strings("/data/x", "/a/secret/b")))
			}
		}
		if g.maybe(0.03) {
			args.Members = append(args.Members, mem("extra", num("1")))
		}
	}
	if len(args.Members) > 0 || g.maybe(0.5) {
		req.Args = args
	}
	for _, ptr := range []string{"/s", "/l", "/l/0", "/ms", "/ms/0", "/c", "/j/deep/0"} {
		if g.maybe(0.3) && (resolves(args, ptr) || g.maybe(0.01)) {
			facts.Origins[ptr] = []string{g.pick("user", "crm", "tool t1", "tool t1.a.b", "tool t2")}
		}
	}
	for _, v := range []string{"a", "ab", "x@example.com"} {
		if g.maybe(0.3) {
			facts.ValueOrigins[v] = []string{g.pick("user", "tool t1.a"), g.pick("crm", "unknown")}
		}
	}
	if g.maybe(0.4) {
		facts.Authority = g.authority(req.Subject, facts.Time)
	}
	for g.maybe(0.3) {
		facts.Attestations = append(facts.Attestations, eval.Attestation{Claim: g.pick("c", "sane", "g3"), Issuer: g.pick(someIssuer, "did:key:z6Mkother"), By: g.pick("p0", "p1", "a0", ""), About: g.pick("a", "ab", "a0", "stranger", "stranger"), Principal: g.Intn(2) == 0})
	}
	context := obj()
	if g.maybe(0.9) {
		context.Members = append(context.Members, mem("n", num(g.pick("0", "1", "2"))))
	}
	if g.maybe(0.5) {
		context.Members = append(context.Members, mem("s", str(g.pick("a", "b"))))
	}
	if g.maybe(0.9) {
		context.Members = append(context.Members, mem("d", num(g.pick("1.5", "2.25"))))
	}
	if g.maybe(0.03) {
		context.Members = append(context.Members, mem("zzz", num("1")))
	}
	facts.Context = context
	return req, facts
}

const someIssuer = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"

// grants covers what its text begins with.
type grants struct{ action, prefix string }

func (g grants) Allows(action string, on resource.Name) bool {
	return (g.action == "" || action == g.action) && strings.HasPrefix(on.String(), g.prefix)
}

// authority returns what a random token would lend.
func (g *generator) authority(requester string, now time.Time) *eval.Authority {
	a := &eval.Authority{Issued: now.Add(-time.Minute), Expires: now.Add(time.Minute)}
	for n := g.Intn(3); n > 0; n-- {
		a.Agents = append(a.Agents, g.pick("a0", "a1", "a2", "p1", "stranger"))
	}
	a.Agents = append(a.Agents, requester)
	a.Depth = len(a.Agents)
	if g.maybe(0.5) {
		for i := range a.Agents[1:] {
			a.Links = append(a.Links, eval.Link{From: a.Agents[i], To: a.Agents[i+1]})
		}
	}
	if g.maybe(0.9) {
		a.Grants = g.grants()
	}
	for g.maybe(0.2) {
		a.Caveats = append(a.Caveats, []byte(g.pick(caveats...)))
	}
	return a
}

func (g *generator) grants() grants {
	return grants{g.pick("", "", "", "execute"), g.pick("", "", "", "tool://", "file:///data")}
}

func caveatSource(params, condition string) string {
	return "policy caveat edition 1\n\nagent holder\n\ntool call(" + params + ")\n\npermit holder to execute on tool call\n  when " + condition + "\n"
}

// caveats are some that hold, fail, err, are about another tool, and can't be read.
var caveats = []string{
	caveatSource("", "true"), caveatSource("", "token.depth <= 2"), caveatSource("x: int", "args.x <= 2"), caveatSource("x: int?", "args.x ?? 0 <= 2"), caveatSource("s: string", `args.s like "a*"`),
	caveatSource("l: [string]", `any v in args.l { v == "a" }`), caveatSource("", `resource.path like "*x"`), caveatSource("", "agent.name == \"a0\""), "nonsense",
}

// resolves reports whether a pointer of the request generator leads to a value.
func resolves(v strictjson.Value, ptr string) bool {
	for step := range strings.SplitSeq(ptr[1:], "/") {
		if v.Kind == strictjson.Array && step == "0" && len(v.Items) > 0 {
			v = v.Items[0]
			continue
		}
		var ok bool
		if v, ok = v.Get(step); !ok {
			return false
		}
	}
	return true
}

func (g *generator) pickValue(vs ...strictjson.Value) strictjson.Value { return vs[g.Intn(len(vs))] }

// approve adds random approvals for what a decision asks.
func (g *generator) approve(prog *lang.Program, d eval.Decision, req eval.Request, facts eval.Facts) eval.Facts {
	for _, p := range d.Pending {
		for n := g.Intn(3); n > 0; n-- {
			a := eval.Approval{Rule: p.Rule.ID, By: g.pick("p0", "p1", "a1", "a2"), At: facts.Time.Add(-time.Duration(g.Intn(20)) * time.Minute), Request: eval.RequestDigest(req, facts), Policy: prog.Digest()}
			facts.Approvals = append(facts.Approvals, a)
		}
	}
	return facts
}
