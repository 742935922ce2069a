package jinja

import (
	"math/big"

	"rp/engine/value"
)

// marks are what a value holds somewhere inside.
type marks uint8

const (
	hasTemplate marks = 1 << iota
	hasPending
	hasUnknown
	hasSecret
	hasUndefined
	hasScoped // an object whose templates have their own variables
	hasOther  // tuples and objects: not what a variable holds
)

// maxWalk bounds how deep a value nests.
const maxWalk = 1000

// scan walks v and says what it holds.
func (in *interp) scan(v any) (marks, error) {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return 0, nil
	}
	return in.walk(v, 0)
}

func (in *interp) walk(v any, depth int) (marks, error) {
	if depth > maxWalk {
		return 0, limitErr("the value nests too deep")
	}
	switch t := v.(type) {
	case nil, bool, int64, float64, string, *big.Int:
		return 0, nil
	case value.Template:
		return hasTemplate, nil
	case *value.Pending:
		return hasPending, nil
	case value.Unknown:
		return hasUnknown, nil
	case value.Undefined:
		return hasUndefined, nil
	case value.Secret:
		m, err := in.walk(t.V, depth+1)
		return m | hasSecret, err
	case *value.List:
		return in.walkItems(t.Items, depth)
	case value.Tuple:
		m, err := in.walkItems(t, depth)
		return m | hasOther, err
	case *value.Dict:
		return in.walkDict(t, depth)
	case Scoped:
		return hasScoped | hasOther, nil
	}
	return hasOther, nil
}

func (in *interp) walkItems(items []any, depth int) (marks, error) {
	if err := in.steps(1 + len(items)); err != nil {
		return 0, err
	}
	var m marks
	for _, e := range items {
		switch e.(type) {
		case nil, bool, int64, float64, string:
			continue
		}
		n, err := in.walk(e, depth+1)
		if err != nil {
			return 0, err
		}
		m |= n
	}
	return m, nil
}

func (in *interp) walkDict(d *value.Dict, depth int) (marks, error) {
	if err := in.steps(1 + d.Len()); err != nil {
		return 0, err
	}
	var m marks
	for k, e := range d.All() {
		switch k.(type) {
		case string, bool, int64, nil:
		default:
			n, err := in.walk(k, depth+1)
			if err != nil {
				return 0, err
			}
			m |= n
		}
		n, err := in.walk(e, depth+1)
		if err != nil {
			return 0, err
		}
		m |= n
	}
	return m, nil
}

// reveal is v with every secret in it replaced by what it holds.
func (in *interp) reveal(v any) any {
	w, err := in.deepCopy(v, func(e any) (any, error) { return bare(e), nil })
	if err != nil {
		return v
	}
	return w
}

// firstUnknown is the first unknown value in v.
func firstUnknown(v any) (u value.Unknown, found bool) {
	switch t := v.(type) {
	case value.Unknown:
		return t, true
	case value.Secret:
		return firstUnknown(t.V)
	case *value.List:
		return firstUnknownOf(t.Items)
	case value.Tuple:
		return firstUnknownOf(t)
	case *value.Dict:
		for k, e := range t.All() {
			if u, found = firstUnknown(k); found {
				return u, true
			}
			if u, found = firstUnknown(e); found {
				return u, true
			}
		}
	}
	return u, false
}

func firstUnknownOf(items []any) (value.Unknown, bool) {
	for _, e := range items {
		if u, ok := firstUnknown(e); ok {
			return u, true
		}
	}
	return value.Unknown{}, false
}

// firstUndefined is the first undefined value in v.
func firstUndefined(v any) (u value.Undefined, found bool) {
	switch t := v.(type) {
	case value.Undefined:
		return t, true
	case value.Secret:
		return firstUndefined(t.V)
	case *value.List:
		return firstUndefinedOf(t.Items)
	case value.Tuple:
		return firstUndefinedOf(t)
	case *value.Dict:
		for _, e := range t.All() {
			if u, found = firstUndefined(e); found {
				return u, true
			}
		}
	}
	return u, false
}

func firstUndefinedOf(items []any) (value.Undefined, bool) {
	for _, e := range items {
		if u, ok := firstUndefined(e); ok {
			return u, true
		}
	}
	return value.Undefined{}, false
}

// plain makes v a value without any mark: rendered, and with secrets taken
// out of their wrapping. An unknown value in it is given back as unknown; an
// undefined one is an error.
func (in *interp) plain(v any) (p any, secret bool, unknown *value.Unknown, err error) {
	if p, err = in.deep(v); err != nil {
		return nil, false, nil, err
	}
	m, err := in.scan(p)
	if err != nil || m&(hasUnknown|hasSecret|hasUndefined) == 0 {
		return p, false, nil, err
	}
	if u, ok := firstUndefined(p); ok {
		return nil, false, nil, undefErr{u}
	}
	if u, ok := firstUnknown(p); ok {
		return nil, false, &u, nil
	}
	return in.reveal(p), true, nil, nil
}
