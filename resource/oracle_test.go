package resource

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// This file has a second implementation of matching, which shares nothing with the first and is as plain as can be:
// braces are expanded by rewriting the text, parts are lists of strings, and lists and stars are matched by recursion.

func slowMatch(pattern, name string) bool {
	for _, alt := range slowExpand(pattern) {
		if slowMatchOne(alt, name) {
			return true
		}
	}
	return false
}

var innermostBraces = regexp.MustCompile(`\{([^{}]*)\}`)

func slowExpand(s string) []string {
	at := innermostBraces.FindStringSubmatchIndex(s)
	if at == nil {
		return []string{s}
	}
	var all []string
	for _, choice := range strings.Split(s[at[2]:at[3]], ",") {
		all = append(all, slowExpand(s[:at[0]]+choice+s[at[1]:])...)
	}
	return all
}

var slowURL = regexp.MustCompile(`^([^:]+)://(\[[^\]]*\]|[^/?:]*)(:[^/?]*)?([^?]*)(\?.*)?$`)

func slowMatchOne(pattern, name string) bool {
	if scheme, ok := strings.CutSuffix(pattern, "://**"); ok && strings.Contains("http https ws wss", scheme) {
		return strings.HasPrefix(name, scheme+"://")
	}
	pScheme, p, _ := strings.Cut(pattern, "://")
	nScheme, n, _ := strings.Cut(name, "://")
	if pScheme != nScheme {
		return false
	}
	if !strings.Contains("http https ws wss", pScheme) {
		return slowList(slowSplit(p), slowSplit(n), false)
	}
	pm, nm := slowURL.FindStringSubmatch(pattern), slowURL.FindStringSubmatch(name)
	if pm[3] != ":*" && pm[3] != nm[3] {
		return false
	}
	address := nm[2][0] == '[' || regexp.MustCompile(`\.?[0-9]+$`).MatchString(nm[2])
	nHost, pHost := strings.Split(nm[2], "."), strings.Split(pm[2], ".")
	if address {
		nHost = []string{nm[2]}
		if pm[2] == nm[2] {
			pHost = nHost
		}
	}
	if !slowList(pHost, nHost, address) || !slowList(slowSplit(pm[4]), slowSplit(nm[4]), false) {
		return false
	}
	switch {
	case pm[5] != "":
		return nm[5] != "" && slowStars(pm[5], nm[5])
	case strings.HasSuffix(pm[4], "/**"):
		return true
	}
	return nm[5] == ""
}

func slowSplit(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func slowList(globs, parts []string, address bool) bool {
	if len(globs) == 0 {
		return len(parts) == 0
	}
	if globs[0] == "**" {
		return slowList(globs[1:], parts, address) || len(parts) > 0 && slowList(globs, parts[1:], address)
	}
	if len(parts) == 0 || address && globs[0] != "*" && strings.Contains(globs[0], "*") {
		return false
	}
	return slowStars(globs[0], parts[0]) && slowList(globs[1:], parts[1:], address)
}

func slowStars(glob, s string) bool {
	if glob == "" {
		return s == ""
	}
	if glob[0] == '*' {
		return slowStars(glob[1:], s) || s != "" && slowStars(glob, s[1:])
	}
	return s != "" && glob[0] == s[0] && slowStars(glob[1:], s[1:])
}

// words of random names and patterns: few, so that they often meet.
var (
	nameSegments    = []string{"a", "b", "ab", "ba", "aab", "abab"}
	patternSegments = []string{"a", "b", "ab", "*", "**", "**", "a*", "*b", "*a*", "a*b", "*a*b*", "{a,b}", "{a,*b}", "{a/b,**}", "{ab,}a", "{**/a,a/**,{a,b}*}"}
	nameHosts       = []string{"a", "b.a", "ab.a", "a.b.a", "b.ab.a", "127.0.0.1", "10.0.0.7", "[::1]", "[::a]"}
	patternHosts    = []string{"a", "*", "*.a", "**.a", "a.**", "**.b.**", "a*.a", "*b*.a", "*.*", "**.*", "127.0.0.1", "[::1]", "{a,*b}.a", "{**.a,127.0.0.1}", "**.a.**.a", "*a*"}
	nameQueries     = []string{"", "", "", "?a", "?ab", "?a=b/a"}
	patternQueries  = []string{"", "", "", "", "?*", "?a*", "?*b", "?a=*"}
)

func pick(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }

func randomPath(r *rand.Rand, words []string, n int) string {
	segs := make([]string, n)
	for i := range segs {
		segs[i] = pick(r, words)
	}
	return strings.Join(segs, "/")
}

func randomName(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return "tool://" + randomPath(r, nameSegments, 1+r.IntN(5))
	case 1:
		return "file:///" + randomPath(r, nameSegments, r.IntN(6))
	}
	path := randomPath(r, nameSegments, r.IntN(5))
	if path != "" {
		path += pick(r, []string{"", "", "/"})
	}
	return pick(r, []string{"http", "https"}) + "://" + pick(r, nameHosts) + pick(r, []string{"", ":81"}) + "/" + path + pick(r, nameQueries)
}

// randomPattern returns the text of a pattern, which may be refused: an alternative may glue `**` to something.
func randomPattern(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return "tool://" + randomPath(r, patternSegments, 1+r.IntN(5))
	case 1:
		return "file:///" + randomPath(r, patternSegments, r.IntN(6))
	}
	if r.IntN(20) == 0 {
		return "{http,https}://**"
	}
	return pick(r, []string{"http", "https", "{http,https}"}) + "://" + pick(r, patternHosts) + pick(r, []string{"", ":81", ":*"}) +
		"/" + randomPath(r, patternSegments, r.IntN(5)) + pick(r, patternQueries)
}
