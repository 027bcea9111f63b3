package lang

import (
	"bytes"
	"crypto/sha256"
	"sort"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// A checker turns the syntax trees of a policy's files into a program. Its passes run in this order: collect (every
// declaration under its name, identical ones merged), names and vocabulary, then everything that holds expressions.
type checker struct {
	prog  *Program
	diags *diagnostics
	// broken are names that a declaration with a syntax error would have made; using one is not another error.
	broken map[string]bool
	// brokenTool and brokenContext tell that a tool or a context block couldn't be read, so that any argument or fact may have been declared.
	brokenTool, brokenContext bool
	// incomplete tells that some declaration couldn't be read, so that what looks unused may not be.
	incomplete bool
	// forms are the canonical forms of the declarations so far, by kind and name.
	forms map[string]declared
	// used are the groups and principals that something is about, and the actions and defines that something uses.
	used map[string]bool
	// defining are the defines whose bodies are being checked, to find cycles.
	defining map[*Define]bool
	// cyclic are defines that lead back to themselves; that is said once.
	cyclic map[*Define]bool
	// seenDefines are the defines in which warnings have been looked for.
	seenDefines map[defineUse]bool
	// cost counts the steps of all conditions.
	cost int
	// compared counts the steps that comparing transitions took.
	compared int
	// context are the fields that the context blocks declare.
	context map[string]FieldExpr
}

type declared struct {
	form []byte
	span Span
}

// check makes a program of files. The bool of each tells whether it came by import.
func check(name string, files []*File, imported map[*File]bool, diags *diagnostics) *Program {
	c := &checker{
		diags: diags, broken: map[string]bool{}, forms: map[string]declared{}, used: map[string]bool{}, defining: map[*Define]bool{}, seenDefines: map[defineUse]bool{}, cyclic: map[*Define]bool{},
		context: map[string]FieldExpr{},
		prog: &Program{
			Name: name, Edition: Edition, Groups: map[string]*Group{}, Principals: map[string]*Principal{}, Tools: map[string]*Tool{},
			Actions: makeSet(strings.Join(builtinActions, " ")), Origins: map[string]bool{OriginUser: true, OriginUnknown: true},
			Defines: map[string]*Define{}, Imported: map[string]bool{}, Context: Type{Kind: RecordKind},
		},
	}
	for _, f := range files {
		for _, b := range f.broken {
			c.incomplete = true
			if b.name != "" {
				c.broken[b.name] = true
			}
			c.brokenTool = c.brokenTool || b.kind == "tool"
			c.brokenContext = c.brokenContext || b.kind == "context"
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			c.collect(d, imported[f])
		}
	}
	c.sortProgram()
	c.vocabulary()
	c.lookAlikes()
	for _, name := range sortedKeys(c.prog.Defines) {
		c.define(c.prog.Defines[name])
	}
	for _, name := range sortedKeys(c.prog.Tools) {
		c.toolEffects(c.prog.Tools[name])
	}
	for _, r := range c.prog.Rules {
		c.rule(r)
	}
	c.besideRules()
	for _, t := range c.prog.Tests {
		c.test(t)
	}
	c.unused(imported)
	c.effective(files)
	for _, f := range files {
		c.prog.Sources = append(c.prog.Sources, f.Src)
	}
	entries := make([][]byte, 0, len(c.forms))
	for _, d := range c.forms {
		entries = append(entries, d.form)
	}
	c.prog.canonical = canonicalProgram(Edition, entries)
	c.prog.digest = sha256.Sum256(c.prog.canonical)
	return c.prog
}

// declare records a declaration under its name and reports whether it is the first. An identical one is passed over;
// a different one is an error that shows both.
func (c *checker) declare(space, name string, span Span, form []byte) bool {
	key := space + " " + name
	first, ok := c.forms[key]
	if !ok {
		c.forms[key] = declared{form, span}
		return true
	}
	if !bytes.Equal(first.form, form) {
		what := "`" + name + "`"
		if name == "" {
			what = "`" + space + "`"
		}
		d := c.diags.errorf(span, CodeDuplicate, "%s is declared twice, differently", what).label(first.span, "the other declaration").
			hint("rename one, or make them the same")
		if strings.Contains(name, "#") {
			d.hint("two rules without a label have the same id; give one of them a label")
		}
	}
	return false
}

func (c *checker) collect(d Decl, imported bool) {
	p := c.prog
	switch d := d.(type) {
	case *Group:
		if c.declare("principal", d.Name.Name, d.Name.Span, entry("group", d.Name.Name, sortedIdents(d.In), sortedTexts(d.Claims))) {
			p.Groups[d.Name.Name] = d
		}
	case *Principal:
		if c.declare("principal", d.Name.Name, d.Name.Span, entry(string(d.Kind), d.Name.Name, sortedIdents(d.In))) {
			p.Principals[d.Name.Name] = d
		}
	case *Actions:
		for _, id := range d.Names {
			if contains(builtinActions, id.Name) {
				c.diags.errorf(id.Span, CodeReservedName, "the action `%s` is built in", id.Name).hint("delete it here; it can be used without being declared")
			} else if c.declare("action", id.Name, id.Span, entry("action", id.Name)) {
				p.Actions[id.Name] = true
			}
		}
	case *Origins:
		for _, id := range d.Names {
			if id.Name == OriginUser || id.Name == OriginUnknown || id.Name == OriginPolicy {
				c.diags.errorf(id.Span, CodeReservedName, "the origin `%s` is built in", id.Name).hint("delete it here")
			} else if c.declare("origin", id.Name, id.Span, entry("origin", id.Name)) {
				p.Origins[id.Name] = true
			}
		}
	case *Tool:
		if c.declare("tool", d.Name.Name, d.Name.Span, entry("tool", d.Name.Name, toolForm(d)...)) {
			p.Tools[d.Name.Name] = d
		}
	case *Context:
		for _, f := range d.Fields {
			if contains(reservedFacts, f.Name.Name) {
				c.diags.errorf(f.Name.Span, CodeReservedName, "the context field `%s` is the host's own", f.Name.Name).hint("choose another name; the time is `now`")
			} else if c.declare("context field", f.Name.Name, f.Span, entry("context", f.Name.Name, typeForm(f.Type))) {
				c.context[f.Name.Name] = f
			}
		}
	case *Define:
		if c.declare("define", d.Name.Name, d.Name.Span, entry("define", d.Name.Name, exprForm(d.Body))) {
			p.Defines[d.Name.Name] = d
		}
	case *Rule:
		form := ruleForm(d)
		d.ID = anonymousID(string(d.Effect), marshal(form))
		at := d.Scope.Span
		if d.Label != nil {
			d.ID, at = d.Label.Name, d.Label.Span
			c.label(d.Label)
		}
		if c.declare("rule", d.ID, at, entry("rule", d.ID, form...)) {
			p.Rules = append(p.Rules, d)
			p.Imported[d.ID] = imported
		} else {
			c.mergeRule(d, imported)
		}
	case *Limit:
		form := limitForm(d)
		d.ID = anonymousID("limit", marshal(form))
		at := d.Scope.Span
		if d.Label != nil {
			d.ID, at = d.Label.Name, d.Label.Span
			c.label(d.Label)
		}
		if c.declare("rule", d.ID, at, entry("limit", d.ID, form...)) {
			p.Limits = append(p.Limits, d)
		}
	case *Lifecycle:
		if c.declare("rule", d.Name.Name, d.Name.Span, entry("lifecycle", d.Name.Name, lifecycleForm(d)...)) {
			p.Lifecycles = append(p.Lifecycles, d)
		}
	case *Delegation:
		if c.declare("delegation", "", d.Span, entry("delegation", "", settingsForm(d.Settings)...)) {
			p.Delegation = d
		}
	case *Sandbox:
		names := []string{"any"}
		if !d.Subjects.Any {
			names = nil
			for _, id := range d.Subjects.Names {
				names = append(names, id.Name)
			}
		}
		isNew := false
		for _, name := range names {
			isNew = c.declare("sandbox", name, d.Subjects.Span, entry("sandbox", name, settingsForm(d.Settings)...)) || isNew
		}
		if isNew {
			p.Sandboxes = append(p.Sandboxes, d)
		}
	case *Secret:
		form := entry("secret", d.Name.Name, namesForm(d.For), d.On.Text.Value, d.Header.Value, d.Template.Value)
		if c.declare("secret", d.Name.Name, d.Name.Span, form) {
			p.Secrets = append(p.Secrets, d)
		}
	case *Test:
		p.Tests = append(p.Tests, d)
	}
}

// label refuses labels that could be taken for the id of an unlabelled rule.
func (c *checker) label(id *Ident) {
	if id.Name == "" || strings.ContainsAny(id.Name, "#\n\r\t") || len(id.Name) > MaxNameLen {
		c.diags.errorf(id.Span, CodeReservedName, "%s can't label a rule", quote(short(id.Name))).hint("a label is a word, or a short text without #")
	}
}

// mergeRule folds a repeated rule into the one that is there, such that the order of files doesn't show: of two
// explanations and two places the lesser stays.
func (c *checker) mergeRule(d *Rule, imported bool) {
	for i, r := range c.prog.Rules {
		if r.ID != d.ID {
			continue
		}
		keep, other := r, d
		if d.Span.less(r.Span) {
			keep, other = d, r
		}
		if b := other.Because; b != nil && (keep.Because == nil || b.Value < keep.Because.Value) {
			keep.Because = b
		}
		c.prog.Rules[i] = keep
		c.prog.Imported[d.ID] = c.prog.Imported[d.ID] && imported
	}
}

func (c *checker) sortProgram() {
	p := c.prog
	p.ancestors = map[string][]string{}
	for name, g := range p.Groups {
		p.ancestors[name] = p.above(g.In)
	}
	for name, d := range p.Principals {
		p.ancestors[name] = p.above(d.In)
	}
	for _, t := range p.Tools {
		t.Effects = sortEffects(t.Effects)
	}
	sort.Slice(p.Rules, func(i, j int) bool { return p.Rules[i].ID < p.Rules[j].ID })
	sort.Slice(p.Limits, func(i, j int) bool { return p.Limits[i].ID < p.Limits[j].ID })
	sort.Slice(p.Lifecycles, func(i, j int) bool { return p.Lifecycles[i].Name.Name < p.Lifecycles[j].Name.Name })
	sort.Slice(p.Sandboxes, func(i, j int) bool { return p.Sandboxes[i].Span.less(p.Sandboxes[j].Span) })
	sort.Slice(p.Secrets, func(i, j int) bool { return p.Secrets[i].Name.Name < p.Secrets[j].Name.Name })
	sort.SliceStable(p.Tests, func(i, j int) bool {
		a, b := p.Tests[i], p.Tests[j]
		if a.Span.Src.Name != b.Span.Src.Name {
			return a.Span.Src.Name < b.Span.Src.Name
		}
		return a.Span.Start < b.Span.Start
	})
}

// vocabulary checks groups, principals, types, and what tools and the context declare.
func (c *checker) vocabulary() {
	p := c.prog
	for _, name := range sortedKeys(p.Groups) {
		g := p.Groups[name]
		for _, id := range g.In {
			c.group(id)
		}
		for _, claim := range g.Claims {
			if !strings.HasPrefix(claim.Value, "did:key:z6Mk") {
				c.diags.errorf(claim.Span, CodeInvalidValue, "%s is not an issuer's key", quote(short(claim.Value))).hint("an Ed25519 key is written did:key:z6Mk…")
			}
		}
		if len(p.Ancestors(name)) > MaxDepth {
			c.diags.errorf(g.Name.Span, CodeTooDeep, "the group `%s` is in more than %d others", name, MaxDepth)
		} else if circle := p.circle(name); len(circle) > 0 && circle[0] == name {
			c.diags.errorf(g.Name.Span, CodeCycle, "the group `%s` is a member of itself", name).hint("take an `in` out of one of: %s", strings.Join(circle, ", "))
		}
	}
	for _, name := range sortedKeys(p.Principals) {
		for _, id := range p.Principals[name].In {
			c.group(id)
		}
	}
	for _, name := range sortedKeys(c.context) {
		f := c.context[name]
		p.Context.Fields = append(p.Context.Fields, Field{name, c.typ(f.Type)})
	}
	pinned := ""
	for _, name := range sortedKeys(p.Tools) {
		if p.Tools[name].Pin != nil {
			pinned = name
		}
	}
	for _, name := range sortedKeys(p.Tools) {
		t := p.Tools[name]
		if _, err := resource.Parse("tool://" + t.Name.Name); err != nil || strings.Trim(t.Name.Name, toolNameBytes) != "" {
			c.diags.errorf(t.Name.Span, CodeInvalidValue, "%s can't name a tool", quote(short(t.Name.Name))).
				hint("a tool's name has ASCII letters, digits, and . _ - : @ +")
		}
		for i := range t.Name.Name {
			if other := p.Tools[t.Name.Name[:i]]; other != nil && t.Name.Name[i] == '.' {
				c.diags.errorf(t.Name.Span, CodeLookAlike, "the tool `%s` is named like a field of what the tool `%s` returns", name, other.Name.Name).
					label(other.Name.Span, "the other tool").hint("`from tool %s` would cover both; declare one of them in a policy of its own", other.Name.Name)
			}
		}
		if len(t.Name.Name) > MaxNameLen {
			c.diags.errorf(t.Name.Span, CodeTooLong, "a tool's name of %d bytes; at most %d are allowed", len(t.Name.Name), MaxNameLen)
		}
		seen := map[string]Span{}
		for _, prm := range t.Params {
			c.unique(seen, prm.Name, "parameter")
			c.typ(prm.Type)
		}
		t.Args = argsType(t.Params)
		if t.Result != nil {
			c.typ(t.Result)
		}
		if t.Pin == nil && pinned != "" {
			c.diags.warnf(t.Name.Span, WarnMissingPin, "the tool `%s` has no pin, though `%s` has", name, pinned).
				hint("without one a changed definition goes unnoticed; `moatc import mcp` writes them")
		}
		if t.Pin != nil && !validPin(t.Pin.Value) {
			c.diags.errorf(t.Pin.Span, CodeInvalidValue, "%s is not the digest of a definition", quote(short(t.Pin.Value))).
				hint("a pin is written sha256: and 64 hexadecimal digits in lower case")
		}
	}
}

// toolNameBytes are what a tool's name may hold: nothing that a pattern of resources, or a person, would read otherwise.
const toolNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:@+"

func validPin(s string) bool {
	hexDigits, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hexDigits) == 64 && strings.Trim(hexDigits, "0123456789abcdef") == ""
}

func (c *checker) unique(seen map[string]Span, id Ident, what string) {
	if first, ok := seen[id.Name]; ok {
		c.diags.errorf(id.Span, CodeDuplicate, "the %s `%s` stands twice", what, id.Name).label(first, "the first one")
		return
	}
	seen[id.Name] = id.Span
}

// typ resolves a type as written.
func (c *checker) typ(t *TypeExpr) Type {
	var out Type
	switch {
	case t.Elem != nil:
		elem := c.typ(t.Elem)
		if elem.Optional {
			c.diags.errorf(t.Elem.Span, CodeType, "the elements of a list can't be optional").hint("leave out what is absent")
			elem.Optional = false
		}
		out = ListOf(elem)
	case t.Record:
		out = Type{Kind: RecordKind}
		seen := map[string]Span{}
		for _, f := range t.Fields {
			c.unique(seen, f.Name, "field")
			out.Fields = append(out.Fields, Field{f.Name.Name, c.typ(f.Type)})
		}
		sort.SliceStable(out.Fields, func(i, j int) bool { return out.Fields[i].Name < out.Fields[j].Name })
	case len(t.Enum) > 0:
		out = Type{Kind: Enum}
		for _, e := range t.Enum {
			if !contains(out.Enum, e.Value) {
				out.Enum = append(out.Enum, e.Value)
			}
		}
		sort.Strings(out.Enum)
	default:
		kind, ok := namedTypes[t.Name.Name]
		if !ok {
			d := c.diags.errorf(t.Name.Span, CodeUnknownType, "there is no type `%s`", short(t.Name.Name))
			if h := typeHabits[strings.ToLower(t.Name.Name)]; h != "" {
				d.hint("%s", h)
			} else if n := nearest(t.Name.Name, sortedKeys(namedTypes)); n != "" {
				d.hint("did you mean `%s`?", n)
			} else {
				d.hint("there are %s, \"a\" | \"b\", [T], { field: T } and T?", strings.Join(sortedKeys(namedTypes), ", "))
			}
		}
		out = of(kind)
	}
	out.Optional = t.Optional
	t.Type = out
	return out
}

// typeHabits are names that types have elsewhere.
var typeHabits = map[string]string{
	"integer": "write `int`", "long": "write `int`", "int64": "write `int`", "number": "write `int` or `decimal`", "float": "write `decimal`; there are no inexact numbers",
	"double": "write `decimal`; there are no inexact numbers", "str": "write `string`", "text": "write `string`", "boolean": "write `bool`", "datetime": "write `timestamp`",
	"time": "write `timestamp`", "uri": "write `url`", "list": "write `[T]`", "array": "write `[T]`", "set": "write `[T]`", "object": "write `{ field: T }` or `json`",
	"any": "write `json` for what can't be typed", "ipaddr": "write `ip`", "file": "write `path`",
}

// group resolves the name of a group.
func (c *checker) group(id Ident) *Group {
	if g := c.prog.Groups[id.Name]; g != nil {
		return g
	}
	if c.isBroken(id.Name) {
		return nil
	}
	if c.prog.Principals[id.Name] != nil {
		c.diags.errorf(id.Span, CodeWrongKindName, "`%s` is %s, not a group", id.Name, c.kindOf(id.Name)).label(c.prog.Principals[id.Name].Name.Span, "declared here").
			hint("only a group has members; for one principal compare agent.name")
		return nil
	}
	c.unknown(id, "group", sortedKeys(c.prog.Groups))
	return nil
}

func (c *checker) kindOf(name string) string {
	switch {
	case c.prog.Groups[name] != nil:
		return "a group"
	case c.prog.Principals[name] == nil:
		return "nothing"
	case c.prog.Principals[name].Kind == Person:
		return "a person"
	}
	return "an agent"
}

// pointAt labels the declaration of a name that is like the one a diagnostic is about: it may be the misspelt one of the two.
func (c *checker) pointAt(d *Diagnostic, what, name string) {
	space := what
	switch what {
	case "group", "person", "agent or person", "agent, person or group":
		space = "principal"
	}
	if first, ok := c.forms[space+" "+name]; ok {
		d.label(first.span, "`%s` is declared here", name)
	}
}

// isBroken reports whether a declaration with a syntax error would have made a name, as far as one can guess: that name, one that it
// begins with (`tool read_filepath: path)` for read_file), or one with further words behind a dot (`tool bank.txs.sender` for bank).
func (c *checker) isBroken(name string) bool {
	if name == "" {
		return false
	}
	for b := range c.broken {
		if b == name || strings.HasPrefix(b, name) && len(name) > 2 || strings.HasPrefix(name, b+".") {
			return true
		}
	}
	return false
}

// unknown reports a name that nothing declares, with the nearest that is declared.
func (c *checker) unknown(id Ident, what string, candidates []string) {
	if c.isBroken(id.Name) {
		return
	}
	d := c.diags.errorf(id.Span, CodeUnknownName, "there is no %s `%s`", what, short(id.Name))
	if c.diags.errors > MaxErrors { // it won't be shown
		return
	}
	if n := nearest(id.Name, candidates); n != "" {
		d.hint("did you mean `%s`?", n)
		c.pointAt(d, what, n)
	} else if len(candidates) == 1 {
		d.hint("there is only %s", candidates[0])
	} else if len(candidates) > 0 && len(candidates) <= 12 {
		d.hint("there are %s", strings.Join(candidates, ", "))
	} else {
		d.hint("declare it: %s %s", what, id.Name)
	}
}

// principals resolves names of agents, persons and groups.
func (c *checker) principals(n Names) {
	for _, id := range n.Names {
		c.principalOrGroup(id)
	}
}

func (c *checker) principalOrGroup(id Ident) bool {
	c.used[id.Name] = true
	if c.prog.Groups[id.Name] != nil || c.prog.Principals[id.Name] != nil {
		return true
	}
	c.unknown(id, "agent, person or group", append(sortedKeys(c.prog.Groups), sortedKeys(c.prog.Principals)...))
	return false
}

func (c *checker) actions(n Names) {
	for _, id := range n.Names {
		c.action(id)
	}
}

func (c *checker) action(id Ident) {
	c.used["action "+id.Name] = true
	if !c.prog.Actions[id.Name] {
		d := sortedKeys(c.prog.Actions)
		c.unknown(id, "action", d)
	}
}

// targets resolves targets and gives each its patterns.
func (c *checker) targets(ts []Target) {
	for i := range ts {
		c.target(&ts[i])
	}
}

func (c *checker) target(t *Target) {
	t.Patterns = nil
	add := func(span Span, text string) {
		p, err := resource.ParsePattern(text)
		if err != nil {
			c.patternError(span, CodeInvalidPattern, err)
			return
		}
		t.Patterns = append(t.Patterns, p)
	}
	switch t.Kind {
	case TargetTool:
		if c.prog.Tools[t.Tool.Name] == nil {
			c.unknown(t.Tool, "tool", sortedKeys(c.prog.Tools))
			return
		}
		add(t.Tool.Span, "tool://"+t.Tool.Name)
	case TargetTools:
		add(t.Span, "tool://*")
	case TargetAgents:
		if t.Agents.Any {
			add(t.Span, "agent://*")
			return
		}
		for _, id := range t.Agents.Names {
			if c.principalOrGroup(id) {
				for _, member := range c.members(id.Name) {
					add(id.Span, "agent://"+member)
				}
			}
		}
	case TargetPattern:
		add(t.Text.Span, t.Text.Value)
		if len(t.Patterns) == 1 {
			c.someTool(t.Text, t.Patterns[0])
		}
	}
}

// members are the declared principals that a name stands for: itself, or those of a group.
func (c *checker) members(name string) []string {
	if c.prog.Principals[name] != nil {
		return []string{name}
	}
	var out []string
	for _, p := range sortedKeys(c.prog.Principals) {
		if c.prog.IsIn(p, name) {
			out = append(out, p)
		}
	}
	return out
}

// patternError reports a resource or pattern that isn't canonical.
func (c *checker) patternError(span Span, code Code, err error) {
	d := c.diags.errorf(span, code, "%s", err)
	if rerr, ok := err.(*resource.Error); ok {
		d.Message = quote(short(rerr.Input)) + ": " + rerr.Reason
		switch in := rerr.Input; {
		case rerr.Canonical != "":
			d.hint("write %s", quote(rerr.Canonical))
		case strings.Contains(in, "://") || code != CodeInvalidPattern:
		case in == "*" || in == "**":
			d.hint("for every resource write `any`, without quotes")
		case strings.HasPrefix(in, "/"):
			d.hint("write %s", quote("file://"+in))
		case strings.Contains(in, "."):
			d.hint("write %s", quote("https://"+in+"/**"))
		}
	}
}

// lookAlikes refuses two names of one namespace that people would take for each other.
func (c *checker) lookAlikes() {
	p := c.prog
	spans := map[string]Span{}
	for key, d := range c.forms {
		spans[key] = d.span
	}
	spaces := map[string][]string{
		"principal": append(sortedKeys(p.Groups), sortedKeys(p.Principals)...), "tool": sortedKeys(p.Tools), "action": sortedKeys(p.Actions),
		"origin": sortedKeys(p.Origins), "define": sortedKeys(p.Defines), "context field": sortedKeys(c.context),
	}
	for _, space := range sortedKeys(spaces) {
		seen := map[string]string{}
		for _, name := range spaces[space] {
			sk := skeleton(name)
			if other, ok := seen[sk]; ok {
				span, first := spans[space+" "+name], spans[space+" "+other]
				if span.IsZero() || !first.IsZero() && span.less(first) { // a built-in name has no place; of two declared the later is at fault
					span, first, name, other = first, span, other, name
				}
				d := c.diags.errorf(span, CodeLookAlike, "`%s` looks like `%s`", name, other).hint("names that differ only by case, or by 0 and O, 1, l and I, - and _, are taken for each other; rename one")
				if !first.IsZero() {
					d.label(first, "the other one")
				}
				continue
			}
			seen[sk] = name
		}
	}
}

var skeletons = strings.NewReplacer("I", "l", "1", "l", "|", "l", "0", "o", "O", "o", "-", "_")

// skeleton maps names that look alike to one text.
func skeleton(name string) string {
	s := strings.ToLower(skeletons.Replace(name))
	s = strings.ReplaceAll(s, "rn", "m")
	return strings.ReplaceAll(s, "vv", "w")
}
