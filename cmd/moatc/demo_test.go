package main

import (
	"context"
	"strings"
	"testing"

	"github.com/moat-lang/moat/internal/demo"
)

// A step that doesn't end as the story says is a finding, and said so.
func TestDemoAstray(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		cmd := demoCommand(func(_ context.Context, _ string, each func(demo.Step) error) error {
			return each(demo.Step{Number: 1, ID: "overreach", Title: "T", Answer: "permit", Code: "permit", Expected: "deny forbidden"})
		})
		var stdout strings.Builder
		cmd.SetOut(&stdout)
		cmd.SetErr(&stdout)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(map[bool][]string{true: {"--json"}}[asJSON])
		err := cmd.Execute()
		if err == nil || exitCode(err) != exitFinding || !strings.Contains(err.Error(), "step 1, overreach, ends with permit permit and should with deny forbidden") {
			t.Errorf("json %t: %v", asJSON, err)
		}
		if says := map[bool]string{false: "the story says: deny forbidden", true: `"as_told":false`}[asJSON]; !strings.Contains(stdout.String(), says) || strings.Contains(stdout.String(), "as it should be") {
			t.Errorf("json %t: %s", asJSON, &stdout)
		}
	}
}

func TestDemoWrap(t *testing.T) {
	var out strings.Builder
	p := &demoPrinter{w: &out}
	p.wrap("  > ", strings.Repeat("żółw ", 40))
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > demoWidth {
			t.Errorf("a line of %d", n)
		}
	}
	if got := strings.Count(out.String(), "żółw"); got != 40 {
		t.Errorf("%d words of 40", got)
	}
}
