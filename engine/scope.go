package engine

import (
	"slices"
	"strings"
	"sync"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/inventory"
)

// scope is what expressions find their names in.
type scope = jinja.Vars

// contexts are the playbook's variables for each task, put together once for all hosts.
type contexts struct {
	mu sync.Mutex
	m  map[contextKey]*vars.Context
}

type contextKey struct {
	t *play.Task
	// public tells hosts apart on which include_role showed different roles to the play.
	public string
}

// scope is what t sees on w's host; loop are the variables of its loop's item.
func (w *worker) scope(t *play.Task, loop map[string]any) *vars.Scope {
	s := w.r.store.ScopeAt(w.host, w.context(t), w.facts).With(map[string]any{searchVar: value.Strings(t.SearchPath("")...)})
	if fl := w.rescuing(); fl != nil && fl.entry.task != nil {
		s = s.With(map[string]any{
			"ansible_failed_result": fl.end.result,
			"ansible_failed_task":   value.DictOf("name", fl.entry.start.Task, "action", fl.entry.task.Action),
		})
	}
	if len(loop) > 0 {
		s = s.With(loop)
	}
	return s
}

func (w *worker) context(t *play.Task) *vars.Context {
	var names []string
	for _, r := range w.public {
		names = append(names, r.Key)
	}
	key := contextKey{t, strings.Join(names, "\x00")}
	cs := &w.ps.contexts
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.m[key]; c != nil {
		return c
	}
	c := vars.Compile(w.layers(t))
	if cs.m == nil {
		cs.m = map[contextKey]*vars.Context{}
	}
	cs.m[key] = c
	return c
}

// layers are the variables that the playbook gives t.
func (w *worker) layers(t *play.Task) vars.Layers {
	l := vars.Layers{
		Play: w.ps.names, PlayVars: w.play.Vars, VarsFiles: []*value.Dict{w.ps.filesVars},
		TaskVars: t.Vars, Environment: t.AllEnvironment(),
	}
	for _, r := range slices.Concat(w.play.Roles, w.public) {
		l.PlayRoleDefaults = append(l.PlayRoleDefaults, r.ExportedDefaults())
		l.PlayRoleVars = append(l.PlayRoleVars, r.ExportedVars())
	}
	if r := t.Role; r != nil {
		l.RoleDefaults, l.RoleVars = []*value.Dict{r.AllDefaults()}, []*value.Dict{r.AllVars()}
		l.RoleParams = []*value.Dict{r.AllParams()}
		l.Role = &vars.Role{Name: r.Name, Path: r.Path}
		for _, p := range slices.Backward(r.Chain) {
			l.Role.Parents = append(l.Role.Parents, p.Name)
		}
	}
	for _, v := range t.VarLevels() {
		if v.Params {
			l.IncludeParams = append(l.IncludeParams, v.Vars)
			continue
		}
		l.BlockVars = append(l.BlockVars, v.Vars)
	}
	return l
}

// rescuing is the failure that a rescue section is looking at; nil outside of one.
func (w *worker) rescuing() *failure {
	for _, f := range slices.Backward(w.cur.frames) {
		if f.rescuing != nil {
			return f.rescuing
		}
	}
	return nil
}

// playNames is what magic variables tell of the play, for one batch.
func (r *run) playNames(ps *playState, batch []*inventory.Host) *vars.Play {
	p := &vars.Play{
		Name: ps.title, Dir: ps.play.Dir, HostsAll: hostNamesOf(ps.hosts), Batch: hostNamesOf(batch),
		Removed: r.removed,
	}
	for _, role := range ps.play.Roles {
		p.Roles = append(p.Roles, role.Name)
		for _, d := range role.AllDependencies() {
			p.DependentRoles = append(p.DependentRoles, d.Name)
		}
	}
	return p
}

// global is what can be said before any host is known: extra vars and the play's own.
func (r *run) global(p *play.Play) scope {
	known := jinja.MapVars{"playbook_dir": p.Dir, "ansible_check_mode": r.Check}
	for _, d := range []*value.Dict{p.Vars, r.ExtraVars} {
		if d == nil {
			continue
		}
		for k, v := range d.All() {
			if name, ok := k.(string); ok {
				known[name] = v
			}
		}
	}
	known["groups"] = r.Inventory.GroupsDict()
	return known
}

// hostScope is what says how another host of the run is reached.
func (r *run) hostScope(h *inventory.Host, p *play.Play) scope {
	c := vars.Compile(vars.Layers{Play: &vars.Play{Dir: p.Dir}, PlayVars: p.Vars})
	return r.store.Scope(h, c)
}

// readsOtherHosts reports whether a task's text names other hosts' variables,
// so that it has to wait for them.
func (r *run) readsOtherHosts(t *play.Task) bool {
	if v, ok := r.reads.Load(t); ok {
		return v.(bool) //nolint:forcetypeassert // only this function stores
	}
	found := mentions(t.Args) || mentions(t.Vars) || t.Loop != nil && mentions(t.Loop.Expr)
	for _, c := range t.AllWhen() {
		found = found || mentions(c.Source)
	}
	r.reads.Store(t, found)
	return found
}

// mentions reports whether hostvars is named anywhere in v.
func mentions(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "hostvars")
	case value.Template:
		return strings.Contains(v.Source, "hostvars")
	case *value.List:
		return slices.ContainsFunc(v.Items, mentions)
	case *value.Dict:
		if v == nil {
			return false
		}
		for _, e := range v.All() {
			if mentions(e) {
				return true
			}
		}
	}
	return false
}
