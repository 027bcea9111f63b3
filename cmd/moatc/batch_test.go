package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/moat-lang/moat/report"
)

const readNote = `{"subject":{"type":"agent","id":"assistant"},"action":{"name":"execute","properties":{"path":"/home/owner/notes/todo.txt"}},"resource":{"type":"tool","id":"notes.read"}}`

// Who sends one line and waits for its answer gets it.
func TestBatchAnswersAtOnce(t *testing.T) {
	stdin, ask := io.Pipe()
	answers, stdout := io.Pipe()
	done := make(chan int)
	go func() {
		code := doMain([]string{"eval", "--batch", "--policy", "../../policies/quickstart", "-"}, stdin, stdout, io.Discard)
		stdout.Close()
		done <- code
	}()
	lines := bufio.NewScanner(answers)
	for i := 1; i <= 3; i++ {
		fmt.Fprintln(ask, readNote)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), `{"decision":true`) || !strings.HasSuffix(lines.Text(), fmt.Sprintf(`"line":%d}}`, i)) {
			t.Fatalf("answer %d: %s", i, lines.Text())
		}
	}
	ask.Close()
	if code := <-done; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	just := long[:maxLine]
	for _, in := range []struct {
		text string
		want []string // "!" for a line that is too long
	}{
		{"", nil},
		{"\n", []string{""}},
		{"a", []string{"a"}},
		{"a\n\nb", []string{"a", "", "b"}},
		{just, []string{just}},
		{just + "\n", []string{just}},
		{long, []string{"!"}},
		{long + "\n", []string{"!"}},
		{long + long + "\na\n" + long, []string{"!", "a", "!"}},
	} {
		// A buffer as small as can be, so that lines are put together.
		r := bufio.NewReaderSize(strings.NewReader(in.text), 16)
		var got []string
		for {
			line, err := readLine(r)
			if err == io.EOF {
				break
			}
			if err == errLongLine {
				line = []byte("!")
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if fmt.Sprint(len(got), got) != fmt.Sprint(len(in.want), in.want) {
			t.Errorf("of %.20q I got %d lines, want %d", in.text, len(got), len(in.want))
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	for in, want := range map[string]string{
		"plain permit#1f":    `"plain permit#1f"`,
		"a\u202eb\x7f\u0085": `"a\u202eb\u007f\u0085"`,
		"###[error]x":        `"#\u0023#[error]x"`,
		"\U000e0041":         `"\udb40\udc41"`,
		"é → 日本":             `"é → 日本"`,
		"<&>\n\x1b":          `"<&>\n\u001b"`,
	} {
		var b bytes.Buffer
		if err := report.WriteJSON(&b, in, ""); err != nil || b.String() != want+"\n" {
			t.Errorf("%q is written %s, want %s (%v)", in, b.String(), want, err)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	in := strings.Repeat(readNote+"\n", b.N)
	b.SetBytes(int64(len(readNote)))
	b.ReportAllocs()
	b.ResetTimer()
	if code := doMain([]string{"eval", "--batch", "--policy", "../../policies/quickstart", "-"}, strings.NewReader(in), io.Discard, io.Discard); code != exitOK {
		b.Fatalf("exit code %d", code)
	}
}
