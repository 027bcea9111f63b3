package mcp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moat-lang/moat/lang"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/strictjson"
)

// Bounds on what is read. Beyond MaxDepth and maxWork a type is json; beyond the others there is an error.
const (
	MaxInput  = 4 << 20 // bytes of the JSON
	MaxTools  = 4096    // tools in one list
	MaxParams = 1024    // parameters of a tool
	MaxDepth  = 32      // schemas in each other, references followed

	maxNesting = 256     // of arrays and objects in the JSON
	maxValues  = 1 << 20 // in the JSON
	maxWork    = 10_000  // members and elements of schemas looked at for one tool, references followed
	maxErrors  = 20      // tools that an error speaks of
)

// A Tool is a tool as a server describes it.
type Tool struct {
	Name string
	Pin  string // see [Pin]

	params []parameter // in the order of the schema
	result *lang.TypeExpr
	notes  []string // what the types don't say, for comments
}

// A parameter is one of a tool.
type parameter struct {
	name  string
	typ   *lang.TypeExpr
	notes []string
}

// Parse reads the answer to tools/list: the result, {"tools": […]}, the JSON-RPC response around it, or the list alone. The tools
// are in the order of the list. An error speaks of every tool that can't be imported, a line each, in ASCII.
func Parse(data []byte) ([]Tool, error) {
	v, err := strictjson.Parse(data, strictjson.Limits{Bytes: MaxInput, Depth: maxNesting, Values: maxValues})
	if err != nil {
		return nil, err
	}
	list, err := toolList(v)
	if err != nil {
		return nil, err
	}
	if len(list) > MaxTools {
		return nil, fmt.Errorf("the list has %d tools; at most %d are allowed", len(list), MaxTools)
	}
	tools := make([]Tool, 0, len(list))
	var errs []error
	seen := map[string]bool{}
	for i, definition := range list {
		t, err := parseTool(definition)
		if err == nil && seen[t.Name] {
			err = errors.New("its name stands twice in the list")
		}
		if err != nil {
			name, _ := definition.Get("name")
			errs = append(errs, fmt.Errorf("tool %d, %s: %w", i+1, excerpt(name.Text), err))
			continue
		}
		seen[t.Name] = true
		tools = append(tools, t)
	}
	if len(errs) == 0 {
		errs = checkNames(tools)
	}
	if n := len(errs) - maxErrors; n > 0 {
		errs = append(errs[:maxErrors], fmt.Errorf("%d more can't be imported", n))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return tools, nil
}

// toolList finds the list of tools in what a server answered.
func toolList(v strictjson.Value) ([]strictjson.Value, error) {
	if failure, ok := v.Get("error"); ok {
		message, _ := failure.Get("message")
		return nil, fmt.Errorf("the server answered with an error: %s", excerpt(message.Text))
	}
	if result, ok := v.Get("result"); ok {
		v = result
	}
	if next, ok := v.Get("nextCursor"); ok && next.Kind != strictjson.Null {
		return nil, errors.New(`the list goes on: it has a nextCursor. Ask with that cursor until there is none, and join the "tools" of all answers`)
	}
	list := v
	if v.Kind == strictjson.Object {
		list, _ = v.Get("tools")
	}
	if list.Kind != strictjson.Array {
		return nil, errors.New(`this is no answer to tools/list: {"tools": […]}, the response around it, or the list alone`)
	}
	return list.Items, nil
}

func parseTool(definition strictjson.Value) (Tool, error) {
	if definition.Kind != strictjson.Object {
		return Tool{}, fmt.Errorf("a definition is an object, not %s", definition.Kind)
	}
	name, _ := definition.Get("name")
	if err := checkName(name); err != nil {
		return Tool{}, err
	}
	pin, err := Pin(definition)
	if err != nil {
		return Tool{}, err
	}
	t := Tool{Name: name.Text, Pin: pin}
	input, ok := definition.Get("inputSchema")
	if !ok {
		return Tool{}, errors.New("it has no inputSchema")
	}
	work := maxWork
	if err := t.arguments(input, &work); err != nil {
		return Tool{}, err
	}
	if output, ok := definition.Get("outputSchema"); ok && output.Kind != strictjson.Null {
		c := converter{root: output, work: &work, result: true}
		t.result = c.typ(output, "result", 1)
		t.result.Optional = false
		t.notes = append(t.notes, c.taken()...)
	}
	return t, nil
}

// checkName refuses names that no tool of a policy can have (spec/LANGUAGE.md, section 4).
func checkName(name strictjson.Value) error {
	s := name.Text
	switch {
	case name.Kind != strictjson.String || s == "":
		return errors.New("it has no name")
	case len(s) > lang.MaxNameLen:
		return fmt.Errorf("its name has %d bytes; at most %d are allowed", len(s), lang.MaxNameLen)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("its name isn't printable ASCII without spaces; letters that look alike in two scripts hide which tool is meant")
	case strings.Contains(s, "/"):
		return errors.New("its name has a slash; a tool's name is one segment of a resource")
	}
	if _, err := resource.Parse("tool://" + s); err != nil {
		return fmt.Errorf("its name can't stand in a resource: %w", err)
	}
	return nil
}

// checkNames asks the language about all names together: it refuses marks that a pattern or a person would read otherwise, and of
// two names that look alike the second.
func checkNames(tools []Tool) []error {
	const head = "policy names edition 1\nforbid any to any on any\n"
	var b strings.Builder
	b.WriteString(head)
	for _, t := range tools {
		fmt.Fprintf(&b, "tool %s()\n", quote(t.Name))
	}
	_, diags := lang.Compile(map[string]string{"names.moat": b.String()})
	var errs []error
	for _, d := range diags.Errors() {
		if d.Span.IsZero() { // how many more there are
			continue
		}
		i := d.Span.From().Line - strings.Count(head, "\n") - 1
		errs = append(errs, fmt.Errorf("tool %d, %s: %s (%s)", i+1, excerpt(tools[i].Name), d.Message, d.Hint))
	}
	return errs
}

// excerpt quotes a text of a server for a message or a comment: in ASCII, cut to a few words.
func excerpt(s string) string {
	return cut(strconv.QuoteToASCII(s), 60)
}
