package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moat-lang/moat/lang"
)

func TestJSON(t *testing.T) {
	src := lang.NewSource("a.moat", "ünused\n  <é>\n")
	other := lang.NewSource("b.moat", "group g\n")
	for _, tt := range []struct {
		name string
		ds   lang.Diagnostics
		want string
	}{
		{
			name: "nothing",
			want: `{
  "diagnostics": [],
  "errors": 0,
  "warnings": 0
}
`,
		},
		{
			name: "places, hint and labels",
			ds: lang.Diagnostics{
				{
					Code: lang.CodeUnknownName, Span: at(t, src, "<é>"), Message: "a \u202e \U000e0041 \x1b é", Hint: "h",
					Labels: []lang.Label{{Span: at(t, other, "g\n"), Text: "over the line end"}, {Text: "nowhere"}},
				},
				{Code: lang.WarnUnused, Severity: lang.Warning, Message: "no place"},
			},
			want: `{
  "diagnostics": [
    {
      "code": "M0201",
      "severity": "error",
      "message": "a \u202e \udb40\udc41 \u001b é",
      "hint": "h",
      "file": "a.moat",
      "start": {
        "line": 2,
        "column": 3,
        "offset": 10
      },
      "end": {
        "line": 2,
        "column": 6,
        "offset": 14
      },
      "labels": [
        {
          "text": "over the line end",
          "file": "b.moat",
          "start": {
            "line": 1,
            "column": 7,
            "offset": 6
          },
          "end": {
            "line": 2,
            "column": 1,
            "offset": 8
          }
        },
        {
          "text": "nowhere"
        }
      ]
    },
    {
      "code": "M0902",
      "severity": "warning",
      "message": "no place",
      "labels": []
    }
  ],
  "errors": 1,
  "warnings": 1
}
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := JSON(&b, tt.ds); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestJSONKeepsValues(t *testing.T) {
	var b strings.Builder
	if err := JSON(&b, hostileDiagnostics()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Diagnostics []struct{ Code, Message, Hint, File string }
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := string([]rune(hostile)) // bad bytes become U+FFFD
	for _, s := range []string{got.Diagnostics[0].Code, got.Diagnostics[0].Message, got.Diagnostics[0].Hint, got.Diagnostics[0].File} {
		if s != want {
			t.Errorf("got %+q, want %+q", s, want)
		}
	}
}
