package jinja

func (p *parser) macroTag(t token) stmt {
	m := &macroDef{at: at{t.at}, name: p.expect(tName).text}
	m.params = p.signature()
	p.expect(tBlockEnd)
	p.macroBody(m, "endmacro")
	return m
}

// macroBody reads the body and notes which of the special names it uses.
func (p *parser) macroBody(m *macroDef, end string) {
	from := p.i
	m.body = p.body(end)
	for _, t := range p.tokens[from:p.i] {
		if t.kind == tName {
			m.varargs = m.varargs || t.text == "varargs"
			m.kwargs = m.kwargs || t.text == "kwargs"
			m.isCaller = m.isCaller || t.text == "caller"
		}
	}
	p.close(end)
}

func (p *parser) signature() []macroParam {
	var out []macroParam
	p.expectOp("(")
	for !p.isOp(")") {
		if len(out) > 0 {
			p.expectOp(",")
			if p.isOp(")") {
				break
			}
		}
		n := p.oneTarget(false)
		param := macroParam{name: n.name}
		if p.skipOp("=") {
			param.def = p.expression(true)
		} else if len(out) > 0 && out[len(out)-1].def != nil {
			p.fail(n.p, "non-default argument follows default argument")
		}
		out = append(out, param)
	}
	p.expectOp(")")
	return out
}

func (p *parser) callTag(t token) stmt {
	body := &macroDef{at: at{t.at}, name: "caller"}
	if p.isOp("(") {
		body.params = p.signature()
	}
	call, ok := p.expression(true).(*callExpr)
	if !ok {
		p.fail(t.at, "expected call")
	}
	p.expect(tBlockEnd)
	p.macroBody(body, "endcall")
	return &callStmt{at{t.at}, call, body}
}
