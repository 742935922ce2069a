package inventory

import (
	"os"
	"path/filepath"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
)

// Level is where an inventory variable comes from. A higher level wins.
type Level int

// The levels in Ansible's order, lowest first; in "Variable precedence" of its
// documentation they are numbers 3 to 10.
const (
	GroupsInSource        Level = iota // vars of groups in a source: all first, then by depth, priority, name
	AllBesideInventory                 // group_vars/all beside a source
	AllBesidePlaybook                  // group_vars/all beside the playbook
	GroupsBesideInventory              // group_vars/NAME beside a source
	GroupsBesidePlaybook               // group_vars/NAME beside the playbook
	HostInSource                       // a host's variables in a source
	HostBesideInventory                // host_vars/NAME beside a source
	HostBesidePlaybook                 // host_vars/NAME beside the playbook
	NumLevels
)

// Layers are the variables that an inventory gives one host: for each level
// its mappings, the least important first. They are shared: never change them.
type Layers [NumLevels][]*value.Dict

// Merge is all of l as one new mapping.
func (l Layers) Merge() *value.Dict {
	d := value.NewDict()
	for _, level := range l {
		for _, m := range level {
			for k, v := range m.All() {
				d.Set(k, v)
			}
		}
	}
	return d
}

// AddPlaybookDir reads group_vars and host_vars beside a playbook, dir being
// the playbook's directory, and reports what is wrong with them. Reading one
// directory again does nothing.
func (inv *Inventory) AddPlaybookDir(dir string) diag.List {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	ds := inv.beside.load(inv, absolute(dir))
	if inv.o.Lenient {
		soften(ds)
	}
	return ds
}

// HostVars are the variables of h, level by level. playbookDir is the directory
// of the playbook that h is used in, read before by AddPlaybookDir; empty for none.
func (inv *Inventory) HostVars(h *Host, playbookDir string) Layers {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	var l Layers
	all := inv.groups[All]
	// all counts for every host, the implicit localhost included, and before all others.
	groups := without(h.allGroups(), all)
	l.add(GroupsInSource, all.vars.dict)
	for _, g := range groups {
		l.add(GroupsInSource, g.vars.dict)
	}
	l.add(HostInSource, h.vars.dict)
	for _, dir := range inv.dirs {
		inv.besides(&l, dir, AllBesideInventory, GroupsBesideInventory, HostBesideInventory, h, groups)
	}
	if playbookDir != "" {
		inv.besides(&l, absolute(playbookDir), AllBesidePlaybook, GroupsBesidePlaybook, HostBesidePlaybook, h, groups)
	}
	return l
}

// besides adds what the files beside dir say of h and its groups.
func (inv *Inventory) besides(l *Layers, dir string, atAll, atGroups, atHost Level, h *Host, groups []*Group) {
	d := inv.beside.at(dir)
	if d == nil {
		return
	}
	defer inv.beside.mu.RUnlock()
	l.add(atAll, d.groups[All])
	for _, g := range groups {
		l.add(atGroups, d.groups[g.Name])
	}
	l.add(atHost, d.hosts[h.Name])
}

func (l *Layers) add(at Level, d *value.Dict) {
	if d != nil && d.Len() > 0 {
		l[at] = append(l[at], d)
	}
}

// sourceDirs are the directories beside which group_vars and host_vars of the
// sources lie: a directory itself, or that of a file. A list of hosts has none.
func sourceDirs(sources []string) []string {
	var out []string
	for _, s := range sources {
		info, err := os.Stat(s)
		dir := filepath.Dir(absolute(s))
		switch {
		case err != nil && strings.Contains(s, ","):
			continue
		case err == nil && info.IsDir():
			dir = absolute(s)
		}
		out = append(out, dir)
	}
	return out
}
