package secret

// longestName is the length of the longest name of a printable ASCII character.
const longestName = len("DiacriticalGrave")

// named returns the character that HTML has a name for, of printable ASCII and the line feed (https://html.spec.whatwg.org/multipage/named-characters.html);
// 0 if that is none.
func named(name string) byte {
	switch name {
	case "NewLine":
		return '\n'
	case "excl":
		return '!'
	case "quot", "QUOT":
		return '"'
	case "num":
		return '#'
	case "dollar":
		return '$'
	case "percnt":
		return '%'
	case "amp", "AMP":
		return '&'
	case "apos":
		return '\''
	case "lpar":
		return '('
	case "rpar":
		return ')'
	case "ast", "midast":
		return '*'
	case "plus":
		return '+'
	case "comma":
		return ','
	case "period":
		return '.'
	case "sol":
		return '/'
	case "colon":
		return ':'
	case "semi":
		return ';'
	case "lt", "LT":
		return '<'
	case "equals":
		return '='
	case "gt", "GT":
		return '>'
	case "quest":
		return '?'
	case "commat":
		return '@'
	case "lsqb", "lbrack":
		return '['
	case "bsol":
		return '\\'
	case "rsqb", "rbrack":
		return ']'
	case "Hat":
		return '^'
	case "lowbar", "UnderBar":
		return '_'
	case "grave", "DiacriticalGrave":
		return '`'
	case "lcub", "lbrace":
		return '{'
	case "verbar", "vert", "VerticalLine":
		return '|'
	case "rcub", "rbrace":
		return '}'
	case "fjlig":
		return fj
	}
	return 0
}
