package jinja

import (
	"fmt"
	"strings"
)

// syntaxError is what the parser gives; Parse makes an [Error] of it.
type syntaxError struct {
	at  place
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

// maxNesting bounds how deep expressions and statements nest in a source.
const maxNesting = 250

// parser makes the tree. It panics with a *syntaxError, which parse* recover.
type parser struct {
	tokens []token
	i      int
	depth  int
	ends   [][]string // what ends the blocks that are open, innermost last
	tags   []string   // the tags of those blocks
	blocks map[string]*blockStmt
	// mutates is set when the source calls a method that changes a list or dict in place.
	mutates bool
}

func (p *parser) fail(at place, format string, args ...any) {
	panic(&syntaxError{at, fmt.Sprintf(format, args...)})
}

func recoverSyntax(err *error) {
	switch r := recover().(type) {
	case nil:
	case *syntaxError:
		*err = r
	default:
		panic(r)
	}
}

func (p *parser) deeper() func() {
	p.depth++
	if p.depth > maxNesting {
		p.fail(p.cur().at, "the template nests deeper than %d levels", maxNesting)
	}
	return func() { p.depth-- }
}

// cur is the token at hand. A token that could not be cut is an error as soon as it is looked at.
func (p *parser) cur() token {
	t := p.tokens[p.i]
	if t.kind == tError {
		p.fail(t.at, "%s", t.text)
	}
	return t
}

func (p *parser) peek() token {
	if p.i+1 < len(p.tokens) {
		return p.tokens[p.i+1]
	}
	return p.tokens[len(p.tokens)-1]
}

func (p *parser) next() token {
	t := p.cur()
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	return t
}

func (p *parser) isOp(op string) bool {
	t := p.cur()
	return t.kind == tOp && t.text == op
}

func (p *parser) isName(name string) bool {
	t := p.cur()
	return t.kind == tName && t.text == name
}

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expectOp(op string) token {
	if !p.isOp(op) {
		p.failExpected(op)
	}
	return p.next()
}

func (p *parser) expectName(name string) {
	if !p.isName(name) {
		p.failExpected(name)
	}
	p.next()
}

func (p *parser) expect(kind tokenKind) token {
	if p.cur().kind != kind {
		p.failExpected(kind.String())
	}
	return p.next()
}

func (p *parser) failExpected(what string) {
	t := p.cur()
	if t.kind == tEOF {
		p.fail(t.at, "unexpected end of template, expected '%s'.", what)
	}
	p.fail(t.at, "expected token '%s', got '%s'", what, t.describe())
}

// parseTemplate reads the whole of a template.
func parseTemplate(tokens []token) (body []stmt, p *parser, err error) {
	p = &parser{tokens: tokens, blocks: map[string]*blockStmt{}}
	defer recoverSyntax(&err)
	body = p.body()
	return body, p, nil
}

// parseExpression reads the whole of a bare expression.
func parseExpression(tokens []token) (x expr, p *parser, err error) {
	p = &parser{tokens: tokens, blocks: map[string]*blockStmt{}}
	defer recoverSyntax(&err)
	x = p.tuple(true)
	if t := p.cur(); t.kind != tEOF {
		p.fail(t.at, "chunk after expression")
	}
	return x, p, nil
}

// body reads statements up to a tag in ends, which it leaves at hand.
func (p *parser) body(ends ...string) []stmt {
	defer p.deeper()()
	if len(ends) > 0 {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	var out []stmt
	for {
		t := p.cur()
		switch t.kind {
		case tData:
			p.next()
			out = append(out, &textStmt{at{t.at}, t.text})
		case tVarBegin:
			p.next()
			x := p.tuple(true)
			p.expect(tVarEnd)
			out = append(out, &outputStmt{at{t.at}, x})
		case tBlockBegin:
			p.next()
			for _, end := range ends {
				if p.isName(end) {
					return out
				}
			}
			out = append(out, p.statement()...)
			p.expect(tBlockEnd)
		default:
			if len(ends) > 0 {
				p.unknownTag("")
			}
			return out
		}
	}
}

// unknownTag fails at the tag called name, or at the end of the template where name is empty.
func (p *parser) unknownTag(name string) {
	var b strings.Builder
	if name == "" {
		b.WriteString("Unexpected end of template.")
	} else {
		fmt.Fprintf(&b, "Encountered unknown tag '%s'.", name)
	}
	if len(p.ends) > 0 {
		ends := p.ends[len(p.ends)-1]
		if name != "" {
			for _, e := range p.ends {
				for _, end := range e {
					if end == name {
						b.WriteString(" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for '" +
							strings.Join(ends, "' or '") + "'.")
						goto open
					}
				}
			}
		}
		b.WriteString(" Jinja was looking for the following tags: '" + strings.Join(ends, "' or '") + "'.")
	open:
		fmt.Fprintf(&b, " The innermost block that needs to be closed is '%s'.", p.tags[len(p.tags)-1])
	}
	p.fail(p.cur().at, "%s", b.String())
}
