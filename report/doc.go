// Package report renders the diagnostics of package lang: for people ([Text]), for programs ([JSON]), for
// code scanners ([SARIF]) and for the log of a GitHub workflow ([GitHub]).
//
// What the package guarantees:
//
//   - No text of a policy, file name or message reaches the output in a form that acts on a terminal, reorders
//     what is shown, can't be seen, or commands a CI runner. [Escape] does this for Text, GitHub and the
//     messages of SARIF; JSON writes such characters as \u escapes, so that values stay exact.
//     Right-to-left letters are left as they are.
//   - Output depends on the diagnostics alone: no clock, no environment, no order of a map.
//   - A diagnostic without a place is rendered without one; a span that leaves its source is cut to it.
//
// An error is returned only when the writer returns one.
package report
