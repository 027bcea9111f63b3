package resource

import (
	"fmt"
	"strings"
	"testing"
)

// grants are what a block of a token typically has: eight patterns, two of them with a glob in mid-path.
var grants = []string{
	"file:///srv/kb/**",
	"file:///home/*/projects/**/*.go",
	"https://api.example.com/v1/**",
	"https://*.internal.example.com/reports/*/summary",
	"tool://mail.send",
	"tool://search.*",
	"secret://prod/db",
	"https://hooks.example.com:8443/in/**",
}

// narrower are grants each of which lies in the one with its number.
var narrower = []string{
	"file:///srv/kb/faq/**",
	"file:///home/*/projects/moat/**/*.go",
	"https://api.example.com/v1/items/**",
	"https://*.internal.example.com/reports/q*/summary",
	"tool://mail.send",
	"tool://search.web",
	"secret://prod/db",
	"https://hooks.example.com:8443/in/build/**",
}

type hostileInclusion struct {
	pattern string
	union   []string
}

// hostileInclusions are questions that make an automaton large, or a comparison backtrack.
var hostileInclusions = func() map[string]hostileInclusion {
	stars := func(n int) string { return "tool://" + strings.Repeat("a*", n) + "b" }
	var list, depths, near, pairs, many []string
	for i := range 16 {
		list = append(list, "tool://"+strings.Repeat(fmt.Sprintf("a*%d", i), 800))
	}
	for i := 1; i < 200; i++ {
		depths = append(depths, "file:///**/a"+strings.Repeat("/*", i))
	}
	for i := range 31 {
		near = append(near, "file:///**/a"+strings.Repeat("/*", i)+"/a/**/b")
	}
	for i, c := range alphanumeric {
		pairs = append(pairs, fmt.Sprintf("https://{*%c*%c*,*%c*%c*,*-%c*}.a.com/", c, alphanumeric[(i+1)%36], c, alphanumeric[(i+7)%36], c))
	}
	for i := range 16 {
		var alts []string
		for j := range 200 {
			alts = append(alts, fmt.Sprintf("b*%d", 200*i+j))
		}
		many = append(many, "file:///{"+strings.Join(alts, ",")+"}/**/x")
	}
	return map[string]hostileInclusion{
		"stars":            {stars(2000), []string{stars(1999) + "b", stars(1000) + "c"}},
		"64_KiB_of_stars":  {stars(2000), list},
		"nth_from_the_end": {"file:///**/{a,b}/**", depths},
		"far_apart":        {"file:///**" + strings.Repeat("/a/**", 8) + "/b", near},
		"letters":          {"https://*-*-*.a.com/", pairs},
		"alternatives":     {strings.Replace(many[0], "b*", "a*", -1), many},
		"deep_stars":       {"file://" + strings.Repeat("/**/a*", 60), []string{"file://" + strings.Repeat("/**/a*/b", 50), "file://" + strings.Repeat("/**/*a/*", 50) + "/**"}},
	}
}()

func BenchmarkInclusion(b *testing.B) {
	ask := func(title string, list, union []string, want Verdict) {
		b.Run(title, func(b *testing.B) {
			ps, qs := patterns(b, list...), patterns(b, union...)
			b.ReportAllocs()
			steps := 0
			for b.Loop() {
				for _, p := range ps {
					in := p.Within(qs, InclusionBudget)
					if in.Verdict != want {
						b.Fatalf("%s: %s", p, answer(in))
					}
					steps += in.Steps
				}
			}
			b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
		})
	}
	ask("identical", []string{grants[1]}, grants, Included)
	ask("literal", []string{"https://hooks.example.com:8443/in/build/7"}, grants, Included)
	ask("prefix", narrower[:1], grants, Included)
	ask("mid-path", narrower[1:2], grants, Included)
	ask("host", narrower[3:4], grants, Included)
	ask("block_of_eight", narrower, grants, Included)
	ask("together", []string{"file:///srv/kb/**"}, append(grants[1:], "file:///srv/kb", "file:///srv/kb/*", "file:///srv/kb/*/*/**"), Included)
	ask("exceeds", []string{"file:///srv/**"}, grants, Exceeds)
	for title, h := range hostileInclusions {
		b.Run("hostile/"+title, func(b *testing.B) {
			p, qs := pattern(b, h.pattern), patterns(b, h.union...)
			b.ReportAllocs()
			var in Inclusion
			for b.Loop() {
				in = p.Within(qs, InclusionBudget)
			}
			b.ReportMetric(float64(in.Steps), "steps/op")
		})
	}
}
