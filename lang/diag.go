package lang

import (
	"fmt"
	"sort"
	"strings"
)

// Severity tells whether a diagnostic stops a program from being made.
type Severity int

const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// A Label points at a second place that a diagnostic speaks of.
type Label struct {
	Span Span
	Text string
}

// A Diagnostic is one finding about a policy's source.
type Diagnostic struct {
	Code     Code
	Severity Severity
	Span     Span // zero when the finding is about no place, as for a missing file
	Message  string
	Labels   []Label
	Hint     string // what to do, or ""
}

// Error renders the diagnostic on one line: place, severity, code, message, hint.
func (d *Diagnostic) Error() string {
	s := fmt.Sprintf("%s[%s]: %s", d.Severity, d.Code, d.Message)
	if !d.Span.IsZero() {
		s = d.Span.String() + ": " + s
	}
	if d.Hint != "" {
		s += " (" + d.Hint + ")"
	}
	return s
}

func (d *Diagnostic) hint(format string, args ...any) *Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

func (d *Diagnostic) label(span Span, format string, args ...any) *Diagnostic {
	d.Labels = append(d.Labels, Label{span, fmt.Sprintf(format, args...)})
	return d
}

// Diagnostics are findings in the order of their places. As an error it stands for those of severity Error.
type Diagnostics []*Diagnostic

// Error renders every diagnostic, a line each.
func (ds Diagnostics) Error() string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}

// Errors returns the diagnostics of severity Error.
func (ds Diagnostics) Errors() Diagnostics { return ds.only(Error) }

// Warnings returns the diagnostics of severity Warning.
func (ds Diagnostics) Warnings() Diagnostics { return ds.only(Warning) }

func (ds Diagnostics) only(s Severity) Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Err returns the errors among ds as an error, or nil when there are none.
func (ds Diagnostics) Err() error {
	if errs := ds.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}

// diagnostics collects findings.
type diagnostics struct {
	list   Diagnostics
	errors int
}

func (ds *diagnostics) errorf(span Span, code Code, format string, args ...any) *Diagnostic {
	d := &Diagnostic{Code: code, Span: span, Message: fmt.Sprintf(format, args...)}
	ds.errors++
	ds.list = append(ds.list, d)
	return d
}

func (ds *diagnostics) warnf(span Span, code Code, format string, args ...any) *Diagnostic {
	d := &Diagnostic{Code: code, Severity: Warning, Span: span, Message: fmt.Sprintf(format, args...)}
	ds.list = append(ds.list, d)
	return d
}

// sorted returns the findings by place, each once; errors past MaxErrors are replaced by their count.
func (ds *diagnostics) sorted() Diagnostics {
	sort.SliceStable(ds.list, func(i, j int) bool {
		a, b := ds.list[i], ds.list[j]
		if a.Span != b.Span {
			if a.Span.IsZero() != b.Span.IsZero() {
				return a.Span.IsZero()
			}
			return a.Span.less(b.Span)
		}
		if a.Code != b.Code {
			return a.Code < b.Code
		}
		return a.Message < b.Message
	})
	var out Diagnostics
	shown, hidden := 0, 0
	for i, d := range ds.list {
		if i > 0 && d.Span == ds.list[i-1].Span && d.Code == ds.list[i-1].Code && d.Message == ds.list[i-1].Message {
			continue
		}
		if i > 0 && d.Span == ds.list[i-1].Span && !d.Span.IsZero() && ds.list[i-1].Code < CodeSyntax {
			continue // a token that couldn't be read; what else is wrong with it is noise
		}
		if d.Severity == Error {
			if shown++; shown > MaxErrors {
				hidden++
				continue
			}
		}
		out = append(out, d)
	}
	if hidden > 0 {
		out = append(out, &Diagnostic{Code: CodeTooManyErrors, Message: fmt.Sprintf("at least %s not shown", plural(hidden, "more error is", "more errors are"))})
	}
	return out
}

// plural counts things: "1 argument", "2 arguments". Where the forms differ otherwise, it takes both.
func plural(n int, forms ...string) string {
	switch {
	case n == 1:
		return "1 " + forms[0]
	case len(forms) > 1:
		return fmt.Sprintf("%d %s", n, forms[1])
	}
	return fmt.Sprintf("%d %ss", n, forms[0])
}

// nearest returns the candidate that name is most likely a misspelling of, or "".
func nearest(name string, candidates []string) string {
	best, dist := "", len(name)/3+1
	low := strings.ToLower(name)
	for _, c := range candidates {
		if len(c)-len(name) > dist || len(name)-len(c) > dist {
			continue
		}
		if d := editDistance(low, strings.ToLower(c)); d < dist || d == dist && best != "" && c < best {
			best, dist = c, d
		} else if d == dist && best == "" {
			best = c
		}
	}
	return best
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
func editDistance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
