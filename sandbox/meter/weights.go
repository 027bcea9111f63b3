package meter

// Weights in fuel; the table in the package comment says what they are for. They are part of the meaning of fuel: who changes one
// changes what every module costs.
const (
	weightCall         = 4 // to call, and as much for an indirect call's look into the table
	weightEntry        = 4 // of a function, with 1 for each parameter and local
	weightDivision     = 8
	weightBrTable      = 2
	freeMoves          = 4 // values that a call, a branch or a block takes along or gives back for nothing; each more costs 1
	weightBulk         = 4 // of memory.copy and its like, with 1 for each 8 bytes or each element
	weightPage         = bytesPerPage / bytesPerFuel
	bytesPerPage       = 64 << 10
	bytesPerFuel       = 1 << bytesPerFuelShift
	bytesPerFuelShift  = 3
	bytesPerStackValue = 8
)

// StackBudget is how much the frames of all functions that have been called and haven't returned may take together, in bytes, as
// [Instrument] estimates them: it adds up the parameters, locals, operands and results of instructions, and what is different on
// the ways to a place where control flow meets, 8 bytes each, and frameOverhead. An engine that keeps them all in memory at once
// needs no more; most need much less. wazero 1.12 gives each value that it can't keep in a register a place of its own, doubles a
// stack that is full, and copies it: recursion until the budget was used up allocated 11 MiB at most, all smaller stacks included,
// for functions with 2,000 locals, 1,000 values across a call, or 50 ifs that set 50 locals each (TestS01Recursion). Without a
// budget it goes on to 400 MB.
const (
	StackBudget   = 8 << 20
	frameOverhead = 96 // bytes, for return address, frame pointer, saved registers and alignment
)

// MaxGrowth bounds the size of what [Instrument] returns: less than so many times the module's size and 200 bytes.
const MaxGrowth = 32
