package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func str(s string) Value           { return Value{Kind: String, Text: s} }
func num(s string) Value           { return Value{Kind: Number, Text: s} }
func arr(items ...Value) Value     { return Value{Kind: Array, Items: items} }
func obj(members ...Member) Value  { return Value{Kind: Object, Members: members} }
func mem(n string, v Value) Member { return Member{n, v} }

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want Value
	}{
		{`null`, Value{}},
		{`true`, Value{Kind: Bool, Bool: true}},
		{`false`, Value{Kind: Bool}},
		{" \t\r\n1 \n", num("1")},
		{`9007199254740993`, num("9007199254740993")},
		{`1e308`, num("1e308")},
		{`1e-400`, num("1e-400")},
		{`1E-400`, num("1E-400")},
		{`-0`, num("-0")},
		{`-0.0e+00`, num("-0.0e+00")},
		{`4.0`, num("4.0")},
		{`""`, str("")},
		{`"a\"\\\/\b\f\n\r\té"`, str("a\"\\/\b\f\n\r\té")},
		{`"\ud83d\ude00😀"`, str("😀😀")},
		{`"\u0000\uffff"`, str("\x00\uffff")},
		{`[]`, arr()},
		{`[1,[],"x"]`, arr(num("1"), arr(), str("x"))},
		{`{}`, obj()},
		{`{"b":1,"a":{"b":null}}`, obj(mem("b", num("1")), mem("a", obj(mem("b", Value{}))))},
		{`{"a":1,"A":2}`, obj(mem("a", num("1")), mem("A", num("2")))},
		{`{"é":1,"e\u0301":2}`, obj(mem("é", num("1")), mem("e\u0301", num("2")))},
		{`{"":0}`, obj(mem("", num("0")))},
	}
	for _, tt := range tests {
		got, err := Parse([]byte(tt.in), Limits{})
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Parse(%q): -want +got\n%s", tt.in, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		in      string
		code    Code
		offset  int
		pointer string
		message string // contained in the text of the error
	}{
		{``, Syntax, 0, "", "holds no value"},
		{`[1e400]`, TooMuch, 1, "/0", "no reader can hold"},
		{`-1e309`, TooMuch, 0, "", "no reader can hold"},
		{`  `, Syntax, 2, "", "holds no value"},
		{`{"a":1,"a":2}`, Duplicate, 7, "/a", "twice"},
		{`{"a":1,"\u0061":2}`, Duplicate, 7, "/a", "twice"},
		{`[{"x":{"k":1,"l":0,"k":1}}]`, Duplicate, 19, "/0/x/k", "twice"},
		{`{"":1,"":2}`, Duplicate, 6, "/", "twice"},
		{`{"😀":1,"\ud83d\ude00":2}`, Duplicate, 10, "/😀", `in "/\U0001f600"`},
		{`"\ud800"`, Encoding, 1, "", "lone surrogate"},
		{`"\ud800x"`, Encoding, 1, "", "lone surrogate"},
		{`"\ud800\u0041"`, Encoding, 1, "", "lone surrogate"},
		{`"\ud800\ud800"`, Encoding, 1, "", "lone surrogate"},
		{`"\uDC00\uD800"`, Encoding, 1, "", "lone surrogate"},
		{`{"\udfff":1}`, Encoding, 2, "", "lone surrogate"},
		{"\"a\xff\"", Encoding, 2, "", `at "\xff"`},
		{"\"\xed\xa0\x80\"", Encoding, 1, "", "invalid UTF-8"},
		{"\"\xc0\x80\"", Encoding, 1, "", "invalid UTF-8"},
		{"1\xff", Encoding, 1, "", "invalid UTF-8"},
		{"\ufeff1", Syntax, 0, "", "byte order mark"},
		{"\ufeff", Syntax, 0, "", "byte order mark"},
		{`1 2`, Syntax, 2, "", "after the value"},
		{`{}{}`, Syntax, 2, "", "after the value"},
		{"null\n// c", Syntax, 5, "", "after the value"},
		{"1\x00", Syntax, 1, "", "after the value"},
		{"1\u00a0", Syntax, 1, "", "after the value"},
		{`01`, Syntax, 1, "", "after the value"},
		{`// c`, Syntax, 0, "", "at start of value"},
		{`/* c */ 1`, Syntax, 0, "", "at start of value"},
		{`[1,]`, Syntax, 2, "", ""},
		{`[1 2]`, Syntax, 3, "", "after array element"},
		{`[01]`, Syntax, 2, "", "after array element"},
		{`{"a":1,}`, Syntax, 6, "", ""},
		{`{a:1}`, Syntax, 1, "", ""},
		{`{1:1}`, Syntax, 1, "", "must be a string"},
		{`{"a"}`, Syntax, 4, "/a", ""},
		{`{"a":}`, Syntax, 5, "/a", ""},
		{`[`, Syntax, 1, "", "ends in the middle"},
		{`"abc`, Syntax, 4, "", "ends in the middle"},
		{`1.`, Syntax, 0, "", "ends in the middle"},
		{`[1}`, Syntax, 2, "", ""},
		{`]`, Syntax, 0, "", ""},
		{`+1`, Syntax, 0, "", ""},
		{`.5`, Syntax, 0, "", ""},
		{`0x10`, Syntax, 1, "", ""},
		{`NaN`, Syntax, 0, "", ""},
		{`Infinity`, Syntax, 0, "", ""},
		{`True`, Syntax, 0, "", ""},
		{`'a'`, Syntax, 0, "", ""},
		{`"\x41"`, Syntax, 1, "", "escape"},
		{"\"\x1b[31m\"", Syntax, 1, "", `\x1b`},
		{"\"\n\"", Syntax, 1, "", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.in), func(t *testing.T) {
			v, err := Parse([]byte(tt.in), Limits{})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse(%q) = %v, %v, want an *Error", tt.in, v, err)
			}
			if diff := cmp.Diff(Value{}, v); diff != "" {
				t.Errorf("the value beside the error isn't zero:\n%s", diff)
			}
			if e.Code != tt.code || e.Offset != tt.offset || e.Pointer != tt.pointer {
				t.Errorf("code, offset, pointer = %d, %d, %q, want %d, %d, %q (%v)",
					e.Code, e.Offset, e.Pointer, tt.code, tt.offset, tt.pointer, err)
			}
			if !strings.Contains(err.Error(), tt.message) {
				t.Errorf("message %q doesn't contain %q", err, tt.message)
			}
			for _, r := range err.Error() {
				if r < ' ' || r > '~' {
					t.Errorf("message %q isn't printable ASCII", err)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	list := func(n int) string { return "[" + strings.Repeat("0,", n-2) + "0]" }
	tests := []struct {
		name   string
		in     string
		limits Limits
		ok     bool
	}{
		{"bytes, at the default", `"` + strings.Repeat("a", DefaultBytes-2) + `"`, Limits{}, true},
		{"bytes, above the default", `"` + strings.Repeat("a", DefaultBytes-1) + `"`, Limits{}, false},
		{"bytes, at a limit", `"ab"`, Limits{Bytes: 4}, true},
		{"bytes, above a limit", `"ab" `, Limits{Bytes: 4}, false},
		{"depth, at the default", nested(DefaultDepth), Limits{}, true},
		{"depth, above the default", nested(DefaultDepth + 1), Limits{}, false},
		{"depth of objects", `{"a":{"a":{}}}`, Limits{Depth: 3}, true},
		{"depth of objects, above", `{"a":{"a":{}}}`, Limits{Depth: 2}, false},
		{"scalars have none", `[1]`, Limits{Depth: 1}, true},
		{"depth, the most", nested(MaxDepth), Limits{Depth: 1 << 30}, true},
		{"depth, more than the most", nested(MaxDepth + 1), Limits{Depth: 1 << 30}, false},
		{"depth, half a megabyte", strings.Repeat("[", 1<<19), Limits{}, false},
		{"values, at the default", list(DefaultValues), Limits{}, true},
		{"values, above the default", list(DefaultValues + 1), Limits{}, false},
		{"values, names don't count", `{"a":1,"b":2}`, Limits{Values: 3}, true},
		{"values, above", `{"a":1,"b":2}`, Limits{Values: 2}, false},
		{"number, at the default", "1." + strings.Repeat("1", DefaultNumber-2), Limits{}, true},
		{"number, above the default", "1." + strings.Repeat("1", DefaultNumber-1), Limits{}, false},
		{"number, fraction and exponent count", `1.5e10`, Limits{Number: 5}, false},
		{"negative limits are defaults", `[1]`, Limits{-1, -1, -1, -1}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in), tt.limits)
			var e *Error
			if tt.ok && err != nil || !tt.ok && (!errors.As(err, &e) || e.Code != TooMuch) {
				t.Errorf("ok = %v wanted, got %v", tt.ok, err)
			}
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}

// Many members, and many that look alike to a bad hash, still take linear time.
func TestManyMembers(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 60_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%08x":0`, i)
	}
	b.WriteByte('}')
	start := time.Now()
	if _, err := Parse([]byte(b.String()), Limits{}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestValuesDontShareTheText(t *testing.T) {
	data := []byte(`{"name":["text",12345]}`)
	v, err := Parse(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 'x'
	}
	want := obj(mem("name", arr(str("text"), num("12345"))))
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
}
