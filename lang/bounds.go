package lang

// Bounds on the source. Each has its own error; spec/LANGUAGE.md lists them all.
const (
	MaxFileSize   = 4 << 20       // bytes in a file
	MaxPolicySize = 64 << 20      // bytes in all files of a policy
	MaxFiles      = 4096          // files of a policy
	MaxDepth      = 256           // nesting of brackets and of `not`, links of an import chain, operands of a `+ - *` chain, steps of a `.` chain
	MaxNameLen    = 256           // bytes in a name, each part of a tool's name included
	MaxStringLen  = 64 << 10      // bytes in a string literal, as written
	MaxErrors     = 100           // diagnostics of severity error in one run; those past it are counted, not shown
	MaxCost       = 1 << 14       // steps the conditions of a rule, limit or effect may take on a request whose lists have one element (see Rule.Cost)
	MaxTotalCost  = 1 << 20       // the same of all rules, limits and effects of a policy
	MaxCount      = 1_000_000_000 // a limit's count, and its burst
	MaxPerDays    = 3660          // days of a limit's `per`
	MaxCompared   = 1 << 24       // steps that comparing the transitions of all lifecycles may take: looks at two bytes, names or parts of patterns
	MaxElements   = 4096          // elements between two brackets, operands of `and` and `or`
)
