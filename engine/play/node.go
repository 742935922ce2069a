package play

import (
	"path/filepath"

	"rp/engine/diag"
	"rp/engine/value"
)

// Node is a *Block or a *Task.
type Node interface{ node() }

func (*Block) node() {}
func (*Task) node()  {}

// BlockKind says what made a block.
type BlockKind uint8

// The kinds of blocks.
const (
	Plain       BlockKind = iota // block:
	ImportTasks                  // import_tasks: Body is the file's tasks
	ImportRole                   // import_role: Body is one RoleEntry
	RoleEntry                    // a role: Body is its dependencies' RoleEntry blocks, then its RoleBody
	RoleBody                     // a role's own tasks; skipped on a host where Role.Key has run before, unless Role.AllowDuplicates
	Included                     // made by LoadTasks or LoadRole around what was included
)

func (k BlockKind) String() string {
	return [...]string{"block", "import_tasks", "import_role", "role", "role tasks", "included"}[k]
}

// Block holds nodes, and what is said of them all.
type Block struct {
	Level
	Kind                 BlockKind
	Body, Rescue, Always []Node
	Parent               *Block // nil at the top of a play
	Play                 *Play
	Role                 *Role // the role that it belongs to, or nil
}

// Task is one task or handler.
type Task struct {
	Level
	// Module is the module's own name as Modules.Find gives it (or include_tasks,
	// include_role), Action the word that was written.
	Module, Action string
	ModulePos      diag.Pos
	// Args are the arguments; a string given instead of them stands under the
	// name that Modules.Find says. ArgPos has the place of each.
	Args   *value.Dict
	ArgPos map[string]diag.Pos
	// ArgsFrom is a template that gives a mapping of further arguments
	// (`args: "{{ x }}"`, `user: "{{ x }}"`), or nil. Those in Args win over them.
	ArgsFrom *value.Template
	Loop     *Loop
	// Register is the variable that takes the result, or empty.
	Register string
	// Until is empty where there is none. Retries and Delay (seconds) are numbers, templates or nil.
	Until          []Cond
	Retries, Delay any
	// ChangedWhen and FailedWhen are nil where the module decides.
	ChangedWhen, FailedWhen []Cond
	// Listen are a handler's topics: strings and templates.
	Listen []any
	// Include is set for include_tasks and include_role only.
	Include *Include
	Handler bool
	Parent  *Block
	Play    *Play
	Role    *Role
	// includes are the files that led here, outermost first, for relative names.
	trail []string
}

// Loop is what a task is repeated over.
type Loop struct {
	// Kind is "loop", or "with_items" and its like.
	Kind string
	// Expr is what to loop over: any value, with templates.
	Expr    any
	Pos     diag.Pos
	Control Control
}

// Control is loop_control.
type Control struct {
	LoopVar  string // "item" unless said otherwise
	IndexVar string
	// Label, Pause (seconds), Extended, ExtendedAllitems: values, templates, or nil.
	Label, Pause, Extended, ExtendedAllitems any
}

// Include is what include_tasks and include_role name.
type Include struct {
	// File is include_tasks' file: a string or a template.
	File any
	// Role and From are include_role's: strings, templates, or nil for main.
	Role any
	From RoleFrom
	// Public (include_role): the role's variables and defaults are seen by the tasks after it. bool or nil.
	Public any
	// AllowDuplicates is bool or nil (true).
	AllowDuplicates any
	// Apply is what apply: says of all that is included, or nil.
	Apply *Level
	Pos   diag.Pos
}

// RoleFrom names other files of a role than main: strings, templates, or nil.
type RoleFrom struct{ Tasks, Vars, Defaults, Handlers any }

// File is the file that the task stands in.
func (t *Task) File() string { return t.Pos.File }

// Dir is the directory of the file that the task stands in.
func (t *Task) Dir() string { return filepath.Dir(t.Pos.File) }
