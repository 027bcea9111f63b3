// Package policies holds an example for programs that show it.
package policies

import (
	"embed"
	"io/fs"
)

//go:embed multi-agent/*.moat
var multiAgent embed.FS

// MultiAgent holds the policy of the folder multi-agent.
func MultiAgent() fs.FS {
	sub, err := fs.Sub(multiAgent, "multi-agent")
	if err != nil {
		return multiAgent
	}
	return sub
}
