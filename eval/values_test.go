package eval

import (
	"testing"

	"github.com/moat-lang/moat/lang"
)

// A record of arguments has an absent value for each optional field that isn't there; one that a policy writes hasn't. They are equal all the same.
func TestRecordsAreEqualByWhatIsThere(t *testing.T) {
	num := func(n int64) val { return val{kind: lang.Int, n: n} }
	converted := func(x, y val) val {
		return val{kind: lang.RecordKind, fields: []lang.Field{{Name: "x"}, {Name: "y"}}, items: []val{x, y}}
	}
	for _, c := range []struct {
		a, b val
		want bool
	}{
		{converted(num(1), val{}), recordVal(map[string]val{"x": num(1)}), true},
		{converted(num(1), val{}), recordVal(map[string]val{"x": num(2)}), false},
		{converted(num(1), val{}), recordVal(map[string]val{"y": num(1)}), false},
		{converted(num(1), val{}), recordVal(map[string]val{"x": num(1), "y": num(2)}), false},
		{converted(num(1), num(2)), recordVal(map[string]val{"x": num(1)}), false},
		{converted(num(1), num(2)), recordVal(map[string]val{"y": num(2), "x": num(1)}), true},
		{converted(val{}, val{}), recordVal(nil), true},
		{converted(converted(val{}, num(1)), val{}), converted(recordVal(map[string]val{"y": num(1)}), val{}), true},
		{converted(converted(val{}, num(1)), val{}), converted(converted(num(1), num(1)), val{}), false},
	} {
		if equal(c.a, c.b) != c.want || equal(c.b, c.a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}
