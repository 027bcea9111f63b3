package resource

import "strings"

// layout says where the parts of a scanned name, or of one alternative of a pattern, begin and end. It is a function
// of the text, so that two names are equal (==) exactly when their texts are.
type layout struct {
	hostStart, hostEnd uint16 // web: without brackets
	pathStart, pathEnd uint16 // web and file: from the first "/"; other: from after "//"
	bodyStart, bodyEnd uint16 // the segments, without a leading or a trailing "/"
	port               uint16 // web: the effective port
	segments           uint16
	labels             uint8 // web: 1 for an address
	schemeLen          uint8
	family             family
	address            bool // web: the host is an IP address
	anyPort            bool // web patterns: the port is `*`
	anyHost            bool // web patterns: the host is `**`, and nothing follows
}

// family is one of the three shapes of a name.
type family uint8

const (
	webFamily family = iota + 1
	fileFamily
	otherFamily
)

func familyOf(scheme string) family {
	switch {
	case scheme == "file":
		return fileFamily
	case defaultPort(scheme) != 0:
		return webFamily
	}
	return otherFamily
}

// defaultPort returns the port of a web scheme, and 0 for any other.
func defaultPort(scheme string) uint16 {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	}
	return 0
}

// scan finds the parts of s and refuses it unless it is canonical. With glob, s is one alternative of a pattern:
// the same text with `*` and `**` in it.
func scan(s string, glob bool) (layout, *fault) {
	var l layout
	if len(s) > MaxNameLen {
		return l, bad(MaxNameLen, "longer than %d bytes", MaxNameLen)
	}
	if f := checkText(s); f != nil {
		return l, f
	}
	colon := strings.Index(s, "://")
	if colon < 0 {
		return l, bad(0, `no scheme: a resource is written as in "file:///srv/kb" or "https://example.com/"`)
	}
	if f := checkScheme(s[:colon], glob); f != nil {
		return l, f
	}
	l.schemeLen = uint8(colon)
	l.family = familyOf(s[:colon])
	if l.family == webFamily {
		return l, l.scanWeb(s, colon+3, glob)
	}
	return l, l.scanPlain(s, colon+3, glob)
}

func checkScheme(s string, glob bool) *fault {
	if s == "" {
		return bad(0, "the scheme is empty")
	}
	if len(s) > MaxSchemeLen {
		return bad(MaxSchemeLen, "the scheme is longer than %d bytes", MaxSchemeLen)
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case lower(c), i > 0 && (digit(c) || c == '+' || c == '.' || c == '-'):
		case 'A' <= c && c <= 'Z':
			return bad(i, "an upper-case letter in the scheme")
		case c == '*' && glob:
			return bad(i, "a scheme has no wildcards: write it out, or several as in {http,https}://")
		default:
			return bad(i, "%+q in the scheme: it is a lower-case letter, then letters, digits, \"+\", \".\", \"-\"", firstRune(s[i:]))
		}
	}
	return nil
}

// scanWeb scans what follows "://" at start: host, port, path, query.
func (l *layout) scanWeb(s string, start int, glob bool) *fault {
	end := len(s)
	if i := indexEither(s[start:], '/', '?'); i >= 0 {
		end = start + i
	}
	l.port = defaultPort(s[:l.schemeLen])
	if f := l.scanAuthority(s, start, end, glob); f != nil {
		return f
	}
	l.pathStart, l.pathEnd, l.bodyStart, l.bodyEnd = uint16(end), uint16(end), uint16(end), uint16(end)
	alone := end == len(s)
	if glob && onlyDeep(s[l.hostStart:l.hostEnd]) {
		if !alone || int(l.hostEnd) != end {
			return bad(int(l.hostStart), "the host `**` stands alone and means any host, port, path and query; "+
				"for a part of them write a host such as `*` or `**.example.com`")
		}
		l.anyHost = true
		return nil
	}
	if alone && glob {
		return nil
	}
	if alone || s[end] == '?' {
		return bad(end, `an empty path is written "/"`)
	}
	query := len(s)
	if i := strings.IndexByte(s[end:], '?'); i >= 0 {
		query = end + i
	}
	l.pathEnd = uint16(query)
	if f := checkWeb(s, end, query, false); f != nil {
		return f
	}
	if query < len(s) {
		if f := checkQuery(s, query+1, glob); f != nil {
			return f
		}
	}
	return l.scanSegments(s, end+1, query, glob)
}

// indexEither is strings.IndexAny for two bytes, which for a text as short as a name is quicker done than prepared.
func indexEither(s string, a, b byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == a || s[i] == b {
			return i
		}
	}
	return -1
}

// onlyDeep reports whether every label of a host pattern is `**`.
func onlyDeep(host string) bool {
	return strings.HasPrefix(host, "**") && strings.Trim(strings.ReplaceAll(host, "**", ""), ".") == ""
}

func checkQuery(s string, start int, glob bool) *fault {
	if start == len(s) {
		return bad(start-1, `"?" without a query`)
	}
	if f := checkWeb(s, start, len(s), true); f != nil {
		return f
	}
	if i := strings.Index(s[start:], "**"); glob && i >= 0 {
		return bad(start+i, "`**` in a query: it has no segments, write `*`")
	}
	return nil
}

// scanPlain scans what follows "://" at start in a name without a host.
func (l *layout) scanPlain(s string, start int, glob bool) *fault {
	body := start
	if l.family == fileFamily {
		if !strings.HasPrefix(s[start:], "/") {
			return bad(start, "a file has no host: write file:// and an absolute path, as in \"file:///srv\"")
		}
		body++
	} else if start == len(s) {
		return bad(start, `nothing after "://"`)
	}
	l.pathStart, l.pathEnd = uint16(start), uint16(len(s))
	if i := indexEither(s[start:], '%', '?'); i >= 0 {
		if s[start+i] == '%' {
			return bad(start+i, `"%%": only http, https, ws and wss have percent-encoding`)
		}
		return bad(start+i, `"?": only http, https, ws and wss have a query`)
	}
	return l.scanSegments(s, body, len(s), glob)
}

// scanSegments scans the path segments s[start:end], which a trailing slash may follow in a web name.
func (l *layout) scanSegments(s string, start, end int, glob bool) *fault {
	l.bodyStart, l.bodyEnd = uint16(start), uint16(end)
	for at := start; at < end; {
		next, star := part(s[:end], at, '/')
		if f := checkSegment(s[at:next], at, glob && star); f != nil {
			return f
		}
		if l.segments++; l.segments > MaxSegments {
			return bad(at, "more than %d segments", MaxSegments)
		}
		if at = next + 1; at == end {
			l.bodyEnd = uint16(next)
			return l.checkTrailingSlash(next, glob)
		}
	}
	return nil
}

// part tells where the segment or label that begins at `at` ends, and whether there is a `*` in it. It is as short as words are: one walk is quicker done than
// two searches are prepared.
func part(s string, at int, sep byte) (end int, star bool) {
	for ; at < len(s) && s[at] != sep; at++ {
		star = star || s[at] == '*'
	}
	return at, star
}

func checkSegment(seg string, at int, star bool) *fault {
	switch {
	case seg == "":
		return bad(at, "an empty segment")
	case seg == "." || seg == "..":
		return bad(at, "a dot segment (%q)", seg)
	case star && seg != "**" && strings.Contains(seg, "**"):
		return bad(at+strings.Index(seg, "**"), "`**` is a whole segment: write `/**/`, or `*` inside one segment")
	}
	return nil
}

func (l *layout) checkTrailingSlash(at int, glob bool) *fault {
	if glob {
		return bad(at, `a "/" at the end: leave it out for the thing itself, or write "/**" for all that is below it too`)
	}
	if l.family != webFamily {
		return bad(at, `a "/" at the end`)
	}
	return nil
}
