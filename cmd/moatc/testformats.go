package main

import (
	"encoding/xml"
	"io"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/report"
)

type jsonTests struct {
	Policies []jsonSuite `json:"policies"`
	Passed   int         `json:"passed"`
	Failed   int         `json:"failed"`
}

type jsonSuite struct {
	Path   string     `json:"path"`
	Policy string     `json:"policy,omitempty"`
	Tests  []jsonTest `json:"tests"`
	Error  string     `json:"error,omitempty"` // why the policy couldn't be loaded

	Coverage *jsonCoverage `json:"coverage,omitempty"`
}

type jsonCoverage struct {
	Rules    int       `json:"rules"`
	Asked    int       `json:"asked"`
	Outcomes int       `json:"outcomes"`
	Reached  int       `json:"reached"`
	Gaps     []jsonGap `json:"gaps"`
}

type jsonGap struct {
	place
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"` // what never happens: "asked", "true", "false"
}

func coverageOf(c *eval.Coverage) *jsonCoverage {
	if c == nil {
		return nil
	}
	j := &jsonCoverage{Rules: len(c.Rules), Asked: c.Asked(), Gaps: []jsonGap{}}
	j.Reached, j.Outcomes = c.Outcomes()
	for _, g := range c.Gaps() {
		j.Gaps = append(j.Gaps, jsonGap{placeOf(g.Span), g.Rule.ID, g.Outcome})
	}
	return j
}

type jsonTest struct {
	Name string `json:"name"`
	place
	Passed   bool          `json:"passed"`
	Tries    int           `json:"tries"`
	Failures []jsonFailure `json:"failures"`
}

type jsonFailure struct {
	place
	Message     string `json:"message"`
	Explanation string `json:"explanation,omitempty"`
}

// testJSON writes results as one object.
func testJSON(w io.Writer, suites []suite) error {
	out := jsonTests{Policies: []jsonSuite{}}
	for _, s := range suites {
		j := jsonSuite{Path: s.path, Policy: s.name, Tests: []jsonTest{}, Coverage: coverageOf(s.coverage)}
		if s.errors != nil {
			j.Error = s.errors.Error()
		}
		for _, r := range s.results {
			t := jsonTest{Name: r.Test.Name.Value, place: placeOf(r.Test.Span), Passed: len(r.Failures) == 0, Tries: r.Tries, Failures: []jsonFailure{}}
			for _, f := range r.Failures {
				t.Failures = append(t.Failures, jsonFailure{placeOf(f.Span), f.Message, explanation(f.Explanation)})
			}
			j.Tests = append(j.Tests, t)
		}
		out.Policies = append(out.Policies, j)
		out.Failed += s.failed()
		out.Passed += len(s.results) - s.failed()
	}
	return report.WriteJSON(w, out, "")
}

// The elements of JUnit's report that CI systems agree on (https://github.com/testmoapp/junitxml).
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Coverage *junitProps `xml:"properties"`
		Cases    []junitCase `xml:"testcase"`
		Out      string      `xml:"system-out,omitempty"`
	}
	junitProps struct {
		List []junitProp `xml:"property"`
	}
	junitProp struct {
		Name  string `xml:"name,attr"`
		Value int    `xml:"value,attr"`
	}
	junitCase struct {
		Name      string         `xml:"name,attr"`
		ClassName string         `xml:"classname,attr"`
		File      string         `xml:"file,attr,omitempty"`
		Line      int            `xml:"line,attr,omitempty"`
		Failures  []junitFailure `xml:"failure"`
		Error     *junitFailure  `xml:"error"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// testJUnit writes results as a JUnit report. A policy that couldn't be loaded is a test case named "load" with an error.
func testJUnit(w io.Writer, suites []suite) error {
	out := junitSuites{Name: "moatc test"}
	for _, s := range suites {
		j := junitSuite{Name: report.Escape(s.path), Tests: len(s.results), Failures: s.failed()}
		if c := coverageOf(s.coverage); c != nil {
			j.Coverage = &junitProps{[]junitProp{{"coverage.rules", c.Rules}, {"coverage.asked", c.Asked}, {"coverage.outcomes", c.Outcomes}, {"coverage.reached", c.Reached}}}
			j.Out = coverageText(&s)
		}
		for _, r := range s.results {
			j.Cases = append(j.Cases, junitCaseOf(j.Name, r))
		}
		if s.errors != nil {
			j.Tests, j.Errors = 1, 1
			text := ""
			for _, d := range s.errors {
				text += report.Escape(d.Error()) + "\n"
			}
			j.Cases = []junitCase{{Name: "load", ClassName: j.Name, Error: &junitFailure{"the policy can't be loaded", text}}}
		}
		out.Tests, out.Failures, out.Errors = out.Tests+j.Tests, out.Failures+j.Failures, out.Errors+j.Errors
		out.Suites = append(out.Suites, j)
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

func junitCaseOf(class string, r eval.TestResult) junitCase {
	at := placeOf(r.Test.Span)
	c := junitCase{Name: report.Escape(r.Test.Name.Value), ClassName: class, File: report.Escape(at.File), Line: at.Line}
	for _, f := range r.Failures {
		where := report.Escape(f.Span.String() + ": " + f.Message)
		c.Failures = append(c.Failures, junitFailure{report.Escape(f.Message), where + "\n" + explanation(f.Explanation)})
	}
	return c
}
