package jinja

import (
	"fmt"
	"strings"
	"testing"

	"rp/engine/diag"
)

func TestCheck(t *testing.T) {
	for src, want := range map[string]string{
		"{{ x | defualt(1) }}":                           `f:1:8: there is no filter named "defualt" (did you mean "default"?)`, //nolint:misspell // on purpose
		"{% if x is definde %}{% endif %}":               `f:1:12: there is no test named "definde" (did you mean "defined"?)`,
		"a\n{{ l | map('uper') }}":                       `f:2:12: there is no filter named "uper" (did you mean "upper"?)`,
		"{{ l | selectattr('a', 'equlto', 1) }}":         `f:1:24: there is no test named "equlto" (did you mean "equalto"?)`,
		"{{ x | regex_replace('a', 'b', ignore=true) }}": "f:1:8: regex_replace() got an unexpected keyword argument 'ignore'",
		"{{ x | ternary(1) }}":                           "f:1:8: ternary() missing 1 required positional argument: 'false_val'",
		"{{ x is version }}":                             "f:1:9: version() missing 1 required positional argument: 'version'",
		"{{ range() }}":                                  "f:1:4: range() missing 1 required positional argument: 'start'",
		"{% set y | uppr %}a{% endset %}":                `f:1:12: there is no filter named "uppr" (did you mean "upper"?)`,
		"{% macro m(a=1|nope9) %}{% endmacro %}":         `f:1:16: there is no filter named "nope9"`,
		"{{ x | ansible.builtin.b64encode | community.general.json_query('a') }}": "", "{{ x | combine(*y) }}": "", "{{ l | select('odd') | map(attribute='a') }}": "",
		"{{ false | nope1 if false else (1 is nope2) }}": "f:1:12: there is no filter named \"nope1\"\nf:1:38: there is no test named \"nope2\"",
	} {
		tmpl, err := Parse(src, diag.Pos{File: "f", Line: 1, Col: 1}, PlaybookOptions())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range tmpl.Check() {
			line := d.Error()
			if d.Hint != "" {
				line += " (" + d.Hint + ")"
			}
			got = append(got, line)
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%s\n got %s\nwant %s", src, s, want)
		}
	}
}

func TestRefs(t *testing.T) {
	for src, want := range map[string]string{
		"{{ a.b['c'].d + e }}":          "1:4 a b.c.d, 1:17 e",
		"{% set x = y %}{{ x }}{{ z }}": "1:12 y, 1:26 z",
		"{% for i in l if i.x %}{{ i }}{{ loop.index }}{{ j }}{% endfor %}{{ i }}": "1:13 l, 1:50 j, 1:69 i",
		"{{ a | default(b) }}":                                        "1:4 a ?, 1:16 b",
		"{{ x if x is defined else y }}":                              "1:9 x ?, 1:4 x ?, 1:27 y",
		"{% macro m(a, b=c) %}{{ a }}{{ d }}{% endmacro %}{{ m(e) }}": "1:17 c, 1:32 d, 1:55 e",
		"{{ lookup('env', v) }}{{ range(3) }}{{ omit }}":              "1:18 v",
		"{% with a = b %}{{ a }}{% endwith %}{{ a }}":                 "1:13 b, 1:40 a",
		"{{ hostvars[h].ip }}":                                        "1:13 h, 1:4 hostvars",
		"{% if a is defined and a.b %}{% endif %}":                    "1:7 a ?, 1:24 a b ?",
	} {
		tmpl, err := Parse(src, diag.Pos{Line: 1, Col: 1}, PlaybookOptions())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range tmpl.Refs() {
			s := fmt.Sprintf("%d:%d %s", r.Pos.Line, r.Pos.Col, r.Name)
			if len(r.Path) > 0 {
				s += " " + strings.Join(r.Path, ".")
			}
			if r.Guarded {
				s += " ?"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s\n got %s\nwant %s", src, s, want)
		}
	}
}
