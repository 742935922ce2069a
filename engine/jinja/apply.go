package jinja

import (
	"strings"

	"rp/engine/value"
)

// collections are the prefixes under which Ansible's own filters, tests and
// functions may be named in full.
var collections = []string{"ansible.builtin.", "ansible.legacy.", "ansible.utils.", "ansible.netcommon.", "community.general."}

// find is the builtin called name in table, with or without its collection.
func find(table map[string]*builtin, name string) *builtin {
	if b := table[name]; b != nil {
		return b
	}
	for _, c := range collections {
		if rest, ok := strings.CutPrefix(name, c); ok {
			return table[rest]
		}
	}
	return nil
}

func (n *filterExpr) eval(in *interp) (any, error) {
	x, err := n.x.eval(in)
	if err != nil {
		return nil, err
	}
	return n.apply(in, x)
}

// apply is x | n.
func (n *filterExpr) apply(in *interp, x any) (any, error) {
	b := find(filters, n.name)
	if b == nil {
		return nil, in.errorAt(n.p, noFilter(n.name))
	}
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	pos, kw, err := in.args(&n.args)
	if err != nil {
		return nil, err
	}
	v, err := in.invoke(b, x, pos, kw)
	return v, in.errorAt(n.p, err)
}

func noFilter(name string) error {
	return &Error{Kind: Syntax, Msg: "Could not load \"" + name + "\": No filter named '" + name + "'."}
}

func noTest(name string) error {
	return &Error{Kind: Syntax, Msg: "Could not load \"" + name + "\": No test named '" + name + "'."}
}

func (n *testExpr) eval(in *interp) (any, error) {
	b := find(tests, n.name)
	if b == nil {
		return nil, in.errorAt(n.p, noTest(n.name))
	}
	x, err := n.subject(in)
	if err != nil {
		return nil, err
	}
	if err := in.step(); err != nil {
		return nil, in.errorAt(n.p, err)
	}
	pos, kw, err := in.args(&n.args)
	if err != nil {
		return nil, err
	}
	v, err := in.test(b, x, pos, kw)
	return v.value(), in.errorAt(n.p, err)
}

// test is the answer of b for x.
func (in *interp) test(b *builtin, x any, pos []any, kw []kwarg) (Truth, error) {
	v, err := in.invoke(b, x, pos, kw)
	if err != nil {
		return False, err
	}
	return in.truthy(v)
}

// subject is what is tested. Whether something is defined is answered without
// waiting for a pending value, and is unknown for a part of what is unknown.
func (n *testExpr) subject(in *interp) (any, error) {
	if n.name != "defined" && n.name != "undefined" {
		return n.x.eval(in)
	}
	switch x := n.x.(type) {
	case *nameExpr:
		if _, local := in.scope.get(x.name); !local {
			if v, ok := in.vars.Lookup(x.name); ok {
				switch v.(type) {
				case *value.Pending, value.Unknown:
					return true, nil
				}
			}
		}
	case *attrExpr:
		return in.part(x.x, func(v any) (any, error) { return in.attr(v, x.name) })
	case *itemExpr:
		return in.part(x.x, func(v any) (any, error) {
			key, err := x.key.eval(in)
			if err != nil {
				return nil, err
			}
			return in.item(v, key)
		})
	}
	v, err := n.x.eval(in)
	if _, ok := v.(value.Unknown); ok {
		return true, err
	}
	return v, err
}

// part is what get finds in x. Something known that is unknown itself is there;
// a part of the unknown may be.
func (in *interp) part(x expr, get func(any) (any, error)) (any, error) {
	v, err := x.eval(in)
	if err != nil {
		return nil, err
	}
	if u, ok := bare(v).(value.Unknown); ok {
		return partUnknown{u}, nil
	}
	v, err = get(v)
	if _, ok := v.(value.Unknown); ok {
		return true, err
	}
	return v, in.errorAt(x.place(), err)
}

// partUnknown stands for a part of u, which may or may not be there.
type partUnknown struct{ u value.Unknown }
