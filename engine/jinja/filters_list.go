package jinja

import (
	"slices"
	"strings"

	"rp/engine/value"
)

// Filters on lists, of Jinja2's own.
func init() {
	addFilter(define("first", "", shallow|noRender, func(c *call) (any, error) {
		return c.end(0, "No first item, sequence was empty.")
	}))
	addFilter(define("last", "", shallow|noRender, func(c *call) (any, error) {
		return c.end(-1, "No last item, sequence was empty.")
	}))
	addFilter(define("list", "", shallow|noRender, func(c *call) (any, error) {
		return list(slices.Clone(c.items(c.self))), nil
	}))
	addFilter(define("items", "", shallow|noRender|undef, func(c *call) (any, error) {
		if _, ok := c.self.(value.Undefined); ok {
			return list(nil), nil
		}
		if _, ok := asMapping(c.self); !ok {
			return nil, typef("Can only get item pairs from a mapping.")
		}
		return c.entries(func(k, v any) any { return value.Tuple{k, v} })
	}))
	addFilter(define("reverse", "", shallow|noRender, func(c *call) (any, error) {
		if s, ok := c.self.(string); ok {
			r := []rune(s)
			slices.Reverse(r)
			return string(r), nil
		}
		items := slices.Clone(c.items(c.self))
		slices.Reverse(items)
		return list(items), nil
	}))
	addFilter(define("sort", "reverse=false case_sensitive=false attribute=none", 0, filterSort))
	addFilter(define("min", "case_sensitive=false attribute=none", 0, func(c *call) (any, error) { return c.extreme(-1) }))
	addFilter(define("max", "case_sensitive=false attribute=none", 0, func(c *call) (any, error) { return c.extreme(1) }))
	addFilter(define("sum", "attribute=none start=0", 0, filterSum))
	addFilter(define("batch", "linecount fill_with=none", shallow, filterBatch))
	addFilter(define("slice", "slices fill_with=none", shallow, filterSlice))
	addFilter(define("groupby", "attribute default=none case_sensitive=false", 0, filterGroupBy))
	addFilter(define("dictsort", "case_sensitive=false by='key' reverse=false", 0, filterDictSort))
}

// end is the first item for 0 and the last for -1.
func (c *call) end(i int64, none string) (any, error) {
	if o, ok := asMapping(c.self); ok {
		if v, ok := at2(o.Keys(), i); ok {
			return v, nil
		}
		return value.Undefined{Hint: none}, nil
	}
	switch t := c.self.(type) {
	case string:
		if v, ok := charAt(t, i); ok {
			return v, nil
		}
	case *value.List:
		if v, ok := at2(t.Items, i); ok {
			return c.in.force(v)
		}
	case value.Tuple:
		if v, ok := at2(t, i); ok {
			return c.in.force(v)
		}
	default:
		return nil, typef("'%s' object is not iterable", TypeName(c.self))
	}
	return value.Undefined{Hint: none}, nil
}

// attributes is the attribute of every item that path names: "a.b.0". Where
// hasDef is set, def stands for what is undefined.
func (c *call) attributes(items []any, path, def any, hasDef bool) ([]any, error) {
	keys := pathKeys(path)
	out := make([]any, len(items))
	for i, e := range items {
		v, err := c.in.follow(e, keys)
		if err != nil {
			return nil, err
		}
		if _, ok := v.(value.Undefined); ok && hasDef {
			v = def
		}
		out[i] = v
	}
	return out, c.in.steps(len(items))
}

// pathKeys splits "a.b.0" into keys, of which numbers are indexes.
func pathKeys(path any) []any {
	s, ok := path.(string)
	if !ok {
		return []any{path}
	}
	var keys []any
	for p := range strings.SplitSeq(s, ".") {
		if v, ok := parseInt(p, 10); ok && strings.Trim(p, "0123456789") == "" {
			keys = append(keys, v)
			continue
		}
		keys = append(keys, p)
	}
	return keys
}

func (in *interp) follow(v any, keys []any) (any, error) {
	var err error
	for _, k := range keys {
		if v, err = in.item(v, k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// fold makes text lower case for comparison, unless case counts.
func fold(sensitive bool) func(any) any {
	return func(v any) any {
		if s, ok := v.(string); ok && !sensitive {
			return strings.ToLower(s)
		}
		return v
	}
}

// sorted is a stable order of items by key, as Python's sorted().
func sorted(items []any, key func(any) any, reverse bool) ([]any, error) {
	type keyed struct{ k, v any }
	all := make([]keyed, len(items))
	for i, e := range items {
		all[i] = keyed{key(e), e}
	}
	var failed error
	slices.SortStableFunc(all, func(a, b keyed) int {
		c, err := Compare("<", a.k, b.k)
		if err != nil && failed == nil {
			failed = err
		}
		if c == 2 {
			return 0
		}
		if reverse {
			return -c
		}
		return c
	})
	out := make([]any, len(all))
	for i, e := range all {
		out[i] = e.v
	}
	return out, failed
}

func filterSort(c *call) (any, error) {
	items := c.items(c.self)
	lower := fold(c.bool(1))
	if c.args[2] == nil {
		out, err := sorted(items, lower, c.bool(0))
		return list(out), err
	}
	var paths [][]any
	for p := range strings.SplitSeq(Str(c.args[2]), ",") {
		paths = append(paths, pathKeys(strings.TrimSpace(p)))
	}
	if _, ok := c.args[2].(string); !ok {
		paths = [][]any{{c.args[2]}}
	}
	var failed error
	out, err := sorted(items, func(v any) any {
		keys := make([]any, len(paths))
		for i, p := range paths {
			k, err := c.in.follow(v, p)
			if u, ok := k.(value.Undefined); ok && err == nil {
				err = undefErr{u}
			}
			if err != nil {
				failed = err
			}
			keys[i] = lower(k)
		}
		if len(keys) == 1 {
			return keys[0]
		}
		return list(keys)
	}, c.bool(0))
	if failed != nil {
		return nil, failed
	}
	return list(out), err
}

// extreme is the smallest item for -1 and the largest for 1.
func (c *call) extreme(sign int) (any, error) {
	items := c.items(c.self)
	if len(items) == 0 {
		return value.Undefined{Hint: "No aggregated item, sequence was empty."}, nil
	}
	keys := items
	if c.args[1] != nil {
		var err error
		if keys, err = c.attributes(items, c.args[1], nil, false); err != nil {
			return nil, err
		}
	}
	lower := fold(c.bool(0))
	op, best := map[int]string{-1: "<", 1: ">"}[sign], 0
	for i := range items {
		if u, ok := keys[i].(value.Undefined); ok {
			return nil, undefErr{u}
		}
		n, err := Compare(op, lower(keys[i]), lower(keys[best]))
		if err != nil {
			return nil, err
		}
		if n != 2 && n*sign > 0 {
			best = i
		}
	}
	return items[best], nil
}

func filterSum(c *call) (any, error) {
	items := c.items(c.self)
	if c.args[0] != nil {
		var err error
		if items, err = c.attributes(items, c.args[0], nil, false); err != nil {
			return nil, err
		}
	}
	total := c.args[1]
	for _, e := range items {
		if u, ok := e.(value.Undefined); ok {
			return nil, undefErr{u}
		}
		var err error
		if total, err = c.in.arith("+", total, e); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func filterBatch(c *call) (any, error) {
	n := c.int(0)
	if n <= 0 {
		return nil, typef("batch: linecount must be positive")
	}
	var out []any
	for part := range slices.Chunk(c.items(c.self), n) {
		row := slices.Clone(part)
		for c.args[1] != nil && len(row) < n {
			if err := c.in.fitsItems(n); err != nil {
				return nil, err
			}
			row = append(row, c.args[1])
		}
		out = append(out, list(row))
	}
	return list(out), nil
}

func filterSlice(c *call) (any, error) {
	items, n := c.items(c.self), c.int(0)
	if n <= 0 {
		return nil, typef("integer division or modulo by zero")
	}
	if err := c.in.fitsItems(n); err != nil {
		return nil, err
	}
	per, longer := len(items)/n, len(items)%n
	var out []any
	for i, at := 0, 0; i < n; i++ {
		size := per
		if i < longer {
			size++
		}
		row := slices.Clone(items[at : at+size])
		at += size
		if c.args[1] != nil && i >= longer {
			row = append(row, c.args[1])
		}
		out = append(out, list(row))
	}
	return list(out), nil
}

func filterGroupBy(c *call) (any, error) {
	items := c.items(c.self)
	keys, err := c.attributes(items, c.args[0], c.args[1], c.args[1] != nil)
	if err != nil {
		return nil, err
	}
	lower := fold(c.bool(2))
	order := make([]any, len(items))
	for i := range items {
		if u, ok := keys[i].(value.Undefined); ok {
			return nil, undefErr{u}
		}
		order[i] = int64(i)
	}
	key := func(i any) any { return lower(keys[i.(int64)]) } //nolint:forcetypeassert // made above
	if order, err = sorted(order, key, false); err != nil {
		return nil, err
	}
	var out []any
	var group *value.List
	for n, i := range order {
		if n == 0 || !Equal(key(order[n-1]), key(i)) {
			group = &value.List{}
			out = append(out, value.Tuple{keys[i.(int64)], group}) //nolint:forcetypeassert // made above
		}
		group.Append(items[i.(int64)]) //nolint:forcetypeassert // made above
	}
	return list(out), nil
}

func filterDictSort(c *call) (any, error) {
	place := map[string]int{"key": 0, "value": 1}
	i, ok := place[c.str(1)]
	if !ok {
		return nil, typef("You can only sort by either \"key\" or \"value\"")
	}
	all, err := c.in.pairs(c.mapping(c.self, "dictsort needs a mapping"))
	if err != nil {
		return nil, err
	}
	items := make([]any, len(all))
	for n, p := range all {
		items[n] = value.Tuple{p[0], p[1]}
	}
	lower := fold(c.bool(0))
	out, err := sorted(items, func(v any) any { return lower(v.(value.Tuple)[i]) }, c.bool(2)) //nolint:forcetypeassert // made above
	return list(out), err
}
