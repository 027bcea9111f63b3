package report

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/moat-lang/moat/lang"
)

// sarifSchema compiles testdata/sarif-2.1.0.schema.json, a copy of the schema at schemaURI by OASIS.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/sarif-2.1.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaURI, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(schemaURI)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validSARIF renders ds and returns the log, checked against the schema.
func validSARIF(t *testing.T, schema *jsonschema.Schema, ds lang.Diagnostics, version string) string {
	t.Helper()
	var b strings.Builder
	if err := SARIF(&b, ds, version); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, b.String())
	}
	return b.String()
}

func TestSARIF(t *testing.T) {
	src := lang.NewSource("my policies/a.moat", "permit any\n")
	abs := lang.NewSource("/srv/b.moat", "agent a\n")
	got := validSARIF(t, sarifSchema(t), lang.Diagnostics{
		{
			Code: lang.WarnUnused, Severity: lang.Warning, Span: at(t, src, "any"), Message: "unused", Hint: `write "\u{61}"`,
			Labels: []lang.Label{{Span: at(t, abs, "a"), Text: "here"}, {Text: "there"}},
		},
		{Code: lang.CodeNoRules, Message: "no rule [in](https://evil.example)"},
		{Code: lang.CodeNoRules, Message: "a [b]"},
	}, "1.2.3")
	want := `{
  "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "moatc",
          "version": "1.2.3",
          "informationUri": "https://github.com/moat-lang/moat",
          "rules": [
            {
              "id": "M0405",
              "helpUri": "https://github.com/moat-lang/moat/blob/main/spec/ERRORS.md#m0405",
              "defaultConfiguration": {
                "level": "error"
              }
            },
            {
              "id": "M0902",
              "helpUri": "https://github.com/moat-lang/moat/blob/main/spec/ERRORS.md#m0902",
              "defaultConfiguration": {
                "level": "warning"
              }
            }
          ]
        }
      },
      "columnKind": "unicodeCodePoints",
      "results": [
        {
          "ruleId": "M0902",
          "ruleIndex": 1,
          "level": "warning",
          "message": {
            "text": "unused\nhelp: write \"\\u{{61}}\""
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "my%20policies/a.moat",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1,
                  "startColumn": 8,
                  "endLine": 1,
                  "endColumn": 11
                }
              }
            }
          ],
          "relatedLocations": [
            {
              "id": 1,
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "file:///srv/b.moat"
                },
                "region": {
                  "startLine": 1,
                  "startColumn": 1,
                  "endLine": 1,
                  "endColumn": 2
                }
              },
              "message": {
                "text": "here"
              }
            },
            {
              "id": 2,
              "message": {
                "text": "there"
              }
            }
          ]
        },
        {
          "ruleId": "M0405",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "no rule \\[in\\](https://evil.example)"
          }
        },
        {
          "ruleId": "M0405",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "a [b]"
          }
        }
      ]
    }
  ]
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSARIFIsAlwaysValid(t *testing.T) {
	schema := sarifSchema(t)
	empty := lang.NewSource("", "")
	for name, ds := range map[string]lang.Diagnostics{
		"nothing":        nil,
		"hostile":        hostileDiagnostics(),
		"empty names":    {{Span: lang.Span{Src: empty}}},
		"colon in name":  {{Code: "M0001", Span: lang.Span{Src: lang.NewSource("C:/a b.moat", "x")}}},
		"slashes first":  {{Code: "M0001", Span: lang.Span{Src: lang.NewSource("//a", "x")}}},
		"standard input": {{Code: "M0001", Span: lang.Span{Src: lang.NewSource("<stdin>", "x")}}},
	} {
		t.Run(name, func(t *testing.T) { validSARIF(t, schema, ds, "") })
	}
}

func TestSchemaRefusesABrokenLog(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{"results": []}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if sarifSchema(t).Validate(doc) == nil {
		t.Error("a run without a tool is accepted")
	}
}
