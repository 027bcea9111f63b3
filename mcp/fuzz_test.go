package mcp

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

// FuzzVocabulary imports any JSON: it is refused, or its tools and nothing else stand in the file.
func FuzzVocabulary(f *testing.F) {
	for _, s := range []string{before, after, `[]`,
		`[{"name":"t","inputSchema":{"type":"object","properties":{"\n}":{"enum":["\"\n",null]},"b":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"c":{"type":["integer","string"]}},"required":["b"],"additionalProperties":true},"outputSchema":{"properties":{"x":{"items":{"type":"object"}}}}}]`,
		`[{"name":"any","inputSchema":{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"properties":{}}]}}}}]`,
		`[{"name":"a.b","inputSchema":{"properties":{"p":{"properties":{"q":{"const":"x"},"r":{"type":"object","additionalProperties":false,"properties":{}}}}}}}]`,
	} {
		f.Add([]byte(s))
	}
	if data, err := os.ReadFile("../policies/filesystem-mcp/tools.json"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tools, err := Parse(data)
		if err != nil {
			return
		}
		text, err := Vocabulary("p", tools)
		if err != nil {
			t.Fatal(err) // the input is far smaller than what a file may have
		}
		checkVocabulary(t, text, tools)
		same, changes, err := Update(lang.NewSource("v.moat", text), tools)
		if err != nil || same != text || len(changes) > 0 {
			t.Fatalf("imported again: %v, %v\n%s", changes, err, cmp.Diff(text, same))
		}
	})
}

// FuzzUpdate brings any file up to date: what isn't a tool stays, the tools are those of the list, and a second time there is
// nothing to do.
func FuzzUpdate(f *testing.F) {
	f.Add("policy p edition 1\n\ntool read_file(\n  // a\n  path: path, // b\n  x: [{ a: int }]? redact\n  // c\n) -> json\n  does read on file(args.path)\n  pin \"x\"\n  // tail\n\npermit a to any on any\n", []byte(after))
	f.Add("policy p edition 1\r\n// a\r\ntool drop(table: string) pin \"x\" tool stat() // b\r\n // c\r\n// d\r\ntool alert( // x\r\n) pin \"y\"", []byte(after))
	f.Add("policy p edition 1\n\ntool stat(a: int, // x\n\n// y\nb: int)->{a:int}// z\npin \"a\"// w\ntool stat()", []byte(before))
	f.Fuzz(func(t *testing.T, old string, data []byte) {
		tools, err := Parse(data)
		if err != nil {
			return
		}
		src := lang.NewSource("v.moat", old)
		text, _, err := Update(src, tools)
		file, diags := lang.Parse(src)
		if err != nil {
			if diags.Err() == nil {
				t.Fatalf("%v\n%s", err, old)
			}
			return
		}
		got, diags := lang.Parse(lang.NewSource("v.moat", text))
		if diags.Err() != nil {
			t.Fatalf("%v\n%s\nbecame\n%s", diags, old, text)
		}
		if diff := cmp.Diff(others(file), others(got)); diff != "" {
			t.Fatalf("what isn't a tool changed: %s\n%s\nbecame\n%s", diff, old, text)
		}
		pins := map[string]string{}
		for _, tool := range tools {
			pins[tool.Name] = tool.Pin
		}
		declared := map[string]bool{}
		for _, d := range got.Decls {
			if d, ok := d.(*lang.Tool); ok {
				declared[d.Name.Name] = true
				if pin := pins[d.Name.Name]; d.Pin != nil && d.Pin.Value != pin || d.Pin == nil && pin != "" {
					t.Fatalf("%s has another pin\n%s", d.Name.Name, text)
				}
			}
		}
		for name := range pins {
			if !declared[name] {
				t.Fatalf("%s is missing\n%s", name, text)
			}
		}
		again, changes, err := Update(lang.NewSource("v.moat", text), tools)
		for _, c := range changes {
			if c.Kind != Foreign {
				t.Errorf("a second time: %v", c)
			}
		}
		if err != nil || again != text {
			t.Fatalf("a second time: %v, %v\n%s", changes, err, cmp.Diff(text, again))
		}
	})
}

// others are the texts of the header and the declarations that aren't tools.
func others(f *lang.File) []string {
	out := []string{f.Policy.Name}
	for _, d := range f.Decls {
		if _, ok := d.(*lang.Tool); !ok {
			out = append(out, d.DeclSpan().Text())
		}
	}
	return out
}
