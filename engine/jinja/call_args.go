package jinja

import (
	"math"
	"math/big"

	"rp/engine/value"
)

// The accessors give an argument as a Go type. A wrong one is kept in c.err,
// which invoke turns into the call's error, and gives the zero value.

func (c *call) wrong(format string, args ...any) {
	if c.err == nil {
		c.err = typef(format, args...)
	}
}

// text is v as text: any plain value by its str().
func (c *call) text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	s := Str(v)
	if err := c.in.fits(len(s)); err != nil && c.err == nil {
		c.err = err
	}
	return s
}

// str is parameter i, which must be text.
func (c *call) str(i int) string {
	s, ok := c.args[i].(string)
	if !ok {
		c.wrong("%s(): %s must be a string, not %s", c.b.name, c.b.params[i].name, TypeName(c.args[i]))
	}
	return s
}

// anyText is parameter i as text.
func (c *call) anyText(i int) string { return c.text(c.args[i]) }

// int is parameter i as an integer.
func (c *call) int(i int) int {
	n, ok := asInt(c.args[i])
	if !ok {
		c.wrong("%s(): %s must be an integer, not %s", c.b.name, c.b.params[i].name, TypeName(c.args[i]))
	}
	return n
}

// looseInt is parameter i as an integer, also from text, as int() reads it.
func (c *call) looseInt(i int) int {
	v, ok := parseInt(c.args[i], 10)
	n, isInt := asInt(v)
	if !ok || !isInt {
		c.wrong("%s(): %s must be an integer, not %s", c.b.name, c.b.params[i].name, Repr(c.args[i]))
	}
	return n
}

func asInt(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case *big.Int:
		return v.Sign() * math.MaxInt32, true
	}
	return 0, false
}

// bool is whether parameter i counts as true.
func (c *call) bool(i int) bool { return Truthy(c.args[i]).IsTrue() }

// float is parameter i as a float.
func (c *call) float(i int) float64 {
	n, ok := toNum(c.args[i])
	if !ok {
		c.wrong("%s(): %s must be a number, not %s", c.b.name, c.b.params[i].name, TypeName(c.args[i]))
	}
	return n.float()
}

// items is v as a list: the items of one, the keys of a dict, the characters of text.
func (c *call) items(v any) []any {
	items, err := c.in.iterate(v)
	if err != nil && c.err == nil {
		c.err = err
	}
	return items
}

// strings is v as a list of text.
func (c *call) strings(v any) []string {
	items := c.items(v)
	out := make([]string, len(items))
	for i, e := range items {
		out[i] = c.text(e)
	}
	return out
}

// mapping is v as a dict or object.
func (c *call) mapping(v any, what string) value.Object {
	o, ok := asMapping(v)
	if !ok {
		c.wrong("%s", what)
		return value.NewDict()
	}
	return o
}

// list makes a list of items.
func list(items []any) *value.List { return &value.List{Items: items} }

// kwDict is the named arguments that have no parameter.
func (c *call) kwDict() *value.Dict {
	d := value.NewDict()
	for _, k := range c.kw {
		d.Set(k.name, k.v)
	}
	return d
}
