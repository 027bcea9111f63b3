package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moat-lang/moat/internal/workload"
)

// BenchmarkCheckCLI runs `moatc check` and `opa check` on 1,000 files of 30 rules each, some 115,000 lines of Moat, as whole processes.
func BenchmarkCheckCLI(b *testing.B) {
	moatDir, regoDir := b.TempDir(), b.TempDir()
	rules := workload.Rules(30_000)
	for i := range 1000 {
		chunk := rules[i*30 : (i+1)*30]
		write(b, filepath.Join(moatDir, fmt.Sprintf("f%04d.moat", i)), workload.Moat(chunk))
		rego := regoText(chunk)
		if i > 0 {
			rego = "package workload\n\n" + strings.TrimPrefix(rego, regoHead)
		}
		write(b, filepath.Join(regoDir, fmt.Sprintf("f%04d.rego", i)), rego)
	}
	b.Run("moatc", func(b *testing.B) { process(b, build(b, "github.com/moat-lang/moat/cmd/moatc"), "check", moatDir) })
	b.Run("opa", func(b *testing.B) { process(b, build(b, "github.com/open-policy-agent/opa"), "check", regoDir) })
}

// BenchmarkEvalCLI asks a small policy about one request, as a whole process that starts cold.
func BenchmarkEvalCLI(b *testing.B) {
	dir := b.TempDir()
	rules, q := workload.Rules(10), workload.Requests(10, 1)[0]
	policy, rego := filepath.Join(dir, "p.moat"), filepath.Join(dir, "p.rego")
	write(b, policy, workload.Moat(rules))
	write(b, rego, regoText(rules))
	evaluation, input := filepath.Join(dir, "evaluation.json"), filepath.Join(dir, "input.json")
	write(b, evaluation, string(q.JSON()))
	props, err := properties(&q)
	if err != nil {
		b.Fatal(err)
	}
	data, err := json.Marshal(props)
	if err != nil {
		b.Fatal(err)
	}
	write(b, input, string(data))
	b.Run("moatc", func(b *testing.B) {
		process(b, build(b, "github.com/moat-lang/moat/cmd/moatc"), "eval", "--policy", policy, evaluation)
	})
	b.Run("opa", func(b *testing.B) {
		process(b, build(b, "github.com/open-policy-agent/opa"), "eval", "-d", rego, "-i", input, "data.workload.allow")
	})
}

func write(b *testing.B, name, text string) {
	b.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// build compiles a command; the toolchain's cache makes it quick the second time.
func build(b *testing.B, pkg string) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), filepath.Base(pkg))
	if text, err := exec.Command("go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", pkg, err, text)
	}
	return out
}

// process runs a command b.N times and reports its wall time and the most memory that a run held. The figure for memory begins at
// what this process itself held when it started the command, so for a small command use `/usr/bin/time -v` instead.
func process(b *testing.B, command string, args ...string) {
	var most int64
	for b.Loop() {
		cmd := exec.Command(command, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			b.Fatalf("%s: %v\n%.2000s", command, err, out.String())
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			most = max(most, usage.Maxrss)
		}
	}
	b.ReportMetric(float64(most)/1024, "MiB-RSS")
}
