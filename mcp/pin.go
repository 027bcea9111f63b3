package mcp

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/moat-lang/moat/strictjson"
)

// Pin returns the digest of a tool's definition, as `pin` takes it and as a host gives it with a request: "sha256:" and 64
// hexadecimal digits, SHA-256 of the RFC 8785 form of the definition. The definition is the whole object of the tool
// in the answer to tools/list: name, description, schemas, annotations, and every member that a later protocol adds.
func Pin(definition strictjson.Value) (string, error) {
	text, err := definition.Canonical()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(digest[:]), nil
}
