package jinja

import (
	"strings"

	"rp/engine/value"
)

func (n *constExpr) eval(*interp) (any, error) { return n.v, nil }

func (n *nameExpr) eval(in *interp) (any, error) {
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	v, err := in.lookup(n.name)
	return v, in.errorAt(n.p, err)
}

func (in *interp) evalAll(xs []expr) ([]any, error) {
	out := make([]any, len(xs))
	for i, x := range xs {
		v, err := x.eval(in)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (n *tupleExpr) eval(in *interp) (any, error) {
	items, err := in.evalAll(n.items)
	return value.Tuple(items), err
}

func (n *listExpr) eval(in *interp) (any, error) {
	items, err := in.evalAll(n.items)
	return &value.List{Items: items}, err
}

func (n *dictExpr) eval(in *interp) (any, error) {
	out := value.NewDict()
	for i, kx := range n.keys {
		k, err := kx.eval(in)
		if err != nil {
			return nil, err
		}
		switch u := k.(type) {
		case value.Undefined:
			return nil, in.errorAt(kx.place(), undefErr{u})
		case value.Unknown:
			return u, nil
		}
		if !value.Hashable(k) {
			return nil, in.errorAt(kx.place(), typef("unhashable type: '%s'", TypeName(k)))
		}
		v, err := n.vals[i].eval(in)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

func (n *condExpr) eval(in *interp) (any, error) {
	t, err := in.truth(n.test)
	if err != nil {
		return nil, err
	}
	switch {
	case t.IsTrue():
		return n.then.eval(in)
	case t.IsFalse() && n.other == nil:
		return value.Undefined{Hint: "the inline if-expression on line " + Str(int64(n.p.line)) +
			" evaluated to false and no else section was defined."}, nil
	case t.IsFalse():
		return n.other.eval(in)
	}
	return in.either(n, t)
}

// either is what both branches agree on, or unknown.
func (in *interp) either(n *condExpr, t Truth) (any, error) {
	if n.other == nil {
		return t.value(), nil
	}
	a, errA := n.then.eval(in)
	b, errB := n.other.eval(in)
	if errA != nil && errB != nil {
		return nil, errA
	}
	if errA == nil && errB == nil && TypeName(a) == TypeName(b) && equal(a, b).IsTrue() {
		return a, nil
	}
	return t.value(), nil
}

func (n *andExpr) eval(in *interp) (any, error) {
	l, err := n.l.eval(in)
	if err != nil {
		return nil, err
	}
	t, err := in.truthy(l)
	if err != nil {
		return nil, in.errorAt(n.l.place(), err)
	}
	switch {
	case t.IsTrue():
		return n.r.eval(in)
	case t.IsFalse():
		return l, nil
	}
	return in.undecided(n.l, n.r, t, False)
}

func (n *orExpr) eval(in *interp) (any, error) {
	l, err := n.l.eval(in)
	if err != nil {
		return nil, err
	}
	t, err := in.truthy(l)
	if err != nil {
		return nil, in.errorAt(n.l.place(), err)
	}
	switch {
	case t.IsTrue():
		return l, nil
	case t.IsFalse():
		return n.r.eval(in)
	}
	return in.undecided(n.l, n.r, t, True)
}

// undecided is l and r, or l or r, where l is unknown: it is known where l can
// only be a bool and r is the value that decides.
func (in *interp) undecided(l, r expr, t, decides Truth) (any, error) {
	if !isBool(l) {
		return t.value(), nil
	}
	v, err := r.eval(in)
	if err != nil {
		// What l guards may fail exactly where l is false.
		return t.value(), nil //nolint:nilerr // see above
	}
	if b, ok := v.(bool); ok && truthOf(b) == decides {
		return b, nil
	}
	return t.value(), nil
}

// isBool reports whether x can only be a bool.
func isBool(x expr) bool {
	switch x := x.(type) {
	case *compareExpr, *testExpr, *notExpr:
		return true
	case *andExpr:
		return isBool(x.l) && isBool(x.r)
	case *orExpr:
		return isBool(x.l) && isBool(x.r)
	}
	return false
}

func (n *notExpr) eval(in *interp) (any, error) {
	t, err := in.truth(n.x)
	if err != nil {
		return nil, err
	}
	return t.Not().value(), nil
}

// truth is x as a condition.
func (in *interp) truth(x expr) (Truth, error) {
	switch n := x.(type) {
	case *notExpr:
		t, err := in.truth(n.x)
		return t.Not(), err
	case *andExpr:
		return in.truthPair(n.l, n.r, False, Truth.And)
	case *orExpr:
		return in.truthPair(n.l, n.r, True, Truth.Or)
	}
	v, err := x.eval(in)
	if err != nil {
		return False, err
	}
	t, err := in.truthy(v)
	return t, in.errorAt(x.place(), err)
}

func (in *interp) truthPair(l, r expr, decides Truth, join func(Truth, Truth) Truth) (Truth, error) {
	a, err := in.truth(l)
	if err != nil || a == decides {
		return a, err
	}
	b, err := in.truth(r)
	if err != nil && a.IsUnknown() {
		// What l guards may fail exactly where l is false.
		return a, nil //nolint:nilerr // see above
	}
	return join(a, b), err
}

func (n *concatExpr) eval(in *interp) (any, error) {
	var b strings.Builder
	secret := false
	var unknown *value.Unknown
	for _, x := range n.items {
		v, err := x.eval(in)
		if err != nil {
			return nil, err
		}
		p, s, u, err := in.plain(v)
		if err != nil {
			return nil, in.errorAt(x.place(), err)
		}
		secret = secret || s
		if u != nil && unknown == nil {
			unknown = u
		}
		writeStr(&b, p)
		if err := in.fits(b.Len()); err != nil {
			return nil, in.errorAt(x.place(), err)
		}
	}
	switch {
	case unknown != nil:
		return *unknown, nil
	case secret:
		return value.Secret{V: b.String()}, nil
	}
	return b.String(), nil
}

func (n *unaryExpr) eval(in *interp) (any, error) {
	v, err := n.x.eval(in)
	if err != nil {
		return nil, err
	}
	r, err := in.lift(func(a []any) (any, error) { return negate(n.op, a[0]) }, v)
	return r, in.errorAt(n.p, err)
}

func (n *binExpr) eval(in *interp) (any, error) {
	l, err := n.l.eval(in)
	if err != nil {
		return nil, err
	}
	r, err := n.r.eval(in)
	if err != nil {
		return nil, err
	}
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	if s, ok := bare(l).(string); ok && n.op == "%" && s != "" {
		v, err := in.liftDeep(func(a []any) (any, error) { return in.arith("%", a[0], a[1]) }, l, r)
		return v, in.errorAt(n.p, err)
	}
	v, err := in.lift(func(a []any) (any, error) { return in.arith(n.op, a[0], a[1]) }, l, r)
	return v, in.errorAt(n.p, err)
}

// lift calls f on args without their marks and marks its result: an undefined
// argument is an error, an unknown one makes the result unknown, a secret one
// makes it secret. What lists and dicts hold is left as it is.
func (in *interp) lift(f func([]any) (any, error), args ...any) (any, error) {
	secret := false
	for i, a := range args {
		switch t := a.(type) {
		case value.Undefined:
			return nil, undefErr{t}
		case value.Secret:
			secret = true
			args[i] = t.V
		}
	}
	for _, a := range args {
		if u, ok := a.(value.Unknown); ok {
			return u, nil
		}
	}
	v, err := f(args)
	if err != nil || !secret {
		return v, err
	}
	return seal(v), nil
}

// liftDeep is lift for what looks into lists and dicts.
func (in *interp) liftDeep(f func([]any) (any, error), args ...any) (any, error) {
	secret := false
	var unknown *value.Unknown
	for i, a := range args {
		p, s, u, err := in.plain(a)
		if err != nil {
			return nil, err
		}
		args[i] = p
		secret = secret || s
		if unknown == nil {
			unknown = u
		}
	}
	if unknown != nil {
		return *unknown, nil
	}
	v, err := f(args)
	if err != nil && secret {
		return nil, hidden("formatting", err)
	}
	if err != nil || !secret {
		return v, err
	}
	return seal(v), nil
}
