// Package module is the contract between the engine and its modules: what a
// module is called, what it takes, what kind of thing it is, and how it says
// what it wants.
//
// The table of modules (package modules) is built from [Spec] values; the
// engine, the load-time checks, `rp doc` and docs/modules.md all read the same
// Spec. Modules run on the target, in the helper, and see the host through
// [Target]; actions run on the controller and see the run through [Controller].
// This package imports state, value, diag and the standard library.
package module

import (
	"context"

	"rp/engine/state"
	"rp/engine/value"
)

// Kind is what sort of thing a module does.
type Kind uint8

// The kinds of module.
const (
	// States wants conditions to hold.
	States Kind = iota
	// Event does something each time it runs, unless its guard holds.
	Event
	// Probe looks and changes nothing.
	Probe
	// Action runs on the controller.
	Action
)

func (k Kind) String() string { return [...]string{"states", "event", "probe", "action"}[k] }

// Type is the type of an argument.
type Type uint8

// The types of arguments, as Ansible's argument specs have them.
const (
	String Type = iota
	Bool
	Int
	Float
	Path // a string in which ~ and $VAR are expanded
	Raw  // any value
	List // of Elem
	Dict
	Mode // an octal string or number, or a symbolic mode such as u=rw,go=r
	Bits // a size: 10M
)

func (t Type) String() string {
	return [...]string{"str", "bool", "int", "float", "path", "raw", "list", "dict", "mode", "size"}[t]
}

// Arg is one argument of a module.
type Arg struct {
	Name    string
	Aliases []string
	Type    Type
	Elem    Type // of a List
	// Required: it must be given (under any of its names).
	Required bool
	Default  any // of the type's Go form; nil for none
	Choices  []string
	// Secret: its value is never shown.
	Secret bool
	// NotYet: Ansible has it and rp does not yet: giving it is an error at load.
	NotYet bool
	Doc    string
}

// Spec describes a module.
type Spec struct {
	Name string
	// Names are other names it goes by, whole: ansible.posix.sysctl. "ansible.builtin.NAME"
	// and "ansible.legacy.NAME" need not be listed for builtin modules (Builtin).
	Names   []string
	Builtin bool
	Kind    Kind
	Short   string // one line
	Doc     string // what it does and what it does not, paragraphs
	Args    []Arg
	// Rules between arguments.
	Exclusive  [][]string // at most one of each
	OneOf      [][]string // at least one of each
	Together   [][]string // all or none of each
	RequiredIf []RequiredIf
	// FreeForm names the argument that takes a string given instead of arguments ("cmd"); "" refuses one.
	FreeForm string
	// AnyArgs accepts arguments that are not listed (set_fact, debug's var is listed, …).
	AnyArgs bool
	// Local: the result depends on nothing but this host's own files, accounts, packages,
	// units and kernel, so it may be read ahead of the other hosts.
	Local bool
	// Once: it runs once for all hosts of a batch, as if run_once were set (pause).
	Once bool
	// Steers: an action whose outcome is a word to the run (Meta); it is not counted in the recap.
	Steers bool
	// Facts: what its result has under ansible_facts becomes variables of the host.
	Facts bool
	// Examples are tasks, YAML.
	Examples string
	// Returns names and describes the result's fields.
	Returns []Return
	// Tested says per system how it was tested: "apt: Debian 12 in the lab".
	Tested []string

	// Run is the module (States, Event and Probe), nil for an Action.
	Run func(ctx context.Context, p Params, t Target) (Result, error)
	// Act is the action (Action).
	Act func(ctx context.Context, p Params, c Controller) (Outcome, error)
}

// RequiredIf asks for arguments where another has a value.
type RequiredIf struct {
	Arg   string
	Value string
	Needs []string
	Any   bool // any of Needs is enough
}

// Return describes one field of a result.
type Return struct{ Name, Type, Doc string }

// Result holds what register gets besides changed, failed, msg and diff, which
// the engine fills in. "msg", "skipped" and "failed" set here are kept. Values are of package
// value or plain Go (map[string]any, []any, []string, int …): see [value.FromGo].
type Result map[string]any

// Target is what a module sees of the host it works on. Each call of Want is a
// step: what it asks for is read, shown, written (in a dry run: imagined),
// read again and verified before it returns.
type Target interface {
	// Read looks; it is batched: give all that is needed at once.
	Read(ctx context.Context, ss ...state.State) ([]state.State, error)
	// Want brings the host to ss and gives what is there afterwards, in order.
	// States that already hold cost nothing. nil states are left out.
	Want(ctx context.Context, ss ...state.State) ([]state.State, error)
	// Do does an event.
	Do(ctx context.Context, e state.Event) (state.Outcome, error)
	Changed() bool // whether this task has changed anything so far
	Warn(format string, args ...any)
}

// Controller is what an action sees of the run.
type Controller interface {
	// Render renders a value's templates with the task's variables.
	Render(ctx context.Context, v any) (any, error)
	// RenderFile renders a template file's text; src is for messages. vars are added on top. opts are
	// the template module's arguments by name (trim_blocks: "true", variable_start_string …). It gives
	// a string, or a value.Secret or value.Unknown of one.
	RenderFile(ctx context.Context, src, text string, vars *value.Dict, opts map[string]string) (any, error)
	// Eval evaluates a bare expression (debug's var, assert's that).
	Eval(ctx context.Context, expr any) (any, error)
	// Test evaluates a condition: known reports whether it could be told.
	Test(ctx context.Context, cond any) (result, known bool, err error)
	// Find finds a file of kind "files", "templates", "vars" or "tasks" as Ansible searches, or fails naming where it looked.
	Find(kind, name string) (string, error)
	// ReadFile reads a file of the controller (or of the bundled playbook).
	ReadFile(path string) ([]byte, error)
	// WalkFiles lists the files below a directory, relative, with / between names, sorted; a
	// directory's name ends in /. Links are followed. It fails on what is no directory.
	WalkFiles(path string) ([]string, error)
	// Stat looks at a file of the controller (or of the bundled playbook), through links.
	Stat(path string) (FileInfo, error)
	// Content is a file of the controller as a state's content: its bytes where it is not larger
	// than state.InlineMax, and otherwise its hash, the file being served to the host as a "blob:".
	Content(path string) (state.Content, error)
	// LoadVars reads a YAML or JSON file of variables, decrypting it where it is a vault.
	LoadVars(path string) (*value.Dict, error)
	// Host runs a module on the host with these parameters and gives its result: copy and template
	// find and render a file, then hand a finished want to the module "file content" on the host.
	Host(ctx context.Context, module string, p map[string]any) (Result, error)
	// Local runs a module on the controller itself as Host does on the host, its changes
	// shown and journalled as any other's (fetch).
	Local(ctx context.Context, module string, p map[string]any) (Result, error)
	// Var looks up a variable.
	Var(name string) (any, bool)
	// Prompt asks the person at the terminal; ok is false where there is none.
	Prompt(ctx context.Context, text string, echo bool, seconds int) (answer string, ok bool, err error)
	// Verbosity is how often -v was given.
	Verbosity() int
}

// Outcome is what an action asks of the engine.
type Outcome struct {
	Result  Result
	Changed bool
	Failed  bool
	Skipped bool
	// Unknown: a dry run cannot tell (assert and fail on unknown values); the task "may fail".
	Unknown bool
	// Facts are variables set on the host (set_fact, include_vars by Level).
	Facts *value.Dict
	// FactLevel is "set_fact", "cacheable" (set_fact that is a fact too), "include_vars" or "facts".
	FactLevel string
	// Meta is a word of the meta module: flush_handlers, end_play, end_host, end_batch,
	// clear_host_errors, noop, refresh_inventory, reset_connection, clear_facts, end_role.
	Meta string
	// AddHost and GroupBy change the inventory.
	AddHost *AddHost
	GroupBy *GroupBy
	// Print is shown to the user as Ansible shows debug's output.
	Print any
}

// AddHost is a host to be added to the inventory at run time.
type AddHost struct {
	Name   string
	Groups []string
	Vars   *value.Dict
}

// GroupBy puts the task's host into a group, made if need be.
type GroupBy struct {
	Group   string
	Parents []string
}

// FileInfo is what an action needs to know of a file of the controller.
type FileInfo struct {
	Mode state.Mode
	Dir  bool
	Size int64
	// MTime is in nanoseconds since 1970.
	MTime int64
}
