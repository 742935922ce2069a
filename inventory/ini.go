package inventory

import (
	"regexp"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

var (
	sectionLine = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	childLine   = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
	groupName   = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)
)

// iniParser reads one INI file line by line; a wrong line does not keep it from the next.
type iniParser struct {
	*loader
	from  source
	group *Group
	kind  string // "", "vars" or "children"; "skip" in a section that cannot be read
	// What is said of groups that are defined further down, if at all.
	children map[string][]pendingChild // by the child's name
	// undeclared are the groups of which there is only a [name:vars] so far.
	undeclared map[string]diag.Pos
}

type pendingChild struct {
	parent *Group
	pos    diag.Pos
}

func (l *loader) ini(path string, data []byte, from source) {
	p := iniParser{loader: l, from: from, group: l.inv.groups[Ungrouped], children: map[string][]pendingChild{}, undeclared: map[string]diag.Pos{}}
	text := strings.TrimPrefix(string(data), "\ufeff")
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		p.line(trimmed, diag.Pos{File: path, Line: n, Col: strings.Index(line, trimmed) + 1})
	}
	p.finish()
}

func (p *iniParser) line(s string, pos diag.Pos) {
	if m := sectionLine.FindStringSubmatch(s); m != nil {
		p.section(m[1], m[2], pos)
		return
	}
	if s[0] == '[' && strings.HasSuffix(s, "]") {
		p.badSection(s, pos)
		return
	}
	switch p.kind {
	case "vars":
		p.groupVar(s, pos)
	case "children":
		p.child(s, pos)
	case "":
		p.host(s, pos)
	}
}

func (p *iniParser) section(group, kind string, pos diag.Pos) {
	p.kind = kind
	switch kind {
	case "", "children", "vars":
		p.group = p.declare(group, kind, after(pos, 1))
	default:
		p.ds.Errorf(after(pos, len(group)+2), "the section [%s:%s] has the unknown kind %q", group, kind, kind).
			Hintf("a section is [group], [group:vars] or [group:children]")
		p.kind = "skip"
	}
}

// declare makes the group of a section, or gives it if there is one. The group
// of a [name:vars] has its place in the order from there on, but is to be declared yet.
func (p *iniParser) declare(name, kind string, pos diag.Pos) *Group {
	g := p.inv.groups[name]
	if g == nil {
		p.checkGroupName(name, pos)
		g = p.inv.addGroup(name)
		if kind == "vars" {
			p.undeclared[name] = pos
		}
	}
	if kind == "vars" {
		return g
	}
	delete(p.undeclared, name)
	for _, c := range p.children[name] {
		p.link(c.parent, g, c.pos)
	}
	delete(p.children, name)
	return g
}

// checkGroupName warns of a group name that cannot be a variable's name, as Ansible does.
func (l *loader) checkGroupName(name string, pos diag.Pos) {
	if !groupName.MatchString(name) {
		l.ds.Warnf(pos, "the group name %q has characters that a variable name cannot have", name).
			Hintf("use letters, digits and _ only")
	}
}

func after(pos diag.Pos, n int) diag.Pos {
	pos.Col += n
	return pos
}

func (p *iniParser) badSection(s string, pos diag.Pos) {
	d := p.ds.Errorf(pos, "cannot read the section %q", s)
	if isAddress(s[1 : len(s)-1]) {
		d.Hintf("this reads as a section; a host in brackets needs a port: %s:22", s)
	} else {
		d.Hintf("a section is [group], [group:vars] or [group:children], without blanks")
	}
	p.kind = "skip"
}

func (p *iniParser) groupVar(s string, pos diag.Pos) {
	key, text, ok := strings.Cut(s, "=")
	if !ok {
		p.ds.Errorf(pos, "expected key=value in [%s:vars], not %q", p.group.Name, s)
		return
	}
	name, trimmed := strings.TrimSpace(key), strings.TrimSpace(text)
	at := after(pos, len(key)+1+strings.Index(text, trimmed))
	v := p.value(trimmed, at)
	p.group.set(name, v, at, &p.ds)
}

// value is text as a Python literal, or as it stands.
func (p *iniParser) value(text string, pos diag.Pos) any {
	v, ok := literal(text)
	if !ok {
		v = text
	} else if text[0] == '"' || text[0] == '\'' {
		pos.Col++
	}
	return templated(v, pos)
}

// templated is v with every text that holds Jinja2 as a template.
func templated(v any, pos diag.Pos) any {
	switch v := v.(type) {
	case string:
		if yaml.HasTemplate(v) {
			return value.Template{Source: v, Pos: pos}
		}
	case *value.List:
		for i, e := range v.Items {
			v.Items[i] = templated(e, pos)
		}
	case value.Tuple:
		for i, e := range v {
			v[i] = templated(e, pos)
		}
	case *value.Dict:
		for k, e := range v.All() {
			v.Set(k, templated(e, pos))
		}
	}
	return v
}

func (p *iniParser) child(s string, pos diag.Pos) {
	m := childLine.FindStringSubmatch(s)
	if m == nil {
		p.ds.Errorf(pos, "expected the name of a group in [%s:children], not %q", p.group.Name, s)
		return
	}
	// As in Ansible, a group that is known by now comes before those that are not.
	if g := p.inv.groups[m[1]]; g != nil {
		p.link(p.group, g, pos)
		return
	}
	p.children[m[1]] = append(p.children[m[1]], pendingChild{p.group, pos})
}

func (p *iniParser) link(parent, child *Group, pos diag.Pos) {
	if err := p.inv.link(parent, child); err != nil {
		p.ds.Errorf(pos, "%v", err)
	}
}

func (p *iniParser) host(s string, pos diag.Pos) {
	words, err := splitWords(s)
	if err != nil {
		p.ds.Errorf(pos, "cannot read the host line %q: %v", s, err)
		return
	}
	if len(words) == 0 {
		return
	}
	name := words[0].text
	if strings.HasSuffix(name, ":") {
		p.ds.Errorf(pos, "the host %q must not end in \":\", which is for a port", name).
			Hintf("if this file is YAML, its name must end in .yml or .yaml")
		return
	}
	hosts := p.hosts(pos, name, p.from, p.group)
	for _, w := range words[1:] {
		if !p.hostVar(hosts, w, s, pos) {
			// What follows is most likely more of the same mistake.
			return
		}
	}
}

func (p *iniParser) hostVar(hosts []*Host, w word, line string, pos diag.Pos) bool {
	at := after(pos, w.at)
	key, text, ok := strings.Cut(w.text, "=")
	if !ok {
		d := p.ds.Errorf(at, "expected key=value after the host, not %q", w.text)
		switch {
		case strings.Contains(line, "{{"):
			d.Hintf("put a value with blanks in quotes: key=\"{{ … }}\"")
		case strings.Contains(line, " ="), strings.Contains(line, "= "):
			d.Hintf("write key=value without blanks around the =")
		}
		return false
	}
	if w.value > 0 {
		at = after(pos, w.value)
	}
	v := p.value(text, at)
	for i, h := range hosts {
		if i > 0 {
			v = p.value(text, at) // a list of its own for each host
		}
		h.set(key, v, at)
	}
	return true
}

// finish reports what was said of groups that were never defined.
func (p *iniParser) finish() {
	for name, pending := range p.children {
		for _, c := range pending {
			p.undefined(c.pos, "[%s:children] names the undefined group %q", c.parent.Name, name)
		}
	}
	for name, pos := range p.undeclared {
		p.undefined(pos, "[%s:vars] is for the undefined group %q", name, name)
	}
}

func (p *iniParser) undefined(pos diag.Pos, format, of, group string) {
	d := p.ds.Errorf(pos, format, of, group)
	var names []string
	for _, g := range p.inv.grouping {
		if _, undeclared := p.undeclared[g.Name]; !undeclared {
			names = append(names, g.Name)
		}
	}
	if near := diag.Suggest(group, names); near != "" {
		d.Hintf("did you mean %q?", near)
	} else {
		d.Hintf("define it with a section [%s]", group)
	}
}
