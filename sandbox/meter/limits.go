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

	// MaxMerges and MaxSquares bound the time that a compiler needs, which for small modules can be hours: wazero 1.12 was busy for
	// more than ten minutes with 600 KB of small blocks, and for 23 s with 5 KB of loops in each other that read 400 locals.
	//
	// MaxMerges bounds the places of a function where control flow meets (ends of blocks that are led to in more than one way, and
	// loops) times the locals that it uses, summed over all functions. wazero takes some 2.5 microseconds for each.
	MaxMerges = 4_000_000

	// MaxSquares bounds the square of a function's size, summed over all functions; the size are its basic blocks, ours too, the locals
	// that are set within each place where control flow meets, and those that are used within each loop. wazero takes some 10 ns for
	// each. A function alone has 44,000 at most; all of Go's runtime with encoding/json have 374,000,000 in squares.
	MaxSquares = 2_000_000_000

	// MaxLabels bounds the square of the number of labels in the br_table instructions of a function, summed over all functions: wazero takes some
	// 0.3 ns for each, and 2.7 KB for a label. The 100,000 labels that a function alone can have are a hundred times what Go's have.
	MaxLabels = 10_000_000_000

	// MaxOperands is how many operands may wait on a function's stack: each is kept by the compiler from where it is made to where it is used.
	MaxOperands = 10_000

	// MaxMoves bounds the values that calls, branches, blocks and functions take along or give back, each past the first freeMoves, summed over
	// all of a module: two bytes can call a function of a thousand results. wazero takes up to some 4 microseconds and 300 bytes for each.
	MaxMoves = 500_000
)
