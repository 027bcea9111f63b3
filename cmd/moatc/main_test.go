package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"moatc": main})
}

// TestScripts runs the scripts in testdata/script. Those that begin with an id (I02, L01, …) are attacks that must be refused. Beside the commands
// of testscript there are
//
//	exits CODE moatc ARG…   moatc must end with this code
//	under DURATION          the last exits must have taken less
//	tamper HOW [LINE]       the file whole is copied to the log's only segment, but for a line that is edited, deleted, swapped, doubled, or cut at
//	write FILE TEXT…        the texts, joined; \n, \x00 and so on as in Go; 1000xTEXT is TEXT a thousand times
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  scriptExits,
			"under":  scriptUnder,
			"write":  scriptWrite,
			"tamper": scriptTamper,
		},
	})
}

// tookKey is the variable of a script that holds how long the last exits took.
const tookKey = "TOOK"

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE moatc ARG…")
	}
	start := time.Now()
	err := ts.Exec(args[1], args[2:]...)
	ts.Setenv(tookKey, time.Since(start).String())
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func scriptUnder(ts *testscript.TestScript, neg bool, args []string) {
	took, err := time.ParseDuration(ts.Getenv(tookKey))
	ts.Check(err)
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	if took >= limit {
		ts.Fatalf("it took %s", took)
	}
}

var repeated = regexp.MustCompile(`^([0-9]+)x`)

func scriptWrite(ts *testscript.TestScript, neg bool, args []string) {
	var b strings.Builder
	for _, arg := range args[1:] {
		n := 1
		if m := repeated.FindStringSubmatch(arg); m != nil {
			var err error
			n, err = strconv.Atoi(m[1])
			ts.Check(err)
			arg = arg[len(m[0]):]
		}
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(arg, `"`, `\"`) + `"`)
		ts.Check(err)
		b.WriteString(strings.Repeat(text, n))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o666))
}

func scriptTamper(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.SplitAfter(ts.ReadFile("whole"), "\n")
	at := 0
	if len(args) > 1 {
		var err error
		at, err = strconv.Atoi(args[1])
		ts.Check(err)
		at--
	}
	switch args[0] {
	case "edit":
		lines[at] = strings.Replace(lines[at], "5.00", "6.00", 1)
	case "delete":
		lines = slices.Delete(lines, at, at+1)
	case "swap":
		lines[at], lines[at+1] = lines[at+1], lines[at]
	case "double":
		lines = slices.Insert(lines, at, lines[at])
	case "cut":
		lines = lines[:at+1]
	case "half":
		lines = append(lines[:at+1:at+1], lines[at+1][:40])
	case "append":
		lines = append(lines, lines[1][:40])
	default:
		ts.Fatalf("tamper: what is %s?", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs("log/00000000000000000000.jsonl"), []byte(strings.Join(lines, "")), 0o600))
}

// TestExamples runs the examples of every command's help, as if in the root of the repository.
func TestExamples(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "policies"), os.DirFS("../../policies")); err != nil {
		t.Fatal(err)
	}
	guest := buildGuest(t)
	t.Chdir(dir)
	if err := os.Rename(guest, "guest.wasm"); err != nil {
		t.Fatal(err)
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s has no long help or no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			t.Run(strings.TrimSpace(line), func(t *testing.T) {
				args := strings.Fields(line)
				if args[0] != "moatc" {
					t.Fatal("the example is no call of moatc")
				}
				var stdout, stderr strings.Builder
				switch code := doMain(args[1:], strings.NewReader(""), &stdout, &stderr); code {
				case exitOK, exitDeny, exitAsk:
				default:
					t.Errorf("exit code %d\n%s", code, stderr.String())
				}
				if strings.Contains(stderr.String(), "moatc:") && args[1] != "run" { // which says what was used
					t.Error(stderr.String())
				}
			})
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot())
}

// A result that couldn't be written must not look like success.
func TestUnwritableResult(t *testing.T) {
	for _, args := range [][]string{
		{"version"},
		{"version", "--json"},
		{"check", "../../policies/quickstart"},
		{"check", "--format", "json", "../../policies/quickstart"},
		{"test", "../../policies/quickstart"},
		{"test", "--format", "junit", "../../policies/quickstart"},
		{"eval", "--policy", "../../policies/quickstart", "../../policies/quickstart/requests/permit.json"},
		{"eval", "--batch", "--policy", "../../policies/quickstart", "../../policies/quickstart/requests.jsonl"},
		{"fmt", "-"},
		{"demo"},
		{"demo", "--json"},
		{"help"},
	} {
		var stderr strings.Builder
		code := doMain(args, strings.NewReader("policy p edition 1\nagent a\n"), fullDisk{}, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), "disk full") {
			t.Errorf("%q: exit code %d, %q", args, code, stderr.String())
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestGravest(t *testing.T) {
	for i, a := range gravity {
		for j, b := range gravity {
			if got, want := gravest(a, b), gravity[max(i, j)]; got != want {
				t.Errorf("gravest(%d, %d) = %d, want %d", a, b, got, want)
			}
		}
	}
}

// What complains about a defect ends neither as a permit nor as a deny.
func TestPanicIsNoPermit(t *testing.T) {
	var stderr strings.Builder
	if code := doMain([]string{"fmt", "-"}, panicReader{}, &strings.Builder{}, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "a defect of moatc") {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic(fmt.Sprintf("boom %c", 0x1b)) }

func TestColor(t *testing.T) {
	device, err := os.Open(os.DevNull) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !wantsColor(device) {
		t.Error("no colour on a terminal")
	}
	if wantsColor(file) || wantsColor(&strings.Builder{}) {
		t.Error("colour in what is no terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if wantsColor(device) {
		t.Error("colour in spite of NO_COLOR")
	}
}
