package modules_test

import (
	"strings"
	"testing"

	"rp/engine/state"
	"rp/modules"
)

func TestNewMode(t *testing.T) {
	for _, c := range []struct {
		text  string
		cur   state.Mode
		dir   bool
		umask state.Mode
		want  state.Mode
		err   string
	}{
		{text: "0644", want: 0o644},
		{text: "755", want: 0o755},
		{text: "0o4755", want: 0o4755},
		{text: "u=rw,g=r,o=", cur: 0o777, want: 0o640},
		{text: "u+x", cur: 0o644, want: 0o744},
		{text: "a-w", cur: 0o666, want: 0o444},
		{text: "go=", cur: 0o755, want: 0o700},
		{text: "+x", cur: 0o644, umask: 0o022, want: 0o755},
		{text: "+w", cur: 0o444, umask: 0o022, want: 0o644},
		{text: "=r", cur: 0o777, umask: 0o077, want: 0o477},
		{text: "a+X", cur: 0o644, want: 0o644},
		{text: "a+X", cur: 0o744, want: 0o755},
		{text: "a+X", cur: 0o644, dir: true, want: 0o755},
		{text: "g=u", cur: 0o750, want: 0o770},
		{text: "o=g-w", cur: 0o775, want: 0o775},
		{text: "u+s,g+s", cur: 0o755, want: 0o6755},
		{text: "+t", cur: 0o777, want: 0o1777},
		{text: "u=rwx,go=rx", cur: 0o2755, dir: true, want: 0o2755},
		{text: "ug+rw,o-rwx", cur: 0o604, want: 0o660},
		{text: "u+r-w", cur: 0o200, want: 0o400},
		{text: "", err: "has none of + - ="},
		{text: "0888", err: "must be octal"},
		{text: "77777", err: "must be octal"},
		{text: "x+r", err: "is none of u g o a"},
		{text: "u+q", err: "is none of r w x"},
		{text: "preserve", err: "has none of"},
	} {
		got, err := modules.NewMode(c.text, c.cur, c.dir, c.umask)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q in it", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q on %s (umask %s): %s %v, want %s", c.text, c.cur, c.umask, got, err, c.want)
		}
	}
}

func FuzzNewMode(f *testing.F) {
	f.Add("u=rwx,g+s,o-t", uint16(0o644), true)
	f.Add("0755", uint16(0), false)
	f.Fuzz(func(t *testing.T, text string, cur uint16, dir bool) {
		m, err := modules.NewMode(text, state.Mode(cur)&0o7777, dir, 0o022)
		if err == nil && m > 0o7777 {
			t.Errorf("%q gives %o", text, m)
		}
	})
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		line, want, err string
	}{
		{line: `a b  c`, want: "a|b|c"},
		{line: "a\tb\nc", want: "a|b|c"},
		{line: `'a b' "c d"`, want: "a b|c d"},
		{line: `a'b'"c"d`, want: "abcd"},
		{line: `a\ b \"`, want: `a b|"`},
		{line: `"a\"b" "a\b" "$x"`, want: `a"b|a\b|$x`},
		{line: `'a\b'`, want: `a\b`},
		{line: `"" ''`, want: "|"},
		{line: `--opt="x y"`, want: "--opt=x y"},
		{line: "a\\\nb", want: "ab"},
		{line: "", want: ""},
		{line: `"a`, err: "never closed"},
		{line: `a\`, err: "nothing follows"},
	} {
		got, err := modules.SplitWords(c.line)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q in it", c.line, err, c.err)
			}
			continue
		}
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%q: %q %v, want %q", c.line, got, err, c.want)
		}
	}
}

// Quoting words and taking the line apart again gives the words.
func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{"a b", `it's "q"`, "\\", "$x `y`", "\n\t", "é世"} {
		f.Add(s, "second")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _ = modules.SplitWords(a)
		got, err := modules.SplitWords(modules.ShellQuote(a) + " " + modules.ShellQuote(b))
		if err != nil || len(got) != 2 || got[0] != a || got[1] != b {
			t.Errorf("%q, %q come back as %q: %v", a, b, got, err)
		}
	})
}

func TestExpandGroups(t *testing.T) {
	for _, c := range []struct {
		expr, repl, text, want string
	}{
		{`(a)(b)`, `\2\1`, "ab", "ba"},
		{`(?P<n>a)`, `<\g<n>>`, "a", "<a>"},
		{`(a)`, `\g<1>0`, "a", "a0"},
		{`(a)`, `\10`, "a", "a0"},
		{`(a)|(b)`, `[\1\2]`, "b", "[b]"},
		{`a`, `x\ny\\z`, "a", "x\ny\\z"},
		{`a`, `\d`, "a", `\d`},
		{`a`, `a\`, "a", `a\`},
		{`a\Z`, `b`, "a", `b`},
	} {
		re, err := modules.Compile(c.expr)
		if err != nil {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if got := modules.ExpandGroups(re, c.repl, c.text, re.FindStringSubmatchIndex(c.text)); got != c.want {
			t.Errorf("%q with %q in %q: %q, want %q", c.expr, c.repl, c.text, got, c.want)
		}
	}
}

func TestGlobRegex(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"*.log", "a.log", true},
		{"*.log", "a.logs", false},
		{"?.x", "a.x", true},
		{"[ab]c", "bc", true},
		{"[!ab]c", "bc", false},
		{"[!ab]c", "cc", true},
		{"a[", "a[", true},
		{"a.b", "axb", false},
		{"ansible_*", "ansible_distribution", true},
		{"[]]", "]", true},
	} {
		re, err := modules.Compile("^(?:" + modules.GlobRegex(c.glob) + ")")
		if err != nil {
			t.Errorf("%q: %v", c.glob, err)
			continue
		}
		if got := re.MatchString(c.name); got != c.want {
			t.Errorf("%q matches %q: %t, want %t", c.glob, c.name, got, c.want)
		}
	}
}

func TestFindSum(t *testing.T) {
	for _, c := range []struct{ list, want string }{
		{"abc  f.tgz\n", "abc"},
		{"abc *f.tgz\n", "abc"},
		{"x  other\nabc  ./dir/f.tgz\n", "abc"},
		{"abc\n", "abc"},
		{"SHA256 (f.tgz) = abc\n", "abc"},
		{"abc\ndef\n", ""},
		{"", ""},
		{"abc  f.tgz.asc\n", ""},
	} {
		got, err := modules.FindSum(c.list, "f.tgz", "here")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q %v, want %q", c.list, got, err, c.want)
		}
	}
}

func TestSplitPackage(t *testing.T) {
	for _, c := range []struct{ word, manager, name, version, err string }{
		{word: "nginx", manager: "apt", name: "nginx"},
		{word: "nginx=1.22*", manager: "apt", name: "nginx", version: "1.22*"},
		{word: "a=1.0~rc1", manager: "apt", name: "a", version: "1.0~rc1"},
		{word: "a==1", manager: "pacman", name: "a", version: "1"},
		{word: "g++", manager: "apt", name: "g++"},
		{word: "nginx-1.22", manager: "apt", name: "nginx-1.22"},
		{word: "nginx-1.22", manager: "dnf", name: "nginx", version: "1.22"},
		{word: "nginx-1:1.22-3.el9", manager: "yum", name: "nginx", version: "1:1.22-3.el9"},
		{word: "java-11-openjdk-11.0.2", manager: "dnf", name: "java-11-openjdk", version: "11.0.2"},
		{word: "python3-3", manager: "dnf", name: "python3-3"},
		{word: "", manager: "apt", err: "empty name"},
		{word: "http://x/y.deb", manager: "apt", err: "not supported yet"},
		{word: "a>1", manager: "dnf", err: "not supported yet"},
	} {
		name, version, err := modules.SplitPackage(c.word, c.manager)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q in it", c.word, err, c.err)
			}
			continue
		}
		if err != nil || name != c.name || version != c.version {
			t.Errorf("%q with %s: %q %q %v, want %q %q", c.word, c.manager, name, version, err, c.name, c.version)
		}
	}
}

func TestSetBlock(t *testing.T) {
	for _, c := range []struct {
		name, body string
		lines      []string
		top        bool
		want       string
	}{
		{"new at the end", "a\n", []string{"x"}, false, "a\n<\nx\n>\n"},
		{"new at the top", "a\n", []string{"x"}, true, "<\nx\n>\na\n"},
		{"below #!", "#!/bin/sh\na\n", []string{"x"}, true, "#!/bin/sh\n<\nx\n>\na\n"},
		{"in its place", "a\n<\nold\n>\nb\n", []string{"x", "y"}, true, "a\n<\nx\ny\n>\nb\n"},
		{"taken out", "a\n<\nold\n>\nb\n", nil, false, "a\nb\n"},
		{"nothing to take out", "a\n", nil, false, "a\n"},
		{"no end: not ours", "a\n<\nb\n", []string{"x"}, false, "a\n<\nb\n<\nx\n>\n"},
		{"no end, taken out", "a\n<\nb\n", nil, false, "a\n<\nb\n"},
		{"no newline at the end", "a", []string{"x"}, false, "a\n<\nx\n>\n"},
		{"empty", "", []string{"x"}, false, "<\nx\n>\n"},
		{"all of it", "<\nx\n>\n", nil, false, ""},
	} {
		if got := modules.SetBlock(c.body, "<", ">", c.lines, c.top); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSetVar(t *testing.T) {
	for _, c := range []struct{ format, val, want string }{
		{"sh", "$HOME/bin:$PATH", `export A="$HOME/bin:$PATH"`},
		{"sh", "$HOMER ${USER}x $5", `export A="\$HOMER ${USER}x \$5"`},
		{"sh", "`id` \"q\" \\", "export A=\"\\`id\\` \\\"q\\\" \\\\\""},
		{"fish", "a`b", "set -gx A \"a`b\""},
		{"csh", "", "setenv A ''"},
		{"csh", "a b;c", `setenv A a\ b\;c`},
		{"environment", "plain value", "A=plain value"},
		{"environment", "it's", `A="it's"`},
		{"environment.d", "a$b", `A="a\$b"`},
	} {
		got, err := modules.SetVar(c.format, "A", c.val)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %s %v, want %s", c.format, c.val, got, err, c.want)
		}
	}
}

func TestSetSection(t *testing.T) {
	for _, c := range []struct {
		name, body string
		lines      []string
		want       string
	}{
		{"new file", "", []string{"[a]", "x=1"}, "[a]\nx=1\n"},
		{"new section", "[b]\ny=2\n", []string{"[a]", "x=1"}, "[b]\ny=2\n\n[a]\nx=1\n"},
		{"replaced", "[a]\nold=1\n\n[b]\ny=2\n", []string{"[a]", "x=1"}, "[a]\nx=1\n\n[b]\ny=2\n"},
		{"taken out", "# c\n[b]\ny=2\n[a]\nx=1\n", nil, "# c\n[b]\ny=2\n"},
		{"twice there", "[a]\nx=0\n[a]\nx=2\n", []string{"[a]", "x=1"}, "[a]\nx=1\n\n"},
	} {
		if got := modules.SetSection(c.body, "a", c.lines); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What the file has and is not understood is kept as it is.
func FuzzSubids(f *testing.F) {
	f.Add("a:1:2\n# x\n\nb:x:y\n")
	f.Add("a:9223372036854775807:9223372036854775807\n")
	f.Fuzz(func(t *testing.T, body string) {
		lines := modules.ParseSub(body)
		want := body
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if got := modules.FormatSub(lines); got != want {
			t.Errorf("%q comes back as %q", body, got)
		}
		for _, l := range lines {
			if strings.HasPrefix(l.Owner(), ":") || l.Count < 0 || l.Start < 0 {
				t.Errorf("%q is read as %+v", body, l)
			}
		}
	})
}
