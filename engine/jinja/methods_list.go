package jinja

import (
	"slices"

	"rp/engine/value"
)

// onList makes a method of list.
func onList(f func(l *value.List, c *call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		l, ok := c.self.(*value.List)
		if s, secret := c.self.(value.Secret); secret {
			l, ok = s.V.(*value.List)
		}
		if !ok {
			return nil, typef("descriptor '%s' requires a 'list' object", c.b.name)
		}
		return f(l, c)
	}
}

// holds reports whether v is in, or holds in, what is put into it: Python lets
// a list hold itself, and nothing that walks it would come to an end.
func (c *call) guard(into, v any) error {
	if v == into {
		return typef("a %s cannot hold itself", TypeName(into))
	}
	switch t := v.(type) {
	case *value.List:
		return c.guardAll(into, t.Items)
	case value.Tuple:
		return c.guardAll(into, t)
	case *value.Dict:
		for _, e := range t.All() {
			if err := c.guard(into, e); err != nil {
				return err
			}
		}
		return c.in.steps(t.Len())
	}
	return nil
}

func (c *call) guardAll(into any, items []any) error {
	for _, e := range items {
		switch e.(type) {
		case *value.List, value.Tuple, *value.Dict:
			if err := c.guard(into, e); err != nil {
				return err
			}
		}
	}
	return c.in.steps(len(items))
}

func init() {
	m := listMethods
	m.add("append", "object", raw, onList(func(l *value.List, c *call) (any, error) {
		if err := c.guard(l, bare(c.args[0])); err != nil {
			return nil, err
		}
		l.Append(c.args[0])
		return nil, c.in.fitsItems(l.Len())
	}))
	m.add("extend", "iterable", raw, onList(func(l *value.List, c *call) (any, error) {
		items, err := c.in.iterate(c.args[0])
		if err != nil {
			return nil, err
		}
		items = slices.Clone(items)
		if err := c.guardAll(l, items); err != nil {
			return nil, err
		}
		l.Items = append(l.Items, items...)
		return nil, c.in.fitsItems(l.Len())
	}))
	m.add("insert", "index object", raw, onList(func(l *value.List, c *call) (any, error) {
		if err := c.guard(l, bare(c.args[1])); err != nil {
			return nil, err
		}
		i := c.int(0)
		if i < 0 {
			i += l.Len()
		}
		l.Items = slices.Insert(l.Items, min(max(i, 0), l.Len()), c.args[1])
		return nil, nil
	}))
	m.add("pop", "index=-1", raw, onList(func(l *value.List, c *call) (any, error) {
		if l.Len() == 0 {
			return nil, typef("pop from empty list")
		}
		i, ok := index(c.args[0], l.Len())
		if !ok {
			return nil, typef("pop index out of range")
		}
		v := l.Items[i]
		l.Items = slices.Delete(l.Items, i, i+1)
		return v, nil
	}))
	m.add("remove", "value", raw, onList(func(l *value.List, c *call) (any, error) {
		for i, e := range l.Items {
			if Equal(e, c.args[0]) {
				l.Items = slices.Delete(l.Items, i, i+1)
				return nil, nil
			}
		}
		return nil, typef("list.remove(x): x not in list")
	}))
	m.add("clear", "", raw, onList(func(l *value.List, _ *call) (any, error) {
		l.Items = nil
		return nil, nil
	}))
	m.add("reverse", "", raw, onList(func(l *value.List, _ *call) (any, error) {
		slices.Reverse(l.Items)
		return nil, nil
	}))
	m.add("sort", "key=none reverse=false", raw, onList(func(l *value.List, c *call) (any, error) {
		if c.args[0] != nil {
			return nil, unsupportedErr("list.sort() with a key is not supported yet")
		}
		items, err := sorted(l.Items, func(v any) any { return v }, c.bool(1))
		l.Items = items
		return nil, err
	}))
	m.add("copy", "", raw, onList(func(l *value.List, _ *call) (any, error) { return list(slices.Clone(l.Items)), nil }))
	for _, m := range []methods{listMethods, tupleMethods} {
		m.add("count", "value", shallow, func(c *call) (any, error) {
			n := 0
			for _, e := range c.items(c.self) {
				switch t := equal(e, c.args[0]); {
				case t.IsTrue():
					n++
				case t.IsUnknown():
					return t.value(), nil
				}
			}
			return int64(n), nil
		})
		m.add("index", "value start=0 end=none", shallow, listIndex)
		m.add("__len__", "", shallow|open, func(c *call) (any, error) { return int64(len(c.items(c.self))), nil })
	}
}

func listIndex(c *call) (any, error) {
	items := c.items(c.self)
	picks, err := sliceIndexes(len(items), c.args[1], c.args[2], nil)
	if err != nil {
		return nil, err
	}
	for _, i := range picks {
		switch t := equal(items[i], c.args[0]); {
		case t.IsTrue():
			return int64(i), nil
		case t.IsUnknown():
			return t.value(), nil
		}
	}
	return nil, typef("%s is not in list", Repr(c.args[0]))
}
