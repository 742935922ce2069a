package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"rp/engine/diag"
	"rp/engine/value"
)

// The groups that every inventory has.
const (
	All       = "all"
	Ungrouped = "ungrouped"
)

// localNames are the names that mean the controller even where no source has them.
var localNames = []string{"localhost", "127.0.0.1", "::1"}

// Inventory is all hosts and groups of a run. Make one with [Load].
type Inventory struct {
	o Options

	mu       sync.RWMutex
	hosts    map[string]*Host
	order    []*Host // as first seen
	groups   map[string]*Group
	grouping []*Group // as first seen
	// local is the host that localhost means: of a source, or the implicit one.
	local *Host
	// version counts changes; groupsDict is made for groupsAt.
	version    uint64
	groupsAt   uint64
	groupsDict *value.Dict

	sources []string // as given
	dirs    []string // beside which variable files of the sources lie
	beside  varDirs
}

// Host is one machine. Its Name is its identity; where it is reached may be told by ansible_host.
type Host struct {
	Name string
	// Implicit is set for the localhost that no source names.
	Implicit bool
	// Dir is the directory of the source that named the host first, File that source; both empty for an implicit host, Dir for a list of hosts.
	Dir, File string

	inv    *Inventory
	groups []*Group // those it was put into, not their parents
	vars   variables
}

// Group is a set of hosts and of other groups.
type Group struct {
	Name string

	inv      *Inventory
	priority int64
	depth    int
	children []*Group
	parents  []*Group
	hosts    []*Host
	member   map[*Host]bool
	vars     variables
}

// variables are what a source gives a host or group, each with its place.
// After Load, a change makes a new dict: readers keep theirs.
type variables struct {
	dict *value.Dict
	pos  map[string]diag.Pos
}

func (v *variables) set(name string, val any, pos diag.Pos) {
	if v.dict == nil {
		v.dict, v.pos = value.NewDict(), map[string]diag.Pos{}
	}
	v.dict.Set(name, val)
	v.pos[name] = pos
}

func newInventory(o Options) *Inventory {
	inv := &Inventory{o: o, hosts: map[string]*Host{}, groups: map[string]*Group{}, version: 1}
	inv.addGroup(All)
	if err := inv.link(inv.groups[All], inv.addGroup(Ungrouped)); err != nil {
		panic(err) // a group that was just made has no children
	}
	return inv
}

// Hosts are all hosts in the order in which the sources name them. An implicit localhost is not among them.
func (inv *Inventory) Hosts() []*Host {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.Clone(inv.order)
}

// Host is the host of that name, nil if there is none. localhost, 127.0.0.1
// and ::1 are always found: as a source has it, or else as the implicit localhost.
func (inv *Inventory) Host(name string) *Host {
	inv.mu.RLock()
	h := inv.host(name)
	inv.mu.RUnlock()
	if h == nil && slices.Contains(localNames, name) {
		inv.mu.Lock()
		defer inv.mu.Unlock()
		return inv.implicit(name)
	}
	return h
}

func (inv *Inventory) host(name string) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	if inv.local != nil && slices.Contains(localNames, name) {
		return inv.local
	}
	return nil
}

func (inv *Inventory) implicit(name string) *Host {
	if inv.local == nil {
		inv.local = &Host{Name: name, Implicit: true, inv: inv}
		inv.local.vars.set("ansible_connection", "local", diag.Pos{})
		inv.version++
	}
	return inv.local
}

// Groups are all groups in the order in which the sources name them, after all and ungrouped.
func (inv *Inventory) Groups() []*Group {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.Clone(inv.grouping)
}

// Group is the group of that name, nil if there is none.
func (inv *Inventory) Group(name string) *Group {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.groups[name]
}

// Version changes whenever a host or a group is added or changed.
func (inv *Inventory) Version() uint64 {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.version
}

// Sources are what Load was given.
func (inv *Inventory) Sources() []string { return slices.Clone(inv.sources) }

// GroupsDict is the magic variable "groups": each group's name and the names
// of all its hosts. The caller must not change it.
func (inv *Inventory) GroupsDict() *value.Dict {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.groupsAt == inv.version {
		return inv.groupsDict
	}
	d := value.NewDict()
	for _, g := range inv.grouping {
		l := &value.List{Items: []any{}}
		for _, h := range g.all() {
			l.Append(h.Name)
		}
		d.Set(g.Name, l)
	}
	inv.groupsDict, inv.groupsAt = d, inv.version
	return d
}

// Vars are the variables that the sources give h itself, nil for none. The caller must not change them.
func (h *Host) Vars() *value.Dict {
	h.inv.mu.RLock()
	defer h.inv.mu.RUnlock()
	return h.vars.dict
}

// VarPos is where the variable name of h was written, or no place.
func (h *Host) VarPos(name string) diag.Pos {
	h.inv.mu.RLock()
	defer h.inv.mu.RUnlock()
	return h.vars.pos[name]
}

// Groups are all groups that h is in, also through other groups, the one whose
// variables count least first: by depth, ansible_group_priority and name.
func (h *Host) Groups() []*Group {
	h.inv.mu.RLock()
	defer h.inv.mu.RUnlock()
	return h.allGroups()
}

// GroupNames is the magic variable "group_names": the sorted names of h's groups but all.
func (h *Host) GroupNames() []string {
	names := []string{}
	for _, g := range h.Groups() {
		if g.Name != All {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (h *Host) allGroups() []*Group {
	seen := map[*Group]bool{}
	var out []*Group
	var visit func(g *Group)
	visit = func(g *Group) {
		if seen[g] {
			return
		}
		seen[g] = true
		out = append(out, g)
		for _, p := range g.parents {
			visit(p)
		}
	}
	for _, g := range h.groups {
		visit(g)
	}
	slices.SortFunc(out, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.priority, b.priority), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Priority is ansible_group_priority: of two groups of one depth the higher wins. 1 unless set.
func (g *Group) Priority() int64 {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return g.priority
}

// Depth is the length of the longest way from all to g.
func (g *Group) Depth() int {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return g.depth
}

// Children are the groups put into g.
func (g *Group) Children() []*Group {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return slices.Clone(g.children)
}

// Direct are the hosts put into g itself.
func (g *Group) Direct() []*Host {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return slices.Clone(g.hosts)
}

// Hosts are all hosts of g in Ansible's order: its own, then its children's, level by level.
func (g *Group) Hosts() []*Host {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return g.all()
}

func (g *Group) all() []*Host {
	var out []*Host
	seen := map[*Host]bool{}
	visited := map[*Group]bool{g: true}
	for level := []*Group{g}; len(level) > 0; {
		var next []*Group
		for _, at := range level {
			for _, h := range at.hosts {
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
			for _, c := range at.children {
				if !visited[c] {
					visited[c] = true
					next = append(next, c)
				}
			}
		}
		level = next
	}
	return out
}

// Vars are the variables that the sources give g, nil for none. The caller must not change them.
func (g *Group) Vars() *value.Dict {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return g.vars.dict
}

// VarPos is where the variable name of g was written, or no place.
func (g *Group) VarPos(name string) diag.Pos {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return g.vars.pos[name]
}

func (g *Group) String() string { return fmt.Sprintf("group %s", g.Name) }
func (h *Host) String() string  { return h.Name }
