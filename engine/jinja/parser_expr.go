package jinja

import (
	"math/big"
	"slices"
	"strconv"
)

// tuple reads an expression, or several with commas between as a tuple.
func (p *parser) tuple(cond bool) expr {
	start := p.cur().at
	var items []expr
	for !p.tupleEnds() {
		items = append(items, p.expression(cond))
		if !p.isOp(",") {
			if len(items) == 1 {
				return items[0]
			}
			return &tupleExpr{at{start}, items}
		}
		p.next()
	}
	if len(items) == 0 {
		p.fail(p.cur().at, "Expected an expression, got '%s'", p.cur().describe())
	}
	return &tupleExpr{at{start}, items}
}

func (p *parser) tupleEnds() bool {
	t := p.cur()
	return t.kind == tVarEnd || t.kind == tBlockEnd || t.kind == tEOF || t.kind == tOp && t.text == ")"
}

func (p *parser) expression(cond bool) expr {
	defer p.deeper()()
	if !cond {
		return p.or()
	}
	x := p.or()
	for p.isName("if") {
		t := p.next()
		c := &condExpr{at: at{t.at}, then: x, test: p.or()}
		if p.skipName("else") {
			c.other = p.expression(true)
		}
		x = c
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for p.isName("or") {
		t := p.next()
		x = &orExpr{at{t.at}, x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.isName("and") {
		t := p.next()
		x = &andExpr{at{t.at}, x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if p.isName("not") {
		defer p.deeper()()
		t := p.next()
		return &notExpr{at{t.at}, p.not()}
	}
	return p.compare()
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) compare() expr {
	x := p.sum()
	c := &compareExpr{at: at{p.cur().at}, first: x}
	for {
		t := p.cur()
		switch {
		case t.kind == tOp && slices.Contains(comparisons, t.text):
			p.next()
			c.ops = append(c.ops, t.text)
		case p.isName("in"):
			p.next()
			c.ops = append(c.ops, "in")
		case p.isName("not") && p.peek().kind == tName && p.peek().text == "in":
			p.next()
			p.next()
			c.ops = append(c.ops, "not in")
		default:
			if len(c.ops) == 0 {
				return x
			}
			return c
		}
		c.rest = append(c.rest, p.sum())
	}
}

// binary reads operands by operand with any of ops between them, left to right.
func (p *parser) binary(operand func() expr, ops ...string) expr {
	x := operand()
	for {
		t := p.cur()
		if t.kind != tOp || !slices.Contains(ops, t.text) {
			return x
		}
		p.next()
		x = &binExpr{at{t.at}, t.text, x, operand()}
	}
}

func (p *parser) sum() expr { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() expr {
	x := p.product()
	if !p.isOp("~") {
		return x
	}
	c := &concatExpr{at{p.cur().at}, []expr{x}}
	for p.skipOp("~") {
		c.items = append(c.items, p.product())
	}
	return c
}

func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }

// power reads **, which in Jinja2 joins left to right.
func (p *parser) power() expr {
	x := p.unary(true)
	for p.isOp("**") {
		t := p.next()
		x = &binExpr{at{t.at}, "**", x, p.unary(true)}
	}
	return x
}

func (p *parser) unary(filters bool) expr {
	defer p.deeper()()
	t := p.cur()
	var x expr
	if t.kind == tOp && (t.text == "-" || t.text == "+") {
		p.next()
		x = &unaryExpr{at{t.at}, t.text, p.unary(false)}
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filtered(x)
	}
	return x
}

func (p *parser) primary() expr {
	t := p.cur()
	switch t.kind {
	case tName:
		p.next()
		switch t.text {
		case "true", "True":
			return &constExpr{at{t.at}, true}
		case "false", "False":
			return &constExpr{at{t.at}, false}
		case "none", "None":
			return &constExpr{at{t.at}, nil}
		}
		return &nameExpr{at{t.at}, t.text}
	case tString:
		text := ""
		for p.cur().kind == tString {
			text += p.next().text
		}
		return &constExpr{at{t.at}, text}
	case tInt, tFloat:
		p.next()
		return &constExpr{at{t.at}, p.number(t)}
	case tOp:
		switch t.text {
		case "(":
			p.next()
			if p.skipOp(")") {
				return &tupleExpr{at: at{t.at}}
			}
			x := p.tuple(true)
			p.expectOp(")")
			return x
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	p.fail(t.at, "unexpected '%s'", t.describe())
	return nil
}

func (p *parser) number(t token) any {
	if t.kind == tFloat {
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil && f == 0 {
			p.fail(t.at, "cannot read the number '%s'", t.text)
		}
		return f
	}
	if i, err := strconv.ParseInt(t.text, 0, 64); err == nil {
		return i
	}
	i, ok := new(big.Int).SetString(t.text, 0)
	if !ok {
		// Python takes 00 for 0.
		return int64(0)
	}
	return i
}

func (p *parser) list() expr {
	x := &listExpr{at: at{p.next().at}}
	for !p.isOp("]") {
		if len(x.items) > 0 {
			p.expectOp(",")
			if p.isOp("]") {
				break
			}
		}
		x.items = append(x.items, p.expression(true))
	}
	p.expectOp("]")
	return x
}

func (p *parser) dict() expr {
	x := &dictExpr{at: at{p.next().at}}
	for !p.isOp("}") {
		if len(x.keys) > 0 {
			p.expectOp(",")
			if p.isOp("}") {
				break
			}
		}
		x.keys = append(x.keys, p.expression(true))
		p.expectOp(":")
		x.vals = append(x.vals, p.expression(true))
	}
	p.expectOp("}")
	return x
}
