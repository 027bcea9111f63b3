package eval_test

import (
	"fmt"
	"testing"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/lang"
)

func TestEffects(t *testing.T) {
	policy, diags := lang.Compile(map[string]string{"p.moat": `policy p edition 1
agent a
context { quiet: bool? }
tool tell(to: [string], text: string)
  does write on "file:///log"
  does send on args.to when not (context.quiet ?? false)
tool plain(text: string)
permit a to execute on tool tell, tool plain
`})
	if policy == nil {
		t.Fatal(diags)
	}
	p := eval.New(policy)
	for _, tt := range []struct{ tool, args, want string }{
		{"tell", `{"to": ["https://a.example/", "agent://b"], "text": "x"}`, "[{send https://a.example/} {send agent://b} {write file:///log}] <nil>"},
		{"tell", `{"to": [], "text": "x"}`, "[{write file:///log}] <nil>"},
		{"plain", `{"text": "x"}`, "[] <nil>"},
		{"tell", `{"to": ["no resource"], "text": "x"}`, ""},
		{"tell", `{"text": "x"}`, ""},
		{"none", `{}`, ""},
	} {
		req, err := eval.Call("a", tt.tool, []byte(tt.args))
		if err != nil {
			t.Fatal(err)
		}
		effects, err := p.Effects(req, eval.Facts{})
		switch got := fmt.Sprint(effects, " ", err); {
		case tt.want == "" && (err == nil || effects != nil):
			t.Errorf("%s %s: %s", tt.tool, tt.args, got)
		case tt.want != "" && got != tt.want:
			t.Errorf("%s %s: %s, want %s", tt.tool, tt.args, got, tt.want)
		}
	}
	if _, err := (*eval.Program)(nil).Effects(eval.Request{}, eval.Facts{}); err == nil {
		t.Error("no policy has effects")
	}
}
