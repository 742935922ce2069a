package jinja

import (
	"strings"

	"rp/engine/value"
)

func (n *compareExpr) eval(in *interp) (any, error) {
	l, err := n.first.eval(in)
	if err != nil {
		return nil, err
	}
	out := True
	for i, op := range n.ops {
		r, err := n.rest[i].eval(in)
		if err != nil {
			return nil, err
		}
		t, err := in.compare(op, l, r)
		if err != nil {
			return nil, in.errorAt(n.p, err)
		}
		if out = out.And(t); out.IsFalse() {
			return false, nil
		}
		l = r
	}
	return out.value(), nil
}

// compare is l op r. Comparing a secret gives a plain answer.
func (in *interp) compare(op string, l, r any) (Truth, error) {
	if err := in.step(); err != nil {
		return False, err
	}
	for _, v := range []any{l, r} {
		if u, ok := v.(value.Undefined); ok {
			return False, undefErr{u}
		}
	}
	var err error
	if l, err = in.deep(l); err != nil {
		return False, err
	}
	if !strings.HasSuffix(op, "in") || !isScoped(r) {
		if r, err = in.deep(r); err != nil {
			return False, err
		}
	}
	switch op {
	case "==":
		return equal(l, r), nil
	case "!=":
		return equal(l, r).Not(), nil
	case "in":
		return in.contains(r, l)
	case "not in":
		t, err := in.contains(r, l)
		return t.Not(), err
	}
	for _, v := range []any{l, r} {
		if u, ok := firstUnknown(v); ok {
			return unknownTruth(u), nil
		}
	}
	c, err := Compare(op, in.reveal(l), in.reveal(r))
	if err != nil || c == 2 {
		return False, err
	}
	return truthOf(map[string]bool{"<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]), nil
}

func isScoped(v any) bool {
	_, ok := v.(Scoped)
	return ok
}

// contains is "item in box".
func (in *interp) contains(box, item any) (Truth, error) {
	box = bare(box)
	switch b := box.(type) {
	case value.Unknown:
		return unknownTruth(b), nil
	case string:
		item := bare(item)
		if u, ok := item.(value.Unknown); ok {
			return unknownTruth(u), nil
		}
		s, ok := item.(string)
		if !ok {
			return False, typef("'in <string>' requires string as left operand, not %s", TypeName(item))
		}
		return truthOf(strings.Contains(b, s)), nil
	case *value.List:
		return containsItem(b.Items, item), nil
	case value.Tuple:
		return containsItem(b, item), nil
	case value.Object:
		return containsKey(b, item)
	}
	return False, typef("argument of type '%s' is not iterable", TypeName(box))
}

func containsItem(items []any, item any) Truth {
	out := False
	for _, e := range items {
		if out = out.Or(equal(e, item)); out.IsTrue() {
			return True
		}
	}
	return out
}

func containsKey(o value.Object, key any) (Truth, error) {
	key = bare(key)
	if u, ok := key.(value.Unknown); ok {
		return unknownTruth(u), nil
	}
	if !value.Hashable(key) {
		return False, typef("unhashable type: '%s'", TypeName(key))
	}
	_, ok := o.Get(key)
	return truthOf(ok), nil
}
