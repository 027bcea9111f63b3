// Package strictjson reads JSON so that two readers can't disagree about it, and writes it in one way only.
//
// Start with [Parse], which reads exactly one value, and [Value.AppendJSON], which writes it.
//
// Parse accepts a subset of RFC 8259 that is close to I-JSON (RFC 7493). It refuses duplicate member names (also when
// they are escaped differently), invalid UTF-8, lone surrogates in \u escapes, a byte order mark, comments, anything
// after the value, and whatever exceeds its [Limits]. Names are compared byte for byte: case is never folded.
// Numbers stay the text they were written as; no float64 stands between the text and its reader.
//
// Guaranteed: what Parse accepts is valid RFC 8259 JSON; AppendJSON of it is accepted again and yields the same
// bytes; on an error the returned Value is the zero Value (null).
package strictjson
