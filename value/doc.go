// Package value holds the scalar types of the language: exact, strict, and with one text for each value.
//
// Start with the type that is needed: [Decimal] and the checked integer functions ([AddInt], [IntFromJSON]);
// [ParseDuration], [ParseSize], [ParseDate] and [ParseTimestamp]; [ParseEmail], [ParsePath], [ParseURL], [ParseIP] and
// [ParseCIDR]; [SplitArgv] and [CheckWord] for commands; [URLs] and [Emails] for what stands inside a text.
//
// Guaranteed: nothing is rounded, clipped, folded or silently rewritten. A parser accepts a text only if every
// careful reader takes it for the same value, and otherwise returns an *[Error] that says what stood where, why it was
// refused, and what to write instead; the value beside an error is the zero value. Every function takes time linear
// in its input and refuses input beyond a bound that is an exported constant.
package value
