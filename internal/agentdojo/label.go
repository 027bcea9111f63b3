package agentdojo

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moat-lang/moat/strictjson"
)

// A Trace is what an agent has been told so far: the user's prompt, and the results of the calls before.
type Trace struct {
	Prompt  string
	Results []Result
}

// A Result is what a tool returned, taken apart.
type Result struct {
	Tool   string
	Value  strictjson.Value
	leaves []leaf
}

// A leaf is a string or number in a result, and the label of the field that it stands in.
type leaf struct {
	label string
	value strictjson.Value
}

// NewResult takes a result apart. The label of a field is `tool NAME.a.b`, without the indices of lists. The names in an
// object that is used as a map, which are those that aren't words, are text of the field that holds the object.
func NewResult(tool string, v strictjson.Value) Result {
	r := Result{Tool: tool, Value: v}
	r.take("tool "+tool, v)
	return r
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (r *Result) take(label string, v strictjson.Value) {
	switch v.Kind {
	case strictjson.String, strictjson.Number:
		r.leaves = append(r.leaves, leaf{label, v})
	case strictjson.Array:
		for _, item := range v.Items {
			r.take(label, item)
		}
	case strictjson.Object:
		for _, m := range v.Members {
			if word.MatchString(m.Name) {
				r.take(label+"."+m.Name, m.Value)
				continue
			}
			r.leaves = append(r.leaves, leaf{label, strictjson.Value{Kind: strictjson.String, Text: m.Name}})
			r.take(label, m.Value)
		}
	}
}

// Labels are those of the result's fields, sorted.
func (r Result) Labels() []string {
	var out []string
	for _, l := range r.leaves {
		out = append(out, l.label)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Find returns the labels of a string or number: `user` if it stands in the prompt, and each field of a result that it
// stands in. It stands there if it is the whole value of the field, or whole words of its text; a number, if a number
// stands there that is equal. Part of a word is never enough. True, false, null and the empty string stand nowhere.
func (t Trace) Find(v strictjson.Value) []string {
	var out []string
	if stands(v, strictjson.Value{Kind: strictjson.String, Text: t.Prompt}) {
		out = append(out, "user")
	}
	for _, r := range t.Results {
		for _, l := range r.leaves {
			if stands(v, l.value) {
				out = append(out, l.label)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Label returns the labels of the strings and numbers in a call's arguments, by JSON pointer, and those of the links that
// stand in its texts, by value. What stands nowhere is left out: the language calls it unknown.
func (t Trace) Label(args strictjson.Value) (byPointer, byValue map[string][]string) {
	byPointer, byValue = map[string][]string{}, map[string][]string{}
	each(args, "", func(pointer string, v strictjson.Value) {
		if labels := t.Find(v); len(labels) > 0 {
			byPointer[pointer] = labels
		}
		for _, link := range links.FindAllString(v.Text, -1) {
			link = strings.TrimRight(link, `.,!?)]}'"`)
			if labels := t.Find(strictjson.Value{Kind: strictjson.String, Text: link}); len(labels) > 0 {
				byValue[link] = labels
			}
		}
	})
	return byPointer, byValue
}

var links = regexp.MustCompile(`https?://\S+`)

// each visits the strings and numbers in v, with their JSON pointers.
func each(v strictjson.Value, pointer string, visit func(pointer string, v strictjson.Value)) {
	switch v.Kind {
	case strictjson.String, strictjson.Number:
		visit(pointer, v)
	case strictjson.Array:
		for i, item := range v.Items {
			each(item, pointer+"/"+strconv.Itoa(i), visit)
		}
	case strictjson.Object:
		for _, m := range v.Members {
			each(m.Value, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(m.Name), visit)
		}
	}
}

// stands reports whether v is source, or stands in it as whole words.
func stands(v, source strictjson.Value) bool {
	switch {
	case v.Kind == strictjson.Number && source.Kind == strictjson.Number:
		return sameNumber(v.Text, source.Text)
	case v.Kind == strictjson.Number:
		for _, at := range numbers.FindAllStringIndex(source.Text, -1) {
			if whole(source.Text, at[0], at[1]) && sameNumber(v.Text, source.Text[at[0]:at[1]]) {
				return true
			}
		}
		return false
	case v.Text == "":
		return false
	}
	for from := 0; ; {
		i := strings.Index(source.Text[from:], v.Text)
		if i < 0 {
			return false
		}
		if i += from; whole(source.Text, i, i+len(v.Text)) {
			return true
		}
		_, size := utf8.DecodeRuneInString(source.Text[i:])
		from = i + size
	}
}

var numbers = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)?`)

func sameNumber(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

// whole reports whether text[from:to] is cut where words end. Letters, digits and _ make words, and so do the signs that join
// them: `.`, `-`, `@`, `/`, `+` between two of them, `:` and `,` between two digits. So 13 stands in "June 13." and not in "2024-05-13" nor "13,000".
func whole(text string, from, to int) bool {
	before, n := utf8.DecodeLastRuneInString(text[:from])
	farther, _ := utf8.DecodeLastRuneInString(text[:from-n])
	first, _ := utf8.DecodeRuneInString(text[from:])
	if inWord(before) || joins(farther, before, first) {
		return false
	}
	after, n := utf8.DecodeRuneInString(text[to:])
	farther, _ = utf8.DecodeRuneInString(text[to+n:])
	last, _ := utf8.DecodeLastRuneInString(text[:to])
	return !inWord(after) && !joins(last, after, farther)
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}

// joins reports whether sign makes one word of what stands on its two sides.
func joins(left, sign, right rune) bool {
	switch sign {
	case '.', '-', '@', '/', '+':
		return inWord(left) && inWord(right)
	case ':', ',':
		return unicode.IsDigit(left) && unicode.IsDigit(right)
	}
	return false
}
