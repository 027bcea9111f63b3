package resource

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// patterns parses a list of patterns.
func patterns(t testing.TB, list ...string) []*Pattern {
	t.Helper()
	var all []*Pattern
	for _, s := range list {
		all = append(all, pattern(t, s))
	}
	return all
}

// checkInclusion checks what can be told of an answer without knowing the right one.
func checkInclusion(t *testing.T, p *Pattern, union []*Pattern, got Inclusion) {
	t.Helper()
	if got.Verdict != Exceeds {
		if !got.Witness.IsZero() {
			t.Errorf("%s within %s: %s, and yet the witness %s", p, union, got.Verdict, got.Witness)
		}
		return
	}
	if n, err := Parse(got.Witness.String()); err != nil || n != got.Witness {
		t.Errorf("%s within %s: the witness is no resource: %v", p, union, err)
	}
	if !p.Match(got.Witness) {
		t.Errorf("%s within %s: the witness %s isn't in the pattern", p, union, got.Witness)
	}
	for _, q := range union {
		if q.Match(got.Witness) {
			t.Errorf("%s within %s: the witness %s is in %s", p, union, got.Witness, q)
		}
	}
}

// allWords returns all words of up to n letters.
func allWords(letters string, n int) []string {
	words := []string{""}
	for start := 0; n > 0; n-- {
		end := len(words)
		for _, w := range words[start:end] {
			for _, c := range letters {
				words = append(words, w+string(c))
			}
		}
		start = end
	}
	return words[1:]
}

// allLists returns the lists of up to n words, joined by sep.
func allLists(words []string, sep string, n int) []string {
	lists := []string{""}
	for start := 0; n > 0; n-- {
		end := len(lists)
		for _, l := range lists[start:end] {
			for _, w := range words {
				lists = append(lists, strings.TrimPrefix(l+sep+w, sep))
			}
		}
		start = end
	}
	return lists
}

// smallNames are all names over a small alphabet up to some length, in two scripts of letters that patterns name and
// one that they don't.
func smallNames(t *testing.T) map[string][]Name {
	names := make(map[string][]Name)
	add := func(s string) {
		n := parse(t, s)
		names[n.Scheme()] = append(names[n.Scheme()], n)
	}
	for _, path := range allLists(allWords("abx", 2), "/", 3)[1:] {
		add("tool://" + path)
	}
	for _, path := range allWords("abx", 5) {
		add("tool://" + path)
	}
	for _, path := range allLists([]string{"a", "b", "ab", "x"}, "/", 5) {
		add("file:///" + path)
	}
	hosts := allLists([]string{"a", "b", "ab", "x"}, ".", 3)[1:]
	hosts = append(hosts, "aab.a", "127.0.0.1", "10.0.0.7", "[::1]", "[::a]")
	for _, host := range hosts {
		for _, port := range []string{"", ":81", ":82"} {
			for _, path := range []string{"", "a", "a/b", "ab/a", "x/x/x", "a/"} {
				for _, query := range []string{"", "?a", "?ab", "?x"} {
					add("https://" + host + port + "/" + path + query)
				}
			}
		}
	}
	add("http://a/a")
	return names
}

// divide returns patterns that together have what s has, or a little less.
func divide(r *rand.Rand, s string) []string {
	at := strings.Index(s, "**")
	if at < 0 || r.IntN(4) == 0 {
		return []string{s}
	}
	end := at + 2
	sep := "/"
	if strings.Contains(s, "://") && strings.HasPrefix(s, "https") && !strings.Contains(strings.TrimPrefix(s[:at], "https://"), "/") {
		sep = "."
	}
	var parts []string
	if end < len(s) && s[end:end+1] == sep {
		parts = append(parts, s[:at]+s[end+1:])
	} else if end == len(s) && strings.HasSuffix(s[:at], sep) && !strings.HasSuffix(s[:at], "//") {
		parts = append(parts, s[:at-1])
	}
	parts = append(parts, s[:at]+"*"+s[end:], s[:at]+"*"+sep+"*"+sep+"**"+s[end:])
	if r.IntN(3) == 0 {
		parts[len(parts)-1] = s[:at] + "*" + sep + "**" + s[end:]
	}
	if r.IntN(6) == 0 {
		i := r.IntN(len(parts))
		parts = append(parts[:i], parts[i+1:]...)
	}
	return parts
}

func TestInclusionAgreesWithEnumeration(t *testing.T) {
	names := smallNames(t)
	r := rand.New(rand.NewPCG(3, 4))
	count := make(map[string]int)
	for range 12000 {
		p, err := ParsePattern(randomPattern(r))
		if err != nil {
			continue
		}
		var texts []string
		if alts := slowExpand(p.String()); len(alts) <= 4 && r.IntN(2) == 0 {
			for _, s := range alts {
				for _, d := range divide(r, s) {
					texts = append(texts, divide(r, d)...)
				}
			}
		}
		for range r.IntN(4) {
			texts = append(texts, randomPattern(r))
		}
		var union []*Pattern
		for _, s := range texts {
			if q, err := ParsePattern(s); err == nil {
				union = append(union, q)
			}
		}
		got := p.Within(union, InclusionBudget)
		checkInclusion(t, p, union, got)
		if got.Verdict == Undecided {
			t.Errorf("%s within %s: undecided after %d steps", p, union, got.Steps)
		}
		if got.Verdict == Included {
			for _, n := range outside(p, union, names) {
				t.Errorf("%s within %s: included, but %s", p, union, n)
			}
		}
		title := got.Verdict.String()
		if got.Verdict == Included && !coveredOneByOne(p, union) {
			title = "only together"
		}
		count[title]++
	}
	t.Log(count)
	for _, title := range []string{"included", "only together", "exceeds"} {
		if count[title] < 500 {
			t.Errorf("the test is too easy: %v", count)
		}
	}
}

// outside returns a name of p that no pattern of the union matches, if there is one among names.
func outside(p *Pattern, union []*Pattern, names map[string][]Name) []Name {
	for _, list := range names {
		for i, n := range list {
			if p.Match(n) && !matchesAny(union, n) {
				return list[i : i+1]
			}
		}
	}
	return nil
}

func matchesAny(union []*Pattern, n Name) bool {
	for _, q := range union {
		if q.Match(n) {
			return true
		}
	}
	return false
}

// coveredOneByOne reports whether each alternative of p is within one of the union's patterns.
func coveredOneByOne(p *Pattern, union []*Pattern) bool {
	for i := range p.alts {
		one := &Pattern{text: p.alts[i].text, alts: p.alts[i : i+1]}
		found := false
		for _, q := range union {
			found = found || one.Within([]*Pattern{q}, InclusionBudget).Verdict == Included
		}
		if !found {
			return false
		}
	}
	return true
}

// An inclusionVector is a question and its answer, as in spec/vectors/inclusion. The pattern "any" has every resource.
type inclusionVector struct {
	Title   string   `json:"title"`
	Pattern string   `json:"pattern"`
	Union   []string `json:"union"`
	Answer  string   `json:"answer"`
	Witness string   `json:"witness"` // the one that is found; another one may do as well
}

func inclusionVectors(t testing.TB) map[string][]inclusionVector {
	t.Helper()
	files, err := filepath.Glob("../spec/vectors/inclusion/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors: ", err)
	}
	all := make(map[string][]inclusionVector)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			About string            `json:"about"`
			Cases []inclusionVector `json:"cases"`
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = v.Cases
	}
	return all
}

func TestInclusionVectors(t *testing.T) {
	for file, vectors := range inclusionVectors(t) {
		for _, v := range vectors {
			t.Run(file+"/"+v.Title, func(t *testing.T) {
				p, union := patternOrAny(t, v.Pattern), []*Pattern{}
				for _, s := range v.Union {
					union = append(union, patternOrAny(t, s))
				}
				got := p.Within(union, InclusionBudget)
				checkInclusion(t, p, union, got)
				if got.Verdict.String() != v.Answer || got.Witness.String() != v.Witness {
					t.Errorf("%s within %s: %s %s after %d steps, want %s %s", p, union, got.Verdict, got.Witness, got.Steps, v.Answer, v.Witness)
				}
			})
		}
	}
}

func patternOrAny(t testing.TB, s string) *Pattern {
	if s == "any" {
		return Any()
	}
	return pattern(t, s)
}

// Where a union names every letter and digit, what a label of a host can be is finite in a way that counts.
func TestInclusionOfLabelsLetterByLetter(t *testing.T) {
	each := func(format, but string) string {
		var parts []string
		for _, c := range alphanumeric {
			if !strings.ContainsRune(but, c) {
				parts = append(parts, strings.ReplaceAll(format, "c", string(c)))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	for _, tt := range []struct{ pattern, union, want string }{
		{"https://*.a.com/", "https://" + each("c*", "") + ".a.com", "included"},
		{"https://*.a.com/", "https://" + each("c*", "q") + ".a.com", "https://q.a.com/"},
		{"https://*.a.com/", "https://" + each("*c*", "") + ".a.com", "included"},
		{"https://*.a.com/", "https://" + each("*c*", "q") + ".a.com", "https://q.a.com/"},
		{"https://*.a.com/", "https://{" + each("c*c*", "") + "," + each("*cc", "") + "}.a.com", "https://x.a.com/"},
		{"https://*.a.com/", "https://" + each("*c", "") + ".a.com", "included"},
		{"https://*.a.com/", "https://" + each("*c", "7") + ".a.com", "https://x7.a.com/"},
		{"https://*.a.com/", "https://{*x7," + each("*c", "7") + "}.a.com", "https://y7.a.com/"},
		{"https://w-*.a.com/", "https://" + each("w-c*", "") + ".a.com", "https://w--x.a.com/"},
		{"https://w-*.a.com/", "https://{w--*," + each("w-c*", "") + "}.a.com", "included"},
		{"https://w*.a.com/", "https://" + each("wc*", "") + ".a.com", "https://w.a.com/"},
		{"https://w*.a.com/", "https://{w," + each("wc*", "") + "}.a.com", "https://w-x.a.com/"},
		{"https://w*.a.com/", "https://{w,w-*," + each("wc*", "") + "}.a.com", "included"},
		{"https://**.a.com/", "https://a.com https://**." + each("*c*", "5") + ".**.a.com", "https://5-5.a.com/"},
		{"https://**.a.com/", "https://a.com https://**." + each("*c*", "") + ".**.a.com", "included"},
		{"https://a.*/", "https://a." + each("*c*", "0123456789x"), "https://a.x/"},
		{"https://a.*/", "https://a." + each("*c*", "0123456789"), "https://a.0-0/"}, // not a.0, which would be an address
		{"https://*/", "https://" + each("*c*", "0123456789"), "https://0-0/"},
		{"https://*/", "https://{*-*," + each("*c*", "0123456789") + "}", "https://192.0.2.1/"},
		{"https://*/", "https://{*-*,192.0.2.1," + each("*c*", "0123456789") + "}", "https://192.0.2.2/"},
		{"https://xn--*.a.com/", "https://" + each("*c*", "") + ".a.com", "included"},
	} {
		p, union := pattern(t, tt.pattern), patterns(t, strings.Fields(tt.union)...)
		got := p.Within(union, InclusionBudget)
		checkInclusion(t, p, union, got)
		if answer := answer(got); answer != tt.want {
			t.Errorf("%s within %s: %s after %d steps, want %s", p, union, answer, got.Steps, tt.want)
		}
	}
}

// With every letter and digit but a and b named, all that matters is words over a, b and the hyphen, and at other places
// than those where they are named one other letter.
func TestInclusionOfLabelsAgreesWithEnumeration(t *testing.T) {
	for _, format := range []string{"*c*", "*c", "c*"} {
		t.Run(format, func(t *testing.T) { testLabels(t, format) })
	}
}

func testLabels(t *testing.T, format string) {
	named := "https://{"
	for _, c := range alphanumeric[1:] {
		if c != 'a' && c != 'b' {
			named += strings.ReplaceAll(format, "c", string(c)) + ","
		}
	}
	named += strings.ReplaceAll(format, "c", "x") + "}.com"
	names := map[string][]Name{}
	for _, label := range allWords("abx-", 6) {
		if n, err := Parse("https://" + label + ".com/"); err == nil {
			names["https"] = append(names["https"], n)
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	word := func() string {
		w := make([]byte, 1+r.IntN(4))
		for i := range w {
			w[i] = "ab-***"[r.IntN(6)]
		}
		return string(w)
	}
	count := make(map[Verdict]int)
	for range 600 {
		p, err := ParsePattern("https://" + word() + ".com")
		if err != nil {
			continue
		}
		union := patterns(t, named)
		for range 2 + r.IntN(6) {
			if q, err := ParsePattern("https://" + word() + ".com"); err == nil && q.String() != "https://*.com" {
				union = append(union, q)
			}
		}
		got := p.Within(union, 8*InclusionBudget)
		checkInclusion(t, p, union, got)
		count[got.Verdict]++
		if got.Verdict != Exceeds {
			for _, n := range outside(p, union, names) {
				t.Errorf("%s within %s: %s, but %s", p, union, got.Verdict, n)
			}
		}
	}
	t.Log(count)
	if count[Included] < 50 || count[Exceeds] < 50 || count[Undecided] > 0 {
		t.Errorf("the test is too easy, or its questions too hard: %v", count)
	}
}

// answer returns the witness, or the verdict where there is none.
func answer(in Inclusion) string {
	if in.Verdict == Exceeds {
		return in.Witness.String()
	}
	return in.Verdict.String()
}

func TestInclusionOfAny(t *testing.T) {
	everything := patterns(t, "x://**", "{x1,http,tool}://**")
	for _, tt := range []struct {
		p     *Pattern
		union []*Pattern
		want  string
	}{
		{Any(), []*Pattern{Any()}, "included"},
		{pattern(t, "https://**"), []*Pattern{everything[0], Any()}, "included"},
		{Any(), everything, "x2://x"},
		{Any(), nil, "x://x"},
		{new(Pattern), nil, "included"},
		{pattern(t, "tool://a"), []*Pattern{new(Pattern)}, "tool://a"},
	} {
		if got := answer(tt.p.Within(tt.union, InclusionBudget)); got != tt.want {
			t.Errorf("%s within %s: %s, want %s", tt.p, tt.union, got, tt.want)
		}
	}
}

func TestZeroInclusionLetsNothingPass(t *testing.T) {
	var in Inclusion
	if in.Verdict == Included || in.Verdict != Undecided {
		t.Errorf("the zero Inclusion is %s", in.Verdict)
	}
}

func TestT18HostileInclusionsEndWithinTheBudget(t *testing.T) {
	for title, h := range hostileInclusions {
		t.Run(title, func(t *testing.T) {
			p, union := pattern(t, h.pattern), patterns(t, h.union...)
			look := 2 * MaxRun * MaxNameLen
			for _, q := range union {
				for i := range q.alts {
					look += len(q.alts[i].text)
				}
			}
			seen := make(map[string]bool)
			for _, budget := range []int{0, 1, 100, 10_000, 100_000, InclusionBudget} {
				got := p.Within(union, budget)
				checkInclusion(t, p, union, got)
				seen[got.Verdict.String()] = true
				if got.Steps > budget+look {
					t.Errorf("%d steps of %d", got.Steps, budget)
				}
				if got.Steps > budget && got.Verdict == Included {
					t.Errorf("included, though %d steps of %d were not enough", got.Steps, budget)
				}
			}
			if !seen["undecided"] || seen["included"] && seen["exceeds"] {
				t.Errorf("%v", seen)
			}
		})
	}
}

func TestInclusionWithoutBudgetIsUndecided(t *testing.T) {
	p := pattern(t, "{file:///srv/**,tool://x}")
	for _, texts := range []string{
		"file:///srv tool://* file:///srv/*/**", "file:///** tool://x", "file:///srv/** tool://a*", "file:///srv/*/** tool://x",
	} {
		union := patterns(t, strings.Fields(texts)...)
		whole := p.Within(union, InclusionBudget)
		if whole.Verdict == Undecided {
			t.Fatal(whole)
		}
		for budget := -1; budget < whole.Steps; budget++ {
			got := p.Within(union, budget)
			checkInclusion(t, p, union, got)
			if got.Verdict == Included || whole.Verdict == Included && got.Verdict == Exceeds {
				t.Errorf("%s, with %d of %d steps: %s", texts, budget, whole.Steps, answer(got))
			}
		}
		if got := p.Within(union, whole.Steps); got != whole {
			t.Errorf("%s, with %d of %[2]d steps: %s", texts, whole.Steps, answer(got))
		}
	}
}

// The corners of spec/INCLUSION.md section 5: what is outside the union in text is no name.
func TestInclusionIsUndecidedWhereOnlyOtherTextIsOutside(t *testing.T) {
	long := "tool://" + strings.Repeat("a", MaxNameLen-len("tool://")-len("/**"))
	for _, tt := range []struct{ title, pattern, union string }{
		{"longer than a name", long + "/**", long + " " + long + "/*"},
		{"a label that begins with a digit beside Hebrew", "https://*.1a.xn--4db/", ""},
	} {
		t.Run(tt.title, func(t *testing.T) {
			got := pattern(t, tt.pattern).Within(patterns(t, strings.Fields(tt.union)...), InclusionBudget)
			if got.Verdict != Undecided || got.Steps > InclusionBudget {
				t.Errorf("%s after %d steps", answer(got), got.Steps)
			}
		})
	}
}

func TestInclusionBeyondOneWordOfPlaces(t *testing.T) {
	for depth := 1; depth < 80; depth++ {
		deep := "file://" + strings.Repeat("/a", depth)
		union := patterns(t, deep+"/x", deep+"/*/*", deep, deep+"/*/*/*/**", deep+"/*")
		if got := answer(pattern(t, deep+"/**").Within(union, InclusionBudget)); got != "included" {
			t.Errorf("at depth %d: %s", depth, got)
		}
		if got, want := answer(pattern(t, deep+"/**").Within(union[:4], InclusionBudget)), deep+"/y"; got != want {
			t.Errorf("at depth %d: %s, want %s", depth, got, want)
		}
	}
}

func TestInclusionByOnePatternDoesNotAllocate(t *testing.T) {
	ps, union := patterns(t, narrower...), patterns(t, grants...)
	if allocs := testing.AllocsPerRun(100, func() {
		for _, p := range ps {
			if p.Within(union, InclusionBudget).Verdict != Included {
				t.Error(p)
			}
		}
	}); allocs != 0 {
		t.Errorf("Within allocates %v times", allocs)
	}
}
