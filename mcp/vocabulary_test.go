package mcp

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
)

func TestVocabulary(t *testing.T) {
	tools := parse(t, `{"jsonrpc":"2.0","id":1,"result":{"tools":[
		{"name":"docs.read","inputSchema":{"type":"object","properties":{"to":{"type":"string","format":"email"},"filter":{"type":["string","integer"]}},"required":["to"],"additionalProperties":{}},"outputSchema":{"type":"object","properties":{"text":{"type":"string"},"more":{}},"required":["text"]}},
		{"name":"count","inputSchema":{"type":"object"}},
		{"name":"a.b.c","inputSchema":{"$ref":"#/$defs/in","$defs":{"in":{"properties":{"x-y":{"type":"integer"}}}}}},
		{"name":"sum.by","inputSchema":{"type":"object","properties":{"a very long name of a parameter":{"type":"string"},"another_parameter_with_a_name":{"type":"array","items":{"type":"object","properties":{"first_field_of_the_record":{"type":"string"},"second_field_of_the_record":{"type":"string"},"third_field_of_the_record":{"type":"string"}}}}}}}
	]}}`)
	got, err := Vocabulary("docs", tools)
	if err != nil {
		t.Fatal(err)
	}
	want := `policy docs edition 1

` + heading + `

// open: the schema admits arguments that it doesn't name; a call with one is denied
// json: result.more: its schema doesn't say of what type
tool docs.read(
  to: email,
  // json: filter: one of string or integer
  filter: json?
) -> { text: string, more: json? }
  pin "PIN"

tool "count"()
  pin "PIN"

tool "a.b.c"(x-y: int?)
  pin "PIN"

tool "sum.by"(
  "a very long name of a parameter": string?,
  another_parameter_with_a_name: [{
    first_field_of_the_record: string?,
    second_field_of_the_record: string?,
    third_field_of_the_record: string?
  }]?
)
  pin "PIN"
`
	for _, tool := range tools {
		want = strings.Replace(want, "PIN", tool.Pin, 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The tools of the official filesystem server make a policy with one rule, and the pins that the shipped policy has.
func TestFilesystemServer(t *testing.T) {
	data, err := os.ReadFile("../policies/filesystem-mcp/tools.json")
	if err != nil {
		t.Fatal(err)
	}
	tools := parse(t, string(data))
	text, err := Vocabulary("fs", tools)
	if err != nil {
		t.Fatal(err)
	}
	p, diags := lang.Compile(map[string]string{
		"tools.moat": text,
		"rules.moat": "policy fs edition 1\nagent a\npermit a to execute on tool write_file\n  when args.path == \"/tmp/x\" and size(args.content) < 100\n",
	})
	if p == nil || len(p.Tools) != len(tools) {
		t.Fatal(diags)
	}
	shipped, err := os.ReadFile("../policies/filesystem-mcp/vocabulary.moat")
	if err != nil {
		t.Fatal(err)
	}
	if got, changes, err := Update(lang.NewSource("v.moat", string(shipped)), tools); err != nil || got != string(shipped) {
		t.Errorf("%v, %v", changes, err)
	}
}

// What a server writes ends no comment and no string, and shows as what it is.
func TestHostileText(t *testing.T) {
	const rule = `permit evil to any on any`
	hostile := []string{"\n" + rule + "\n", "\r" + rule, "\u2028" + rule, "\u202e" + rule, "*/ " + rule, `"` + "\n" + rule, `\`, `\"` + "\n" + rule, "// json: x\n" + rule, "\u0000", "\u200b", "{", "а"}
	for _, h := range hostile {
		q := strictjson.Value{Kind: strictjson.String, Text: h}
		s := string(q.AppendJSON(nil))
		tools := parse(t, `[{"name":"t","title":`+s+`,"description":`+s+`,"inputSchema":{"type":"object","title":`+s+`,"description":`+s+`,"properties":{`+
			s+`:{"description":`+s+`,"type":"string"},"e":{"enum":[`+s+`]},"c":{"type":`+s+`},"r":{"$ref":`+s+`},"rr":{"$ref":"#`+s[1:]+
			`},"f":{"type":"string","format":`+s+`},"o":{"type":"object","properties":{`+s+`:{}},"required":[`+s+`]},"b":{"anyOf":[{"const":`+s+`},{"type":"integer"}]}}},"outputSchema":{"properties":{`+s+`:{}}}}]`)
		text, err := Vocabulary("p", tools)
		if err != nil {
			t.Errorf("%q: %v", h, err)
			continue
		}
		checkVocabulary(t, text, tools)
		// The same text comes by way of an update.
		text, _, err = Update(lang.NewSource("v.moat", "policy p edition 1\n\ntool t()\n  pin \"old\"\n"), tools)
		if err != nil {
			t.Errorf("%q: %v", h, err)
			continue
		}
		checkVocabulary(t, text, tools)
	}
}

// checkVocabulary fails unless a text declares these tools and nothing else, in printable ASCII and in the canonical layout.
func checkVocabulary(t *testing.T, text string, tools []Tool) {
	t.Helper()
	f, diags := lang.Parse(lang.NewSource("v.moat", text))
	if diags.Err() != nil {
		t.Fatalf("%v\n%s", diags, text)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
		t.Errorf("%q at %d of\n%s", text[i], i, text)
	}
	if formatted, _ := lang.Format(lang.NewSource("v.moat", text)); formatted != text {
		t.Errorf("not in the canonical layout: %s", cmp.Diff(text, formatted))
	}
	if len(f.Decls) != len(tools) {
		t.Fatalf("%d declarations of %d tools\n%s", len(f.Decls), len(tools), text)
	}
	for i, d := range f.Decls {
		tool, ok := d.(*lang.Tool)
		if !ok || tool.Name.Name != tools[i].Name || tool.Pin == nil || tool.Pin.Value != tools[i].Pin || len(tool.Params) != len(tools[i].params) {
			t.Fatalf("declaration %d isn't tool %s\n%s", i, tools[i].Name, text)
		}
		for j, p := range tools[i].params {
			if got := tool.Params[j]; got.Name.Name != p.name || !equal(got.Type, p.typ) {
				t.Fatalf("parameter %q is now %q: %s", p.name, got.Name.Name, typeText(got.Type))
			}
		}
		if r := tools[i].result; (r == nil) != (tool.Result == nil) || r != nil && !equal(r, tool.Result) {
			t.Fatalf("another result\n%s", text)
		}
	}
}

func TestParseForms(t *testing.T) {
	for _, text := range []string{`[]`, `{"tools":[]}`, `{"tools":[],"nextCursor":null,"_meta":{}}`, `{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}`} {
		if tools, err := Parse([]byte(text)); err != nil || len(tools) != 0 {
			t.Errorf("%s: %v, %v", text, tools, err)
		}
	}
	tool := func(name, schema string) string { return fmt.Sprintf(`{"name":%s,"inputSchema":%s}`, name, schema) }
	const object = `{"type":"object"}`
	for _, tt := range []struct{ text, want string }{
		{`{`, "JSON: at byte 1"},
		{`{"tools":[],"tools":[]}`, "a member name stands twice"},
		{`{}`, "no answer to tools/list"},
		{`{"tools":{}}`, "no answer to tools/list"},
		{`"tools"`, "no answer to tools/list"},
		{`{"tools":[],"nextCursor":"b"}`, "nextCursor"},
		{`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method\nnot found"}}`, `the server answered with an error: "Method\nnot found"`},
		{`[3]`, `tool 1, "": a definition is an object, not number`},
		{`[{"name":"a"}]`, `tool 1, "a": it has no inputSchema`},
		{`[{"name":7}]`, "it has no name"},
		{`[` + tool(`"a"`, object) + `,` + tool(`"a"`, object) + `]`, `tool 2, "a": its name stands twice`},
		{`[` + tool(`"a b"`, object) + `]`, "isn't printable ASCII without spaces"},
		{`[` + tool(`"\u0430"`, object) + `]`, `"\u0430": its name isn't printable ASCII`},
		{`[` + tool(`"a\npermit x to any on any"`, object) + `]`, `"a\npermit x to any on any": its name isn't`},
		{`[` + tool(`"files/read"`, object) + `]`, "its name has a slash"},
		{`[` + tool(`".."`, object) + `]`, "its name can't stand in a resource"},
		{`[` + tool(`"a;b"`, object) + `]`, "its name can't stand in a resource"},
		{`[` + tool(`"a*"`, object) + `,` + tool(`"b{c,d}"`, object) + `]`, `tool 2, "b{c,d}": "b{c,d}" can't name a tool`},
		{`[` + tool(`"pay"`, object) + `,` + tool(`"other"`, object) + `,` + tool(`"Pay"`, object) + `]`, "tool 3, \"Pay\": `Pay` looks like `pay`"},
		{`[` + tool(`"bank"`, object) + `,` + tool(`"bank.pay"`, object) + `]`, "tool 2, \"bank.pay\": the tool `bank.pay` is named like a field"},
		{`[` + tool(`"`+strings.Repeat("a", 257)+`"`, object) + `]`, "257 bytes; at most 256"},
		{`[` + tool(`"a"`, `true`) + `]`, "no schema of an object"},
		{`[` + tool(`"a"`, `{"type":"string"}`) + `]`, "no schema of an object"},
		{`[` + tool(`"a"`, `{"type":"object","properties":7}`) + `]`, "of its inputSchema: its schema has malformed properties"},
		{`[` + tool(`"a"`, `{"$ref":"#"}`) + `]`, "refers to what isn't there"},
		{`[` + tool(`"a"`, `{"$ref":"x"}`) + `]`, "refers to what isn't there"},
		{`[` + tool(`"a"`, `{"properties":{"`+strings.Repeat("p", 257)+`":{}}}`) + `]`, "a name of 257 bytes"},
		{`[` + strings.TrimSuffix(strings.Repeat(`{},`, MaxTools+1), ",") + `]`, "4097 tools; at most 4096"},
		{`[` + strings.TrimSuffix(strings.Repeat(`{},`, 30), ",") + `]`, "10 more can't be imported"},
		{strings.Repeat(" ", MaxInput+1), "more than 4194304"},
	} {
		if tools, err := Parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) || tools != nil {
			t.Errorf("%.100s: %v, want %q", tt.text, err, tt.want)
		}
	}
	var many strings.Builder
	for i := range MaxParams + 1 {
		fmt.Fprintf(&many, `,"p%d":{}`, i)
	}
	if _, err := Parse([]byte(`[` + tool(`"a"`, `{"properties":{`+many.String()[1:]+`}}`) + `]`)); err == nil || !strings.Contains(err.Error(), "1025 parameters") {
		t.Error(err)
	}
}

func TestVocabularyName(t *testing.T) {
	for _, name := range []string{"", "a b", "permit", "1a", "a-", "ä", "x\npermit"} {
		if text, err := Vocabulary(name, nil); err == nil || text != "" {
			t.Errorf("%q names a policy", name)
		}
	}
}

// Any change of a definition changes the pin, but for how it is written.
func TestPin(t *testing.T) {
	const definition = `{"name":"t","description":"Reads.","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}},"annotations":{"readOnlyHint":true}}`
	pin := parse(t, "["+definition+"]")[0].Pin
	if same := parse(t, `[ {"inputSchema":{"properties":{"a":{"type":"\u0073tring"}},"type":"object"},"annotations":{"readOnlyHint":true},"description":"Reads.","name":"t"} ]`)[0].Pin; same != pin {
		t.Error("the pin depends on order, space or escapes")
	}
	for _, edit := range [][2]string{{"Reads.", "Reads. "}, {"Reads.", "Reads.\u200b"}, {"true", "false"}, {`"string"`, `"string","description":""`}, {`"t",`, `"t","title":"t",`}, {"string", "String"}} {
		changed := strings.Replace(definition, edit[0], edit[1], 1)
		if got := parse(t, "["+changed+"]")[0].Pin; got == pin {
			t.Errorf("%s has the same pin", changed)
		}
	}
}

func TestHints(t *testing.T) {
	tools := parse(t, `[{"name":"t","inputSchema":{"properties":{"filePath":{"type":"string"},"base-url":{"type":"string"},"paths":{"type":"array","items":{"type":"string"}},"link":{"type":"string","format":"uri"},"profile":{"type":"string"},"PATH":{"type":"string"},"file":{"type":"integer"},"cmd":{"type":"string"}},"required":["filePath","base-url","paths","cmd","PATH"]}}]`)
	want := []Hint{{"t", "cmd", "argv"}, {"t", "filePath", "path"}, {"t", "paths", "path"}, {"t", "PATH", "path"}, {"t", "base-url", "url"}}
	if diff := cmp.Diff(want, Hints(tools)); diff != "" {
		t.Error(diff)
	}
}
