package jinja

import (
	"slices"
	"strings"

	"rp/engine/diag"
)

// Check finds what is wrong with t whatever its variables are: names of
// filters and tests that there are not, and arguments that they do not take.
func (t *Template) Check() diag.List {
	c := &checker{base: t.pos}
	c.stmts(t.body)
	c.list.Sort()
	return c.list
}

// Check finds what is wrong with e whatever its variables are.
func (e *Expr) Check() diag.List {
	c := &checker{base: e.pos}
	c.expr(e.x)
	c.list.Sort()
	return c.list
}

type checker struct {
	base diag.Pos
	list diag.List
}

func (c *checker) expr(x expr) {
	switch x := x.(type) {
	case nil:
		return
	case *filterExpr:
		c.filter(x)
		if x.x == nil {
			for _, a := range x.args.all() {
				c.expr(a)
			}
			return
		}
	case *testExpr:
		if b := c.named(tests, "test", x.name, x.p); b != nil {
			c.args(b, x.p, &x.args)
		}
	case *callExpr:
		if n, ok := x.fn.(*nameExpr); ok && functions[n.name] != nil {
			c.args(functions[n.name], n.p, &x.args)
		}
	}
	children(x, c.expr)
}

// named is the filter or test called name; where there is none it says so.
func (c *checker) named(table map[string]*builtin, what, name string, p place) *builtin {
	b := find(table, name)
	if b != nil {
		return b
	}
	d := c.list.Errorf(p.in(c.base), "there is no %s named %q", what, name)
	candidates := slices.DeleteFunc(names(table), func(n string) bool { return strings.ContainsAny(n, "=<>!") })
	if near := diag.Suggest(name, candidates); near != "" {
		d.Hintf("did you mean %q?", near)
	}
	return nil
}

// filter checks x, and the filter or test that it applies to items.
func (c *checker) filter(x *filterExpr) {
	b := c.named(filters, "filter", x.name, x.p)
	if b == nil {
		return
	}
	c.args(b, x.p, &x.args)
	at, table, what := 0, tests, "test"
	switch b.name {
	case "map":
		table, what = filters, "filter"
	case "select", "reject":
	case "selectattr", "rejectattr":
		at = 1
	default:
		return
	}
	if len(x.args.pos) <= at {
		return
	}
	if k, ok := x.args.pos[at].(*constExpr); ok {
		if name, ok := k.v.(string); ok {
			c.named(table, what, name, k.p)
		}
	}
}

// args checks the arguments that b is given, unless they are spread.
func (c *checker) args(b *builtin, p place, a *args) {
	if a.star != nil || a.starStar != nil {
		return
	}
	kw := make([]kwarg, len(a.kw))
	for i, k := range a.kw {
		kw[i].name = k.name
	}
	if err := (&call{b: b}).bind(make([]any, len(a.pos)), kw); err != nil {
		c.list.Errorf(p.in(c.base), "%s", err.Error())
	}
}

func (c *checker) stmts(body []stmt) {
	for _, s := range body {
		c.stmt(s)
	}
}

func (c *checker) stmt(s stmt) {
	switch s := s.(type) {
	case *outputStmt:
		c.expr(s.x)
	case *ifStmt:
		c.expr(s.test)
		c.stmts(s.body)
		c.stmts(s.other)
	case *forStmt:
		c.expr(s.iter)
		c.expr(s.cond)
		c.stmts(s.body)
		c.stmts(s.other)
	case *setStmt:
		c.expr(s.x)
	case *setBlockStmt:
		c.block(s.body, s.filters)
	case *filterStmt:
		c.block(s.body, s.filters)
	case *withStmt:
		for _, x := range s.values {
			c.expr(x)
		}
		c.stmts(s.body)
	case *macroDef:
		c.macro(s)
	case *callStmt:
		c.expr(s.call)
		c.macro(s.body)
	case *blockStmt:
		c.stmts(s.body)
	case *extendsStmt:
		c.expr(s.name)
	case *includeStmt:
		c.expr(s.name)
	case *importStmt:
		c.expr(s.name)
	case *fromImportStmt:
		c.expr(s.name)
	}
}

func (c *checker) block(body []stmt, filters []*filterExpr) {
	c.stmts(body)
	for _, f := range filters {
		c.expr(f)
	}
}

func (c *checker) macro(m *macroDef) {
	for _, p := range m.params {
		c.expr(p.def)
	}
	c.stmts(m.body)
}
