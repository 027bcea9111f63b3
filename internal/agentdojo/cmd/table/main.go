// Table writes policies/agentdojo-*/RESULTS.md anew. Run it in the root of the module.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/moat-lang/moat/internal/agentdojo"
)

func main() {
	if err := run("policies"); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	for _, suite := range agentdojo.Suites {
		r, err := agentdojo.Evaluate(suite, root)
		if err != nil {
			return err
		}
		text, err := r.Markdown()
		if err != nil {
			return err
		}
		name := filepath.Join(root, "agentdojo-"+suite, "RESULTS.md")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Println(name)
	}
	return nil
}
