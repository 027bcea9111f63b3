package mcp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

// Random lists are imported, disturbed by comments as people write them, and brought up to date with others.
func TestRandomUpdates(t *testing.T) {
	n := 500
	if testing.Short() {
		n = 50
	}
	for seed := range n {
		checkUpdate(t, uint64(seed))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkUpdate(t *testing.T, seed uint64) {
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	first, second := parse(t, g.list()), parse(t, g.list())
	text, err := Vocabulary("p", first)
	if err != nil {
		t.Fatal(err)
	}
	checkVocabulary(t, text, first)
	if g.IntN(2) == 0 {
		text += "\npermit a to execute on any\n"
	}
	text = g.comment(text)
	if g.IntN(2) == 0 {
		formatted, diags := lang.Format(lang.NewSource("v.moat", text))
		if diags.Err() != nil {
			t.Fatalf("%v\n%s", diags, text)
		}
		text = formatted
	}
	src := lang.NewSource("v.moat", text)
	got, changes, err := Update(src, second)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	old, _ := lang.Parse(src)
	file, diags := lang.Parse(lang.NewSource("v.moat", got))
	if diags.Err() != nil {
		t.Fatalf("%v\n%s", diags, got)
	}
	if diff := cmp.Diff(others(old), others(file)); diff != "" {
		t.Error(diff)
	}
	fresh, had := map[string]*Tool{}, map[string]string{}
	for i := range second {
		fresh[second[i].Name] = &second[i]
	}
	for _, d := range old.Decls {
		if d, ok := d.(*lang.Tool); ok {
			had[d.Pin.Value] = d.Span.Text()
		}
	}
	for _, d := range file.Decls {
		d, ok := d.(*lang.Tool)
		if !ok {
			continue
		}
		tool := fresh[d.Name.Name]
		if tool == nil || d.Pin == nil || d.Pin.Value != tool.Pin {
			t.Fatalf("%s isn't the tool of the list\n%s", d.Name.Name, got)
		}
		delete(fresh, d.Name.Name)
		if before, ok := had[tool.Pin]; ok {
			if d.Span.Text() != before {
				t.Errorf("%s had its pin already, and became\n%s", before, d.Span.Text())
			}
			continue
		}
		if len(d.Params) != len(tool.params) {
			t.Fatalf("other parameters than %s\n%s", tool.text(), d.Span.Text())
		}
		for _, p := range tool.params {
			found := false
			for _, q := range d.Params {
				if q.Name.Name == p.name {
					found = true
					if q.Type.Optional != p.typ.Optional || !narrows(q.Type, p.typ) {
						t.Errorf("%s is wider than %s", typeText(q.Type), typeText(p.typ))
					}
				}
			}
			if !found {
				t.Errorf("%s is missing in\n%s", p.name, d.Span.Text())
			}
		}
	}
	if len(fresh) > 0 {
		t.Errorf("%d tools are missing\n%s", len(fresh), got)
	}
	again, more, err := Update(lang.NewSource("v.moat", got), second)
	if err != nil || again != got || len(more) > 0 {
		t.Errorf("a second time: %v, %v: %s\n%v", more, err, cmp.Diff(got, again), changes)
	}
	if t.Failed() {
		t.Logf("%s\nbecame\n%s", text, got)
	}
}

// A generator makes random lists of tools.
type generator struct{ *rand.Rand }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) list() string {
	var tools []string
	for _, name := range []string{"a", "b.c", "count", "x-y"} {
		switch g.IntN(6) {
		case 0:
		case 1: // the same in every list
			tools = append(tools, fmt.Sprintf(`{"name":%q,"inputSchema":{"properties":{"path":{"type":"string"},"more":{}}}}`, name))
		default:
			output := ""
			if g.IntN(3) == 0 {
				output = `,"outputSchema":` + g.schema(2)
			}
			tools = append(tools, fmt.Sprintf(`{"name":%q,"description":"%d","inputSchema":%s%s}`, name, g.IntN(3), g.object(3), output))
		}
	}
	return "[" + strings.Join(tools, ",") + "]"
}

func (g *generator) object(depth int) string {
	var properties, required []string
	for _, name := range []string{"path", "to", "n", `"q u o`, "last"} {
		if g.IntN(2) == 0 {
			properties = append(properties, fmt.Sprintf("%q:%s", name, g.schema(depth-1)))
			if g.IntN(2) == 0 {
				required = append(required, fmt.Sprintf("%q", name))
			}
		}
	}
	s := `{"type":"object","properties":{` + strings.Join(properties, ",") + `},"required":[` + strings.Join(required, ",") + "]"
	return s + pick(g, "", "", "", `,"additionalProperties":false`, `,"additionalProperties":true`, `,"anyOf":[{"required":["n"]}]`) + "}"
}

func (g *generator) schema(depth int) string {
	if depth > 0 {
		switch g.IntN(6) {
		case 0:
			return g.object(depth)
		case 1:
			return `{"type":"array","items":` + g.schema(depth-1) + "}"
		case 2:
			return `{"` + pick(g, "anyOf", "oneOf", "allOf") + `":[` + g.schema(depth-1) + "," + g.schema(depth-1) + "]}"
		}
	}
	return pick(g, `{"type":"string"}`, `{"type":"string","format":"email"}`, `{"type":"integer"}`, `{"type":"number"}`, `{"enum":["a","b"]}`, `{"enum":["a","b","\n\"é"]}`,
		`{"type":["string","null"]}`, `{"type":["string","integer"]}`, `{}`, `true`, `{"const":null}`, `{"$ref":"#"}`, `{"$ref":"#/properties/to"}`, `{"type":"object"}`)
}

// comment puts comments where white space stands, and takes some of it away.
func (g *generator) comment(text string) string {
	var b strings.Builder
	inString, inComment, inHeader := false, false, true
	for i := range len(text) {
		c := text[i]
		b.WriteByte(c)
		switch {
		case c == '\n':
			inComment, inHeader = false, inHeader && i < 25
			if !inHeader && g.IntN(12) == 0 {
				b.WriteString(pick(g, "// own\n", "  // json: own\n", "\n", "   "))
			}
		case c == '"' && !inComment && text[i-1] != '\\':
			inString = !inString
		case c == '/' && !inString:
			inComment = true
		case !inString && !inComment && !inHeader && strings.IndexByte(" ,(", c) >= 0 && g.IntN(12) == 0:
			b.WriteString(pick(g, " // in\n", "\n", "\n// left\n", "  "))
		}
	}
	return b.String()
}
