package jinja

import (
	"strings"

	"rp/engine/value"
)

// Truth is the answer of a condition.
type Truth struct {
	// State is -1 for false, 1 for true, 0 for unknown.
	State int8
	// After is the task that an unknown answer waits for.
	After string
}

// The two known answers.
var (
	True  = Truth{State: 1}
	False = Truth{State: -1}
)

// IsTrue reports whether t is known and true.
func (t Truth) IsTrue() bool { return t.State > 0 }

// IsFalse reports whether t is known and false.
func (t Truth) IsFalse() bool { return t.State < 0 }

// IsUnknown reports whether t is not known yet.
func (t Truth) IsUnknown() bool { return t.State == 0 }

// Not is the opposite of t.
func (t Truth) Not() Truth { return Truth{-t.State, t.After} }

// And is false where either is, unknown where either is and none is false.
func (t Truth) And(u Truth) Truth {
	switch {
	case t.IsFalse() || u.IsFalse():
		return False
	case t.IsUnknown():
		return t
	}
	return u
}

// Or is true where either is, unknown where either is and none is true.
func (t Truth) Or(u Truth) Truth {
	switch {
	case t.IsTrue() || u.IsTrue():
		return True
	case t.IsUnknown():
		return t
	}
	return u
}

// value is t as a value: a bool or an Unknown.
func (t Truth) value() any {
	if t.IsUnknown() {
		return value.Unknown{After: t.After}
	}
	return t.IsTrue()
}

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

func unknownTruth(u value.Unknown) Truth { return Truth{After: u.After} }

// Equal reports whether a and b are equal as Python has it: 1, 1.0 and True
// are, a list and a tuple are not. Secrets are compared by what they hold.
// Where an unknown value decides, it is false.
func Equal(a, b any) bool { return equal(a, b).IsTrue() }

func equal(a, b any) Truth {
	if s, ok := a.(value.Secret); ok {
		return equal(s.V, b)
	}
	if s, ok := b.(value.Secret); ok {
		return equal(a, s.V)
	}
	if u, ok := a.(value.Unknown); ok {
		return unknownTruth(u)
	}
	if u, ok := b.(value.Unknown); ok {
		return unknownTruth(u)
	}
	if n, ok := toNum(a); ok {
		m, ok := toNum(b)
		if !ok {
			return False
		}
		c, nan := n.compare(m)
		return truthOf(c == 0 && !nan)
	}
	switch a := a.(type) {
	case nil:
		return truthOf(b == nil)
	case string:
		b, ok := b.(string)
		return truthOf(ok && a == b)
	case *value.List:
		if b, ok := b.(*value.List); ok {
			return equalItems(a.Items, b.Items)
		}
		return False
	case value.Tuple:
		if b, ok := b.(value.Tuple); ok {
			return equalItems(a, b)
		}
		return False
	case *value.Dict, value.Object:
		return equalDicts(a, b)
	}
	return truthOf(equalOther(a, b))
}

func equalItems(a, b []any) Truth {
	if len(a) != len(b) {
		return False
	}
	out := True
	for i := range a {
		if out = out.And(equal(a[i], b[i])); out.IsFalse() {
			return False
		}
	}
	return out
}

func equalDicts(a, b any) Truth {
	x, _ := asMapping(a)
	y, ok := asMapping(b)
	if !ok || len(x.Keys()) != len(y.Keys()) {
		return False
	}
	out := True
	for _, k := range x.Keys() {
		e, _ := x.Get(k)
		f, ok := y.Get(k)
		if !ok {
			return False
		}
		if out = out.And(equal(e, f)); out.IsFalse() {
			return False
		}
	}
	return out
}

// equalOther compares the package's own kinds, whose Go types are comparable.
func equalOther(a, b any) bool {
	switch a := a.(type) {
	case Datetime:
		b, ok := b.(Datetime)
		return ok && a.Time.Equal(b.Time)
	case Timedelta, value.Omit, value.Undefined, value.Template:
		return a == b
	case *namespace, *loopState, *macro, *cycler, *joiner, *module, *value.Pending:
		return a == b
	}
	return false
}

// asMapping is v as something with keys: a dict or an object.
func asMapping(v any) (value.Object, bool) {
	o, ok := v.(value.Object)
	return o, ok
}

// Compare orders a and b as Python's < does: -1, 0 or 1. Values of types that
// Python does not order are an error; op ("<" …) stands in its message.
func Compare(op string, a, b any) (int, error) {
	a, b = bare(a), bare(b)
	if n, ok := toNum(a); ok {
		if m, ok := toNum(b); ok {
			c, nan := n.compare(m)
			if nan {
				return 2, nil
			}
			return c, nil
		}
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case *value.List:
		if y, ok := b.(*value.List); ok {
			return compareItems(op, x.Items, y.Items)
		}
	case value.Tuple:
		if y, ok := b.(value.Tuple); ok {
			return compareItems(op, x, y)
		}
	case Datetime:
		if y, ok := b.(Datetime); ok {
			return x.Time.Compare(y.Time), nil
		}
	case Timedelta:
		if y, ok := b.(Timedelta); ok {
			return int(min(max(x-y, -1), 1)), nil
		}
	}
	return 0, typef("'%s' not supported between instances of '%s' and '%s'", op, TypeName(a), TypeName(b))
}

func compareItems(op string, a, b []any) (int, error) {
	for i := range min(len(a), len(b)) {
		if !Equal(a[i], b[i]) {
			return Compare(op, a[i], b[i])
		}
	}
	return len(a) - len(b), nil
}

// bare is what a secret holds, or v itself.
func bare(v any) any {
	if s, ok := v.(value.Secret); ok {
		return s.V
	}
	return v
}
