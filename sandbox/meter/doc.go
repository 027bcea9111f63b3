// Package meter rewrites a WebAssembly module so that it counts what it does, and can be stopped on any engine.
//
// Start with [Instrument]. The result imports [RefuelFunc] from [MeterModule], which it calls when the fuel in [FuelGlobal] is below
// zero: at the entry of a function, at the head of a loop, and before memory or a table is grown, filled or copied. The host adds
// another slice then, or ends the guest for ever (in wazero, by a panic in the host function): that is also where it looks at
// deadlines, so that the engine needn't be stopped from outside.
//
// # What fuel is
//
// An instruction that is reached costs 1, but
//
//	block, else, end                                  0
//	loop                                              1 each time round
//	br_table                                          2
//	division, remainder, square root                  8
//	call                                              4
//	call_indirect                                     8
//	a call, a branch, a block, with more than         1 more for each, of parameters and of results
//	  4 values that it takes along or gives back
//	a function's entry                                4, and 1 for each parameter and local
//	memory.grow                                       1, and 8192 a page
//	memory.copy, memory.fill, memory.init             5, and 1 for 8 bytes, rounded down
//	table.copy, table.fill, table.init, table.grow    5, and 1 for each element
//
// Sizes have no sign, and are paid for also if the operation then fails. A basic block is paid for when it is entered, so a trap in
// it has paid for all of it. What can be done beyond the fuel is the rest of one function's body, without its loops and calls.
// The price of instantiation is [Module.Entry]. What calls of the host cost is the host's to add. Fuel below zero is owed, also
// after a normal return.
//
// # What is guaranteed
//
// The module does what the original does, except: it stops without fuel; it traps when the stack is used up, see [StackGlobal];
// every NaN that arithmetic makes is the canonical one, which the specification leaves open, so that a guest that looks at the bits
// uses the same fuel on every CPU; tables have a maximum, [MaxTableElements] or less; the start function is [StartFunc]; custom
// sections are gone. Fuel is the same on every engine and machine, as long as memory can grow to the same size and the host answers
// the same. The vectors in spec/vectors/fuel.json are held against that.
//
// The guest can't reach what is added. It knows no index of it: indices that the original doesn't have are refused, and names that
// begin with [Reserved] too.
//
// # What is supported
//
// WebAssembly 2.0 without SIMD: the first version, mutable globals, sign extension, saturating conversions, multiple values, bulk
// memory and reference types. All else is refused by name, as is what exceeds the Max constants.
//
// # What the caller has to do
//
//   - Call Instrument first, which bounds what a compiler has to do, and then validate the *original* with the engine, before the
//     result is compiled: types aren't checked here.
//   - Decide on the imports, the memory and the tables that the Module lists. Charge Entry.
//   - Instantiate without a name, so that no other module imports the globals, and without start functions; then call StartFunc, if
//     HasStart. Code that runs before, such as _start, isn't refused fuel by anything but RefuelFunc.
//   - Leave an instance alone after a trap. The frames that it abandoned still count in StackGlobal; only if no function of the
//     instance is running may the host set it to [StackBudget] again.
//   - Expect no more than 2,000 frames of wazero's interpreter, which has a bound of its own.
package meter
