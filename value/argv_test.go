package value

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitArgv(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"git status", []string{"git", "status"}},
		{" \t git \t status \t", []string{"git", "status"}},
		{"git fetch --upload-pack=evil origin", []string{"git", "fetch", "--upload-pack=evil", "origin"}},
		{"git", []string{"git"}},
		{"''", []string{""}},
		{`a '' ""`, []string{"a", "", ""}},
		{`echo 'a b' "c d" e\ f`, []string{"echo", "a b", "c d", "e f"}},
		{`echo a'b'"c"\d`, []string{"echo", "abcd"}},
		{`echo '$HOME;|&<>()*?[]{}~#!` + "`" + `\'`, []string{"echo", `$HOME;|&<>()*?[]{}~#!` + "`" + `\`}},
		{`echo ";|&<>()*?[]{}~#!'"`, []string{"echo", `;|&<>()*?[]{}~#!'`}},
		{`echo \$\;\|\&\<\>\(\)\*\?\[\]\{\}\~\#\!\'\"\\` + "\\`", []string{"echo", `$;|&<>()*?[]{}~#!'"\` + "`"}},
		{`echo "\$\` + "`" + `\"\\"`, []string{"echo", "$`\"\\"}},
		{`echo "\a\'\n\ \*"`, []string{"echo", `\a\'\n\ \*`}},
		{`echo 'it'\''s'`, []string{"echo", "it's"}},
		{`echo "it's" 'say "x"'`, []string{"echo", "it's", `say "x"`}},
		{"git show HEAD~1 HEAD^ a#b ''#c", []string{"git", "show", "HEAD~1", "HEAD^", "a#b", "#c"}},
		{`x ""~ '~' \~`, []string{"x", "~", "~", "~"}},
		{"make CC=gcc A+=b =c", []string{"make", "CC=gcc", "A+=b", "=c"}},
		{"=x 1A=b", []string{"=x", "1A=b"}},
		{`"A"=b c`, []string{"A=b", "c"}},
		{`A\=b c`, []string{"A=b", "c"}},
		{`a-b=c a.b=c`, []string{"a-b=c", "a.b=c"}},
		{"a if then for %1 @x ,y :z .", []string{"a", "if", "then", "for", "%1", "@x", ",y", ":z", "."}},
		{`'if' x`, []string{"if", "x"}},
		{`i\f x`, []string{"if", "x"}},
		{"echo é 😀 '\u00a0' \ufffd", []string{"echo", "é", "😀", "\u00a0", "\ufffd"}},
	}
	for _, tt := range tests {
		got, err := SplitArgv(tt.in)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("SplitArgv(%q): %v, -want +got\n%s", tt.in, err, diff)
		}
	}
}

func TestSplitArgvRefuses(t *testing.T) {
	tests := []struct {
		in     string
		offset int
		reason string
	}{
		{"", -1, "no command"},
		{" \t ", -1, "no command"},
		{"git status; curl x", 10, "';' would begin another command"},
		{"git status;curl x", 10, "another command"},
		{"git status && curl x", 11, "'&' would begin"},
		{"sleep 1 &", 8, "'&' would begin"},
		{"git log | sh", 8, "'|' would pipe"},
		{"git log > /etc/passwd", 8, "'>' would redirect"},
		{"cat <x", 4, "'<' would redirect"},
		{"cat 2>x", 5, "redirect"},
		{"(curl x)", 0, "subshell"},
		{"f() x", 1, "subshell"},
		{"a )", 2, "subshell"},
		{"git status\ncurl x", 10, `a line break, '\n'`},
		{"git status\r\ncurl x", 10, `a line break, '\r'`},
		{"git status\n", 10, "line break"},
		{"git 'a\nb'", 6, "line break"},
		{"git \"a\nb\"", 6, "line break"},
		{"git \"a\\\nb\"", 7, "line break"},
		{"git a\\\nb", 6, "line break"},
		{"echo $HOME", 5, "'$' begins an expansion"},
		{"echo a$", 6, "'$'"},
		{"echo $'a'", 5, "'$'"},
		{"echo `id`", 5, "command substitution"},
		{`echo "$(id)"`, 6, "in double quotes too"},
		{"echo \"`id`\"", 6, "command substitution, in double quotes too"},
		{`echo "cost: 5$"`, 13, `write \$`},
		{"rm *", 3, "match file names"},
		{"rm a?", 4, "match file names"},
		{"rm [ab]", 3, "match file names"},
		{"rm a]", 4, "match file names"},
		{"echo {a,b}", 5, "expand or group"},
		{"echo }", 5, "expand or group"},
		{"cat ~/x", 4, "home directory"},
		{"~", 0, "home directory"},
		{"make PREFIX=~/x", 12, "home directory"},
		{"make PATH='x':~/y", 14, "home directory"},
		{"echo #x", 5, "comment"},
		{"#x", 0, "comment"},
		{"! true", 0, "negate"},
		{"echo a!b", 6, "negate"},
		{"A=b git status", 1, "'=' would set a variable"},
		{"_x9=b git", 3, "set a variable"},
		{"PATH+=x git", 5, "set a variable"},
		{"A=", 1, "set a variable"},
		{"if true", 0, `"if" is a word of the shell's own`},
		{"time git status", 0, "own language"},
		{"while", 0, "own language"},
		{`git \`, 4, "nothing follows the backslash"},
		{"git 'a b", 4, "isn't closed"},
		{`git "a b`, 4, "isn't closed"},
		{`git "a b\"`, 4, "isn't closed"},
		{`git "a b\`, 4, "isn't closed"},
		{"git a\x00b", 5, `control character, '\x00'`},
		{"git \x1b[31m", 4, `'\x1b'`},
		{"git '\t'", 5, `'\t'`},
		{"git a\\\tb", 6, `'\t'`},
		{"git \x7f", 4, "control"},
		{"git \u0085", 4, "control"},
		{"git \v", 4, "control"},
		{"git\u00a0status", 3, "space to some shells"},
		{"git\u2028status", 3, "space to some shells"},
		{"git\u3000status", 3, "space to some shells"},
		{"git \xff", 4, `'\xff' isn't UTF-8`},
		{"git '\xc3'", 5, `isn't UTF-8`},
		{"git " + strings.Repeat("a", MaxWord+1), 4, "a word of 131073 bytes"},
		{strings.Repeat("a ", MaxCommand/2) + "b", -1, "a command of 262145 bytes"},
	}
	for _, tt := range tests {
		got, err := SplitArgv(tt.in)
		if got != nil {
			t.Errorf("SplitArgv(%.40q) = %q beside an error", tt.in, got)
		}
		wantError(t, "SplitArgv", tt.in, "", err, "argv", tt.offset, tt.reason)
	}
}

func TestSplitArgvAtItsBounds(t *testing.T) {
	words, err := SplitArgv(strings.Repeat("a ", MaxCommand/2))
	if err != nil || len(words) != MaxCommand/2 {
		t.Errorf("%d words, %v", len(words), err)
	}
	if _, err := SplitArgv("git " + strings.Repeat("a", MaxWord)); err != nil {
		t.Error(err)
	}
}

func TestCheckWord(t *testing.T) {
	for _, s := range []string{"", "--upload-pack=evil", "a b", `$HOME;|&<>()*?[]{}~#!'"\` + "`", "é😀\ufffd\u00a0",
		strings.Repeat("a", MaxWord)} {
		if err := CheckWord(s); err != nil {
			t.Errorf("CheckWord(%.40q): %v", s, err)
		}
	}
	refused := []struct {
		in     string
		offset int
		reason string
	}{
		{"a\nb", 1, `a line break, '\n'`}, {"\r", 0, `a line break, '\r'`}, {"a\x00", 1, `'\x00'`}, {"a\tb", 1, `'\t'`},
		{"\x1b[2J", 0, `'\x1b'`}, {"é\u009b", 2, `'\u009b'`}, {"a\xff", 1, `'\xff' isn't UTF-8`},
		{strings.Repeat("a", MaxWord+1), -1, "131073 bytes"},
	}
	for _, tt := range refused {
		wantError(t, "CheckWord", tt.in, 0, CheckWord(tt.in), "argv", tt.offset, tt.reason)
	}
}

// quoteArgv writes words so that a shell splits them as they are.
func quoteArgv(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

// FuzzSplitArgv checks that an accepted command is no more than its words: each is a word, and the words in quotes split
// again into themselves. A command without anything to quote is what strings.Fields makes of it.
func FuzzSplitArgv(f *testing.F) {
	for _, s := range []string{"git status", "git status; curl x", `a 'b c' "d\"e" f\ g`, "--upload-pack=x", "A=b c", "a\nb",
		"it'\\''s", `"\$\x"`, "~ #", "a~b#c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := SplitArgv(s)
		if err != nil {
			if words != nil || len(err.Error()) > 1000 {
				t.Fatalf("%q, %v", words, err)
			}
			return
		}
		for _, w := range words {
			if err := CheckWord(w); err != nil {
				t.Fatalf("SplitArgv(%q) = %q: %v", s, words, err)
			}
		}
		if !strings.ContainsAny(s, `'"\`) {
			if diff := cmp.Diff(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' }), words); diff != "" {
				t.Fatalf("SplitArgv(%q): -fields +got\n%s", s, diff)
			}
			if strings.ContainsAny(s, "$`;&|<>()*?[]{}!\r\n") {
				t.Fatalf("SplitArgv(%q) = %q", s, words)
			}
		}
		quoted := quoteArgv(words)
		if len(quoted) > MaxCommand {
			return
		}
		again, err := SplitArgv(quoted)
		if diff := cmp.Diff(words, again); err != nil || diff != "" {
			t.Fatalf("SplitArgv(%q) = %q; quoted as %q: %v\n%s", s, words, quoted, err, diff)
		}
	})
}
