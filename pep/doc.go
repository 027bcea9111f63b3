// Package pep is the policy enforcement point: every message of an agent is decided here before anything happens.
//
// Start at [Open], whose [Config] names a policy, a trust document and a directory for the log and the state, and at [PEP.Decide].
// [PEP.Guard] puts it in front of an HTTP handler.
//
// A message passes three stages, each of which can refuse it (spec/PEP.md):
//
//  1. it is signed, for this PEP, fresh and no replay, and its sender is the audience of the token that came with it;
//  2. it names the policy and the trust document that are in force;
//  3. the token's chain holds, the policy's rules permit the request, and the token grants it.
//
// What the package guarantees:
//
//   - The zero [Answer] is a deny. Nothing is permitted, and no stage beyond the first answered, before its record is durable in the log.
//   - A sequence number of a sender is good once, whatever the decision was, also across restarts.
//   - Before the first stage has passed a sender is nobody: the answer is always the same, and a flood of such messages costs
//     the log a bounded number of bytes.
//   - A revocation holds for every decision that begins after [PEP.Revoke] has returned. It outlives restarts.
//   - What can't be written, evaluated or told denies. A panic is recovered here, denied and recorded.
//
// A PEP is safe for concurrent use. There is no global state.
package pep
