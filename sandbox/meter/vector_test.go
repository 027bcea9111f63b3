package meter

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tetratelabs/wazero"
)

var update = flag.Bool("update", false, "write spec/vectors/fuel.json anew: what modules cost has changed")

// A word is a value as wazero's API has it, in JSON a string of hexadecimal digits, because a double would lose some.
type word uint64

func (w word) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%#x", uint64(w)), nil }

func (w *word) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 0, 64)
	*w = word(n)
	return err
}

func words[T, U ~uint64](in []T) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = U(v)
	}
	return out
}

// A vectorCall is a call of a function in an instance of its own, and what it costs.
type vectorCall struct {
	Call    string `json:"call"`
	Args    []word `json:"args"`
	Results []word `json:"results"`
	Trap    bool   `json:"trap,omitempty"`
	Fuel    int64  `json:"fuel"`
}

type vectorModule struct {
	Name   string       `json:"name"`
	Source string       `json:"source"` // in the words of assemble
	Wasm   string       `json:"wasm"`   // hexadecimal
	Calls  []vectorCall `json:"calls"`
}

// S02: what a call costs is the same on both engines, and as it was written down on another machine. The NaN modules branch on the
// bits that their CPU gives a NaN.
func TestS02FuelVectors(t *testing.T) {
	file := filepath.Join("..", "..", "spec", "vectors", "fuel.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vectorModule
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 10 {
		t.Fatalf("only %d modules", len(vectors))
	}
	for i, v := range vectors {
		wasm := assemble(t, v.Source)
		if got := hex.EncodeToString(wasm); got != v.Wasm && !*update {
			t.Errorf("%s: the source doesn't make the module", v.Name)
		}
		vectors[i].Wasm = hex.EncodeToString(wasm)
		for j, want := range v.Calls {
			for _, engine := range []string{"compiler", "interpreter"} {
				got := runVector(t, engines[engine](), wasm, want)
				if *update {
					vectors[i].Calls[j] = got
					want = got
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s on the %s: -want +got\n%s", v.Name, engine, diff)
				}
			}
		}
	}
	if *update {
		out, err := json.MarshalIndent(vectors, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(out, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func runVector(t *testing.T, config wazero.RuntimeConfig, wasm []byte, v vectorCall) vectorCall {
	t.Helper()
	g := newGuest(t, config, wasm, 1<<40)
	results, err := g.call(v.Call, words[word, uint64](v.Args)...)
	return vectorCall{Call: v.Call, Args: v.Args, Results: words[uint64, word](results), Trap: err != nil, Fuel: g.used()}
}
