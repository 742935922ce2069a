package engine

import (
	"maps"
	"slices"
	"sync"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
	"rp/inventory"
)

// scope is the variables that one task on one host sees: layers, the highest
// first. It implements [jinja.Vars] and is never changed once it is in use.
type scope struct {
	layers []layer
}

// layer gives one level of variables.
type layer interface {
	get(name string) (any, bool)
	names(yield func(string))
}

type dictLayer struct{ d *value.Dict }

func (l dictLayer) get(name string) (any, bool) { return l.d.Get(name) }
func (l dictLayer) names(yield func(string)) {
	for _, k := range l.d.Keys() {
		if s, ok := k.(string); ok {
			yield(s)
		}
	}
}

type mapLayer map[string]any

func (l mapLayer) get(name string) (any, bool) { v, ok := l[name]; return v, ok }
func (l mapLayer) names(yield func(string)) {
	for k := range l {
		yield(k)
	}
}

// factLayer gives facts under their names with the prefix.
type factLayer map[string]any

func (l factLayer) get(name string) (any, bool) {
	if bare := withoutPrefix(name); bare != name {
		v, ok := l[bare]
		return v, ok
	}
	return nil, false
}

func (l factLayer) names(yield func(string)) {
	for k := range l {
		yield(factPrefix + k)
	}
}

// lazyLayer makes a variable's value when it is asked for.
type lazyLayer map[string]func() any

func (l lazyLayer) get(name string) (any, bool) {
	f, ok := l[name]
	if !ok {
		return nil, false
	}
	return f(), true
}

func (l lazyLayer) names(yield func(string)) {
	for k := range l {
		yield(k)
	}
}

// Lookup implements [jinja.Vars].
func (s scope) Lookup(name string) (any, bool) {
	for _, l := range s.layers {
		if v, ok := l.get(name); ok {
			return v, true
		}
	}
	return nil, false
}

// Names implements [jinja.Vars].
func (s scope) Names() []string {
	all := map[string]bool{}
	for _, l := range s.layers {
		l.names(func(n string) { all[n] = true })
	}
	return slices.Sorted(maps.Keys(all))
}

// with is s with more variables on top.
func (s scope) with(m map[string]any) scope {
	if len(m) == 0 {
		return s
	}
	return scope{append([]layer{mapLayer(m)}, s.layers...)}
}

var _ jinja.Vars = scope{}

// varsOf collects layers, leaving out empty ones. Those given first are higher.
type varsOf struct{ layers []layer }

func (v *varsOf) dict(ds ...*value.Dict) {
	for _, d := range ds {
		if d != nil && d.Len() > 0 {
			v.layers = append(v.layers, dictLayer{d})
		}
	}
}

func (v *varsOf) values(m map[string]any) {
	if len(m) > 0 {
		v.layers = append(v.layers, mapLayer(m))
	}
}

// scope is what t sees on w's host; loop are the variables of its loop's item.
//
// The order is Ansible's ("Understanding variable precedence"), from the
// highest: magic variables, extra vars, loop, include parameters, role
// parameters, set_fact and register, include_vars, task and block vars, role
// vars, vars_files, play vars, facts, the inventory's eight levels, role defaults.
func (w *worker) scope(t *play.Task, loop map[string]any) scope {
	v := varsOf{}
	v.layers = append(v.layers, w.magic(t))
	v.dict(w.r.ExtraVars)
	v.values(loop)
	levels := t.VarLevels()
	for _, l := range slices.Backward(levels) {
		if l.Params {
			v.dict(l.Vars)
		}
	}
	if t.Role != nil {
		v.dict(t.Role.AllParams())
	}
	v.values(w.facts.set)
	v.values(w.facts.included)
	for _, l := range slices.Backward(levels) {
		if !l.Params {
			v.dict(l.Vars)
		}
	}
	if t.Role != nil {
		v.dict(roleVars(t.Role))
	}
	for _, role := range slices.Backward(w.public) {
		v.dict(role.ExportedVars())
	}
	v.dict(w.ps.roleVars, w.ps.filesVars, w.play.Vars)
	w.r.hostLayers(&v, w.host, w.facts, w.play.Dir)
	if t.Role != nil {
		v.dict(roleDefaults(t.Role))
	}
	for _, role := range slices.Backward(w.public) {
		v.dict(roleDefaults(role))
	}
	v.dict(w.ps.roleDefaults)
	return scope{v.layers}
}

// roleCache keeps what a role's dictionaries merge to: they are asked for with every task.
var roleCache sync.Map // *play.Role → [2]*value.Dict

func roleDicts(r *play.Role) [2]*value.Dict {
	if c, ok := roleCache.Load(r); ok {
		return c.([2]*value.Dict) //nolint:forcetypeassert // only this function stores
	}
	ds := [2]*value.Dict{r.AllVars(), r.AllDefaults()}
	roleCache.Store(r, ds)
	return ds
}

func roleVars(r *play.Role) *value.Dict     { return roleDicts(r)[0] }
func roleDefaults(r *play.Role) *value.Dict { return roleDicts(r)[1] }

// hostLayers adds a host's facts and what the inventory says of it.
func (r *run) hostLayers(v *varsOf, h *inventory.Host, known hostVars, playbookDir string) {
	if len(known.facts) > 0 {
		v.layers = append(v.layers, factLayer(known.facts), lazyLayer{"ansible_facts": func() any { return known.factsDict() }})
	} else {
		v.layers = append(v.layers, lazyLayer{"ansible_facts": func() any { return value.NewDict() }})
	}
	v.dict(r.inventoryVars(h, playbookDir))
}

// inventoryVars is all that the inventory says of h, merged.
func (r *run) inventoryVars(h *inventory.Host, playbookDir string) *value.Dict {
	key := inventoryKey{h.Name, playbookDir, r.Inventory.Version()}
	if d, ok := r.invVars.Load(key); ok {
		return d.(*value.Dict) //nolint:forcetypeassert // only this function stores
	}
	d := r.Inventory.HostVars(h, playbookDir).Merge()
	r.invVars.Store(key, d)
	return d
}

type inventoryKey struct {
	host, dir string
	version   uint64
}

// global is what can be said before any host is known: extra vars and the play's own.
func (r *run) global(p *play.Play) scope {
	v := varsOf{}
	v.layers = append(v.layers, r.magicOfRun(p))
	v.dict(r.ExtraVars)
	for _, f := range p.VarsFiles {
		v.dict(f.Loaded)
	}
	v.dict(p.Vars)
	return scope{v.layers}
}

// hostScope is what another host of the run is known by: hostvars[NAME], and
// what says how it is reached.
func (r *run) hostScope(h *inventory.Host, p *play.Play) scope {
	known := r.known(h.Name)
	v := varsOf{}
	v.layers = append(v.layers, r.magicOfHost(h, p), r.magicOfRun(p))
	v.dict(r.ExtraVars)
	v.values(known.set)
	v.values(known.included)
	v.dict(p.Vars)
	r.hostLayers(&v, h, known, p.Dir)
	return scope{v.layers}
}
