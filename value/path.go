package value

import (
	"errors"
	"strings"

	"github.com/moat-lang/moat/resource"
)

// A Path is an absolute, clean file path with '/' between its parts: the path of a canonical file resource, which
// resource.File returns.
type Path string

// ParsePath reads a [Path]: it begins with '/', and has no empty, "." or ".." part, no '/' at the end, and none of the
// characters that a canonical resource can't have.
func ParsePath(s string) (Path, error) {
	if _, err := resource.File(s); err != nil {
		return "", refuseResource("path", s, 0, err, func(canonical string) string {
			return strings.TrimPrefix(canonical, "file://")
		})
	}
	return Path(s), nil
}

// ParseURL reads a URL: a canonical resource whose scheme is http, https, ws or wss.
func ParseURL(s string) (resource.Name, error) {
	n, err := resource.Parse(s)
	if err != nil {
		return resource.Name{}, refuseResource("url", s, 0, err, func(canonical string) string { return canonical })
	}
	if !n.IsWeb() {
		return resource.Name{}, refuse("url", s, 0, "its scheme isn't one of the web's", "write http, https, ws or wss")
	}
	return n, nil
}

// refuseResource returns the error for text, of which the resource package refused the part that begins at offset.
// spell makes a text that would be accepted of the canonical form of that part.
func refuseResource(typ, text string, offset int, err error, spell func(canonical string) string) *Error {
	var e *resource.Error
	if !errors.As(err, &e) {
		return refuse(typ, text, offset, err.Error(), "")
	}
	hint := ""
	if e.Canonical != "" {
		hint = writeInstead(spell(e.Canonical))
	}
	return refuse(typ, text, offset+e.Offset, e.Reason, hint)
}
