// Package bench measures Moat and other policy engines on one workload, that of
// [github.com/moat-lang/moat/internal/workload]. It is a module of its own, so that Moat depends on none of them.
//
// All of it is tests: TestPeersAgree holds every engine to the workload's answers, BenchmarkDecide times decisions and
// BenchmarkBuild the way from text to an engine that is ready. README.md has figures.
package bench
