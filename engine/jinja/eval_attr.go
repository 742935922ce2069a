package jinja

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"rp/engine/value"
)

// attributed is what the package's own kinds of value with attributes have.
type attributed interface {
	attr(name string) (any, bool)
}

func (n *attrExpr) eval(in *interp) (any, error) {
	x, err := n.x.eval(in)
	if err != nil {
		return nil, err
	}
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	v, err := in.attr(x, n.name)
	return v, in.errorAt(n.p, err)
}

// attr is x.name: an attribute or method first, an entry of a dict after it.
func (in *interp) attr(x any, name string) (any, error) {
	switch t := x.(type) {
	case value.Undefined, value.Unknown:
		return x, nil
	case value.Secret:
		v, err := in.attr(t.V, name)
		if m, ok := v.(*method); ok {
			return &method{m.b, t}, err
		}
		return seal(v), err
	case attributed:
		if v, ok := t.attr(name); ok {
			return v, nil
		}
		return noAttr(x, name), nil
	}
	if b := methodOf(x, name); b != nil {
		return &method{b, x}, nil
	}
	if t, ok := x.(value.Tuple); ok && len(t) == 2 {
		// The pairs of groupby may be read by name.
		switch name {
		case "grouper":
			return t[0], nil
		case "list":
			return t[1], nil
		}
	}
	if o, ok := x.(value.Object); ok {
		if v, ok := o.Get(name); ok {
			return in.entry(o, v)
		}
	}
	return noAttr(x, name), nil
}

// entry is the value v that o holds, rendered.
func (in *interp) entry(o value.Object, v any) (any, error) {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	}
	if s, ok := o.(Scoped); ok {
		return in.scopedValue(s, v)
	}
	return in.force(v)
}

func noAttr(x any, name string) value.Undefined {
	return value.Undefined{Name: name, Hint: pyQuote(objectRepr(x)) + " has no attribute " + pyQuote(name)}
}

func (n *itemExpr) eval(in *interp) (any, error) {
	x, err := n.x.eval(in)
	if err != nil {
		return nil, err
	}
	key, err := n.key.eval(in)
	if err != nil {
		return nil, err
	}
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	v, err := in.item(x, key)
	return v, in.errorAt(n.p, err)
}

// item is x[key]: an entry first, an attribute after it.
func (in *interp) item(x, key any) (any, error) {
	switch t := x.(type) {
	case value.Undefined, value.Unknown:
		return x, nil
	case value.Secret:
		v, err := in.item(t.V, key)
		return seal(v), err
	}
	switch k := key.(type) {
	case value.Undefined:
		return nil, undefErr{k}
	case value.Unknown:
		return k, nil
	case value.Secret:
		return in.item(x, k.V)
	}
	switch t := x.(type) {
	case *value.List:
		if v, ok := at2(t.Items, key); ok {
			return in.force(v)
		}
	case value.Tuple:
		if v, ok := at2(t, key); ok {
			return in.force(v)
		}
	case string:
		if v, ok := charAt(t, key); ok {
			return v, nil
		}
	case value.Object:
		if value.Hashable(key) {
			if v, ok := t.Get(key); ok {
				return in.entry(t, v)
			}
		}
	}
	if name, ok := key.(string); ok {
		return in.attr(x, name)
	}
	return value.Undefined{Name: Str(key), Hint: noElement(x, key)}, nil
}

func noElement(x, key any) string {
	if _, ok := key.(string); ok {
		return pyQuote(objectRepr(x)) + " has no attribute " + Repr(key)
	}
	return objectRepr(x) + " has no element " + Repr(key)
}

// at2 is items[key], counted from the end where key is negative.
func at2(items []any, key any) (any, bool) {
	i, ok := index(key, len(items))
	if !ok {
		return nil, false
	}
	return items[i], true
}

// index is key as a place in n items.
func index(key any, n int) (int, bool) {
	var i int64
	switch k := key.(type) {
	case int64:
		i = k
	case bool:
		if k {
			i = 1
		}
	default:
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

func charAt(s string, key any) (any, bool) {
	if isASCII(s) {
		i, ok := index(key, len(s))
		if !ok {
			return nil, false
		}
		return s[i : i+1], true
	}
	r := []rune(s)
	i, ok := index(key, len(r))
	if !ok {
		return nil, false
	}
	return string(r[i]), true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (n *sliceExpr) eval(in *interp) (any, error) {
	x, err := n.x.eval(in)
	if err != nil {
		return nil, err
	}
	parts := []any{x, nil, nil, nil}
	for i, p := range []expr{n.from, n.to, n.step} {
		if p == nil {
			continue
		}
		if parts[i+1], err = p.eval(in); err != nil {
			return nil, err
		}
	}
	if u, ok := x.(value.Undefined); ok {
		return u, nil
	}
	v, err := in.lift(func(a []any) (any, error) { return slice(a[0], a[1], a[2], a[3]) }, parts...)
	return v, in.errorAt(n.p, err)
}

// slice is x[from:to:step] for a sequence or text.
func slice(x, from, to, step any) (any, error) {
	var size int
	var runes []rune
	switch t := x.(type) {
	case *value.List:
		size = len(t.Items)
	case value.Tuple:
		size = len(t)
	case string:
		runes = []rune(t)
		size = len(runes)
	default:
		return value.Undefined{Hint: objectRepr(x) + " has no element slice(" +
			strings.Join([]string{Repr(from), Repr(to), Repr(step)}, ", ") + ")"}, nil
	}
	picks, err := sliceIndexes(size, from, to, step)
	if err != nil {
		return nil, err
	}
	switch t := x.(type) {
	case *value.List:
		return &value.List{Items: pick(t.Items, picks)}, nil
	case value.Tuple:
		return value.Tuple(pick(t, picks)), nil
	}
	return string(pick(runes, picks)), nil
}

func pick[T any](items []T, picks []int) []T {
	out := make([]T, len(picks))
	for i, p := range picks {
		out[i] = items[p]
	}
	return out
}

// sliceIndexes are the places that a slice of n items takes.
func sliceIndexes(n int, from, to, step any) ([]int, error) {
	by, err := sliceIndex(step, 1)
	if err != nil {
		return nil, err
	}
	if by == 0 {
		return nil, typef("slice step cannot be zero")
	}
	low, high := 0, n
	first, last := 0, n
	if by < 0 {
		low, high = -1, n-1
		first, last = n-1, -1
	}
	for _, b := range []struct {
		v  any
		to *int
	}{{from, &first}, {to, &last}} {
		if b.v == nil {
			continue
		}
		i, err := sliceIndex(b.v, 0)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			i += n
		}
		*b.to = min(max(i, low), high)
	}
	var out []int
	for i := first; by > 0 && i < last || by < 0 && i > last; i += by {
		out = append(out, i)
	}
	return out, nil
}

func sliceIndex(v any, def int) (int, error) {
	switch t := v.(type) {
	case nil:
		return def, nil
	case int64:
		return int(min(max(t, -1<<40), 1<<40)), nil
	case bool:
		if t {
			return 1, nil
		}
		return 0, nil
	case *big.Int:
		return t.Sign() << 40, nil
	}
	return 0, typef("slice indices must be integers or None or have an __index__ method")
}
