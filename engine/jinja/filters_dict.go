package jinja

import (
	"rp/engine/value"
)

// Filters on dicts, of Ansible's. They pass the marks of values through.
func init() {
	addFilter(define("dict2items", "key_name='key' value_name='value'", shallow, func(c *call) (any, error) {
		o := c.mapping(c.self, "dict2items requires a dictionary, got "+classOf(c.self)+" instead.")
		var out []any
		for _, k := range o.Keys() {
			v, _ := o.Get(k)
			out = append(out, value.DictOf(c.args[0], k, c.args[1], v))
		}
		return list(out), nil
	}))
	addFilter(define("items2dict", "key_name='key' value_name='value'", shallow, filterItems2Dict))
	addFilter(define("combine", "*terms **kwargs", shallow, filterCombine))
	addFilter(define("subelements", "subelements skip_missing=false", shallow, filterSubelements))
	addFilter(define("rekey_on_member", "key duplicates='error'", shallow, filterRekey))
	addFilter(define("extract", "container morekeys=none", shallow|noRender, func(c *call) (any, error) {
		v, err := c.in.item(c.args[0], c.self)
		if err != nil || c.args[1] == nil {
			return v, err
		}
		keys := []any{c.args[1]}
		if isList(c.args[1]) {
			keys = c.items(c.args[1])
		}
		return c.in.follow(v, keys)
	}))
	addFilter(define("dict", "", shallow, func(c *call) (any, error) {
		d := value.NewDict()
		all, err := c.in.pairs(c.self)
		for _, p := range all {
			d.Set(p[0], p[1])
		}
		return d, err
	}))
	keysFilter("keep_keys", true)
	keysFilter("remove_keys", false)
}

// classOf is v's type as Python's type() prints it.
func classOf(v any) string { return "<class '" + TypeName(v) + "'>" }

func filterItems2Dict(c *call) (any, error) {
	if !isList(c.self) {
		return nil, typef("items2dict requires a list, got %s instead.", classOf(c.self))
	}
	d := value.NewDict()
	for _, e := range c.items(c.self) {
		o, ok := asMapping(bare(e))
		if !ok {
			return nil, typef("items2dict requires a list of dictionaries, got %s instead.", Repr(c.self))
		}
		k, okKey := o.Get(c.args[0])
		v, okValue := o.Get(c.args[1])
		if !okKey || !okValue {
			return nil, typef("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.",
				Str(c.args[0]), Str(c.args[1]), Repr(c.self))
		}
		if u, ok := k.(value.Unknown); ok {
			return u, nil
		}
		if !value.Hashable(k) {
			return nil, typef("unhashable type: '%s'", TypeName(k))
		}
		d.Set(k, v)
	}
	return d, nil
}

func filterCombine(c *call) (any, error) {
	recursive, merge := false, "replace"
	for _, k := range c.kw {
		switch k.name {
		case "recursive":
			recursive = Truthy(k.v).IsTrue()
		case "list_merge":
			merge = c.text(k.v)
		default:
			return nil, typef("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	switch merge {
	case "replace", "keep", "append", "prepend", "append_rp", "prepend_rp":
	default:
		return nil, typef("merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
	}
	out := value.NewDict()
	for _, e := range c.flatTerms(append([]any{c.self}, c.rest...)) {
		switch t := e.(type) {
		case value.Undefined:
			return nil, undefErr{t}
		case value.Unknown:
			return t, nil
		}
		o, ok := asMapping(bare(e))
		if !ok {
			return nil, typef("failed to combine variables, expected dicts but got a '%s' and a '%s': \n%s\n%s", TypeName(out), TypeName(e), Repr(out), Repr(e))
		}
		out = merged(out, o, recursive, merge)
	}
	return out, nil
}

// flatTerms are the dicts in terms, which may stand in lists.
func (c *call) flatTerms(terms []any) []any {
	var out []any
	for _, t := range terms {
		if l, ok := bare(t).(*value.List); ok {
			out = append(out, c.flatTerms(l.Items)...)
			continue
		}
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}

// merged is a with the entries of b over it.
func merged(a *value.Dict, b value.Object, recursive bool, lists string) *value.Dict {
	out := a.Clone()
	for _, k := range b.Keys() {
		v, _ := b.Get(k)
		old, had := out.Get(k)
		if !had {
			out.Set(k, v)
			continue
		}
		if x, ok := old.(*value.Dict); ok && recursive {
			if y, ok := asMapping(v); ok {
				out.Set(k, merged(x, y, recursive, lists))
				continue
			}
		}
		if x, ok := old.(*value.List); ok {
			if y, ok := v.(*value.List); ok {
				out.Set(k, mergeLists(x, y, lists))
				continue
			}
		}
		out.Set(k, v)
	}
	return out
}

func mergeLists(x, y *value.List, how string) *value.List {
	join := func(a, b []any) *value.List { return list(append(append([]any(nil), a...), b...)) }
	without := func(a, b []any) []any {
		gone := newSet(b)
		var out []any
		for _, e := range a {
			if !gone.has(e) {
				out = append(out, e)
			}
		}
		return out
	}
	switch how {
	case "keep":
		return x
	case "append":
		return join(x.Items, y.Items)
	case "prepend":
		return join(y.Items, x.Items)
	case "append_rp":
		return join(without(x.Items, y.Items), y.Items)
	case "prepend_rp":
		return join(y.Items, without(x.Items, y.Items))
	}
	return y
}

func filterSubelements(c *call) (any, error) {
	var elements []any
	if o, ok := asMapping(c.self); ok {
		for _, k := range o.Keys() {
			v, _ := o.Get(k)
			elements = append(elements, v)
		}
	} else {
		if !isList(c.self) {
			return nil, typef("obj must be a list of dicts or a nested dict")
		}
		elements = c.items(c.self)
	}
	var keys []any
	switch t := c.args[0].(type) {
	case *value.List:
		keys = t.Items
	case string:
		keys = pathKeys(t)
	default:
		return nil, typef("subelements must be a list or a string")
	}
	var out []any
	for _, e := range elements {
		v := e
		missing := false
		for _, k := range keys {
			o, ok := asMapping(bare(v))
			if !ok {
				return nil, typef("the key \"%s\" should point to a dictionary", Str(k))
			}
			next, ok := o.Get(k)
			if !ok {
				if !c.bool(1) {
					return nil, typef("could not find %s key in iterated item %s", Repr(k), Repr(o))
				}
				missing = true
				break
			}
			v = next
		}
		if missing {
			continue
		}
		if !isList(bare(v)) {
			return nil, typef("the key %s should point to a list", Repr(c.args[0]))
		}
		for _, s := range c.items(v) {
			out = append(out, value.Tuple{e, s})
		}
	}
	return list(out), nil
}

func filterRekey(c *call) (any, error) {
	how := c.str(1)
	if how != "error" && how != "overwrite" {
		return nil, typef("duplicates parameter to rekey_on_member has unknown value: %s", how)
	}
	items := []any{}
	switch {
	case isList(c.self):
		items = c.items(c.self)
	default:
		o := c.mapping(c.self, "Type is not a valid list, set, or dict")
		for _, k := range o.Keys() {
			v, _ := o.Get(k)
			items = append(items, v)
		}
	}
	out := value.NewDict()
	for _, e := range items {
		o, ok := asMapping(bare(e))
		if !ok {
			return nil, typef("List item is not a valid dict")
		}
		k, ok := o.Get(c.args[0])
		if !ok {
			return nil, typef("%s was not found", Str(c.args[0]))
		}
		if u, ok := k.(value.Unknown); ok {
			return u, nil
		}
		if _, dup := out.Get(k); dup && how == "error" {
			return nil, typef("Key %s is not unique, cannot correctly turn into dict", Str(k))
		}
		out.Set(k, e)
	}
	return out, nil
}

// keysFilter is keep_keys or remove_keys for a list of dicts.
func keysFilter(name string, keep bool) {
	addFilter(define(name, "target matching_parameter='equal'", shallow, func(c *call) (any, error) {
		if c.str(1) != "equal" {
			return nil, unsupportedErr(name + " with matching_parameter " + c.str(1) + " is not supported yet")
		}
		targets := newSet(nil)
		if isList(c.args[0]) {
			targets = newSet(c.items(c.args[0]))
		} else {
			targets.add(c.args[0])
		}
		var out []any
		for _, e := range c.items(c.self) {
			o := c.mapping(bare(e), name+" needs a list of dictionaries")
			d := value.NewDict()
			for _, k := range o.Keys() {
				if v, _ := o.Get(k); targets.has(k) == keep {
					d.Set(k, v)
				}
			}
			out = append(out, d)
		}
		return list(out), nil
	}))
}
