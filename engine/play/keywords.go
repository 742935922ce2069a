package play

import "slices"

// Where is a set of the places that a keyword may stand in.
type Where uint8

// The places of keywords.
const (
	InPlay Where = 1 << iota
	InRole       // an entry of roles: or of a role's dependencies
	InBlock
	InTask
	InHandler

	inTasks = InTask | InHandler
	inBelow = InRole | InBlock | inTasks
	inAll   = InPlay | inBelow
)

func (w Where) String() string {
	switch w {
	case InPlay:
		return "play"
	case InRole:
		return "role"
	case InBlock:
		return "block"
	case InHandler:
		return "handler"
	}
	return "task"
}

// Type is what a keyword takes. Each but Text's Name may be a template as well,
// except where Structure is said.
type Type uint8

// The types of keywords.
const (
	Text       Type = iota
	Bool            // true, yes, on, 1 and their opposites
	Int             // a whole number, not negative
	Number          // a number, not negative
	Names           // a list of words, or words between commas
	Mapping         // keys and values
	Mappings        // a mapping, or a list of them
	Conditions      // an expression, a boolean, or a list of them
	Structure       // has a form of its own
)

// Keyword is one word of the language.
type Keyword struct {
	Name  string
	Type  Type
	Where Where
	// Inherited: what a play, role or block says holds for what is inside it,
	// unless that says otherwise. (tags, when, vars and environment add up instead.)
	Inherited bool
	// Choices are the only values there are, for a value that is no template.
	Choices []string
	// Later are values that Ansible has besides Choices and rp has not yet.
	Later []string
	// NotYet: Ansible has it and rp not yet: using it is an error.
	NotYet bool
}

// keywords are those of ansible-core 2.17 ("Playbook Keywords" in its
// documentation), sorted by name.
var keywords = []Keyword{
	{Name: "action", Type: Structure, Where: inTasks},
	{Name: "always", Type: Structure, Where: InBlock},
	{Name: "any_errors_fatal", Type: Bool, Where: inAll, Inherited: true},
	{Name: "args", Type: Structure, Where: inTasks},
	{Name: "async", Type: Int, Where: inTasks, NotYet: true},
	{Name: "become", Type: Bool, Where: inAll, Inherited: true},
	{Name: "become_exe", Type: Text, Where: inAll, Inherited: true},
	{Name: "become_flags", Type: Text, Where: inAll, Inherited: true},
	{
		Name: "become_method", Type: Text, Where: inAll, Inherited: true,
		Choices: []string{"sudo", "su", "doas", "ansible.builtin.sudo", "ansible.builtin.su", "community.general.doas"},
		Later:   []string{"runas", "pbrun", "pfexec", "dzdo", "ksu", "machinectl", "pmrun", "sesu", "enable"},
	},
	{Name: "become_user", Type: Text, Where: inAll, Inherited: true},
	{Name: "block", Type: Structure, Where: InBlock},
	{Name: "changed_when", Type: Conditions, Where: inTasks},
	{Name: "check_mode", Type: Bool, Where: inAll, Inherited: true},
	{Name: "collections", Type: Names, Where: inAll, NotYet: true},
	{
		Name: "connection", Type: Text, Where: inAll, Inherited: true,
		Choices: []string{"ssh", "local", "smart", "paramiko", "ansible.builtin.ssh", "ansible.builtin.local"},
		Later:   []string{"docker", "podman", "chroot", "winrm", "psrp", "network_cli", "netconf", "httpapi", "kubectl", "lxd", "community.docker.docker", "containers.podman.podman"},
	},
	{Name: "debugger", Type: Text, Where: inAll, NotYet: true},
	{Name: "delay", Type: Number, Where: inTasks},
	{Name: "delegate_facts", Type: Bool, Where: inBelow, Inherited: true},
	{Name: "delegate_to", Type: Text, Where: inBelow, Inherited: true},
	{Name: "diff", Type: Bool, Where: inAll, Inherited: true},
	{Name: "environment", Type: Mappings, Where: inAll},
	{Name: "fact_path", Type: Text, Where: InPlay, NotYet: true},
	{Name: "failed_when", Type: Conditions, Where: inTasks},
	{Name: "force_handlers", Type: Bool, Where: InPlay},
	{Name: "gather_facts", Type: Bool, Where: InPlay},
	{Name: "gather_subset", Type: Names, Where: InPlay, NotYet: true},
	{Name: "gather_timeout", Type: Int, Where: InPlay, NotYet: true},
	{Name: "handlers", Type: Structure, Where: InPlay},
	{Name: "hosts", Type: Structure, Where: InPlay},
	{Name: "ignore_errors", Type: Bool, Where: inAll, Inherited: true},
	{Name: "ignore_unreachable", Type: Bool, Where: inAll, Inherited: true},
	{Name: "listen", Type: Names, Where: InHandler},
	{Name: "local_action", Type: Structure, Where: inTasks},
	{Name: "loop", Type: Structure, Where: inTasks},
	{Name: "loop_control", Type: Structure, Where: inTasks},
	{Name: "max_fail_percentage", Type: Number, Where: InPlay},
	{Name: "module_defaults", Type: Mappings, Where: inAll, NotYet: true},
	{Name: "name", Type: Text, Where: inAll},
	{Name: "no_log", Type: Bool, Where: inAll, Inherited: true},
	{Name: "notify", Type: Names, Where: InBlock | inTasks},
	{Name: "order", Type: Text, Where: InPlay, Choices: []string{"inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"}},
	{Name: "poll", Type: Int, Where: inTasks, NotYet: true},
	{Name: "port", Type: Int, Where: inAll, Inherited: true},
	{Name: "post_tasks", Type: Structure, Where: InPlay},
	{Name: "pre_tasks", Type: Structure, Where: InPlay},
	{Name: "register", Type: Text, Where: inTasks},
	{Name: "remote_user", Type: Text, Where: inAll, Inherited: true},
	{Name: "rescue", Type: Structure, Where: InBlock},
	{Name: "retries", Type: Int, Where: inTasks},
	{Name: "roles", Type: Structure, Where: InPlay},
	{Name: "run_once", Type: Bool, Where: inAll, Inherited: true},
	{Name: "serial", Type: Structure, Where: InPlay},
	{
		Name: "strategy", Type: Text, Where: InPlay,
		Choices: []string{"linear", "free", "ansible.builtin.linear", "ansible.builtin.free"}, Later: []string{"host_pinned", "debug"},
	},
	{Name: "tags", Type: Names, Where: inAll},
	{Name: "tasks", Type: Structure, Where: InPlay},
	{Name: "throttle", Type: Int, Where: inAll, Inherited: true, NotYet: true},
	{Name: "timeout", Type: Int, Where: inAll, Inherited: true},
	{Name: "until", Type: Conditions, Where: inTasks},
	{Name: "user", Type: Text, Where: InPlay},
	{Name: "vars", Type: Structure, Where: inAll},
	{Name: "vars_files", Type: Structure, Where: InPlay},
	{Name: "vars_prompt", Type: Structure, Where: InPlay, NotYet: true},
	{Name: "when", Type: Conditions, Where: inBelow},
}

// Keywords is the table of all keywords, sorted by name; the documentation of
// the language is made from it.
func Keywords() []Keyword { return slices.Clone(keywords) }

var byName = func() map[string]*Keyword {
	m := make(map[string]*Keyword, len(keywords))
	for i := range keywords {
		m[keywords[i].Name] = &keywords[i]
	}
	return m
}()

// namesIn are the keywords that may stand at w, for suggestions.
func namesIn(w Where) []string {
	var names []string
	for _, k := range keywords {
		if k.Where&w != 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

// inInclude are the keywords that a task takes whose word is include_tasks or
// include_role: what is included is not inside it, so most would mean nothing.
var inInclude = []string{
	"action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control", "name", "no_log",
	"register", "run_once", "tags", "timeout", "vars", "when",
}

// loopKinds are the lookups that a task may loop over as with_KIND.
var loopKinds = []string{
	"items", "list", "dict", "fileglob", "first_found", "together", "nested", "cartesian", "subelements", "sequence",
	"indexed_items", "flattened", "lines", "random_choice", "inventory_hostnames", "vars", "file", "env", "template", "ini", "filetree", "url", "pipe",
	"varnames", "csvfile", "password", "config", "unvault",
}
