package play

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// Module is what the loader must know of a module.
type Module struct {
	// Name is the module's own, short or full, whatever name a task gave it.
	Name string
	// FreeForm is the argument that takes a string given instead of arguments
	// (`command: ls -l`); empty where there is none.
	FreeForm string
	// TextOptions are the only key=value options that such a string may hold
	// (command: chdir, creates …): every other = is text. nil: every key=value is an option.
	TextOptions []string
}

// Modules is the table of modules, as the loader needs it.
type Modules interface {
	// Find is the module that goes by name, which may be a full one (ansible.builtin.copy).
	Find(name string) (Module, bool)
	// Names are all names that Find takes, for suggestions.
	Names() []string
	// Check says what is wrong with the arguments of the module with that own
	// name; what is a template cannot be judged. pos is the module's place, argPos an argument's.
	Check(name string, args *value.Dict, argPos func(key string) diag.Pos, pos diag.Pos) diag.List
}

// Loader reads playbooks and roles. Its methods may be called at the same time.
type Loader struct {
	Modules Modules
	// RolesPath are directories with roles, besides the playbook's own roles/.
	RolesPath []string
	// Source is where files are; OS() when nil.
	Source Source
	// Static evaluates a template that must be known while loading: file and role
	// names of imports, tags. vars are what is known there, the last one wins;
	// what stands above them all (extra variables) is the caller's to add. When
	// nil, such a template is an error.
	Static func(t value.Template, vars []*value.Dict) (any, error)
	// Vault opens !vault values; see yaml.Options.
	Vault func(text string, pos diag.Pos) (any, error)
	// CheckExpr and CheckTemplate report what is wrong with the syntax of an
	// expression (when, until …) and of a template. They may be nil.
	CheckExpr, CheckTemplate func(src string, pos diag.Pos) diag.List
	// Lookup reports whether there is a lookup of that name, for with_NAME. When
	// nil, those of Ansible itself are known.
	Lookup func(name string) bool

	mu    sync.Mutex
	files map[string]*document
}

// pass is one run of the loader.
type pass struct {
	l  *Loader
	ds diag.List
	// What the play being read gets besides what is written in it:
	imported []*Task // handlers of roles that tasks import
	roles    []*Role // roles whose variables all of it sees
	notified []notice
	// partial: not all of its handlers could be read.
	partial bool
}

// scope is where in the tree the loader is.
type scope struct {
	doc     *document
	play    *Play
	role    *Role
	parent  *Block
	handler bool
	// trail are the files that led here, outermost first, doc's own the last.
	trail []string
	// dependencies are the paths of the roles being loaded, against cycles.
	dependencies []string
}

// at is the place of n.
func (s scope) at(n *yaml.Node) diag.Pos { return yaml.PosOf(s.doc.path, n) }

// enter is s inside the file of doc.
func (s scope) enter(doc *document) scope {
	s.doc = doc
	s.trail = append(slices.Clip(s.trail), doc.path)
	return s
}

// within is s inside b.
func (s scope) within(b *Block) scope {
	s.parent = b
	return s
}

// Load reads the playbooks at paths with all they import. With errors in the
// list the Playbook is incomplete and must not be run.
func (l *Loader) Load(paths ...string) (*Playbook, diag.List) {
	p := &pass{l: l}
	pb := &Playbook{}
	for _, path := range paths {
		pb.Plays = append(pb.Plays, p.playbook(filepath.Clean(path), diag.Pos{File: path}, nil)...)
	}
	p.ds.Sort()
	return pb, p.ds
}

// Inclusion is what an include_tasks or include_role brings into a running play.
type Inclusion struct {
	// Block stands in the place of the including task.
	Block *Block
	// Role is the role of include_role, nil for include_tasks.
	Role *Role
	// Roles are those whose variables the whole play sees from now on.
	Roles []*Role
	// Handlers are added to the play's.
	Handlers []*Task
}

// LoadTasks reads the file that an include_tasks task names. path is the name
// after evaluation, relative to where Ansible looks for it. extra are further
// variables of the include (a loop's item), or nil.
func (l *Loader) LoadTasks(t *Task, path string, extra *value.Dict) (*Inclusion, diag.List) {
	p := &pass{l: l}
	b := p.included(t, extra)
	s := scope{play: t.Play, role: t.Role, parent: b, handler: t.Handler, trail: t.trail}
	if full, ok := p.findTasks(s, path, t.Include.Pos); ok {
		b.Body = p.taskFile(s, full, t.Include.Pos)
	}
	return p.inclusion(b), p.ds
}

// LoadRole reads the role that an include_role task names. name and from are
// evaluated: from holds strings and nils only.
func (l *Loader) LoadRole(t *Task, name string, from RoleFrom, extra *value.Dict) (*Inclusion, diag.List) {
	p := &pass{l: l}
	b := p.included(t, extra)
	s := scope{doc: l.read(t.File()), play: t.Play, role: t.Role, parent: b, trail: t.trail}
	u := roleUse{name: name, pos: t.Include.Pos, from: from, fromTask: true, given: merge(merge(value.NewDict(), t.Vars), extra)}
	u.public, _ = t.Include.Public.(bool)
	again, said := t.Include.AllowDuplicates.(bool)
	again = again || !said
	u.duplicates = &again
	entry := p.role(s, u)
	if entry == nil {
		return p.inclusion(b), p.ds
	}
	b.Body = []Node{entry}
	p.imported = append(p.imported, entry.Role.Handlers...)
	if u.public {
		p.roles = append(p.roles, entry.Role)
	}
	inc := p.inclusion(b)
	inc.Role = entry.Role
	return inc, p.ds
}

func (p *pass) inclusion(b *Block) *Inclusion {
	p.ds.Sort()
	return &Inclusion{Block: b, Roles: p.roles, Handlers: p.imported}
}

// LoadVars reads a file of variables: a mapping, whose values may hold templates.
func (l *Loader) LoadVars(path string) (*value.Dict, diag.List) {
	p := &pass{l: l}
	d := p.varsFile(path, diag.Pos{File: path})
	p.ds.Sort()
	return d, p.ds
}

// included is the block around what t includes. t's own keywords are not
// inherited by it (Ansible's rule for dynamic includes), its variables are.
func (p *pass) included(t *Task, extra *value.Dict) *Block {
	b := &Block{Kind: Included, Parent: t.Parent, Play: t.Play, Role: t.Role}
	if a := t.Include.Apply; a != nil {
		b.Level = *a
	}
	b.Pos, b.Name = t.Pos, t.Name
	if b.Vars != nil || t.Vars != nil || extra != nil {
		b.Vars = merge(merge(merge(value.NewDict(), b.Vars), t.Vars), extra)
	}
	return b
}

// static is v evaluated where it is a template: file names and the like that
// must be known while loading. what names it in the error.
func (p *pass) static(s scope, own *value.Dict, v any, pos diag.Pos, what string) (any, bool) {
	t, ok := v.(value.Template)
	if !ok {
		return v, true
	}
	if p.l.Static == nil {
		p.ds.Errorf(pos, "cannot evaluate %q while loading: %s must be known before the run starts", t.Source, what)
		return nil, false
	}
	got, err := p.l.Static(t, s.vars(own))
	if err != nil {
		d := p.ds.Errorf(pos, "cannot evaluate %q while loading: %v", t.Source, err)
		d.Hintf("%s must be known before the run starts: it cannot depend on a host's facts or results", what)
		return nil, false
	}
	return got, true
}

// staticText is static for what must be a string that is not empty.
func (p *pass) staticText(s scope, own *value.Dict, v any, pos diag.Pos, what string) (string, bool) {
	v, ok := p.static(s, own, v, pos, what)
	if !ok {
		return "", false
	}
	switch v := v.(type) {
	case string:
		if v != "" {
			return v, true
		}
	case int64, float64:
		return fmt.Sprint(v), true
	}
	p.ds.Errorf(pos, "%s must be a string, not %s", what, article(v))
	return "", false
}

// vars are the variables known at s, the last one wins.
func (s scope) vars(own *value.Dict) []*value.Dict {
	var all []*value.Dict
	if s.role != nil {
		all = append(all, s.role.AllDefaults())
	}
	if s.play != nil {
		all = append(all, value.DictOf("playbook_dir", s.play.Dir), s.play.vars())
	}
	if s.role != nil {
		all = append(all, s.role.AllVars(), value.DictOf("role_name", s.role.Name, "role_path", s.role.Path))
	}
	t := Task{Parent: s.parent}
	for _, l := range t.VarLevels() {
		all = append(all, l.Vars)
	}
	if own != nil {
		all = append(all, own)
	}
	return all
}

func (p *Play) vars() *value.Dict {
	d := merge(value.NewDict(), p.Vars)
	for _, f := range p.VarsFiles {
		merge(d, f.Loaded)
	}
	return d
}
