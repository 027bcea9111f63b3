package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moat-lang/moat/audit"
	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/sandbox/egress"
	"github.com/moat-lang/moat/sandbox/files"
)

// buildGuest compiles the program of policies/code-runner.
func buildGuest(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-o", out, "../../policies/code-runner/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the guest doesn't build: %v\n%s", err, text)
	}
	return out
}

// A real program in a real sandbox: what is permitted works, what isn't doesn't and is told, and all of it is in a log that can be verified and replayed.
func TestRun(t *testing.T) {
	guest := buildGuest(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	log := filepath.Join(dir, "log")
	if err := os.MkdirAll(filepath.Join(data, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("data/a.csv", "one two three\nfour\n")
	put("data/server.key", "private")
	put("outside.txt", "outside")
	put("policy.moat", strings.ReplaceAll(`policy p edition 1
agent analyst
agent tiny
agent bare
sandbox analyst { timeout 30s read "DATA" write "DATA/out" connect "https://api.example.com" }
sandbox tiny { fuel 100_000 memory 4MiB }
permit analyst to list, read on "file://DATA/**"
permit analyst to create, write on "file://DATA/out/*.txt"
forbid keys: any to any on "file://DATA/*.key" because "a key is no data"
permit analyst to connect on "https://**"
`, "DATA", data))
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr []string // parts
	}{
		"read": {[]string{data + "/a.csv", data + "/server.key", dir + "/outside.txt", data + "/../outside.txt", "https://api.example.com.invalid/", "https://127.1/"}, 5, []string{"4 words  " + data + "/a.csv"},
			[]string{"moatc: deny    analyst read file://" + data + "/server.key  forbidden by keys", "guest: open " + data + "/server.key: Permission denied\n", "guest: open " + dir + "/outside.txt: ",
				"guest: open " + data + "/../outside.txt: ", "outside_sandbox", "guest: https://api.example.com.invalid/: refused\n", "guest: https://127.1/: bad_request", "moatc: exit: ", "asked for 3 things, 2 denied\n"}},
		"written":              {[]string{"-out", data + "/out/r.txt", data + "/a.csv"}, 0, nil, []string{"asked for 3 things, 0 denied"}},
		"written elsewhere":    {[]string{"-out", data + "/r.txt", data + "/a.csv"}, 5, nil, []string{"Read-only file system"}},
		"another kind of file": {[]string{"-out", data + "/out/r.sh", data + "/a.csv"}, 5, nil, []string{"analyst write file://" + data + "/out/r.sh  no_permit"}},
	} {
		var stdout, stderr strings.Builder
		code := doMain(append([]string{"run", "--policy", dir + "/policy.moat", "--as", "analyst", "--log", log, guest, "--"}, c.args...), strings.NewReader(""), &stdout, &stderr)
		if code != c.code {
			t.Errorf("%s: exit code %d\n%s%s", name, code, &stdout, &stderr)
		}
		for _, part := range c.stdout {
			if !strings.Contains(stdout.String(), part) {
				t.Errorf("%s: the output is %q, without %q", name, &stdout, part)
			}
		}
		for _, part := range c.stderr {
			if !strings.Contains(stderr.String(), part) {
				t.Errorf("%s: it says %q, and not %q", name, &stderr, part)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "out/r.txt")); err != nil || !strings.Contains(string(text), "4 words") {
		t.Errorf("%q %v", text, err)
	}
	for _, name := range []string{"data/r.txt", "data/out/r.sh"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	succeeds := func(want string, args ...string) {
		t.Helper()
		var stdout, stderr strings.Builder
		if code := doMain(args, strings.NewReader(""), &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), want) {
			t.Errorf("%v: %d %s%s", args, code, &stdout, &stderr)
		}
	}
	succeeds("ok", "audit", "verify", "--unanchored", log)
	succeeds("none changes", "replay", "--policy", dir+"/policy.moat", log)
	succeeds("sandbox     ok  analyst", "audit", "query", log)
	succeeds("outside_sandbox", "audit", "query", log)

	for name, c := range map[string]struct {
		args    []string
		code    int
		outcome string
	}{
		"json":    {[]string{"--as", "analyst", guest, "--", data + "/a.csv"}, 0, "ok"},
		"fuel":    {[]string{"--as", "tiny", guest}, 5, "fuel"},
		"no home": {[]string{"--as", "bare", guest}, 2, ""},
		"no wasm": {[]string{"--as", "analyst", dir + "/policy.moat"}, 3, ""},
		"nothing": {[]string{"--as", "analyst", dir + "/none"}, 1, ""},
		"env":     {[]string{"--as", "analyst", "--env", "X", guest}, 1, ""},
	} {
		var stdout, stderr strings.Builder
		code := doMain(append([]string{"run", "--policy", dir + "/policy.moat", "--format", "json"}, c.args...), strings.NewReader(""), &stdout, &stderr)
		var got runJSON
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); c.outcome != "" && err != nil || code != c.code || got.Outcome != c.outcome {
			t.Errorf("%s: exit code %d %+v\n%s", name, code, got, &stderr)
		}
		if c.outcome == "fuel" && got.Fuel != (used{100_000, 100_000}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A directory can be elsewhere on this machine, with those in it; what is asked is about where it is in the sandbox.
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.CopyFS(elsewhere, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	// Without its directory the code isn't run.
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := doMain([]string{"run", "--policy", dir + "/policy.moat", "--as", "analyst", guest}, strings.NewReader(""), &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), data) {
		t.Errorf("without its directory: %d %s", code, &stderr)
	}
	stdout.Reset()
	stderr.Reset()
	at := []string{"run", "--policy", dir + "/policy.moat", "--as", "analyst", "--dir", data + "=" + elsewhere}
	if code := doMain(append(at, guest, "--", "-out", data+"/out/s.txt", data+"/a.csv"), strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Errorf("elsewhere: %d %s", code, &stderr)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "out/s.txt")); err != nil {
		t.Error(err)
	}
	if code := doMain(append(at, "--dir", "/etc="+elsewhere, guest), strings.NewReader(""), &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "there are "+data) {
		t.Errorf("another directory: %d %s", code, &stderr)
	}
}

// A token that held when the code began and doesn't any more is a deny like others: told, counted, and in the log.
func TestRunTokenEnds(t *testing.T) {
	var stderr strings.Builder
	cmd := newRun()
	cmd.SetErr(&stderr)
	ev := &evidence{code: true, tokenFile: "../../policies/multi-agent/reviewer.token", trustFile: "../../policies/multi-agent/trust.json"}
	if err := ev.read(cmd); err != nil {
		t.Fatal(err)
	}
	p, err := eval.Load("../../policies/multi-agent")
	if err != nil {
		t.Fatal(err)
	}
	log, err := openLog(cmd, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{cmd: cmd, asker: &asker{program: p, history: eval.NewHistory(), evidence: ev, text: true, log: log}, agent: "reviewer", errs: newCodeOutput(&stderr), bounds: eval.Sandbox{Read: []string{"/"}}}
	on, err := resource.Parse("file:///srv/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ask(t.Context(), egress.Question{Action: "read", On: on}); err == nil || r.asked != (tally{Denied: 1}) || !strings.Contains(stderr.String(), "moatc: deny    reviewer read file:///srv/x  token_expired") {
		t.Errorf("%v %+v %s", err, r.asked, &stderr)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for rec, err := range audit.Read(log.Dir(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := rec.Event.(*audit.Decision); rec.Index == 1 && (!ok || d.Code != "token_expired" || d.Action != "read") {
			t.Errorf("%+v", rec.Event)
		}
	}
}

// A directory that is given for one of the sandbox takes those in it along, and none of them through a link.
func TestPlace(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(dir+"/real/srv/out", 0o700), os.MkdirAll(dir+"/evil", 0o700), os.Symlink(dir+"/evil", dir+"/real/srv/link"), os.Symlink(dir+"/real", dir+"/named")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dirs   []string
		places map[string]string
		want   []string // "": where it says
		fails  string
	}{
		"none":               {[]string{"/srv"}, nil, []string{""}, ""},
		"one":                {[]string{"/srv", "/srv/out", "/srvx"}, map[string]string{"/srv": dir + "/real/srv"}, []string{dir + "/real/srv", dir + "/real/srv/out", ""}, ""},
		"the root":           {[]string{"/", "/srv/out"}, map[string]string{"/": dir + "/real"}, []string{dir + "/real", dir + "/real/srv/out"}, ""},
		"the longer one":     {[]string{"/srv", "/srv/out"}, map[string]string{"/srv": dir + "/real/srv", "/srv/out": dir + "/evil"}, []string{dir + "/real/srv", dir + "/evil"}, ""},
		"by a link":          {[]string{"/", "/srv"}, map[string]string{"/": dir + "/named"}, []string{dir + "/real", dir + "/real/srv"}, ""},
		"a link in it":       {[]string{"/srv", "/srv/link"}, map[string]string{"/srv": dir + "/real/srv"}, nil, "symbolic link"},
		"another":            {[]string{"/srv"}, map[string]string{"/srv/out": dir + "/evil"}, nil, "there are /srv"},
		"where is nothing":   {[]string{"/srv"}, map[string]string{"/srv": dir + "/none"}, nil, "no such file"},
		"one that isn't yet": {[]string{"/srv", "/srv/new"}, map[string]string{"/srv": dir + "/real/srv"}, []string{dir + "/real/srv", dir + "/real/srv/new"}, ""},
	} {
		r := &runner{cmd: newRun(), places: c.places}
		var dirs []files.Dir
		for _, path := range c.dirs {
			dirs = append(dirs, files.Dir{Path: path})
		}
		err := r.place(dirs)
		for _, d := range dirs {
			if d.At != "" && err == nil && !strings.HasSuffix(d.Path, "/new") {
				var f *files.FS
				if f, err = files.Open(d, files.Options{}); err == nil {
					err = f.Close()
				}
			}
		}
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range c.want {
			if dirs[i].At != c.want[i] {
				t.Errorf("%s: %s is at %q", name, dirs[i].Path, dirs[i].At)
			}
		}
	}
}
