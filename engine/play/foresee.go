package play

import (
	"path/filepath"

	"rp/engine/diag"
)

// foresee reads what the play's includes name, where that is fixed, so that
// mistakes in it are told before the run. They are warnings: whether a task
// that includes is ever reached is not known.
func (p *pass) foresee(pl *Play) {
	f := foresight{p: p, seen: map[string]bool{}}
	for t := range pl.All() {
		f.follow(t)
	}
	for _, h := range pl.Handlers {
		f.follow(h)
	}
}

type foresight struct {
	p *pass
	// seen are the files and roles that were read already: includes may be recursive.
	seen map[string]bool
}

// follow reads what t includes, and what is included there.
func (f *foresight) follow(t *Task) {
	if t.Include == nil {
		return
	}
	inc, ds := f.read(t)
	if inc == nil {
		return
	}
	for _, d := range ds {
		d.Severity = diag.Warning
		f.p.ds = append(f.p.ds, d)
	}
	for inner := range inc.Block.All() {
		f.follow(inner)
	}
	for _, h := range inc.Handlers {
		f.follow(h)
	}
}

// read is nil where the name is not fixed, is not there, or was read before.
func (f *foresight) read(t *Task) (*Inclusion, diag.List) {
	l := f.p.l
	if name, ok := t.Include.File.(string); ok {
		path := firstFile(l, taskFiles(name, t.trail, t.Role, t.Play, t.Handler))
		if path == "" || f.again(path, t.Role) {
			return nil, nil
		}
		return l.LoadTasks(t, name, nil)
	}
	name, ok := t.Include.Role.(string)
	path := l.rolePath(scope{play: t.Play, role: t.Role}, name)
	from := t.Include.From
	if !ok || path == "" || !fixed(from.Tasks, from.Vars, from.Defaults, from.Handlers) {
		return nil, nil
	}
	tasks, _ := from.Tasks.(string)
	if f.again(filepath.Join(path, "tasks", tasks), t.Role) {
		return nil, nil
	}
	return l.LoadRole(t, name, from, nil)
}

// again reports whether path was read before in the same role, and marks it as read.
func (f *foresight) again(path string, r *Role) bool {
	if r != nil {
		path += "\x00" + r.Path
	}
	was := f.seen[path]
	f.seen[path] = true
	return was
}

func fixed(vs ...any) bool {
	for _, v := range vs {
		if _, ok := v.(string); v != nil && !ok {
			return false
		}
	}
	return true
}
