package jinja

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"rp/engine/diag"
	"rp/engine/value"
)

// seedTemplates are the corpus, and some texts that are no templates.
func seedTemplates(f *testing.F) []string {
	f.Helper()
	text, err := os.ReadFile("testdata/expressions.json")
	if err != nil {
		f.Fatal(err)
	}
	var cases []corpusCase
	if err := json.Unmarshal(text, &cases); err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, c := range cases {
		out = append(out, c.Template)
	}
	return append(out, "{%", "{{", "{#", "{% raw %}", "{{ '\\", "{{ ((((", "{% for x in", "{{ a[::] }}", "{%-", "{{ 1e999 }}", "\xff{{ '\xff' }}")
}

func FuzzParse(f *testing.F) {
	for _, s := range seedTemplates(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		pos := diag.Pos{File: "f", Line: 3, Col: 5}
		for _, o := range []Options{{}, PlaybookOptions(), {Trim: true, Lstrip: true, BlockStart: "<%", BlockEnd: "%>"}} {
			tmpl, err := Parse(src, pos, o)
			if err != nil {
				checkPlace(t, err, pos)
				continue
			}
			tmpl.Check()
			tmpl.Refs()
		}
		if x, err := ParseExpr(src, pos); err == nil {
			x.Check()
			x.Refs()
		} else {
			checkPlace(t, err, pos)
		}
	})
}

func checkPlace(t *testing.T, err error, start diag.Pos) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != Syntax || e.Pos.Line < start.Line || e.Pos.Col < 1 {
		t.Errorf("the error %#v has no place in the source", err)
	}
}

func FuzzEval(f *testing.F) {
	for _, s := range seedTemplates(f) {
		f.Add(s)
	}
	env := &Env{Limits: Limits{MaxOutput: 1 << 16, MaxSteps: 20_000, MaxDepth: 20}}
	f.Fuzz(func(t *testing.T, src string) {
		tmpl, err := Parse(src, diag.Pos{}, PlaybookOptions())
		if err != nil {
			return
		}
		start := time.Now()
		v, err := tmpl.Eval(context.Background(), env, fuzzVars())
		if err == nil {
			_ = Repr(v)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%q ran for %v", src, d)
		}
	})
}

func fuzzVars() MapVars {
	return MapVars{
		"n": int64(7), "f": 2.5, "s": "Hello World", "none_v": nil,
		"l": value.NewList(int64(3), int64(1), "x"),
		"d": value.DictOf("a", int64(1), "u", value.Unknown{After: "t"}),
		"u": value.Unknown{After: "task"}, "p": value.Secret{V: "pass"},
		"t": value.Template{Source: "{{ s }}!"}, "users": value.NewList(value.DictOf("name", "bob", "uid", int64(5))),
	}
}
