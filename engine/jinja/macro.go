package jinja

import (
	"rp/engine/value"
)

// macro is a macro with the names that it sees.
type macro struct {
	def *macroDef
	in  *interp // where it was defined
}

func (*macro) typeName() string { return "Macro" }
func (*macro) storable() bool   { return false }

func (m *macro) attr(name string) (any, bool) {
	switch name {
	case "name":
		return m.def.name, true
	case "arguments":
		names := value.Tuple{}
		for _, p := range m.def.params {
			names = append(names, p.name)
		}
		return names, true
	case "catch_kwargs":
		return m.def.kwargs, true
	case "catch_varargs":
		return m.def.varargs, true
	case "caller":
		return m.def.isCaller, true
	}
	return nil, false
}

func (s *macroDef) exec(in *interp, _ *output) error {
	in.scope.set(s.name, &macro{s, in})
	return nil
}

func (m *macro) invoke(caller *interp, pos []any, kw []kwarg) (any, error) {
	c := m.in.nested()
	c.run = caller.run
	if err := c.deeper(); err != nil {
		return nil, err
	}
	defer c.leave()
	if err := m.bind(c, pos, kw); err != nil {
		return nil, err
	}
	return c.capture(m.def.body, c)
}

// bind gives the parameters their names in c.
func (m *macro) bind(c *interp, pos []any, kw []kwarg) error {
	given := map[string]bool{}
	n := min(len(pos), len(m.def.params))
	for i := range n {
		c.scope.set(m.def.params[i].name, pos[i])
		given[m.def.params[i].name] = true
	}
	rest := value.NewDict()
	for _, k := range kw {
		switch {
		case k.name == "caller" && m.def.isCaller:
			c.scope.set("caller", k.v)
			given["caller"] = true
		case m.has(k.name) && given[k.name]:
			return typef("macro '%s' got multiple values for argument '%s'", m.def.name, k.name)
		case m.has(k.name):
			c.scope.set(k.name, k.v)
			given[k.name] = true
		default:
			rest.Set(k.name, k.v)
		}
	}
	if err := m.defaults(c, given); err != nil {
		return err
	}
	if m.def.isCaller && !given["caller"] {
		c.scope.set("caller", value.Undefined{Name: "caller", Hint: "No caller defined"})
	}
	switch {
	case m.def.kwargs:
		c.scope.set("kwargs", rest)
	case rest.Len() > 0:
		return typef("macro '%s' takes no keyword argument '%s'", m.def.name, Str(rest.Keys()[0]))
	}
	switch {
	case m.def.varargs:
		c.scope.set("varargs", value.Tuple(pos[n:]))
	case len(pos) > n:
		return typef("macro '%s' takes not more than %d argument(s)", m.def.name, n)
	}
	return nil
}

func (m *macro) has(name string) bool {
	for _, p := range m.def.params {
		if p.name == name {
			return true
		}
	}
	return false
}

func (m *macro) defaults(c *interp, given map[string]bool) error {
	for _, p := range m.def.params {
		if given[p.name] {
			continue
		}
		if p.def == nil {
			c.scope.set(p.name, value.Undefined{Name: p.name, Hint: "parameter '" + p.name + "' was not provided"})
			continue
		}
		v, err := p.def.eval(c)
		if err != nil {
			return err
		}
		c.scope.set(p.name, v)
	}
	return nil
}

func (s *callStmt) exec(in *interp, out *output) error {
	fn, err := s.call.fn.eval(in)
	if err != nil {
		return err
	}
	pos, kw, err := in.args(&s.call.args)
	if err != nil {
		return err
	}
	f, ok := fn.(callable)
	if !ok {
		_, err := s.call.call(in, fn)
		return err
	}
	kw = append(kw, kwarg{"caller", &macro{s.body, in}})
	v, err := f.invoke(in, pos, kw)
	if err != nil {
		return in.errorAt(s.call.p, err)
	}
	return in.errorAt(s.p, in.write(out, v))
}
