package token

import "strconv"

// shown is how many bytes of what was refused an error quotes.
const shown = 80

// quote quotes s in ASCII, cut to its first bytes.
func quote(s string) string {
	if len(s) <= shown {
		return strconv.QuoteToASCII(s)
	}
	return strconv.QuoteToASCII(s[:shown]) + "…"
}
