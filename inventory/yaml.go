package inventory

import (
	"slices"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// groupKeys are what a group of a YAML inventory may hold.
var groupKeys = []string{"hosts", "vars", "children"}

// yaml reads data as a YAML or JSON inventory and reports whether it is one.
// What is not is an error, unless it may be tentative: then nothing is said and
// another format is tried.
func (l *loader) yaml(path string, data []byte, from source, tentative bool) bool {
	f, ds := yaml.Parse(path, data)
	if ds.Failed() {
		if !tentative {
			l.ds = append(l.ds, ds...)
		}
		return !tentative
	}
	if len(f.Docs) == 0 || isNull(f.Docs[0]) {
		// An empty file is an empty inventory in every format.
		return true
	}
	root := f.Docs[0]
	if yaml.KindOf(root) != yaml.Mapping {
		if !tentative {
			l.ds.Errorf(yaml.PosOf(path, root), "a YAML inventory must be a mapping of groups, not a %s", kindName(root))
		}
		return !tentative
	}
	l.ds = append(l.ds, ds...)
	if len(f.Docs) > 1 {
		l.ds.Errorf(yaml.PosOf(path, f.Docs[1]), "an inventory must be one YAML document")
	}
	r := yamlReader{l, path, from}
	r.root(root)
	return true
}

func kindName(n *yaml.Node) string {
	return map[yaml.Kind]string{yaml.Mapping: "mapping", yaml.Sequence: "list", yaml.Scalar: "plain value"}[yaml.KindOf(n)]
}

type yamlReader struct {
	*loader
	path string
	from source
}

func (r *yamlReader) pos(n *yaml.Node) diag.Pos { return yaml.PosOf(r.path, n) }

func (r *yamlReader) root(root *yaml.Node) {
	pairs := yaml.Pairs(root)
	for _, p := range pairs {
		if p.Key.Value == "plugin" && yaml.KindOf(p.Value) == yaml.Scalar {
			r.ds.Errorf(r.pos(p.Key), "inventory plugins (here: %q) are not supported yet", p.Value.Value)
			return
		}
	}
	for _, p := range pairs {
		if yaml.KindOf(p.Value) != yaml.Mapping && !isNull(p.Value) {
			r.ds.Warnf(r.pos(p.Key), "skipping %q: a group must be a mapping, not a %s", p.Key.Value, kindName(p.Value))
			continue
		}
		r.group(p, nil)
	}
}

func isNull(n *yaml.Node) bool {
	if yaml.KindOf(n) != yaml.Scalar {
		return false
	}
	v, _ := yaml.Value("", n, yaml.Options{})
	return v == nil
}

// name is the key k as a name; a number or a boolean is no name.
func (r *yamlReader) name(k *yaml.Node, what string) (string, bool) {
	v, _ := yaml.Value(r.path, k, yaml.Options{})
	s, ok := v.(string)
	if !ok {
		r.ds.Errorf(r.pos(k), "the name of a %s must be text, not %s", what, describe(v)).Hintf("put it in quotes: %q", k.Value)
	}
	return s, ok
}

// group reads one group and puts it into parent, if there is one.
func (r *yamlReader) group(p yaml.Pair, parent *Group) {
	name, ok := r.name(p.Key, "group")
	if !ok {
		return
	}
	if r.inv.groups[name] == nil {
		r.checkGroupName(name, r.pos(p.Key))
	}
	g := r.inv.addGroup(name)
	if parent != nil {
		if err := r.inv.link(parent, g); err != nil {
			r.ds.Errorf(r.pos(p.Key), "%v", err)
			return
		}
	}
	if isNull(p.Value) {
		return
	}
	if yaml.KindOf(p.Value) != yaml.Mapping {
		r.ds.Errorf(r.pos(p.Value), "the group %q must be a mapping, not a %s", name, kindName(p.Value))
		return
	}
	for _, part := range yaml.Pairs(p.Value) {
		r.part(g, part)
	}
}

func (r *yamlReader) part(g *Group, part yaml.Pair) {
	key := part.Key.Value
	if !slices.Contains(groupKeys, key) {
		d := r.ds.Warnf(r.pos(part.Key), "skipping the unknown key %q of the group %q", key, g.Name)
		if near := diag.Suggest(key, groupKeys); near != "" {
			d.Hintf("did you mean %q?", near)
		} else {
			d.Hintf("a group has hosts, vars and children")
		}
		return
	}
	if isNull(part.Value) {
		return
	}
	if yaml.KindOf(part.Value) == yaml.Scalar && key != "vars" {
		// "hosts: web1" is short for a mapping with that one name.
		r.member(g, key, yaml.Pair{Key: part.Value, Value: nil})
		return
	}
	if yaml.KindOf(part.Value) != yaml.Mapping {
		d := r.ds.Errorf(r.pos(part.Value), "%s of the group %q must be a mapping, not a %s", key, g.Name, kindName(part.Value))
		if key != "vars" {
			d.Hintf("write each name as a key: %s: {name: }", key)
		}
		return
	}
	for _, p := range yaml.Pairs(part.Value) {
		r.member(g, key, p)
	}
}

func (r *yamlReader) member(g *Group, key string, p yaml.Pair) {
	switch key {
	case "vars":
		name, ok := r.name(p.Key, "variable")
		if !ok {
			return
		}
		g.set(name, r.value(p.Value), r.pos(p.Value), &r.ds)
	case "children":
		if p.Value == nil {
			p.Value = &yaml.Node{Kind: p.Key.Kind, Tag: "!!null"}
		}
		r.group(p, g)
	case "hosts":
		r.host(g, p)
	}
}

func (r *yamlReader) value(n *yaml.Node) any {
	v, ds := yaml.Value(r.path, n, r.inv.o.yaml())
	r.ds = append(r.ds, ds...)
	return v
}

func (r *yamlReader) host(g *Group, p yaml.Pair) {
	pattern, ok := r.name(p.Key, "host")
	if !ok {
		return
	}
	if p.Value != nil && !isNull(p.Value) && yaml.KindOf(p.Value) != yaml.Mapping {
		r.ds.Errorf(r.pos(p.Value), "the variables of the host %q must be a mapping, not a %s", pattern, kindName(p.Value))
		return
	}
	hosts := r.hosts(r.pos(p.Key), pattern, r.from, g)
	if p.Value == nil || isNull(p.Value) {
		return
	}
	for _, v := range yaml.Pairs(p.Value) {
		name, ok := r.name(v.Key, "variable")
		if !ok {
			continue
		}
		for _, h := range hosts {
			h.set(name, r.value(v.Value), r.pos(v.Value))
		}
	}
}

// dictOf is v as a mapping, nil and true for nothing at all.
func dictOf(v any) (*value.Dict, bool) {
	if v == nil {
		return nil, true
	}
	d, ok := v.(*value.Dict)
	return d, ok
}
