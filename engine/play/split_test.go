package play

import (
	"slices"
	"strings"
	"testing"

	"rp/engine/diag"
	"rp/engine/value"
)

func TestParseOptions(t *testing.T) {
	command := []string{"chdir", "creates"}
	for _, c := range []struct {
		text string
		only []string
		opts string // key→value, joined by |
		raw  string
	}{
		{"name=joe state=present", nil, "name→joe|state→present", ""},
		{`msg='two words' other="a 'b' c"`, nil, "msg→two words|other→a 'b' c", ""},
		{`src={{ a }} dest="{{ b }}/x y"`, nil, "src→{{ a }}|dest→{{ b }}/x y", ""},
		{`x={{ y | default("a b") }} z={{ {"k": {"l": 1}} }}`, nil, `x→{{ y | default("a b") }}|z→{{ {"k": {"l": 1}} }}`, ""},
		{`a {% if x %}b=2 c{% endif %} chdir=/`, command, "chdir→/", `a {% if x %}b=2 c{% endif %}`},
		{"echo hello  world", command, "", "echo hello  world"},
		{"FOO=1 make chdir=/src all", command, "chdir→/src", "FOO=1 make all"},
		{"ls\nchdir=/tmp\n", command, "chdir→/tmp", "ls"},
		{"one\n  two\n", command, "", "one\n  two\n"},
		{"one \\\n  two", command, "", "one two"},
		{`msg=a\nb`, nil, "msg→a\nb", ""},
		{`msg=caf\u00e9\x21\101\t.`, nil, "msg→café!A\t.", ""},
		{`sed s/a/b\=c/`, nil, "", "sed s/a/b=c/"},
		{`=x`, nil, "", "=x"},
		{`a==b`, nil, "a→=b", ""},
		{`it\'s fine`, nil, "", `it\'s fine`},
		{"{# it's a comment #} a=1", nil, "a→1", "{# it's a comment #}"},
		{`x='unfinished" y'`, nil, `x→unfinished" y`, ""},
		{"", nil, "", ""},
	} {
		opts, raw, err := parseOptions(c.text, c.only)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []string
		for _, o := range opts {
			got = append(got, o.key+"→"+o.value)
		}
		if strings.Join(got, "|") != c.opts || raw != c.raw {
			t.Errorf("%q: got %q and text %q, want %q and %q", c.text, got, raw, c.opts, c.raw)
		}
	}
}

func TestUnbalancedArguments(t *testing.T) {
	for _, s := range []string{`echo "x`, `it's`, `a={{ x`, `{% if`, `{{ "}}`, `{# x`, `{{ 'a }} b`} {
		if _, _, err := parseOptions(s, nil); err == nil {
			t.Errorf("%q is taken for balanced", s)
		}
	}
}

func TestTextArgs(t *testing.T) {
	pos := diag.Pos{File: "command line"}
	d, err := TextArgs(Module{FreeForm: "cmd", TextOptions: []string{"chdir"}}, "ls {{ x }} a=b chdir=/", pos)
	if err != nil {
		t.Fatal(err)
	}
	cmd, _ := d.Get("cmd")
	dir, _ := d.Get("chdir")
	if cmd != (value.Template{Source: "ls {{ x }} a=b", Pos: pos}) || dir != "/" {
		t.Errorf("got %v and %v", cmd, dir)
	}
	if _, err := KeyValues("a=1 b", pos); err == nil || !strings.Contains(err.Error(), `"b" is no key=value`) {
		t.Errorf("got %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{`a=1 b='x y'`, `{{ a["b"] }} x`, "a \\\n b", `"`, `{%`, `x={{ {'a': "}}"} }}`, "\\", `a=\U0010ffff\777`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil {
			return
		}
		at := 0
		for _, w := range words {
			if w.start < at || w.end <= w.start || strings.Trim(s[at:w.start], " \t\r\n") != "" {
				t.Fatalf("%q: word %v after %d", s, w, at)
			}
			at = w.end
		}
		if strings.Trim(s[at:], " \t\r\n") != "" {
			t.Fatalf("%q: the end is lost", s)
		}
		// With no key of its own, everything is text and nothing is lost but escapes and continued lines.
		_, raw, err := parseOptions(s, []string{})
		if err == nil && !strings.Contains(s, `\`) && raw != strings.TrimLeft(s, " \t\r\n") {
			t.Fatalf("%q became %q", s, raw)
		}
	})
}

func TestKeywordTable(t *testing.T) {
	if !slices.IsSortedFunc(keywords, func(a, b Keyword) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted")
	}
	for _, k := range keywords {
		if k.Where == 0 {
			t.Errorf("%s stands nowhere", k.Name)
		}
		if k.Inherited && k.Where&InTask == 0 {
			t.Errorf("%s is inherited by nothing", k.Name)
		}
		if slices.ContainsFunc(k.Later, func(c string) bool { return slices.Contains(k.Choices, c) }) {
			t.Errorf("%s has a choice that is not there yet", k.Name)
		}
	}
}
