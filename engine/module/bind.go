package module

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
)

// Problem is one thing wrong with a task's arguments. Arg is the key as it was
// written, or "" when it concerns the task as a whole.
type Problem struct {
	Arg, Message, Hint string
}

// Bind checks args against the Spec and gives them their types, canonical names
// and defaults. With static set, args are as they stand in the playbook: a
// [value.Template] is taken for any value, and nothing is missing that one
// could supply. All problems are given at once.
func (s *Spec) Bind(task string, args *value.Dict, static bool) (Params, []Problem) {
	b := binder{spec: s, static: static, p: Params{vals: map[string]any{}, secret: map[string]bool{}, Task: task}, from: map[string]string{}}
	if args != nil {
		for k, v := range args.All() {
			b.arg(fmt.Sprint(k), v)
		}
	}
	b.rules()
	return b.p, b.problems
}

// Arg is the argument that goes by name, or nil.
func (s *Spec) Arg(name string) *Arg {
	for i := range s.Args {
		if a := &s.Args[i]; a.Name == name || slices.Contains(a.Aliases, name) {
			return a
		}
	}
	return nil
}

type binder struct {
	spec     *Spec
	static   bool
	p        Params
	from     map[string]string // canonical name → name as written
	problems []Problem
}

func (b *binder) fail(arg, hint, format string, args ...any) {
	b.problems = append(b.problems, Problem{arg, fmt.Sprintf(format, args...), hint})
}

func (b *binder) arg(name string, v any) {
	a := b.spec.Arg(name)
	if a == nil {
		if b.spec.AnyArgs {
			b.p.vals[name] = v
			return
		}
		hint := ""
		if near := diag.Suggest(name, b.spec.argNames()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		b.fail(name, hint, "module %q has no argument %q", b.spec.Name, name)
		return
	}
	if a.NotYet {
		b.fail(name, "", "argument %q of module %q is not supported yet", name, b.spec.Name)
		return
	}
	if prev, twice := b.from[a.Name]; twice {
		b.fail(name, "", "%q and %q are the same argument of module %q", prev, name, b.spec.Name)
		return
	}
	if _, ok := v.(value.Omit); ok {
		return
	}
	b.from[a.Name] = name
	v, secret := reveal(v)
	if secret || a.Secret {
		b.p.secret[a.Name] = true
	}
	if v == nil { // "arg:" with nothing after it is as if it were not given
		delete(b.from, a.Name)
		return
	}
	got, err := b.convert(a.Type, a.Elem, v)
	if err == nil {
		err = b.choice(a, got)
	}
	if err != nil {
		if b.p.secret[a.Name] { // the error quotes the value
			err = fmt.Errorf("its secret value is no valid %s", a.Type)
		}
		b.fail(name, "", "argument %q of module %q: %v", name, b.spec.Name, err)
		return
	}
	b.p.vals[a.Name] = got
}

// reveal is v without the marks of secrets, however deep, and whether there were any. Entries
// of lists and mappings that are omitted are left out.
func reveal(v any) (plain any, secret bool) {
	switch v := v.(type) {
	case value.Secret:
		plain, _ = reveal(v.V)
		return plain, true
	case *value.List:
		l := &value.List{Items: make([]any, 0, len(v.Items))}
		for _, e := range v.Items {
			secret = revealInto(e, l.Append) || secret
		}
		return l, secret
	case value.Tuple:
		t := make(value.Tuple, 0, len(v))
		for _, e := range v {
			secret = revealInto(e, func(e any) { t = append(t, e) }) || secret
		}
		return t, secret
	case *value.Dict:
		d := value.NewDict()
		for k, e := range v.All() {
			secret = revealInto(e, func(e any) { d.Set(k, e) }) || secret
		}
		return d, secret
	}
	return v, false
}

func revealInto(e any, keep func(any)) bool {
	if _, omitted := e.(value.Omit); omitted {
		return false
	}
	e, secret := reveal(e)
	keep(e)
	return secret
}

func (b *binder) choice(a *Arg, v any) error {
	if len(a.Choices) == 0 {
		return nil
	}
	var got []any
	if unsettled(v) {
		return nil
	}
	switch v := v.(type) {
	case *value.List:
		got = v.Items
	default:
		got = []any{v}
	}
	for _, g := range got {
		if unsettled(g) {
			continue
		}
		if s := plain(g); !slices.Contains(a.Choices, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(a.Choices, ", "))
		}
	}
	return nil
}

func (s *Spec) argNames() []string {
	var ns []string
	for _, a := range s.Args {
		ns = append(append(ns, a.Name), a.Aliases...)
	}
	return ns
}

// unsettled reports whether v's value is not known yet; it may turn out to be omitted.
func unsettled(v any) bool {
	switch v.(type) {
	case value.Template, value.Unknown:
		return true
	}
	return false
}

func (b *binder) has(name string) bool { _, ok := b.p.vals[name]; return ok }

func (b *binder) rules() {
	for _, a := range b.spec.Args {
		if a.Required && !b.has(a.Name) && !b.failedOn(a.Name) {
			b.fail("", "", "module %q needs the argument %q", b.spec.Name, a.Name)
		}
	}
	count := func(names []string) (n int) {
		for _, name := range names {
			if b.has(name) || b.failedOn(name) { // a wrong one is told of already
				n++
			}
		}
		return n
	}
	sure := func(names []string) (n int) {
		for _, name := range names {
			if b.has(name) && !unsettled(b.p.vals[name]) {
				n++
			}
		}
		return n
	}
	for _, set := range b.spec.Exclusive {
		if sure(set) > 1 {
			b.fail("", "", "module %q takes only one of %s", b.spec.Name, strings.Join(set, ", "))
		}
	}
	for _, set := range b.spec.OneOf {
		if count(set) == 0 {
			b.fail("", "", "module %q needs one of %s", b.spec.Name, strings.Join(set, ", "))
		}
	}
	for _, set := range b.spec.Together {
		if sure(set) > 0 && count(set) < len(set) {
			b.fail("", "", "module %q takes %s together", b.spec.Name, strings.Join(set, ", "))
		}
	}
	for _, a := range b.spec.Args {
		if a.Default != nil && !b.has(a.Name) {
			b.p.vals[a.Name] = a.Default
		}
	}
	for _, r := range b.spec.RequiredIf {
		v, ok := b.p.vals[r.Arg]
		if !ok || plain(v) != r.Value {
			continue
		}
		if n := count(r.Needs); n < len(r.Needs) && (!r.Any || n == 0) {
			b.fail("", "", "module %q with %s=%s needs %s", b.spec.Name, r.Arg, r.Value, strings.Join(r.Needs, ", "))
		}
	}
}

func (b *binder) failedOn(canonical string) bool {
	_, written := b.from[canonical]
	return written
}

func (b *binder) convert(t, elem Type, v any) (any, error) {
	switch x := v.(type) {
	case value.Template:
		if b.static {
			return x, nil
		}
		return nil, fmt.Errorf("the template %q was not rendered", x.Source)
	case value.Unknown:
		return x, nil
	case value.Secret:
		return b.convert(t, elem, x.V)
	case value.Undefined:
		return nil, fmt.Errorf("%s", x.Message())
	}
	switch t {
	case String, Path, Mode, Bits:
		return toString(t, v)
	case Bool:
		return toBool(v)
	case Int:
		return toInt(v)
	case Float:
		return toFloat(v)
	case List:
		return b.toList(elem, v)
	case Dict:
		return toDict(v)
	}
	return v, nil
}

func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return fmt.Sprint(v)
}

func toString(t Type, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		if t == Mode { // YAML 1.1 read 0644 as octal: give it back as it was meant
			return fmt.Sprintf("%04o", v), nil
		}
		return strconv.FormatInt(v, 10), nil
	case bool:
		if v { // as Python writes them, which is what Ansible's str gives
			return "True", nil
		}
		return "False", nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return nil, fmt.Errorf("needs a string, got %s", kindOf(v))
}

func toBool(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case int64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case float64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "yes", "on", "1", "true", "t", "y", "1.0":
			return true, nil
		case "no", "off", "0", "false", "f", "n", "0.0":
			return false, nil
		}
		return nil, fmt.Errorf("%q is no boolean (true or false)", v)
	}
	return nil, fmt.Errorf("needs a boolean, got %s", kindOf(v))
}

func toInt(v any) (any, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return n, nil
		}
		return nil, fmt.Errorf("%q is no whole number", v)
	}
	return nil, fmt.Errorf("needs a whole number, got %s", kindOf(v))
}

func toFloat(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f, nil
		}
		return nil, fmt.Errorf("%q is no number", v)
	}
	return nil, fmt.Errorf("needs a number, got %s", kindOf(v))
}

func (b *binder) toList(elem Type, v any) (any, error) {
	var items []any
	switch v := v.(type) {
	case *value.List:
		items = v.Items
	case value.Tuple:
		items = v
	case string: // Ansible splits a string at commas where it wants a list
		for _, s := range strings.Split(v, ",") {
			items = append(items, strings.TrimSpace(s))
		}
		if v == "" {
			items = nil
		}
	case int64, float64, bool:
		items = []any{v}
	default:
		if elem != Raw && elem != Dict {
			return nil, fmt.Errorf("needs a list, got %s", kindOf(v))
		}
		items = []any{v}
	}
	out := &value.List{Items: make([]any, 0, len(items))}
	for i, item := range items {
		if _, omit := item.(value.Omit); omit {
			continue
		}
		c, err := b.convert(elem, Raw, item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		out.Append(c)
	}
	return out, nil
}

func toDict(v any) (any, error) {
	switch v := v.(type) {
	case *value.Dict:
		return v, nil
	case string: // k=v, k=v
		d := value.NewDict()
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
			k, val, ok := strings.Cut(part, "=")
			if !ok {
				return nil, fmt.Errorf("%q is no mapping", v)
			}
			d.Set(k, val)
		}
		return d, nil
	}
	return nil, fmt.Errorf("needs a mapping, got %s", kindOf(v))
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	case string:
		return "a string"
	case *value.List, value.Tuple:
		return "a list"
	case *value.Dict, value.Object:
		return "a mapping"
	}
	return fmt.Sprintf("%T", v)
}
