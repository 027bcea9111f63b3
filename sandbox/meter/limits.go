package meter

// What a module may have at most. The limits stand before anything is allocated by a count that the module gives; they are
// those of the WebAssembly JavaScript interface (section "Implementation-defined Limits") or lower.
const (
	MaxModule    = 32 << 20 // bytes
	MaxTypes     = 100_000
	MaxParams    = 1000 // of one type
	MaxResults   = 1000 // of one type
	MaxImports   = 10_000
	MaxFunctions = 100_000 // imported ones too
	MaxGlobals   = 100_000 // imported ones too
	MaxExports   = 100_000
	MaxName      = 10_000    // bytes of a name that is imported or exported
	MaxSegments  = 100_000   // of data, and as many of elements
	MaxItems     = 1_000_000 // of all element segments together: a host keeps 8 bytes for each
	MaxBody      = 4 << 20   // bytes of one function, as it is written; also how much can be done beyond the fuel, see [Instrument]
	MaxLocals    = 50_000    // of one function, its parameters too
	MaxAllLocals = 4_000_000 // of all functions together, without parameters: a compiler keeps some bytes for each
	MaxNesting   = 10_000    // of blocks in one function

	MaxPages         = 65_536  // of memory, 64 KiB each; a host will allow less
	MaxTables        = 16      // imported ones too
	MaxTableElements = 100_000 // of one table, at any time: they're kept on the host's heap, 8 bytes each, and not in the memory that it limits

	// MaxMerges bounds what a compiler has to think of at the places where control flow meets, summed over all functions: at each
	// block's end and loop's head, the locals that are used inside. Small modules exist where this is 10^9.
	MaxMerges = 4_000_000

	// MaxSquares bounds the squares of how many basic blocks a function has, ours too, summed over all functions; one function alone
	// has 22,000 at most. wazero 1.12 compiles in a time that grows with the square: some 10 ns each, so 600 KB could keep it busy for
	// more than ten minutes.
	MaxSquares = 2_000_000_000
)
