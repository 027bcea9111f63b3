package resource

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCommon(t *testing.T) {
	for _, tt := range []struct{ p, q, want string }{ // want is "" where there is none
		{"tool://buy", "tool://buy", "tool://buy"},
		{"tool://buy", "tool://cancel", ""},
		{"tool://*", "tool://buy", "tool://buy"},
		{"tool://*", "agent://*", ""},
		{"tool://**", "tool://**", "tool://x"},
		{"tool://a*", "tool://*b", "tool://ab"},
		{"tool://ab*", "tool://*ba", "tool://aba"},
		{"tool://.*", "tool://*.", "tool://.x."},
		{"tool://{a,b}*", "tool://{c,b}", "tool://b"},
		{"file:///**", "file:///", "file:///"},
		{"file:///srv/**", "file:///**/secret", "file:///srv/secret"},
		{"file:///srv/*", "file:///srv/*/*", ""},
		{"file:///a/**/b/**", "file:///**/b/a", "file:///a/b/a"},
		{"file:///a/b/**", "file:///*/*", "file:///a/b"},
		{"https://**", "https://*.example.com/**", "https://x.example.com/"},
		{"https://*.example.com/**", "https://example.com/**", ""},
		{"https://a-*.example.com", "https://*.example.com", "https://a-x.example.com/"},
		{"https://a.5.**", "https://a.**", "https://a.5.x/"},
		{"https://*/a", "https://[::1]/**", "https://[::1]/a"},
		{"https://1*.example.com/**", "https://127.0.0.1/**", ""},
		{"https://a.com:*", "https://a.com:81", "https://a.com:81/"},
		{"https://a.com:*", "https://a.com", "https://a.com/"},
		{"https://a.com:82", "https://a.com:81", ""},
		{"https://a.com/**", "https://a.com/b?q=*", "https://a.com/b?q="},
		{"https://a.com/b", "https://a.com/b?q=*", ""},
		{"https://a.com/b?a*", "https://a.com/b?*b", "https://a.com/b?ab"},
		{"https://a.com/%20*", "https://a.com/*0a", "https://a.com/%20a"},
		{"any", "tool://buy", "tool://buy"},
		{"any", "any", "x://x"},
	} {
		for _, turned := range []bool{false, true} {
			p, q := anyOr(t, tt.p), anyOr(t, tt.q)
			if turned {
				p, q = q, p
			}
			got, steps := p.Common(q, InclusionBudget)
			if got.String() != tt.want || steps > InclusionBudget {
				t.Errorf("%s and %s: %q in %d steps, want %q", p, q, got, steps, tt.want)
			}
		}
	}
}

func anyOr(t *testing.T, s string) *Pattern {
	if s == "any" {
		return Any()
	}
	return pattern(t, s)
}

// What is found is matched by both, as a second implementation says; and where nothing is, no small name is in both.
func TestCommonAgainstAllSmallNames(t *testing.T) {
	names := smallNames(t)
	r := rand.New(rand.NewPCG(1, 2))
	some, none := 0, 0
	for range 3000 {
		a, b := randomPattern(r), randomPattern(r)
		p, err := ParsePattern(a)
		q, err2 := ParsePattern(b)
		if err != nil || err2 != nil {
			continue
		}
		got, _ := p.Common(q, InclusionBudget)
		if !got.IsZero() {
			if some++; !slowMatch(a, got.String()) || !slowMatch(b, got.String()) {
				t.Errorf("%s and %s: %s is not in both", a, b, got)
			}
			continue
		}
		if p.alts[0].scheme == q.alts[0].scheme {
			none++
		}
		for _, list := range names {
			if i := slices.IndexFunc(list, func(n Name) bool { return p.Match(n) && q.Match(n) }); i >= 0 {
				t.Errorf("%s and %s: nothing found, and %s is in both", a, b, list[i])
			}
		}
	}
	if some < 300 || none < 100 {
		t.Errorf("%d have something in common, %d have not: too few to tell", some, none)
	}
}

// The search stops when its budget is used up, however many alternatives there are.
func TestCommonStops(t *testing.T) {
	long := "tool://" + strings.Repeat("{a,b}*", 8) + strings.Repeat("a*", 100)
	p, q := pattern(t, long+"c"), pattern(t, long+"d")
	for _, budget := range []int{0, 1000, 100_000} {
		n, steps := p.Common(q, budget)
		if !n.IsZero() || steps <= budget || steps > budget+1<<17 {
			t.Errorf("a budget of %d: %s in %d steps", budget, n, steps)
		}
	}
}
