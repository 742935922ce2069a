package jinja

import (
	"rp/engine/value"
)

// The filters that apply other filters and tests to the items of a list. They
// pass marks through item by item.
func init() {
	addFilter(define("map", "*args **kwargs", shallow|noRender, filterMap))
	addFilter(define("select", "*args **kwargs", shallow|noRender, func(c *call) (any, error) { return c.choose(true, false) }))
	addFilter(define("reject", "*args **kwargs", shallow|noRender, func(c *call) (any, error) { return c.choose(false, false) }))
	addFilter(define("selectattr", "*args **kwargs", shallow|noRender, func(c *call) (any, error) { return c.choose(true, true) }))
	addFilter(define("rejectattr", "*args **kwargs", shallow|noRender, func(c *call) (any, error) { return c.choose(false, true) }))
}

func filterMap(c *call) (any, error) {
	items := c.items(c.self)
	if c.err != nil {
		return nil, c.err
	}
	if len(c.rest) == 0 {
		return c.mapAttribute(items)
	}
	name, ok := c.rest[0].(string)
	if !ok {
		return nil, typef("map requires a filter name")
	}
	b := find(filters, name)
	if b == nil {
		return nil, noFilter(name)
	}
	out := make([]any, len(items))
	for i, e := range items {
		if err := c.in.step(); err != nil {
			return nil, err
		}
		v, err := c.in.invoke(b, e, append([]any(nil), c.rest[1:]...), append([]kwarg(nil), c.kw...))
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return list(out), nil
}

func (c *call) mapAttribute(items []any) (any, error) {
	var path, def any
	hasPath, hasDef := false, false
	for _, k := range c.kw {
		switch k.name {
		case "attribute":
			path, hasPath = k.v, true
		case "default":
			def, hasDef = k.v, k.v != nil
		default:
			return nil, typef("Unexpected keyword argument %s", pyQuote(k.name))
		}
	}
	if !hasPath {
		return nil, typef("map requires a filter argument")
	}
	out, err := c.attributes(items, path, def, hasDef)
	return list(out), err
}

// choose keeps the items for which a test answers want; attr says that the
// first argument names the attribute that is tested.
func (c *call) choose(want, attr bool) (any, error) {
	items := c.items(c.self)
	if c.err != nil {
		return nil, c.err
	}
	subjects, rest := items, c.rest
	if attr {
		if len(rest) == 0 {
			return nil, typef("Missing parameter for attribute name")
		}
		var err error
		if subjects, err = c.attributes(items, rest[0], nil, false); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	ask, err := c.question(rest)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for i, e := range items {
		if err := c.in.step(); err != nil {
			return nil, err
		}
		t, err := ask(subjects[i])
		if err != nil {
			return nil, err
		}
		if t.IsUnknown() {
			return t.value(), nil
		}
		if t.IsTrue() == want {
			out = append(out, e)
		}
	}
	return list(out), nil
}

// question is the test that args name, or whether a value counts as true.
func (c *call) question(args []any) (func(any) (Truth, error), error) {
	if len(args) == 0 {
		return c.in.truthy, nil
	}
	name, ok := args[0].(string)
	if !ok {
		return nil, typef("a test is named by a string, not by %s", TypeName(args[0]))
	}
	b := find(tests, name)
	if b == nil {
		return nil, noTest(name)
	}
	return func(v any) (Truth, error) {
		if u, ok := v.(value.Unknown); ok && (name == "defined" || name == "undefined") {
			v = partUnknown{u}
		}
		return c.in.test(b, v, append([]any(nil), args[1:]...), append([]kwarg(nil), c.kw...))
	}, nil
}
