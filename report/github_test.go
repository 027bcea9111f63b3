package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

func TestGitHub(t *testing.T) {
	src := lang.NewSource("a,b:c%.moat", "permit any\nand more\n")
	for _, tt := range []struct {
		name string
		d    lang.Diagnostic
		want string
	}{
		{
			name: "one line",
			d:    lang.Diagnostic{Code: "M0201", Span: at(t, src, "any"), Message: "50% of a, b: c"},
			want: "::error file=a%2Cb%3Ac%25.moat,line=1,col=8,endLine=1,endColumn=10,title=M0201::50%25 of a, b: c\n",
		},
		{
			name: "empty span",
			d:    lang.Diagnostic{Code: "M0201", Span: lang.Span{Src: src, Start: 3, End: 3}, Message: "m"},
			want: "::error file=a%2Cb%3Ac%25.moat,line=1,col=4,endLine=1,endColumn=4,title=M0201::m\n",
		},
		{
			name: "several lines have no columns",
			d:    lang.Diagnostic{Code: "M0201", Span: at(t, src, "any\nand"), Message: "m"},
			want: "::error file=a%2Cb%3Ac%25.moat,line=1,endLine=2,title=M0201::m\n",
		},
		{
			name: "no place, labels and hint",
			d: lang.Diagnostic{
				Code: "M0902", Severity: lang.Warning, Message: "m\r\n::set-output name=x::y", Hint: "do",
				Labels: []lang.Label{{Span: at(t, src, "more"), Text: "here"}, {Text: "note"}},
			},
			want: "::warning title=M0902::m⟨U+000D⟩⟨U+000A⟩::set-output name=x::y%0Aa,b:c%25.moat:2:5: here%0Anote%0Ahelp: do\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := GitHub(&b, lang.Diagnostics{&tt.d}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
