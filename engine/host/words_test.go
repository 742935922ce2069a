package host

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for s, want := range map[string][]string{
		"":                      nil,
		"a  b\tc\n":             {"a", "b", "c"},
		`a 'b c' "d e"`:         {"a", "b c", "d e"},
		`'' ""`:                 {"", ""},
		`a\ b \\ "\"" "\a" '\'`: {"a b", `\`, `"`, `\a`, `\`},
		`x'y'"z"w`:              {"xyzw"},
		`$HOME * | ;`:           {"$HOME", "*", "|", ";"},
	} {
		if got, err := splitWords(s); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{`'a`, `"a`, `a\`} {
		if got, err := splitWords(s); err == nil {
			t.Errorf("%q gives %q", s, got)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	f.Add(`a 'b c' "d\" e" \f`)
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil || strings.ContainsRune(s, '\uFFFD') {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		if again, err := splitWords(strings.Join(quoted, " ")); err != nil || !slices.Equal(again, words) {
			t.Errorf("%q: %q, quoted and split again: %q, %v", s, words, again, err)
		}
	})
}

func TestRealPath(t *testing.T) {
	links := map[string]string{"/lib": "usr/lib", "/a/up": "../b", "/abs": "/b/c", "/loop": "loop", "/b/last": "c"}
	for _, c := range []struct {
		path   string
		follow bool
		want   string
	}{
		{"/lib/x", false, "/usr/lib/x"},
		{"/lib", false, "/lib"},
		{"/lib", true, "/usr/lib"},
		{"/a/up/x", true, "/b/x"},
		{"/a/up/../x", true, "/x"},
		{"/abs/./x//y/", false, "/b/c/x/y"},
		{"/b/last", true, "/b/c"},
		{"/loop", true, "/loop"},
		{"/", true, "/"},
		{"/..", true, "/"},
		{"/none/x", true, "/none/x"},
	} {
		got := realPath(c.path, c.follow, func(p string) (string, bool) { t, ok := links[p]; return t, ok })
		if got != c.want {
			t.Errorf("%s leads to %s, want %s", c.path, got, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/etc/passwd": "bob:x:1:1::/home/bob:/bin/sh\n"})
	env := map[string]string{"HOME": "/h", "A": "1", "A_B2": "2", "EMPTY": ""}
	for word, want := range map[string]string{
		"~": "/h", "~/x": "/h/x", "~bob": "/home/bob", "~bob/x": "/home/bob/x", "~none/x": "~none/x", "a~": "a~",
		"$A": "1", "$A_B2": "2", "${A}B": "1B", "x$A.$A": "x1.1", "$NONE": "$NONE", "${NONE}": "${NONE}", "$": "$", "$$A": "$1", "${A": "${A", "[$EMPTY]": "[]", "$1": "$1",
	} {
		if got := l.expand(word, env); got != want {
			t.Errorf("%s gives %s, want %s", word, got, want)
		}
	}
}
