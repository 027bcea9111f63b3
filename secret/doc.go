// Package secret holds values that an agent may use and never sees.
//
// An agent knows a secret by its name, the handle. A [Store] has the value behind a name: [Dir] reads it from a file, [Map] has it in
// memory. A [Binding] says into which header of requests to which URLs a value may go, and is the only way out of a [Value]. What comes
// back passes a [Scrubber], which takes the values out again. Who may use which secret is not decided here.
//
// What is guaranteed:
//
//   - No way of printing, formatting, logging or encoding a Value shows what it is, and no error of this package quotes any of it.
//   - What a Binding makes is one well-formed header field of an https request, whatever the value is.
//   - What a Scrubber returns holds none of its values in any of the encodings that it knows, and text without them is returned as it is.
//
// A Scrubber protects against a server that repeats what it was sent, in an error message or for debugging. It can't protect against one
// that works together with the guest: see there for what passes.
//
// There is no global state. Values, bindings and scrubbers are immutable and safe for concurrent use.
package secret
