package play

import (
	"fmt"
	"regexp"
	"slices"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// entry is one key of a play, role, block or task.
type entry struct {
	name     string
	key, val *yaml.Node
}

// entries are the keys of a mapping, merged ones included, each once.
type entries []entry

// entries reads the mapping n; what says what it is, for the error when it is none.
func (p *pass) entries(s scope, n *yaml.Node, what string) (entries, bool) {
	if yaml.KindOf(n) != yaml.Mapping {
		p.ds.Errorf(s.at(n), "%s must be a mapping of keywords, not %s", what, article(p.plain(s, n)))
		return nil, false
	}
	var es entries
	for _, pair := range yaml.Pairs(n) {
		e := entry{pair.Key.Value, pair.Key, pair.Value}
		if i := es.index(e.name); i >= 0 {
			es[i] = e
			continue
		}
		es = append(es, e)
	}
	return es, true
}

func (es entries) index(name string) int {
	return slices.IndexFunc(es, func(e entry) bool { return e.name == name })
}

// get is the value of the key name, or nil.
func (es entries) get(name string) *yaml.Node {
	if i := es.index(name); i >= 0 {
		return es[i].val
	}
	return nil
}

// has reports whether any of names is a key.
func (es entries) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return es.index(n) >= 0 })
}

// only are the entries that keep says.
func (es entries) only(keep func(entry) bool) entries {
	var out entries
	for _, e := range es {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// value reads n as a value with templates, and checks their syntax.
func (p *pass) value(s scope, n *yaml.Node) any {
	v, ds := yaml.Value(s.doc.path, n, yaml.Options{Templates: true, Vault: p.l.Vault})
	p.ds = append(p.ds, ds...)
	p.checkTemplates(v)
	return v
}

// plain reads n as a value without looking at it any further.
func (p *pass) plain(s scope, n *yaml.Node) any {
	v, _ := yaml.Value(s.doc.path, n, yaml.Options{Templates: true, Vault: p.l.Vault})
	return v
}

func (p *pass) checkTemplates(v any) {
	if p.l.CheckTemplate == nil {
		return
	}
	switch v := v.(type) {
	case value.Template:
		p.ds = append(p.ds, p.l.CheckTemplate(v.Source, v.Pos)...)
	case *value.List:
		for _, e := range v.Items {
			p.checkTemplates(e)
		}
	case *value.Dict:
		for _, e := range v.All() {
			p.checkTemplates(e)
		}
	}
}

// mapping reads n as a mapping: nil where it is empty.
func (p *pass) mapping(s scope, n *yaml.Node, what string) *value.Dict {
	switch v := p.value(s, n).(type) {
	case nil:
		return nil
	case *value.Dict:
		return v
	default:
		p.ds.Errorf(s.at(n), "%s must be a mapping, not %s", what, article(v))
		return nil
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are words that Ansible refuses as variable names: Python's keywords.
var reserved = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
	"except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass",
	"raise", "return", "try", "while", "with", "yield",
}

// isVariable reports whether name can be a variable's.
func isVariable(name string) bool {
	return identifier.MatchString(name) && !slices.Contains(reserved, name)
}

// checkNames reports keys of the mapping n that cannot be names of variables.
func (p *pass) checkNames(s scope, n *yaml.Node) {
	if yaml.KindOf(n) != yaml.Mapping {
		return
	}
	for _, pair := range yaml.Pairs(n) {
		if !isVariable(pair.Key.Value) {
			p.badVariable(s.at(pair.Key), pair.Key.Value)
		}
	}
}

func (p *pass) badVariable(pos diag.Pos, name string) {
	d := p.ds.Errorf(pos, "%q cannot be the name of a variable", name)
	d.Hintf("names are letters, digits and _, do not start with a digit, and are no words of Python")
}

// vars reads a vars: keyword: a mapping, or a list of mappings.
func (p *pass) vars(s scope, n *yaml.Node) *value.Dict {
	if yaml.KindOf(n) != yaml.Sequence {
		p.checkNames(s, n)
		return p.mapping(s, n, "vars")
	}
	var all *value.Dict
	for _, e := range yaml.Target(n).Content {
		p.checkNames(s, e)
		if d := p.mapping(s, e, "each entry of vars"); d != nil {
			if all == nil {
				all = value.NewDict()
			}
			merge(all, d)
		}
	}
	return all
}

// describe names what v is, for messages.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	case string:
		return "string"
	case value.Template:
		return "template"
	case *value.List:
		return "list"
	case *value.Dict:
		return "mapping"
	}
	return fmt.Sprintf("%T", v)
}

func article(v any) string {
	if v == nil {
		return "nothing"
	}
	return "a " + describe(v)
}
