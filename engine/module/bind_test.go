package module

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rp/engine/value"
)

// spec has an argument of each type and a rule of each kind.
var spec = Spec{
	Name: "thing",
	Args: []Arg{
		{Name: "name", Aliases: []string{"title"}, Required: true},
		{Name: "state", Choices: []string{"present", "absent"}, Default: "present"},
		{Name: "force", Type: Bool},
		{Name: "count", Type: Int},
		{Name: "ratio", Type: Float},
		{Name: "path", Type: Path},
		{Name: "mode", Type: Mode},
		{Name: "size", Type: Bits},
		{Name: "any", Type: Raw},
		{Name: "names", Type: List},
		{Name: "numbers", Type: List, Elem: Int},
		{Name: "kinds", Type: List, Choices: []string{"a", "b"}},
		{Name: "things", Type: List, Elem: Dict},
		{Name: "env", Type: Dict},
		{Name: "password", Secret: true},
		{Name: "future", NotYet: true},
		{Name: "src"},
		{Name: "content"},
		{Name: "user"},
		{Name: "scope"},
	},
	Exclusive:  [][]string{{"src", "content"}},
	Together:   [][]string{{"user", "scope"}},
	RequiredIf: []RequiredIf{{Arg: "state", Value: "absent", Needs: []string{"path"}}, {Arg: "force", Value: "true", Needs: []string{"src", "content"}, Any: true}},
}

func dict(pairs ...any) *value.Dict { return value.DictOf(pairs...) }

var (
	template = value.Template{Source: "{{ x }}"}
	later    = value.Unknown{After: "make it"}
)

func TestBindTypes(t *testing.T) {
	for _, c := range []struct {
		arg  string
		v    any
		want any // nil: an error
	}{
		{"name", "x", "x"},
		{"name", int64(7), "7"},
		{"name", true, "True"},
		{"name", false, "False"},
		{"name", 1.5, "1.5"},
		{"name", value.NewList("x"), nil},
		{"name", dict("a", 1), nil},
		{"title", "x", "x"},
		{"path", "~/x", "~/x"},
		{"mode", "0644", "0644"},
		{"mode", int64(0o644), "0644"},
		{"mode", int64(0o4755), "4755"},
		{"mode", "u=rw,go=r", "u=rw,go=r"},
		{"size", "10M", "10M"},
		{"size", int64(10), "10"},
		{"force", true, true},
		{"force", "yes", true},
		{"force", "Off", false},
		{"force", " TRUE ", true},
		{"force", int64(1), true},
		{"force", 0.0, false},
		{"force", "maybe", nil},
		{"force", int64(2), nil},
		{"force", value.NewList(), nil},
		{"count", int64(3), int64(3)},
		{"count", "3", int64(3)},
		{"count", " -3 ", int64(-3)},
		{"count", 3.0, int64(3)},
		{"count", 3.5, nil},
		{"count", "three", nil},
		{"count", true, nil},
		{"ratio", "1.5", 1.5},
		{"ratio", int64(2), 2.0},
		{"ratio", "x", nil},
		{"any", dict("a", int64(1)), dict("a", int64(1))},
		{"any", value.NewList(int64(1)), value.NewList(int64(1))},
		{"names", "a, b,c", value.NewList("a", "b", "c")},
		{"names", "", &value.List{Items: []any{}}},
		{"names", int64(3), value.NewList("3")},
		{"names", value.Tuple{"a"}, value.NewList("a")},
		{"names", value.NewList("a", value.Omit{}, "b"), value.NewList("a", "b")},
		{"names", dict("a", 1), nil},
		{"names", value.NewList(value.NewList("a")), nil},
		{"numbers", "1,2", value.NewList(int64(1), int64(2))},
		{"numbers", value.NewList("1", "x"), nil},
		{"kinds", "a,b", value.NewList("a", "b")},
		{"kinds", "a,c", nil},
		{"kinds", value.NewList("a", template), nil},
		{"kinds", value.NewList("a", later), value.NewList("a", later)},
		{"things", dict("a", int64(1)), value.NewList(dict("a", int64(1)))},
		{"things", value.NewList("a=1"), value.NewList(dict("a", "1"))},
		{"env", dict("A", "1"), dict("A", "1")},
		{"env", "A=1, B=2", dict("A", "1", "B", "2")},
		{"env", "A", nil},
		{"env", int64(1), nil},
		{"env", dict("A", value.Omit{}, "B", "2"), dict("B", "2")},
		{"state", "absent", nil},
		{"state", "gone", nil},
		{"state", later, later},
		{"name", template, nil},
		{"name", later, later},
		{"name", value.Undefined{Name: "x"}, nil},
		{"names", value.NewList("a", later), value.NewList("a", later)},
	} {
		args := dict(c.arg, c.v)
		if c.arg != "name" && c.arg != "title" {
			args.Set("name", "n")
		}
		if c.arg == "force" {
			args.Set("src", "s")
		}
		p, problems := spec.Bind("task", args, false)
		if c.want == nil {
			if len(problems) == 0 {
				t.Errorf("%s: %v was taken as %#v", c.arg, c.v, p.vals[c.arg])
			}
			continue
		}
		name := spec.Arg(c.arg).Name
		if len(problems) > 0 || !reflect.DeepEqual(value.FromGo(p.vals[name]), c.want) {
			t.Errorf("%s: %v gives %#v, want %#v (%v)", c.arg, c.v, p.vals[name], c.want, problems)
		}
	}
}

func TestBindProblems(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   *value.Dict
		static bool
		want   string // messages, one a line; arg: message
	}{
		{"nothing", nil, false, `: module "thing" needs the argument "name"`},
		{
			"all of them at once", dict("nam", "x", "count", "x"), false,
			`nam: module "thing" has no argument "nam" (did you mean "name"?)` + "\n" +
				`count: argument "count" of module "thing": "x" is no whole number` + "\n" + `: module "thing" needs the argument "name"`,
		},
		{"twice", dict("name", "x", "title", "y"), false, `title: "name" and "title" are the same argument of module "thing"`},
		{"not yet", dict("name", "x", "future", 1), false, `future: argument "future" of module "thing" is not supported yet`},
		{"choice", dict("name", "x", "state", "gone"), false, `state: argument "state" of module "thing": "gone" is none of present, absent`},
		{"exclusive", dict("name", "x", "src", "a", "content", "b"), false, `: module "thing" takes only one of src, content`},
		{"exclusive, omitted", dict("name", "x", "src", "a", "content", value.Omit{}), false, ""},
		{"exclusive, given empty", dict("name", "x", "src", "a", "content", nil), false, ""},
		{"exclusive, one may be omitted", dict("name", "x", "src", template, "content", template), true, ""},
		{"together", dict("name", "x", "user", "a"), false, `: module "thing" takes user, scope together`},
		{"together, it may be omitted", dict("name", "x", "user", template), true, ""},
		{"required if", dict("name", "x", "state", "absent"), false, `: module "thing" with state=absent needs path`},
		{"required if, any", dict("name", "x", "force", "yes"), false, `: module "thing" with force=true needs src, content`},
		{"required if, given but wrong", dict("name", "x", "force", "yes", "src", value.NewList()), false, `src: argument "src" of module "thing": needs a string, got a list`},
		{"required if, unknown", dict("name", "x", "state", later), false, ""},
		{"required, as a template", dict("name", template), true, ""},
		{"required, omitted", dict("name", value.Omit{}), false, `: module "thing" needs the argument "name"`},
		{"template in a run", dict("name", template), false, `name: argument "name" of module "thing": the template "{{ x }}" was not rendered`},
		{"template in a list", dict("name", "x", "numbers", value.NewList(template, "y")), true, `numbers: argument "numbers" of module "thing": item 2: "y" is no whole number`},
		{"undefined", dict("name", value.Undefined{Name: "x"}), false, `name: argument "name" of module "thing": 'x' is undefined`},
		{"a secret is not quoted", dict("name", "x", "count", value.Secret{V: "hunter2"}), false, `count: argument "count" of module "thing": its secret value is no valid int`},
	} {
		_, problems := spec.Bind("task", c.args, c.static)
		var lines []string
		for _, p := range problems {
			l := p.Arg + ": " + p.Message
			if p.Hint != "" {
				l += " (" + p.Hint + ")"
			}
			lines = append(lines, l)
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestBindSecrets(t *testing.T) {
	for _, c := range []struct {
		arg    string
		v      any
		secret bool
		want   any
	}{
		{"name", value.Secret{V: "s"}, true, "s"},
		{"name", "s", false, "s"},
		{"password", "s", true, "s"},
		{"names", value.NewList("a", value.Secret{V: "s"}), true, value.NewList("a", "s")},
		{"env", dict("A", value.Secret{V: "s"}), true, dict("A", "s")},
		{"any", dict("A", value.NewList(value.Secret{V: value.Secret{V: "s"}})), true, dict("A", value.NewList("s"))},
	} {
		args := dict(c.arg, c.v)
		if c.arg != "name" {
			args.Set("name", "n")
		}
		p, problems := spec.Bind("task", args, false)
		if len(problems) > 0 || p.Secret(c.arg) != c.secret || !reflect.DeepEqual(p.Raw(c.arg), c.want) {
			t.Errorf("%s: secret %t, %#v (%v)", c.arg, p.Secret(c.arg), p.Raw(c.arg), problems)
		}
	}
}

func TestAnyArgs(t *testing.T) {
	s := Spec{Name: "set_fact", AnyArgs: true, Args: []Arg{{Name: "cacheable", Type: Bool}}}
	p, problems := s.Bind("t", dict("x", value.NewList(int64(1)), "cacheable", "yes"), false)
	if len(problems) > 0 || !p.Bool("cacheable") || fmt.Sprint(p.Names()) != "[cacheable x]" {
		t.Errorf("got %v, %v", p.Names(), problems)
	}
}

func TestDefaults(t *testing.T) {
	p, _ := spec.Bind("t", dict("name", "x"), false)
	if p.String("state") != "present" || p.Has("count") || !p.Has("state") || p.Known("count") {
		t.Errorf("state %q, count given: %t", p.String("state"), p.Has("count"))
	}
}
