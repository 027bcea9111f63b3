package resource

// Bounds on names.
const (
	// MaxNameLen is the length of the longest name, in bytes.
	MaxNameLen = 4096
	// MaxSegments is the largest number of path segments in a name or in one alternative of a pattern.
	MaxSegments = 256
	// MaxSchemeLen is the length of the longest scheme, in bytes.
	MaxSchemeLen = 32
	// MaxHostLen is the length of the longest host name, in bytes (RFC 1035 section 2.3.4, without the final dot).
	MaxHostLen = 253
	// MaxLabelLen is the length of the longest label of a host name, in bytes (RFC 1035 section 2.3.4).
	MaxLabelLen = 63
)

// Bounds on patterns. A pattern is the union of the alternatives that its braces expand to.
const (
	// MaxPatternLen is the length of the longest pattern as written, in bytes. Each alternative is at most MaxNameLen.
	MaxPatternLen = 4096
	// MaxAlternatives is the largest number of alternatives in one pattern.
	MaxAlternatives = 256
	// MaxExpandedLen is the largest sum of the lengths of a pattern's alternatives, in bytes.
	MaxExpandedLen = 64 << 10
	// MaxNesting is the deepest nesting of braces.
	MaxNesting = 8
	// MaxRun is the largest number of segments (or host labels) between two `**`. Such a run is what a match has to
	// look for in more than one place, so MaxRun bounds how often it looks at one byte of the name.
	MaxRun = 32
)
