// Package meter rewrites a WebAssembly module so that it counts what it does, and can be stopped on any engine.
package meter
