package play

import (
	"path/filepath"
	"slices"
)

// SearchPath are the directories in which a relative name that t gives is
// looked for, in order, as Ansible does: kind is files, templates, vars or
// tasks. The role's kind directory, the role, the roles that led to it, the
// directory of the task's own file, the playbook's kind directory, the playbook's.
func (t *Task) SearchPath(kind string) []string {
	var dirs []string
	add := func(dir string) {
		for _, d := range []string{filepath.Join(dir, kind), dir} {
			if !slices.Contains(dirs, d) {
				dirs = append(dirs, d)
			}
		}
	}
	if t.Role != nil {
		add(t.Role.Path)
		for _, parent := range slices.Backward(t.Role.Chain) {
			add(parent.Path)
		}
	}
	add(t.Dir())
	if t.Play != nil {
		add(t.Play.Dir)
	}
	return dirs
}

// SearchPath are the directories in which a relative name in the play's
// vars_files is looked for.
func (p *Play) SearchPath(kind string) []string {
	return []string{filepath.Join(p.Dir, kind), p.Dir}
}

// taskFiles are the paths at which an import or include of name, standing in a
// file of trail (outermost first), is looked for.
func taskFiles(name string, trail []string, role *Role, play *Play, handler bool) []string {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	var paths []string
	add := func(dir ...string) {
		p := filepath.Join(append(dir, name)...)
		if !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	for _, file := range slices.Backward(trail) {
		add(filepath.Dir(file))
	}
	if role != nil {
		if handler {
			add(role.Path, "handlers")
		}
		add(role.Path, "tasks")
		add(role.Path)
	}
	if play != nil {
		add(play.Dir, "tasks")
		add(play.Dir)
	}
	return paths
}
