package jinja

import (
	"context"
	"errors"

	"rp/engine/diag"
	"rp/engine/value"
)

// Render gives v with every template in it evaluated and every pending value
// waited for. Entries of dicts and lists that come to omit are left out; unknown
// and secret values stay where they are. v itself is not changed.
func Render(ctx context.Context, env *Env, vars Vars, v any) (any, error) {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	}
	in := newInterp(ctx, env, vars, &tree{}, diag.Pos{})
	return in.render(v)
}

func (in *interp) render(v any) (any, error) {
	if t, ok := v.(value.Template); ok {
		// Not by force, which makes an undefined value of an error that has its place.
		v, err := in.renderTemplate(t)
		if err != nil {
			return unknownOf(err)
		}
		return v, nil
	}
	v, err := in.force(v)
	if err != nil {
		return nil, err
	}
	switch t := v.(type) {
	case value.Undefined:
		return nil, in.errorAt(place{}, undefErr{t})
	case *value.List:
		out := &value.List{Items: make([]any, 0, len(t.Items))}
		for _, e := range t.Items {
			e, err := in.render(e)
			if err != nil {
				return nil, err
			}
			if _, omit := e.(value.Omit); !omit {
				out.Append(e)
			}
		}
		return out, nil
	case *value.Dict:
		return in.renderDict(t)
	case value.Secret:
		w, err := in.render(t.V)
		return seal(w), err
	}
	return in.settle(v, diag.Pos{})
}

func (in *interp) renderDict(d *value.Dict) (any, error) {
	out := value.NewDict()
	for k, e := range d.All() {
		k, err := in.render(k)
		if err != nil {
			return nil, err
		}
		if !value.Hashable(k) {
			return nil, in.errorAt(place{}, typef("unhashable type: '%s'", TypeName(k)))
		}
		if e, err = in.render(e); err != nil {
			return nil, err
		}
		if _, omit := e.(value.Omit); !omit {
			out.Set(k, e)
		}
	}
	return out, nil
}

// Var is the variable called name, rendered; an undefined one is an [*Error].
func Var(ctx context.Context, env *Env, vars Vars, name string) (any, error) {
	in := newInterp(ctx, env, vars, &tree{source: name}, diag.Pos{})
	v, err := in.lookup(name)
	if err != nil {
		return unknownOf(err)
	}
	return in.result(v, diag.Pos{})
}

// Condition is a condition of when, failed_when, until and their like: a bool,
// an expression as text or [*Expr], a template, or a list of them that must
// all hold. Nothing (nil, an empty text) holds. Text that a template gives is
// read as an expression once more, as Ansible does, but without lookups.
func Condition(ctx context.Context, env *Env, vars Vars, cond any) (Truth, error) {
	switch c := cond.(type) {
	case nil:
		return True, nil
	case *Expr:
		return c.Truth(ctx, env, vars)
	case *Template:
		return templateCondition(ctx, env, vars, c)
	case value.Template:
		t, err := Parse(c.Source, c.Pos, PlaybookOptions())
		if err != nil {
			return False, err
		}
		return templateCondition(ctx, env, vars, t)
	case string:
		if c == "" {
			return True, nil
		}
		if HasTemplate(c) {
			return Condition(ctx, env, vars, value.Template{Source: c})
		}
		x, err := ParseExpr(c, diag.Pos{})
		if err != nil {
			return False, err
		}
		return x.Truth(ctx, env, vars)
	case *value.List:
		all := True
		for _, e := range c.Items {
			t, err := Condition(ctx, env, vars, e)
			if err != nil && all.IsUnknown() {
				return all, nil //nolint:nilerr // a later condition may rely on the unknown one
			}
			if all = all.And(t); err != nil || all.IsFalse() {
				return all, err
			}
		}
		return all, nil
	}
	return Truthy(cond), nil
}

// templateCondition is a condition with {{ }} in it.
func templateCondition(ctx context.Context, env *Env, vars Vars, t *Template) (Truth, error) {
	v, err := t.Eval(ctx, env, vars)
	if err != nil {
		return False, err
	}
	s, ok := bare(v).(string)
	if !ok {
		return Truthy(v), nil
	}
	x, err := ParseExpr(s, t.pos)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && len(t.body) == 1 {
			// One variable whose text is no expression: its text counts.
			return Truthy(s), nil
		}
		return False, err
	}
	closed := &Env{}
	if env != nil {
		*closed = *env
		closed.Lookup, closed.Include = nil, nil
	}
	return x.Truth(ctx, closed, vars)
}
