package meter

import (
	"testing"

	"github.com/moat-lang/moat/internal/wasmtext"
)

func assemble(t testing.TB, source string) []byte {
	t.Helper()
	return wasmtext.Assemble(t, source)
}

func appendSection(wasm []byte, id byte, content []byte) []byte {
	return append(appendUnsigned(append(wasm, id), len(content)), content...)
}
