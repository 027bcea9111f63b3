package mcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

// What the tables of spec/MCP.md don't show.
func TestType(t *testing.T) {
	tests := []struct {
		schema, want string
		notes        []string
	}{
		{`true`, "json", []string{"json: p: its schema doesn't say of what type"}},
		{`3`, "json", []string{"json: p: its schema is no schema"}},
		{`{"type":"null"}`, "json?", []string{"json: p: always null"}},
		{`{"type":[]}`, "json", []string{"json: p: its schema has a malformed type"}},
		{`{"type":"strng\u202e"}`, "json", []string{`json: p: its schema has the unknown type "strng\u202e"`}},
		{`{"type":["integer","number"]}`, "decimal", nil},
		{`{"type":"string","nullable":true}`, "string?", nil},
		{`{"type":"string","enum":["a","b","a"]}`, `"a" | "b"`, nil},
		{`{"type":["string","null"],"enum":["a",null]}`, `"a"?`, nil},
		{`{"enum":[true]}`, "bool", nil},
		{`{"enum":[1,1.5]}`, "decimal", nil},
		{`{"enum":[]}`, "json", []string{"json: p: an enumeration without values"}},
		{`{"enum":["\"\\\n\u0007é"]}`, `"\"\\\n\u{7}\u{e9}"`, nil},
		{`{"const":null}`, "json?", []string{"json: p: an enumeration without values"}},
		{`{"type":"string","format":3}`, "string", nil},
		{`{"anyOf":[{"type":"string","format":"email"},{"type":"string","format":"uri"},{"type":"null"}]}`, "string?", nil},
		{`{"anyOf":[{"type":"string","format":"email"},{"const":"me"}]}`, "string", nil},
		{`{"anyOf":[{"enum":["a","b"]},{"type":"string"}]}`, "string", nil},
		{`{"oneOf":[{"type":"string"},{"type":"integer"},{"type":["boolean","null"]}]}`, "json?", []string{"json: p: one of string or int or bool"}},
		{`{"oneOf":[{"type":"null"}]}`, "json?", []string{"json: p: one of no forms"}},
		{`{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"type":"string"}]}`, "json", []string{"json: p: one of { a } or string"}},
		{`{"allOf":[{"$ref":"#/$defs/t"},{"minLength":1}]}`, "json", []string{"json: p: all of several schemas"}},
		{`{"type":"object","allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}]}`, "{ a: string }", nil},
		{`{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]},{"properties":{"a":{"minLength":2}}}]}`, "{ a: string? }", nil},
		{`{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"properties":{"b":{}}}]}`, "json", []string{"json: p: an object that may have members that its schema doesn't name"}},
		{`{"type":"object","properties":{"a":{"type":"string"}},"patternProperties":{"^x":{}}}`, "json", []string{"json: p: an object that may have members that its schema doesn't name"}},
		{`{"type":"object","properties":{},"additionalProperties":false}`, "{}", nil},
		{`{"type":"object","properties":{"a":false,"b":{"type":"string"}},"required":["b","c"]}`, "{ b: string, c: json }", []string{"json: p.c: its schema is missing"}},
		{`{"type":"object","properties":[]}`, "json", []string{"json: p: its schema has malformed properties"}},
		{`{"type":"object","properties":{"a":{}},"required":"a"}`, "json", []string{"json: p: its schema has a malformed required"}},
		{`{"properties":{"from":{"type":"string"},"content-type":{"type":"string"},"a b\n":{"type":"string"}}}`, `{ from: string?, content-type: string?, "a b\n": string? }`, nil},
		{`{"items":{"properties":{"x y":{}}}}`, `[{ "x y": json? }]`, []string{`json: p[]."x y": its schema doesn't say of what type`}},
		{`{"type":"array"}`, "[json]", []string{"json: p[]: its schema doesn't say of what type"}},
		{`{"type":"array","items":[{"type":"string"}]}`, "[json]", []string{"json: p[]: the elements have types of their own"}},
		{`{"type":"array","items":{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}},"additionalProperties":false}}`, "[{ a: [int]? }]", nil},
		{`{"$ref":"#/$defs/t","description":"text"}`, "string", nil},
		{`{"$ref":"#/%24defs/t"}`, "string", nil},
		{`{"$ref":"#/$defs/t","nullable":true}`, "string?", nil},
		{`{"$ref":"#/$defs/t","properties":{}}`, "json", []string{"json: p: all of several schemas"}},
		{`{"$ref":7}`, "json", []string{"json: p: its schema is elsewhere"}},
		{`{"$ref":"#anchor"}`, "json", []string{`json: p: its schema refers to "#anchor", which isn't there`}},
		{`{"$ref":"#/required/0"}`, "json", []string{"json: p: its schema is no schema"}},
		{`{"type":"object","properties":{"next":{"$ref":"#/properties/p"}},"required":["next"]}`, "{ next: { next: json } }", []string{"json: p.next.next: its schema refers to itself"}},
		{`{"$ref":"#"}`, "{ p: json }", []string{"json: p.p: its schema refers to itself"}},
	}
	for _, tt := range tests {
		got, notes := typeOf(t, tt.schema)
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.schema, got, tt.want)
		}
		if diff := cmp.Diff(tt.notes, notes); diff != "" {
			t.Errorf("%s: notes: %s", tt.schema, diff)
		}
	}
}

func TestTypeBounds(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, MaxDepth+1) + `{}` + strings.Repeat("}", MaxDepth+1)
	if got, notes := typeOf(t, deep); got != strings.Repeat("[", MaxDepth-1)+"json"+strings.Repeat("]", MaxDepth-1) || !strings.HasSuffix(notes[0], "nests more than 32 deep") {
		t.Errorf("%s, %q", got, notes)
	}
	// Twice as many at every step: 2^40 schemas, of which few are looked at.
	var defs strings.Builder
	for i := range 40 {
		fmt.Fprintf(&defs, `"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%[2]d"}}},`, i, i+1)
	}
	tools, err := Parse([]byte(`[{"name":"x","inputSchema":{"type":"object","properties":{"p":{"$ref":"#/$defs/d0"},"q":{"type":"string"}},"$defs":{` + defs.String() + `"d40":{}}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(typeText(tools[0].params[0].typ)); n > 200_000 {
		t.Errorf("a type of %d bytes", n)
	}
	if p := tools[0].params[0]; len(p.notes) > maxNotes+1 {
		t.Errorf("%d notes", len(p.notes))
	}
	if p := tools[0].params[1]; typeText(p.typ) != "json?" || !strings.HasSuffix(p.notes[0], "is too large") {
		t.Errorf("%s, %q", typeText(p.typ), p.notes)
	}
	if _, err := Vocabulary("p", tools); err != nil {
		t.Error(err)
	}
	long := `"` + strings.Repeat("a", lang.MaxNameLen+1) + `"`
	if got, _ := typeOf(t, `{"properties":{`+long+`:{}}}`); got != "json" {
		t.Error(got)
	}
	if got, _ := typeOf(t, `{"const":"`+strings.Repeat("a", lang.MaxStringLen)+`"}`); got != "string" {
		t.Error(got)
	}
}

func TestNarrows(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"string", "string", true}, {"path", "string", true}, {"argv", "string", true}, {"argv", "[string]", true}, {"string", "path", false},
		{"int", "decimal", true}, {"decimal", "int", false}, {"bool", "json", true}, {"json", "string", false},
		{`"a"`, "string", true}, {`"a"`, `"b" | "a"`, true}, {`"a" | "c"`, `"b" | "a"`, false}, {"string", `"a"`, false}, {`"a"`, "int", false},
		{"[path]", "[string]", true}, {"[string]", "[path]", false}, {"[int]", "string", false}, {"{ a: int }", "json", true},
		{"{ a: path }", "{ a: string }", true}, {"{ a: int, b: int }", "{ b: int, a: int }", true}, {"{ a: int }", "{ a: int, b: int? }", true},
		{"{ a: int }", "{ a: int, b: int }", false}, {"{ a: int, b: int }", "{ a: int }", false}, {"{ a: int? }", "{ a: int }", false}, {"{ a: int }", "{ a: int? }", true},
		{"{}", "[string]", false}, {"string", "nonsense", false},
	}
	for _, tt := range tests {
		if got := narrows(written(t, tt.a), written(t, tt.b)); got != tt.want {
			t.Errorf("%s narrows %s: %v", tt.a, tt.b, got)
		}
	}
}

func TestMerge(t *testing.T) {
	tests := []struct{ old, fresh, want string }{
		{"path", "string", "path"}, {"path", "string?", "path?"}, {"path?", "string", "path"}, {"path", "int", "int"}, {"string", "email", "email"},
		{"{ a: path, gone: int }", "{ a: string, new: bool }", "{ a: path, new: bool }"}, {"[path]", "[string]?", "[path]?"},
		{"[{ to: email }]", "[{ to: string, cc: [string]? }]", "[{ to: email, cc: [string]? }]"},
		{`"a"`, `"a" | "b"`, `"a"`}, {`"a" | "b"`, `"a"`, `"a"`}, {"json", "{ a: int }", "{ a: int }"}, {"{ a: int }", "json?", "{ a: int }?"}, {"argv", "[string]", "argv"},
	}
	for _, tt := range tests {
		if got := typeText(merge(written(t, tt.old), written(t, tt.fresh))); got != tt.want {
			t.Errorf("%s and %s became %s, want %s", tt.old, tt.fresh, got, tt.want)
		}
	}
}

// A url is a resource. The type `resource` is a reserved word too.
func TestNarrowsResource(t *testing.T) {
	if !narrows(named("url"), named("resource")) || !narrows(named("resource"), named("string")) || narrows(named("path"), named("resource")) {
		t.Error("resource isn't between url and string")
	}
}

// written parses a type.
func written(t *testing.T, text string) *lang.TypeExpr {
	t.Helper()
	f, diags := lang.Parse(lang.NewSource("t", "policy p edition 1\ntool t(a: "+text+")\n"))
	if diags.Err() != nil {
		t.Fatalf("%s: %v", text, diags)
	}
	return f.Decls[0].(*lang.Tool).Params[0].Type
}
