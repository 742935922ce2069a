// Package play reads playbooks and roles: YAML into plays, blocks, tasks and
// roles, each with its file, line and column, and everything that is wrong with
// them at once.
//
// [Loader.Load] reads playbooks with all that they import statically
// (import_playbook, import_tasks, import_role, roles: and their dependencies).
// [Loader.LoadTasks] and [Loader.LoadRole] read what include_tasks and
// include_role name while a play runs. The result is a tree of [Block] and
// [Task] below each [Play]: an import or a role is a Block too, so that what it
// says (when, tags, become, vars …) reaches the tasks in it in one way, through
// Parent. Ask a Task for what holds for it with its methods Effective, AllWhen,
// AllTags, AllEnvironment, AllNotify and VarLevels rather than reading its own fields.
//
// Text with Jinja2 in it is kept as value.Template and evaluated by others; the
// few places that must be known at load (file and role names of imports) go
// through Loader.Static. No module is known by name: the caller hands in [Modules].
// The package imports engine/yaml, engine/value and engine/diag of rp only.
package play

import (
	"rp/engine/diag"
	"rp/engine/value"
)

// Playbook is all plays of the playbooks that were loaded, imports in place, in order.
type Playbook struct {
	Plays []*Play
}

// Level is what may be said of a play, a role, a block and a task alike.
type Level struct {
	Pos diag.Pos
	// Name is what the user called it: a string, a value.Template, or nil.
	Name any
	// Settings are the keywords of Keywords that are Inherited, as written here.
	Settings map[string]Setting
	// When must all hold, in order.
	When []Cond
	// Tags are those known now; LateTags are templates that give a tag or a list
	// of tags, evaluated with the variables of the task and its host.
	Tags     []string
	LateTags []value.Template
	// Vars are nil where there are none. Their values may hold templates.
	Vars *value.Dict
	// Environment holds mappings and templates that give one; a later one wins.
	Environment []any
	// Notify names handlers or what they listen to: strings and templates.
	// nil where nothing is said of it.
	Notify []any
}

// Setting is what a keyword was given: its value (of the keyword's Type, or a
// value.Template) and where.
type Setting struct {
	Value any
	Pos   diag.Pos
}

// Cond is one condition: an expression (string), a bool, or a value.Template
// where the user wrote {{ }} into it.
type Cond struct {
	Source any
	Pos    diag.Pos
}

// Play maps hosts to tasks.
type Play struct {
	Level
	// File is the playbook it stands in, Dir that file's directory.
	File, Dir string
	// Hosts is a pattern: a string, a template, or a *value.List of those.
	Hosts    any
	HostsPos diag.Pos
	// GatherFacts, ForceHandlers: bool, a template, or nil for the default.
	GatherFacts, ForceHandlers any
	// Serial are the sizes of batches: int64, a string such as "30%", or a template. None: all hosts at once.
	Serial []any
	// Strategy is linear or free. Order is nil or one of the keyword's choices.
	Strategy, Order any
	// MaxFailPercentage is int64, float64, a template, or nil.
	MaxFailPercentage any
	VarsFiles         []VarsFile
	// Roles are those whose variables the whole play sees: of roles: and import_role, in order.
	Roles []*Role
	// The tasks, in the order in which they run; RoleBlocks are what roles: gives, one each.
	PreTasks   []Node
	RoleBlocks []*Block
	Tasks      []Node
	PostTasks  []Node
	// Handlers in the order in which they run: of roles:, of the play, of import_role.
	Handlers []*Task
}

// VarsFile is one entry of vars_files.
type VarsFile struct {
	// Paths are the alternatives of which the first that exists is taken: strings and templates.
	Paths []any
	Pos   diag.Pos
	// Loaded is what the file holds where its name is no template; File is where it was found.
	Loaded *value.Dict
	File   string
}

// Sections are the play's tasks in the order in which they run: pre_tasks,
// roles, tasks, post_tasks. Handlers run after each.
func (p *Play) Sections() [4][]Node {
	roles := make([]Node, len(p.RoleBlocks))
	for i, b := range p.RoleBlocks {
		roles[i] = b
	}
	return [4][]Node{p.PreTasks, roles, p.Tasks, p.PostTasks}
}
