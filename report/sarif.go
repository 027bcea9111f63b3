package report

import (
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/moat-lang/moat/lang"
)

// Where a reader of a SARIF file finds the tool and its diagnostics explained.
const (
	projectURI = "https://github.com/moat-lang/moat"
	helpURI    = projectURI + "/blob/main/spec/ERRORS.md#"
	schemaURI  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

// The part of SARIF's object model that is written here. Names are those of the specification.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   lang.Code   `json:"id"`
		HelpURI              string      `json:"helpUri"`
		DefaultConfiguration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID           lang.Code       `json:"ruleId"`
		RuleIndex        int             `json:"ruleIndex"`
		Level            string          `json:"level"`
		Message          sarifMessage    `json:"message"`
		Locations        []sarifLocation `json:"locations,omitempty"`
		RelatedLocations []sarifLocation `json:"relatedLocations,omitempty"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Message  *sarifMessage  `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
)

// SARIF writes ds as a SARIF 2.1.0 log of one run of moatc, with each code used as a rule, sorted.
// version is that of moatc, or "". Columns count code points, ends are exclusive. Relative file names are
// relative to %SRCROOT%. The hint follows the message on a line of its own.
func SARIF(w io.Writer, ds lang.Diagnostics, version string) error {
	rules := sarifRules(ds)
	results := make([]sarifResult, 0, len(ds))
	for _, d := range ds {
		text := Escape(d.Message)
		if d.Hint != "" {
			text += "\nhelp: " + Escape(d.Hint)
		}
		r := sarifResult{
			RuleID:    d.Code,
			RuleIndex: slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == d.Code }),
			Level:     d.Severity.String(),
			Message:   sarifMessage{sarifText(text)},
		}
		if p := physical(d.Span); p != nil {
			r.Locations = []sarifLocation{{Physical: p}}
		}
		for i, l := range d.Labels {
			r.RelatedLocations = append(r.RelatedLocations, sarifLocation{
				ID:       i + 1,
				Physical: physical(l.Span),
				Message:  &sarifMessage{sarifText(Escape(l.Text))},
			})
		}
		results = append(results, r)
	}
	return WriteJSON(w, sarifLog{
		Schema:  schemaURI,
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:       sarifTool{sarifDriver{Name: "moatc", Version: version, InformationURI: projectURI, Rules: rules}},
			ColumnKind: "unicodeCodePoints",
			Results:    results,
		}},
	}, "  ")
}

// sarifRules returns the codes of ds, sorted, each once.
func sarifRules(ds lang.Diagnostics) []sarifRule {
	rules := make([]sarifRule, 0, len(ds))
	for _, d := range ds {
		rules = append(rules, sarifRule{
			ID:                   d.Code,
			HelpURI:              helpURI + url.PathEscape(strings.ToLower(string(d.Code))),
			DefaultConfiguration: sarifConfig{d.Severity.String()},
		})
	}
	slices.SortStableFunc(rules, func(a, b sarifRule) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return slices.CompactFunc(rules, func(a, b sarifRule) bool { return a.ID == b.ID })
}

func physical(s lang.Span) *sarifPhysical {
	p := placeOf(s)
	if p == nil {
		return nil
	}
	artifact := sarifArtifact{URI: (&url.URL{Path: p.File}).String(), URIBaseID: "%SRCROOT%"}
	if strings.HasPrefix(p.File, "/") {
		artifact = sarifArtifact{URI: (&url.URL{Scheme: "file", Path: p.File}).String()}
	}
	return &sarifPhysical{artifact, sarifRegion{p.Start.Line, p.Start.Column, p.End.Line, p.End.Column}}
}

var (
	sarifBraces   = strings.NewReplacer("{", "{{", "}", "}}")
	sarifBrackets = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`)
)

// sarifText escapes what a SARIF message gives a meaning to: braces are placeholders (SARIF 2.1.0 §3.11.5) and
// [text](target) is a link (§3.11.6). Brackets are escaped only where a link could be read, because many
// viewers show the backslash.
func sarifText(s string) string {
	if strings.Contains(s, "](") {
		s = sarifBrackets.Replace(s)
	}
	return sarifBraces.Replace(s)
}
