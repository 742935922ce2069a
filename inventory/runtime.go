package inventory

import (
	"fmt"
	"reflect"

	"rp/engine/diag"
	"rp/engine/value"
)

// AddHost adds a host while a run is under way, as the add_host module does: it
// is made if need be, gets vars on top of those it has, and is put into groups,
// which are made if need be. name may end in a port, as in an inventory.
// changed is whether any of this made a difference; the diagnostics are about the
// group_vars and host_vars files that the host or the groups bring in.
func (inv *Inventory) AddHost(name string, vars *value.Dict, groups []string) (h *Host, changed bool, ds diag.List) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	before := inv.version
	base, port := splitPort(name)
	h = inv.addHost(base, source{})
	if port >= 0 {
		inv.change(h, "ansible_port", port)
	}
	if vars != nil {
		for k, v := range vars.All() {
			inv.change(h, fmt.Sprint(k), v)
		}
	}
	for _, g := range groups {
		inv.put(inv.addGroup(g), h)
	}
	inv.reconcile()
	return h, inv.version != before, inv.late([]string{h.Name}, groups)
}

// AddToGroup puts hosts into group, made if need be, below the groups parents,
// as the group_by module does. A parent that is already below group is an error.
func (inv *Inventory) AddToGroup(group string, hosts []*Host, parents []string) (changed bool, ds diag.List) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	before := inv.version
	g := inv.addGroup(group)
	for _, p := range parents {
		if err := inv.link(inv.addGroup(p), g); err != nil {
			ds.Errorf(diag.Pos{}, "%v", err)
		}
	}
	for _, h := range hosts {
		inv.put(g, h)
	}
	inv.reconcile()
	return inv.version != before, append(ds, inv.late(nil, append([]string{group}, parents...))...)
}

// change gives h a variable in a mapping of its own, so that readers of the old one are not disturbed.
func (inv *Inventory) change(h *Host, name string, v any) {
	if h.vars.dict == nil {
		h.vars.set(name, v, diag.Pos{})
		inv.version++
		return
	}
	if old, ok := h.vars.dict.Get(name); ok && reflect.DeepEqual(old, v) {
		return
	}
	h.vars.dict = h.vars.dict.Clone()
	h.vars.dict.Set(name, v)
	delete(h.vars.pos, name)
	inv.version++
}

func (inv *Inventory) late(hosts, groups []string) diag.List {
	ds := inv.beside.late(inv.o, hosts, groups)
	if inv.o.Lenient {
		soften(ds)
	}
	return ds
}
