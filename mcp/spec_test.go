package mcp

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/strictjson"
)

func spec(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../spec/MCP.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every row of the tables of schemas is what the importer does.
func TestSpecTables(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `(\\{.*?\\})` \\| `(.*?)` \\|(?: (.*) \\|)?$").FindAllStringSubmatch(spec(t), -1)
	if len(rows) < 30 {
		t.Fatalf("found only %d rows", len(rows))
	}
	for _, m := range rows {
		want := strings.ReplaceAll(m[2], `\|`, "|")
		got, notes := typeOf(t, m[1])
		if got != want {
			t.Errorf("%s: the type is %s, the specification says %s", m[1], got, want)
		}
		if m[3] == "" && len(notes) > 0 || m[3] != "" && (len(notes) != 1 || !strings.HasSuffix(notes[0], ": "+m[3])) {
			t.Errorf("%s: the notes are %q, the specification says %q", m[1], notes, m[3])
		}
	}
}

// typeOf returns the type of a schema, with whatever it needs under $defs, and the notes about it.
func typeOf(t *testing.T, schema string) (string, []string) {
	t.Helper()
	input := `{"type":"object","properties":{"p":` + schema + `},"required":["p"],"$defs":{"t":{"type":"string"}}}`
	tools, err := Parse([]byte(`[{"name":"x","inputSchema":` + input + `}]`))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	p := tools[0].params[0]
	return typeText(p.typ), p.notes
}

// The example of a pin, its RFC 8785 form included, is right.
func TestSpecPin(t *testing.T) {
	m := regexp.MustCompile("(?s)```json\n([^\n]*)\n```\n\nhas the RFC 8785 form\n\n```json\n([^\n]*)\n```\n\nand the pin `(.*?)`").FindStringSubmatch(spec(t))
	if m == nil {
		t.Fatal("the specification has no example")
	}
	v, err := strictjson.Parse([]byte(m[1]), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := v.Canonical(); err != nil || string(text) != m[2] {
		t.Errorf("the form is %s, %v", text, err)
	}
	if pin, err := Pin(v); err != nil || pin != m[3] {
		t.Errorf("the pin is %s, %v", pin, err)
	}
}

// The lines of the example of changes are what the update in TestUpdate's first case says.
func TestSpecChanges(t *testing.T) {
	var lines []string
	for _, c := range exampleChanges(t) {
		line := fmt.Sprintf("%-8s %s", c.Kind, c.Tool)
		if len(c.Details) > 0 {
			line += ": " + strings.Join(c.Details, "; ")
		}
		lines = append(lines, line)
	}
	if want := "```text\n" + strings.Join(lines, "\n") + "\n```"; !strings.Contains(spec(t), want) {
		t.Errorf("the specification doesn't show\n%s", want)
	}
}

func TestSpecBounds(t *testing.T) {
	for what, n := range map[string]int{"tools": MaxTools, "parameters of a tool": MaxParams, "bytes of a name": lang.MaxNameLen} {
		if !strings.Contains(spec(t), fmt.Sprintf("| %s | %d |", what, n)) {
			t.Errorf("the bound on %s isn't %d in the specification", what, n)
		}
	}
	for what, n := range map[string]int{"schemas in each other": MaxDepth, "members and elements": maxWork} {
		if !regexp.MustCompile(fmt.Sprintf(`\| %s[^|]*\| %d \|`, what, n)).MatchString(spec(t)) {
			t.Errorf("the bound on %s isn't %d in the specification", what, n)
		}
	}
	if MaxInput != 4<<20 {
		t.Error("the specification says that a list has at most 4 MiB")
	}
}
