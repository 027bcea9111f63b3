package resource

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range canonicalNames {
		f.Add(s)
	}
	for _, tt := range refusals {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			checkRefusal(t, s, err, func(c string) (string, error) {
				n, err := Parse(c)
				return n.String(), err
			})
			return
		}
		if n.String() != s {
			t.Errorf("Parse(%q) = %q", s, n)
		}
		if again, err := Parse(rebuild(n)); err != nil || again != n {
			t.Errorf("the parts of %q make %q, %v", s, again, err)
		}
		if !Any().Match(n) {
			t.Errorf("Any doesn't match %q", s)
		}
		if strings.HasPrefix(s, "file://") {
			if m, err := File(n.Path()); err != nil || m != n {
				t.Errorf("File(%q) = %q, %v", n.Path(), m, err)
			}
		}
		if m, err := FromTypeID(n.Scheme(), s); err != nil || m != n {
			t.Errorf("FromTypeID(%q, %q) = %q, %v", n.Scheme(), s, m, err)
		}
	})
}

// rebuild makes a name from what its methods say.
func rebuild(n Name) string {
	var b strings.Builder
	b.WriteString(n.Scheme() + "://")
	if n.IsWeb() {
		if strings.Contains(n.Host(), ":") {
			b.WriteString("[" + n.Host() + "]")
		} else {
			b.WriteString(n.Host())
		}
		if n.Port() != defaultPort(n.Scheme()) {
			b.WriteString(":" + strconv.Itoa(int(n.Port())))
		}
	}
	var segs []string
	for s := range n.Segments() {
		segs = append(segs, s)
	}
	if n.IsWeb() || n.Scheme() == "file" {
		b.WriteString("/")
	}
	b.WriteString(strings.Join(segs, "/"))
	if len(segs) > 0 && strings.HasSuffix(n.Path(), "/") {
		b.WriteString("/")
	}
	if q, ok := n.Query(); ok {
		b.WriteString("?" + q)
	}
	return b.String()
}

func FuzzPattern(f *testing.F) {
	names := make([]Name, len(canonicalNames))
	for i, s := range canonicalNames {
		names[i] = parse(f, s)
		f.Add(s, s)
	}
	for _, s := range []string{
		"file:///**/.ssh/**", "{http,https}://**.example.com:*/{a,b/**}?q=*", "https://**", "https://*/**", "tool://*a*b*",
		"file:///{a,{b,c}*,**}/x", "https://[::1]:*/**", "https://a.com", "file:///**/a/a/**/a*b",
	} {
		f.Add(s, "https://a.b.example.com/a/b/c?q=1")
	}
	for _, h := range hostile {
		f.Add(h.pattern, h.name(1000))
	}
	f.Fuzz(func(t *testing.T, s, name string) {
		p, err := ParsePattern(s)
		if err != nil {
			checkRefusal(t, s, err, func(c string) (string, error) {
				p, err := ParsePattern(c)
				if err != nil {
					return "", err
				}
				return p.String(), nil
			})
			return
		}
		if p.String() != s {
			t.Errorf("ParsePattern(%q) = %q", s, p)
		}
		literalName, isLiteral := p.Literal()
		if isLiteral && !p.Match(literalName) {
			t.Errorf("%q doesn't match its literal %q", p, literalName)
		}
		var b IndexBuilder
		b.Add(p, 1)
		ix := b.Build()
		tryNames := names
		if n, err := Parse(name); err == nil {
			tryNames = append(tryNames[:len(tryNames):len(tryNames)], n)
		}
		for _, n := range tryNames {
			m := matcher{name: &n}
			got := m.pattern(p)
			if m.steps > p.Cost() {
				t.Errorf("%q on %q: %d steps, more than its cost %d", p, n, m.steps, p.Cost())
			}
			if indexed := len(ix.Match(n, nil)) > 0; indexed != got {
				t.Errorf("%q on %q: %v, but %v in an index", p, n, got, indexed)
			}
			if isLiteral && got && strings.TrimSuffix(n.Path(), "/") != strings.TrimSuffix(literalName.Path(), "/") {
				t.Errorf("the literal pattern %q matches %q", p, n)
			}
			if len(s) < 64 && len(n.String()) < 64 && strings.Count(s, "*") < 6 && got != slowMatch(s, n.String()) {
				t.Errorf("%q on %q: %v, the oracle disagrees", p, n, got)
			}
		}
	})
}

func FuzzInclusion(f *testing.F) {
	for _, vectors := range inclusionVectors(f) {
		for _, v := range vectors {
			f.Add(v.Pattern, strings.Join(v.Union, " "), v.Witness)
		}
	}
	for _, h := range hostile {
		f.Add(h.pattern, h.pattern+"x", h.name(1000))
	}
	names := make([]Name, len(canonicalNames))
	for i, s := range canonicalNames {
		names[i] = parse(f, s)
	}
	f.Fuzz(func(t *testing.T, s, texts, name string) {
		p, err := ParsePattern(s)
		if err != nil {
			return
		}
		var union []*Pattern
		for _, s := range strings.Fields(texts) {
			if q, err := ParsePattern(s); err == nil {
				union = append(union, q)
			}
		}
		got := p.Within(union, InclusionBudget/8)
		checkInclusion(t, p, union, got)
		if again := p.Within(union, InclusionBudget/8); again != got {
			t.Errorf("%s within %s: %+v, and then %+v", p, union, got, again)
		}
		tryNames := names
		if n, err := Parse(name); err == nil {
			tryNames = append(tryNames[:len(tryNames):len(tryNames)], n)
		}
		for _, n := range tryNames {
			if got.Verdict == Included && p.Match(n) && !matchesAny(union, n) {
				t.Errorf("%s within %s: included, but %s", p, union, n)
			}
		}
		if with := p.Within(append(union, p), InclusionBudget); with.Verdict != Included {
			t.Errorf("%s isn't within itself and %s", p, union)
		}
	})
}

// checkRefusal checks that err is a complete Error about s, whose canonical form parse accepts as it stands.
func checkRefusal(t *testing.T, s string, err error, parse func(string) (string, error)) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%q: %T is not an *Error", s, err)
	}
	if e.Input != s || e.Offset < 0 || e.Offset > len(s) || e.Reason == "" {
		t.Errorf("%q: incomplete error %#v", s, e)
	}
	message, _, _ := strings.Cut(e.Error(), "; canonical form: ")
	for _, r := range message {
		if (r < ' ' || r > '~') && r != '…' {
			t.Errorf("%q: the message has %+q in it: %s", s, r, message)
		}
	}
	if len(message) > 1200 {
		t.Errorf("%q: the message has %d bytes", s, len(message))
	}
	if e.Canonical == "" {
		return
	}
	if e.Canonical == s {
		t.Errorf("%q is refused for itself: %v", s, err)
	}
	if c, err := parse(e.Canonical); err != nil || c != e.Canonical {
		t.Errorf("%q: its canonical form %q is refused: %v", s, e.Canonical, err)
	}
}
