package eval_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// A labelling is what a host says of the arguments s, o (may be absent), l (a list of strings) and r ({ a: string, b: [string] }).
// labelsOf says from the specification alone which labels a value has.
type labelling struct {
	args    strictjson.Value
	origins map[string][]string
	values  map[string][]string
}

// own are the labels of the value at a pointer: those given to it by place or by value, else those of the nearest labelled value around it,
// else unknown.
func (l labelling) own(ptr, text string) []string {
	labels := append(append([]string(nil), l.origins[ptr]...), l.values[text]...)
	for up := ptr; len(labels) == 0 && up != ""; {
		up = up[:strings.LastIndexByte(up, '/')]
		labels = l.origins[up]
	}
	if len(labels) == 0 {
		return []string{"unknown"}
	}
	return labels
}

// list are the labels of the list at a pointer: its own, and those of its elements.
func (l labelling) list(ptr string, v strictjson.Value) []string {
	var labels []string
	if explicit := l.origins[ptr]; len(explicit) > 0 {
		labels = append(labels, explicit...)
	} else if len(v.Items) == 0 {
		labels = l.own(ptr, "\x00")
	}
	for i, item := range v.Items {
		labels = append(labels, l.own(fmt.Sprintf("%s/%d", ptr, i), item.Text)...)
	}
	return labels
}

func (l labelling) get(name string) strictjson.Value {
	v, _ := l.args.Get(name)
	return v
}

// forms are expressions, and the labels that each must have.
var forms = []struct {
	expr   string
	labels func(l labelling) []string
}{
	{`args.s`, func(l labelling) []string { return l.own("/s", l.get("s").Text) }},
	{`args.l`, func(l labelling) []string { return l.list("/l", l.get("l")) }},
	{`(args.l + ["x"])`, func(l labelling) []string { return l.list("/l", l.get("l")) }},
	{`(["x"] + [])`, func(l labelling) []string { return nil }},
	{`(args.o ?? "default")`, func(l labelling) []string {
		if o := l.get("o"); o.Kind == strictjson.String {
			return l.own("/o", o.Text)
		}
		return nil
	}},
	{`(args.s + "!" + (args.o ?? ""))`, func(l labelling) []string {
		labels := l.own("/s", l.get("s").Text)
		if o := l.get("o"); o.Kind == strictjson.String {
			labels = append(slices.Clone(labels), l.own("/o", o.Text)...)
		}
		return labels
	}},
	{`[args.s, "y"]`, func(l labelling) []string { return l.own("/s", l.get("s").Text) }},
	{`{ p: args.s, q: args.l }`, func(l labelling) []string {
		return append(slices.Clone(l.own("/s", l.get("s").Text)), l.list("/l", l.get("l"))...)
	}},
	{`args.r.a`, func(l labelling) []string {
		a, _ := l.get("r").Get("a")
		return l.own("/r/a", a.Text)
	}},
	{`args.r`, func(l labelling) []string {
		a, _ := l.get("r").Get("a")
		b, _ := l.get("r").Get("b")
		return append(append(slices.Clone(l.origins["/r"]), l.own("/r/a", a.Text)...), l.list("/r/b", b)...)
	}},
	{`lower(args.s)`, func(l labelling) []string { return l.own("/s", l.get("s").Text) }},
	{`size(args.l)`, func(l labelling) []string { return []string{"unknown"} }},
	{`"literal"`, func(l labelling) []string { return nil }},
}

var listable = []string{"user", "crm", "unknown", "tool src", "tool src.a"}

func covers(listed []string, label string) bool {
	for _, l := range listed {
		if l == label || l == "tool src" && strings.HasPrefix(label, "tool src.") {
			return true
		}
	}
	return false
}

// The labels of values survive lists, records, concatenation and defaults as the specification says, in both evaluators.
func TestOriginsSurvive(t *testing.T) {
	src := "policy p edition 1\nagent bot\norigin crm\ntool src() -> { a: string, b: string }\n" +
		"tool t(s: string, o: string?, l: [string], r: { a: string, b: [string] })\n"
	rng := rand.New(rand.NewSource(1))
	type rule struct {
		form   int
		mode   string
		listed []string
	}
	rules := map[string]rule{}
	for form := range forms {
		for _, mode := range []string{"", "some ", "no "} {
			for n := range 6 {
				var listed []string
				for _, l := range listable {
					if rng.Intn(2) == 0 {
						listed = append(listed, l)
					}
				}
				if len(listed) == 0 {
					listed = []string{"user"}
				}
				id := fmt.Sprintf("f%d%s%d", form, strings.TrimSpace(mode), n)
				rules[id] = rule{form, mode, listed}
				src += fmt.Sprintf("permit %s: bot to execute on tool t when %s from %s[%s]\n", id, forms[form].expr, mode, strings.Join(listed, ", "))
			}
		}
	}
	prog, diags := lang.Compile(map[string]string{"p.moat": src})
	if prog == nil {
		t.Fatal(diags)
	}
	compiled := eval.New(prog)
	tool, err := resource.Parse("tool://t")
	if err != nil {
		t.Fatal(err)
	}
	g := &generator{Rand: rng}
	held, failed := 0, 0
	for range 400 {
		l := labelling{origins: map[string][]string{}, values: map[string][]string{}}
		l.args = obj(mem("s", str(g.pick("v1", "v2"))), mem("l", g.strings("v1", "v2", "v3")), mem("r", obj(mem("a", str(g.pick("v3", "v4"))), mem("b", g.strings("v4")))))
		if g.maybe(0.5) {
			l.args.Members = append(l.args.Members, mem("o", str("v5")))
		}
		for _, ptr := range []string{"", "/s", "/o", "/l", "/l/0", "/r", "/r/a", "/r/b", "/r/b/0"} {
			if g.maybe(0.25) && (ptr == "" || resolves(l.args, ptr)) && (ptr != "" || g.maybe(0.2)) {
				l.origins[ptr] = []string{g.pick("user", "crm", "tool src", "tool src.a", "tool src.b", "unknown")}
			}
		}
		for _, v := range []string{"v1", "v3", "v5"} {
			if g.maybe(0.3) {
				l.values[v] = []string{g.pick("user", "tool src.b"), g.pick("crm", "user")}
			}
		}
		req := eval.Request{Subject: "bot", Action: "execute", Resource: tool, Args: l.args}
		facts := eval.Facts{Origins: l.origins, ValueOrigins: l.values}
		d, ref := compiled.Decide(req, facts), eval.Reference(prog, req, facts)
		if !slices.Equal(d.RuleIDs(), ref.RuleIDs()) {
			t.Fatalf("the evaluators differ: %v, %v", d.RuleIDs(), ref.RuleIDs())
		}
		for id, r := range rules {
			labels := forms[r.form].labels(l)
			some, all := false, true
			for _, label := range labels {
				if covers(r.listed, label) {
					some = true
				} else {
					all = false
				}
			}
			want := map[string]bool{"": all, "some ": some, "no ": !some}[r.mode] || len(labels) == 0
			if got := slices.Contains(d.RuleIDs(), id); got != want {
				t.Fatalf("%s from %s%v is %v; its labels are %v\nargs %s\norigins %v\nby value %v", forms[r.form].expr, r.mode, r.listed, got, labels, l.args.AppendJSON(nil), l.origins, l.values)
			}
			if want {
				held++
			} else {
				failed++
			}
		}
	}
	if held < 1000 || failed < 1000 {
		t.Errorf("%d held, %d failed: the test shows little", held, failed)
	}
}
