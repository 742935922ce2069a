package jinja

import (
	"rp/engine/diag"
)

// Ref is one use of a variable that the template does not give itself.
type Ref struct {
	Name string
	Pos  diag.Pos
	// Path are the names and texts by which the variable's parts are reached: stat, exists in a.stat["exists"].
	Path []string
	// Guarded says that the variable may be undefined there: it stands before a default, or in a test for
	// being defined, or after such a test of the same name.
	Guarded bool
}

// Refs are the variables that t uses and does not give itself, in source
// order. What it includes is not looked into.
func (t *Template) Refs() []Ref {
	w := &refWalk{base: t.pos, scopes: []map[string]bool{{}}, guarded: map[string]bool{}}
	w.stmts(t.body)
	return w.refs
}

// Refs are the variables that e uses, in source order.
func (e *Expr) Refs() []Ref {
	w := &refWalk{base: e.pos, scopes: []map[string]bool{{}}, guarded: map[string]bool{}}
	w.expr(e.x, nil, false)
	return w.refs
}

// refWalk goes over a tree with the names that are given at each place.
type refWalk struct {
	base    diag.Pos
	scopes  []map[string]bool
	guarded map[string]bool
	refs    []Ref
}

func (w *refWalk) push() func() {
	w.scopes = append(w.scopes, map[string]bool{})
	return func() { w.scopes = w.scopes[:len(w.scopes)-1] }
}

func (w *refWalk) give(names ...string) {
	for _, n := range names {
		w.scopes[len(w.scopes)-1][n] = true
	}
}

func (w *refWalk) target(t target) {
	for _, p := range t.parts {
		w.target(p)
	}
	if t.parts == nil && t.attr == "" {
		w.give(t.name)
	}
}

func (w *refWalk) given(name string) bool {
	for _, s := range w.scopes {
		if s[name] {
			return true
		}
	}
	return false
}

func (w *refWalk) expr(x expr, path []string, guarded bool) {
	switch x := x.(type) {
	case *nameExpr:
		w.name(x, path, guarded)
	case *attrExpr:
		w.expr(x.x, append([]string{x.name}, path...), guarded)
	case *itemExpr:
		w.expr(x.key, nil, false)
		c, ok := x.key.(*constExpr)
		if !ok {
			path = nil
		}
		if ok {
			path = append([]string{Str(c.v)}, path...)
		}
		w.expr(x.x, path, guarded)
	case *filterExpr:
		if x.x != nil {
			w.expr(x.x, nil, x.name == "default" || x.name == "d")
		}
		w.exprs(x.args.all())
	case *testExpr:
		asks := x.name == "defined" || x.name == "undefined"
		w.expr(x.x, nil, asks)
		w.exprs(x.args.all())
		if n := rootName(x.x); asks && n != "" {
			w.guarded[n] = true
		}
	case *condExpr:
		w.expr(x.test, nil, false)
		w.expr(x.then, nil, guarded)
		if x.other != nil {
			w.expr(x.other, nil, guarded)
		}
	default:
		children(x, func(c expr) { w.expr(c, nil, false) })
	}
}

func (w *refWalk) name(x *nameExpr, path []string, guarded bool) {
	if w.given(x.name) || functions[x.name] != nil {
		return
	}
	switch x.name {
	case "loop", "self", "caller", "varargs", "kwargs", "super", "omit":
		return
	}
	w.refs = append(w.refs, Ref{x.name, x.p.in(w.base), path, guarded || w.guarded[x.name]})
}

func (w *refWalk) exprs(xs []expr) {
	for _, x := range xs {
		w.expr(x, nil, false)
	}
}

// rootName is the variable that x is a part of, or "".
func rootName(x expr) string {
	switch x := x.(type) {
	case *nameExpr:
		return x.name
	case *attrExpr:
		return rootName(x.x)
	case *itemExpr:
		return rootName(x.x)
	}
	return ""
}

func (w *refWalk) stmts(body []stmt) {
	for _, s := range body {
		w.stmt(s)
	}
}

func (w *refWalk) stmt(s stmt) {
	switch s := s.(type) {
	case *outputStmt:
		w.expr(s.x, nil, false)
	case *ifStmt:
		w.expr(s.test, nil, false)
		w.stmts(s.body)
		w.stmts(s.other)
	case *forStmt:
		w.loop(s)
	case *setStmt:
		w.expr(s.x, nil, false)
		w.target(s.target)
	case *setBlockStmt:
		w.block(s.body, s.filters)
		w.target(s.target)
	case *filterStmt:
		w.block(s.body, s.filters)
	case *withStmt:
		defer w.push()()
		for i, t := range s.targets {
			w.expr(s.values[i], nil, false)
			w.target(t)
		}
		w.stmts(s.body)
	case *macroDef:
		w.give(s.name)
		w.macro(s)
	case *callStmt:
		w.expr(s.call, nil, false)
		w.macro(s.body)
	case *blockStmt:
		w.block(s.body, nil)
	case *extendsStmt:
		w.expr(s.name, nil, false)
	case *includeStmt:
		w.expr(s.name, nil, false)
	case *importStmt:
		w.expr(s.name, nil, false)
		w.give(s.as)
	case *fromImportStmt:
		w.expr(s.name, nil, false)
		for _, n := range s.names {
			w.give(n[1])
		}
	}
}

func (w *refWalk) loop(s *forStmt) {
	w.expr(s.iter, nil, false)
	defer w.push()()
	w.stmts(s.other)
	w.target(s.target)
	if s.cond != nil {
		w.expr(s.cond, nil, false)
	}
	w.stmts(s.body)
}

func (w *refWalk) block(body []stmt, filters []*filterExpr) {
	defer w.push()()
	w.stmts(body)
	for _, f := range filters {
		w.exprs(f.args.all())
	}
}

func (w *refWalk) macro(s *macroDef) {
	defer w.push()()
	for _, p := range s.params {
		if p.def != nil {
			w.expr(p.def, nil, false)
		}
		w.give(p.name)
	}
	w.stmts(s.body)
}
