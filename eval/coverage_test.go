package eval_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
)

func TestCoverage(t *testing.T) {
	p, diags := lang.Compile(map[string]string{"p.moat": `policy p edition 1
agent a
agent b
tool t(x: int, s: string)
  does read on "file:///x"
define big = args.x > 10 and not args.s == "ok"
permit everyone: a to execute on tool t
permit never: b to execute on tool t
permit reads: a to read on "file:///x"
permit b_reads: b to read on "file:///y"
  when context.hour > 1
forbid large: any to execute on tool t
  when big
  unless args.s like "free*"
context { hour: int }
test "one" {
  try a to execute on tool t { x: 1, s: "no" } expect permit
  try a to execute on tool t { x: 11, s: "no" } expect deny
  try a to execute on tool t { x: "wrong" } expect deny
}
`})
	if p == nil {
		t.Fatal(diags)
	}
	results, c := eval.Cover(eval.New(p))
	if len(results) != 1 || len(results[0].Failures) != 0 {
		t.Fatalf("%+v", results)
	}
	var got []string
	for _, g := range c.Gaps() {
		got = append(got, fmt.Sprintf("%s: %s", g.Rule.ID, g))
	}
	want := []string{
		"b_reads: no test makes `context.hour > 1` true",
		"b_reads: no test makes `context.hour > 1` false",
		"large: no test makes `args.s == \"ok\"` true",
		"large: no test makes `args.s like \"free*\"` true",
		"never: no test asks never",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if reached, all := c.Outcomes(); reached != 6 || all != 11 || c.Asked() != 3 {
		t.Errorf("%d of %d outcomes, %d rules asked", reached, all, c.Asked())
	}
	for _, r := range c.Rules {
		// What is denied before any rule asks none: two of three requests count.
		if r.Rule.ID == "large" && (r.Asked != 2 || r.Held != 1 || r.Failed != 1) {
			t.Errorf("%+v", r)
		}
	}
}
