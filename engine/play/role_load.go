package play

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// roleUse is one use of a role: an entry of roles:, a dependency, an import or an include.
type roleUse struct {
	name     string
	pos      diag.Pos
	level    Level
	params   *value.Dict
	given    *value.Dict
	from     RoleFrom // strings and nils
	fromTask bool     // by include_role or import_role
	public   bool
	// duplicates is what the use says of running the role again; nil leaves it to meta.
	duplicates *bool
}

// rolePath is the directory of the role called name as seen from s, or "":
// beside the playbook in roles/, on the roles path, beside the role it is used
// in, beside the playbook, and as a path.
func (l *Loader) rolePath(s scope, name string) string {
	for _, dir := range l.roleDirs(s) {
		if path := filepath.Join(dir, name); l.isDir(path) {
			return path
		}
	}
	if strings.ContainsRune(name, '/') && l.isDir(name) {
		return filepath.Clean(name)
	}
	return ""
}

func (l *Loader) roleDirs(s scope) []string {
	var dirs []string
	add := func(dir string) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if s.play != nil {
		add(filepath.Join(s.play.Dir, "roles"))
	}
	for _, dir := range l.RolesPath {
		add(filepath.Clean(dir))
	}
	if s.role != nil {
		add(filepath.Dir(s.role.Path))
	}
	if s.play != nil {
		add(s.play.Dir)
	}
	return dirs
}

// ofCollection reports whether name can only be a role or playbook of a
// collection: namespace.collection.name.
func ofCollection(name string) bool {
	return strings.Count(name, ".") >= 2 && !strings.ContainsAny(name, "/ ")
}

// role is the block of the role that u uses, nil where it cannot be found.
// What it finds is also on the block's Role.
func (p *pass) role(s scope, u roleUse) *Block {
	path := p.l.rolePath(s, u.name)
	if path == "" {
		p.noRole(s, u)
		return nil
	}
	id := fmt.Sprint(path, ":", u.from.Tasks)
	if slices.Contains(s.dependencies, id) {
		p.ds.Errorf(u.pos, "role %q depends on itself", u.name)
		return nil
	}
	r := &Role{Name: u.name, Path: path, Params: u.params, Given: u.given, Public: u.public}
	if path == filepath.Clean(u.name) {
		r.Name = filepath.Base(path) // found by its path, not by its name
	}
	if s.role != nil {
		r.Chain = append(slices.Clone(s.role.Chain), s.role)
	}
	r.Defaults = p.roleVars(r, "defaults", u.from.Defaults, u.pos)
	r.Vars = p.roleVars(r, "vars", u.from.Vars, u.pos)
	entry := &Block{Level: u.level, Kind: RoleEntry, Parent: s.parent, Play: s.play, Role: r}
	// The use's variables are the role's (Role.Given), not those of a block.
	entry.Vars = nil
	if entry.Pos.IsZero() {
		entry.Pos = u.pos
	}
	in := s.within(entry)
	in.role, in.handler = r, false
	in.dependencies = append(slices.Clip(s.dependencies), id)
	in.trail = nil
	p.meta(in, entry, u)
	r.Key = roleKey(r, u)
	p.roleTasks(in, entry, u)
	r.Handlers = append(r.Handlers, p.roleHandlers(in, u)...)
	return entry
}

func (p *pass) noRole(s scope, u roleUse) {
	p.partial = true
	if ofCollection(u.name) {
		p.ds.Errorf(u.pos, "role %q: roles of collections are not supported yet", u.name)
		return
	}
	d := p.ds.Errorf(u.pos, "there is no role %q", u.name)
	var near []string
	for _, dir := range p.l.roleDirs(s)[:1] {
		entries, err := p.l.source().ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			near = append(near, e.Name())
		}
	}
	if name := diag.Suggest(u.name, near); name != "" {
		d.Hintf("did you mean %q?", name)
		return
	}
	d.Hintf("looked in %s", strings.Join(p.l.roleDirs(s), ", "))
}

// roleVars reads defaults or vars of r: main, or the file that from names.
func (p *pass) roleVars(r *Role, part string, from any, pos diag.Pos) *value.Dict {
	d := value.NewDict()
	for _, path := range p.rolePart(r, part, from, true, pos) {
		merge(d, p.varsFile(path, pos))
	}
	return d
}

// rolePart are the files of a part of r. One that from names must exist.
func (p *pass) rolePart(r *Role, part string, from any, dirs bool, pos diag.Pos) []string {
	name, named := from.(string)
	paths := p.l.partFiles(filepath.Join(r.Path, part), cmp.Or(name, "main"), dirs)
	if named && len(paths) == 0 {
		p.ds.Errorf(pos, "role %q has no file %q", r.Name, filepath.Join(part, name))
	}
	return paths
}

func (p *pass) roleTasks(s scope, entry *Block, u roleUse) {
	body := &Block{Kind: RoleBody, Parent: entry, Play: s.play, Role: s.role}
	body.Pos = entry.Pos
	for _, path := range p.rolePart(s.role, "tasks", u.from.Tasks, false, u.pos) {
		body.Body = append(body.Body, p.taskFile(s.within(body), path, u.pos)...)
	}
	entry.Body = append(entry.Body, body)
}

func (p *pass) roleHandlers(s scope, u roleUse) []*Task {
	s.handler = true
	before := len(p.ds)
	var all []*Task
	for _, path := range p.rolePart(s.role, "handlers", u.from.Handlers, false, u.pos) {
		all = append(all, flatten(p.taskFile(s, path, u.pos))...)
	}
	p.partial = p.partial || p.ds[before:].Failed()
	return all
}

// flatten are the tasks of nodes; what is said of blocks reaches them by Parent.
func flatten(nodes []Node) []*Task {
	var all []*Task
	for _, n := range nodes {
		switch n := n.(type) {
		case *Task:
			all = append(all, n)
		case *Block:
			all = append(all, flatten(n.Body)...)
		}
	}
	return all
}

// roleKey tells uses of the same role apart as Ansible does: by path, files,
// parameters, variables, conditions and tags.
func roleKey(r *Role, u roleUse) string {
	var when []any
	for _, c := range u.level.When {
		when = append(when, c.Source)
	}
	return fmt.Sprint(r.Path, u.from, u.fromTask, keyOf(r.Params), keyOf(r.Given), keyOf(value.NewList(when...)), u.level.Tags, u.level.LateTags)
}

func keyOf(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		if v == nil {
			return "{}"
		}
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, fmt.Sprintf("%v:%s", k, keyOf(e)))
		}
		slices.Sort(parts)
		return fmt.Sprint("{", parts, "}")
	case *value.List:
		var parts []string
		for _, e := range v.Items {
			parts = append(parts, keyOf(e))
		}
		return fmt.Sprint(parts)
	case value.Template:
		return "T" + v.Source
	case value.Secret:
		return keyOf(v.V)
	}
	return fmt.Sprintf("%T %v", v, v)
}

// importRole is the block of the role that t imports.
func (p *pass) importRole(s scope, t *Task) Node {
	inc := t.Include
	b := &Block{Level: t.Level, Kind: ImportRole, Parent: s.parent, Play: s.play, Role: s.role}
	if inc.Role == nil {
		return nil
	}
	name, ok := p.staticText(s, t.Vars, inc.Role, inc.Pos, "the name of an imported role")
	if !ok {
		return nil
	}
	if s.handler {
		p.ds.Errorf(t.Pos, "import_role among handlers is not supported yet")
		return nil
	}
	u := roleUse{name: name, pos: inc.Pos, given: t.Vars, public: true, fromTask: true}
	if v, ok := inc.Public.(bool); ok {
		u.public = v
	}
	again, said := inc.AllowDuplicates.(bool)
	again = again || !said
	u.duplicates = &again
	u.from, ok = p.staticFrom(s, t)
	if !ok {
		return nil
	}
	entry := p.role(s.within(b), u)
	if entry == nil {
		return nil
	}
	b.Body = []Node{entry}
	p.imported = append(p.imported, entry.Role.Handlers...)
	if u.public {
		p.roles = append(p.roles, entry.Role)
	}
	return b
}

// staticFrom is the *_from of an import, evaluated.
func (p *pass) staticFrom(s scope, t *Task) (RoleFrom, bool) {
	from, all := t.Include.From, true
	for name, v := range map[string]*any{"tasks_from": &from.Tasks, "vars_from": &from.Vars, "defaults_from": &from.Defaults, "handlers_from": &from.Handlers} {
		if *v == nil {
			continue
		}
		text, ok := p.staticText(s, t.Vars, *v, t.ArgPos[name], name+" of import_role")
		*v, all = text, all && ok
	}
	return from, all
}

// roleEntries reads roles: or dependencies: into uses.
func (p *pass) roleEntries(s scope, n *yaml.Node, what string) []roleUse {
	if n == nil || p.empty(s, n) {
		return nil
	}
	if yaml.KindOf(n) != yaml.Sequence {
		p.ds.Errorf(s.at(n), "%s must be a list of roles, not %s", what, article(p.plain(s, n)))
		return nil
	}
	var uses []roleUse
	for _, e := range yaml.Target(n).Content {
		if u, ok := p.roleUse(s, yaml.Target(e)); ok {
			uses = append(uses, u)
		}
	}
	return uses
}

// roleUse reads one entry: a name, or a mapping of role, keywords and parameters.
func (p *pass) roleUse(s scope, n *yaml.Node) (u roleUse, ok bool) {
	u.pos, u.public = s.at(n), true
	if yaml.KindOf(n) != yaml.Mapping {
		u.level.Pos = u.pos
		u.name, ok = p.staticText(s, nil, p.value(s, n), u.pos, "the name of a role")
		return u, ok
	}
	es, _ := p.entries(s, n, "a role")
	keywords := es.only(func(e entry) bool { k := byName[e.name]; return k != nil && k.Where&InRole != 0 && e.name != "name" })
	p.level(s, &u.level, keywords, InRole)
	u.level.Pos, u.given = u.pos, u.level.Vars
	params := value.NewDict()
	for _, e := range es {
		switch k := byName[e.name]; {
		case e.name == "role" || e.name == "name" || e.name == "src":
		case k != nil && k.Where&InRole != 0:
		default:
			if !isVariable(e.name) {
				p.badVariable(s.at(e.key), e.name)
			}
			params.Set(e.name, p.value(s, e.val))
		}
	}
	if params.Len() > 0 {
		u.params = params
	}
	name := es.get("role")
	for _, other := range []string{"name", "src"} {
		if name == nil {
			name = es.get(other)
		}
	}
	if name == nil {
		p.ds.Errorf(u.pos, "an entry of roles: must name its role").Hintf("- role: NAME")
		return u, false
	}
	u.pos = s.at(name)
	u.name, ok = p.staticText(s, u.given, p.value(s, name), u.pos, "the name of a role")
	return u, ok
}
