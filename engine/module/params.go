package module

import (
	"fmt"
	"sort"

	"rp/engine/state"
	"rp/engine/value"
)

// Params are a task's arguments after [Spec.Bind]: canonical names, the types
// that the Spec names, defaults filled in.
type Params struct {
	vals   map[string]any
	secret map[string]bool
	// Task is the task's name, for "known after".
	Task string
}

// NotKnown is what asking for an unknown argument by its plain accessor
// panics with. The engine catches it: such a task's outcome is unknown.
type NotKnown struct{ Arg, After string }

func (n NotKnown) Error() string { return fmt.Sprintf("argument %s is known after %q", n.Arg, n.After) }

// Has reports whether the argument was given or has a default.
func (p Params) Has(name string) bool { v, ok := p.vals[name]; return ok && v != nil }

// Known reports whether the argument was given and its value is known.
func (p Params) Known(name string) bool {
	_, unknown := p.vals[name].(value.Unknown)
	return p.Has(name) && !unknown
}

// Secret reports whether the argument's value must not be shown.
func (p Params) Secret(name string) bool { return p.secret[name] }

func (p Params) get(name string) any {
	v := p.vals[name]
	if u, ok := v.(value.Unknown); ok {
		panic(NotKnown{name, u.After})
	}
	return v
}

// String is a str or path argument; "" where it was not given.
func (p Params) String(name string) string { s, _ := p.get(name).(string); return s }

// Bool is a bool argument; false where it was not given.
func (p Params) Bool(name string) bool { b, _ := p.get(name).(bool); return b }

// Int is an int argument; 0 where it was not given.
func (p Params) Int(name string) int64 { n, _ := p.get(name).(int64); return n }

// Float is a float argument; 0 where it was not given.
func (p Params) Float(name string) float64 { f, _ := p.get(name).(float64); return f }

// Raw is any argument as it was given, secrets unwrapped.
func (p Params) Raw(name string) any { return p.get(name) }

// List is a list argument's items; nil where it was not given. An unknown item panics as an unknown argument does.
func (p Params) List(name string) []any {
	l, _ := p.get(name).(*value.List)
	if l == nil {
		return nil
	}
	settled(name, l)
	return l.Items
}

// settled panics with NotKnown where v is not known, or something in it.
func settled(name string, v any) {
	switch v := v.(type) {
	case value.Unknown:
		panic(NotKnown{name, v.After})
	case *value.List:
		for _, e := range v.Items {
			settled(name, e)
		}
	case value.Tuple:
		for _, e := range v {
			settled(name, e)
		}
	case *value.Dict:
		for _, e := range v.All() {
			settled(name, e)
		}
	}
}

// Strings is a list of strings.
func (p Params) Strings(name string) []string {
	items := p.List(name)
	ss := make([]string, 0, len(items))
	for _, v := range items {
		s, ok := v.(string)
		if !ok {
			s = fmt.Sprint(v)
		}
		ss = append(ss, s)
	}
	return ss
}

// Dict is a dict argument; nil where it was not given. An unknown value in it panics as an unknown argument does.
func (p Params) Dict(name string) *value.Dict {
	d, _ := p.get(name).(*value.Dict)
	if d != nil {
		settled(name, d)
	}
	return d
}

// Names are the names of all arguments that have a value, sorted.
func (p Params) Names() []string {
	var ns []string
	for n, v := range p.vals {
		if v != nil {
			ns = append(ns, n)
		}
	}
	sort.Strings(ns)
	return ns
}

// StringValue is a str argument as a state's field: not asked for where it was
// not given, unknown where it is not known yet, secret where it is secret.
func (p Params) StringValue(name string) state.Value[string] { return field[string](p, name) }

// BoolValue is a bool argument as a state's field.
func (p Params) BoolValue(name string) state.Value[bool] { return field[bool](p, name) }

// IntValue is an int argument as a state's field.
func (p Params) IntValue(name string) state.Value[int64] { return field[int64](p, name) }

func field[T any](p Params, name string) state.Value[T] {
	switch v := p.vals[name].(type) {
	case value.Unknown:
		return state.Unknown[T](v.After)
	case T:
		f := state.Is(v)
		if p.secret[name] {
			f = f.Secret()
		}
		return f
	}
	return state.Value[T]{}
}

// NewParams makes Params of values that already have their Spec's types; for
// tests and for what arrives on the target.
func NewParams(task string, vals map[string]any, secret map[string]bool) Params {
	return Params{vals: vals, secret: secret, Task: task}
}

// Values are the arguments by canonical name, for the wire. The caller must not change them.
func (p Params) Values() (vals map[string]any, secret map[string]bool) { return p.vals, p.secret }
