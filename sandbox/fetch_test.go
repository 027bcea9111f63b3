package sandbox_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/moat-lang/moat/sandbox"
	"github.com/moat-lang/moat/sandbox/egress"
)

const imports = `import moat fetch (i32 i32 i32 i32) (i32)
import moat fetch_size (i32 i32) (i32)
import moat fetch_read (i32 i32 i32 i32 i32) (i32)
import moat fetch_close (i32) ()
import wasi_snapshot_preview1 fd_write (i32 i32 i32 i32) (i32)
import wasi_snapshot_preview1 proc_exit (i32) ()
memory 4 4
`

// asking is a module that makes a request with this head, writes the head of the reply, and exits with the number of bytes of its body.
func asking(head string) string {
	return imports + "data 1000 " + hex.EncodeToString([]byte(head)) + fmt.Sprintf(`
func _start () () (i32)
i32.const 1000
i32.const %d
i32.const 0
i32.const 0
call 0
local.set 0
i32.const 0
i32.const 100000
i32.store
i32.const 4
local.get 0
i32.const 0
call 1
i32.store
local.get 0
i32.const 0
i32.const 0
i32.const 100000
local.get 0
i32.const 0
call 1
call 2
drop
i32.const 1
i32.const 0
i32.const 1
i32.const 16
call 4
drop
local.get 0
i32.const 1
call 1
call 5
`, len(head))
}

// What describes a request is read strictly, and a mistake is told to the code.
func TestFetchHead(t *testing.T) {
	e := engine(t)
	asked := 0
	client, err := egress.New(egress.Options{Charge: sandbox.Charge, Ask: func(context.Context, egress.Question) (func(egress.Outcome) error, error) {
		asked++
		return nil, errors.New("no")
	}})
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"method": "GET", "url": "https://example.com/", "header": {"Accept": ["*/*"]}, "secrets": []}`
	for name, c := range map[string]struct{ head, want string }{
		"good":             {good, `{"error":"refused"}`},
		"nothing":          {"", "bad_request"},
		"no JSON":          {"GET https://example.com/", "bad_request"},
		"a list":           {"[]", "bad_request"},
		"nothing in it":    {"{}", "bad_request"},
		"a name twice":     {`{"method": "GET", "method": "PUT", "url": "https://example.com/"}`, "bad_request"},
		"another member":   {`{"method": "GET", "url": "https://example.com/", "body": ""}`, `no member \"body\"`},
		"a number":         {`{"method": "GET", "url": 1}`, "the member url"},
		"a header as text": {`{"method": "GET", "url": "https://example.com/", "header": {"Accept": "*/*"}}`, "the member header"},
		"secrets as text":  {`{"method": "GET", "url": "https://example.com/", "secrets": "api"}`, "the member secrets"},
		"another method":   {`{"method": "TRACE", "url": "https://example.com/"}`, "bad_request"},
		"too much of it":   {good + strings.Repeat(" ", sandbox.MaxRequestHead), "it may be 65536"},
	} {
		var out bytes.Buffer
		res := compile(t, e, asking(c.head)).Run(context.Background(), sandbox.Config{Limits: enough, Given: sandbox.Given{Stdout: &out}, Fetch: client})
		if res.Outcome != sandbox.OK || !strings.Contains(out.String(), c.want) || !strings.HasPrefix(out.String(), `{"error":"`) {
			t.Errorf("%s: %+v %s", name, res, &out)
		}
	}
	if asked != 1 {
		t.Errorf("%d questions", asked)
	}
	var out bytes.Buffer
	if res := compile(t, e, asking(good)).Run(context.Background(), sandbox.Config{Limits: enough, Given: sandbox.Given{Stdout: &out}}); res.Outcome != sandbox.OK || out.String() != `{"error":"refused"}` {
		t.Errorf("without a client: %+v %s", res, &out)
	}
}

// Handles, parts and addresses that there aren't give nothing, or trap as an access out of bounds does.
func TestFetchBounds(t *testing.T) {
	e := engine(t)
	fetch := "i32.const 0\ni32.const 0\ni32.const 0\ni32.const 0\ncall 0\n"
	for name, c := range map[string]struct {
		code string
		want sandbox.Outcome
		exit uint32
	}{
		"the first handle":          {fetch + "call 5", sandbox.Exited, 1},
		"the fifth handle":          {strings.Repeat(fetch+"drop\n", sandbox.MaxReplies) + fetch + "call 5", sandbox.OK, 0},
		"a handle again":            {strings.Repeat(fetch+"drop\n", sandbox.MaxReplies) + "i32.const 3\ncall 3\n" + fetch + "call 5", sandbox.Exited, 3},
		"a head out of bounds":      {"i32.const 262140\ni32.const 8\ni32.const 0\ni32.const 0\ncall 0\ndrop", sandbox.Trapped, 0},
		"a body out of bounds":      {"i32.const 0\ni32.const 0\ni32.const -1\ni32.const -1\ncall 0\ndrop", sandbox.Trapped, 0},
		"no handle":                 {"i32.const 1\ni32.const 0\ncall 1\ncall 5", sandbox.OK, 0},
		"the handle 0":              {"i32.const 0\ni32.const 0\ncall 1\ncall 5", sandbox.OK, 0},
		"a handle of large number":  {"i32.const -1\ni32.const 0\ncall 1\ncall 5", sandbox.OK, 0},
		"a part that isn't":         {fetch + "drop\ni32.const 1\ni32.const 2\ncall 1\ncall 5", sandbox.OK, 0},
		"closed twice":              {fetch + "call 3\ni32.const 1\ncall 3\ni32.const -1\ncall 3", sandbox.OK, 0},
		"an offset past the end":    {fetch + "drop\ni32.const 1\ni32.const 0\ni32.const -1\ni32.const 0\ni32.const 100\ncall 2\ncall 5", sandbox.OK, 0},
		"read to where isn't":       {fetch + "drop\ni32.const 1\ni32.const 0\ni32.const 0\ni32.const 262143\ni32.const 2\ncall 2\ncall 5", sandbox.Trapped, 0},
		"four bytes of what it has": {fetch + "drop\ni32.const 1\ni32.const 0\ni32.const 0\ni32.const 100\ni32.const 4\ncall 2\ncall 5", sandbox.Exited, 4},
	} {
		res := compile(t, e, imports+"func _start () ()\n"+c.code).Run(context.Background(), sandbox.Config{Limits: enough})
		if res.Outcome != c.want || res.Code != c.exit {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// A host that panics where it is asked ends the run, and not the process.
func TestFetchDefect(t *testing.T) {
	client, err := egress.New(egress.Options{Charge: sandbox.Charge, Ask: func(context.Context, egress.Question) (func(egress.Outcome) error, error) { panic("host bug") }})
	if err != nil {
		t.Fatal(err)
	}
	res := run(t, asking(`{"method": "GET", "url": "https://example.com/"}`), sandbox.Config{Limits: enough, Fetch: client})
	if res.Outcome != sandbox.Defect || !strings.Contains(res.Err.Error(), "host bug") {
		t.Errorf("%+v", res)
	}
}

// A client that code didn't come to through a run moves nothing.
func TestChargeOutsideOfRuns(t *testing.T) {
	if sandbox.Charge(context.Background(), 1) == nil {
		t.Error("there is no run that pays")
	}
}
