// Package lang turns the text of Moat policies into checked programs.
//
// Start at [Load] (a policy on disk or in an [io/fs.FS]), [Parse] (one file, syntax only)
// or [Format]. The way of a policy through the package is
//
//	text → tokens (lex.go) → syntax tree (grammar.go, ast.go) → names, types, checks (check*.go) → Program (program.go)
//
// What the package guarantees:
//
//   - Every mistake it finds in one run is reported, as a [Diagnostic] with a stable code, a place in the
//     source and, where there is one, a way out. A [Program] exists only when there was no error.
//   - Parsing is bounded: see [MaxFileSize], [MaxPolicySize], [MaxDepth], [MaxNameLen] and their neighbours. No input makes it panic.
//   - A program doesn't depend on the order of files or declarations, nor on one of them standing twice; its
//     [Program.Digest] changes exactly when something that can change a decision does.
//
// The language itself is specified in spec/LANGUAGE.md.
package lang
