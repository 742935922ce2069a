package jinja

import (
	"rp/engine/value"
)

// Set filters of Ansible's. Results stand in order of first appearance.
func init() {
	addFilter(define("unique", "case_sensitive=none attribute=none", 0, filterUnique))
	addFilter(define("union", "b", 0, func(c *call) (any, error) {
		return list(distinct(append(append([]any(nil), c.items(c.self)...), c.items(c.args[0])...))), nil
	}))
	addFilter(define("intersect", "b", 0, func(c *call) (any, error) {
		return list(distinct(c.keep(c.items(c.self), c.items(c.args[0]), true))), nil
	}))
	addFilter(define("difference", "b", 0, func(c *call) (any, error) {
		return list(distinct(c.keep(c.items(c.self), c.items(c.args[0]), false))), nil
	}))
	addFilter(define("symmetric_difference", "b", 0, func(c *call) (any, error) {
		a, b := c.items(c.self), c.items(c.args[0])
		return list(distinct(append(c.keep(a, b, false), c.keep(b, a, false)...))), nil
	}))
	addFilter(define("flatten", "levels=none skip_nulls=true", 0, func(c *call) (any, error) {
		levels := -1
		if c.args[0] != nil {
			levels = c.int(0)
		}
		var out []any
		err := c.flatten(&out, c.items(c.self), levels, c.bool(1))
		return list(out), err
	}), "flattened")
	addTest(define("subset", "b", 0, func(c *call) (any, error) {
		return len(c.keep(c.items(c.self), c.items(c.args[0]), false)) == 0, nil
	}), "issubset")
	addTest(define("superset", "b", 0, func(c *call) (any, error) {
		return len(c.keep(c.items(c.args[0]), c.items(c.self), false)) == 0, nil
	}), "issuperset")
	addTest(define("contains", "b", raw, func(c *call) (any, error) {
		t, err := c.in.compare("in", c.args[0], c.self)
		return t.value(), err
	}))
	addTest(define("any", "", shallow, func(c *call) (any, error) {
		out := False
		for _, e := range c.items(c.self) {
			out = out.Or(Truthy(e))
		}
		return out.value(), nil
	}))
	addTest(define("all", "", shallow, func(c *call) (any, error) {
		out := True
		for _, e := range c.items(c.self) {
			out = out.And(Truthy(e))
		}
		return out.value(), nil
	}))
}

// set tells whether a value was met, by key where it can be one.
type set struct {
	keys *value.Dict
	rest []any
}

func newSet(items []any) *set {
	s := &set{keys: value.NewDict()}
	for _, e := range items {
		s.add(e)
	}
	return s
}

func (s *set) has(v any) bool {
	if value.Hashable(v) {
		_, ok := s.keys.Get(v)
		return ok
	}
	for _, e := range s.rest {
		if Equal(e, v) {
			return true
		}
	}
	return false
}

func (s *set) add(v any) {
	if value.Hashable(v) {
		s.keys.Set(v, true)
		return
	}
	s.rest = append(s.rest, v)
}

func distinct(items []any) []any {
	seen := newSet(nil)
	out := []any{}
	for _, e := range items {
		if !seen.has(e) {
			seen.add(e)
			out = append(out, e)
		}
	}
	return out
}

// keep gives the items of a that are in b, or those that are not.
func (c *call) keep(a, b []any, want bool) []any {
	in := newSet(b)
	var out []any
	for _, e := range a {
		if in.has(e) == want {
			out = append(out, e)
		}
	}
	return out
}

func filterUnique(c *call) (any, error) {
	items := c.items(c.self)
	keys := items
	if c.args[1] != nil {
		var err error
		if keys, err = c.attributes(items, c.args[1], nil, false); err != nil {
			return nil, err
		}
	}
	sensitive := c.bool(0)
	if c.args[0] == nil {
		// Ansible falls back to comparing as is where something is no set member.
		for _, k := range keys {
			sensitive = sensitive || !value.Hashable(k)
		}
	}
	lower := fold(sensitive)
	seen := newSet(nil)
	out := []any{}
	for i, e := range items {
		k := lower(keys[i])
		if !seen.has(k) {
			seen.add(k)
			out = append(out, e)
		}
	}
	return list(out), c.in.steps(len(items))
}

func (c *call) flatten(out *[]any, items []any, levels int, skipNulls bool) error {
	for _, e := range items {
		switch t := e.(type) {
		case nil:
			if skipNulls {
				continue
			}
		case string:
			if skipNulls && (t == "None" || t == "null") {
				continue
			}
		case *value.List:
			if levels != 0 {
				if err := c.flatten(out, t.Items, levels-1, skipNulls); err != nil {
					return err
				}
				continue
			}
		case value.Tuple:
			if levels != 0 {
				if err := c.flatten(out, t, levels-1, skipNulls); err != nil {
					return err
				}
				continue
			}
		}
		*out = append(*out, e)
	}
	return c.in.fitsItems(len(*out))
}
