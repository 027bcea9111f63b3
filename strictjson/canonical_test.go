package strictjson

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The examples of RFC 8785, sections 3.2.2 to 3.2.4, and more.
func TestCanonical(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`, `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		{`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			`{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","` + "\ufb33" + `":"Hebrew Letter Dalet With Dagesh"}`},
		{` [ ] `, `[]`},
		{`{"b":{"d":1.0,"c":[10e-1,{}]},"a":-0.0}`, `{"a":0,"b":{"c":[1,{}],"d":1}}`},
		{`[9007199254740992,9007199254740993,9223372036854775807,-9007199254740991]`, `[9007199254740992,9007199254740992,9223372036854776000,-9007199254740991]`},
		{`"<>&\u2028\u2029"`, "\"<>&\u2028\u2029\""},
	}
	for _, tt := range tests {
		v, err := Parse([]byte(tt.in), Limits{})
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		got, err := v.Canonical()
		if err != nil || string(got) != tt.want {
			t.Errorf("Canonical of %q:\ngot  %q, %v\nwant %q", tt.in, got, err, tt.want)
		}
	}
}

// The numbers of RFC 8785, appendix B: the bits of a double, and its text.
func TestCanonicalNumbers(t *testing.T) {
	tests := []struct {
		bits uint64
		want string
	}{
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	}
	for _, tt := range tests {
		for _, format := range []byte{'e', 'g'} {
			literal := strconv.FormatFloat(math.Float64frombits(tt.bits), format, 17, 64)
			v, err := Parse([]byte(literal), Limits{})
			if err != nil {
				t.Errorf("Parse(%s): %v", literal, err)
				continue
			}
			if got, err := v.Canonical(); err != nil || string(got) != tt.want {
				t.Errorf("%016x as %s: got %s, %v, want %s", tt.bits, literal, got, err, tt.want)
			}
		}
	}
}

func TestCanonicalRefusesWhatParseDoes(t *testing.T) {
	for _, v := range []Value{num("01"), obj(mem("a", num("1")), mem("a", num("1")))} {
		if got, err := v.Canonical(); err == nil {
			t.Errorf("%v became %s", v, got)
		}
	}
}

// FuzzCanonical checks that the canonical text means what the value means, and is its own canonical text.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":1.50,"a":[-0,1e21,1e-7]}`, `"\ud83d\ude00\u0007"`, `{"\ufb33":1,"\ud83d\ude00":2}`, `123456789012345678901234567890`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data, Limits{})
		if err != nil {
			return
		}
		text, err := v.Canonical()
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		again, err := Parse(text, Limits{})
		if err != nil {
			t.Fatalf("%q became %q: %v", data, text, err)
		}
		if fixed, err := again.Canonical(); err != nil || !bytes.Equal(fixed, text) {
			t.Fatalf("%q became %q, then %q, %v", data, text, fixed, err)
		}
		var before, after any
		if json.Unmarshal(data, &before) != nil || json.Unmarshal(text, &after) != nil {
			t.Fatalf("%q became %q", data, text)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q became %q: %s", data, text, diff)
		}
	})
}
