package jinja

import (
	"context"
	"strings"
	"testing"

	"rp/engine/diag"
	"rp/engine/value"
)

// lawExpressions are what the laws of unknown and secret values are held
// against. x is the value that is marked, xs a list with it, xd a dict with it.
var lawExpressions = []string{
	"x", "[x]", "{'a': x}", "(x, 1)", "not x", "x == 1", "x != 1", "x == x", "1 < 2 or x", "x and false", "false and x",
	"true or x", "x or true", "x and x", "x or x", "x if x else 2", "1 if x else 1", "1 if x else 2", "'a' if x == 1 else 'a'",
	"x is defined", "x is undefined", "x is none", "x is string", "x is mapping", "x.a is defined", "x.a", "x['a']", "x[0]",
	"xs | length", "xs | first", "xs | last", "xs[1]", "xs[0] is defined", "xs | count > 1", "xs == [1, 2]", "[1, x] == [2, x]",
	"x in [1, 2]", "5 in [5, x]", "5 in [6, x]", "5 not in [5, x]", "'a' in xd", "'q' in xd", "xd.known", "xd['k']", "xd.k is defined",
	"xd.nope is defined", "xd | length", "xd.keys() | list", "xd | dict2items | map(attribute='key') | list", "xd.get('known')", "xd.get('k', 1)",
	"x | default('d')", "x | default('d', true)", "x | string", "x ~ 'a'", "'%s' % x", "'{}'.format(x)", "'a' + (x | string)",
	"xs | join(',')", "xs | map('string') | list", "xs | map('string') | list | length", "xs | select('defined') | list | length",
	"xs | reject('equalto', 5) | list", "xs | list", "xs | reverse | list | last", "xs | sort", "xs | unique", "xs | min", "xs + [1]",
	"xs | zip([1, 2]) | list | length", "xs | flatten", "xd | combine({'n': 1})", "xd | combine({'k': 5})", "[xd] | items2dict(key_name='known', value_name='k')",
	"xd | to_json", "xd | to_nice_yaml", "xs | to_json | length", "x | type_debug", "x | ternary(1, 2)", "x | ternary(1, 1)", "x | bool", "x | int", "x | b64encode",
	"x | regex_replace('a', 'b')", "x is match('a')", "xs | contains_x | default(1) if false else 3", "xs is contains(2)", "xs is subset([1, 2, 3])",
	"x > 0 and false", "(x == 1) and (2 == 3)", "(x == 1) or (2 == 2)", "x is defined and xd.known == 1", "{'rc': x} is failed", "{'failed': x} is failed",
	"[x, true] is any", "[x, false] is all", "[x, false] is any", "range(3) | list", "namespace(a=x).a", "dict(a=x).known | default('n')", "[x][0]", "[[x], [2]] | map('first') | list | last",
	"xd.values() | list | length", "xs | batch(1) | list | length", "x.upper()", "(x | string).startswith('a')", "xs.index(2)", "xs.count(1)", "-x", "x * 2", "x // 1", "x[1:]", "xs[1:]",
	"xs | random(seed=1)", "xs | sum", "xs | selectattr('a', 'defined') | list", "xs | groupby('a')", "x | hash('sha1')", "x | password_hash('sha256', 'salt', rounds=1000)", "{x: 1}", "xd | dictsort | length", "x is changed", "xd is mapping", "xs is iterable",
	"xs | extract_x | default(2) if false else 1", "'k' | extract(xd)", "'known' | extract(xd)", "xs | difference([x])", "x | mandatory", "x | quote", "xd | xmlattr",
}

// candidates are what an unknown value may turn out to be.
var candidates = []any{int64(0), int64(1), int64(5), "", "abc", "1", true, false, nil, 2.5, value.NewList(), value.NewList(int64(1)), value.DictOf("a", int64(1)), value.NewDict()}

func lawVars(x any) MapVars {
	return MapVars{"x": x, "xs": value.NewList(x, int64(2)), "xd": value.DictOf("k", x, "known", int64(1))}
}

func evalIn(t *testing.T, src string, vars Vars) (any, error) {
	t.Helper()
	return evalString(vars, "{{ "+src+" }}")
}

// An unknown value gives a plain answer only where every value gives that one.
func TestLawUnknown(t *testing.T) {
	known := 0
	for _, src := range lawExpressions {
		got, err := evalIn(t, src, lawVars(value.Unknown{After: "task"}))
		if err != nil {
			// An error is right where every value gives one.
			for _, c := range candidates {
				if v, err2 := evalIn(t, src, lawVars(c)); err2 == nil {
					t.Errorf("%s: the error %v, but with %s it is %s", src, err, Repr(c), Repr(v))
				}
			}
			continue
		}
		if u, ok := firstUnknown(got); ok && u.After != "task" {
			t.Errorf("%s: the answer waits for %q", src, u.After)
		}
		if _, ok := got.(value.Unknown); !ok {
			known++
		}
		for _, c := range candidates {
			want, err := evalIn(t, src, lawVars(c))
			if err == nil && !agrees(got, want) {
				t.Errorf("%s: said %s, but with %s it is %s", src, Repr(got), Repr(c), Repr(want))
			}
		}
	}
	if known < 40 {
		t.Errorf("only %d of %d answers are known", known, len(lawExpressions))
	}
}

// agrees reports whether want is what got says, as far as got says anything.
func agrees(got, want any) bool {
	if _, ok := got.(value.Unknown); ok {
		return true
	}
	if g, ok := got.(*value.List); ok {
		w, ok := want.(*value.List)
		if !ok || len(g.Items) != len(w.Items) {
			return false
		}
		for i := range g.Items {
			if !agrees(g.Items[i], w.Items[i]) {
				return false
			}
		}
		return true
	}
	if g, ok := got.(*value.Dict); ok {
		w, ok := want.(*value.Dict)
		if !ok || g.Len() != w.Len() {
			return false
		}
		for k, e := range g.All() {
			f, ok := w.Get(k)
			if !ok || !agrees(e, f) {
				return false
			}
		}
		return true
	}
	return pyType(got) == pyType(want) && Equal(got, want)
}

func TestUnknownAnswers(t *testing.T) {
	u := value.Unknown{After: "task"}
	for src, want := range map[string]any{
		"false and x": false, "true or x": true, "x == 1 and false": false, "x is defined": true, "x is undefined": false,
		"xs | length": int64(2), "xd.known": int64(1), "'k' in xd": true, "xd.nope is defined": false, "1 if x else 1": int64(1),
		"[1, x] == [2, x]": false, "5 in [5, x]": true, "x.a is defined": u, "x == 1": u, "x ~ 'a'": u, "not x": u,
		"xs | map('string') | list | length": int64(2), "xs | join": u, "x | default(1)": u, "xs is contains(2)": true,
		"{'failed': x} is failed": u, "{'rc': x} is failed": false,
	} {
		got, err := evalIn(t, src, lawVars(u))
		if err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", src, got, err, want)
		}
	}
}

// A secret gives what its value gives; what holds that value is secret, and
// only comparisons, tests and lengths are plain.
func TestLawSecret(t *testing.T) {
	const text = "hunter2-abc"
	for _, src := range lawExpressions {
		want, wantErr := evalIn(t, src, lawVars(text))
		got, err := evalIn(t, src, lawVars(value.Secret{V: text}))
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: error %v with a secret, %v without", src, err, wantErr)
			continue
		}
		if err != nil {
			if strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error shows the secret: %v", src, err)
			}
			continue
		}
		in := newInterp(context.Background(), nil, nil, &tree{}, posZero)
		if !Equal(in.reveal(got), want) {
			t.Errorf("%s: %s with a secret, %s without", src, Repr(in.reveal(got)), Repr(want))
		}
		if strings.Contains(Str(got), text) {
			t.Errorf("%s: %s shows the secret", src, Str(got))
		}
		plain, isBool := want.(bool)
		if _, hidden := got.(value.Secret); hidden && isBool && strings.Contains(src, " is ") {
			t.Errorf("%s: the answer %v of a test is secret", src, plain)
		}
	}
}

func TestSecretMarks(t *testing.T) {
	s := value.Secret{V: "pass"}
	for src, secret := range map[string]bool{
		"x": true, "x ~ 'a'": true, "x | b64encode": true, "x == 'pass'": false, "x | length": false, "x is string": false,
		"x.upper()": true, "xs | join('-')": true, "'%s' % x": true, "x[0]": true, "xd | to_json": true, "x in ['pass']": false,
		"x is match('p')": false, "1 if x else 2": false, "x.startswith('p')": false,
	} {
		got, err := evalIn(t, src, lawVars(s))
		_, is := got.(value.Secret)
		if err != nil || is != secret {
			t.Errorf("%s: secret %v, %v; want %v", src, is, err, secret)
		}
	}
	if got, _ := evalString(lawVars(s), "a {{ x }} b"); got != (value.Secret{V: "a pass b"}) {
		t.Errorf("text with a secret in it is %#v", got)
	}
	if got, _ := evalString(lawVars(s), "{% for c in x %}{{ c }},{% endfor %}"); got != (value.Secret{V: "p,a,s,s,"}) {
		t.Errorf("a loop over a secret gives %#v", got)
	}
}

// Where an unknown value decides what a template does, the whole is unknown.
func TestUnknownStatements(t *testing.T) {
	u := value.Unknown{After: "task"}
	for src, want := range map[string]any{
		"{% if x %}a{% endif %}": u, "{% for i in x %}a{% endfor %}": u, "a{{ x }}b": u, "{% set y = x %}{{ y }}": u,
		"{% set y = x %}b": "b", "{% if x is defined %}a{% endif %}": "a", "{% if x and false %}a{% else %}b{% endif %}": "b",
		"{% macro m() %}{% if x %}a{% endif %}{% endmacro %}{{ m() }}": u, "{% for i in xs %}{{ loop.index }}{% endfor %}": "12",
	} {
		got, err := evalString(lawVars(u), src)
		if err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", src, got, err, want)
		}
	}
}

var posZero diag.Pos
