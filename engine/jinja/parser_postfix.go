package jinja

import "slices"

// postfix reads .name, [key], and (args) behind x.
func (p *parser) postfix(x expr) expr {
	for {
		t := p.cur()
		if t.kind != tOp {
			return x
		}
		switch t.text {
		case ".":
			p.next()
			x = p.attribute(x, t)
		case "[":
			p.next()
			x = p.subscript(x, t)
		case "(":
			x = p.call(x)
		default:
			return x
		}
	}
}

func (p *parser) attribute(x expr, dot token) expr {
	n := p.next()
	switch n.kind {
	case tName:
		return &attrExpr{at{n.at}, x, n.text}
	case tInt:
		return &itemExpr{at{n.at}, x, &constExpr{at{n.at}, p.number(n)}}
	}
	p.fail(dot.at, "expected name or number")
	return nil
}

// subscript reads what stands between [ and ]: a key, a slice, or several keys.
func (p *parser) subscript(x expr, open token) expr {
	s := &sliceExpr{at: at{open.at}, x: x}
	parts := [3]*expr{&s.from, &s.to, &s.step}
	colons := 0
	for !p.isOp("]") {
		if p.isOp(":") {
			p.next()
			if colons++; colons > 2 {
				p.failExpected("]")
			}
			continue
		}
		if *parts[colons] != nil {
			p.failExpected("]")
		}
		*parts[colons] = p.expression(true)
		if p.isOp(",") && colons == 0 {
			return p.keyTuple(x, open, s.from)
		}
	}
	p.expectOp("]")
	if colons > 0 {
		return s
	}
	if s.from == nil {
		p.fail(open.at, "expected subscript expression")
	}
	return &itemExpr{at{open.at}, x, s.from}
}

func (p *parser) keyTuple(x expr, open token, first expr) expr {
	keys := &tupleExpr{at{open.at}, []expr{first}}
	for p.skipOp(",") {
		if p.isOp("]") {
			break
		}
		keys.items = append(keys.items, p.expression(true))
	}
	p.expectOp("]")
	return &itemExpr{at{open.at}, x, keys}
}

// mutators are the methods that change their object in place.
var mutators = []string{
	"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse",
	"update", "setdefault", "popitem", "__setitem__", "__delitem__",
}

func (p *parser) call(fn expr) expr {
	c := &callExpr{at: at{p.cur().at}, fn: fn}
	if a, ok := fn.(*attrExpr); ok {
		p.mutates = p.mutates || slices.Contains(mutators, a.name)
		c.p = a.p
	}
	if i, ok := fn.(*itemExpr); ok {
		k, isConst := i.key.(*constExpr)
		p.mutates = p.mutates || !isConst || slices.Contains(mutators, Str(k.v))
	}
	if n, ok := fn.(*nameExpr); ok {
		c.p = n.p
	}
	c.args = p.arguments()
	return c
}

func (p *parser) arguments() args {
	var a args
	open := p.expectOp("(")
	for n := 0; !p.isOp(")"); n++ {
		if n > 0 {
			p.expectOp(",")
			if p.isOp(")") {
				break
			}
		}
		t := p.cur()
		switch {
		case p.isOp("*"):
			p.ensure(a.star == nil && a.starStar == nil, open)
			p.next()
			a.star = p.expression(true)
		case p.isOp("**"):
			p.ensure(a.starStar == nil, open)
			p.next()
			a.starStar = p.expression(true)
		case t.kind == tName && p.peek().kind == tOp && p.peek().text == "=":
			p.ensure(a.starStar == nil, open)
			if slices.ContainsFunc(a.kw, func(k kwExpr) bool { return k.name == t.text }) {
				p.fail(t.at, "keyword argument repeated: %s", t.text)
			}
			p.next()
			p.next()
			a.kw = append(a.kw, kwExpr{t.text, p.expression(true)})
		default:
			p.ensure(a.star == nil && a.starStar == nil && len(a.kw) == 0, open)
			a.pos = append(a.pos, p.expression(true))
		}
	}
	p.expectOp(")")
	return a
}

func (p *parser) ensure(ok bool, open token) {
	if !ok {
		p.fail(open.at, "invalid syntax for function call expression")
	}
}

// filtered reads | filter, is test, and calls behind x.
func (p *parser) filtered(x expr) expr {
	for {
		switch t := p.cur(); {
		case p.isOp("|"):
			p.next()
			f := p.filter()
			f.x = x
			x = f
		case p.isName("is"):
			p.next()
			x = p.test(x, t)
		case p.isOp("("):
			x = p.call(x)
		default:
			return x
		}
	}
}

// filterChain reads the filters of a filter or set block; leading says that
// the first one has no | before it.
func (p *parser) filterChain(leading bool) []*filterExpr {
	var out []*filterExpr
	for leading || p.isOp("|") {
		if !leading {
			p.next()
		}
		leading = false
		out = append(out, p.filter())
	}
	return out
}

func (p *parser) filter() *filterExpr {
	n := p.expect(tName)
	f := &filterExpr{at: at{n.at}, name: p.dotted(n)}
	if p.isOp("(") {
		f.args = p.arguments()
	}
	return f
}

func (p *parser) dotted(first token) string {
	name := first.text
	for p.skipOp(".") {
		name += "." + p.expect(tName).text
	}
	return name
}

func (p *parser) test(x expr, is token) expr {
	negated := p.skipName("not")
	n := p.expect(tName)
	t := &testExpr{at: at{n.at}, x: x, name: p.dotted(n)}
	switch c := p.cur(); {
	case p.isOp("("):
		t.args = p.arguments()
	case p.startsTestArgument(c):
		if p.isName("is") {
			p.fail(c.at, "You cannot chain multiple tests with is")
		}
		t.args.pos = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &notExpr{at{is.at}, t}
	}
	return t
}

// startsTestArgument reports whether c begins the one argument of a test that has no brackets.
func (p *parser) startsTestArgument(c token) bool {
	switch c.kind {
	case tString, tInt, tFloat:
		return true
	case tName:
		return c.text != "else" && c.text != "or" && c.text != "and" && c.text != "if" && c.text != "in" && c.text != "not"
	case tOp:
		return c.text == "[" || c.text == "{"
	}
	return false
}
