package jinja

import (
	"fmt"
	"strings"

	"rp/engine/value"
)

// kwarg is one argument given by name.
type kwarg struct {
	name string
	v    any
}

// callable is what may be called with ( ).
type callable interface {
	invoke(in *interp, args []any, kw []kwarg) (any, error)
}

// method is a builtin bound to the value that it is called on.
type method struct {
	b    *builtin
	self any
}

func (m *method) invoke(in *interp, args []any, kw []kwarg) (any, error) {
	return in.invoke(m.b, m.self, args, kw)
}
func (*method) typeName() string    { return "builtin_function_or_method" }
func (*method) storable() bool      { return false }
func (b *builtin) typeName() string { return "function" }
func (b *builtin) storable() bool   { return false }

func (b *builtin) invoke(in *interp, args []any, kw []kwarg) (any, error) {
	return in.invoke(b, nil, args, kw)
}

func (n *callExpr) eval(in *interp) (any, error) {
	if a, ok := n.fn.(*attrExpr); ok {
		return n.evalMethod(in, a)
	}
	fn, err := n.fn.eval(in)
	if err != nil {
		return nil, err
	}
	return n.call(in, fn)
}

// evalMethod calls x.name(…) without making the bound method first.
func (n *callExpr) evalMethod(in *interp, a *attrExpr) (any, error) {
	x, err := a.x.eval(in)
	if err != nil {
		return nil, err
	}
	if b := methodOf(bare(x), a.name); b != nil {
		pos, kw, err := in.args(&n.args)
		if err != nil {
			return nil, err
		}
		v, err := in.invoke(b, x, pos, kw)
		return v, in.errorAt(n.p, err)
	}
	fn, err := in.attr(x, a.name)
	if err != nil {
		return nil, in.errorAt(n.p, err)
	}
	return n.call(in, fn)
}

func (n *callExpr) call(in *interp, fn any) (any, error) {
	switch f := bare(fn).(type) {
	case value.Undefined:
		return nil, in.errorAt(n.p, undefErr{f})
	case value.Unknown:
		return f, nil
	case callable:
		pos, kw, err := in.args(&n.args)
		if err != nil {
			return nil, err
		}
		if err := in.step(); err != nil {
			return nil, in.errorAt(n.p, err)
		}
		v, err := f.invoke(in, pos, kw)
		return v, in.errorAt(n.p, err)
	}
	return nil, in.errorAt(n.p, typef("'%s' object is not callable", TypeName(fn)))
}

// args evaluates the arguments of a call.
func (in *interp) args(a *args) (pos []any, kw []kwarg, err error) {
	if len(a.pos) > 0 {
		if pos, err = in.evalAll(a.pos); err != nil {
			return nil, nil, err
		}
	}
	if a.star != nil {
		v, err := a.star.eval(in)
		if err != nil {
			return nil, nil, err
		}
		items, err := in.iterate(v)
		if err != nil {
			return nil, nil, in.errorAt(a.star.place(), err)
		}
		pos = append(pos, items...)
	}
	for _, k := range a.kw {
		v, err := k.x.eval(in)
		if err != nil {
			return nil, nil, err
		}
		kw = append(kw, kwarg{k.name, v})
	}
	if a.starStar != nil {
		v, err := a.starStar.eval(in)
		if err != nil {
			return nil, nil, err
		}
		o, ok := asMapping(bare(v))
		if !ok {
			return nil, nil, in.errorAt(a.starStar.place(), typef("argument after ** must be a mapping, not %s", TypeName(v)))
		}
		for _, k := range o.Keys() {
			e, _ := o.Get(k)
			if e, err = in.entry(o, e); err != nil {
				return nil, nil, in.errorAt(a.starStar.place(), err)
			}
			kw = append(kw, kwarg{Str(k), e})
		}
	}
	return pos, kw, nil
}

// iterate is the items that a loop over v takes.
func (in *interp) iterate(v any) ([]any, error) {
	switch t := v.(type) {
	case value.Undefined:
		return nil, undefErr{t}
	case value.Unknown:
		return nil, &unknownResult{t}
	case value.Secret:
		items, err := in.iterate(t.V)
		out := make([]any, len(items))
		for i, e := range items {
			out[i] = seal(e)
		}
		return out, err
	case *value.List:
		return in.forced(t.Items)
	case value.Tuple:
		return in.forced(t)
	case value.Object:
		return t.Keys(), in.steps(len(t.Keys()))
	case string:
		out := make([]any, 0, len(t))
		for _, r := range t {
			out = append(out, string(r))
		}
		return out, in.steps(len(out))
	}
	return nil, typef("'%s' object is not iterable", TypeName(v))
}

// forced is items with templates rendered; items itself where there are none.
func (in *interp) forced(items []any) ([]any, error) {
	if err := in.steps(len(items)); err != nil {
		return nil, err
	}
	copied := false
	for i, e := range items {
		switch e.(type) {
		case value.Template, *value.Pending, value.Secret:
		default:
			continue
		}
		v, err := in.force(e)
		if err != nil {
			return nil, err
		}
		if !copied {
			items, copied = append([]any(nil), items...), true
		}
		items[i] = v
	}
	return items, nil
}

// flags say how a builtin takes arguments that carry marks. Without flags
// every argument is rendered; an undefined value anywhere in them is an error,
// an unknown one makes the result unknown, a secret one makes it secret.
type flags uint8

const (
	// shallow: what lists and dicts hold passes through with its marks; only the marks of the arguments themselves count.
	shallow flags = 1 << iota
	// raw: the function gets all arguments as they are.
	raw
	// undef: an argument may be undefined.
	undef
	// open: the result tells nothing of a secret (lengths, tests).
	open
	// noRender: arguments are not rendered inside; of use with shallow.
	noRender
)

// param is one parameter of a builtin.
type param struct {
	name     string
	def      any
	required bool
}

// builtin is a filter, test, method or function.
type builtin struct {
	name   string
	params []param
	rest   bool // takes more positional arguments
	kwrest bool // takes any named arguments
	flags  flags
	fn     func(*call) (any, error)
}

// call is one call of a builtin. self is the value that a filter, test or
// method is applied to; args are its parameters in order.
type call struct {
	in   *interp
	b    *builtin
	self any
	args []any
	set  uint64
	rest []any
	kw   []kwarg
	err  error // the first wrong argument that an accessor met
}

// invoke calls b as its flags say.
func (in *interp) invoke(b *builtin, self any, pos []any, kw []kwarg) (any, error) {
	c := &call{in: in, b: b, self: self}
	if err := c.bind(pos, kw); err != nil {
		return nil, err
	}
	if b.flags&raw != 0 {
		return c.run()
	}
	secret, unknown, err := c.clear()
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return *unknown, nil
	}
	v, err := c.run()
	if err != nil && secret {
		return nil, hidden(b.name+"()", err)
	}
	if err != nil || !secret || b.flags&open != 0 {
		return v, err
	}
	return seal(v), nil
}

// hidden is err without its text, which may quote a secret argument.
func hidden(what string, err error) error {
	switch err.(type) { //nolint:errorlint // what wraps one of these may quote more
	case limitErr, unsupportedErr, *unknownResult:
		return err
	}
	return typef("%s failed; why is not shown, since an argument is secret", what)
}

func (c *call) run() (any, error) {
	v, err := c.b.fn(c)
	if c.err != nil {
		return nil, c.err
	}
	return v, err
}

// each applies f to every argument of c.
func (c *call) each(f func(any) (any, error)) (err error) {
	if c.self, err = f(c.self); err != nil {
		return err
	}
	for i := range c.args {
		if c.args[i], err = f(c.args[i]); err != nil {
			return err
		}
	}
	for i := range c.rest {
		if c.rest[i], err = f(c.rest[i]); err != nil {
			return err
		}
	}
	for i := range c.kw {
		if c.kw[i].v, err = f(c.kw[i].v); err != nil {
			return err
		}
	}
	return nil
}

// clear takes the marks off the arguments, as far as the flags say.
func (c *call) clear() (secret bool, unknown *value.Unknown, err error) {
	err = c.each(func(v any) (any, error) {
		switch v.(type) {
		case nil, bool, int64, float64, string:
			return v, nil
		}
		if c.b.flags&shallow == 0 {
			return c.clearDeep(v, &secret, &unknown)
		}
		if c.b.flags&noRender == 0 {
			if v, err = c.in.deep(v); err != nil {
				return nil, err
			}
		}
		switch t := v.(type) {
		case value.Undefined:
			if c.b.flags&undef == 0 {
				return nil, undefErr{t}
			}
		case value.Unknown:
			if unknown == nil {
				unknown = &t
			}
		case value.Secret:
			secret = true
			return t.V, nil
		}
		return v, nil
	})
	return secret, unknown, err
}

func (c *call) clearDeep(v any, secret *bool, unknown **value.Unknown) (any, error) {
	if _, ok := v.(value.Undefined); ok && c.b.flags&undef != 0 {
		return v, nil
	}
	p, s, u, err := c.in.plain(v)
	if err != nil {
		return nil, err
	}
	*secret = *secret || s
	if *unknown == nil {
		*unknown = u
	}
	return p, nil
}

// bind puts arguments to parameters.
func (c *call) bind(pos []any, kw []kwarg) error {
	b := c.b
	if len(b.params) > 0 {
		c.args = make([]any, len(b.params))
	}
	n := copy(c.args, pos)
	if n < len(pos) {
		if !b.rest {
			return typef("%s() takes at most %d argument(s) (%d given)", b.name, len(b.params), len(pos))
		}
		c.rest = pos[n:]
	}
	c.set = 1<<n - 1
	for _, k := range kw {
		i := b.param(k.name)
		switch {
		case i >= 0 && c.set&(1<<i) != 0:
			return typef("%s() got multiple values for argument '%s'", b.name, k.name)
		case i >= 0:
			c.args[i] = k.v
			c.set |= 1 << i
		case b.kwrest:
			c.kw = append(c.kw, k)
		default:
			return typef("%s() got an unexpected keyword argument '%s'", b.name, k.name)
		}
	}
	for i := range b.params {
		if c.set&(1<<i) != 0 {
			continue
		}
		if b.params[i].required {
			return typef("%s() missing 1 required positional argument: '%s'", b.name, b.params[i].name)
		}
		c.args[i] = b.params[i].def
	}
	return nil
}

func (b *builtin) param(name string) int {
	for i := range b.params {
		if b.params[i].name == name {
			return i
		}
	}
	return -1
}

// isSet reports whether the caller gave parameter i.
func (c *call) isSet(i int) bool { return c.set&(1<<i) != 0 }

// define makes a builtin. sig names its parameters: "a b=1 c='x' *rest **kw";
// one without default must be given.
func define(name, sig string, f flags, fn func(*call) (any, error)) *builtin {
	b := &builtin{name: name, flags: f, fn: fn}
	for word := range strings.FieldsSeq(sig) {
		switch {
		case strings.HasPrefix(word, "**"):
			b.kwrest = true
		case strings.HasPrefix(word, "*"):
			b.rest = true
		default:
			b.params = append(b.params, parseParam(word))
		}
	}
	return b
}

func parseParam(word string) param {
	name, def, ok := strings.Cut(word, "=")
	if !ok {
		return param{name: name, required: true}
	}
	x, _, err := parseExpression(lexExpr(def))
	if err != nil {
		panic(fmt.Sprintf("the default of %q: %v", word, err))
	}
	if u, ok := x.(*unaryExpr); ok {
		n, _ := u.x.(*constExpr)
		return param{name: name, def: -n.v.(int64)} //nolint:forcetypeassert // signatures are the program's own
	}
	return param{name: name, def: x.(*constExpr).v} //nolint:forcetypeassert // as above
}
