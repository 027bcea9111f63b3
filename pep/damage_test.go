package pep_test

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

// A state that has been cut or overwritten is an error, and never the end of the process. Where it opens all the same, what it was asked to keep is still there.
func TestDamagedState(t *testing.T) {
	w := started(t)
	w.ask(payment, "coordinator")
	if err := w.revocations(token.RevocationList{Sequence: 2, Keys: []token.Key{w.ids["mallory"].Key()}}); err != nil {
		t.Fatal(err)
	}
	if err := w.pep.Close(); err != nil {
		t.Fatal(err)
	}
	w.cfg.Create = false
	home := w.cfg.Dir
	defer func() { w.cfg.Dir = home }()
	whole := must[[]byte](t)(os.ReadFile(filepath.Join(home, "state.db")))
	refused := 0
	try := func(what string, data []byte) {
		t.Helper()
		w.cfg.Dir = filepath.Join(t.TempDir(), "pep") // each its own: a file that made a panic stays locked as long as the process lives
		if err := os.CopyFS(w.cfg.Dir, os.DirFS(home)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.cfg.Dir, "state.db"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := pep.Open(w.cfg)
		if err != nil {
			refused++
			if !strings.HasPrefix(err.Error(), "pep: ") {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		w.pep = p
		if a := w.decide(w.delivery("note", note, "coordinator", "mallory")); a.Outcome != 0 {
			t.Errorf("%s: forgot a revocation, or not to be open: %s", what, a.Code)
		}
		_ = p.Close()
	}
	for size := 0; size < len(whole); size += 4096 {
		try(fmt.Sprintf("cut to %d bytes", size), whole[:size])
	}
	r := rand.New(rand.NewSource(1))
	for i := range len(whole) / 4096 {
		data := append([]byte(nil), whole...)
		r.Read(data[i*4096 : i*4096+32])
		try(fmt.Sprintf("the head of page %d", i), data)
	}
	if refused < 5 {
		t.Errorf("%d are refused", refused)
	}
}
