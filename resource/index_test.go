package resource

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestIndexAgreesWithMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	found := 0
	for range 60 {
		var b IndexBuilder
		byID := make(map[int32][]*Pattern)
		for range 1 + r.IntN(80) {
			p, err := ParsePattern(randomPattern(r))
			if err != nil {
				continue
			}
			if r.IntN(40) == 0 {
				p = Any()
			}
			id := r.Int32N(60)
			b.Add(p, id)
			byID[id] = append(byID[id], p)
		}
		ix := b.Build()
		for range 100 {
			n := parse(t, randomName(r))
			var want []int32
			for id, ps := range byID {
				if slices.ContainsFunc(ps, func(p *Pattern) bool { return p.Match(n) }) {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			got := ix.Match(n, nil)
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("%s (-one by one +index):\n%s", n, d)
			}
			found += len(got)
		}
	}
	if found < 6000 {
		t.Errorf("the test is too easy: %d matches", found)
	}
}

func TestIndexMatchAppends(t *testing.T) {
	var b IndexBuilder
	b.Add(pattern(t, "tool://{a,a*,*}"), 7)
	b.Add(pattern(t, "tool://a"), 3)
	b.Add(pattern(t, "tool://**"), 7)
	b.Add(pattern(t, "tool://b"), 4)
	b.Add(Any(), 5)
	ix := b.Build()
	got := ix.Match(parse(t, "tool://a"), []int32{9, 9, 1})
	if d := cmp.Diff([]int32{9, 9, 1, 3, 5, 7}, got); d != "" {
		t.Errorf("what was there stays, what is appended is sorted and without repetition (-want +got):\n%s", d)
	}
}

func TestIndexWithoutPatterns(t *testing.T) {
	n := parse(t, "https://a.com/")
	var zero Index
	if ids := zero.Match(n, nil); len(ids) > 0 {
		t.Errorf("the zero Index finds %v", ids)
	}
	var b IndexBuilder
	if ids := b.Build().Match(n, nil); len(ids) > 0 {
		t.Errorf("an empty index finds %v", ids)
	}
}

func TestBuildLeavesTheBuilderEmpty(t *testing.T) {
	var b IndexBuilder
	b.Add(pattern(t, "tool://a"), 1)
	first := b.Build()
	b.Add(pattern(t, "tool://a"), 2)
	second := b.Build()
	n := parse(t, "tool://a")
	if got := first.Match(n, nil); !slices.Equal(got, []int32{1}) {
		t.Errorf("first index: %v", got)
	}
	if got := second.Match(n, nil); !slices.Equal(got, []int32{2}) {
		t.Errorf("second index: %v", got)
	}
}

func TestIndexIsSafeForConcurrentUse(t *testing.T) {
	ix, names := sampleIndex(t, 100)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				for i, n := range names {
					if got := ix.Match(n, nil); !slices.Contains(got, int32(i)) {
						t.Errorf("%s: %v without %d", n, got, i)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestWalkOutlivesItsRounds(t *testing.T) {
	var b IndexBuilder
	b.Add(pattern(t, "file:///**/a/**"), 1)
	ix := b.Build()
	w := newScratch(ix.loops)
	w.paths.round = ^uint32(0)
	for i := range w.paths.entered {
		w.paths.entered[i] = 1
	}
	n := parse(t, "file:///x/a/y")
	m := matcher{name: &n}
	if got := matchPath(ix.schemes["file"].paths, &m, w, nil); !slices.Equal(got, []int32{1}) {
		t.Errorf("after the counter ran over: %v", got)
	}
}

func TestIndexStepsDoNotGrowWithThePatterns(t *testing.T) {
	steps := func(patterns int) int {
		ix, names := sampleIndex(t, patterns)
		m := matcher{name: &names[0]}
		ix.match(&m, nil)
		return m.steps
	}
	if few, lots := steps(10), steps(10_000); lots > 2*few {
		t.Errorf("with 10,000 patterns a match takes %d steps, with 10 it takes %d", lots, few)
	}
}

// sampleIndex returns an index of n patterns of four kinds, and for each pattern a name that it matches.
func sampleIndex(tb testing.TB, n int) (*Index, []Name) {
	tb.Helper()
	var b IndexBuilder
	var names []Name
	for i := range n {
		var p, s string
		switch i % 4 {
		case 0:
			p, s = "https://*.t%d.example.com/v1/**", "https://api.t%d.example.com/v1/items/42?page=2"
		case 1:
			p, s = "file:///srv/team%d/**/*.md", "file:///srv/team%d/kb/faq/refunds.md"
		case 2:
			p, s = "tool://crm%d.read", "tool://crm%d.read"
		case 3:
			p, s = "secret://prod/%d/*", "secret://prod/%d/key"
		}
		b.Add(pattern(tb, fmt.Sprintf(p, i)), int32(i))
		names = append(names, parse(tb, fmt.Sprintf(s, i)))
	}
	return b.Build(), names
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		ix, names := sampleIndex(b, n)
		for _, kind := range []string{"https", "file", "tool"} {
			i := slices.IndexFunc(names, func(n Name) bool { return n.Scheme() == kind })
			if i < 0 {
				continue
			}
			b.Run(fmt.Sprintf("n=%d/%s", n, kind), func(b *testing.B) {
				dst := make([]int32, 0, 16)
				b.ReportAllocs()
				for b.Loop() {
					if len(ix.Match(names[i], dst)) != 1 {
						b.Fatal("not found")
					}
				}
			})
		}
	}
	// A thousand patterns that all begin with `**` have no literal prefix to tell them apart.
	var builder IndexBuilder
	for i := range 1000 {
		builder.Add(pattern(b, fmt.Sprintf("file:///**/.dir%d/**", i)), int32(i))
	}
	ix, n := builder.Build(), parse(b, "file:///srv/alice/code/app/.dir7/id"+strings.Repeat("x", 10))
	b.Run("n=1000/deep", func(b *testing.B) {
		dst := make([]int32, 0, 16)
		b.ReportAllocs()
		for b.Loop() {
			ix.Match(n, dst)
		}
	})
}
