package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzStrictJSON holds Parse against encoding/json, an independent and laxer reader, and AppendJSON against Parse.
func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{
		`null`, `[1,2.50,-0,1e400]`, `{"a":{"b":"c"},"A":[true,false]}`, `{"a":1,"\u0061":2}`, `"\ud800"`,
		`"\ud83d\ude00"`, `9007199254740993`, ` {"": []} `, `{"a":1}{`, "\ufeff1", "\"\xff\"", `[[[[]]]]`, `"\u2028"`, `{{"a":1,"a"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		v, err := Parse(data, Limits{})
		if !bytes.Equal(original, data) {
			t.Fatal("Parse changed its argument")
		}
		if err != nil {
			if diff := cmp.Diff(Value{}, v); diff != "" {
				t.Fatalf("value beside an error: %s", diff)
			}
			checkRefusal(t, data, err)
			return
		}
		if !json.Valid(data) || !utf8.Valid(data) || hasDuplicates(data) {
			t.Fatalf("accepted %q", data)
		}
		if diff := cmp.Diff(reference(t, data), v, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q: -encoding/json +strictjson\n%s", data, diff)
		}
		text := v.AppendJSON(nil)
		again, err := Parse(text, Limits{})
		if err != nil {
			t.Fatalf("%q written as %q: %v", data, text, err)
		}
		if got := again.AppendJSON(nil); !bytes.Equal(got, text) {
			t.Fatalf("%q written as %q, then as %q", data, text, got)
		}
	})
}

var surrogateEscape = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// checkRefusal fails unless the reason for refusing data is real.
func checkRefusal(t *testing.T, data []byte, err error) {
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T isn't an *Error", err)
	}
	if e.Offset < 0 || e.Offset > len(data) {
		t.Fatalf("offset %d of %d", e.Offset, len(data))
	}
	if e.Error() == "" || len(e.Error()) > 1000 {
		t.Fatalf("message %q", e.Error())
	}
	real := false
	switch e.Code {
	case Syntax:
		real = !json.Valid(data)
	case Encoding:
		real = !utf8.Valid(data) || surrogateEscape.Match(data)
	case Duplicate:
		real = hasDuplicates(data) || !json.Valid(data) // of what is wrong twice either may be said
	case TooMuch:
		var v any
		real = json.Unmarshal(data, &v) != nil || len(data) > DefaultNumber || bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > DefaultDepth
	}
	if !real {
		t.Fatalf("refused %q: %v", data, err)
	}
}

// hasDuplicates reports whether an object of data has a name twice, as far as encoding/json can read.
func hasDuplicates(data []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	type frame struct {
		names map[string]bool // nil for an array
		isKey bool
	}
	var stack []frame
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		if s, ok := tok.(string); ok && top >= 0 && stack[top].isKey {
			if stack[top].names[s] {
				return true
			}
			stack[top].names[s] = true
			stack[top].isKey = false
			continue
		}
		if d, ok := tok.(json.Delim); ok && (d == ']' || d == '}') {
			stack = stack[:top]
			continue
		}
		if top >= 0 {
			stack[top].isKey = stack[top].names != nil
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' {
				stack = append(stack, frame{map[string]bool{}, true})
			} else {
				stack = append(stack, frame{})
			}
		}
	}
}

// reference reads valid JSON with encoding/json.
func reference(t *testing.T, data []byte) Value {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v := referenceValue(t, dec)
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("after the value: %v", err)
	}
	return v
}

func referenceValue(t *testing.T, dec *json.Decoder) Value {
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch tok := tok.(type) {
	case bool:
		return Value{Kind: Bool, Bool: tok}
	case json.Number:
		return num(string(tok))
	case string:
		return str(tok)
	case json.Delim:
		v := Value{Kind: Array}
		if tok == '{' {
			v.Kind = Object
		}
		for dec.More() {
			if v.Kind == Array {
				v.Items = append(v.Items, referenceValue(t, dec))
				continue
			}
			name := referenceValue(t, dec)
			v.Members = append(v.Members, Member{name.Text, referenceValue(t, dec)})
		}
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return Value{}
}
