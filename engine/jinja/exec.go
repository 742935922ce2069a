package jinja

import (
	"rp/engine/value"
)

func (in *interp) execAll(body []stmt, out *output) error {
	for _, s := range body {
		if err := s.exec(in, out); err != nil {
			return err
		}
	}
	return nil
}

func (s *textStmt) exec(in *interp, out *output) error {
	if err := in.step(); err != nil {
		return in.errorAt(s.p, err)
	}
	return in.errorAt(s.p, in.write(out, s.text))
}

func (s *outputStmt) exec(in *interp, out *output) error {
	v, err := s.x.eval(in)
	if err != nil {
		return err
	}
	return in.errorAt(s.x.place(), in.write(out, v))
}

// decide is x as a condition of a statement: where it is unknown, so is
// everything that the statement would do.
func (in *interp) decide(x expr) (bool, error) {
	t, err := in.truth(x)
	if err != nil {
		return false, err
	}
	if t.IsUnknown() {
		return false, &unknownResult{value.Unknown{After: t.After}}
	}
	return t.IsTrue(), nil
}

func (s *ifStmt) exec(in *interp, out *output) error {
	yes, err := in.decide(s.test)
	if err != nil {
		return err
	}
	if yes {
		return in.execAll(s.body, out)
	}
	return in.execAll(s.other, out)
}

func (s *setStmt) exec(in *interp, _ *output) error {
	v, err := s.x.eval(in)
	if err != nil {
		return err
	}
	return in.errorAt(s.p, in.assign(s.target, v))
}

// assign gives the names of t the value v.
func (in *interp) assign(t target, v any) error {
	switch {
	case t.parts != nil:
		items, err := in.iterate(v)
		if err != nil {
			return err
		}
		if len(items) > len(t.parts) {
			return typef("too many values to unpack (expected %d)", len(t.parts))
		}
		if len(items) < len(t.parts) {
			return typef("not enough values to unpack (expected %d, got %d)", len(t.parts), len(items))
		}
		for i, p := range t.parts {
			if err := in.assign(p, items[i]); err != nil {
				return err
			}
		}
	case t.attr != "":
		held, err := in.lookup(t.name)
		if err != nil {
			return err
		}
		ns, ok := held.(*namespace)
		if !ok {
			return typef("cannot assign attribute on non-namespace object")
		}
		ns.names.Set(t.attr, v)
	default:
		in.scope.set(t.name, v)
	}
	return nil
}

func (s *setBlockStmt) exec(in *interp, _ *output) error {
	v, err := in.capture(s.body, in.nested())
	if err != nil {
		return err
	}
	if v, err = in.filterAll(s.filters, v); err != nil {
		return err
	}
	return in.errorAt(s.p, in.assign(s.target, v))
}

// capture is the text that body writes in the scope of c.
func (in *interp) capture(body []stmt, c *interp) (any, error) {
	var o output
	if err := c.execAll(body, &o); err != nil {
		return nil, err
	}
	return in.asText(&o)
}

// filterAll applies the filters of a filter or set block to v.
func (in *interp) filterAll(filters []*filterExpr, v any) (any, error) {
	for _, f := range filters {
		var err error
		if v, err = f.apply(in, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *filterStmt) exec(in *interp, out *output) error {
	v, err := in.capture(s.body, in.nested())
	if err != nil {
		return err
	}
	if v, err = in.filterAll(s.filters, v); err != nil {
		return err
	}
	return in.errorAt(s.p, in.write(out, v))
}

func (s *withStmt) exec(in *interp, out *output) error {
	c := in.nested()
	for i, t := range s.targets {
		v, err := s.values[i].eval(in)
		if err != nil {
			return err
		}
		if err := c.assign(t, v); err != nil {
			return in.errorAt(t.p, err)
		}
	}
	return c.execAll(s.body, out)
}

// namespace is what namespace() makes: names that inner scopes can change.
type namespace struct{ names *value.Dict }

func (*namespace) typeName() string { return "Namespace" }
func (*namespace) storable() bool   { return false }

func (n *namespace) attr(name string) (any, bool) { return n.names.Get(name) }
