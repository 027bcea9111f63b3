package forge_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/moat-lang/moat/internal/forge"
	"github.com/moat-lang/moat/resource"
	"github.com/moat-lang/moat/token"
)

// What is forged within the rules is a token like any other; otherwise the refusals that are shown with it would prove nothing.
func TestAppend(t *testing.T) {
	_, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	holder, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pattern, err := resource.ParsePattern("file:///srv/**")
	if err != nil {
		t.Fatal(err)
	}
	b := token.Block{Realm: "test", Audience: token.Key(holder), ID: token.ID{1}, NotBefore: time.Unix(1e9, 0), Expires: time.Unix(1e9+60, 0), Depth: 2,
		Grants: []token.Grant{{Actions: []string{"read"}, Resources: []*resource.Pattern{pattern}}}}
	raw, err := forge.Append(nil, root, b)
	if err != nil {
		t.Fatal(err)
	}
	b.Depth--
	if raw, err = forge.Append(raw, key, b); err != nil {
		t.Fatal(err)
	}
	if blocks, err := token.Inspect(raw); err != nil || len(blocks) != 2 {
		t.Errorf("%d blocks, %v", len(blocks), err)
	}
	b.Depth = 5
	if raw, err = forge.Append(raw, key, b); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Inspect(raw); !errors.Is(err, token.Depth) {
		t.Errorf("a deeper block: %v", err)
	}
}
