package jinja

// statement reads what stands between {% and %}, with the body that follows.
func (p *parser) statement() []stmt {
	t := p.cur()
	if t.kind != tName {
		p.fail(t.at, "tag name expected")
	}
	parse := map[string]func(token) stmt{
		"for": p.forTag, "if": p.ifTag, "set": p.setTag, "with": p.withTag,
		"macro": p.macroTag, "call": p.callTag, "filter": p.filterTag,
		"block": p.blockTag, "extends": p.extendsTag, "include": p.includeTag,
		"import": p.importTag, "from": p.fromTag,
	}[t.text]
	if parse != nil {
		p.tags = append(p.tags, t.text)
		p.next()
		s := parse(t)
		p.tags = p.tags[:len(p.tags)-1]
		return []stmt{s}
	}
	switch t.text {
	case "print":
		return p.printTag()
	case "autoescape":
		p.fail(t.at, "the tag 'autoescape' is not supported yet")
	}
	p.unknownTag(t.text)
	return nil
}

func (p *parser) printTag() []stmt {
	t := p.next()
	var out []stmt
	for p.cur().kind != tBlockEnd {
		if len(out) > 0 {
			p.expectOp(",")
		}
		out = append(out, &outputStmt{at{t.at}, p.expression(true)})
	}
	return out
}

// close reads the end tag and is at its %}.
func (p *parser) close(tag string) { p.expectName(tag) }

func (p *parser) forTag(t token) stmt {
	s := &forStmt{at: at{t.at}, target: p.target(false, "in")}
	p.expectName("in")
	s.iter = p.tuple(false)
	if p.skipName("if") {
		s.cond = p.expression(true)
	}
	s.recursive = p.skipName("recursive")
	p.expect(tBlockEnd)
	s.body = p.body("endfor", "else")
	if p.skipName("else") {
		p.expect(tBlockEnd)
		s.other = p.body("endfor")
	}
	p.close("endfor")
	return s
}

func (p *parser) ifTag(t token) stmt {
	first := &ifStmt{at: at{t.at}}
	for s := first; ; {
		s.test = p.tuple(false)
		p.expect(tBlockEnd)
		s.body = p.body("elif", "else", "endif")
		next := p.next()
		if next.text == "elif" {
			elif := &ifStmt{at: at{next.at}}
			s.other = []stmt{elif}
			s = elif
			continue
		}
		if next.text == "else" {
			p.expect(tBlockEnd)
			s.other = p.body("endif")
			p.close("endif")
		}
		return first
	}
}

func (p *parser) setTag(t token) stmt {
	to := p.target(true)
	if p.skipOp("=") {
		return &setStmt{at{t.at}, to, p.tuple(true)}
	}
	s := &setBlockStmt{at: at{t.at}, target: to}
	s.filters = p.filterChain(false)
	p.expect(tBlockEnd)
	s.body = p.body("endset")
	p.close("endset")
	return s
}

func (p *parser) withTag(t token) stmt {
	s := &withStmt{at: at{t.at}}
	for p.cur().kind != tBlockEnd {
		if len(s.targets) > 0 {
			p.expectOp(",")
		}
		s.targets = append(s.targets, p.target(false, "="))
		p.expectOp("=")
		s.values = append(s.values, p.expression(true))
	}
	p.expect(tBlockEnd)
	s.body = p.body("endwith")
	p.close("endwith")
	return s
}

func (p *parser) filterTag(t token) stmt {
	s := &filterStmt{at: at{t.at}, filters: p.filterChain(true)}
	p.expect(tBlockEnd)
	s.body = p.body("endfilter")
	p.close("endfilter")
	return s
}

// target reads what is assigned to. attr allows name.attr; ends are the words that end a tuple.
func (p *parser) target(attr bool, ends ...string) target {
	first := p.oneTarget(attr)
	if !p.isOp(",") {
		return first
	}
	t := target{at: first.at, parts: []target{first}}
	for p.skipOp(",") {
		stop := p.cur().kind == tBlockEnd || p.isOp("=")
		for _, e := range ends {
			stop = stop || p.isName(e)
		}
		if stop {
			break
		}
		t.parts = append(t.parts, p.oneTarget(attr))
	}
	return t
}

func (p *parser) oneTarget(attr bool) target {
	defer p.deeper()()
	if p.skipOp("(") {
		t := p.target(attr)
		p.expectOp(")")
		return t
	}
	n := p.expect(tName)
	switch n.text {
	case "true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else":
		p.fail(n.at, "can't assign to '%s'", n.text)
	}
	t := target{at: at{n.at}, name: n.text}
	if attr && p.skipOp(".") {
		t.attr = p.expect(tName).text
	}
	return t
}

func (p *parser) blockTag(t token) stmt {
	s := &blockStmt{at: at{t.at}, name: p.expect(tName).text}
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	if p.isOp("-") {
		p.fail(p.cur().at, "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	p.expect(tBlockEnd)
	if p.blocks[s.name] != nil {
		p.fail(t.at, "block '%s' defined twice", s.name)
	}
	p.blocks[s.name] = s
	s.body = p.body("endblock")
	p.close("endblock")
	p.skipName(s.name)
	return s
}

func (p *parser) extendsTag(t token) stmt {
	return &extendsStmt{at{t.at}, p.expression(true)}
}

func (p *parser) includeTag(t token) stmt {
	s := &includeStmt{at: at{t.at}, name: p.expression(true), withContext: true}
	if p.isName("ignore") && p.peek().text == "missing" {
		p.next()
		p.next()
		s.ignoreMissing = true
	}
	s.withContext = p.context(true)
	return s
}

// context reads "with context" or "without context".
func (p *parser) context(by bool) bool {
	if (p.isName("with") || p.isName("without")) && p.peek().text == "context" {
		by = p.next().text == "with"
		p.next()
	}
	return by
}

func (p *parser) importTag(t token) stmt {
	s := &importStmt{at: at{t.at}, name: p.expression(true)}
	p.expectName("as")
	s.as = p.expect(tName).text
	s.withContext = p.context(false)
	return s
}

func (p *parser) fromTag(t token) stmt {
	s := &fromImportStmt{at: at{t.at}, name: p.expression(true)}
	p.expectName("import")
	for {
		if (p.isName("with") || p.isName("without")) && p.peek().text == "context" {
			s.withContext = p.context(false)
			break
		}
		n := p.expect(tName)
		alias := n.text
		if p.skipName("as") {
			alias = p.expect(tName).text
		}
		s.names = append(s.names, [2]string{n.text, alias})
		if !p.isOp(",") {
			s.withContext = p.context(false)
			break
		}
		p.next()
		if p.cur().kind == tBlockEnd {
			break
		}
	}
	return s
}
