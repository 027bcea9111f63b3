package mcp

import (
	"slices"
	"strings"
)

// A Hint names a parameter that is a string to the server, and a type that its name suggests.
type Hint struct {
	Tool, Param string
	Type        string // "path", "url", "email" or "argv"
}

// suggestions are the types that the last word of a parameter's name suggests. JSON Schema can't say that a string is a file's name.
var suggestions = map[string]string{
	"path": "path", "paths": "path", "file": "path", "files": "path", "filename": "path", "filepath": "path", "dir": "path", "directory": "path", "folder": "path",
	"url": "url", "urls": "url", "uri": "url", "href": "url", "link": "url",
	"email": "email", "emails": "email", "cc": "email", "bcc": "email",
	"command": "argv", "cmd": "argv", "argv": "argv",
}

// Hints lists parameters that may deserve a narrower type than the schema could say: only a person knows whether a server takes them
// as what they are called.
func Hints(tools []Tool) []Hint {
	var out []Hint
	for _, t := range tools {
		for _, p := range t.params {
			typ, ok := suggestions[lastWord(p.name)]
			if ok && (isNamed(p.typ, "string") || p.typ.Elem != nil && isNamed(p.typ.Elem, "string")) {
				out = append(out, Hint{t.Name, p.name, typ})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Hint) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// lastWord returns the last word of a_name, a-name or aName, in lower case.
func lastWord(name string) string {
	at := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == '.':
			at = i + 1
		case c >= 'A' && c <= 'Z' && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z':
			at = i
		}
	}
	return strings.ToLower(name[at:])
}
