package vars

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rp/engine/diag"
	"rp/engine/value"
)

func TestParseExtra(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yml")
	if err := os.WriteFile(file, []byte("a: [1]\nb: '{{ a }}'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want map[string]any
	}{
		{nil, map[string]any{}},
		{[]string{""}, map[string]any{}},
		{[]string{`a=1 b="x y" c='p q' d=x=y`}, map[string]any{"a": "1", "b": "x y", "c": "p q", "d": "x=y"}},
		{[]string{`a={{ 1 + 1 }} b=x"y"z c="q"r`}, map[string]any{"a": value.Template{Source: "{{ 1 + 1 }}", Pos: diag.Pos{File: "-e"}}, "b": `x"y"z`, "c": `"q"r`}},
		{[]string{`a=x\ny b="x\ty" c=\x41\u00e9 d=\q`}, map[string]any{"a": "x\ny", "b": "x\ty", "c": "Aé", "d": `\q`}},
		{[]string{`a=  b=2`}, map[string]any{"a": "", "b": "2"}},
		{[]string{`a='it''s' b="a\"b"`}, map[string]any{"a": "it''s", "b": `a"b`}},
		{[]string{"a=x\nb=y"}, map[string]any{"a": "x", "b": "y"}},
		{[]string{"a=#x b={%if 1 %}{%endif%}"}, map[string]any{"a": "#x", "b": value.Template{Source: "{%if 1 %}{%endif%}", Pos: diag.Pos{File: "-e"}}}},
		{[]string{"a=1 a=2", "b=3", "a=4"}, map[string]any{"a": "4", "b": "3"}},
		{[]string{`{"a": 1, "b": [1, "x"]}`}, map[string]any{"a": int64(1), "b": []any{int64(1), "x"}}},
		{[]string{`{a: yes, b: 0644}`}, map[string]any{"a": true, "b": int64(420)}},
		{[]string{"@" + file, "c=1"}, map[string]any{"a": []any{int64(1)}, "b": value.Template{Source: "{{ a }}", Pos: diag.Pos{File: file, Line: 2, Col: 5}}, "c": "1"}},
	} {
		got, ds := ParseExtra(c.args, Options{})
		if d := cmp.Diff(c.want, plain(got)); d != "" || len(ds) > 0 {
			t.Errorf("-e %q: %v (-want +got)\n%s", c.args, ds, d)
		}
	}
}

func TestParseExtraMistakes(t *testing.T) {
	for arg, want := range map[string]string{
		"a":            `cannot read -e "a": "a" is not key=value`,
		"a = 1":        `"a" is not key=value`,
		"a: 1":         `"a:" is not key=value`,
		"=x":           `"=x" is not key=value`,
		`a\=b`:         "is not key=value",
		`a="x`:         `the quote " is not closed`,
		"a={{ x":       "the {{ is not closed",
		"[a]":          "variables must be a mapping",
		"{a: [}":       "cannot read this as YAML",
		"./x":          "is not key=value",
		"@/none/where": "cannot read these variables: no such file",
	} {
		_, ds := ParseExtra([]string{arg, "ok=1"}, Options{})
		if !ds.Failed() || !strings.Contains(ds.Error(), want) {
			t.Errorf("-e %q: %v, want an error with %q", arg, ds, want)
		}
	}
	if _, ds := ParseExtra([]string{"a-b=1"}, Options{}); ds.Failed() || len(ds) != 1 {
		t.Errorf("a name that is none: %v, want one warning", ds)
	}
	_, ds := ParseExtra([]string{"a", "[b]", `c="`}, Options{})
	if len(ds) != 3 {
		t.Errorf("not all mistakes are told: %v", ds)
	}
}

func FuzzParseExtra(f *testing.F) {
	for _, s := range []string{"a=1 b='x'", `{"a": 1}`, "[1]", `a="\x41"`, "a={{ b }}", `a='`, "a=\\", "é=ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		if strings.HasPrefix(strings.TrimSpace(arg), "@") {
			return
		}
		d, ds := ParseExtra([]string{arg}, Options{})
		if d == nil {
			t.Fatal("nil")
		}
		if !ds.Failed() && d.Len() == 0 && strings.Trim(arg, " \t\n\r\v\f\u0085\u00a0{}#") != "" && !strings.ContainsAny(arg, "{[") {
			t.Errorf("%q gives nothing and no error", arg)
		}
	})
}
