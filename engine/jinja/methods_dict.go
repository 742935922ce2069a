package jinja

import (
	"math"
	"math/big"
	"slices"

	"rp/engine/value"
)

// onDict makes a method that changes a dict.
func onDict(f func(d *value.Dict, c *call) (any, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		d, ok := bare(c.self).(*value.Dict)
		if !ok {
			return nil, typef("descriptor '%s' requires a 'dict' object", c.b.name)
		}
		return f(d, c)
	}
}

func (c *call) put(d *value.Dict, k, v any) error {
	if !value.Hashable(k) {
		return typef("unhashable type: '%s'", TypeName(k))
	}
	if err := c.guard(d, bare(v)); err != nil {
		return err
	}
	d.Set(k, v)
	return c.in.fitsItems(d.Len())
}

func init() {
	m := dictMethods
	const read = shallow | noRender
	m.add("get", "key default=none", read|undef, func(c *call) (any, error) {
		if u, ok := c.args[0].(value.Undefined); ok {
			return nil, undefErr{u}
		}
		o, _ := asMapping(c.self)
		if !value.Hashable(c.args[0]) {
			return nil, typef("unhashable type: '%s'", TypeName(c.args[0]))
		}
		if v, ok := o.Get(c.args[0]); ok {
			return c.in.entry(o, v)
		}
		return c.args[1], nil
	})
	m.add("keys", "", read, func(c *call) (any, error) {
		o, _ := asMapping(c.self)
		return list(slices.Clone(o.Keys())), nil
	})
	m.add("values", "", read, func(c *call) (any, error) {
		return c.entries(func(_, v any) any { return v })
	})
	m.add("items", "", read, func(c *call) (any, error) {
		return c.entries(func(k, v any) any { return value.Tuple{k, v} })
	})
	m.add("__len__", "", read|open, func(c *call) (any, error) {
		o, _ := asMapping(c.self)
		return int64(len(o.Keys())), nil
	})
	m.add("__contains__", "key", read|open, func(c *call) (any, error) {
		o, _ := asMapping(c.self)
		t, err := containsKey(o, c.args[0])
		return t.value(), err
	})
	m.add("__getitem__", "key", read, func(c *call) (any, error) { return c.in.item(c.self, c.args[0]) })
	addDictChanges(m)
	addNumberMethods()
}

// entries is a list of what f makes of every entry of the dict c is for.
func (c *call) entries(f func(k, v any) any) (any, error) {
	o, _ := asMapping(c.self)
	out := make([]any, 0, len(o.Keys()))
	for _, k := range o.Keys() {
		v, _ := o.Get(k)
		v, err := c.in.entry(o, v)
		if err != nil {
			return nil, err
		}
		out = append(out, f(k, v))
	}
	return list(out), c.in.steps(len(out))
}

func addDictChanges(m methods) {
	m.add("update", "other=none **kwargs", raw, onDict(func(d *value.Dict, c *call) (any, error) {
		if c.args[0] != nil {
			pairs, err := c.in.pairs(c.args[0])
			if err != nil {
				return nil, err
			}
			for _, p := range pairs {
				if err := c.put(d, p[0], p[1]); err != nil {
					return nil, err
				}
			}
		}
		for _, k := range c.kw {
			if err := c.put(d, k.name, k.v); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}))
	m.add("setdefault", "key default=none", raw, onDict(func(d *value.Dict, c *call) (any, error) {
		if v, ok := d.Get(c.args[0]); ok {
			return c.in.force(v)
		}
		return c.args[1], c.put(d, c.args[0], c.args[1])
	}))
	m.add("__setitem__", "key value", raw, onDict(func(d *value.Dict, c *call) (any, error) {
		return nil, c.put(d, c.args[0], c.args[1])
	}))
	m.add("pop", "key default=none", raw, onDict(func(d *value.Dict, c *call) (any, error) {
		if v, ok := d.Get(c.args[0]); ok {
			d.Delete(c.args[0])
			return c.in.force(v)
		}
		if !c.isSet(1) {
			return nil, typef("%s", Repr(c.args[0]))
		}
		return c.args[1], nil
	}))
	m.add("popitem", "", raw, onDict(func(d *value.Dict, _ *call) (any, error) {
		if d.Len() == 0 {
			return nil, typef("'popitem(): dictionary is empty'")
		}
		k := d.Keys()[d.Len()-1]
		v, _ := d.Get(k)
		d.Delete(k)
		return value.Tuple{k, v}, nil
	}))
	m.add("clear", "", raw, onDict(func(d *value.Dict, _ *call) (any, error) {
		for d.Len() > 0 {
			d.Delete(d.Keys()[d.Len()-1])
		}
		return nil, nil
	}))
	m.add("copy", "", raw, onDict(func(d *value.Dict, _ *call) (any, error) { return d.Clone(), nil }))
}

// pairs is v as key and value pairs: of a dict, or a list of pairs.
func (in *interp) pairs(v any) ([][2]any, error) {
	if o, ok := asMapping(bare(v)); ok {
		out := make([][2]any, 0, len(o.Keys()))
		for _, k := range o.Keys() {
			e, _ := o.Get(k)
			e, err := in.entry(o, e)
			if err != nil {
				return nil, err
			}
			out = append(out, [2]any{k, e})
		}
		return out, nil
	}
	items, err := in.iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([][2]any, 0, len(items))
	for i, e := range items {
		p, err := in.iterate(e)
		if err != nil || len(p) != 2 {
			return nil, typef("cannot convert dictionary update sequence element #%d to a sequence of two", i)
		}
		out = append(out, [2]any{p[0], p[1]})
	}
	return out, nil
}

func addNumberMethods() {
	intMethods.add("bit_length", "", 0, func(c *call) (any, error) {
		n, _ := toNum(c.self)
		return int64(n.big().BitLen()), nil
	})
	intMethods.add("bit_count", "", 0, func(c *call) (any, error) {
		n, _ := toNum(c.self)
		ones := int64(0)
		for _, w := range new(big.Int).Abs(n.big()).Bits() {
			for ; w != 0; w &= w - 1 {
				ones++
			}
		}
		return ones, nil
	})
	floatMethods.add("is_integer", "", 0, func(c *call) (any, error) {
		f, _ := c.self.(float64)
		return f == math.Trunc(f), nil
	})
}
