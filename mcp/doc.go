// Package mcp makes a vocabulary, tool declarations in Moat, of the tools that a server of the Model Context Protocol offers.
//
// Start with [Parse], which reads the answer to tools/list. [Vocabulary] writes a new file of it, [Update] brings one up to date
// that people have worked on since. spec/MCP.md says which schema becomes which type, and what of people's work stays.
//
// A server is not trusted. What the package guarantees:
//
//   - Every tool is pinned to its whole definition (see [Pin]), so that a definition that changes later is refused.
//   - A type admits what its schema does, or less; where the language has no such type it is json, and a comment says why.
//   - No text of a server stands in a file but as a name or in an enumeration, both quoted in printable ASCII. Descriptions are
//     pinned, not copied.
//   - Update takes nothing away that a person wrote: effects, comments, narrower types. Declarations whose pin still holds keep
//     their bytes.
//   - The text returned is accepted by [lang.Parse]. Input and output are bounded, and time is linear in them.
package mcp
