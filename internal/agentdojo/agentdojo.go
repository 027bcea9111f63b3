// Package agentdojo measures the policies in policies/agentdojo-banking and policies/agentdojo-workspace on recorded tool
// calls of AgentDojo, a benchmark of attacks on agents by text that they read (Debenedetti et al., 2024). Start at [Evaluate].
//
// The recording holds, for each task of a user, the calls that a perfect agent makes, with their results; and for each goal
// of an attacker, the calls that a fully hijacked agent makes. A pair is one of each. The package plays the host: it labels
// every argument with where its value came from ([Trace.Label]) and asks the policy about every call. Nothing calls a model,
// so what is measured is the policy alone, with an agent that always obeys the attacker.
//
// testdata is version v1.2.1 of the suites, under the licence that lies beside it, from github.com/sequrity-ai/agentdojo at
// 357c80de, a fork of github.com/ethz-spylab/agentdojo. pairs.csv names the pairs; the calls of one are those of its two tasks.
// The attackers' goals of workspace that have no recorded calls (6 to 13) are in no pair, and left out.
package agentdojo

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/moat-lang/moat/strictjson"
)

// Suites names the suites, in the order of the tables.
var Suites = []string{"banking", "workspace"}

//go:embed testdata/user_tasks.jsonl testdata/injection_tasks.jsonl testdata/pairs.csv testdata/tools.json
var testdata embed.FS

// A Task is what a user, or an attacker, wants, and the calls that do it.
type Task struct {
	Suite  string
	ID     string // user_task_3, injection_task_0
	Prompt string
	Calls  []Call
}

// Number is the task's number: 3 of user_task_3.
func (t *Task) Number() int {
	n, err := strconv.Atoi(t.ID[strings.LastIndexByte(t.ID, '_')+1:])
	if err != nil {
		panic(fmt.Sprintf("agentdojo: task %q has no number", t.ID))
	}
	return n
}

// Unseen reports whether the task is one of the third that was not looked at while the policies were written: those whose
// number leaves 2 when divided by 3. It holds for tasks of users and of attackers.
func (t *Task) Unseen() bool { return t.Number()%3 == 2 }

// A Call is a tool call with the result that it had.
type Call struct {
	Tool   string
	Args   strictjson.Value // an object
	Result strictjson.Value
}

// A Pair is a task of a user during which an attacker's text reaches the agent.
type Pair struct {
	User, Injection *Task
}

// Unseen reports whether either of the two tasks is unseen.
func (p Pair) Unseen() bool { return p.User.Unseen() || p.Injection.Unseen() }

// A Dataset is the recording of one suite.
type Dataset struct {
	Suite string
	Users []*Task
	Pairs []Pair
	Tools []strictjson.Value // the definitions: name, description, parameters
}

// Load reads the recording of one of [Suites].
func Load(suite string) (*Dataset, error) {
	d := &Dataset{Suite: suite}
	byID := map[string]*Task{}
	for _, name := range []string{"user_tasks.jsonl", "injection_tasks.jsonl"} {
		data, err := testdata.ReadFile("testdata/" + name)
		if err != nil {
			return nil, err
		}
		for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			t, err := readTask(line)
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", name, i+1, err)
			}
			if t.Suite != suite {
				continue
			}
			if byID[t.ID] = t; strings.HasPrefix(t.ID, "user_") {
				d.Users = append(d.Users, t)
			}
		}
	}
	if err := d.readPairs(byID); err != nil {
		return nil, err
	}
	data, err := testdata.ReadFile("testdata/tools.json")
	if err != nil {
		return nil, err
	}
	all, err := strictjson.Parse(data, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("tools.json: %w", err)
	}
	tools, _ := all.Get(suite)
	d.Tools = tools.Items
	if len(d.Users) == 0 || len(d.Pairs) == 0 || len(d.Tools) == 0 {
		return nil, fmt.Errorf("there is no suite %q", suite)
	}
	return d, nil
}

func (d *Dataset) readPairs(byID map[string]*Task) error {
	data, err := testdata.ReadFile("testdata/pairs.csv")
	if err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		f := strings.Split(line, ",")
		if len(f) != 3 {
			return fmt.Errorf("pairs.csv, line %d: %d fields", i+2, len(f))
		}
		if f[0] != d.Suite {
			continue
		}
		p := Pair{byID[f[1]], byID[f[2]]}
		if p.User == nil || p.Injection == nil {
			return fmt.Errorf("pairs.csv, line %d: no such task", i+2)
		}
		d.Pairs = append(d.Pairs, p)
	}
	return nil
}

func readTask(line []byte) (*Task, error) {
	v, err := strictjson.Parse(line, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	text := func(v strictjson.Value, name string) string {
		m, _ := v.Get(name)
		return m.Text
	}
	t := &Task{Suite: text(v, "suite"), ID: text(v, "task_id"), Prompt: text(v, "prompt")}
	calls, _ := v.Get("calls")
	for _, c := range calls.Items {
		args, _ := c.Get("args")
		// A result is JSON in a string. What isn't JSON is text.
		raw := text(c, "result")
		result, err := strictjson.Parse([]byte(raw), strictjson.Limits{})
		if err != nil {
			result = strictjson.Value{Kind: strictjson.String, Text: raw}
		}
		t.Calls = append(t.Calls, Call{Tool: text(c, "tool"), Args: args, Result: result})
	}
	return t, nil
}
