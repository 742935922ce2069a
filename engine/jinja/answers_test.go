package jinja

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"rp/engine/diag"
)

var update = flag.Bool("update", false, "write the golden files anew")

// answersFile holds templates, one a line in Go's quotes, with what they give:
// repr() of the value, or "error: " and the message. Where Ansible and Jinja2
// answer too, the answers were theirs when the line was written.
const answersFile = "testdata/answers.txt"

func TestAnswers(t *testing.T) {
	f, err := os.Open(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	vars := corpusVars(t)
	var out strings.Builder
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		quoted, want, ok := strings.Cut(lines.Text(), "\t=> ")
		src, err := strconv.Unquote(quoted)
		if err != nil {
			out.WriteString(lines.Text() + "\n")
			continue
		}
		n++
		got := answer(vars(), src)
		fmt.Fprintf(&out, "%s\t=> %s\n", quoted, got)
		if ok && got != want && !*update {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
	if n < 450 {
		t.Errorf("only %d answers were read", n)
	}
	if *update {
		if err := os.WriteFile(answersFile, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func answer(vars MapVars, src string) string {
	vars["x"] = "X"
	env := *testEnv
	env.Include = testIncludes
	tmpl, err := Parse(src, diag.Pos{}, PlaybookOptions())
	if err == nil {
		v, evalErr := tmpl.Eval(context.Background(), &env, vars)
		if evalErr == nil {
			return strings.ReplaceAll(Repr(v), "\n", `\n`)
		}
		err = evalErr
	}
	return "error: " + strings.ReplaceAll(err.Error(), "\n", `\n`)
}

// testTemplates are what include, import and extends find.
var testTemplates = map[string]string{
	"base":  "<{% block a %}A{{ x }}{% endblock %}|{% block b %}B{% endblock %}>",
	"child": "{% extends 'base' %}{% set x = 5 %}{% block a %}[{{ super() }}]{% endblock %}",
	"grand": "{% extends 'child' %}{% block a %}({{ super() }}){% endblock %}{% block b %}b2{% endblock %}",
	"inc":   "inc:{{ x|default('nox') }}:{{ y|default('noy') }}",
	"mac": "{% macro m(a,b=2) %}{{ a }}-{{ b }}-{{ x|default('nox') }}{% endmacro %}{% set z = 9 %}" +
		"{% macro n() %}{{ m('q') }}{{ z }}{% endmacro %}",
	"rb":   "{% block q required %}{% endblock %}",
	"self": "{% include 'self' %}",
	"bad":  "line1\n{{ 1 + }}",
	"fail": "line1\n  {{ nope.x }}",
}

func testIncludes(name string) (string, diag.Pos, error) {
	s, ok := testTemplates[name]
	if !ok {
		return "", diag.Pos{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return s, diag.Pos{File: name, Line: 1, Col: 1}, nil
}
