package resource

import (
	"iter"
	"strings"
)

// A Name is a canonical resource name. Two names are the same resource exactly when they are equal (==).
// The zero Name is not a resource: no pattern matches it.
//
// A trailing slash of a web name belongs to the name but not to its segments, and matching is on segments:
// https://a.com/v1/ and https://a.com/v1 are two names that every pattern treats alike.
type Name struct {
	text string
	layout
}

// Parse returns the resource that s names. It refuses every s that is not canonical with an [*Error], which names the
// canonical form where there is one. The package comment tells what is refused; a name has at most MaxNameLen bytes
// and MaxSegments segments.
func Parse(s string) (Name, error) {
	l, f := scan(s, false)
	if f != nil {
		return Name{}, f.nameError(s)
	}
	return Name{s, l}, nil
}

// nameError makes the error for the refused name s.
func (f *fault) nameError(s string) *Error {
	e := &Error{Input: s, Offset: f.at, Reason: f.why}
	if c := canonicalForm(s, false); c != s {
		if _, f := scan(c, false); f == nil {
			e.Canonical = c
		}
	}
	return e
}

// File returns the file resource of an absolute, clean path: no empty and no dot segments, no slash at the end.
// The error is an [*Error] about the path, though its canonical form is that of the resource.
func File(path string) (Name, error) {
	if !strings.HasPrefix(path, "/") {
		return Name{}, &Error{Input: path, Reason: "not an absolute path"}
	}
	const prefix = "file://"
	l, f := scan(prefix+path, false)
	if f != nil {
		e := f.nameError(prefix + path)
		e.Input, e.Offset = path, min(f.at-len(prefix), len(path))
		return Name{}, e
	}
	return Name{prefix + path, l}, nil
}

// FromTypeID returns the resource for a type and an id as AuthZEN has them. An id that has a scheme is the name, and
// its scheme must be typ; any other id is the part after typ://, which for the type "file" is an absolute path.
// The error is an [*Error].
func FromTypeID(typ, id string) (Name, error) {
	if f := checkScheme(typ, false); f != nil {
		return Name{}, &Error{Input: typ, Offset: f.at, Reason: "the type is not a scheme: " + f.why}
	}
	if scheme, _, ok := strings.Cut(id, "://"); ok && looksLikeScheme(scheme) {
		if scheme != typ {
			return Name{}, &Error{Input: id, Reason: "the scheme of the id is not the type " + excerpt(typ, 0)}
		}
		return Parse(id)
	}
	if typ == "file" {
		return File(id)
	}
	return Parse(typ + "://" + id)
}

// looksLikeScheme reports whether s is a scheme in either case.
func looksLikeScheme(s string) bool {
	return checkScheme(strings.ToLower(s), false) == nil
}

// String returns the name, byte for byte as it was parsed. It is "" for the zero Name.
func (n Name) String() string { return n.text }

// IsZero reports whether n is the zero Name, which is not a resource.
func (n Name) IsZero() bool { return n.text == "" }

// IsWeb reports whether n has a host: its scheme is http, https, ws or wss.
func (n Name) IsWeb() bool { return n.family == webFamily }

// Scheme returns the scheme, without "://".
func (n Name) Scheme() string { return n.text[:n.schemeLen] }

// Host returns the host name or the IP address (without brackets) of a web name, and "" for any other.
func (n Name) Host() string { return n.text[n.hostStart:n.hostEnd] }

// Port returns the port of a web name, which is that of the scheme where none is written, and 0 for any other name.
func (n Name) Port() uint16 { return n.port }

// Path returns the path without the query. In web and file names it begins with "/"; elsewhere it is all that
// follows "//".
func (n Name) Path() string { return n.text[n.pathStart:n.pathEnd] }

// Query returns the query of a web name, without "?", and whether there is one. It is never empty where there is one.
func (n Name) Query() (string, bool) {
	if int(n.pathEnd) >= len(n.text) {
		return "", false
	}
	return n.text[n.pathEnd+1:], true
}

// NumSegments returns the number of segments of the path. The roots https://a.com/ and file:/// have none.
func (n Name) NumSegments() int { return int(n.segments) }

// Segments yields the segments of the path in order.
func (n Name) Segments() iter.Seq[string] {
	return func(yield func(string) bool) {
		c := cursor{n.body(), '/'}
		for range n.segments {
			if !yield(c.front()) {
				return
			}
		}
	}
}

// body returns the segments joined by "/".
func (n *Name) body() string { return n.text[n.bodyStart:n.bodyEnd] }
