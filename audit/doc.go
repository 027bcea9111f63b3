// Package audit is a log that can prove what happened, and that nothing was cut away.
//
// Start at [Open], which returns a [Log], and [Log.Append], which returns once its event is durable. [Read] iterates over the
// records of a log, [Verify] checks one, [Inclusion] and [Consistency] prove things about it.
// The format is specified in spec/AUDIT.md.
//
// A log is a directory. Its records are lines of canonical JSON, chained by SHA-256 over their bytes, in segment files. Over the same
// records stands a Merkle tree (RFC 6962) whose root is signed again and again in checkpoints (c2sp.org/tlog-checkpoint).
//
// What the package guarantees:
//
//   - What was acknowledged is in the log after a crash, in order, once. What couldn't be made durable is an error, and the log then takes no more.
//   - One process writes a log at a time.
//   - A change of any byte of a record that another follows, or that a checkpoint covers, is found and named. So is a removed, added or moved record.
//   - That the tail was cut, or the whole log rewritten, shows only against a checkpoint that was kept elsewhere or cosigned by a witness;
//     whoever holds the log's key can rewrite what nobody else has seen. [Verify] says what it was anchored to.
//   - A value that is to be redacted is never written. One that is to be digested is written as an HMAC under a key that is kept apart
//     and can be deleted. The zero [Field] is redacted.
//   - Reading takes memory for one record, however long the log is.
//
// The package knows nothing of policies and tokens: whoever decides fills the events. It reads no clock but that of [Options].
package audit
