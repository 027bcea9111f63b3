// Package sandbox runs WebAssembly modules that nobody trusts, inside of limits that somebody set.
//
// Start at [New], [Engine.Compile] and [Module.Run]. Package sandbox/enforce does it for a call that an enforcement point has permitted: then the limits are
// those of the policy and the token, each thing that the code asks for is decided, and all of it is in the log.
//
// What the package guarantees (spec/SANDBOX.md):
//
//   - A run ends. Instructions, memory, the depth of calls and time are bounded, also of what the host does for the code, and a bound can't be got around by loops,
//     recursion, start functions or large instructions.
//   - The same code with the same input uses up the same fuel, on every machine.
//   - Code has no ambient authority. The zero [Config] lets nothing run; and without more than limits a run has no files, no arguments, no environment, no input or
//     output, no network, and a clock and a source of randomness that tell it nothing.
//   - Files are only those below the directories that were given, never through a link, and each is asked for.
//   - A module that isn't understood in full is refused.
package sandbox
