// Package eval decides requests by a checked policy.
//
// Start at [Load], which compiles a policy from a directory, and [Program.Decide]. [Evaluator] holds a program that can be
// swapped while others decide. [ParseEvaluation] reads a request in the shape of AuthZEN. For a policy with limits, lifecycles or `once` there is
// [History.Decide].
//
// Two evaluators live here. [Program.Decide] is compiled: an index finds the rules that a request concerns, and their conditions
// are closures. [Reference] is the executable specification: it walks every rule and every tree, plainly. Tests hold the
// two against each other on random programs and requests.
//
// What the package guarantees:
//
//   - The zero [Decision] is a deny. An error in a forbid denies; an error in a permit doesn't permit.
//   - What the policy doesn't declare, it doesn't let through: an unknown tool, action, argument or fact is a deny.
//   - A [Program] is immutable and safe for concurrent use. Nothing here has global state, does I/O while deciding, or reads a clock.
//   - A decision is a function of the program, the request and the facts, among which the history is. The order of declarations never shows in it.
package eval
