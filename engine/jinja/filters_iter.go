package jinja

import (
	"rp/engine/value"
)

// Filters of Python's itertools.
func init() {
	addFilter(define("zip", "*lists **kwargs", shallow, func(c *call) (any, error) { return c.zip(false) }))
	addFilter(define("zip_longest", "*lists **kwargs", shallow, func(c *call) (any, error) { return c.zip(true) }))
	addFilter(define("product", "*lists **kwargs", shallow, filterProduct))
	addFilter(define("permutations", "r=none", shallow, func(c *call) (any, error) {
		return c.arrange(true)
	}))
	addFilter(define("combinations", "r", shallow, func(c *call) (any, error) {
		return c.arrange(false)
	}))
}

func (c *call) lists() [][]any {
	out := [][]any{c.items(c.self)}
	for _, l := range c.rest {
		if u, ok := l.(value.Undefined); ok && c.err == nil {
			c.err = undefErr{u}
		}
		out = append(out, c.items(l))
	}
	return out
}

func (c *call) zip(longest bool) (any, error) {
	lists := c.lists()
	var fill any
	for _, k := range c.kw {
		if k.name == "fillvalue" {
			fill = k.v
		}
	}
	n := len(lists[0])
	for _, l := range lists {
		if longest {
			n = max(n, len(l))
		} else {
			n = min(n, len(l))
		}
	}
	if err := c.in.fitsItems(n * len(lists)); err != nil {
		return nil, err
	}
	out := make([]any, n)
	for i := range out {
		row := make(value.Tuple, len(lists))
		for j, l := range lists {
			row[j] = fill
			if i < len(l) {
				row[j] = l[i]
			}
		}
		out[i] = row
	}
	return list(out), nil
}

func filterProduct(c *call) (any, error) {
	lists := c.lists()
	for _, k := range c.kw {
		if n, ok := asInt(k.v); ok && k.name == "repeat" {
			if err := c.in.fitsItems(max(n, 0) * len(lists)); err != nil {
				return nil, err
			}
			once := lists
			lists = nil
			for range n {
				lists = append(lists, once...)
			}
		}
	}
	rows := []value.Tuple{{}}
	for _, l := range lists {
		if len(rows) > 0 && len(l) > maxItems/len(rows) {
			return nil, limitErr("the list is too large")
		}
		if err := c.in.fitsItems(len(rows) * len(l)); err != nil {
			return nil, err
		}
		next := make([]value.Tuple, 0, len(rows)*len(l))
		for _, row := range rows {
			for _, e := range l {
				next = append(next, append(append(value.Tuple{}, row...), e))
			}
		}
		rows = next
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = r
	}
	return list(out), nil
}

// arrange gives all choices of r items: in every order, or in the order of the list.
func (c *call) arrange(ordered bool) (any, error) {
	items := c.items(c.self)
	r := len(items)
	if c.args[0] != nil {
		r = c.int(0)
	}
	if r < 0 {
		return nil, typef("r must be non-negative")
	}
	out := []any{}
	if r > len(items) {
		return list(out), nil
	}
	used := make([]bool, len(items))
	row := make(value.Tuple, 0, r)
	var choose func(from int) error
	choose = func(from int) error {
		if len(row) == r {
			out = append(out, append(value.Tuple{}, row...))
			return c.in.fitsItems(len(out) * max(1, r))
		}
		if ordered {
			from = 0
		}
		for i := from; i < len(items); i++ {
			if used[i] {
				continue
			}
			used[i] = true
			row = append(row, items[i])
			if err := choose(i + 1); err != nil {
				return err
			}
			row = row[:len(row)-1]
			used[i] = false
		}
		return nil
	}
	err := choose(0)
	return list(out), err
}
