package jinja

import (
	"context"

	"rp/engine/diag"
	"rp/engine/value"
)

// interp evaluates the nodes of one tree with one set of names.
type interp struct {
	ctx    context.Context
	env    *Env
	vars   Vars   // the variables of the play
	run    *run   // what the whole evaluation shares
	memo   *memo  // the variables that were looked up already
	scope  *scope // names that the template itself gave
	top    *scope // the outermost of this template, which its blocks see
	base   diag.Pos
	source string
	chain  *chain // the blocks of a template that extends others
	o      Options
}

// run is what all parts of one evaluation share: its bounds.
type run struct {
	limits Limits
	steps  int
	depth  int
	made   int // bytes of text made
	// under are the templates that are being rendered.
	under []value.Template
	// mutates says that variables must be copied before the template sees them.
	mutates bool
}

// memo holds variables that were templates, rendered, and copies of all that
// were looked up where the template changes values in place.
type memo struct{ kept map[string]any }

func (m *memo) keep(name string, v any) {
	if m.kept == nil {
		m.kept = map[string]any{}
	}
	m.kept[name] = v
}

// scope holds the names that a template gave, innermost first.
type scope struct {
	names  map[string]any
	parent *scope
}

func (s *scope) set(name string, v any) {
	if s.names == nil {
		s.names = map[string]any{}
	}
	s.names[name] = v
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

var noEnv = &Env{}

func newInterp(ctx context.Context, env *Env, vars Vars, t *tree, pos diag.Pos) *interp {
	if env == nil {
		env = noEnv
	}
	if vars == nil {
		vars = MapVars(nil)
	}
	top := &scope{}
	return &interp{
		ctx: ctx, env: env, vars: vars, memo: &memo{}, scope: top, top: top, base: pos, source: t.source, o: t.o,
		run: &run{limits: env.Limits.withDefaults(), mutates: t.mutates},
	}
}

// nested is in with a scope inside its own.
func (in *interp) nested() *interp {
	c := *in
	c.scope = &scope{parent: in.scope}
	return &c
}

// step counts one unit of work and ends an evaluation that takes too many, or
// whose context is done.
func (in *interp) step() error { return in.steps(1) }

func (in *interp) steps(n int) error {
	before := in.run.steps
	in.run.steps += n
	if in.run.steps > in.run.limits.MaxSteps {
		return limitErr("the template takes too many steps")
	}
	if before>>8 != in.run.steps>>8 {
		if err := in.ctx.Err(); err != nil {
			return context.Cause(in.ctx)
		}
	}
	return nil
}

// deeper counts a level of nesting; the caller calls leave in the end.
func (in *interp) deeper() error {
	in.run.depth++
	if in.run.depth > in.run.limits.MaxDepth {
		return &Error{Expr: in.source, Pos: in.base, Kind: Recursion, Msg: "maximum recursion depth exceeded"}
	}
	return nil
}

func (in *interp) leave() { in.run.depth-- }

// fits refuses text of n bytes that would go over the bound.
func (in *interp) fits(n int) error {
	if n < 0 || n > in.run.limits.MaxOutput {
		return limitErr("the text is too large")
	}
	return nil
}

// maxItems bounds lists that an expression makes.
const maxItems = 5_000_000

func (in *interp) fitsItems(n int) error {
	if n < 0 || n > maxItems {
		return limitErr("the list is too large")
	}
	return in.steps(n / 8)
}

// lookup is the variable or function called name, Undefined where there is none.
func (in *interp) lookup(name string) (any, error) {
	if v, ok := in.scope.get(name); ok {
		return v, nil
	}
	if v, ok := in.memo.kept[name]; ok {
		return v, nil
	}
	v, ok := in.vars.Lookup(name)
	if !ok {
		return in.global(name), nil
	}
	kept := in.run.mutates
	if _, isTemplate := v.(value.Template); isTemplate {
		kept = true
	}
	v, err := in.force(v)
	if err == nil && in.run.mutates {
		v, err = in.copied(v)
	}
	if err == nil && kept {
		in.memo.keep(name, v)
	}
	return v, err
}

// global is what stands behind a name that is no variable.
func (in *interp) global(name string) any {
	switch name {
	case "omit":
		return value.Omit{}
	case "vars":
		return varsObject{in.vars}
	case "self":
		if in.chain != nil {
			return &selfBlocks{in}
		}
	}
	if b, ok := functions[name]; ok {
		return b
	}
	return value.Undefined{Name: name}
}

// varsObject is all variables as one mapping.
type varsObject struct{ vars Vars }

func (o varsObject) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	return o.vars.Lookup(name)
}

func (o varsObject) Keys() []any {
	names := o.vars.Names()
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}
