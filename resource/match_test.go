package resource

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMatchAgreesWithTheOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matched, patterns := 0, 0
	for range 4000 {
		p, err := ParsePattern(randomPattern(r))
		if err != nil {
			continue
		}
		patterns++
		for range 25 {
			n := parse(t, randomName(r))
			want := slowMatch(p.String(), n.String())
			if got := p.Match(n); got != want {
				t.Fatalf("%s on %s: %v, the oracle says %v", p, n, got, want)
			}
			if want {
				matched++
			}
		}
	}
	if patterns < 3000 || matched < 3000 {
		t.Errorf("the test is too easy: %d patterns, %d matches", patterns, matched)
	}
}

// hostile are families of patterns and names that make a backtracking matcher exponential. Each is given the size of
// the name.
var hostile = []struct {
	title   string
	pattern string
	name    func(size int) string
}{
	{"20 stars", "tool://" + strings.Repeat("a*", 20) + "b", func(n int) string { return "tool://" + strings.Repeat("a", n) }},
	{"20 stars that need two letters", "tool://*" + strings.Repeat("ab*", 20) + "c*", func(n int) string { return "tool://" + strings.Repeat("ab", n/2) }},
	{"20 stars in a query", "https://a.com/?" + strings.Repeat("a*", 20) + "b", func(n int) string { return "https://a.com/?" + strings.Repeat("a", n) }},
	{"20 deep stars", "file://" + strings.Repeat("/**/a", 20) + "/b", func(n int) string { return "file://" + strings.Repeat("/a", n/16) }},
	{"20 deep stars and no end", "file://" + strings.Repeat("/**/a", 20) + "/**/b/**", func(n int) string { return "file://" + strings.Repeat("/a", n/16) }},
	{"20 deep stars with stars", "file://" + strings.Repeat("/**/a*a*", 20) + "/**/a*b/**", func(n int) string { return "file://" + longPath(n) }},
	{"20 deep stars in the host", "https://" + strings.Repeat("**.a.", 20) + "b/", func(n int) string {
		return "https://" + strings.TrimSuffix(strings.Repeat("a.", n/40), ".") + "/"
	}},
	{"the longest run", "file:///**" + strings.Repeat("/a*", MaxRun-1) + "/b/**", func(n int) string { return "file://" + longPath(n) }},
}

// longPath returns 200 segments of n bytes in all, so that names of all sizes ask for the same alignments.
func longPath(n int) string { return strings.Repeat("/"+strings.Repeat("a", n/200-1), 200) }

func TestT18HostilePatternsAreLinear(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.title, func(t *testing.T) {
			p := pattern(t, h.pattern)
			var b IndexBuilder
			b.Add(p, 0)
			ix := b.Build()
			steps := func(size int) (match, index int) {
				n := parse(t, h.name(size))
				m := matcher{name: &n}
				m.pattern(p)
				x := matcher{name: &n}
				ix.match(&x, nil)
				return m.steps, x.steps
			}
			m1, x1 := steps(1000)
			m4, x4 := steps(4000)
			if m4 > p.Cost() {
				t.Errorf("%d steps, but the cost is %d", m4, p.Cost())
			}
			if m4 > 5*m1+100 {
				t.Errorf("a name four times as long takes %d steps instead of %d", m4, m1)
			}
			if x4 > 5*x1+100 {
				t.Errorf("in an index, a name four times as long takes %d steps instead of %d", x4, x1)
			}
		})
	}
}

func TestT18StepsDoNotGrowWithStars(t *testing.T) {
	n := parse(t, "file://"+longPath(4000))
	steps := func(stars int) int {
		m := matcher{name: &n}
		m.pattern(pattern(t, "file://"+strings.Repeat("/**/a*a", stars)+"/**/b/**"))
		return m.steps
	}
	if few, lots := steps(5), steps(60); lots > 2*few {
		t.Errorf("60 deep stars take %d steps, 5 take %d", lots, few)
	}
}

func TestT18HostilePatternsInOneIndex(t *testing.T) {
	var b IndexBuilder
	edges := 0
	for i := range 200 {
		p := pattern(t, fmt.Sprintf("file:///**/a*/**/*%d/**/a/**", i))
		b.Add(p, int32(i))
		edges += len(p.alts[0].path.globs)
	}
	ix := b.Build()
	n := parse(t, "file://"+longPath(4000))
	m := matcher{name: &n}
	ix.match(&m, nil)
	if bound := 2 * MaxNameLen * (edges + 1); m.steps > bound {
		t.Errorf("%d steps, more than name times patterns (%d)", m.steps, bound)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"tool://mail.send", "file:///srv/kb/faq/refunds.md", "https://api.example.com/v1/items/42?page=2&n=10"} {
		b.Run(s[:strings.Index(s, ":")], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, bb := range []struct{ title, pattern, name string }{
		{"literal", "tool://mail.send", "tool://mail.send"},
		{"below", "file:///srv/kb/**", "file:///srv/kb/faq/refunds.md"},
		{"between", "file:///**/.ssh/**", "file:///srv/alice/code/app/.ssh/id_ed25519"},
		{"host", "https://*.example.com/v1/**", "https://api.example.com/v1/items/42?page=2&n=10"},
		{"other_scheme", "https://*.example.com/v1/**", "file:///srv/kb/faq/refunds.md"},
		{"hostile", hostile[7].pattern, "file://" + longPath(4000)},
	} {
		b.Run(bb.title, func(b *testing.B) {
			p, n := pattern(b, bb.pattern), parse(b, bb.name)
			b.ReportAllocs()
			for b.Loop() {
				p.Match(n)
			}
		})
	}
}
