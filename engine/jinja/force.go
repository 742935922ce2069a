package jinja

import (
	"errors"
	"slices"

	"rp/engine/diag"
	"rp/engine/value"
)

// force makes v usable: a template is rendered, a pending value waited for.
// What it holds is left as it is.
func (in *interp) force(v any) (any, error) {
	switch t := v.(type) {
	case nil, bool, int64, float64, string, *value.List, *value.Dict:
		return v, nil
	case value.Template:
		return in.lazy(t)
	case *value.Pending:
		w, err := t.Wait(in.ctx)
		if err != nil {
			return nil, err
		}
		return in.force(w)
	case value.Secret:
		w, err := in.force(t.V)
		return seal(w), err
	case int, []any, []string, map[string]any:
		return value.FromGo(v), nil
	}
	return v, nil
}

// seal marks v as secret. Marks that say that there is no value stay as they are.
func seal(v any) any {
	switch v.(type) {
	case value.Secret, value.Undefined, value.Unknown, value.Omit:
		return v
	}
	return value.Secret{V: v}
}

// lazy renders the template that a variable holds. What is undefined in it
// makes the variable undefined.
func (in *interp) lazy(t value.Template) (any, error) {
	if slices.Contains(in.run.under, t) {
		return nil, &Error{Pos: t.Pos, Expr: t.Source, Kind: Recursion, Msg: "recursive loop detected in template string: " + t.Source}
	}
	v, err := in.renderTemplate(t)
	var e *Error
	if errors.As(err, &e) && e.Kind == Undefined {
		return value.Undefined{Name: t.Source, Hint: e.Msg}, nil
	}
	var u *unknownResult
	if errors.As(err, &u) {
		return u.u, nil
	}
	return v, err
}

// renderTemplate evaluates t with the variables of the play alone.
func (in *interp) renderTemplate(t value.Template) (any, error) {
	if err := in.deeper(); err != nil {
		return nil, err
	}
	defer in.leave()
	parsed, err := Parse(t.Source, t.Pos, PlaybookOptions())
	if err != nil {
		return nil, err
	}
	in.run.under = append(in.run.under, t)
	defer func() { in.run.under = in.run.under[:len(in.run.under)-1] }()
	c := &interp{
		ctx: in.ctx, env: in.env, vars: in.vars, memo: in.memo, run: in.run, scope: &scope{},
		base: t.Pos, source: t.Source, o: parsed.o,
	}
	v, err := c.template(parsed, !in.env.Text)
	if err != nil {
		return nil, err
	}
	return c.settle(v, parsed.pos)
}

// deep renders v and all that it holds. What needs no rendering is not copied.
func (in *interp) deep(v any) (any, error) {
	m, err := in.scan(v)
	if err != nil || m&(hasTemplate|hasPending|hasScoped) == 0 {
		return v, err
	}
	return in.deepCopy(v, func(e any) (any, error) { return in.force(e) })
}

// copied is v rendered, with lists and dicts of its own.
func (in *interp) copied(v any) (any, error) {
	if _, err := in.scan(v); err != nil {
		return nil, err
	}
	return in.deepCopy(v, func(e any) (any, error) { return in.force(e) })
}

// deepCopy maps every value in v by leaf, building new lists and dicts.
func (in *interp) deepCopy(v any, leaf func(any) (any, error)) (any, error) {
	v, err := leaf(v)
	if err != nil {
		return nil, err
	}
	switch t := v.(type) {
	case *value.List:
		items, err := in.deepItems(t.Items, leaf)
		return &value.List{Items: items}, err
	case value.Tuple:
		items, err := in.deepItems(t, leaf)
		return value.Tuple(items), err
	case *value.Dict:
		out := value.NewDict()
		for k, e := range t.All() {
			if k, err = leaf(k); err != nil {
				return nil, err
			}
			if e, err = in.deepCopy(e, leaf); err != nil {
				return nil, err
			}
			out.Set(k, e)
		}
		return out, nil
	case value.Secret:
		w, err := in.deepCopy(t.V, leaf)
		return seal(w), err
	case Scoped:
		return in.scoped(t)
	}
	return v, nil
}

func (in *interp) deepItems(items []any, leaf func(any) (any, error)) ([]any, error) {
	out := make([]any, len(items))
	for i, e := range items {
		var err error
		if out[i], err = in.deepCopy(e, leaf); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scoped renders the whole of an object that has its own variables.
func (in *interp) scoped(o Scoped) (any, error) {
	out := value.NewDict()
	for _, k := range o.Keys() {
		v, _ := o.Get(k)
		v, err := in.scopedValue(o, v)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

// scopedValue renders v, which o holds, with o's variables.
func (in *interp) scopedValue(o Scoped, v any) (any, error) {
	m, err := in.scan(v)
	if err != nil || m&(hasTemplate|hasPending) == 0 {
		return v, err
	}
	if err := in.deeper(); err != nil {
		return nil, err
	}
	defer in.leave()
	r := *in.run
	r.under = nil
	c := &interp{ctx: in.ctx, env: in.env, vars: o.Scope(), memo: &memo{}, run: &r, scope: &scope{}, base: diag.Pos{}, source: in.source}
	v, err = c.deepCopy(v, func(e any) (any, error) { return c.force(e) })
	in.run.steps, in.run.made = r.steps, r.made
	return v, err
}
