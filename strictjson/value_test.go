package strictjson

import (
	"slices"
	"testing"
	"unicode/utf16"
)

func TestAppendJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{` [ true , false , null , 1.50 , -0 , 1E+2 ] `, `[true,false,null,1.50,-0,1E+2]`},
		{`{"b":{"z":1,"y":[]},"a":{},"":0}`, `{"":0,"a":{},"b":{"y":[],"z":1}}`},
		{`"\u0061\/\u00e9\u2028<>&"`, `"a/é` + "\u2028" + `<>&"`},
		{`"\u0000\u001f\u007f\b\t\n\f\r\"\\"`, `"\u0000\u001f` + "\x7f" + `\b\t\n\f\r\"\\"`},
		// The example of RFC 8785, section 3.2.3.
		{`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`,
			`{"\r":2,"1":4,"` + "\u0080" + `":6,"ö":7,"€":1,"😀":5,"` + "\ufb33" + `":3}`},
	}
	for _, tt := range tests {
		v, err := Parse([]byte(tt.in), Limits{})
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		before := v.AppendJSON([]byte("x"))
		if got := string(before); got != "x"+tt.want {
			t.Errorf("AppendJSON of %q:\ngot  %q\nwant %q", tt.in, got[1:], tt.want)
		}
	}
}

func TestAppendJSONKeepsTheOrderOfMembers(t *testing.T) {
	v, err := Parse([]byte(`{"b":1,"a":2}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v.AppendJSON(nil)
	if v.Members[0].Name != "b" || v.Members[1].Name != "a" {
		t.Errorf("members are now %v", v.Members)
	}
}

func TestGet(t *testing.T) {
	v, err := Parse([]byte(`{"a":1,"A":[]}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Get("A"); !ok || got.Kind != Array {
		t.Errorf("Get(A) = %v, %v", got, ok)
	}
	if got, ok := v.Get("b"); ok || got.Kind != Null {
		t.Errorf("Get(b) = %v, %v", got, ok)
	}
	if _, ok := (Value{Kind: Array, Members: v.Members}).Get("a"); ok {
		t.Error("an array has members")
	}
}

func TestCompareUTF16(t *testing.T) {
	names := []string{"", "a", "aa", "ab", "b", "é", "\ud7ff", "\U00010000", "\U00010000a", "\U00010001", "\U00010400",
		"\U0010ffff", "\ue000", "\uffff", "\uffffa"}
	for _, a := range names {
		for _, b := range names {
			want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
			if got := compareUTF16(a, b); got != want {
				t.Errorf("compareUTF16(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestKindString(t *testing.T) {
	if got := Object.String() + Null.String() + Kind(99).String(); got != "objectnullinvalid" {
		t.Error(got)
	}
}
