// Package resource holds the names of the things that a policy speaks about, and the patterns that select them.
//
// A resource is a URI-shaped name: https://api.example.com/v1/items?page=2, file:///srv/kb/faq.md, tool://mail.send.
// There are three families of schemes:
//
//   - web (http, https, ws, wss): scheme://host[:port]/path[?query];
//   - file: file:///absolute/path;
//   - every other scheme: scheme://segment/segment…, case-sensitive and without a host.
//
// Start at [Parse], which accepts a name only in its one canonical spelling, and at [ParsePattern]. [Pattern.Match]
// asks one pattern; an [Index] asks thousands of them at once. [Pattern.Within] tells whether some patterns together have
// all that another one has, [Pattern.Common] finds a resource that two have in common.
//
// # What is guaranteed
//
// A name has one spelling. Whatever has a second reading for some parser downstream (dot segments, empty segments,
// %2F, a backslash, userinfo, 0x7f.1, a trailing host dot, an invisible character) is refused with an [*Error] that
// says where and why and, where there is one, names the canonical form. Nothing is ever rewritten silently: what
// [Parse] accepts it returns byte for byte.
//
// Matching works on that canonical text, segment by segment and host label by host label. It never backtracks over a
// star: [Pattern.Match] takes at most [Pattern.Cost] steps, which is linear in the name.
//
// Every size has a bound, and each bound is an exported constant. Names, patterns and indexes are immutable and safe
// for concurrent use.
package resource
