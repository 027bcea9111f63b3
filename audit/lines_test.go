package audit

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// Lines come out as they are, wherever a buffer ends and however little a read returns.
func TestLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func(lengths ...int) []byte {
		var out []byte
		for _, n := range lengths {
			for range n {
				out = append(out, byte('a'+r.IntN(26)))
			}
			out = append(out, '\n')
		}
		return out
	}
	many := make([]int, 3000)
	for i := range many {
		many[i] = r.IntN(1000)
	}
	for name, data := range map[string][]byte{
		"none":                 nil,
		"empty lines":          []byte("\n\n\n"),
		"no end":               []byte("abc"),
		"many":                 text(many...),
		"ends at the edge":     append(text(readSize-1, 0, readSize-2, 1), "torn"...),
		"longer than a buffer": text(5, 3*readSize, 7, readSize, readSize+1),
		"the longest":          text(1, MaxLine, 1),
		"torn at the edge":     bytes.Repeat([]byte("x"), readSize),
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"whole":         func(r io.Reader) io.Reader { return r },
			"halves":        iotest.HalfReader,
			"end with data": iotest.DataErrReader,
		} {
			in := newLines(wrap(bytes.NewReader(data)))
			rest := data
			for {
				line, err := in.next()
				want, after, found := bytes.Cut(rest, []byte("\n"))
				if err != nil {
					if found || err != io.EOF || !bytes.Equal(in.rest(), rest) {
						t.Errorf("%s, %s: %v with %d bytes left, %d as the rest", name, how, err, len(rest), len(in.rest()))
					}
					break
				}
				if !found || !bytes.Equal(line, want) {
					t.Fatalf("%s, %s: a line of %d bytes, want %d (%v)", name, how, len(line), len(want), found)
				}
				if rest = after; in.offset != int64(len(data)-len(rest)) {
					t.Fatalf("%s, %s: offset %d, want %d", name, how, in.offset, len(data)-len(rest))
				}
			}
			in.close()
		}
	}
	for _, end := range []string{"\n", ""} {
		in := newLines(strings.NewReader(strings.Repeat("x", MaxLine+1) + end))
		if line, err := in.next(); err != errLongLine {
			t.Errorf("a line of MaxLine+1 bytes: %d bytes, %v", len(line), err)
		}
		in.close()
	}
}
