package play

import (
	"strings"

	"rp/engine/value"
	"rp/engine/yaml"
)

// conditions reads when, until and their like: one condition or a list. It is
// never nil.
func (p *pass) conditions(s scope, n *yaml.Node, what string) []Cond {
	conds := []Cond{}
	items := []*yaml.Node{n}
	if yaml.KindOf(n) == yaml.Sequence {
		items = yaml.Target(n).Content
	}
	for _, e := range items {
		if c, ok := p.condition(s, yaml.Target(e), what); ok {
			conds = append(conds, c)
		}
	}
	return conds
}

func (p *pass) condition(s scope, n *yaml.Node, what string) (Cond, bool) {
	pos := yaml.ContentPos(s.doc.path, n)
	switch v := p.plain(s, n).(type) {
	case nil:
		// Ansible takes an empty condition for one that holds.
		p.ds.Warnf(pos, "%s is empty: it always holds", what)
		return Cond{}, false
	case bool:
		return Cond{v, pos}, true
	case value.Template:
		return p.delimited(v, what), true
	case string:
		if strings.TrimSpace(v) == "" {
			p.ds.Warnf(pos, "%s is empty: it always holds", what)
			return Cond{}, false
		}
		if p.l.CheckExpr != nil {
			p.ds = append(p.ds, p.l.CheckExpr(v, pos)...)
		}
		return Cond{v, pos}, true
	case int64, float64:
		p.ds.Warnf(pos, "%s is a number, not a condition", what).Hintf("write true or false")
		return Cond{n.Value, pos}, true
	default:
		p.ds.Errorf(pos, "%s must be an expression or a list of expressions, not %s", what, article(v))
		return Cond{}, false
	}
}

// delimited is a condition in which the user wrote {{ }}, though it is an
// expression already. It works, as in Ansible, by being evaluated twice.
func (p *pass) delimited(t value.Template, what string) Cond {
	inner, whole := bare(t.Source)
	d := p.ds.Warnf(t.Pos, "%s is an expression already: it needs no {{ }}", what)
	if whole {
		d.Hintf("write %s: %s", what, inner)
	} else {
		d.Hintf("name the variables themselves, without {{ }}")
	}
	p.checkTemplates(t)
	return Cond{t, t.Pos}
}

// bare is what stands inside the {{ }} that all of src is.
func bare(src string) (string, bool) {
	s := strings.TrimSpace(src)
	if !strings.HasPrefix(s, "{{") || blockEnd(s, 0) != len(s) {
		return "", false
	}
	s = strings.TrimPrefix(strings.TrimSuffix(s[2:len(s)-2], "-"), "-")
	return strings.TrimSpace(s), true
}
