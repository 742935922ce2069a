package inventory

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rp/engine/value"
)

// ListJSON is the whole inventory as `ansible-inventory --list` prints it:
// groups with their hosts and children, and under _meta each host's variables.
// playbookDir adds the variables beside a playbook; empty for none.
func (inv *Inventory) ListJSON(playbookDir string) []byte {
	hostvars := value.NewDict()
	for _, h := range inv.Hosts() {
		if d := inv.HostVars(h, playbookDir).Merge(); d.Len() > 0 {
			hostvars.Set(h.Name, d)
		}
	}
	out := value.DictOf("_meta", value.DictOf("hostvars", hostvars))
	for _, g := range inv.Groups() {
		d := value.NewDict()
		if hosts := g.Direct(); g.Name != All && len(hosts) > 0 {
			l := &value.List{}
			for _, h := range hosts {
				l.Append(h.Name)
			}
			d.Set("hosts", l)
		}
		if children := g.Children(); len(children) > 0 {
			l := &value.List{}
			for _, c := range children {
				l.Append(c.Name)
			}
			d.Set("children", l)
		}
		if d.Len() > 0 {
			out.Set(g.Name, d)
		}
	}
	return jsonText(out)
}

// HostJSON is one host's variables as `ansible-inventory --host` prints them.
func (inv *Inventory) HostJSON(name, playbookDir string) ([]byte, error) {
	h := inv.Host(name)
	if h == nil {
		return nil, fmt.Errorf("cannot show the host %q: it is not in the inventory", name)
	}
	return jsonText(inv.HostVars(h, playbookDir).Merge()), nil
}

// Graph is the group called top as the tree that `ansible-inventory --graph`
// prints, with variables if vars is set.
func (inv *Inventory) Graph(top string, vars bool, playbookDir string) ([]byte, error) {
	g := inv.Group(top)
	if g == nil {
		return nil, fmt.Errorf("cannot draw the group %q: it is not in the inventory", top)
	}
	w := grapher{inv: inv, vars: vars, dir: playbookDir}
	w.group(g, 0)
	return w.b.Bytes(), nil
}

type grapher struct {
	inv  *Inventory
	vars bool
	dir  string
	b    bytes.Buffer
}

func (w *grapher) line(depth int, text string) {
	if depth > 0 {
		w.b.WriteString(strings.Repeat("  |", depth) + "--")
	}
	w.b.WriteString(text + "\n")
}

func (w *grapher) group(g *Group, depth int) {
	w.line(depth, "@"+g.Name+":")
	for _, c := range g.Children() {
		w.group(c, depth+1)
	}
	if g.Name != All {
		for _, h := range g.Direct() {
			w.line(depth+1, h.Name)
			w.variables(w.inv.HostVars(h, w.dir).Merge(), depth+2)
		}
	}
	w.variables(w.inv.groupVars(g, w.dir), depth+1)
}

func (w *grapher) variables(d *value.Dict, depth int) {
	if !w.vars {
		return
	}
	var lines []string
	for k, v := range d.All() {
		lines = append(lines, fmt.Sprintf("{%v = %s}", k, pythonText(v)))
	}
	slices.Sort(lines)
	for _, l := range lines {
		w.line(depth, l)
	}
}

// groupVars are the variables of g itself, from sources and files.
func (inv *Inventory) groupVars(g *Group, playbookDir string) *value.Dict {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	var l Layers
	l.add(GroupsInSource, g.vars.dict)
	dirs := slices.Clone(inv.dirs)
	if playbookDir != "" {
		dirs = append(dirs, absolute(playbookDir))
	}
	for _, dir := range dirs {
		if d := inv.beside.at(dir); d != nil {
			l.add(GroupsBesideInventory, d.groups[g.Name])
			inv.beside.mu.RUnlock()
		}
	}
	d := l.Merge()
	if g.priority != 1 {
		d.Set("ansible_group_priority", g.priority)
	}
	return d
}
