package value

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moat-lang/moat/resource"
)

// The bounds of [URLs] and [Emails].
const (
	MaxText  = 1 << 20 // bytes of the text
	MaxFound = 1000    // different URLs or addresses in it
)

// URLs returns the URLs that stand in a text, in their order, each once. A URL ends before a space, a control
// character, '<', '>' or '"', and without the punctuation and closing brackets at its end; one without a path is found
// as the root, "https://example.com/".
//
// What looks like a URL but isn't one by [ParseURL] makes unclear true, so that the caller can refuse the text instead
// of overlooking it: a "://" that isn't part of a URL that was found, "www.", "http:" and the like without "//",
// "//host.name" and its kin with backslashes, and a URL whose end readers take differently. A text that is too long,
// isn't UTF-8, or has too many URLs is unclear. A bare "example.com" is neither found nor unclear: nothing tells it
// from a file name.
func URLs(s string) (found []resource.Name, unclear bool) {
	if len(s) > MaxText || !utf8.ValidString(s) {
		return nil, true
	}
	seen := map[resource.Name]bool{}
	for run := range strings.FieldsFuncSeq(s, endsURL) {
		n, ok, suspect := urlIn(run)
		unclear = unclear || suspect
		if !ok || seen[n] {
			continue
		}
		if len(found) == MaxFound {
			return found, true
		}
		seen[n] = true
		found = append(found, n)
	}
	return found, unclear
}

// endsURL reports whether r stands outside of every URL, whoever reads it.
func endsURL(r rune) bool {
	return r == '<' || r == '>' || r == '"' || isControl(r) || unicode.In(r, unicode.Z)
}

// urlIn returns the URL in a run of characters that may stand in one, if there is one, and whether there is something
// else that looks like one.
func urlIn(run string) (n resource.Name, ok, unclear bool) {
	at := strings.Index(run, "://")
	if at < 0 {
		return resource.Name{}, false, resemblesURL(run)
	}
	start := at
	for start > 0 && isSchemeChar(run[start-1]) {
		start--
	}
	text := trimPunctuation(run[start:])
	if resemblesURL(run[:start]) || ambiguousURL(text, at-start) {
		return resource.Name{}, false, true
	}
	if !strings.ContainsAny(text[at-start+len("://"):], "/?") {
		text += "/"
	}
	n, err := ParseURL(text)
	return n, err == nil, err != nil
}

func isSchemeChar(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '+' || c == '.' || c == '-'
}

// trimPunctuation cuts off what ends a sentence or closes a bracket that was opened before s. It cuts no slash.
func trimPunctuation(s string) string {
	open := strings.Count(s, "(") - strings.Count(s, ")")
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		switch {
		case r == ')' && open >= 0:
			return s
		case r == ')':
			open++
		case r == '(':
			open--
		case !strings.ContainsRune(".,;:!?'`*|]}", r) && (r < utf8.RuneSelf || !unicode.IsPunct(r)):
			return s
		}
		s = s[:len(s)-size]
	}
	return s
}

// ambiguousURL reports whether readers differ about where the URL ends, or find more than one in it. Its scheme ends
// at the given offset.
func ambiguousURL(url string, schemeEnd int) bool {
	open := 0
	for i := range len(url) {
		switch url[i] {
		case '(':
			open++
		case ')':
			open--
		case '\'', '*', '`':
			return true
		}
		if open < 0 {
			return true
		}
	}
	return open != 0 || strings.HasSuffix(url, "_") || strings.HasSuffix(url, "~") ||
		strings.Contains(url[schemeEnd+1:], "://")
}

// resemblesURL reports whether some reader takes a part of s, which has no "://", for a URL.
func resemblesURL(s string) bool {
	lower := strings.ToLower(s)
	for _, begin := range []string{"www.", "http:", "https:", "ws:", "wss:"} {
		for at := 0; ; {
			i := strings.Index(lower[at:], begin)
			if i < 0 {
				break
			}
			i, at = at+i, at+i+len(begin)
			if at < len(lower) && (i == 0 || !isLetter(lower[i-1]) && !isDigit(lower[i-1])) {
				return true
			}
		}
	}
	return hasNetworkPath(lower)
}

// hasNetworkPath reports whether s has two or more slashes, of either kind, with a dotted name behind and no name before
// them: a reference that takes its scheme from the page, "//example.com/x", or names a file share.
func hasNetworkPath(s string) bool {
	isSlash := func(c byte) bool { return c == '/' || c == '\\' }
	isName := func(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' || c >= utf8.RuneSelf }
	for i := 0; i < len(s); i++ {
		if !isSlash(s[i]) {
			continue
		}
		begin := i
		for i < len(s) && isSlash(s[i]) {
			i++
		}
		if i-begin < 2 || begin > 0 && isName(s[begin-1]) {
			continue
		}
		host := i
		for i < len(s) && isName(s[i]) {
			i++
		}
		if i > host && i+1 < len(s) && s[i] == '.' && isName(s[i+1]) {
			return true
		}
		i--
	}
	return false
}

// Emails returns the e-mail addresses that stand in a text, in their order, each once, by [ParseEmail]. An address is the
// longest that can be read around an '@', without the '.' or '-' at its end.
//
// Any other '@' with no space before or behind it makes unclear true, so that the caller can refuse the text instead of
// overlooking an address; so does an address that readers cut differently: one that begins with anything but a letter
// or digit, has one of !#$%&'*/=?^`{|}~ before the '@', or touches a letter, dot or '@' that isn't ASCII. A text that is too long,
// isn't UTF-8, or has too many addresses is unclear.
func Emails(s string) (found []Email, unclear bool) {
	if len(s) > MaxText || !utf8.ValidString(s) {
		return nil, true
	}
	seen := map[Email]bool{}
	for at := range len(s) {
		if s[at] != '@' {
			continue
		}
		e, ok, suspect := emailAt(s, at)
		unclear = unclear || suspect
		if !ok || seen[e] {
			continue
		}
		if len(found) == MaxFound {
			return found, true
		}
		seen[e] = true
		found = append(found, e)
	}
	return found, unclear
}

// emailAt returns the address around the '@' at s[at], if there is one, and whether there is something else that looks
// like one. It looks at no more than the longest address and one character at each side.
func emailAt(s string, at int) (e Email, ok, unclear bool) {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	behind, _ := utf8.DecodeRuneInString(s[at+1:])
	if isGap(before, at == 0) || isGap(behind, at+1 == len(s)) {
		return "", false, false
	}
	start, end := at, at+1
	for start > 0 && at-start <= MaxEmailLocal && (isAtext(s[start-1]) || s[start-1] == '.') {
		start--
	}
	for end < len(s) && end-at <= MaxEmail && isDomainChar(s[end]) {
		end++
	}
	if start == at || touches(s[:start], s[end:]) || !plainLocal(s[start:at]) {
		return "", false, true
	}
	e, err := ParseEmail(strings.TrimRight(s[start:end], ".-"))
	return e, err == nil, err != nil
}

// isGap reports whether r, beside an '@', or the end of the text, shows that no address is there.
func isGap(r rune, end bool) bool { return end || unicode.IsSpace(r) }

func isDomainChar(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '.' }

// touches reports whether an address may go on beyond where it was cut, before or behind.
func touches(before, behind string) bool {
	if r, _ := utf8.DecodeLastRuneInString(before); before != "" && (r == '@' || foreign(r)) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(behind)
	return behind != "" && (strings.ContainsRune("@_%[\\", r) || foreign(r))
}

// foreign reports whether r is neither ASCII, nor a space, nor punctuation that nobody takes for a dot or an '@'.
func foreign(r rune) bool {
	switch r {
	case '。', '．', '｡', '＠', '﹫', '․', '﹒': // IDNA (UTS 46) or compatibility mappings make dots and '@' of them
		return true
	}
	return r >= utf8.RuneSelf && !unicode.IsSpace(r) && !unicode.IsPunct(r)
}

// plainLocal reports whether everyone who finds an address in a text takes the whole of s for what is before its '@'.
func plainLocal(s string) bool {
	if !isLetter(s[0]) && !isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("._+-", c) < 0 {
			return false
		}
	}
	return true
}
