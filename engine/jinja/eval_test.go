package jinja

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"rp/engine/diag"
	"rp/engine/value"
)

func TestErrorPlaces(t *testing.T) {
	start := diag.Pos{File: "main.yml", Line: 10, Col: 7}
	for _, c := range []struct{ src, pos, msg string }{
		{"{{ nope }}", "main.yml:10:10", "'nope' is undefined"},
		{"a\nb {{ nope }}", "main.yml:11:12", "'nope' is undefined"},
		{"{{ s | nofilter }}", "main.yml:10:14", "Could not load \"nofilter\": No filter named 'nofilter'."},
		{"x\n{% for i in 5 %}{% endfor %}", "main.yml:11:19", "'int' object is not iterable"},
		{"{{ 1 +\n   'a' }}", "main.yml:10:12", "unsupported operand type(s) for +: 'int' and 'str'"},
		{"{% if true %}\n{{ 1 / 0 }}{% endif %}", "main.yml:11:12", "division by zero"},
		{"{{ d.a.b.c }}", "main.yml:10:16", "'int object' has no attribute 'b'"},
		{"one\n{{ foo( }}", "main.yml:11:15", "unexpected '}', expected ')'"},
		{"{% if n %}\n", "main.yml:10:17", "Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."},
		{"{{ l | map('upper', 5) }}", "main.yml:10:14", "upper() takes at most 0 argument(s) (1 given)"},
		{"{% include 'bad' %}", "bad:2:8", "unexpected 'end of print statement'"},
		{"{% include 'fail' %}", "fail:2:11", "'nope' is undefined"},
		{"{% macro m() %}\n{{ q1 }}{% endmacro %}{{ m() }}", "main.yml:11:10", "'q1' is undefined"},
	} {
		tmpl, err := Parse(c.src, start, FileOptions())
		if err == nil {
			_, err = tmpl.Eval(context.Background(), &Env{Include: testIncludes}, MapVars{"s": "x", "d": value.DictOf("a", int64(1)), "l": value.NewList("a"), "n": true})
		}
		var e *Error
		if !errors.As(err, &e) || e.Pos.String() != c.pos || e.Msg != c.msg {
			t.Errorf("%q: %v\nwant %s: %s", c.src, err, c.pos, c.msg)
		}
	}
}

func TestTypes(t *testing.T) {
	vars := MapVars{"n": int64(7), "none": nil}
	for src, want := range map[string]any{
		"{{ n }}": int64(7), "{{ n }}{{ n }}": "77", " {{ n }}": " 7", "{{ 1.0 }}": 1.0, "{{ none }}": nil, "{{ none }}a": "a", "": nil,
		"{{ n }}\n": int64(7), "{{ n }} \n": "7 \n", "{% if false %}a{% endif %}": nil, "{{ '7' }}": "7", "{{ '' }}{{ '' }}": "",
		"{{ omit }}": value.Omit{}, "{% set x = 1 %}": nil, "{{ x | default(omit) }}": value.Omit{},
	} {
		if got, err := evalString(vars, src); err != nil || got != want {
			t.Errorf("%q = %#v, %v; want %#v", src, got, err, want)
		}
	}
	tmpl, err := Parse("{{ n }}\n\n", diag.Pos{}, FileOptions())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := tmpl.RenderString(context.Background(), nil, vars); err != nil || s != "7\n\n" {
		t.Errorf("as text %q, %v", s, err)
	}
	if v, err := tmpl.Eval(context.Background(), &Env{Text: true}, vars); err != nil || v != "7\n\n" {
		t.Errorf("with Text %#v, %v", v, err)
	}
}

func TestLazyVariables(t *testing.T) {
	vars := MapVars{
		"app": "web", "base": value.Template{Source: "/opt/{{ app }}"}, "full": value.Template{Source: "{{ base }}/bin"},
		"loop_a": value.Template{Source: "{{ loop_b }}"}, "loop_b": value.Template{Source: "{{ loop_a }}"},
		"bad": value.Template{Source: "{{ missing }}"}, "self": value.Template{Source: "{{ self }}x"},
		"cfg":  value.DictOf("ok", value.Template{Source: "{{ app }}!"}, "broken", value.Template{Source: "{{ missing }}"}),
		"list": value.NewList(value.Template{Source: "{{ app }}"}, "{{ app }}"),
		"num":  value.Template{Source: "{{ 5 }}"},
	}
	for src, want := range map[string]string{
		"{{ full }}": "'/opt/web/bin'", "{{ cfg.ok }}": "'web!'", "{{ list }}": "['web', '{{ app }}']", "{{ list[0] }}": "'web'",
		"{{ bad is defined }}": "False", "{{ bad | default('d') }}": "'d'", "{{ cfg.broken is defined }}": "False", "{{ num + 1 }}": "6",
		"{% for i in list %}{{ i }} {% endfor %}": "'web {{ app }} '", "{{ list | join(',') }}": "'web,{{ app }}'", "{{ vars['app'] }}": "'web'", "{{ vars.full }}": "'/opt/web/bin'",
	} {
		got, err := evalString(vars, src)
		if err != nil || Repr(got) != want {
			t.Errorf("%s = %s, %v; want %s", src, Repr(got), err, want)
		}
	}
	for src, want := range map[string]string{
		"{{ loop_a }}": "recursive loop detected in template string: {{ loop_b }}", "{{ bad }}": "'missing' is undefined",
		"{{ cfg }}": "'missing' is undefined", "{{ bad + 'x' }}": "'missing' is undefined",
	} {
		if _, err := evalString(vars, src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %s", src, err, want)
		}
	}
}

// A template that changes a list changes a copy: variables are shared between hosts.
func TestVariablesAreNotChanged(t *testing.T) {
	l := value.NewList(int64(1))
	vars := MapVars{"l": l, "d": value.DictOf("l", l)}
	got, err := evalString(vars, "{% set _ = l.append(2) %}{{ l }}{{ d.l.append(3) or '' }}{{ d['l']['extend']([4]) or '' }}{{ d }}")
	if err != nil || got != "[1, 2]{'l': [1, 3, 4]}" {
		t.Errorf("got %v, %v", got, err)
	}
	if len(l.Items) != 1 {
		t.Errorf("the variable is now %s", Repr(l))
	}
	if _, err := evalString(vars, "{% set x = [] %}{% set y = [x] %}{{ x.append(y) }}"); err == nil {
		t.Error("a list may hold itself")
	}
}

func TestRender(t *testing.T) {
	ctx := context.Background()
	p := value.NewPending()
	go p.Resolve(value.Template{Source: "{{ app }}2"}, nil)
	vars := MapVars{"app": "web", "u": value.Unknown{After: "t"}}
	in := value.DictOf("a", value.Template{Source: "{{ app }}"}, "b", value.NewList(value.Template{Source: "{{ omit }}"}, int64(1)),
		"c", value.Template{Source: "{{ nope | default(omit) }}"}, "d", value.Template{Source: "{{ u }}"}, "e", p, "f", value.Secret{V: value.Template{Source: "{{ app }}"}},
		"g", "{{ app }}", "h", value.Template{Source: "{{ (1, 2) }}"})
	got, err := Render(ctx, nil, vars, in)
	want := value.DictOf("a", "web", "b", value.NewList(int64(1)), "d", value.Unknown{After: "t"}, "e", "web2", "f", value.Secret{V: "web"}, "g", "{{ app }}", "h", value.NewList(int64(1), int64(2)))
	if err != nil || !agrees(want, got) || Repr(got) != Repr(want) {
		t.Errorf("got %s, %v\nwant %s", Repr(got), err, Repr(want))
	}
	if v, _ := in.Get("a"); v != (value.Template{Source: "{{ app }}"}) {
		t.Error("Render changed what it was given")
	}
	if _, err := Render(ctx, nil, vars, value.NewList(value.Template{Source: "{{ nope }}", Pos: diag.Pos{File: "f", Line: 4, Col: 2}})); err == nil || err.Error() != "f:4:5: 'nope' is undefined" {
		t.Errorf("the error is %v", err)
	}
}

func TestCondition(t *testing.T) {
	vars := MapVars{
		"yes": true, "no": false, "text": "false", "empty": "", "n": int64(0), "l": value.NewList(), "u": value.Unknown{After: "t"},
		"r": value.DictOf("rc", int64(0), "stdout", "it's"), "s": value.Secret{V: "pw"}, "expr": "n == 0", "evil": "lookup('pipe', 'x')",
	}
	unknown := Truth{After: "t"}
	for _, c := range []struct {
		cond any
		want Truth
	}{
		{nil, True},
		{"", True},
		{true, True},
		{false, False},
		{"yes", True},
		{"no", False},
		{"not no", True},
		{"text", True},
		{"empty", False},
		{int64(0), False},
		{"l", False},
		{"r.rc == 0 and yes", True},
		{"nope is defined", False},
		{"u", unknown},
		{"u and no", False},
		{"u or yes", True},
		{"no and nope", False},
		{"s == 'pw'", True},
		{value.Template{Source: "{{ yes }}"}, True},
		{value.Template{Source: "{{ n }} == 0"}, True},
		{value.Template{Source: "{{ expr }}"}, True},
		{value.NewList("yes", "u", "no"), False},
		{value.NewList("yes", "u"), unknown},
		{value.NewList(), True},
		{"u is defined", True},
		{"u.x is defined", unknown},
		{"u is defined and u.rc == 0 and u.x.y", unknown},
		{"r.stdout | length > 3", True},
		{"'x' in u", unknown},
	} {
		got, err := Condition(context.Background(), nil, vars, c.cond)
		if err != nil || got != c.want {
			t.Errorf("%v = %+v, %v; want %+v", c.cond, got, err, c.want)
		}
	}
	env := &Env{Lookup: func(context.Context, string, []any, *value.Dict, Vars) ([]any, error) {
		t.Error("text from a variable reached a lookup")
		return nil, nil
	}}
	if _, err := Condition(context.Background(), env, vars, value.Template{Source: "{{ evil }}"}); err == nil {
		t.Error("text from a variable was evaluated with lookups")
	}
	for _, c := range []string{"nope", "nope == 1", "not nope", "1 +", "yes and nope"} {
		if _, err := Condition(context.Background(), nil, vars, c); err == nil {
			t.Errorf("the condition %q is no error", c)
		}
	}
}

func TestLimits(t *testing.T) {
	env := &Env{Include: testIncludes, Limits: Limits{MaxOutput: 1 << 20, MaxSteps: 1_000_000, MaxDepth: 30}}
	for _, src := range []string{
		"{{ 'a' * 100000000 }}", "{{ [0] * 100000000 }}", "{{ range(1000000000) }}", "{{ 9 ** 99999999 }}", "{{ 'a'.zfill(99999999) }}",
		"{% for i in range(100000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}", "{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% include 'self' %}", "{{ '%999999999d' % 1 }}", "{{ '{:999999999}'.format(1) }}",
		"{{ range(2000) | product(range(2000)) | list }}", "{{ range(30) | permutations | list }}", "{{ ('a' * 10000).replace('a', 'b' * 1000) }}",
		"{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "{{ 'a' | indent(99999999, true) }}",
		"{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l }}", "{{ ('a' * 1000) | regex_replace('a', 'b' * 2000) }}",
		"{{ [1] | batch(99999999, 0) }}", "{{ 'x' | comment(prefix_count=999999999) }}", strings.Repeat("(", 400), "{{ " + strings.Repeat("[", 400) + strings.Repeat("]", 400) + " }}",
		"{{ " + strings.Repeat("(", 400) + "1" + strings.Repeat(")", 400) + " }}",
	} {
		start := time.Now()
		tmpl, err := Parse(src, diag.Pos{}, PlaybookOptions())
		if err == nil {
			_, err = tmpl.Eval(context.Background(), env, MapVars{})
		}
		if err == nil && strings.HasPrefix(src, "{") {
			t.Errorf("%.60s has no end", src)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%.60s took %v", src, d)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	tmpl, err := Parse("{% for i in range(4000000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}", diag.Pos{}, PlaybookOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Eval(ctx, &Env{Limits: Limits{MaxSteps: 1 << 40}}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the deadline gives %v", err)
	}
}

func TestUnstable(t *testing.T) {
	env := &Env{Unstable: func(what string) (any, bool) { return value.Unknown{After: what}, true }}
	for src, want := range map[string]any{
		"{{ [1, 2] | random }}": value.Unknown{After: "random"}, "{{ [1, 2] | shuffle }}": value.Unknown{After: "shuffle"},
		"{{ now() }}": value.Unknown{After: "now"}, "{{ now().year > 2000 }}": value.Unknown{After: "now"}, "{{ 'x' | password_hash }}": value.Unknown{After: "password_hash"},
		"{{ '%Y' | strftime }}": value.Unknown{After: "strftime"}, "{{ lookup('pipe', 'date') }}": value.Unknown{After: "lookup pipe"},
		"{{ [7] | random(seed=1) }}": int64(7), "{{ '%Y' | strftime(0) }}": "1970", "{{ query('ansible.builtin.password', '/x') }}": value.Unknown{After: "lookup password"},
	} {
		tmpl, err := Parse(src, diag.Pos{}, PlaybookOptions())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.Eval(context.Background(), env, nil); err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", src, got, err, want)
		}
	}
}

// otherHost is a host's variables behind hostvars.
type otherHost struct{ vars MapVars }

func (h otherHost) Get(k any) (any, bool) { return h.vars.Lookup(Str(k)) }
func (h otherHost) Scope() Vars           { return h.vars }
func (h otherHost) Keys() []any {
	var out []any
	for _, n := range h.vars.Names() {
		out = append(out, n)
	}
	return out
}

func TestScopedObject(t *testing.T) {
	web := otherHost{MapVars{"name": "web", "url": value.Template{Source: "http://{{ name }}"}, "cfg": value.DictOf("u", value.Template{Source: "{{ url }}/"})}}
	vars := MapVars{"name": "db", "hostvars": value.DictOf("web", web)}
	for src, want := range map[string]string{
		"{{ hostvars.web.url }}": "'http://web'", "{{ hostvars['web']['cfg']['u'] }}": "'http://web/'", "{{ hostvars.web.cfg }}": "{'u': 'http://web/'}",
		"{{ ['web'] | map('extract', hostvars, 'url') | list }}": "['http://web']", "{{ hostvars.web | dict2items | map(attribute='key') | list }}": "['cfg', 'name', 'url']",
		"{{ hostvars.web | to_json(sort_keys=true) }}": `'{"cfg": {"u": "http://web/"}, "name": "web", "url": "http://web"}'`, "{{ 'url' in hostvars.web }}": "True", "{{ hostvars.web.nope is defined }}": "False",
	} {
		if got, err := evalString(vars, src); err != nil || Repr(got) != want {
			t.Errorf("%s = %s, %v; want %s", src, Repr(got), err, want)
		}
	}
}

func TestPendingIsNotWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := value.NewPending()
	vars := MapVars{"r": p, "d": value.DictOf("p", p, "k", int64(1))}
	for _, src := range []string{"{{ r is defined }}", "{{ d.k }}", "{{ d | length }}", "{{ 'p' in d.keys() }}", "{{ true or r.rc }}"} {
		tmpl, err := Parse(src, diag.Pos{}, PlaybookOptions())
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tmpl.Eval(ctx, nil, vars); err != nil {
			t.Errorf("%s = %v, %v", src, v, err)
		}
	}
	tmpl, err := Parse("{{ r.rc }}", diag.Pos{}, PlaybookOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Eval(ctx, nil, vars); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a done context gives %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	vars := MapVars{"l": value.NewList(int64(1), value.Template{Source: "{{ s }}"}), "s": "x", "d": value.DictOf("a", value.NewList())}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				for src, want := range map[string]string{
					"{{ l | map('string') | join('-') | regex_replace('(?<=1)-', '+') }}": "1+x", "{% set _ = d.a.append(1) %}{{ d.a }}{{ '' }}": "[1]", "{{ l[1] ~ s }}": "xx",
				} {
					if got, err := evalString(vars, src); err != nil || got != want {
						t.Errorf("%s = %v, %v", src, got, err)
					}
				}
			}
		})
	}
	group.Wait()
}

func TestHeader(t *testing.T) {
	src := "#jinja2: trim_blocks: False, lstrip_blocks: True, variable_start_string: '[%', variable_end_string: '%]'\n  {% if true %}\n[% x %]\n{% endif %}\n"
	rest, o, lines, err := Header(src, FileOptions())
	if err != nil || lines != 1 || o.Trim || !o.Lstrip || o.VarStart != "[%" {
		t.Fatalf("got %+v, %d, %v", o, lines, err)
	}
	tmpl, err := Parse(rest, diag.Pos{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := tmpl.RenderString(context.Background(), nil, MapVars{"x": "v"}); err != nil || s != "\nv\n" {
		t.Errorf("got %q, %v", s, err)
	}
	for _, bad := range []string{"#jinja2: nope: 1\n", "#jinja2: trim_blocks\n", "#jinja2: trim_blocks: maybe\n"} {
		if _, _, _, err := Header(bad, Options{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if rest, _, lines, err := Header("plain", Options{}); rest != "plain" || lines != 0 || err != nil {
		t.Error("text without the line is changed")
	}
}
