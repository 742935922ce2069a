package jinja

import (
	"context"
	"errors"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
)

// tree is a parsed source, shared by all templates of that source.
type tree struct {
	source  string
	o       Options
	body    []stmt // of a template
	x       expr   // of an expression
	blocks  map[string]*blockStmt
	mutates bool
	tail    int // newlines at the end of the source
}

// Template is a parsed template at its place.
type Template struct {
	*tree
	pos diag.Pos
}

// Expr is a parsed bare expression at its place.
type Expr struct {
	*tree
	pos diag.Pos
}

// Parse reads a template whose first character stands at pos. A mistake is an
// [*Error] of kind Syntax. Sources are parsed once and kept.
func Parse(src string, pos diag.Pos, o Options) (*Template, error) {
	t, err := parsed.get(cacheKey{src, o, false}, func() (*tree, error) { return parseTree(src, pos, o) })
	if err != nil {
		return nil, err
	}
	return &Template{t, pos}, nil
}

func parseTree(src string, pos diag.Pos, o Options) (*tree, error) {
	full := o.withDefaults()
	body, p, err := parseTemplate(lex(src, full))
	if err != nil {
		return nil, syntaxAt(err, src, pos)
	}
	t := &tree{source: src, o: o, body: body, blocks: p.blocks, mutates: p.mutates}
	if full.Preserve {
		t.tail = len(src) - len(strings.TrimRight(src, "\n"))
	}
	return t, nil
}

// ParseExpr reads a bare expression, as in when.
func ParseExpr(src string, pos diag.Pos) (*Expr, error) {
	t, err := parsed.get(cacheKey{src, Options{}, true}, func() (*tree, error) {
		x, p, err := parseExpression(lexExpr(src))
		if err != nil {
			return nil, syntaxAt(err, src, pos)
		}
		return &tree{source: src, x: x, mutates: p.mutates}, nil
	})
	if err != nil {
		return nil, err
	}
	return &Expr{t, pos}, nil
}

func syntaxAt(err error, src string, pos diag.Pos) error {
	var s *syntaxError
	if !errors.As(err, &s) {
		return err
	}
	return &Error{Pos: s.at.in(pos), Expr: src, Msg: s.msg, Kind: Syntax}
}

// HasTemplate reports whether s holds Jinja2 with the default delimiters.
func HasTemplate(s string) bool {
	for i := strings.IndexByte(s, '{'); i >= 0 && i+1 < len(s); {
		switch s[i+1] {
		case '{', '%', '#':
			return true
		}
		j := strings.IndexByte(s[i+1:], '{')
		if j < 0 {
			return false
		}
		i += 1 + j
	}
	return false
}

// Pos is where t starts.
func (t *Template) Pos() diag.Pos { return t.pos }

// Source is the text that t was made of.
func (t *Template) Source() string { return t.source }

// Pos is where e starts.
func (e *Expr) Pos() diag.Pos { return e.pos }

// Source is the text that e was made of.
func (e *Expr) Source() string { return e.source }

// Eval renders t: one node gives its value with its type, several give text,
// none gives nil. The result holds no template and no pending value; it may be
// or hold value.Unknown, value.Secret and value.Omit. Using what is undefined
// is an [*Error] of kind Undefined.
func (t *Template) Eval(ctx context.Context, env *Env, vars Vars) (any, error) {
	in := newInterp(ctx, env, vars, t.tree, t.pos)
	v, err := in.template(t, !in.env.Text)
	if err != nil {
		return unknownOf(err)
	}
	return in.result(v, t.pos)
}

// RenderText renders t as one text, as the template module does: a string, a
// value.Secret of one, or a value.Unknown.
func (t *Template) RenderText(ctx context.Context, env *Env, vars Vars) (any, error) {
	in := newInterp(ctx, env, vars, t.tree, t.pos)
	v, err := in.template(t, false)
	if err != nil {
		return unknownOf(err)
	}
	return v, nil
}

// RenderString is RenderText without the mark of a secret; text that is not
// known is an [*UnknownError].
func (t *Template) RenderString(ctx context.Context, env *Env, vars Vars) (string, error) {
	v, err := t.RenderText(ctx, env, vars)
	if err != nil {
		return "", err
	}
	if u, ok := v.(value.Unknown); ok {
		return "", &UnknownError{u}
	}
	return Str(bare(v)), nil
}

// Eval gives e's value, as [Template.Eval] does for a template of one node.
func (e *Expr) Eval(ctx context.Context, env *Env, vars Vars) (any, error) {
	in := newInterp(ctx, env, vars, e.tree, e.pos)
	v, err := e.x.eval(in)
	if err != nil {
		return unknownOf(err)
	}
	return in.result(v, e.pos)
}

// Truth is e as a condition: its operands are asked only as far as they decide.
func (e *Expr) Truth(ctx context.Context, env *Env, vars Vars) (Truth, error) {
	in := newInterp(ctx, env, vars, e.tree, e.pos)
	t, err := in.truth(e.x)
	var u *unknownResult
	if errors.As(err, &u) {
		return unknownTruth(u.u), nil
	}
	return t, err
}

// unknownOf makes the end of an evaluation at an unknown condition its answer.
func unknownOf(err error) (any, error) {
	var u *unknownResult
	if errors.As(err, &u) {
		return u.u, nil
	}
	return nil, err
}
