package inventory

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"rp/engine/diag"
	"rp/engine/value"
)

// What sources do to an inventory. Callers hold inv.mu, or are Load.

func (inv *Inventory) addGroup(name string) *Group {
	if g := inv.groups[name]; g != nil {
		return g
	}
	g := &Group{Name: name, inv: inv, priority: 1, member: map[*Host]bool{}}
	inv.groups[name] = g
	inv.grouping = append(inv.grouping, g)
	inv.version++
	return g
}

// addHost gives the host of that name, made if need be. from is the source that names it.
func (inv *Inventory) addHost(name string, from source) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	h := &Host{Name: name, inv: inv, File: from.file, Dir: from.dir}
	inv.hosts[name] = h
	inv.order = append(inv.order, h)
	if slices.Contains(localNames, name) && (inv.local == nil || inv.local.Implicit) {
		inv.local = h
	}
	inv.version++
	return h
}

// put makes h a member of g.
func (inv *Inventory) put(g *Group, h *Host) {
	if g.member[h] {
		return
	}
	g.member[h] = true
	g.hosts = append(g.hosts, h)
	h.groups = append(h.groups, g)
	inv.version++
}

func (inv *Inventory) takeOut(g *Group, h *Host) {
	if !g.member[h] {
		return
	}
	delete(g.member, h)
	g.hosts = without(g.hosts, h)
	h.groups = without(h.groups, g)
	inv.version++
}

// without is s less v, in a slice of its own.
func without[T comparable](s []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(s), func(e T) bool { return e == v })
}

// link puts child into parent. That a group is in itself is an error.
func (inv *Inventory) link(parent, child *Group) error {
	if parent == child {
		return fmt.Errorf("the group %q cannot be its own child", child.Name)
	}
	if slices.Contains(parent.children, child) {
		return nil
	}
	if child.contains(parent) {
		return fmt.Errorf("the group %q cannot be a child of %q: %q is already below it, which makes a loop", child.Name, parent.Name, parent.Name)
	}
	parent.children = append(parent.children, child)
	child.parents = append(child.parents, parent)
	inv.version++
	return nil
}

func (g *Group) contains(other *Group) bool {
	seen := map[*Group]bool{}
	var visit func(at *Group) bool
	visit = func(at *Group) bool {
		if at == g {
			return true
		}
		if seen[at] {
			return false
		}
		seen[at] = true
		return slices.ContainsFunc(at.parents, visit)
	}
	return visit(other)
}

// set gives g a variable. ansible_group_priority is not one.
func (g *Group) set(name string, v any, pos diag.Pos, ds *diag.List) {
	if name != "ansible_group_priority" {
		g.vars.set(name, v, pos)
		return
	}
	n, ok := integer(v)
	if !ok {
		ds.Errorf(pos, "ansible_group_priority must be a whole number, not %s", describe(v))
		return
	}
	g.priority = n
}

func (h *Host) set(name string, v any, pos diag.Pos) { h.vars.set(name, v, pos) }

// integer is v as a whole number, as Python's int() takes it.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// describe names v for a message without showing what may be secret.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case value.Secret:
		return "a secret"
	case value.Template:
		return fmt.Sprintf("the template %q", v.Source)
	case string:
		return fmt.Sprintf("%q", v)
	case *value.List, value.Tuple:
		return "a list"
	case *value.Dict, value.Object:
		return "a mapping"
	}
	return fmt.Sprint(v)
}

// reconcile gives every group a way from all and every host a group.
func (inv *Inventory) reconcile() {
	all, ungrouped := inv.groups[All], inv.groups[Ungrouped]
	for _, g := range inv.grouping {
		if g != all && len(g.parents) == 0 {
			// It cannot make a loop: all has no parents.
			_ = inv.link(all, g)
		}
	}
	for _, h := range inv.order {
		own := slices.ContainsFunc(h.groups, func(g *Group) bool { return g != all && g != ungrouped })
		if own {
			inv.takeOut(ungrouped, h)
		} else {
			inv.put(ungrouped, h)
		}
	}
	inv.measure()
}

// measure gives every group its depth.
func (inv *Inventory) measure() {
	known := map[*Group]int{}
	var depth func(g *Group) int
	depth = func(g *Group) int {
		if d, ok := known[g]; ok {
			return d
		}
		d := 0
		for _, p := range g.parents {
			d = max(d, depth(p)+1)
		}
		known[g] = d
		return d
	}
	for _, g := range inv.grouping {
		g.depth = depth(g)
	}
}
