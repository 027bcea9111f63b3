// Guest is a program as an agent may have written it: it counts the words of files, fetches pages, and writes what it found to a file when it is told to. It runs in a
// sandbox:
//
//	GOOS=wasip1 GOARCH=wasm go build -o guest.wasm ./policies/code-runner/guest
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/moat-lang/moat/sandbox/guest"
)

func main() {
	out := flag.String("out", "", "a file for what is found, instead of standard output")
	secret := flag.String("secret", "", "the name of a secret to fetch pages with; its value stays with the host")
	flag.Parse()
	var found bytes.Buffer
	failed := false
	for _, name := range flag.Args() {
		text, err := get(name, *secret)
		if err != nil {
			fmt.Fprintln(os.Stderr, "guest:", err)
			failed = true
			continue
		}
		fmt.Fprintf(&found, "%7d words  %s\n", len(bytes.Fields(text)), name)
	}
	if err := write(*out, found.Bytes()); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		failed = true
	}
	if failed {
		os.Exit(1)
	}
}

// get reads a file or a page.
func get(name, secret string) ([]byte, error) {
	if !strings.HasPrefix(name, "https://") {
		return os.ReadFile(name)
	}
	req := guest.Request{Method: "GET", URL: name}
	if secret != "" {
		req.Secrets = []string{secret}
	}
	resp, err := guest.Fetch(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return resp.Body, nil
}

func write(name string, found []byte) error {
	if name == "" {
		_, err := os.Stdout.Write(found)
		return err
	}
	return os.WriteFile(name, found, 0o600)
}
