package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

func TestText(t *testing.T) {
	shop := lang.NewSource("shop.moat", "policy shop\r\n\r\npermit refundr on tool(\"refund\")\r\n  when args.amount < 10 USD\r\n    and args.to == refundr\r\n")
	agents := lang.NewSource("lib/agents.moat", "agent refunder\n")
	wide := lang.NewSource("wide.moat", "\tnotify \"世界 e\u0301\u202e\"\tonx // \x1b[2J\n")
	long := lang.NewSource("long.moat", strings.Repeat("abcdefghi ", 20)+"HERE"+strings.Repeat(" jklmnopqr", 20))
	empty := lang.NewSource("empty.moat", "")

	for _, tt := range []struct {
		name string
		opts TextOptions
		ds   lang.Diagnostics
		want string
	}{
		{name: "nothing"},
		{
			name: "span, label in another file and hint",
			ds: lang.Diagnostics{{
				Code: lang.CodeUnknownName, Span: at(t, shop, "refundr"), Message: "no agent is called refundr", Hint: "write refunder",
				Labels: []lang.Label{{Span: at(t, agents, "refunder"), Text: "this one is"}},
			}},
			want: `
error[M0201]: no agent is called refundr
 --> shop.moat:3:8
  |
3 | permit refundr on tool("refund")
  |        ^^^^^^^
 ::: lib/agents.moat:1:7
  |
1 | agent refunder
  |       -------- this one is
  |
  = help: write refunder

1 error
`,
		},
		{
			name: "labels in the same file, before, on and after the line",
			ds: lang.Diagnostics{{
				Code: lang.WarnUnused, Severity: lang.Warning, Span: at(t, shop, "refundr"), Message: "unused",
				Labels: []lang.Label{
					{Span: at(t, shop, "args.to"), Text: "after"},
					{Span: at(t, shop, "on"), Text: "on"},
					{Span: at(t, shop, "shop"), Text: "before"},
					{Text: "nowhere"},
				},
			}},
			want: `
warning[M0902]: unused
 --> shop.moat:3:8
  |
1 | policy shop
  |        ---- before
...
3 | permit refundr on tool("refund")
  |        ^^^^^^^
  |                -- on
...
5 |     and args.to == refundr
  |         ------- after
  |
  = note: nowhere

1 warning
`,
		},
		{
			name: "spans over two and over more lines",
			ds: lang.Diagnostics{
				{Code: lang.CodeType, Span: at(t, shop, "refund\")\r\n  when args.amount"), Message: "two"},
				{
					Code: lang.CodeType, Span: at(t, shop, "refundr on tool(\"refund\")\r\n  when args.amount < 10 USD\r\n    and args"), Message: "three",
					Labels: []lang.Label{{Span: at(t, shop, "shop\r\n\r\npermit"), Text: "label"}},
				},
			},
			want: `
error[M0301]: two
 --> shop.moat:3:25
  |
3 | permit refundr on tool("refund")
  |                         ^^^^^^^^
4 |   when args.amount < 10 USD
  |   ^^^^^^^^^^^^^^^^

error[M0301]: three
 --> shop.moat:3:8
  |
1 | policy shop
  |        ----
...
3 | permit refundr on tool("refund")
  | ------ label
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^
...
5 |     and args.to == refundr
  |     ^^^^^^^^

2 errors
`,
		},
		{
			name: "no place, and a file without text",
			ds: lang.Diagnostics{
				{Code: lang.CodeNoFiles, Message: "no policy here", Hint: "name a folder"},
				{Code: lang.CodeNoRules, Span: lang.Span{Src: empty}, Message: "no rule"},
				{Code: lang.WarnUnused, Severity: lang.Warning, Message: "no pin"},
			},
			want: `
error[M0505]: no policy here
  = help: name a folder

error[M0405]: no rule
 --> empty.moat:1:1

warning[M0902]: no pin

2 errors, 1 warning
`,
		},
		{
			name: "tabs, wide characters, marks and escapes stay aligned",
			ds: lang.Diagnostics{{
				Code: lang.CodeInvalidText, Span: at(t, wide, "onx"), Message: "col\tumn",
				Labels: []lang.Label{
					{Span: at(t, wide, "notify"), Text: "after a tab"},
					{Span: at(t, wide, "界"), Text: "two columns"},
					{Span: at(t, wide, "e\u0301"), Text: "one"},
					{Span: at(t, wide, "\u202e"), Text: "hidden"},
					{Span: at(t, wide, "\x1b"), Text: "control"},
				},
			}},
			want: `
error[M0002]: col⟨U+0009⟩umn
 --> wide.moat:1:18
  |
1 |     notify "世界 é⟨U+202E⟩" onx // ⟨U+001B⟩[2J
  |     ------ after a tab
  |               -- two columns
  |                  - one
  |                   -------- hidden
  |                             ^^^
  |                                    -------- control

1 error
`,
		},
		{
			name: "a long line is cut around each span",
			opts: TextOptions{Width: 44},
			ds: lang.Diagnostics{{
				Code: lang.CodeSyntax, Span: at(t, long, "HERE"), Message: "middle",
				Labels: []lang.Label{
					{Span: lang.Span{Src: long, Start: 0, End: 9}, Text: "start"},
					{Span: lang.Span{Src: long, Start: len(long.Text) - 9, End: len(long.Text)}, Text: "end"},
					{Span: lang.Span{Src: long, Start: len(long.Text), End: len(long.Text)}, Text: "past the end"},
					{Span: lang.Span{Src: long, Start: 0, End: len(long.Text)}, Text: "all"},
				},
			}},
			want: `
error[M0101]: middle
 --> long.moat:1:201
  |
1 | abcdefghi abcdefghi abcdefghi abcdefgh…
  | --------- start
1 | abcdefghi abcdefghi abcdefghi abcdefgh…
  | -------------------------------------- all
1 | …defghi abcdefghi HERE jklmnopqr jklmno…
  |                   ^^^^
1 | …klmnopqr jklmnopqr jklmnopqr jklmnopqr
  |                               --------- end
  |                                        - past the end

1 error
`,
		},
		{
			name: "the end of a line and of the file",
			ds: lang.Diagnostics{
				{Code: lang.CodeSyntax, Span: lang.Span{Src: shop, Start: 11, End: 13}, Message: "line end"},
				{Code: lang.CodeSyntax, Span: lang.Span{Src: shop, Start: len(shop.Text), End: len(shop.Text)}, Message: "end"},
			},
			want: `
error[M0101]: line end
 --> shop.moat:1:12
  |
1 | policy shop
  |            ^

error[M0101]: end
 --> shop.moat:6:1
  |
6 |
  | ^

2 errors
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := Text(&b, tt.ds, tt.opts); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTextColor(t *testing.T) {
	src := lang.NewSource("a.moat", "permit any\n")
	var b strings.Builder
	err := Text(&b, lang.Diagnostics{{
		Code: lang.WarnUnused, Severity: lang.Warning, Span: at(t, src, "any"), Message: "m", Hint: "h",
		Labels: []lang.Label{{Span: at(t, src, "permit"), Text: "l"}},
	}}, TextOptions{Color: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `<yellow>warning[M0902]<reset><bold>: m<reset>
 <blue>--><reset> a.moat:1:8
  <blue>|<reset>
<blue>1 |<reset> permit any
  <blue>|<reset> <blue>------ l<reset>
  <blue>|<reset>        <yellow>^^^<reset>
  <blue>|<reset>
  <blue>=<reset> <bold>help:<reset> h

1 warning
`
	got := strings.NewReplacer(styleWarning, "<yellow>", styleGutter, "<blue>", styleMessage, "<bold>", styleReset, "<reset>").Replace(b.String())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestGutterFitsTheLastLine(t *testing.T) {
	src := lang.NewSource("a.moat", strings.Repeat("\n", 11)+"x\n")
	var b strings.Builder
	if err := Text(&b, lang.Diagnostics{{
		Code: "M0101", Span: at(t, src, "x"), Message: "m", Labels: []lang.Label{{Span: lang.Span{Src: src}, Text: "first"}},
	}}, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `error[M0101]: m
  --> a.moat:12:1
   |
 1 |
   | - first
...
12 | x
   | ^

1 error
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What an error costs in a file that is one line of the largest size.
func BenchmarkTextLongLine(b *testing.B) {
	src := lang.NewSource("a.moat", strings.Repeat("x", lang.MaxFileSize))
	d := &lang.Diagnostic{Code: "M0101", Message: "m", Span: lang.Span{Src: src, Start: len(src.Text) / 2, End: len(src.Text)}}
	for b.Loop() {
		if err := Text(&strings.Builder{}, lang.Diagnostics{d}, TextOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
