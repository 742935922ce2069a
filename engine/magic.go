package engine

import (
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
	"rp/inventory"
)

// ansibleVersion is whose behaviour the language follows.
const ansibleVersion = "2.17.5"

// magic are the variables that a task sees and nobody can set.
func (w *worker) magic(t *play.Task) layer {
	l := w.r.magicOfHost(w.host, w.play)
	for name, f := range w.r.magicOfRun(w.play) {
		l[name] = f
	}
	l["ansible_play_batch"] = func() any { return value.Strings(hostNamesOf(w.r.still(w.ps.batch))...) }
	l["ansible_play_hosts"] = func() any { return value.Strings(hostNamesOf(w.r.still(w.ps.hosts))...) }
	l["ansible_play_hosts_all"] = func() any { return value.Strings(hostNamesOf(w.ps.hosts)...) }
	l["play_hosts"] = l["ansible_play_hosts"]
	l["ansible_play_name"] = func() any { return w.title }
	l["ansible_play_role_names"] = func() any { return roleNames(w.play, false) }
	l["role_names"] = l["ansible_play_role_names"]
	l["ansible_role_names"] = func() any { return roleNames(w.play, true) }
	if t.Role != nil {
		l["role_name"] = func() any { return t.Role.Name }
		l["ansible_role_name"] = l["role_name"]
		l["role_path"] = func() any { return t.Role.Path }
	}
	if fl := w.rescuing(); fl != nil {
		l["ansible_failed_result"] = func() any { return fl.end.result }
		l["ansible_failed_task"] = func() any {
			return value.DictOf("name", fl.entry.start.Task, "action", fl.entry.task.Action, "args", value.NewDict())
		}
	}
	l["ansible_search_path"] = func() any { return value.Strings(t.SearchPath("files")...) }
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

func roleNames(p *play.Play, dependencies bool) any {
	l := value.NewList()
	add := func(name string) {
		if !slices.Contains(l.Items, any(name)) {
			l.Append(name)
		}
	}
	for _, r := range p.Roles {
		if dependencies {
			for _, d := range r.AllDependencies() {
				add(d.Name)
			}
		}
		add(r.Name)
	}
	return l
}

func (r *run) magicOfHost(h *inventory.Host, _ *play.Play) lazyLayer {
	return lazyLayer{
		"inventory_hostname":       func() any { return h.Name },
		"inventory_hostname_short": func() any { s, _, _ := strings.Cut(h.Name, "."); return s },
		"group_names":              func() any { return value.Strings(h.GroupNames()...) },
		"inventory_file":           func() any { return emptyIsNil(h.File) },
		"inventory_dir":            func() any { return emptyIsNil(h.Dir) },
	}
}

func emptyIsNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (r *run) magicOfRun(p *play.Play) lazyLayer {
	return lazyLayer{
		"groups":                  func() any { return r.Inventory.GroupsDict() },
		"hostvars":                func() any { return hostvars{r, p} },
		"playbook_dir":            func() any { return absolute(p.Dir) },
		"ansible_check_mode":      func() any { return r.Check },
		"ansible_diff_mode":       func() any { return r.Diff },
		"ansible_forks":           func() any { return int64(r.Forks) },
		"ansible_verbosity":       func() any { return int64(r.Verbosity) },
		"ansible_limit":           func() any { return r.LimitText },
		"ansible_run_tags":        func() any { return value.Strings(r.Tags.Only...) },
		"ansible_skip_tags":       func() any { return value.Strings(r.Tags.Skip...) },
		"ansible_config_file":     func() any { return nil },
		"ansible_playbook_python": func() any { return "" },
		"environment":             func() any { return value.NewList() },
		"omit":                    func() any { return value.Omit{} },
		"ansible_version": func() any {
			return value.DictOf("full", ansibleVersion, "major", int64(2), "minor", int64(17), "revision", int64(5), "string", ansibleVersion)
		},
	}
}

func absolute(dir string) string {
	if a, err := filepath.Abs(dir); err == nil {
		return a
	}
	return dir
}

// hostvars is the variable of that name: every host's own variables.
type hostvars struct {
	r *run
	p *play.Play
}

// Get implements [value.Object].
func (o hostvars) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	h := o.r.Inventory.Host(name)
	if h == nil {
		return nil, false
	}
	return hostVar{scope: o.r.hostScope(h, o.p)}, true
}

// Keys implements [value.Object].
func (o hostvars) Keys() []any {
	var ks []any
	for _, h := range o.r.Inventory.Hosts() {
		ks = append(ks, h.Name)
	}
	return ks
}

// hostVar is one host's entry of hostvars. Templates in it are rendered with that host's variables.
type hostVar struct{ scope scope }

// Get implements [value.Object].
func (h hostVar) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	return h.scope.Lookup(name)
}

// Keys implements [value.Object].
func (h hostVar) Keys() []any {
	names := h.scope.Names()
	ks := make([]any, len(names))
	for i, n := range names {
		ks[i] = n
	}
	return ks
}

// Scope implements [jinja.Scoped].
func (h hostVar) Scope() jinja.Vars { return h.scope }

var _ jinja.Scoped = hostVar{}

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
